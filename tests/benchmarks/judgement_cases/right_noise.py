"""Right backwards of functions that are noisy: deterministic noise, and solvers that stop early.

The noise is far below what anybody would call a wrong value, yet a difference quotient divides it by a
small step. Each backward is the derivative of what the function stands for.
"""

from __future__ import annotations

import numpy as np

from judgement_cases.case import Case


def hashed(x):
    """Noise in [-1, 1] made from the bits of x: the same for the same x, unrelated for its neighbours."""
    bits = np.ascontiguousarray(x, dtype=np.float64).view(np.uint64)
    mixed = (bits ^ (bits >> np.uint64(29))) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0xD6E8FEB86659FD93)
    return (mixed >> np.uint64(11)).astype(np.float64) / 2.0**52 - 1.0


def noisy_sine(x, level):
    return np.sin(x) + level * hashed(x)


def noisy_sine_backward(dy, x, level):
    return dy * np.cos(x)


def noisy_linear(x, w, level):
    y = x @ w
    return y + level * hashed(y)


def noisy_linear_backward(dy, x, w, level):
    return dy @ w.T, x.T @ dy


def rounded(x):
    """Nine digits, as a value read back from a text file has."""
    return np.round(np.exp(x), 9)


def rounded_backward(dy, x):
    return dy * np.exp(x)


def fixed_point(a):
    """y = cos(a y) by iteration until y moves by less than 1e-9."""
    y = np.full_like(a, 0.7)
    for _ in range(200):
        last, y = y, np.cos(a * y)
        if np.max(np.abs(y - last)) < 1e-9:
            break
    return y


def fixed_point_backward(dy, a):
    """Differentiate y = cos(a y): y' = -sin(a y) (y + a y')."""
    y = fixed_point(a)
    sine = np.sin(a * y)
    return -dy * sine * y / (1.0 + a * sine)


def cube_root(x):
    """Newton's iteration from 1, until a step is below 1e-6; the error left is about its square."""
    y = np.ones_like(x)
    for _ in range(100):
        step = (y - x / (y * y)) / 3.0
        y = y - step
        if np.max(np.abs(step)) < 1e-6:
            break
    return y


def cube_root_backward(dy, x):
    return dy / (3.0 * np.cbrt(x) ** 2)


def power_iteration(a):
    """Largest eigenvalue of a symmetric matrix, by the Rayleigh quotient, until it moves less than 1e-11."""
    a = (a + a.T) / 2
    vector, value = np.ones(len(a)) / np.sqrt(len(a)), 0.0
    for _ in range(500):
        vector = a @ vector
        vector = vector / np.sqrt(vector @ vector)
        last, value = value, vector @ a @ vector
        if abs(value - last) < 1e-11:
            break
    return value


def power_iteration_backward(dy, a):
    _, vectors = np.linalg.eigh((a + a.T) / 2)
    return dy * np.outer(vectors[:, -1], vectors[:, -1])


def bisection(x):
    """Find y with y + y³ = x in [-4, 4], by halving down to 1e-10."""
    low, high = np.full_like(x, -4.0), np.full_like(x, 4.0)
    for _ in range(37):
        middle = (low + high) / 2
        above = middle + middle**3 > x
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return (low + high) / 2


def bisection_backward(dy, x):
    return dy / (1.0 + 3.0 * bisection(x) ** 2)


def conjugate_gradients(b):
    """Solve A x = b for a fixed A, until the residual is below 1e-8."""
    a = np.diag([2.0, 3.0, 5.0, 7.0]) + 0.5
    x, residual = np.zeros_like(b), b
    direction = residual
    while residual @ residual > 1e-16 * (b @ b):
        image = a @ direction
        length = (residual @ residual) / (direction @ image)
        x, fresh = x + length * direction, residual - length * image
        direction = fresh + (fresh @ fresh) / (residual @ residual) * direction
        residual = fresh
    return x


def conjugate_gradients_backward(dy, b):
    return np.linalg.solve(np.diag([2.0, 3.0, 5.0, 7.0]) + 0.5, dy)


def sinkhorn(cost):
    """Transport plan between equal weights at temperature 0.5, until its rows sum to 1/n within 1e-10."""
    kernel, share = np.exp(-cost / 0.5), 1.0 / len(cost)
    left, right = np.ones(len(cost)), np.ones(len(cost))
    for _ in range(1000):
        right = share / (kernel.T @ left)
        if np.max(np.abs(left * (kernel @ right) - share)) < 1e-10:
            break
        left = share / (kernel @ right)
    return np.sum(left[:, None] * kernel * right * (cost + 0.5 * np.log(left[:, None] * kernel * right)))


def sinkhorn_backward(dy, cost):
    """The optimal plan itself (Danskin's theorem), found to full precision."""
    kernel, share = np.exp(-cost / 0.5), 1.0 / len(cost)
    left = np.ones(len(cost))
    for _ in range(3000):
        right = share / (kernel.T @ left)
        left = share / (kernel @ right)
    return dy * left[:, None] * kernel * right


def case(name, inputs, forward, backward, **kwargs):
    """Write a case of noise."""
    return Case(name=name, area="noise", inputs=inputs, forward=forward, backward=backward, kwargs=kwargs)


CASES = (
    case("sine with noise of 1e-12", {"x": [5]}, noisy_sine, noisy_sine_backward, level=1e-12),
    case("sine with noise of 1e-9", {"x": [5]}, noisy_sine, noisy_sine_backward, level=1e-9),
    case(
        "linear layer with noise of 1e-9",
        {"x": [2, 3], "w": [3, 2]},
        noisy_linear,
        noisy_linear_backward,
        level=1e-9,
    ),
    case("exponential rounded to nine digits", {"x": [5]}, rounded, rounded_backward),
    case(
        "fixed point found to 1e-9",
        {"a": {"shape": [4], "sample": {"uniform": [0.3, 1.2]}}},
        fixed_point,
        fixed_point_backward,
    ),
    case(
        "cube root by Newton's iteration",
        {"x": {"shape": [4], "sample": {"uniform": [0.5, 3]}}},
        cube_root,
        cube_root_backward,
    ),
    case(
        "eigenvalue by power iteration",
        {"a": {"value": [[4.0, 1.0, 0.5], [1.0, 2.0, -0.5], [0.5, -0.5, 1.0]]}},
        power_iteration,
        power_iteration_backward,
    ),
    case(
        "root found by bisection",
        {"x": {"shape": [4], "sample": {"uniform": [-3, 3]}}},
        bisection,
        bisection_backward,
    ),
    case(
        "solution by conjugate gradients",
        {"b": {"value": [1.0, -2.0, 0.5, 3.0]}},
        conjugate_gradients,
        conjugate_gradients_backward,
    ),
    case(
        "optimal transport cost by Sinkhorn's iteration",
        {"cost": {"shape": [3, 3], "sample": {"uniform": [0, 2]}}},
        sinkhorn,
        sinkhorn_backward,
    ),
)
