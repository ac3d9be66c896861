"""Operations that give the entries of one array another place: reshape, transpose, roll."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gradcheck_cli.autodiff.primitive import HOLOMORPHIC, Array, Primitive
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape, count, normalize_axes, show, unbroadcast


def reshaped(x: Shape, shape: int | Sequence[int]) -> Shape:
    """Shape rule of ``reshape``: as many entries as before, one size may be left open as -1."""
    wanted = (shape,) if isinstance(shape, int) else tuple(shape)
    open_axes = [place for place, size in enumerate(wanted) if size == -1]
    known = count(size for size in wanted if size != -1)
    if len(open_axes) > 1 or any(size < -1 for size in wanted):
        raise ShapeError("one size may be -1, for what is left; no other may be negative")
    if open_axes and not known:
        raise ShapeError("beside a size of 0, -1 may be any size; write it out")
    if count(x) % known if open_axes else count(x) != known:
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


def one_axis(axis: int, rank: int, *, whose: str = "{0}") -> int:
    """Turn an ``axis`` that can only be one integer into a non-negative one; ``whose`` is for messages."""
    if not isinstance(axis, int):
        raise ShapeError(f"axis must be one integer, not {axis}")
    return normalize_axes(axis, rank, whose=whose)[0]


def along(x: Shape, axis: int | None) -> tuple[Shape, int]:
    """Shape of x and one of its axes, non-negative; ``axis=None`` stands for x flattened and its axis."""
    return ((math.prod(x),), 0) if axis is None else (x, one_axis(axis, len(x)))


def along_channels(operand: Array, rank: int) -> Array:
    """View one entry for each channel so that it broadcasts over the ``rank`` axes behind; or a scalar."""
    return np.reshape(operand, (-1, *(1,) * rank))


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


def stretches(x: Shape, wanted: Shape) -> bool:
    """Whether ``broadcast_to`` can make an array of shape x one of the shape wanted."""
    if len(x) > len(wanted):
        return False
    return all(size in (1, target) for size, target in zip(x, wanted[len(wanted) - len(x) :], strict=True))


def broadcast_to_shape(x: Shape, shape: int | Sequence[int]) -> Shape:
    """Shape rule of ``broadcast_to``."""
    wanted = (shape,) if isinstance(shape, int) else tuple(shape)
    if not stretches(x, wanted):
        raise ShapeError(f"{{0}} cannot be stretched to {show(wanted)}")
    return wanted


def moved_shape(x: Shape, source: int | Sequence[int], destination: int | Sequence[int]) -> Shape:
    """Shape rule of ``moveaxis``: these axes go to those places, the others keep their order."""
    origins, goals = _in_order(source, len(x)), _in_order(destination, len(x))
    if len(origins) != len(goals):
        raise ShapeError(f"source names {len(origins)} axes, destination {len(goals)}")
    order = [axis for axis in range(len(x)) if axis not in origins]
    for goal, origin in sorted(zip(goals, origins, strict=True)):
        order.insert(goal, origin)
    return tuple(x[axis] for axis in order)


def _in_order(axis: int | Sequence[int], rank: int) -> tuple[int, ...]:
    """Turn axes into non-negative ones that stay in the order given."""
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    normalize_axes(axes, rank)
    return tuple(one % rank for one in axes)


def flipped_shape(x: Shape, axis: int | Sequence[int] | None = None) -> Shape:
    """Shape rule of ``flip``."""
    normalize_axes(axis, len(x))
    return x


def rolled_shape(x: Shape, shift: int | Sequence[int], axis: int | Sequence[int] | None = None) -> Shape:
    """Shape rule of ``roll``: one shift for all axes, or one each; an axis named twice moves twice."""
    if axis is None:
        return x
    if not x:
        raise ShapeError("{0} has no axes; leave axis out")
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    for one in axes:
        one_axis(one, len(x))
    shifts = 1 if isinstance(shift, int) else len(shift)
    if shifts != len(axes) and 1 not in (shifts, len(axes)):
        raise ShapeError(f"shift has {shifts} entries, axis has {len(axes)}")
    return x


def rotated_shape(x: Shape, k: int = 1, axes: Sequence[int] = (0, 1)) -> Shape:
    """Shape rule of ``rot90``: two axes change places with every quarter turn."""
    if len(axes) != 2:
        raise ShapeError(f"axes must name two axes, not {len(axes)}")
    normalize_axes(axes, len(x))
    return swapped_shape(x, *axes) if k % 2 else x


def _reshape(x: Array, shape: int | Sequence[int]) -> Array:
    """Call NumPy's by position: its keyword has another name before NumPy 2.1."""
    return np.reshape(x, shape)


RESHAPE = Primitive(
    name="reshape",
    shapes="(…) → shape",
    formula="dL/dx = reshape(g, x.shape)",
    signature="x, shape",
    operands=("x",),
    shape=reshaped,
    forward=_reshape,
    vjps=(lambda g, out, x, shape: np.reshape(g, x.shape),),
    jvps=(lambda t, out, x, shape: np.reshape(t, shape),),
    on_complex=HOLOMORPHIC,
)
RAVEL = Primitive(
    name="ravel",
    shapes="(N, M, …) → (N*M*…,)",
    formula="dL/dx = reshape(g, x.shape)",
    shape=lambda x: (math.prod(x),),
    forward=np.ravel,
    vjps=(lambda g, out, x: np.reshape(g, x.shape),),
    jvps=(lambda t, out, x: np.ravel(t),),
    on_complex=HOLOMORPHIC,
)
TRANSPOSE = Primitive(
    name="transpose",
    shapes="(N, M, …) → (…, M, N), unless axes say otherwise",
    formula="dL/dx = transpose(g);  with axes, transpose(g, inverse) where inverse[axes[k]] = k",
    signature="x, axes=None",
    shape=transposed_shape,
    forward=np.transpose,
    vjps=(lambda g, out, x, axes: _untransposed(g, axes),),
    jvps=(lambda t, out, x, axes: np.transpose(t, axes),),
    on_complex=HOLOMORPHIC,
)
SWAPAXES = Primitive(
    name="swapaxes",
    shapes="(…, N, …, M, …) → (…, M, …, N, …)",
    formula="dL/dx = swapaxes(g, axis1, axis2)",
    signature="x, axis1, axis2",
    operands=("x",),
    shape=swapped_shape,
    forward=np.swapaxes,
    vjps=(lambda g, out, x, axis1, axis2: np.swapaxes(g, axis1, axis2),),
    jvps=(lambda t, out, x, axis1, axis2: np.swapaxes(t, axis1, axis2),),
    on_complex=HOLOMORPHIC,
)
EXPAND_DIMS = Primitive(
    name="expand_dims",
    shapes="(…) → (…, 1, …)",
    formula="dL/dx = reshape(g, x.shape)",
    signature="x, axis",
    operands=("x",),
    shape=expanded_shape,
    forward=np.expand_dims,
    vjps=(lambda g, out, x, axis: np.reshape(g, x.shape),),
    jvps=(lambda t, out, x, axis: np.expand_dims(t, axis),),
    on_complex=HOLOMORPHIC,
)
SQUEEZE = Primitive(
    name="squeeze",
    shapes="(…, 1, …) → (…)",
    formula="dL/dx = reshape(g, x.shape)",
    signature="x, axis=None",
    shape=squeezed_shape,
    forward=np.squeeze,
    vjps=(lambda g, out, x, axis: np.reshape(g, x.shape),),
    jvps=(lambda t, out, x, axis: np.reshape(t, out.shape),),
    on_complex=HOLOMORPHIC,
)
BROADCAST_TO = Primitive(
    name="broadcast_to",
    shapes="(…) → shape",
    formula="dL/dx = sum of g over the axes that were stretched",
    signature="x, shape",
    operands=("x",),
    shape=broadcast_to_shape,
    forward=np.broadcast_to,
    vjps=(lambda g, out, x, shape: unbroadcast(g, x.shape),),
    jvps=(lambda t, out, x, shape: np.broadcast_to(t, shape),),
    on_complex=HOLOMORPHIC,
)
MOVEAXIS = Primitive(
    name="moveaxis",
    shapes="(N, …, M) → (…, M, N), for moveaxis(x, 0, -1)",
    formula="dL/dx = moveaxis(g, destination, source)",
    signature="x, source, destination",
    operands=("x",),
    shape=moved_shape,
    forward=np.moveaxis,
    vjps=(lambda g, out, x, source, destination: np.moveaxis(g, destination, source),),
    jvps=(lambda t, out, x, source, destination: np.moveaxis(t, source, destination),),
    on_complex=HOLOMORPHIC,
)
FLIP = Primitive(
    name="flip",
    shapes="(…) → (…)",
    formula="dL/dx = flip(g, axis)",
    signature="x, axis=None",
    shape=flipped_shape,
    forward=np.flip,
    vjps=(lambda g, out, x, axis: np.flip(g, axis),),
    jvps=(lambda t, out, x, axis: np.flip(t, axis),),
    on_complex=HOLOMORPHIC,
)
ROLL = Primitive(
    name="roll",
    shapes="(…) → (…)",
    formula="dL/dx = roll(g, -shift, axis)",
    signature="x, shift, axis=None",
    operands=("x",),
    shape=rolled_shape,
    forward=np.roll,
    vjps=(lambda g, out, x, shift, axis: np.roll(g, np.negative(shift), axis),),
    jvps=(lambda t, out, x, shift, axis: np.roll(t, shift, axis),),
    on_complex=HOLOMORPHIC,
)
ROT90 = Primitive(
    name="rot90",
    shapes="(N, M, …) → (M, N, …), for odd k",
    formula="dL/dx = rot90(g, -k, axes)",
    signature="x, k=1, axes=(0, 1)",
    shape=rotated_shape,
    forward=np.rot90,
    vjps=(lambda g, out, x, k, axes: np.rot90(g, -k, axes),),
    jvps=(lambda t, out, x, k, axes: np.rot90(t, k, axes),),
    on_complex=HOLOMORPHIC,
)

TABLE = (
    RESHAPE, RAVEL, TRANSPOSE, SWAPAXES, MOVEAXIS, EXPAND_DIMS, SQUEEZE, BROADCAST_TO, FLIP, ROLL, ROT90,
)  # fmt: skip
