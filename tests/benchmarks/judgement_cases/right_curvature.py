"""Right backwards where difference quotients are at their worst: cancellation and high curvature."""

from __future__ import annotations

import numpy as np

from judgement_cases.case import Case


def there_and_back(x):
    return (1.0 + x) - 1.0


def there_and_back_backward(dy, x):
    return np.array(dy)


def one_minus_cosine(x):
    return 1.0 - np.cos(x)


def one_minus_cosine_backward(dy, x):
    return dy * np.sin(x)


def log_of_one_plus(x):
    return np.log(1.0 + x)


def log_of_one_plus_backward(dy, x):
    return dy / (1.0 + x)


def raw_variance(x):
    return np.mean(x * x) - np.mean(x) ** 2


def raw_variance_backward(dy, x):
    return 2.0 * dy * (x - np.mean(x)) / x.size


def difference_of_roots(x):
    return np.sqrt(x + 1.0) - np.sqrt(x)


def difference_of_roots_backward(dy, x):
    return 0.5 * dy * (1.0 / np.sqrt(x + 1.0) - 1.0 / np.sqrt(x))


def sine_quotient(x):
    return np.sin(x) / x


def sine_quotient_backward(dy, x):
    return dy * (x * np.cos(x) - np.sin(x)) / (x * x)


def cubic(x):
    """(x - 1)³, multiplied out."""
    return x**3 - 3.0 * x**2 + 3.0 * x - 1.0


def cubic_backward(dy, x):
    return 3.0 * dy * (x - 1.0) ** 2


def offset(x):
    return 1e8 + np.sin(x)


def offset_backward(dy, x):
    return dy * np.cos(x)


def fast_sine(x, frequency):
    return np.sin(frequency * x)


def fast_sine_backward(dy, x, frequency):
    return dy * frequency * np.cos(frequency * x)


def steep_exponential(x):
    return np.exp(20.0 * x)


def steep_exponential_backward(dy, x):
    return 20.0 * dy * np.exp(20.0 * x)


def steep_tanh(x):
    return np.tanh(100.0 * x)


def steep_tanh_backward(dy, x):
    return 100.0 * dy / np.cosh(np.clip(100.0 * x, -300.0, 300.0)) ** 2


def narrow_bell(x, width):
    return np.exp(-0.5 * ((x - 0.5) / width) ** 2)


def narrow_bell_backward(dy, x, width):
    return -dy * (x - 0.5) / width**2 * narrow_bell(x, width)


def near_pole(x):
    return 1.0 / (1.001 - x)


def near_pole_backward(dy, x):
    return dy / (1.001 - x) ** 2


def topologist(x):
    return np.sin(1.0 / x)


def topologist_backward(dy, x):
    return -dy * np.cos(1.0 / x) / (x * x)


def cold_softmax(x):
    weights = np.exp(100.0 * (x - x.max()))
    return weights / weights.sum()


def cold_softmax_backward(dy, x):
    y = cold_softmax(x)
    return 100.0 * y * (dy - np.sum(dy * y))


def rough(x):
    """Six terms of Weierstrass' function, which would be differentiable nowhere."""
    return sum(0.5**k * np.cos(5.0**k * x) for k in range(6))


def rough_backward(dy, x):
    return -dy * sum(2.5**k * np.sin(5.0**k * x) for k in range(6))


def chebyshev(x):
    """T₃₀ by its recurrence."""
    last, this = np.ones_like(x), x
    for _ in range(29):
        last, this = this, 2.0 * x * this - last
    return this


def chebyshev_backward(dy, x):
    """T₃₀' = 30 U₂₉, by the recurrence of U."""
    last, this = np.ones_like(x), 2.0 * x
    for _ in range(28):
        last, this = this, 2.0 * x * this - last
    return 30.0 * dy * this


def flat(x):
    return np.exp(-1.0 / (x * x))


def flat_backward(dy, x):
    return 2.0 * dy / x**3 * flat(x)


def softened_abs(x):
    return np.sqrt(x * x + 1e-12)


def softened_abs_backward(dy, x):
    return dy * x / softened_abs(x)


def pendulum(start):
    """Angle and speed after one unit of time, by 50 steps of the Runge–Kutta method."""
    return runge_kutta(lambda y: np.stack([y[1], -np.sin(y[0])]), start, 0.02)


def pendulum_backward(dy, start):
    """Solve the adjoint equation backwards along with the pendulum's own: right to the method's order."""

    def field(y):
        return np.stack([y[1], -np.sin(y[0]), y[3] * np.cos(y[0]), -y[2]])

    end = pendulum(start)
    return runge_kutta(field, np.concatenate([end, dy]), -0.02)[2:]


def runge_kutta(field, y, step):
    for _ in range(50):
        k1 = field(y)
        k2 = field(y + step / 2.0 * k1)
        k3 = field(y + step / 2.0 * k2)
        k4 = field(y + step * k3)
        y = y + step / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)
    return y


def stiff_decay(rate):
    """Implicit Euler, y ← y / (1 + h·rate), forty steps."""
    return (1.0 + 0.05 * rate) ** -40.0


def stiff_decay_backward(dy, rate):
    return -40.0 * 0.05 * dy * (1.0 + 0.05 * rate) ** -41.0


def logistic_orbit(x):
    """Twelve steps of the chaotic map x ← 3.9 x (1 - x)."""
    for _ in range(12):
        x = 3.9 * x * (1.0 - x)
    return x


def logistic_orbit_backward(dy, x):
    slope = dy
    for _ in range(12):
        slope = slope * 3.9 * (1.0 - 2.0 * x)
        x = 3.9 * x * (1.0 - x)
    return slope


def between(low, high, shape=(5,)):
    """Write an input with a domain."""
    return {"x": {"shape": list(shape), "sample": {"uniform": [low, high]}}}


def case(name, inputs, forward, backward, area="curvature", **kwargs):
    """Write a case of one input."""
    return Case(name=name, area=area, inputs=inputs, forward=forward, backward=backward, kwargs=kwargs)


LOST = "cancellation"
ANY = {"x": [5]}

CASES = (
    case("(1 + x) - 1 of small x", between(-1e-6, 1e-6), there_and_back, there_and_back_backward, LOST),
    case("(1 + x) - 1", ANY, there_and_back, there_and_back_backward, LOST),
    case("1 - cos x near 0", between(-1e-3, 1e-3), one_minus_cosine, one_minus_cosine_backward, LOST),
    case("log(1 + x) by hand", between(1e-7, 1e-5), log_of_one_plus, log_of_one_plus_backward, LOST),
    case(
        "variance as E[x²] - E[x]²",
        {"x": {"shape": [6], "sample": {"normal": [1000, 1]}}},
        raw_variance,
        raw_variance_backward,
        LOST,
    ),
    case(
        "difference of square roots",
        between(1e5, 1e6),
        difference_of_roots,
        difference_of_roots_backward,
        LOST,
    ),
    case("sin x / x near 0", between(1e-3, 1e-2), sine_quotient, sine_quotient_backward, LOST),
    case("(x - 1)³ multiplied out", between(0.9, 1.2), cubic, cubic_backward, LOST),
    case("sine on top of 1e8", ANY, offset, offset_backward, LOST),
    case("sin 1000x", ANY, fast_sine, fast_sine_backward, frequency=1e3),
    case("sin 1e5x", ANY, fast_sine, fast_sine_backward, frequency=1e5),
    case("exp 20x", ANY, steep_exponential, steep_exponential_backward),
    case("tanh 100x", between(-0.05, 0.05), steep_tanh, steep_tanh_backward),
    case("bell of width 1e-3", between(0.497, 0.503), narrow_bell, narrow_bell_backward, width=1e-3),
    case("bell of width 1e-6", between(0.499997, 0.500003), narrow_bell, narrow_bell_backward, width=1e-6),
    case("1 / (1.001 - x) up to 1", between(0.98, 1.0), near_pole, near_pole_backward),
    case("sin 1/x near 0", between(0.005, 0.02), topologist, topologist_backward),
    case("softmax at temperature 0.01", between(-0.05, 0.05), cold_softmax, cold_softmax_backward),
    case("Weierstrass' function, six terms", ANY, rough, rough_backward),
    case("Chebyshev polynomial of degree 30", between(-1, 1), chebyshev, chebyshev_backward),
    case("exp(-1/x²), flat near 0", {"x": {"value": [1e-3, 0.03, 0.2, -1.0]}}, flat, flat_backward),
    case(
        "abs softened by 1e-6",
        {"x": {"value": [0.0, 1e-6, -3e-7, 1.0]}},
        softened_abs,
        softened_abs_backward,
    ),
    case("pendulum by its adjoint equation", {"start": [2]}, pendulum, pendulum_backward),
    case("forty steps of implicit Euler", between(0, 50), stiff_decay, stiff_decay_backward),
    case("twelve steps of a chaotic map", between(0.1, 0.9), logistic_orbit, logistic_orbit_backward),
)
