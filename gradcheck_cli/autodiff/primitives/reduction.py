"""Operations that fold axes together: sums, moments, extrema, counts, and the softmax family.

``axis`` and ``keepdims`` are NumPy's; for ``softmax``, ``log_softmax`` and ``logsumexp`` they are SciPy's
(``axis=None`` means all axes).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import (
    HOLOMORPHIC,
    UNORDERED,
    Array,
    Primitive,
    as_array,
    at_least_single,
    boolean,
    integer,
    summed,
)
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape, count, normalize_axes

Axis = int | tuple[int, ...] | None
_SIGNATURE = "x, axis=None, keepdims=False"
_SHAPES = "(…, N, …) → (…, …), with keepdims (…, 1, …)"


def reduced_shape(x: Shape, axis: Axis = None, keepdims: bool = False, **_other: object) -> Shape:
    """Shape rule of a reduction: the axes named go, or stay with length 1."""
    axes = normalize_axes(axis, len(x))
    if keepdims:
        return tuple(1 if place in axes else size for place, size in enumerate(x))
    return tuple(size for place, size in enumerate(x) if place not in axes)


def nonempty_shape(x: Shape, axis: Axis = None, keepdims: bool = False, **_other: object) -> Shape:
    """Shape rule of a reduction that has no value over no entries."""
    if any(x[place] == 0 for place in normalize_axes(axis, len(x))):
        raise ShapeError("there is nothing to reduce: an axis of {0} is empty")
    return reduced_shape(x, axis, keepdims)


def moment_shape(x: Shape, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Shape:
    """Shape rule of what divides by the number of entries less ``ddof``."""
    number = count(x[place] for place in normalize_axes(axis, len(x)))
    if 0 < number <= ddof:
        raise ShapeError(f"ddof={ddof} leaves nothing to divide by: {number} entries")
    return nonempty_shape(x, axis, keepdims)


def position_shape(x: Shape, axis: int | None = None, keepdims: bool = False) -> Shape:
    """Shape rule of a position: along one axis, or among all entries."""
    if isinstance(axis, tuple):
        raise ShapeError(f"axis must be one integer or None, not {axis}")
    return nonempty_shape(x, axis, keepdims)


def kept_shape(x: Shape, axis: Axis = None) -> Shape:
    """Shape rule of what works along axes, which must not be empty, and keeps them."""
    nonempty_shape(x, axis)
    return x


def expanded(g: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    """Put the reduced axes back with length 1, so that g broadcasts against x."""
    if keepdims or x.ndim == 0:
        return as_array(g)
    return np.expand_dims(g, normalize_axes(axis, x.ndim))


def spread(g: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    """Copy g along the reduced axes: the adjoint of the sum over them."""
    return np.broadcast_to(expanded(g, x, axis, keepdims), x.shape)


def merged(x: Array, axis: Axis) -> Array:
    """Lay the axes named out as one, the last."""
    axes = normalize_axes(axis, x.ndim)
    return np.reshape(
        np.moveaxis(x, axes, range(-len(axes), 0)), (*reduced_shape(x.shape, axes), _size(x, axes))
    )


def unmerged(flat: Array, shape: Shape, axis: Axis) -> Array:
    """Undo ``merged`` of an array of this shape."""
    axes = normalize_axes(axis, len(shape))
    lengths = [shape[place] for place in axes]
    return np.moveaxis(np.reshape(flat, (*flat.shape[:-1], *lengths)), range(-len(axes), 0), axes)


def _size(x: Array, axis: Axis) -> int:
    return count(x.shape[place] for place in normalize_axes(axis, x.ndim))


def _centered(x: Array, axis: Axis) -> Array:
    return x - np.mean(x, axis=axis, keepdims=True)


def _std_slope(out: Array, x: Array, axis: Axis, ddof: int, keepdims: bool) -> Array:
    """∂std/∂x = (x - mean) / ((n - ddof) std); the subgradient 0 where all entries are equal."""
    spread_out = expanded(out, x, axis, keepdims)
    scale = (_size(x, axis) - ddof) * np.where(spread_out == 0, np.ones_like(spread_out), spread_out)
    return _centered(x, axis) / scale


def chosen(out: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    """Weights of the extreme entries: 1 for a single one, 1/k each for k that tie."""
    hit = as_array(x == expanded(out, x, axis, keepdims)).astype(x.dtype)
    return hit / np.sum(hit, axis=axis, keepdims=True)


def median(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return NumPy's median, along several axes of an empty array too."""
    middle = np.median(merged(x, axis), axis=-1)
    return expanded(middle, x, axis, keepdims=False) if keepdims else middle


def _median_slope(out: Array, x: Array, axis: Axis, keepdims: bool) -> Array:
    """1/2 for either middle value, which are one if n is odd; entries that tie share it evenly."""
    ordered = np.sort(merged(x, axis), axis=-1)
    length = ordered.shape[-1]
    lower, upper = ordered[..., (length - 1) // 2], ordered[..., length // 2]
    return (chosen(lower, x, axis, keepdims=False) + chosen(upper, x, axis, keepdims=False)) / 2


def reduction(
    name: str, forward: Callable[..., Any], slope: Callable[..., Any], formula: str, **options: Any
) -> Primitive:
    """Build the row of a reduction with ∂out/∂x = slope(out, x, axis, keepdims), entry by entry."""
    return Primitive(
        name=name,
        formula=formula,
        **{
            "signature": _SIGNATURE,
            "shapes": _SHAPES,
            "shape": reduced_shape,
            "forward": forward,
            "vjps": (
                lambda g, out, x, axis, keepdims, **more: (
                    expanded(g, x, axis, keepdims) * slope(out, x, axis=axis, keepdims=keepdims, **more)
                ),
            ),
            "jvps": (
                lambda t, out, x, axis, keepdims, **more: np.sum(
                    t * slope(out, x, axis=axis, keepdims=keepdims, **more), axis=axis, keepdims=keepdims
                ),
            ),
            **options,
        },
    )


def discrete(name: str, forward: Callable[..., Any], **options: Any) -> Primitive:
    """Build the row of a reduction to a mask or to integers, through which no gradient flows."""
    return Primitive(
        name=name,
        signature=_SIGNATURE,
        forward=forward,
        **{"shapes": _SHAPES, "shape": reduced_shape, **options},
    )


def logsumexp(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Return log Σ exp(x) = top + log m + log1p(Σ' exp(x - top) / m).

    There are m entries at the top, and Σ' goes over the others. Nothing overflows, and a value close to 0
    keeps its digits.
    """
    top = np.max(x, axis=axis, keepdims=True)
    ties = np.sum(x == top, axis=axis, keepdims=True, dtype=top.dtype)
    others = np.sum(np.exp(x - top), axis=axis, keepdims=True, where=x < top)
    total = np.log1p(others / ties) + np.log(ties) + top
    return total if keepdims else np.squeeze(total, axis=normalize_axes(axis, np.ndim(x)))


def softmax(x: Array, axis: Axis = None) -> Array:
    """exp(x) / Σ exp(x)."""
    weights = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return weights / np.sum(weights, axis=axis, keepdims=True)


def log_softmax(x: Array, axis: Axis = None) -> Array:
    """Return x - log Σ exp(x), with the maximum taken off both so that large entries keep their digits."""
    top = np.max(x, axis=axis, keepdims=True)
    shifted = np.where(np.isfinite(top), x - top, x)
    return shifted - logsumexp(shifted, axis=axis, keepdims=True)


def _softmax_product(g: Array, out: Array, x: Array, axis: Axis) -> Array:
    """Multiply by the Jacobian diag(s) - s sᵀ, which is symmetric: its VJP and its JVP are one formula."""
    return out * (g - np.sum(g * out, axis=axis, keepdims=True))


SUM = Primitive(
    name="sum",
    formula="dL/dx = g, copied along the axes summed over",
    signature=_SIGNATURE,
    shapes=_SHAPES,
    shape=reduced_shape,
    forward=np.sum,
    dtype=summed,
    vjps=(lambda g, out, x, axis, keepdims: spread(g, x, axis, keepdims),),
    jvps=(lambda t, out, x, axis, keepdims: np.sum(t, axis=axis, keepdims=keepdims),),
    on_complex=HOLOMORPHIC,
)
MEAN = reduction(
    "mean",
    np.mean,
    lambda out, x, axis, keepdims: np.full_like(x, 1 / _size(x, axis)),
    "dL/dx = g / n, copied along the n entries averaged",
    shape=nonempty_shape,
    casts=True,
    inexact=True,
    on_complex=HOLOMORPHIC,
)
VAR = reduction(
    "var",
    at_least_single(np.var),
    at_least_single(lambda out, x, axis, ddof, keepdims: _centered(x, axis) * (2 / (_size(x, axis) - ddof))),
    "dL/dx = g * 2 * (x - mean(x)) / (n - ddof)",
    signature="x, axis=None, ddof=0, keepdims=False",
    shape=moment_shape,
    casts=True,
    inexact=True,
)
STD = reduction(
    "std",
    at_least_single(np.std),
    at_least_single(_std_slope),
    "dL/dx = g * (x - mean(x)) / ((n - ddof) * std(x)),  0 where std(x) is",
    signature="x, axis=None, ddof=0, keepdims=False",
    shape=moment_shape,
    casts=True,
    inexact=True,
)
MAX = reduction(
    "max",
    np.max,
    chosen,
    "dL/dx = g at the largest entry, shared evenly at ties, else 0",
    shape=nonempty_shape,
    on_complex=UNORDERED,
)
MIN = reduction(
    "min",
    np.min,
    chosen,
    "dL/dx = g at the smallest entry, shared evenly at ties, else 0",
    shape=nonempty_shape,
    on_complex=UNORDERED,
)
MEDIAN = reduction(
    "median",
    median,
    _median_slope,
    "dL/dx = g at the middle entry, g / 2 at each of two, shared evenly at ties, else 0",
    shape=nonempty_shape,
    casts=True,
    inexact=True,
    on_complex=UNORDERED,
)
LOGSUMEXP = reduction(
    "logsumexp",
    logsumexp,
    lambda out, x, axis, keepdims: softmax(x, axis),
    "dL/dx = g * softmax(x)",
    shape=nonempty_shape,
    casts=True,
    inexact=True,
)
SOFTMAX = Primitive(
    name="softmax",
    formula="dL/dx = s * (g - sum(g * s)),  s = softmax(x)",
    signature="x, axis=None",
    shapes="(…) → (…)",
    shape=kept_shape,
    forward=softmax,
    vjps=(_softmax_product,),
    jvps=(_softmax_product,),
    casts=True,
    inexact=True,
)
LOG_SOFTMAX = Primitive(
    name="log_softmax",
    formula="dL/dx = g - softmax(x) * sum(g)",
    signature="x, axis=None",
    shapes="(…) → (…)",
    shape=kept_shape,
    forward=log_softmax,
    vjps=(lambda g, out, x, axis: g - np.exp(out) * np.sum(g, axis=axis, keepdims=True),),
    jvps=(lambda t, out, x, axis: t - np.sum(np.exp(out) * t, axis=axis, keepdims=True),),
    casts=True,
    inexact=True,
)
POSITIONS = (
    discrete("argmax", np.argmax, shape=position_shape, dtype=integer, on_complex=UNORDERED),
    discrete("argmin", np.argmin, shape=position_shape, dtype=integer, on_complex=UNORDERED),
)
COUNTS = (
    discrete("any", np.any, dtype=boolean),
    discrete("all", np.all, dtype=boolean),
    # Older versions of NumPy's own return a Python integer, which is weak, for axis=None.
    discrete(
        "count_nonzero",
        lambda x, axis, keepdims: np.sum(np.not_equal(x, 0), axis=axis, keepdims=keepdims),
        dtype=integer,
    ),
)

TABLE = (
    SUM, MEAN, VAR, STD, MAX, MIN, MEDIAN, LOGSUMEXP, SOFTMAX, LOG_SOFTMAX, *POSITIONS, *COUNTS,
)  # fmt: skip
