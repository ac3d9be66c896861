"""Right backwards at kinks: a subgradient is right there, and a difference quotient is none.

Clarke's generalized gradient is the convex hull of the gradients nearby; each backward here returns an
element of it, most often the gradient on one side.
"""

from __future__ import annotations

import numpy as np

from judgement_cases.case import Case

ONE_SIDED = "the gradient on one side of the kink"


def relu(x, at_zero):
    return np.maximum(x, 0.0)


def relu_backward(dy, x, at_zero):
    return dy * np.where(x == 0, at_zero, x > 0)


def absolute(x):
    return np.abs(x)


def absolute_backward(dy, x):
    return dy * np.sign(x)


def leaky_relu(x):
    return np.where(x > 0, x, 0.1 * x)


def leaky_relu_backward(dy, x):
    return dy * np.where(x > 0, 1.0, 0.1)


def hinge(scores, labels):
    return np.mean(np.maximum(0.0, 1.0 - labels * scores))


def hinge_backward(dy, scores, labels):
    return dy * np.where(labels * scores < 1.0, -labels, 0.0) / scores.size, None


def huber(residual, delta):
    size = np.abs(residual)
    return np.where(size <= delta, 0.5 * residual**2, delta * (size - 0.5 * delta))


def huber_backward(dy, residual, delta):
    return dy * np.clip(residual, -delta, delta)


def clip(x):
    return np.clip(x, -1.0, 1.0)


def clip_backward(dy, x):
    return dy * (np.abs(x) <= 1.0)


def soft_threshold(x, width):
    return np.sign(x) * np.maximum(np.abs(x) - width, 0.0)


def soft_threshold_backward(dy, x, width):
    return dy * (np.abs(x) > width)


def hard_swish(x):
    return x * np.clip(x + 3.0, 0.0, 6.0) / 6.0


def hard_swish_backward(dy, x):
    inside = (x > -3.0) & (x < 3.0)
    return dy * (np.clip(x + 3.0, 0.0, 6.0) / 6.0 + np.where(inside, x / 6.0, 0.0))


def pinball(prediction, target, quantile):
    residual = target - prediction
    return np.maximum(quantile * residual, (quantile - 1.0) * residual)


def pinball_backward(dy, prediction, target, quantile):
    slope = np.where(target >= prediction, quantile, quantile - 1.0)
    return -dy * slope, dy * slope


def manhattan(x):
    return np.sum(np.abs(x), axis=-1)


def manhattan_backward(dy, x):
    return dy[..., None] * np.sign(x)


def euclidean(x):
    return np.sqrt(np.sum(x * x, axis=-1))


def euclidean_backward(dy, x):
    length = np.sqrt(np.sum(x * x, axis=-1, keepdims=True))
    return dy[..., None] * np.divide(x, length, out=np.zeros_like(x), where=length > 0)


def total_variation(signal):
    return np.sum(np.abs(np.diff(signal)))


def total_variation_backward(dy, signal):
    signs = dy * np.sign(np.diff(signal))
    return np.concatenate([[0.0], signs]) - np.concatenate([signs, [0.0]])


def half_cubes(x):
    return np.abs(x) ** 1.5


def half_cubes_backward(dy, x):
    return dy * 1.5 * np.sign(x) * np.sqrt(np.abs(x))


def wild(x):
    """x² sin 1/x, which has the slope 0 at 0 but no continuous derivative there."""
    away = np.where(x == 0, 1.0, x)
    return np.where(x == 0, 0.0, x * x * np.sin(1.0 / away))


def wild_backward(dy, x):
    away = np.where(x == 0, 1.0, x)
    return dy * np.where(x == 0, 0.0, 2.0 * x * np.sin(1.0 / away) - np.cos(1.0 / away))


def sawtooth(x):
    return x - np.floor(x)


def sawtooth_backward(dy, x):
    return np.array(dy)


def hidden_unit(x, w, v):
    return np.maximum(x @ w, 0.0) @ v


def hidden_unit_backward(dy, x, w, v):
    active = x @ w > 0
    dh = (dy @ v.T) * active
    return dh @ w.T, x.T @ dh, np.maximum(x @ w, 0.0).T @ dy


FIVE = {"value": [-1.5, 0.0, 2.0, 0.0, 0.7]}

CASES = (
    *(
        Case(
            name=f"relu at zero with subgradient {slope}",
            area="kinks",
            inputs={"x": FIVE},
            forward=relu,
            backward=relu_backward,
            kwargs={"at_zero": slope},
            why="0 ≤ slope ≤ 1",
        )
        for slope in (0.0, 0.5, 1.0)
    ),
    Case(
        name="abs at zero",
        area="kinks",
        inputs={"x": FIVE},
        forward=absolute,
        backward=absolute_backward,
        why="0 lies between -1 and 1",
    ),
    Case(
        name="leaky relu at zero",
        area="kinks",
        inputs={"x": FIVE},
        forward=leaky_relu,
        backward=leaky_relu_backward,
        why=ONE_SIDED,
    ),
    Case(
        name="hinge loss at the margin",
        area="losses",
        inputs={
            "scores": {"value": [1.0, -1.0, 0.3, 2.0]},
            "labels": {"value": [1, -1, -1, 1], "dtype": "int64"},
        },
        forward=hinge,
        backward=hinge_backward,
        why=ONE_SIDED,
    ),
    Case(
        name="Huber loss at its corners",
        area="losses",
        inputs={"residual": {"value": [-1.5, 1.5, 0.0, 3.0, 0.2]}},
        forward=huber,
        backward=huber_backward,
        kwargs={"delta": 1.5},
        why="differentiable there; only its curvature jumps",
    ),
    Case(
        name="clip at both ends",
        area="kinks",
        inputs={"x": {"value": [-1.0, 1.0, 0.4, 3.0]}},
        forward=clip,
        backward=clip_backward,
        why=ONE_SIDED,
    ),
    Case(
        name="soft threshold at its corners",
        area="kinks",
        inputs={"x": {"value": [-0.5, 0.5, 0.0, 1.25]}},
        forward=soft_threshold,
        backward=soft_threshold_backward,
        kwargs={"width": 0.5},
        why=ONE_SIDED,
    ),
    Case(
        name="hard swish at its corners",
        area="kinks",
        inputs={"x": {"value": [-3.0, 3.0, 0.0, 1.0]}},
        forward=hard_swish,
        backward=hard_swish_backward,
        why=ONE_SIDED,
    ),
    Case(
        name="quantile loss at the target",
        area="losses",
        inputs={"prediction": {"value": [1.0, 2.0, 0.0]}, "target": {"value": [1.0, 2.5, -1.0]}},
        forward=pinball,
        backward=pinball_backward,
        kwargs={"quantile": 0.9},
        why=ONE_SIDED,
    ),
    Case(
        name="L1 norm at zeros",
        area="kinks",
        inputs={"x": {"value": [[0.0, 1.0, -2.0], [0.0, 0.0, 0.0]]}},
        forward=manhattan,
        backward=manhattan_backward,
        why="0 lies between -1 and 1",
    ),
    Case(
        name="Euclidean norm of a zero vector",
        area="kinks",
        inputs={"x": {"value": [[0.0, 0.0, 0.0], [3.0, 0.0, 4.0]]}},
        forward=euclidean,
        backward=euclidean_backward,
        why="0 is the centre of the unit ball of subgradients",
    ),
    Case(
        name="total variation of a flat signal",
        area="kinks",
        inputs={"signal": {"value": [1.0, 1.0, 2.0, 2.0, 2.0, -1.0]}},
        forward=total_variation,
        backward=total_variation_backward,
        why="0 lies between the signs",
    ),
    Case(
        name="|x|^1.5 at zero",
        area="kinks",
        inputs={"x": {"value": [0.0, 1.0, -0.25]}},
        forward=half_cubes,
        backward=half_cubes_backward,
        why="differentiable there, with the slope 0; only its curvature is infinite",
    ),
    Case(
        name="x² sin 1/x at zero",
        area="kinks",
        inputs={"x": {"value": [0.0, 0.5, -2.0]}},
        forward=wild,
        backward=wild_backward,
        why="|x sin 1/x| ≤ |x| goes to 0 with x",
    ),
    Case(
        name="sawtooth, which jumps at whole numbers",
        area="kinks",
        inputs={"x": [6]},
        forward=sawtooth,
        backward=sawtooth_backward,
        why="slope 1 on both sides of each jump",
    ),
    Case(
        name="hidden unit that is exactly zero",
        area="kinks",
        inputs={
            "x": {"value": [[1.0, -1.0], [0.5, 2.0]]},
            "w": {"value": [[1.0, 2.0, -0.5], [1.0, -1.0, 0.25]]},
            "v": {"value": [[1.5], [-1.0], [0.5]]},
        },
        forward=hidden_unit,
        backward=hidden_unit_backward,
        why="the gradient where that unit is a little lower",
    ),
)
