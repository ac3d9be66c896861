"""Pooling and resampling with a wrong backward."""

from __future__ import annotations

import numpy as np

from judgement_cases.case import Case


def blocks(x):
    """Split an image into 2×2 blocks: [rows, columns] → [rows / 2, columns / 2, 4]."""
    rows, columns = x.shape
    return x.reshape(rows // 2, 2, columns // 2, 2).swapaxes(1, 2).reshape(rows // 2, columns // 2, 4)


def image(parts):
    """Put 2×2 blocks together again."""
    rows, columns, _ = parts.shape
    return parts.reshape(rows, columns, 2, 2).swapaxes(1, 2).reshape(2 * rows, 2 * columns)


def max_pool(x):
    return blocks(x).max(axis=-1)


def max_pool_all_ties(dy, x):
    parts = blocks(x)
    return image(dy[..., None] * (parts == parts.max(axis=-1, keepdims=True)))


def max_pool_integer_gradient(dy, x):
    parts = blocks(x)
    dx = np.zeros(parts.shape, dtype=int)  # cuts every gradient down to a whole number
    np.put_along_axis(dx, parts.argmax(-1)[..., None], dy[..., None].astype(int), axis=-1)
    return image(dx)


def max_pool_argmax_in_layer(x):
    parts = blocks(x)
    LAYER["argmax"] = parts.argmax(-1)[..., None]
    return parts.max(axis=-1), parts.shape


def max_pool_last_argmax(dy, shape):
    dx = np.zeros(shape, dy.dtype)
    np.put_along_axis(dx, LAYER["argmax"], dy[..., None], axis=-1)
    return image(dx)


LAYER = {}


def average_pool(x):
    return blocks(x).mean(axis=-1)


def average_pool_not_divided(dy, x):
    return np.repeat(np.repeat(dy, 2, axis=0), 2, axis=1)


def average_pool_tiled(dy, x):
    return np.tile(dy, (2, 2)) / 4


def sliding_maximum(x):
    return np.lib.stride_tricks.sliding_window_view(x, 3).max(axis=-1)


def sliding_maximum_overwritten(dy, x):
    dx = np.zeros_like(x)
    dx[np.lib.stride_tricks.sliding_window_view(x, 3).argmax(axis=-1) + np.arange(len(dy))] = dy
    return dx


def padded_average(x):
    """Mean over windows of 3, the border counted as zeros."""
    return np.lib.stride_tricks.sliding_window_view(np.pad(x, 1), 3).mean(axis=-1)


def padded_average_by_valid(dy, x):
    valid = np.full(len(x), 3.0)
    valid[[0, -1]] = 2  # the forward divides by 3 there as well
    return np.convolve(dy / valid, np.ones(3), mode="same")


def global_average(x):
    return x.mean(axis=(1, 2))


def global_average_as_sum(dy, x):
    return np.broadcast_to(dy[:, None, None], x.shape).copy()


def global_average_of_buffer(dy, x):
    raw = np.frombuffer(memoryview(dy).cast("B"), dy.dtype)  # as handed to compiled code
    return np.broadcast_to(raw[:, None, None], x.shape) / x[0].size


def upsample(x):
    return np.repeat(np.repeat(x, 2, axis=0), 2, axis=1)


def upsample_one_of_four(dy, x):
    return dy[::2, ::2].copy()


def log_sum_pool(x):
    return np.log(np.exp(blocks(x)).sum(axis=-1))


def log_sum_pool_normalised(dy, x):
    parts = np.exp(blocks(x))
    dx = image(dy[..., None] * parts / parts.sum(axis=-1, keepdims=True))
    return dx / max(1.0, float(np.linalg.norm(dx)))  # clips the gradient's norm on the way


IMAGE = {"x": [4, 6]}


def case(name, code, forward, backward, inputs=IMAGE, style="stateless"):
    return Case(
        name=name, area="pooling", code=code, inputs=inputs, forward=forward, backward=backward, style=style
    )


CASES = (
    case("max pool, whole gradient to each tie", "domain", max_pool, max_pool_all_ties),
    case("max pool, integer gradient", "wrong-dtype", max_pool, max_pool_integer_gradient),
    case(
        "max pool, argmax kept in the layer",
        "stale-state",
        max_pool_argmax_in_layer,
        max_pool_last_argmax,
        style="cache",
    ),
    case("average pool, not divided by 4", "scaled", average_pool, average_pool_not_divided),
    case("average pool, tiled for repeated", "permuted", average_pool, average_pool_tiled),
    case(
        "sliding maximum, overlaps overwritten",
        "overwritten",
        sliding_maximum,
        sliding_maximum_overwritten,
        {"x": [8]},
    ),
    case(
        "average with padding, border by valid count",
        "region",
        padded_average,
        padded_average_by_valid,
        {"x": [7]},
    ),
    case("global average, not divided", "scaled", global_average, global_average_as_sum, {"x": [3, 4, 2]}),
    case(
        "global average, cotangent's raw buffer",
        "layout-dependent",
        global_average,
        global_average_of_buffer,
        {"x": [3, 4, 2]},
    ),
    case("upsampling, one of four", "missing-term", upsample, upsample_one_of_four, {"x": [2, 3]}),
    case(
        "log-sum pool, gradient's norm clipped", "nonlinear-cotangent", log_sum_pool, log_sum_pool_normalised
    ),
)
