"""Calls of normalizations: each axis and argument, with and without what may be left out."""

from __future__ import annotations

from typing import Any

import numpy as np
from derivative_laws import Call, sample

from gradcheck_cli.autodiff.primitive import Array

ONE, ZERO = np.array(1.0), np.array(0.0)


def standardized(x: Array, axes: tuple[int, ...], eps: float) -> Array:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def channels(operand: Array, x: Array) -> Array:
    return operand.reshape(-1, *(1,) * (x.ndim - 2))


def trailing(normalized_shape: Any) -> tuple[int, ...]:
    lengths = (normalized_shape,) if isinstance(normalized_shape, int) else normalized_shape
    return tuple(range(-len(lengths), 0))


def layer_norm(x: Array, weight: Array, bias: Array, normalized_shape: Any, eps: float) -> Array:
    return standardized(x, trailing(normalized_shape), eps) * weight + bias


def rms_norm(x: Array, weight: Array, normalized_shape: Any, eps: float | None) -> Array:
    mean = np.mean(x**2, trailing(normalized_shape), keepdims=True)
    return x / np.sqrt(mean + (2.0**-52 if eps is None else eps)) * weight


def group_norm(x: Array, weight: Array, bias: Array, num_groups: int, eps: float) -> Array:
    groups = np.split(x, num_groups, axis=1)
    y = np.concatenate([standardized(one, tuple(range(1, x.ndim)), eps) for one in groups], axis=1)
    return y * channels(weight, x) + channels(bias, x)


def batch_norm(x: Array, mean: Array, var: Array, weight: Array, bias: Array, **static: Any) -> Array:
    if static["training"]:
        y = standardized(x, (0, *range(2, x.ndim)), static["eps"])
    else:
        y = (x - channels(mean, x)) / np.sqrt(channels(var, x) + static["eps"])
    return y * channels(weight, x) + channels(bias, x)


def call(numpy: Any, *operands: Array, **static: Any) -> Call:
    return Call(numpy(*operands, **static), operands, static)


def batch(*shape: int, training: bool, affine: bool = True, eps: float = 1e-5) -> Call:
    own = shape[1]
    running = (sample(own, seed=2), sample(own, low=0.2, seed=3))
    scale = (sample(own, seed=4), sample(own, seed=5)) if affine else (ONE, ZERO)
    statistics = (ZERO, ONE) if training and not affine else running
    static = {"training": training, "momentum": 0.1, "eps": eps}
    return call(batch_norm, sample(*shape), *statistics, *scale, **static)


CUBE, X = sample(2, 3, 4), sample(2, 3)
CASES: dict[str, list[Call]] = {
    "layer_norm": [
        call(layer_norm, CUBE, sample(4, seed=1), sample(4, seed=2), normalized_shape=4, eps=1e-5),
        call(layer_norm, CUBE, sample(3, 4, seed=1), ZERO, normalized_shape=(3, 4), eps=0.1),
        call(layer_norm, X, ONE, sample(2, 3, seed=2), normalized_shape=(2, 3), eps=0),
        call(layer_norm, sample(0, 3), ONE, ZERO, normalized_shape=(3,), eps=1e-5),
    ],
    "rms_norm": [
        call(rms_norm, CUBE, sample(4, seed=1), normalized_shape=(4,), eps=None),
        call(rms_norm, CUBE, ONE, normalized_shape=(3, 4), eps=0.1),
        call(rms_norm, X, sample(2, 3, seed=1), normalized_shape=(2, 3), eps=0),
        call(rms_norm, sample(0, 3), ONE, normalized_shape=3, eps=None),
    ],
    "group_norm": [
        call(group_norm, sample(2, 4, 3), sample(4, seed=1), sample(4, seed=2), num_groups=2, eps=1e-5),
        call(group_norm, sample(2, 6, 2, 1), ONE, sample(6, seed=2), num_groups=3, eps=0.1),
        call(group_norm, sample(2, 6), sample(6, seed=1), ZERO, num_groups=1, eps=0),
        call(group_norm, sample(0, 4, 3), ONE, ZERO, num_groups=2, eps=1e-5),
    ],
    "batch_norm": [
        batch(4, 3, training=True),
        batch(2, 3, 4, training=True, affine=False, eps=0.1),
        batch(3, 2, 2, 3, training=True),
        batch(4, 3, training=False),
        batch(2, 3, 2, 2, training=False, affine=False, eps=0.1),
        batch(0, 3, training=False),
    ],
}  # fmt: skip
