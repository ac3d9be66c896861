"""Layer, RMS, group and batch normalization, by torch.nn.functional's names and arguments.

Every normalization is y * weight + bias with y = x / √(mean x² + eps), of an x that is centred first in all
but ``rms_norm``. The Jacobian of y by x, (I - y yᵀ / n) / √(…) with or without the centring, is symmetric:
the VJP and the JVP multiply by one and the same matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import Array, Primitive, Rule, at_least_single
from gradcheck_cli.autodiff.primitives.reduction import kept_shape
from gradcheck_cli.autodiff.primitives.shaping import along_channels
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape, count, show, unbroadcast

Axes = tuple[int, ...]
Lengths = int | tuple[int, ...]
View = Callable[[Array, Array], Array]  # (operand, x) → the operand so that it broadcasts against x


def _length(x: Array, axes: Axes, eps: float) -> Array:
    return np.sqrt(np.mean(x * x, axis=axes, keepdims=True) + eps)


def _centred(x: Array, axes: Axes) -> Array:
    return x - np.mean(x, axis=axes, keepdims=True)


def scaled(x: Array, axes: Axes, eps: float) -> Array:
    """Return y = x / √(mean x² + eps)."""
    return x / _length(x, axes, eps)


def scaled_product(g: Array, x: Array, axes: Axes, eps: float) -> Array:
    """Multiply by the Jacobian of ``scaled``: (g - y mean(g y)) / √(mean x² + eps)."""
    y = scaled(x, axes, eps)
    return (g - y * np.mean(g * y, axis=axes, keepdims=True)) / _length(x, axes, eps)


def standardized(x: Array, axes: Axes, eps: float) -> Array:
    """Return y = (x - mean) / √(var + eps)."""
    return scaled(_centred(x, axes), axes, eps)


def standardized_product(g: Array, x: Array, axes: Axes, eps: float) -> Array:
    """Multiply by the Jacobian of ``standardized``."""
    return scaled_product(_centred(g, axes), _centred(x, axes), axes, eps)


def _trailing(lengths: Lengths) -> Axes:
    """Axes that ``normalized_shape`` stands for."""
    return tuple(range(-1 if isinstance(lengths, int) else -len(lengths), 0))


def _but_channels(x: Array) -> Axes:
    return tuple(axis for axis in range(x.ndim) if axis != 1)


def _in_groups(x: Array, num_groups: int) -> Array:
    """View each sample's channels as groups: (N, C, …) → (N, G, C/G * …)."""
    return np.reshape(x, (x.shape[0], num_groups, count(x.shape[1:]) // num_groups))


def _as_is(operand: Array, x: Array) -> Array:
    """View of an operand that has the last axes of x, or none."""
    return operand


def _over_channels(operand: Array, x: Array) -> Array:
    """View of an operand that has one entry for each channel; a scalar that stands in goes to all."""
    return along_channels(operand, x.ndim - 2)


def _check_eps(eps: float) -> None:
    if not eps >= 0:
        raise ShapeError(f"eps must be at least 0, not {eps}")


def _check_channels(x: Shape, operands: Sequence[Shape]) -> None:
    """Refuse what does not have the channels' shape, or () if left out; ``operands`` follow x in the call."""
    if len(x) < 2:
        raise ShapeError("{0} must have at least 2 axes, (N, C, …)")
    for place, shape in enumerate(operands, start=1):
        if shape not in {(), (x[1],)}:
            raise ShapeError(f"{{{place}}} must have the shape ({int(x[1])},), one entry for each channel")


def trailing_shape(x: Shape, *operands: Shape, normalized_shape: Lengths, eps: float | None) -> Shape:
    """Shape rule of what normalizes over the last axes, which ``normalized_shape`` spells out."""
    lengths = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not lengths:
        raise ShapeError("normalized_shape must name at least one axis")
    if x[-len(lengths) :] != lengths:
        last = show(x[-len(lengths) :])
        raise ShapeError(f"{{0}} ends in {last}, and normalized_shape is {show(lengths)}")
    for place, shape in enumerate(operands, start=1):
        if shape not in {(), lengths}:
            raise ShapeError(f"{{{place}}} must have the shape {show(lengths)}, as normalized_shape says")
    _check_eps(0 if eps is None else eps)
    return kept_shape(x, _trailing(lengths))


def group_shape(x: Shape, weight: Shape, bias: Shape, *, num_groups: int, eps: float) -> Shape:
    """Shape rule of ``group_norm``: x is (N, C, …), weight and bias are (C)."""
    _check_channels(x, (weight, bias))
    if num_groups < 1 or x[1] % num_groups:
        raise ShapeError(f"num_groups={num_groups} must divide the {int(x[1])} channels of {{0}}")
    _check_eps(eps)
    return kept_shape(x, tuple(range(1, len(x))))


def batch_shape(x: Shape, *operands: Shape, training: bool, momentum: float, eps: float) -> Shape:
    """Shape rule of ``batch_norm``: x is (N, C, …), all others are (C)."""
    _check_channels(x, operands)
    _check_eps(eps)
    number = count(x[:1] + x[2:])
    if training and number < 2:
        raise ShapeError(f"training=True needs several entries for each channel, and {{0}} has {number}")
    if not training and () in operands[:2]:
        raise ShapeError("give running_mean and running_var, or training=True for the batch's own")
    return x


def _rms(x: Array, normalized_shape: Lengths, eps: float | None) -> tuple[Array, Axes, float]:
    """Arguments of ``scaled``; eps is by default the spacing at 1 of the numbers that are worked with.

    As in torch, that is float32's spacing for half precision too.
    """
    return x, _trailing(normalized_shape), float(np.finfo(x.dtype).eps) if eps is None else eps


def _group_norm(x: Array, num_groups: int, eps: float) -> Array:
    return np.reshape(standardized(_in_groups(x, num_groups), (2,), eps), x.shape)


def _group_product(g: Array, x: Array, num_groups: int, eps: float) -> Array:
    grouped = _in_groups(g, num_groups), _in_groups(x, num_groups)
    return np.reshape(standardized_product(*grouped, (2,), eps), x.shape)


def _deviation(x: Array, variance: Array, eps: float) -> Array:
    return np.sqrt(_over_channels(variance, x) + eps)


def _batch_norm(
    x: Array, mean: Array, variance: Array, training: bool, eps: float, **_other: object
) -> Array:
    if training:
        return standardized(x, _but_channels(x), eps)
    return (x - _over_channels(mean, x)) / _deviation(x, variance, eps)


def _batch_product(
    g: Array, x: Array, *statistics: Array, training: bool, eps: float, **_other: object
) -> Array:
    if training:
        return standardized_product(g, x, _but_channels(x), eps)
    return g / _deviation(x, statistics[1], eps)


def _mean_slope(
    x: Array, mean: Array, variance: Array, training: bool, eps: float, **_other: object
) -> Array:
    """∂y/∂mean = -1 / √(var + eps); the batch's own statistics leave the running ones out."""
    return np.zeros_like(x) if training else -1 / _deviation(x, variance, eps)


def _variance_slope(
    x: Array, mean: Array, variance: Array, training: bool, eps: float, **_other: object
) -> Array:
    """∂y/∂var = -(x - mean) / (2 (var + eps)^{3/2})."""
    if training:
        return np.zeros_like(x)
    return (_over_channels(mean, x) - x) / (2 * _deviation(x, variance, eps) ** 3)


def _entrywise(place: int, slope: Rule, view: View) -> tuple[Rule, Rule]:
    """VJP and JVP by an operand that broadcasts against x, where ``slope(xs, static)`` is ∂out/∂operand."""

    def vjp(g: Array, out: Array, *xs: Array, **static: Any) -> Array:
        shape = view(xs[place], xs[0]).shape
        return np.reshape(unbroadcast(g * slope(xs, static), shape), xs[place].shape)

    def jvp(t: Array, out: Array, *xs: Array, **static: Any) -> Array:
        return view(t, xs[0]) * slope(xs, static)

    return vjp, jvp


def _affine(normalize: Rule, view: View, at: int) -> Rule:
    """Return the forward, y * weight + bias; the weight is operand ``at``, the bias, if any, the next."""

    def forward(*xs: Array, **static: Any) -> Array:
        weight, *bias = (view(one, xs[0]) for one in xs[at:])
        return sum(bias, start=normalize(*xs[:at], **static) * weight)

    return forward


def _by_x(product: Rule, view: View, at: int) -> tuple[Rule, Rule]:
    """VJP and JVP by x: the weight, and the symmetric matrix that ``product`` multiplies by."""

    def vjp(g: Array, out: Array, *xs: Array, **static: Any) -> Array:
        return product(g * view(xs[at], xs[0]), *xs[:at], **static)

    def jvp(t: Array, out: Array, *xs: Array, **static: Any) -> Array:
        return product(t, *xs[:at], **static) * view(xs[at], xs[0])

    return vjp, jvp


def normalization(
    normalize: Rule,
    product: Rule,
    *,
    view: View,
    operands: tuple[str, ...],
    statistics: tuple[Rule, ...] = (),
    **options: Any,
) -> Primitive:
    """Build the row of y * weight + bias with y = normalize(x, *statistics, **static).

    ``product(g, x, *statistics, **static)`` multiplies by ∂y/∂x, which is symmetric; of the statistics the
    slopes ∂y/∂statistic are given. ``operands`` are x, the statistics, the weight, and the bias if any.
    """
    at = operands.index("weight")
    slopes = (
        *(lambda xs, static, by=by: view(xs[at], xs[0]) * by(*xs[:at], **static) for by in statistics),
        lambda xs, static: normalize(*xs[:at], **static),
        lambda xs, static: np.ones_like(xs[0]),
    )
    places = range(1, len(operands))
    rules = [_by_x(product, view, at), *(_entrywise(place, slopes[place - 1], view) for place in places)]
    vjps, jvps = (tuple(map(at_least_single, side)) for side in zip(*rules, strict=True))
    forward = at_least_single(_affine(normalize, view, at))
    return Primitive(
        operands=operands, forward=forward, vjps=vjps, jvps=jvps, casts=True, inexact=True, **options
    )


LAYER_NORM = normalization(
    lambda x, normalized_shape, eps: standardized(x, _trailing(normalized_shape), eps),
    lambda g, x, normalized_shape, eps: standardized_product(g, x, _trailing(normalized_shape), eps),
    name="layer_norm",
    formula="dL/dx = (h - mean(h) - y * mean(h * y)) / sqrt(var(x) + eps),  h = g * weight,  "
    "y = (x - mean(x)) / sqrt(var(x) + eps),  dL/dweight = sum of g * y over the leading axes,  "
    "dL/dbias = sum of g over them",
    signature="x, normalized_shape, weight=None, bias=None, eps=1e-05",
    operands=("x", "weight", "bias"),
    optional={"weight": 1.0, "bias": 0.0},
    view=_as_is,
    shapes="(…, *S), (*S), (*S) → (…, *S),  S = normalized_shape",
    shape=trailing_shape,
)
RMS_NORM = normalization(
    lambda x, **static: scaled(*_rms(x, **static)),
    lambda g, x, **static: scaled_product(g, *_rms(x, **static)),
    name="rms_norm",
    formula="dL/dx = (h - y * mean(h * y)) / sqrt(mean(x**2) + eps),  h = g * weight,  "
    "y = x / sqrt(mean(x**2) + eps),  dL/dweight = sum of g * y over the leading axes",
    signature="x, normalized_shape, weight=None, eps=None",
    operands=("x", "weight"),
    optional={"weight": 1.0},
    view=_as_is,
    shapes="(…, *S), (*S) → (…, *S),  S = normalized_shape",
    shape=trailing_shape,
)
GROUP_NORM = normalization(
    _group_norm,
    _group_product,
    name="group_norm",
    formula="dL/dx = as for layer_norm, with means over each group's channels and the axes behind them",
    signature="x, num_groups, weight=None, bias=None, eps=1e-05",
    operands=("x", "weight", "bias"),
    optional={"weight": 1.0, "bias": 0.0},
    view=_over_channels,
    shapes="(N, C, …), (C), (C) → (N, C, …)",
    shape=group_shape,
)
BATCH_NORM = normalization(
    _batch_norm,
    _batch_product,
    name="batch_norm",
    formula="dL/dx = g * weight / sqrt(running_var + eps),  in training as for layer_norm, "
    "with means over all axes but 1",
    signature="x, running_mean=None, running_var=None, weight=None, bias=None, training=False, "
    "momentum=0.1, eps=1e-05",
    operands=("x", "running_mean", "running_var", "weight", "bias"),
    optional={"running_mean": 0.0, "running_var": 1.0, "weight": 1.0, "bias": 0.0},
    view=_over_channels,
    statistics=(_mean_slope, _variance_slope),
    shapes="(N, C, …), (C), (C), (C), (C) → (N, C, …)",
    shape=batch_shape,
)

TABLE = (LAYER_NORM, RMS_NORM, GROUP_NORM, BATCH_NORM)
