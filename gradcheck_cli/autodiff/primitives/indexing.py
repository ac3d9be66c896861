"""Reading entries by index: slices, integers, and integer arrays with repeats.

A formula's index is kept as a template in which the arrays are numbered holes (``Hole(0)`` is the first
array operand after the one indexed); everything else in it is known before evaluation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import EllipsisType
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import HOLOMORPHIC, Array, Each, Primitive, promoted
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape, broadcast_shapes


@dataclass(frozen=True)
class Hole:
    """Where in an index an integer array goes."""

    number: int


Part = int | slice | EllipsisType | Hole | None


def _without_ellipsis(template: Sequence[Part], rank: int) -> list[Part]:
    """Write out ``...`` and the slices left off at the end; the ``...`` stays, as it parts what it parts."""
    used = sum(part is not None and part is not Ellipsis for part in template)
    if used > rank:
        raise ShapeError(f"{{0}} has {rank} axes, the index names {used}")
    if sum(part is Ellipsis for part in template) > 1:
        raise ShapeError("an index may hold one '...'")
    at = next((place for place, part in enumerate(template) if part is Ellipsis), len(template))
    missing: list[Part] = [slice(None)] * (rank - used)
    return [*template[:at], *missing, *template[at:]]


def indexed_shape(x: Shape, *arrays: Shape, template: Sequence[Part]) -> Shape:
    """Shape rule of ``x[template]`` by NumPy's rules for basic and integer-array indexing.

    The axes of integer arrays, broadcast, take the place of the first axis indexed by one; they go to the
    front if a slice or ``...``, even an empty one, stands between two of them (an
    integer beside an array counts as an array).
    """
    parts = _without_ellipsis(template, len(x))
    advanced = [place for place, part in enumerate(parts) if isinstance(part, Hole | int)]
    has_arrays = any(isinstance(part, Hole) for part in parts)
    axes, shape, first = iter(range(len(x))), list[int](), 0
    for place, part in enumerate(parts):
        if advanced and place == advanced[0]:
            first = len(shape)
        if part is None:
            shape.append(1)
        elif part is not Ellipsis:
            shape.extend(_axis_shape(x, next(axes), part))
    if not has_arrays:
        return tuple(shape)
    apart = advanced[-1] - advanced[0] + 1 != len(advanced)
    at = 0 if apart else first
    return (*shape[:at], *broadcast_shapes(*arrays), *shape[at:])


def _axis_shape(x: Shape, axis: int, part: Part) -> tuple[int, ...]:
    """What remains of one axis: nothing for an integer or an array, the slice's length otherwise."""
    size = x[axis]
    if isinstance(part, slice):
        length = len(range(*part.indices(int(size))))
        return (size if length == size else length,)
    if isinstance(part, int) and not -size <= part < size:
        raise ShapeError(
            f"index {part} is out of range for axis {axis} of {{0}}, which has length {int(size)}"
        )
    return ()


def refuse_fractions(place: int, kind: Any) -> None:
    """Refuse indices, the operand at ``place``, that are not integers, as far as types go."""
    dtype = np.result_type(kind)
    if not np.issubdtype(dtype, np.integer):
        raise ShapeError(f"indices must be integers, {{{place}}} is {dtype}")


def refuse_outside(indices: Array, number: int, one: str, several: str) -> None:
    """Refuse indices that do not lie in 0 … number - 1; negative ones do not count from the end.

    Raises
    ------
    IndexError
        With ``one`` and ``several`` for what is indexed: a class of so many classes.
    """
    indices = np.asarray(indices)
    outside = indices[(indices < 0) | (indices >= number)]
    if outside.size:
        raise IndexError(f"{one} {outside[0]} is out of bounds: there are {int(number)} {several}")


def fill(template: Sequence[Part], arrays: Sequence[Array]) -> tuple[Any, ...]:
    """Put the integer arrays into their holes."""
    return tuple(arrays[part.number] if isinstance(part, Hole) else part for part in template)


def take(x: Array, *arrays: Array, template: Sequence[Part]) -> Array:
    """x[template]."""
    taken: Array = np.asarray(x)[fill(template, arrays)]
    return taken


def add_at(x: Array, index: tuple[Any, ...], values: Array) -> Array:
    """Copy x and add to ``x[index]``; an entry that the index names several times collects all its values."""
    total: Array = np.array(x, dtype=np.result_type(x, values))
    np.add.at(total, index, values)
    return total


def scatter_add(g: Array, out: Array, x: Array, *arrays: Array, template: Sequence[Part]) -> Array:
    """Adjoint of ``take``: entries read several times collect all their cotangents."""
    gradient = np.zeros_like(x)
    if arrays:
        return add_at(gradient, fill(template, arrays), g)
    gradient[fill(template, ())] = g
    return gradient


GETITEM = Primitive(
    name="getitem",
    shapes="(…) → what the index leaves, as in NumPy",
    formula="dL/dx = zeros with g added at the entries read, once for each time they were",
    signature="x, *arrays",
    shape=indexed_shape,
    forward=take,
    dtype=lambda x, *_arrays: promoted(x),
    vjps=Each(lambda place: scatter_add if place == 0 else None),
    jvps=Each(
        lambda place: (
            (lambda t, out, x, *arrays, template: take(t, *arrays, template=template)) if place == 0 else None
        )
    ),
    on_complex=HOLOMORPHIC,
)

TABLE = (GETITEM,)
