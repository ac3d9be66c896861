"""Calls of every primitive: shapes that are not square, broadcasting, each axis and keyword."""

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


def _unary(numpy: Any, *points: Array) -> list[Call]:
    return [Call(numpy(x), (x,)) for x in (*(points or (X, CUBE, SCALAR)), sample(0, 3))]


def _binary(numpy: Any, pairs: Any = PAIRS) -> list[Call]:
    return [Call(numpy(x, y), (x, y)) for x, y in pairs]


def _reduced(numpy: Any, axes: tuple[Any, ...] = AXES, **more: Any) -> list[Call]:
    return [
        Call(
            numpy(x, axis=axis, keepdims=keepdims, **more), (x,), {"axis": axis, "keepdims": keepdims, **more}
        )
        for keepdims in (False, True)
        for x, axis in [*((CUBE, axis) for axis in axes), (SCALAR, None), (sample(0, 3), 1)]
    ]


def _moments(numpy: Any) -> list[Call]:
    return [
        Call(numpy(CUBE, **static), (CUBE,), static)
        for keepdims in (False, True)
        for axis in (None, 0, 1, -1, (0, 2), (-1, -3))
        for ddof in (0, 1, 1.5)
        for static in [{"axis": axis, "ddof": ddof, "keepdims": keepdims}]
    ]


def _along(numpy: Any) -> list[Call]:
    return [Call(numpy(CUBE, axis), (CUBE,), {"axis": axis}) for axis in (None, 0, 1, -1, (0, 2))] + [
        Call(numpy(sample(0, 3), 1), (sample(0, 3),), {"axis": 1})
    ]


def _lse(x: Array, axis: Any = None, keepdims: bool = False) -> Array:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def _softmax(x: Array, axis: Any) -> Array:
    return np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True)


def _product(numpy: Any, *shapes: tuple[tuple[int, ...], tuple[int, ...]], **static: Any) -> list[Call]:
    pairs = [(sample(*left), sample(*right, seed=4)) for left, right in shapes]
    return [Call(numpy(x, y, **static), (x, y), static) for x, y in pairs]


def _einsum(subscripts: str, *shapes: tuple[int, ...]) -> Call:
    arrays = tuple(sample(*shape, seed=place) for place, shape in enumerate(shapes))
    return Call(np.einsum(subscripts, *arrays), arrays, {"subscripts": subscripts})


def reshape(x: np.ndarray, shape: int | tuple[int, ...]) -> np.ndarray:
    """Call NumPy's by position: its keyword has another name before NumPy 2.1."""
    return np.reshape(x, shape)


def _moved(numpy: Any, x: Array, *named: dict[str, Any]) -> list[Call]:
    return [Call(numpy(x, **static), (x,), static) for static in named]


def _joined(numpy: Any, axes: tuple[int, ...], *arrays: Array) -> list[Call]:
    return [Call(numpy(arrays, axis=axis), arrays, {"axis": axis}) for axis in axes]


def _read(x: Array, template: tuple[Any, ...], *arrays: Any) -> Call:
    arrays = tuple(np.asarray(array) for array in arrays)
    filled = tuple(arrays[one.number] if isinstance(one, Hole) else one for one in template)
    return Call(x[filled], (x, *arrays), {"template": template})


def _made(numpy: Any, *named: dict[str, Any]) -> list[Call]:
    return [
        Call(numpy(**{**one, "dtype": dtype}), (), {**one, "dtype": np.dtype(dtype)})
        for one in named
        for dtype in ("float64", "float32", "int64")
    ]


def _arange(start: Any, stop: Any, step: Any, dtype: str) -> Array:
    return np.arange(start, step=step, dtype=dtype) if stop is None else np.arange(start, stop, step, dtype)


def _tensordot() -> list[Call]:
    found = [
        (((2, 3), (3, 4)), 1),
        (((2, 3), (4,)), 0),
        (((2, 3, 4), (3, 4, 5)), 2),
        (((2, 3, 4), (4, 5, 2)), ((2, 0), (0, 2))),
        (((2, 3, 4), (4, 5, 2)), ((-1, 0), (0, -1))),
        (((2, 3), (5, 3)), (1, -1)),
        (((0, 3), (3, 2)), 1),
    ]
    return [call for shapes, axes in found for call in _product(np.tensordot, shapes, axes=axes)]


LONG = sample(3, 4, seed=11)
MASK = X > 0
CASES: dict[str, list[Call]] = {
    "add": _binary(np.add),
    "subtract": _binary(np.subtract),
    "multiply": _binary(np.multiply),
    "divide": _binary(np.divide),
    "power": _binary(
        np.power, ((POSITIVE, Y), (POSITIVE, ROW), (COLUMN + 3, ROW), (sample(0, 3, low=1), ROW))
    ),
    "maximum": _binary(np.maximum),
    "minimum": _binary(np.minimum),
    "negative": _unary(np.negative),
    "exp": _unary(np.exp),
    "expm1": _unary(np.expm1),
    "log": _unary(np.log, POSITIVE),
    "log1p": _unary(np.log1p, POSITIVE),
    "sqrt": _unary(np.sqrt, POSITIVE),
    "square": _unary(np.square),
    "abs": _unary(np.abs),
    "sign": _unary(np.sign),
    "sin": _unary(np.sin),
    "cos": _unary(np.cos),
    "tan": _unary(np.tan, X / 3),
    "tanh": _unary(np.tanh),
    "sigmoid": _unary(lambda x: 1 / (1 + np.exp(-x))),
    "relu": _unary(lambda x: x * (x > 0)),
    "softplus": _unary(lambda x: np.log(1 + np.exp(x))),
    "where": [
        Call(np.where(condition, x, y), (condition, x, y))
        for condition, x, y in ((MASK, X, Y), (MASK, ROW, COLUMN), (MASK[0], CUBE[..., 0], SCALAR))
    ],
    **{
        name: [*_binary(getattr(np, name)), Call(getattr(np, name)(X, X), (X, X))]
        for name in ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")
    },
    "logical_and": [*_binary(np.logical_and), Call(MASK & (Y > 0), (MASK, Y > 0))],
    "logical_or": [*_binary(np.logical_or), Call(MASK | (Y > 0), (MASK, Y > 0))],
    "logical_not": [*_unary(np.logical_not), Call(~MASK, (MASK,))],
    "sum": [
        *_reduced(np.sum),
        *(Call(np.sum(x), (x,), {"axis": None, "keepdims": False}) for x in (MASK, np.arange(3), sample(0))),
    ],
    "mean": _reduced(np.mean),
    "var": _moments(np.var),
    "std": _moments(np.std),
    "max": _reduced(np.max),
    "min": _reduced(np.min),
    "logsumexp": _reduced(_lse),
    "softmax": _along(_softmax),
    "log_softmax": _along(lambda x, axis: np.log(_softmax(x, axis))),
    "argmax": _reduced(np.argmax, (None, 0, 1, -1)),
    "matmul": _product(
        np.matmul,
        ((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((3,), (3,)), ((5, 2, 3), (3, 4)),
        ((5, 2, 3), (5, 3, 4)), ((5, 1, 2, 3), (6, 3, 4)), ((3,), (5, 3, 4)), ((5, 2, 3), (3,)),
        ((0, 3), (3, 4)), ((2, 0), (0, 4)),
    ),
    "dot": _product(
        np.dot,
        ((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((3,), (3,)), ((), (2, 3)), ((2, 3), ()),
        ((2, 4, 3), (5, 3, 6)), ((0, 3), (3, 4)),
    ),
    "outer": _product(np.outer, ((2,), (3,)), ((2, 3), (4,)), ((), (3,)), ((2,), (0,))),
    "tensordot": _tensordot(),
    "einsum": [
        _einsum("ij,jk->ik", (2, 3), (3, 4)),
        _einsum("ij,jk", (2, 3), (3, 4)),
        _einsum("ij->ji", (2, 3)),
        _einsum("ij->j", (2, 3)),
        _einsum("ij->", (2, 3)),
        _einsum("ii->i", (3, 3)),
        _einsum("ii", (3, 3)),
        _einsum("iji->j", (3, 2, 3)),
        _einsum("iij,j->i", (2, 2, 3), (3,)),
        _einsum("iii", (3, 3, 3)),
        _einsum("ij,k->i", (2, 3), (4,)),
        _einsum("ij,ij,j->", (2, 3), (2, 3), (3,)),
        _einsum("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)),
        _einsum("bij,bjk->bik", (5, 2, 3), (5, 3, 4)),
        _einsum(",i->i", (), (3,)),
        _einsum("b a, a B -> B b", (2, 3), (3, 4)),
        _einsum("ij,jk->ik", (0, 3), (3, 4)),
    ],
    "diag": [
        Call(np.diag(x, k), (x,), {"k": k})
        for x in (ROW, X, X.T, sample(3, 3), sample(0))
        for k in (0, 1, -1, 2, -2, 7)
        if x.ndim == 1 or k != 7
    ],
    "trace": [Call(np.trace(x), (x,)) for x in (X, LONG.T, sample(3, 3), sample(0, 3), sample(2, 2) > 0)],
    "reshape": [
        *_moved(reshape, CUBE, {"shape": (6, 4)}, {"shape": 24}, {"shape": (2, -1)}, {"shape": (-1,)}),
        *_moved(reshape, sample(0, 3), {"shape": (3, 0)}),
    ],
    "ravel": _unary(np.ravel),
    "transpose": [
        *_moved(np.transpose, CUBE, {"axes": None}, {"axes": (1, 2, 0)}, {"axes": (-1, 0, 1)}),
        *_moved(np.transpose, SCALAR, {"axes": None}),
    ],
    "swapaxes": _moved(np.swapaxes, CUBE, {"axis1": 0, "axis2": -1}, {"axis1": 1, "axis2": 1}),
    "expand_dims": _moved(np.expand_dims, X, {"axis": 0}, {"axis": -1}, {"axis": (0, 2)}, {"axis": (-1, 1)}),
    "squeeze": _moved(
        np.squeeze, sample(1, 3, 1), {"axis": None}, {"axis": 0}, {"axis": -1}, {"axis": (0, 2)}, {"axis": ()}
    ),
    "broadcast_to": [
        *_moved(np.broadcast_to, ROW, {"shape": (2, 3)}, {"shape": (3,)}, {"shape": 3}, {"shape": (0, 3)}),
        *_moved(np.broadcast_to, COLUMN, {"shape": (4, 2, 3)}, {"shape": (2, 0)}),
        *_moved(np.broadcast_to, SCALAR, {"shape": (2, 3)}, {"shape": ()}),
    ],
    "concatenate": [
        *_joined(np.concatenate, (0, -2), X, sample(1, 3), Y),
        *_joined(np.concatenate, (1, -1), X, COLUMN, sample(2, 0)),
        *_joined(np.concatenate, (0,), ROW),
    ],
    "stack": [
        *_joined(np.stack, (0, 1, 2, -1, -2), X, Y, X * 2),
        *_joined(np.stack, (0, -1), SCALAR, SCALAR),
    ],
    "getitem": [
        _read(CUBE, (0,)),
        _read(CUBE, (slice(None), -1)),
        _read(CUBE, (..., 1)),
        _read(CUBE, (None, 1, ..., None, slice(None, None, -2))),
        _read(CUBE, (slice(2, 0, -1), slice(5, 1))),
        _read(CUBE, (Hole(0),), [1, 0, 1, 1]),
        _read(CUBE, (Hole(0), Hole(1)), [[0, 1]], [[2], [0]]),
        _read(CUBE, (Hole(0), slice(None), Hole(1)), [0, 1, 1], [3, 0, 0]),
        _read(CUBE, (slice(None), Hole(0), 2), [0, 0, -1]),
        _read(CUBE, (0, slice(None), Hole(0)), [3, 3]),
        _read(CUBE, (Hole(0), None, Hole(1)), [0, 1], [2, 2]),
        _read(CUBE, (Hole(0), ..., 1), [1, 1, 0]),
        _read(X, (None, Hole(0), ..., Hole(1)), [0, 1], [2, 0]),
        _read(CUBE, (Hole(0),), np.zeros((0, 2), int)),
        _read(CUBE, (slice(None), Hole(0)), 1),
        _read(sample(0, 3), (slice(None), 1)),
        _read(ROW, ()),
    ],
    "eye": _made(
        np.eye,
        *({"N": 3, "M": columns, "k": k} for columns in (None, 4, 0) for k in (0, 1, -1)),
        {"N": 0, "M": None, "k": 0},
    ),
    "zeros": _made(np.zeros, {"shape": 3}, {"shape": (2, 3)}, {"shape": ()}, {"shape": (0, 2)}),
    "ones": _made(np.ones, {"shape": 3}, {"shape": (2, 3)}, {"shape": ()}, {"shape": (0, 2)}),
    "full": _made(np.full, {"shape": 3, "fill_value": 2}, {"shape": (2, 3), "fill_value": 7}),
    "arange": [
        Call(
            _arange(*three, dtype),
            (),
            {"start": three[0], "stop": three[1], "step": three[2], "dtype": np.dtype(dtype)},
        )
        for three in ((5, None, 1), (2, 9, 3), (9, 2, -2), (2, 2, 1), (5, None, 2), (-3, None, 1), (0, 7, 7))
        for dtype in ("float64", "float32", "int64")
    ],
    "zeros_like": [*_unary(np.zeros_like), Call(np.zeros_like(MASK), (MASK,))],
    "ones_like": [*_unary(np.ones_like), Call(np.ones_like(MASK), (MASK,))],
}  # fmt: skip
