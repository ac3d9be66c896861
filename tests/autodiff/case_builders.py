"""Ways to write calls of primitives down, over shapes that are not square and broadcast."""

from __future__ import annotations

from typing import Any

import numpy as np
from derivative_laws import Call, sample

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.autodiff.primitives.indexing import Hole

X, Y = sample(2, 3), sample(2, 3, seed=3)
ROW, COLUMN, CUBE, SCALAR = sample(3, seed=5), sample(2, 1, seed=7), sample(2, 3, 4), sample(seed=9)
POSITIVE = sample(2, 3, low=0.2, high=3)
PAIRS = ((X, Y), (X, ROW), (COLUMN, ROW), (CUBE, COLUMN[..., None]), (SCALAR, X), (sample(0, 3), ROW))
AXES: tuple[Any, ...] = (None, 0, 1, -1, (0, 2), (-1, -3), ())


def unary(numpy: Any, *points: Array) -> list[Call]:
    return [Call(numpy(x), (x,)) for x in (*(points or (X, CUBE, SCALAR)), sample(0, 3))]


def binary(numpy: Any, pairs: Any = PAIRS) -> list[Call]:
    return [Call(numpy(x, y), (x, y)) for x, y in pairs]


def reduced(numpy: Any, axes: tuple[Any, ...] = AXES, **more: Any) -> list[Call]:
    return [
        Call(
            numpy(x, axis=axis, keepdims=keepdims, **more), (x,), {"axis": axis, "keepdims": keepdims, **more}
        )
        for keepdims in (False, True)
        for x, axis in [*((CUBE, axis) for axis in axes), (SCALAR, None), (sample(0, 3), 1)]
    ]


def moments(numpy: Any) -> list[Call]:
    return [
        Call(numpy(CUBE, **static), (CUBE,), static)
        for keepdims in (False, True)
        for axis in (None, 0, 1, -1, (0, 2), (-1, -3))
        for ddof in (0, 1, 1.5)
        for static in [{"axis": axis, "ddof": ddof, "keepdims": keepdims}]
    ]


def along(numpy: Any) -> list[Call]:
    return [Call(numpy(CUBE, axis), (CUBE,), {"axis": axis}) for axis in (None, 0, 1, -1, (0, 2))] + [
        Call(numpy(sample(0, 3), 1), (sample(0, 3),), {"axis": 1})
    ]


def logsumexp_of(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def softmax_of(x: Array, axis: Any) -> Array:
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


def product(numpy: Any, *shapes: tuple[tuple[int, ...], tuple[int, ...]], **static: Any) -> list[Call]:
    pairs = [(sample(*left), sample(*right, seed=4)) for left, right in shapes]
    return [Call(numpy(x, y, **static), (x, y), static) for x, y in pairs]


def einsum(subscripts: str, *shapes: tuple[int, ...]) -> Call:
    arrays = tuple(sample(*shape, seed=place) for place, shape in enumerate(shapes))
    return Call(np.einsum(subscripts, *arrays), arrays, {"subscripts": subscripts})


def reshape(x: np.ndarray, shape: int | tuple[int, ...]) -> np.ndarray:
    """Call NumPy's by position: its keyword has another name before NumPy 2.1."""
    return np.reshape(x, shape)


def moved(numpy: Any, x: Array, *named: dict[str, Any]) -> list[Call]:
    return [Call(numpy(x, **static), (x,), static) for static in named]


def joined(numpy: Any, axes: tuple[int, ...], *arrays: Array) -> list[Call]:
    return [Call(numpy(arrays, axis=axis), arrays, {"axis": axis}) for axis in axes]


def read(x: Array, template: tuple[Any, ...], *arrays: Any) -> Call:
    arrays = tuple(np.asarray(array) for array in arrays)
    filled = tuple(arrays[one.number] if isinstance(one, Hole) else one for one in template)
    return Call(x[filled], (x, *arrays), {"template": template})


def made(numpy: Any, *named: dict[str, Any]) -> list[Call]:
    return [
        Call(numpy(**{**one, "dtype": dtype}), (), {**one, "dtype": np.dtype(dtype)})
        for one in named
        for dtype in ("float64", "float32", "int64")
    ]


def arange_of(start: Any, stop: Any, step: Any, dtype: str) -> Array:
    return np.arange(start, step=step, dtype=dtype) if stop is None else np.arange(start, stop, step, dtype)


def tensordot() -> list[Call]:
    found = [
        (((2, 3), (3, 4)), 1),
        (((2, 3), (4,)), 0),
        (((2, 3, 4), (3, 4, 5)), 2),
        (((2, 3, 4), (4, 5, 2)), ((2, 0), (0, 2))),
        (((2, 3, 4), (4, 5, 2)), ((-1, 0), (0, -1))),
        (((2, 3), (5, 3)), (1, -1)),
        (((0, 3), (3, 2)), 1),
    ]
    return [call for shapes, axes in found for call in product(np.tensordot, shapes, axes=axes)]


LONG = sample(3, 4, seed=11)
MASK = X > 0
