"""Arrays that a formula makes from numbers alone: ``eye``, ``zeros``, ``full``, ``arange``, ``linspace``.

They have no array operands; ``dtype`` is filled in by the formula with the floating dtype it runs in.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import OnComplex, Primitive, Rule
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
    """Shape rule of ``eye`` and ``tri``: square by default."""
    return given_shape((N, N if M is None else M))


def _range(start: Number, stop: Number | None, step: Number) -> tuple[Number, Number, Number]:
    if not step:
        raise ShapeError("the step of arange cannot be 0")
    return (0, start, step) if stop is None else (start, stop, step)


def arange_shape(
    start: Number, stop: Number | None = None, step: Number = 1, dtype: Any = None, **_other: object
) -> Shape:
    """Shape rule of ``arange``: ⌈(stop - start) / step⌉ entries, which are numbers."""
    if dtype is not None and np.dtype(dtype) == np.bool_:
        raise ShapeError("a range is of numbers: its dtype cannot be bool")
    first, last, by = _range(start, stop, step)
    return (
        (last,)
        if (first, by) == (0, 1) and isinstance(last, int) and last >= 0
        else (max(0, math.ceil((last - first) / by)),)
    )


def _own(*_operands: object, dtype: Any, **_static: object) -> np.dtype[Any]:
    return np.dtype(dtype)


def _making(name: str, signature: str, shape: Rule, forward: Rule, shapes: str) -> Primitive:
    """Build the row of an array made from static arguments."""
    return Primitive(
        name=name,
        shapes=shapes,
        signature=f"{signature}, dtype=None",
        operands=(),
        shape=shape,
        forward=forward,
        dtype=_own,
    )


EYE = _making(
    "eye",
    "N, M=None, k=0",
    eye_shape,
    lambda N, M, k, dtype: np.eye(N, M, k, dtype=dtype),
    "→ (N, M)",
)
TRI = _making(
    "tri",
    "N, M=None, k=0",
    eye_shape,
    # A diagonal above or below the matrix does as well as one far away, whose number NumPy could not hold.
    lambda N, M, k, dtype: np.tri(N, M, max(-N, min(k, N if M is None else M)), dtype=dtype),
    "→ (N, M)",
)
ZEROS = _making("zeros", "shape", given_shape, lambda shape, dtype: np.zeros(shape, dtype=dtype), "→ shape")
ONES = _making("ones", "shape", given_shape, lambda shape, dtype: np.ones(shape, dtype=dtype), "→ shape")
FULL = _making(
    "full",
    "shape, fill_value",
    given_shape,
    lambda shape, fill_value, dtype: np.full(shape, fill_value, dtype=dtype),
    "→ shape",
)
ARANGE = _making(
    "arange",
    "start, stop=None, step=1",
    arange_shape,
    lambda start, stop, step, dtype: np.arange(*_range(start, stop, step), dtype=dtype),
    "→ (N,), for arange(N)",
)
LINSPACE = _making(
    "linspace",
    "start, stop, num=50, endpoint=True",
    lambda start, stop, num=50, **_other: given_shape(num),
    np.linspace,
    "→ (num,)",
)
ZEROS_LIKE = Primitive(
    name="zeros_like", shapes="(…) → (…)", shape=lambda x: x, forward=np.zeros_like, on_complex=OnComplex.OWN
)
ONES_LIKE = Primitive(
    name="ones_like", shapes="(…) → (…)", shape=lambda x: x, forward=np.ones_like, on_complex=OnComplex.OWN
)

TABLE = (EYE, TRI, ZEROS, ONES, FULL, ARANGE, LINSPACE, ZEROS_LIKE, ONES_LIKE)
