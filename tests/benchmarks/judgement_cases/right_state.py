"""Right backwards of layers that keep something: state, buffers, caches; or that hand arrays through."""

from __future__ import annotations

import numpy as np

from judgement_cases.case import Case


class Affine:
    """A layer as in many a course: forward keeps its input, backward leaves dW and db behind."""

    def forward(self, x, w, b):
        self.x, self.w = x, w
        return x @ w + b

    def backward(self, dy):
        self.dw, self.db = self.x.T @ dy, dy.sum(axis=0)
        return dy @ self.w.T


LAYER = Affine()
SCRATCH = np.empty((64, 64))
VALUES, SLOPES = np.empty(64), np.empty(64)
KNOWN: dict[bytes, np.ndarray] = {}


def affine(x, w, b):
    return LAYER.forward(x, w, b)


def affine_backward(dy, x, w, b):
    dx = LAYER.backward(dy)
    return [dx, LAYER.dw, LAYER.db]


def buffered(x):
    """Work in a buffer that every call overwrites, and hand out a copy."""
    work = SCRATCH[: x.shape[0], : x.shape[1]]
    np.multiply(x, x, out=work)
    work += x
    return work.copy()


def buffered_backward(dy, x):
    work = SCRATCH[: x.shape[0], : x.shape[1]]
    np.multiply(2.0, x, out=work)
    work += 1.0
    work *= dy
    return work.copy()


def reused(x):
    """Hand out the buffer itself: the next call overwrites what this one returned."""
    return np.multiply(x, x, out=VALUES[: x.size])


def reused_backward(dy, x):
    return np.multiply(2.0 * dy, x, out=SLOPES[: x.size])


def neighbours(x):
    """Sum neighbours in place, in an array of its own."""
    y = x.copy()
    y[1:] += x[:-1]
    return y


def neighbours_backward(dy, x):
    dx = dy.copy()
    dx[:-1] += dy[1:]
    return dx


def remembered(x):
    """Look an earlier result up by the input's bytes."""
    key = x.tobytes()
    if key not in KNOWN:
        KNOWN[key] = np.exp(np.sin(x))
    return KNOWN[key]


def remembered_backward(dy, x):
    return dy * remembered(x) * np.cos(x)


def identity(x):
    """Hand the input itself out."""
    return x


def identity_backward(dy, x):
    """Hand the cotangent itself out."""
    return dy


def flattened(x):
    """Hand out a view of the input."""
    return x.reshape(-1)


def flattened_backward(dy, x):
    return dy.reshape(x.shape)


def residual(x, w):
    """Hand the input out beside a value computed from it."""
    return x, x + np.tanh(x @ w)


def residual_backward(d_same, d_sum, x, w):
    dz = d_sum * (1.0 - np.tanh(x @ w) ** 2)
    return d_same + d_sum + dz @ w.T, x.T @ dz


def gated(x, gate, *, slope=1.0, curve="tanh"):
    return x * (np.tanh(slope * gate) if curve == "tanh" else gate)


def gated_backward(dy, x, gate, *, slope=1.0, curve="tanh"):
    squashed = np.tanh(slope * gate)
    return dy * squashed, dy * x * slope * (1.0 - squashed**2)


def noisy_gate(x):
    """Draw from a generator that is seeded anew at every call."""
    draws = np.random.default_rng(7).normal(size=x.shape)
    return x * draws, draws


def noisy_gate_backward(dy, draws):
    return dy * draws


def pair_of_squares(x, w):
    return np.square(x) @ w, {"x": x, "w": w}


def pair_of_squares_backward(dy, cache):
    """Gradients by the inputs' names."""
    return {"w": np.square(cache["x"]).T @ dy, "x": 2.0 * cache["x"] * (dy @ cache["w"].T)}


def cubes(x, w):
    y = x**3 * w
    return y, lambda dy: (3.0 * dy * x**2 * w, np.sum(dy * x**3))


def case(name, inputs, forward, backward=None, style="stateless", **kwargs):
    """Write a case about state."""
    return Case(
        name=name, area="state", inputs=inputs, forward=forward, backward=backward, style=style, kwargs=kwargs
    )


AFFINE = {"x": [3, 4], "w": [4, 2], "b": [2]}

CASES = (
    case("layer object that keeps its input", AFFINE, affine, affine_backward),
    case("scratch buffer of its own", {"x": [3, 4]}, buffered, buffered_backward),
    case("buffer that the next call overwrites", {"x": [5]}, reused, reused_backward),
    case("sums in place on a copy", {"x": [6]}, neighbours, neighbours_backward),
    case("results looked up by the input's bytes", {"x": [5]}, remembered, remembered_backward),
    case("identity, which returns its input", {"x": [3, 2]}, identity, identity_backward),
    case("flattening, which returns a view", {"x": [2, 3, 2]}, flattened, flattened_backward),
    case("input handed out beside another output", {"x": [2, 3], "w": [3, 3]}, residual, residual_backward),
    case("keyword arguments", {"x": [5], "gate": [5]}, gated, gated_backward, slope=2.5, curve="tanh"),
    case("random numbers from a fixed seed", {"x": [6]}, noisy_gate, noisy_gate_backward, "cache"),
    case("gradients by name", {"x": [3, 2], "w": [2, 4]}, pair_of_squares, pair_of_squares_backward, "cache"),
    case("pullback that remembers what it needs", {"x": [4], "w": []}, cubes, style="pullback"),
)
