"""Arrays that a formula makes from sizes alone: ``eye``, ``zeros``, ``ones``, ``full``, ``arange``.

They have no array operands; ``dtype`` is filled in by the formula with the floating dtype it runs in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import Primitive
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape

Number = int | float


def given_shape(shape: int | Sequence[int], **_other: object) -> Shape:
    """Shape rule of ``zeros`` and its like."""
    wanted = (shape,) if isinstance(shape, int) else tuple(shape)
    if any(size < 0 for size in wanted):
        raise ShapeError("a size cannot be negative")
    return wanted


def eye_shape(N: int, M: int | None = None, **_other: object) -> Shape:
    """Shape rule of ``eye``."""
    return given_shape((N, N if M is None else M))


def _range(start: Number, stop: Number | None, step: Number) -> tuple[Number, Number, Number]:
    if not step:
        raise ShapeError("the step of arange cannot be 0")
    return (0, start, step) if stop is None else (start, stop, step)


def arange_shape(start: Number, stop: Number | None = None, step: Number = 1, **_other: object) -> Shape:
    """Shape rule of ``arange``: ⌈(stop - start) / step⌉ entries."""
    first, last, by = _range(start, stop, step)
    return (
        (last,)
        if (first, by) == (0, 1) and isinstance(last, int) and last >= 0
        else (max(0, math.ceil((last - first) / by)),)
    )


def _own(*_operands: object, dtype: Any, **_static: object) -> np.dtype[Any]:
    return np.dtype(dtype)


EYE = Primitive(
    name="eye",
    signature="N, M=None, k=0, dtype=None",
    operands=(),
    shape=eye_shape,
    forward=lambda N, M, k, dtype: np.eye(N, M, k, dtype=dtype),
    dtype=_own,
)
ZEROS = Primitive(
    name="zeros",
    signature="shape, dtype=None",
    operands=(),
    shape=given_shape,
    forward=lambda shape, dtype: np.zeros(shape, dtype=dtype),
    dtype=_own,
)
ONES = Primitive(
    name="ones",
    signature="shape, dtype=None",
    operands=(),
    shape=given_shape,
    forward=lambda shape, dtype: np.ones(shape, dtype=dtype),
    dtype=_own,
)
FULL = Primitive(
    name="full",
    signature="shape, fill_value, dtype=None",
    operands=(),
    shape=given_shape,
    forward=lambda shape, fill_value, dtype: np.full(shape, fill_value, dtype=dtype),
    dtype=_own,
)
ARANGE = Primitive(
    name="arange",
    signature="start, stop=None, step=1, dtype=None",
    operands=(),
    shape=arange_shape,
    forward=lambda start, stop, step, dtype: np.arange(*_range(start, stop, step), dtype=dtype),
    dtype=_own,
)
ZEROS_LIKE = Primitive(name="zeros_like", shape=lambda x: x, forward=np.zeros_like)
ONES_LIKE = Primitive(name="ones_like", shape=lambda x: x, forward=np.ones_like)

TABLE = (EYE, ZEROS, ONES, FULL, ARANGE, ZEROS_LIKE, ONES_LIKE)
