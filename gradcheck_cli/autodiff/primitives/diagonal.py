"""Diagonals and triangles of matrices, and of stacks of them: diag, diagonal, trace, triu, tril."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import HOLOMORPHIC, Array, Primitive, summed
from gradcheck_cli.autodiff.primitives.shaping import one_axis
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape

_FARTHEST = 2**31 - 1  # NumPy keeps the number of a diagonal in 32 bits, and does not survive -2**31
_SIGNATURE = "x, offset=0, axis1=0, axis2=1"


def diagonal_shape(x: Shape, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Shape:
    """Shape rule of ``diagonal``: two axes go, their diagonal, maybe empty, becomes the last."""
    _check_matrices(x, offset)
    first, second = one_axis(axis1, len(x)), one_axis(axis2, len(x))
    if first == second:
        raise ShapeError(f"axis1={axis1} and axis2={axis2} are one axis")
    length = max(0, min(x[first] - max(-offset, 0), x[second] - max(offset, 0)))
    return (*(size for axis, size in enumerate(x) if axis not in (first, second)), length)


def trace_shape(x: Shape, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Shape:
    """Shape rule of ``trace``: the two axes of the diagonal go."""
    return diagonal_shape(x, offset, axis1, axis2)[:-1]


def diag_shape(x: Shape, k: int = 0) -> Shape:
    """Shape rule of ``diag``: a vector becomes a square matrix, a matrix its k-th diagonal."""
    if len(x) == 1:
        return (x[0] + abs(k), x[0] + abs(k))
    if len(x) != 2:
        raise ShapeError("{0} must be a vector or a matrix")
    return diagonal_shape(x, k)


def triangle_shape(x: Shape, k: int = 0) -> Shape:
    """Shape rule of ``triu`` and ``tril``."""
    _check_matrices(x, k)
    return x


def _check_matrices(x: Shape, offset: int) -> None:
    if len(x) < 2:
        raise ShapeError("{0} must be a matrix or a stack of matrices")
    if abs(offset) > _FARTHEST:
        raise ShapeError(f"the diagonal {offset} is too far out: at most {_FARTHEST} either way")


def _embedded(entries: Array, x: Array, *, offset: int, axis1: int, axis2: int) -> Array:
    """Entries, of shape (…, rows, columns), where they lie on the diagonal of x, else 0; axes as in x."""
    on_diagonal = np.eye(x.shape[axis1], x.shape[axis2], offset, dtype=bool)
    return np.moveaxis(np.where(on_diagonal, entries, 0), (-2, -1), (axis1, axis2))


def _diagonal_vjp(g: Array, out: Array, x: Array, **which: int) -> Array:
    """Copy g[…, k] to the k-th place of the diagonal, where the smaller of row and column is k."""
    if not g.size:
        return np.zeros_like(x)
    rows, columns = np.indices((x.shape[which["axis1"]], x.shape[which["axis2"]]))
    place = np.minimum(np.minimum(rows, columns), g.shape[-1] - 1)
    return _embedded(g[..., place], x, **which)


def _diag_vjp(g: Array, out: Array, x: Array, k: int) -> Array:
    return np.diagonal(g, k) if x.ndim == 1 else _diagonal_vjp(g, out, x, offset=k, axis1=0, axis2=1)


def triangle(name: str, forward: Callable[..., Any]) -> Primitive:
    """Build the row of what keeps one triangle of a matrix: a linear map that is its own adjoint."""
    return Primitive(
        name=name,
        formula=f"dL/dx = {name}(g, k)",
        signature="x, k=0",
        shapes="(…, N, M) → (…, N, M)",
        shape=triangle_shape,
        forward=forward,
        vjps=(lambda g, out, x, k: forward(g, k),),
        jvps=(lambda t, out, x, k: forward(t, k),),
        on_complex=HOLOMORPHIC,
    )


DIAG = Primitive(
    name="diag",
    formula="dL/dx = diag(g, k);  of a matrix, zeros with g on the k-th diagonal",
    signature="x, k=0",
    shapes="(N,) → (N, N) and (N, M) → (min(N, M),)",
    shape=diag_shape,
    forward=np.diag,
    vjps=(_diag_vjp,),
    jvps=(lambda t, out, x, k: np.diag(t, k),),
    on_complex=HOLOMORPHIC,
)
DIAGONAL = Primitive(
    name="diagonal",
    formula="dL/dx = zeros with g on the diagonal",
    signature=_SIGNATURE,
    shapes="(N, M, …) → (…, min(N, M))",
    shape=diagonal_shape,
    forward=np.diagonal,
    vjps=(_diagonal_vjp,),
    jvps=(lambda t, out, x, **which: np.diagonal(t, **which),),
    on_complex=HOLOMORPHIC,
)
TRACE = Primitive(
    name="trace",
    formula="dL/dx = zeros with g at each place of the diagonal",
    signature=_SIGNATURE,
    shapes="(N, M, …) → (…)",
    shape=trace_shape,
    forward=np.trace,
    dtype=summed,
    vjps=(lambda g, out, x, **which: _embedded(np.expand_dims(g, (-2, -1)), x, **which),),
    jvps=(lambda t, out, x, **which: np.trace(t, **which),),
    on_complex=HOLOMORPHIC,
)
TRIANGLES = (triangle("triu", np.triu), triangle("tril", np.tril))

TABLE = (DIAG, DIAGONAL, TRACE, *TRIANGLES)
