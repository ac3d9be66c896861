"""Operations that move entries without changing them: reshape, transpose, stack."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gradcheck_cli.autodiff.primitive import Array, Each, Primitive
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape, count, normalize_axes, show, unbroadcast


def reshaped(x: Shape, shape: int | Sequence[int]) -> Shape:
    """Shape rule of ``reshape``: as many entries as before, one size may be left open as -1."""
    wanted = (shape,) if isinstance(shape, int) else tuple(shape)
    open_axes = [place for place, size in enumerate(wanted) if size == -1]
    known = count(size for size in wanted if size != -1)
    fits = count(x) % known == 0 if open_axes and known else count(x) == known
    if len(open_axes) > 1 or any(size < -1 for size in wanted):
        raise ShapeError("one size may be -1, for what is left; no other may be negative")
    if not fits:
        raise ShapeError(f"{{0}} has {count(x)} entries, {show(wanted)} has {known}")
    return tuple(count(x) // known if size == -1 else size for size in wanted)


def transposed_shape(x: Shape, axes: Sequence[int] | None = None) -> Shape:
    """Shape rule of ``transpose``: the axes in a new order, reversed by default."""
    order = tuple(reversed(range(len(x)))) if axes is None else tuple(axes)
    if len(order) != len(x) or len(normalize_axes(order, len(x))) != len(x):
        raise ShapeError(f"axes {order} do not name each of the {len(x)} axes of {{0}} once")
    return tuple(x[axis] for axis in order)


def _untransposed(g: Array, axes: Sequence[int] | None) -> Array:
    return np.transpose(g, None if axes is None else np.argsort([axis % g.ndim for axis in axes]))


def swapped_shape(x: Shape, axis1: int, axis2: int) -> Shape:
    """Shape rule of ``swapaxes``."""
    first, second = one_axis(axis1, len(x)), one_axis(axis2, len(x))
    order = list(range(len(x)))
    order[first], order[second] = second, first
    return transposed_shape(x, order)


def expanded_shape(x: Shape, axis: int | Sequence[int]) -> Shape:
    """Shape rule of ``expand_dims``: new axes of length 1 at these places of the result."""
    added = (axis,) if isinstance(axis, int) else tuple(axis)
    places = normalize_axes(added, len(x) + len(added), whose="the result")
    rest = iter(x)
    return tuple(1 if place in places else next(rest) for place in range(len(x) + len(added)))


def squeezed_shape(x: Shape, axis: int | Sequence[int] | None = None) -> Shape:
    """Shape rule of ``squeeze``: axes of length 1 go, all of them or those named."""
    places = (
        [place for place, size in enumerate(x) if size == 1] if axis is None else normalize_axes(axis, len(x))
    )
    for place in places:
        if x[place] != 1:
            raise ShapeError(f"axis {place} of {{0}} has length {int(x[place])}, not 1")
    return tuple(size for place, size in enumerate(x) if place not in places)


def broadcast_to_shape(x: Shape, shape: int | Sequence[int]) -> Shape:
    """Shape rule of ``broadcast_to``."""
    wanted = (shape,) if isinstance(shape, int) else tuple(shape)
    tail = wanted[len(wanted) - len(x) :] if len(x) <= len(wanted) else None
    if tail is None or any(size not in (1, target) for size, target in zip(x, tail, strict=True)):
        raise ShapeError(f"{{0}} cannot be stretched to {show(wanted)}")
    return wanted


def one_axis(axis: int, rank: int) -> int:
    """Turn an ``axis`` that can only be one integer into a non-negative one."""
    if not isinstance(axis, int):
        raise ShapeError(f"axis must be one integer, not {axis}")
    return normalize_axes(axis, rank)[0]


def concatenated_shape(*shapes: Shape, axis: int = 0) -> Shape:
    """Shape rule of ``concatenate``: alike but along one axis, whose sizes add up."""
    first = shapes[0]
    place = one_axis(axis, len(first))
    total = first[place]
    for number, shape in enumerate(shapes[1:], start=1):
        if len(shape) != len(first) or any(
            a != b for other, (a, b) in enumerate(zip(first, shape, strict=True)) if other != place
        ):
            raise ShapeError(f"{{0}} and {{{number}}} differ in more than axis {place}")
        total = total + shape[place]
    return (*first[:place], total, *first[place + 1 :])


def stacked_shape(*shapes: Shape, axis: int = 0) -> Shape:
    """Shape rule of ``stack``: arrays alike, along a new axis."""
    for number, shape in enumerate(shapes[1:], start=1):
        if shape != shapes[0]:
            raise ShapeError(f"{{0}} and {{{number}}} differ")
    result = list(expanded_shape(shapes[0], axis))
    result[one_axis(axis, len(result))] = len(shapes)
    return tuple(result)


def _slab(array: Array, arrays: Sequence[Array], position: int, axis: int) -> Array:
    """Cut out of a concatenation the part that came from the operand at ``position``."""
    start = sum(one.shape[axis] for one in arrays[:position])
    return np.moveaxis(np.moveaxis(array, axis, 0)[start : start + arrays[position].shape[axis]], 0, axis)


def _in_place(t: Array, arrays: Sequence[Array], position: int, axis: int) -> Array:
    """Put a tangent of one operand among zeros for the others."""
    parts = [t if place == position else np.zeros_like(one) for place, one in enumerate(arrays)]
    return np.concatenate(parts, axis=axis)


def _reshape(x: Array, shape: int | Sequence[int]) -> Array:
    """Call NumPy's by position: its keyword has another name before NumPy 2.1."""
    return np.reshape(x, shape)


RESHAPE = Primitive(
    name="reshape",
    formula="dL/dx = reshape(g, x.shape)",
    signature="x, shape",
    operands=("x",),
    shape=reshaped,
    forward=_reshape,
    vjps=(lambda g, out, x, shape: np.reshape(g, x.shape),),
    jvps=(lambda t, out, x, shape: np.reshape(t, shape),),
)
RAVEL = Primitive(
    name="ravel",
    formula="dL/dx = reshape(g, x.shape)",
    shape=lambda x: (count(x),),
    forward=np.ravel,
    vjps=(lambda g, out, x: np.reshape(g, x.shape),),
    jvps=(lambda t, out, x: np.ravel(t),),
)
TRANSPOSE = Primitive(
    name="transpose",
    formula="dL/dx = transpose(g), with the axes in the inverse order",
    signature="x, axes=None",
    shape=transposed_shape,
    forward=np.transpose,
    vjps=(lambda g, out, x, axes: _untransposed(g, axes),),
    jvps=(lambda t, out, x, axes: np.transpose(t, axes),),
)
SWAPAXES = Primitive(
    name="swapaxes",
    formula="dL/dx = swapaxes(g, axis1, axis2)",
    signature="x, axis1, axis2",
    operands=("x",),
    shape=swapped_shape,
    forward=np.swapaxes,
    vjps=(lambda g, out, x, axis1, axis2: np.swapaxes(g, axis1, axis2),),
    jvps=(lambda t, out, x, axis1, axis2: np.swapaxes(t, axis1, axis2),),
)
EXPAND_DIMS = Primitive(
    name="expand_dims",
    formula="dL/dx = reshape(g, x.shape)",
    signature="x, axis",
    operands=("x",),
    shape=expanded_shape,
    forward=np.expand_dims,
    vjps=(lambda g, out, x, axis: np.reshape(g, x.shape),),
    jvps=(lambda t, out, x, axis: np.expand_dims(t, axis),),
)
SQUEEZE = Primitive(
    name="squeeze",
    formula="dL/dx = reshape(g, x.shape)",
    signature="x, axis=None",
    shape=squeezed_shape,
    forward=np.squeeze,
    vjps=(lambda g, out, x, axis: np.reshape(g, x.shape),),
    jvps=(lambda t, out, x, axis: np.reshape(t, out.shape),),
)
BROADCAST_TO = Primitive(
    name="broadcast_to",
    formula="dL/dx = sum of g over the axes that were stretched",
    signature="x, shape",
    operands=("x",),
    shape=broadcast_to_shape,
    forward=np.broadcast_to,
    vjps=(lambda g, out, x, shape: unbroadcast(g, x.shape),),
    jvps=(lambda t, out, x, shape: np.broadcast_to(t, shape),),
)
CONCATENATE = Primitive(
    name="concatenate",
    formula="dL/d(part) = the same part of g",
    signature="arrays, axis=0",
    packed=True,
    casts=True,
    shape=concatenated_shape,
    forward=lambda *arrays, axis: np.concatenate(arrays, axis=axis),
    vjps=Each(lambda place: lambda g, out, *arrays, axis: _slab(g, arrays, place, axis)),
    jvps=Each(lambda place: lambda t, out, *arrays, axis: _in_place(t, arrays, place, axis)),
)
STACK = Primitive(
    name="stack",
    formula="dL/d(array k) = g at index k of the new axis",
    signature="arrays, axis=0",
    packed=True,
    casts=True,
    shape=stacked_shape,
    forward=lambda *arrays, axis: np.stack(arrays, axis=axis),
    vjps=Each(lambda place: lambda g, out, *arrays, axis: np.moveaxis(g, axis, 0)[place]),
    jvps=Each(
        lambda place: (
            lambda t, out, *arrays, axis: np.stack(
                [t if other == place else np.zeros_like(one) for other, one in enumerate(arrays)], axis=axis
            )
        )
    ),
)

TABLE = (RESHAPE, RAVEL, TRANSPOSE, SWAPAXES, EXPAND_DIMS, SQUEEZE, BROADCAST_TO, CONCATENATE, STACK)
