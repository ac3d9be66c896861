"""Right backwards with unusual shapes, dtypes of inputs, numbers of outputs and kinds of gradients."""

from __future__ import annotations

import numpy as np

from judgement_cases.case import Case


def affine(x, w, b):
    return x @ w + b


def affine_backward(dy, x, w, b):
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)


def cosine(t):
    return np.cos(t)


def cosine_backward(dy, t):
    """A number, where others return an array of no axes."""
    return -float(dy) * float(np.sin(t))


def outer_sum(row, column):
    return row + column


def outer_sum_backward(dy, row, column):
    return dy.sum(axis=0, keepdims=True), dy.sum(axis=1, keepdims=True)


def shift_and_scale(x, gain, bias):
    return gain * x + bias


def shift_and_scale_backward(dy, x, gain, bias):
    return gain * dy, np.sum(dy * x), np.sum(dy, axis=(0, 1), keepdims=True)[0]


def counted(x, counts):
    return x * counts


def counted_backward(dy, x, counts):
    return dy * counts, None


def masked(x, mask):
    return np.where(mask, x * x, 0.0)


def masked_backward(dy, x, mask):
    return np.where(mask, 2.0 * dy * x, 0.0), None


def embedding(table, rows):
    return table[rows]


def embedding_backward(dy, table, rows):
    gradient = np.zeros_like(table)
    np.add.at(gradient, rows, dy)
    return gradient, None


def gather(x, places):
    return np.take_along_axis(x, places, axis=1)


def gather_backward(dy, x, places):
    gradient = np.zeros_like(x)
    rows = np.broadcast_to(np.arange(len(x))[:, None], places.shape)
    np.add.at(gradient, (rows, places), dy)
    return gradient, None


def segment_mean(x, groups):
    return np.stack([x[groups == group].mean(axis=0) for group in range(3)])


def segment_mean_backward(dy, x, groups):
    return dy[groups] / np.bincount(groups)[groups][:, None], None


def ignores_second(x, unused):
    return np.exp(x)


def none_for_unused(dy, x, unused):
    return dy * np.exp(x), None


def zeros_for_unused(dy, x, unused):
    return dy * np.exp(x), np.zeros_like(unused)


def polar(x, y):
    return np.hypot(x, y), np.arctan2(y, x)


def polar_backward(d_radius, d_angle, x, y):
    radius = np.hypot(x, y)
    return (
        d_radius * x / radius - d_angle * y / radius**2,
        d_radius * y / radius + d_angle * x / radius**2,
    )


def moments(x):
    return x.mean(), ((x - x.mean()) ** 2).mean(), np.sort(x)[-1]


def moments_backward(d_mean, d_variance, d_largest, x):
    gradient = (d_mean + 2.0 * d_variance * (x - x.mean())) / x.size
    gradient[np.argmax(x)] += d_largest
    return gradient


def with_place(x):
    return np.tanh(x), np.argmax(x)


def with_place_backward(dy, *rest):
    """Take the cotangent of whole numbers, which means nothing, if there is one."""
    return dy * (1.0 - np.tanh(rest[-1]) ** 2)


def mean(x):
    return x.mean()


def mean_backward(dy, x):
    """A read-only view of one number, as ``broadcast_to`` makes it."""
    return np.broadcast_to(dy / x.size, x.shape)


def reversed_transpose(x):
    return x.T[::-1]


def reversed_transpose_backward(dy, x):
    """A view of the cotangent, with a negative stride and in Fortran's order."""
    return dy[::-1].T


def total_over_nothing(x, w):
    return (x[:0] @ w).sum(axis=0)


def total_over_nothing_backward(dy, x, w):
    return np.zeros_like(x), np.zeros_like(w)


def einstein(a, b):
    return np.einsum("ijklm,mk->jil", a, b)


def einstein_backward(dy, a, b):
    return np.einsum("jil,mk->ijklm", dy, b), np.einsum("jil,ijklm->mk", dy, a)


def in_a_list(x, w):
    return (x * w).tolist()


def in_a_list_backward(dy, x, w):
    return [dy * w, dy * x]


def case(name, inputs, forward, backward, area="shapes", **extra):
    """Write a case about shapes."""
    return Case(name=name, area=area, inputs=inputs, forward=forward, backward=backward, extra=extra)


def whole(shape, low, high):
    """Write an integer input."""
    return {"shape": shape, "dtype": "int64", "sample": {"integers": [low, high]}}


CASES = (
    case("empty batch", {"x": [0, 3], "w": [3, 2], "b": [2]}, affine, affine_backward),
    case("batch of one, width of one", {"x": [1, 1], "w": [1, 1], "b": [1]}, affine, affine_backward),
    case("scalar with a gradient that is a float", {"t": []}, cosine, cosine_backward),
    case(
        "row plus column, broadcast",
        {"row": [1, 4], "column": [3, 1]},
        outer_sum,
        outer_sum_backward,
    ),
    case(
        "scalar gain and bias, broadcast",
        {"x": [3, 4], "gain": [], "bias": [1]},
        shift_and_scale,
        shift_and_scale_backward,
    ),
    case(
        "integer input beside a float one", {"x": [5], "counts": whole([5], 0, 9)}, counted, counted_backward
    ),
    case(
        "boolean mask",
        {"x": [6], "mask": {"value": [True, False, True, True, False, True], "dtype": "bool"}},
        masked,
        masked_backward,
    ),
    case(
        "embedding with repeated rows",
        {"table": [5, 3], "rows": {"value": [1, 3, 1, 1, 0], "dtype": "int64"}},
        embedding,
        embedding_backward,
        area="indexing",
    ),
    case(
        "gather with repeated places",
        {"x": [3, 4], "places": whole([3, 6], -4, 4)},
        gather,
        gather_backward,
        area="indexing",
    ),
    case(
        "means of groups",
        {"x": [6, 2], "groups": {"value": [2, 0, 2, 1, 0, 2], "dtype": "int64"}},
        segment_mean,
        segment_mean_backward,
        area="indexing",
    ),
    case("None for an unused input", {"x": [3], "unused": [2, 2]}, ignores_second, none_for_unused),
    case("zeros for an unused input", {"x": [3], "unused": [2, 2]}, ignores_second, zeros_for_unused),
    case(
        "two outputs",
        {"x": {"shape": [4], "sample": "positive"}, "y": [4]},
        polar,
        polar_backward,
    ),
    case("three outputs, one with a tie", {"x": [5]}, moments, moments_backward),
    case("output of whole numbers beside a float one", {"x": [5]}, with_place, with_place_backward),
    case("gradient that is a broadcast view", {"x": [3, 4]}, mean, mean_backward),
    case(
        "gradient that is a view of the cotangent",
        {"x": [3, 4]},
        reversed_transpose,
        reversed_transpose_backward,
    ),
    case("sum over no rows", {"x": [2, 3], "w": [3, 2]}, total_over_nothing, total_over_nothing_backward),
    case("contraction of five axes", {"a": [2, 1, 3, 2, 2], "b": [2, 3]}, einstein, einstein_backward),
    case("output that is a list of numbers", {"x": [4], "w": [4]}, in_a_list, in_a_list_backward),
)
