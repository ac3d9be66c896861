"""Operations that run along an axis: cumulative sums and products, differences, sorting.

Arguments are NumPy's. The derivatives of products never divide by an entry, so that zeros do no harm.
"""

from __future__ import annotations

import math

import numpy as np

from gradcheck_cli.autodiff.primitive import HOLOMORPHIC, UNORDERED, Array, Primitive, integer, summed
from gradcheck_cli.autodiff.primitives.reduction import Axis, merged, reduction, unmerged
from gradcheck_cli.autodiff.primitives.shaping import one_axis
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape

_SHAPES = "(…) → (…), with axis=None (size,)"


def scanned_shape(x: Shape, axis: int | None = None) -> Shape:
    """Shape rule of what runs along one axis and keeps it, or along all entries in a row."""
    if axis is None:
        return (math.prod(x),)
    one_axis(axis, len(x))
    return x


def differences_shape(x: Shape, n: int = 1, axis: int = -1) -> Shape:
    """Shape rule of ``diff``: one entry fewer each time, as long as there are any."""
    place = one_axis(axis, len(x))
    if n < 0:
        raise ShapeError(f"n must not be negative, it is {n}")
    return (*x[:place], x[place] - n if n < x[place] else 0, *x[place + 1 :])


def _recurrence(start: Array, factors: Array) -> Array:
    """Solve y_0 = start_0, y_k = start_k + factors_{k-1} y_{k-1} along the last axis."""
    rows = [start[..., :1]]
    for place in range(factors.shape[-1]):
        rows.append(start[..., place + 1 : place + 2] + factors[..., place : place + 1] * rows[-1])
    return np.concatenate(rows, -1)


def _before(x: Array) -> Array:
    """Product of all entries before each, along the last axis."""
    return np.cumprod(np.concatenate([np.ones_like(x[..., :1]), x[..., :-1]], -1), -1)


def _backwards(x: Array) -> Array:
    return np.flip(x, -1)


def _cumsum_vjp(g: Array, out: Array, x: Array, axis: int | None) -> Array:
    """∂L/∂x_k = g_k + g_{k+1} + … ."""
    return unmerged(_backwards(np.cumsum(_backwards(merged(g, axis)), -1)), x.shape, axis)


def _cumprod_vjp(g: Array, out: Array, x: Array, axis: int | None) -> Array:
    """∂L/∂x_k = r_k Π_{j<k} x_j, where r_k = g_k + x_{k+1} r_{k+1}."""
    flat = merged(x, axis)
    after = _backwards(_recurrence(_backwards(merged(g, axis)), _backwards(flat)[..., :-1]))
    return unmerged(_before(flat) * after, x.shape, axis)


def _cumprod_jvp(t: Array, out: Array, x: Array, axis: int | None) -> Array:
    """∂out_k = t_k Π_{j<k} x_j + x_k ∂out_{k-1}."""
    flat = merged(x, axis)
    return unmerged(_recurrence(_before(flat) * merged(t, axis), flat[..., 1:]), out.shape, axis)


def _product_of_others(out: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    """∂prod/∂x_k: the product of the entries before x_k times that of those behind it."""
    flat = merged(x, axis)
    return unmerged(_before(flat) * _backwards(_before(_backwards(flat))), x.shape, axis)


def diff(x: Array, n: int = 1, axis: int = -1) -> Array:
    """Return NumPy's n-th difference; there is nothing left to subtract after as many as x has entries."""
    return np.diff(x, min(n, x.shape[axis]), axis)


def _diff_vjp(g: Array, out: Array, x: Array, n: int, axis: int) -> Array:
    """Transposed differences are negative differences of g between zeros, also if taken n times."""
    if g.size == 0:
        return np.zeros_like(x)
    widths = [(n, n) if place == axis % x.ndim else (0, 0) for place in range(x.ndim)]
    return (-1) ** n * np.diff(np.pad(g, widths), n, axis)


def argsort(x: Array, axis: int | None = -1) -> Array:
    """Positions in ascending order; of entries that tie the first comes first."""
    return np.argsort(x, axis, kind="stable")


def _sort_vjp(g: Array, out: Array, x: Array, axis: int | None) -> Array:
    """∂L/∂x: every entry of g goes back to where its value was; at ties one choice of several."""
    origin = argsort(merged(x, axis))
    return unmerged(np.take_along_axis(merged(g, axis), np.argsort(origin, -1), -1), x.shape, axis)


def _sort_jvp(t: Array, out: Array, x: Array, axis: int | None) -> Array:
    return unmerged(np.take_along_axis(merged(t, axis), argsort(merged(x, axis)), -1), out.shape, axis)


CUMSUM = Primitive(
    name="cumsum",
    formula="dL/dx = flip(cumsum(flip(g)))",
    signature="x, axis=None",
    shapes=_SHAPES,
    shape=scanned_shape,
    forward=np.cumsum,
    dtype=summed,
    vjps=(_cumsum_vjp,),
    jvps=(lambda t, out, x, axis: np.cumsum(t, axis),),
    on_complex=HOLOMORPHIC,
)
CUMPROD = Primitive(
    name="cumprod",
    formula="dL/dx[k] = x[0] * … * x[k - 1] * r[k],  r[k] = g[k] + x[k + 1] * r[k + 1]",
    signature="x, axis=None",
    shapes=_SHAPES,
    shape=scanned_shape,
    forward=np.cumprod,
    dtype=summed,
    vjps=(_cumprod_vjp,),
    jvps=(_cumprod_jvp,),
    on_complex=HOLOMORPHIC,
)
PROD = reduction(
    "prod",
    np.prod,
    _product_of_others,
    "dL/dx = g * product of the other entries",
    dtype=summed,
    on_complex=HOLOMORPHIC,
)
DIFF = Primitive(
    name="diff",
    formula="dL/dx[k] = g[k - 1] - g[k], n times, g being 0 beyond its ends",
    signature="x, n=1, axis=-1",
    shapes="(…, N, …) → (…, N - n, …)",
    shape=differences_shape,
    forward=diff,
    vjps=(_diff_vjp,),
    jvps=(lambda t, out, x, n, axis: diff(t, n, axis),),
    on_complex=HOLOMORPHIC,
)
SORT = Primitive(
    name="sort",
    formula="dL/dx[i[k]] = g[k],  i = argsort(x)",
    signature="x, axis=-1",
    shapes=_SHAPES,
    shape=scanned_shape,
    forward=np.sort,
    vjps=(_sort_vjp,),
    jvps=(_sort_jvp,),
    on_complex=UNORDERED,
)
ARGSORT = Primitive(
    name="argsort",
    signature="x, axis=-1",
    shapes=_SHAPES,
    shape=scanned_shape,
    forward=argsort,
    dtype=integer,
    on_complex=UNORDERED,
)
TABLE = (CUMSUM, CUMPROD, PROD, DIFF, SORT, ARGSORT)
