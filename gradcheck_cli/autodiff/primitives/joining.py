"""Operations that join arrays, and those that cut one up: concatenate, stack, split."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import HOLOMORPHIC, Array, Each, Primitive, Rule
from gradcheck_cli.autodiff.primitives.shaping import expanded_shape, one_axis
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape

Integers = int | Sequence[int]
MAX_PARTS = 1000  # that a formula may split an array into: each is a node of its graph


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


def as_given(*shapes: Shape, axis: int | None) -> tuple[Sequence[Shape], int]:
    """Shapes that ``concatenate`` joins, and along which axis; without one, everything is flattened."""
    return ([(math.prod(shape),) for shape in shapes], 0) if axis is None else (shapes, axis)


def side_by_side(*shapes: Shape) -> tuple[Sequence[Shape], int]:
    """Shapes that ``hstack`` gives its operands, scalars becoming vectors, and the axis that it joins."""
    lifted = [shape or (1,) for shape in shapes]
    return lifted, 0 if len(lifted[0]) == 1 else 1


def as_rows(*shapes: Shape) -> tuple[Sequence[Shape], int]:
    """Shapes that ``vstack`` gives its operands, vectors becoming rows, and the axis that it joins."""
    return [(1,) * (2 - len(shape)) + shape for shape in shapes], 0


Lift = Callable[..., tuple[Sequence[Shape], int]]  # shapes and static arguments → as joined, and along what


def _joining(name: str, forward: Rule, lift: Lift, **more: Any) -> Primitive:
    """Build the row of what concatenates its operands, in shapes and along an axis that ``lift`` tells."""

    def shape(*shapes: Shape, **static: Any) -> Shape:
        lifted, axis = lift(*shapes, **static)
        return concatenated_shape(*lifted, axis=axis)

    return Primitive(
        name=name,
        formula="dL/d(part) = the same part of g",
        packed=True,
        casts=True,
        on_complex=HOLOMORPHIC,
        shape=shape,
        forward=forward,
        vjps=Each(lambda place: _cut_out(place, lift)),
        jvps=Each(lambda place: _put_in(place, lift)),
        **more,
    )


def _cut_out(place: int, lift: Lift) -> Rule:
    """VJP by the operand at ``place``: its part of g."""

    def rule(g: Array, out: Array, *arrays: Array, **static: Any) -> Array:
        shapes, axis = lift(*(one.shape for one in arrays), **static)
        start = sum(one[axis] for one in shapes[:place])
        stop = start + shapes[place][axis]
        return np.reshape(np.moveaxis(np.moveaxis(g, axis, 0)[start:stop], 0, axis), arrays[place].shape)

    return rule


def _put_in(place: int, lift: Lift) -> Rule:
    """JVP by the operand at ``place``: its tangent among zeros."""

    def rule(t: Array, out: Array, *arrays: Array, **static: Any) -> Array:
        shapes, axis = lift(*(one.shape for one in arrays), **static)
        parts = [
            np.reshape(t, one) if other == place else np.zeros(one, out.dtype)
            for other, one in enumerate(shapes)
        ]
        return np.concatenate(parts, axis=axis)

    return rule


def part_of(size: int, indices_or_sections: Integers, part: int) -> tuple[int, int]:
    """Where a part of a split axis starts, and its length; the first parts get what does not divide."""
    if isinstance(indices_or_sections, int):
        length, longer = size // indices_or_sections, int(size) % indices_or_sections
        start = part * int(length) + min(part, longer)
        return start, length + 1 if part < longer else length
    start, stop = (0, *indices_or_sections, size)[part : part + 2]
    if not 0 <= start <= stop <= size:  # NumPy takes the bounds as those of a slice
        start, stop, _ = slice(start, stop).indices(int(size))
        stop = max(start, stop)
    return start, stop - start


def split_shape(x: Shape, indices_or_sections: Integers, axis: int, part: int) -> Shape:
    """Shape rule of one part of ``split``."""
    place = one_axis(axis, len(x))
    _, length = part_of(x[place], indices_or_sections, part)
    return (*x[:place], length, *x[place + 1 :])


def split_parts(x: Shape, indices_or_sections: Integers, axis: int) -> tuple[str, ...]:
    """Parts of ``array_split``, by number."""
    number = indices_or_sections if isinstance(indices_or_sections, int) else len(indices_or_sections) + 1
    if number < 1:
        raise ShapeError(f"indices_or_sections must be at least 1, not {int(number)}")
    if number > MAX_PARTS:
        raise ShapeError(f"there would be {int(number)} parts; at most {MAX_PARTS} are made")
    return tuple(str(part) for part in range(number))


def equal_parts(x: Shape, indices_or_sections: Integers, axis: int) -> tuple[str, ...]:
    """Parts of ``split``: of the same length, unless it is told where to cut."""
    parts = split_parts(x, indices_or_sections, axis)
    place = one_axis(axis, len(x))
    if isinstance(indices_or_sections, int) and int(x[place]) % len(parts):
        raise ShapeError(
            f"axis {place} of {{0}} has length {int(x[place])}, no multiple of {len(parts)}; "
            "array_split makes uneven parts"
        )
    return parts


def _cut(x: Array, indices_or_sections: Integers, axis: int, part: int) -> Array:
    """Cut one part out of x."""
    place = axis % x.ndim
    start, length = part_of(x.shape[place], indices_or_sections, part)
    return x[(*[slice(None)] * place, slice(start, start + length))]


def _among_zeros(g: Array, out: Array, x: Array, *, axis: int, **static: Any) -> Array:
    """Adjoint of ``_cut``."""
    place = axis % x.ndim
    start, length = part_of(x.shape[place], **static)
    widths = (start, x.shape[place] - start - length)
    return np.pad(g, [widths if one == place else (0, 0) for one in range(x.ndim)])


def _splitting(name: str, parts: Callable[..., tuple[str, ...]], shapes: str) -> Primitive:
    """Build the row of ``split`` or ``array_split``, which differ in what they refuse."""
    return Primitive(
        name=name,
        shapes=shapes,
        formula="dL/dx = concatenate(g of every part)",
        signature="x, indices_or_sections, axis=0",
        operands=("x",),
        parts=parts,
        shape=split_shape,
        forward=_cut,
        vjps=(_among_zeros,),
        jvps=(lambda t, out, x, **static: _cut(t, **static),),
        on_complex=HOLOMORPHIC,
    )


CONCATENATE = _joining(
    "concatenate",
    lambda *arrays, axis: np.concatenate(arrays, axis=axis),
    as_given,
    shapes="(…, N, …), (…, M, …) → (…, N + M, …)",
    signature="arrays, axis=0",
)
HSTACK = _joining(
    "hstack",
    lambda *arrays: np.hstack(arrays),
    side_by_side,
    shapes="(K, N, …), (K, M, …) → (K, N + M, …); (N,), (M,) → (N + M,)",
    signature="arrays",
)
VSTACK = _joining(
    "vstack",
    lambda *arrays: np.vstack(arrays),
    as_rows,
    shapes="(N, …), (M, …) → (N + M, …); (N,), (N,) → (2, N)",
    signature="arrays",
)
STACK = Primitive(
    name="stack",
    shapes="(…), (…) → (…, 2, …)",
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
    on_complex=HOLOMORPHIC,
)
SPLIT = _splitting("split", equal_parts, "(…, 2*N, …) → (…, N, …), (…, N, …)")
ARRAY_SPLIT = _splitting("array_split", split_parts, "(…, 2*N + 1, …) → (…, N + 1, …), (…, N, …)")

TABLE = (CONCATENATE, STACK, HSTACK, VSTACK, SPLIT, ARRAY_SPLIT)
