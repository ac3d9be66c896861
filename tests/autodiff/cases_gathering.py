"""Calls of what reads entries along an axis, or adds to them: repeats, negative indices, each axis."""

from __future__ import annotations

from typing import Any

import numpy as np
from case_builders import CUBE, ROW, SCALAR, X
from derivative_laws import Call, sample

from gradcheck_cli.autodiff.primitive import Array

NONE = np.zeros((0, 2), int)


def taken(x: Array, indices: Any, *axes: int | None) -> list[Call]:
    indices = np.asarray(indices)
    return [Call(np.take(x, indices, axis), (x, indices), {"axis": axis}) for axis in axes]


def along(x: Array, indices: Any, *axes: int | None) -> list[Call]:
    indices = np.asarray(indices)
    return [Call(np.take_along_axis(x, indices, axis), (x, indices), {"axis": axis}) for axis in axes]


def added(x: Array, indices: Any, values: Array, axis: int = 0) -> Call:
    """NumPy's in-place addition, on a copy."""
    total, indices = x.copy(), np.asarray(indices)
    np.add.at(np.moveaxis(total, axis, 0), indices, _in_front(x, indices, values, axis))
    return Call(total, (x, indices, values), {"axis": axis})


def _in_front(x: Array, indices: Array, values: Array, axis: int) -> Array:
    """Values with the axes of the indices first, where NumPy wants them."""
    place = axis % x.ndim
    full = np.broadcast_to(values, np.take(x, indices, axis).shape)
    return np.moveaxis(full, range(place, place + indices.ndim), range(indices.ndim))


def hot(indices: Any, num_classes: int) -> Call:
    indices = np.asarray(indices)
    return Call(np.eye(num_classes, dtype=int)[indices], (indices,), {"num_classes": num_classes})


CASES: dict[str, list[Call]] = {
    "take": [
        *taken(CUBE, [1, 0, -1, 1], None, 0, 1, -1),
        *taken(CUBE, [[0, 1, 1]], None, 0, -2),
        *taken(CUBE, 1, None, 0, -1),
        *taken(CUBE, NONE, None, 1),
        *taken(CUBE, np.array([2, 2], np.int32), 1),
        *taken(SCALAR, [0, -1, 0], None),
        *taken(sample(0, 3), [2, 0], 1),
        *taken(sample(0, 3), NONE, None, 0),
    ],
    "take_along_axis": [
        *along(X, [[0, -1, 1], [1, 1, 0]], 0, 1, -1),
        *along(X, [[2, 0, 0, 1, -3]], 1),
        *along(X, [[1], [1]], -2),
        *along(CUBE, np.arange(6).reshape(2, 3, 1) % 4, -1),
        *along(CUBE, np.arange(12).reshape(1, 3, 4) % 2, 0),
        *along(CUBE, [3, 3, -24], None),
        *along(sample(1, 3), [[2], [0]], 1),
        *along(SCALAR, [0, 0], None),
        *along(sample(0, 3), np.zeros((0, 2), int), 1),
    ],
    "scatter_add": [
        added(X, [1, 0, 1, -1], sample(4, 3)),
        added(X, [[2, 0]], sample(2, 1, 2), axis=1),
        added(CUBE, [1, 1], sample(2, 2, 4), axis=-2),
        added(CUBE, [3, 3, 0], sample(3), axis=-1),
        added(CUBE, [[0, 1], [1, 1]], SCALAR),
        added(CUBE, 1, sample(3, 1)),
        added(ROW, NONE, sample(0, 2)),
        added(ROW, [[0, 2], [0, 0]], sample(2)),  # np.add.at would read beyond these values
        added(sample(0, 3), [2, 2], sample(0, 2), axis=1),
    ],
    "one_hot": [
        hot([2, 0, 2], 4),
        hot([[0], [1]], 2),
        hot(3, 5),
        hot(NONE, 3),
        hot(np.array([1], np.int8), 2),
    ],
}
