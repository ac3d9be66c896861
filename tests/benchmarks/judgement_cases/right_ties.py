"""Right backwards of maxima, sorts and medians at ties, where any split is right that some order gives."""

from __future__ import annotations

import numpy as np

from judgement_cases.case import Case


def larger(a, b):
    return np.maximum(a, b)


def larger_backward(dy, a, b):
    share = (a > b) + 0.5 * (a == b)
    return dy * share, dy * (1.0 - share)


def lowest(x):
    return np.min(x, axis=1)


def lowest_backward(dy, x):
    dx = np.zeros_like(x)
    np.put_along_axis(dx, np.argmin(x, axis=1)[:, None], dy[:, None], axis=1)
    return dx


def highest(x):
    return np.max(x, axis=1)


def highest_backward(dy, x):
    tied = x == np.max(x, axis=1, keepdims=True)
    return dy[:, None] * tied / tied.sum(axis=1, keepdims=True)


def max_pool(image):
    rows, columns = image.shape
    blocks = image.reshape(rows // 2, 2, columns // 2, 2).transpose(0, 2, 1, 3)
    return blocks.reshape(rows // 2, columns // 2, 4).max(axis=-1)


def max_pool_backward(dy, image):
    rows, columns = image.shape
    blocks = image.reshape(rows // 2, 2, columns // 2, 2).transpose(0, 2, 1, 3).reshape(*dy.shape, 4)
    gradient = np.zeros_like(blocks)
    np.put_along_axis(gradient, blocks.argmax(axis=-1)[..., None], dy[..., None], axis=-1)
    return gradient.reshape(*dy.shape, 2, 2).transpose(0, 2, 1, 3).reshape(image.shape)


def ascending(x):
    return np.sort(x)


def ascending_backward(dy, x):
    dx = np.empty_like(dy)
    dx[np.argsort(x, kind="stable")] = dy
    return dx


def median(x):
    return np.median(x)


def median_backward(dy, x):
    dx = np.zeros_like(x)
    dx[np.argsort(x, kind="stable")[x.size // 2]] = dy
    return dx


def largest_magnitude(x):
    return np.max(np.abs(x))


def largest_magnitude_backward(dy, x):
    dx = np.zeros_like(x)
    place = np.argmax(np.abs(x))
    dx[place] = dy * np.sign(x[place])
    return dx


def running_maximum(x):
    return np.maximum.accumulate(x)


def running_maximum_backward(dy, x):
    leader = np.maximum.accumulate(np.where(x == np.maximum.accumulate(x), np.arange(x.size), 0))
    dx = np.zeros_like(x)
    np.add.at(dx, leader, dy)
    return dx


CASES = (
    Case(
        name="maximum of equal numbers",
        area="ties",
        inputs={"a": {"value": [1.0, 2.0, -1.0]}, "b": {"value": [1.0, 0.5, -1.0]}},
        forward=larger,
        backward=larger_backward,
        why="half of each side",
    ),
    Case(
        name="min with ties, to the first",
        area="ties",
        inputs={"x": {"value": [[3.0, 1.0, 1.0], [2.0, 2.0, 2.0]]}},
        forward=lowest,
        backward=lowest_backward,
        why="the gradient where the first is a little lower",
    ),
    Case(
        name="max with ties, shared",
        area="ties",
        inputs={"x": [3, 4]},
        forward=highest,
        backward=highest_backward,
        why="the mean of the gradients where either is a little higher",
    ),
    Case(
        name="max pooling with ties, to the first",
        area="pooling",
        inputs={
            "image": {"value": [[1, 1, 0, 2], [0, 1, 2, 2], [3, 0, 0, 0], [0, 3, 0, 0]], "dtype": "float64"}
        },
        forward=max_pool,
        backward=max_pool_backward,
        why="the gradient where the first is a little higher",
    ),
    Case(
        name="sort with a tie",
        area="ties",
        inputs={"x": {"value": [2.0, -1.0, 2.0, 0.5]}},
        forward=ascending,
        backward=ascending_backward,
        why="the gradient where the first of the two is a little lower",
    ),
    Case(
        name="sort with three equal values",
        area="ties",
        inputs={"x": {"value": [2.0, -1.0, 2.0, 0.5, 2.0]}},
        forward=ascending,
        backward=ascending_backward,
        why="the gradient where they ascend a little in their order",
    ),
    Case(
        name="median with a tie",
        area="ties",
        inputs={"x": {"value": [3.0, 2.0, 1.0, 2.0, 5.0]}},
        forward=median,
        backward=median_backward,
        why="the gradient where the chosen one lies in the middle",
    ),
    Case(
        name="running maximum with ties, to the last",
        area="ties",
        inputs={"x": {"value": [1.0, 0.5, 1.0, 2.0, 2.0]}},
        forward=running_maximum,
        backward=running_maximum_backward,
        why="the gradient where the later of two equals is a little higher",
    ),
    Case(
        name="max norm with ties of both signs",
        area="ties",
        inputs={"x": {"value": [2.0, -2.0, 1.0]}},
        forward=largest_magnitude,
        backward=largest_magnitude_backward,
        why="the gradient where the first is a little larger",
    ),
)
