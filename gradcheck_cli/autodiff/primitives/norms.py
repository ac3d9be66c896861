"""Norms of vectors and of matrices, with NumPy's orders, and their slopes.

All are p-norms: a norm of a matrix is a p-norm of its entries, of the sums of its rows or columns, or of its
singular values.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.autodiff.primitives.reduction import Axis, chosen, expanded, reduced_shape, reduction
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape, normalize_axes

Order = float | str | None
_OF_ENTRIES: Final = (None, "fro", "f")
# Which p-norm it is of the singular values, and which of the sums.
_OF_SINGULAR_VALUES: Final[dict[Order, float]] = {"nuc": 1, 2: math.inf, -2: -math.inf}
_OF_SUMS: Final[dict[Order, float]] = {
    1: math.inf, -1: -math.inf, math.inf: math.inf, -math.inf: -math.inf
}  # fmt: skip


def norm_axes(rank: int, order: Order, axis: Axis) -> tuple[int, ...]:
    """Axes that a norm is taken over; of two the first is that of the rows.

    Raises
    ------
    ShapeError
        For axes that there is no norm over.
    """
    if axis is None:
        if order is not None and rank not in {1, 2}:
            raise ShapeError(
                f"{{0}} has {rank} axes, and a norm of this ord takes one or two: say which by axis"
            )
        return tuple(range(rank))
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    normalize_axes(axes, rank)
    if len(axes) not in {1, 2}:
        raise ShapeError(f"a norm takes one axis, or two for matrices, not axis={axis}")
    return tuple(one % rank for one in axes)


def norm_shape(x: Shape, ord: Order = None, axis: Axis = None, keepdims: bool = False) -> Shape:  # noqa: A002
    """Shape rule of ``linalg.norm``: the axes of the vectors or matrices go."""
    axes = norm_axes(len(x), ord, axis)
    if len(axes) == 1 and ord is not None and (isinstance(ord, str) or math.isnan(ord)):
        raise ShapeError(f"the ord of a norm of vectors must be a number or None, not {ord!r}")
    if len(axes) == 2 and ord not in {*_OF_ENTRIES, *_OF_SINGULAR_VALUES, *_OF_SUMS}:
        raise ShapeError(
            f"the ord of a norm of matrices must be 'fro', 'nuc', ±1, ±2, ±inf or None, not {ord!r}"
        )
    compared = _sides(ord, axes)[1:] if len(axes) == 2 and ord in _OF_SUMS else axes
    if isinstance(ord, int | float) and ord < 0 and any(x[place] == 0 for place in compared):
        raise ShapeError("there is nothing to take the smallest of: an axis of {0} is empty")
    return reduced_shape(x, axis, keepdims)


def _power_norm(x: Array, p: float, axis: Axis) -> Array:
    """(Σ |x|^p)^(1/p) with its limits for p = ±inf, and Σ [x ≠ 0] for p = 0; the axes stay, of length 1."""
    if p == 0:
        return np.sum(x != 0, axis=axis, keepdims=True, dtype=x.dtype)
    sizes = np.abs(x)
    leading = (
        np.max(sizes, axis=axis, keepdims=True, initial=0)
        if p > 0
        else np.min(sizes, axis=axis, keepdims=True)
    )
    if math.isinf(p):
        return leading
    scale = _scale(leading, p)
    return scale * np.sum((sizes / scale) ** float(p), axis=axis, keepdims=True) ** (1 / p)


def _scale(leading: Array, p: float) -> Array:
    """Number near the entry that leads Σ |x|^p, by which to divide all so that no power overflows.

    A power of two rounds nothing, but high powers need the leading one to become 1.
    """
    if abs(p) <= 2:
        return np.ldexp(np.ones_like(leading), np.frexp(leading)[1] - 1)
    return np.where((leading > 0) & np.isfinite(leading), leading, np.ones_like(leading))


def _power_slope(out: Array, x: Array, p: float, axis: Axis) -> Array:
    """∂‖x‖_p/∂x = sign(x) (|x| / ‖x‖_p)^(p - 1), and 0 where x = 0; out has the axes of length 1."""
    if p == 0:
        return np.zeros_like(x)
    if math.isinf(p):
        return np.sign(x) * chosen(out, np.abs(x), axis, keepdims=True)
    ratio = np.where(x == 0, np.ones_like(x), np.abs(x) / out)
    return np.sign(x) * ratio ** (p - 1)


def _sides(order: Order, axes: tuple[int, ...]) -> tuple[int, int]:
    """Axis of a matrix along which to sum, and the one along which to look for the extreme sum."""
    rows, columns = axes
    return (rows, columns) if order in {1, -1} else (columns, rows)


def _matrices(x: Array, axes: tuple[int, ...]) -> Array:
    """Put the axes of the matrices last; half precision, which LAPACK does not have, becomes single."""
    return np.moveaxis(x, axes, (-2, -1)).astype(np.promote_types(x.dtype, np.float32))


def svd_without_rounding(a: Array) -> tuple[Array, Array, Array]:
    """Singular values, 0 for those that are 0 but for rounding, between left and right vectors.

    Counted as 0 is, as in NumPy's ``matrix_rank``, what is at most max(N, M) eps of the largest.
    """
    left, values, right = np.linalg.svd(a, full_matrices=False)
    rounding = max(left.shape[-2], right.shape[-1]) * np.finfo(values.dtype).eps
    largest = np.max(values, axis=-1, keepdims=True, initial=0)
    return left, values * (values > rounding * largest), right


def _matrix_norm(x: Array, order: Order, axes: tuple[int, ...]) -> Array:
    if order in _OF_SINGULAR_VALUES:
        values = np.linalg.svd(_matrices(x, axes), compute_uv=False)
        found = _power_norm(values, _OF_SINGULAR_VALUES[order], -1)
        return np.expand_dims(found[..., 0], axes).astype(x.dtype)
    along, across = _sides(order, axes)
    return _power_norm(_power_norm(x, 1, along), _OF_SUMS[order], across)


def _matrix_slope(x: Array, order: Order, axes: tuple[int, ...]) -> Array:
    """∂s_k/∂x = u_k v_kᵀ for a singular value, 0 if it is 0 but for rounding; ∂(Σ|x|)/∂x = sign(x)."""
    if order in _OF_SINGULAR_VALUES:
        p = _OF_SINGULAR_VALUES[order]
        left, values, right = svd_without_rounding(_matrices(x, axes))
        weights = _power_slope(_power_norm(values, p, -1), values, p, -1)
        slope = np.matmul(left * np.expand_dims(weights, -2), right)
        return np.moveaxis(slope, (-2, -1), axes).astype(x.dtype)
    p = _OF_SUMS[order]
    along, across = _sides(order, axes)
    sums = _power_norm(x, 1, along)
    return np.sign(x) * _power_slope(_power_norm(sums, p, across), sums, p, across)


def _as_power(order: Order, axes: tuple[int, ...]) -> float | None:
    """Order of the p-norm of all entries that a norm is, if it is one."""
    if order in _OF_ENTRIES:
        return 2
    return order if len(axes) == 1 and not isinstance(order, str) else None


def norm(x: Array, ord: Order = None, axis: Axis = None, keepdims: bool = False) -> Array:  # noqa: A002
    """Return NumPy's norm of vectors or matrices."""
    axes = norm_axes(x.ndim, ord, axis)
    p = _as_power(ord, axes)
    found = _matrix_norm(x, ord, axes) if p is None else _power_norm(x, p, axes)
    return found if keepdims else np.squeeze(found, axes)


def norm_slope(out: Array, x: Array, axis: Axis, ord: Order, keepdims: bool) -> Array:  # noqa: A002
    """∂norm/∂x, entry by entry."""
    axes = norm_axes(x.ndim, ord, axis)
    p = _as_power(ord, axes)
    if p is None:
        return _matrix_slope(x, ord, axes)
    return _power_slope(expanded(out, x, axis, keepdims), x, p, axes)


NORM = reduction(
    "linalg.norm",
    norm,
    norm_slope,
    "dL/dx = g * sign(x) * (abs(x) / norm(x))**(ord - 1), with ord=2 for None and 'fro', 0 for ord=0;  "
    "of matrices g * U @ V.mT over the singular values that count, "
    "g * sign(x) in the row or column that does",
    signature="x, ord=None, axis=None, keepdims=False",
    shapes="(…, N, …) or (…, N, M, …) → (…, …), with keepdims 1 for N and M",
    shape=norm_shape,
    casts=True,
    inexact=True,
)

TABLE = (NORM,)
