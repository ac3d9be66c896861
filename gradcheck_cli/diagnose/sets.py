"""Names for sets of indices: ``w[:, 3]``, ``x[0:2, -1]``, ``i < j``; as people write slices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.shapes import PARTS

LISTED = 6  # places along an axis that are listed one by one


def axis_name(places: Sequence[int], size: int) -> str:
    """Write the places along an axis as a slice.

    >>> [axis_name(one, 6) for one in ([0, 1], [5], [2], range(6), [1, 3, 5], [0, 5], [4, 5])]
    [':2', '-1', '2', ':', '1::2', '[0, -1]', '4:']
    """
    first, last, steps = places[0], places[-1], set(np.diff(places).tolist())
    start, stop = f"{first}" if first else "", f"{last + 1}" if last + 1 < size else ""
    if len(places) == size:
        return ":"
    if len(places) == 1:
        return "-1" if last == size - 1 > 1 else str(last)
    if steps == {1}:
        return f"{start}:{stop}"
    if len(places) > 2 and len(steps) == 1 and first < (step := steps.pop()) and last + step >= size:
        return f"{start}::{step}"
    shown = [str(one if one < size - 1 else -1) for one in places[:LISTED]]
    return f"[{', '.join([*shown, *['…'][: len(places) > LISTED]])}]"


def projections(mask: Array) -> list[Array]:
    """Places along each axis at which a mask holds anywhere."""
    axes = range(mask.ndim)
    return [np.flatnonzero(np.any(mask, axis=tuple(one for one in axes if one != axis))) for axis in axes]


def hull(mask: Array) -> Array:
    """Return the smallest product of sets, one along each axis, that holds a mask."""
    full = np.zeros_like(mask)
    if mask.ndim:
        full[np.ix_(*projections(mask))] = True
        return full
    return mask.copy()


def product_name(name: str, mask: Array, *, is_complex: bool = False) -> str:
    """Write a product of sets along the axes: ``x[0, :, 2]``; the array's name alone for all of it."""
    found = [
        axis_name(places.tolist(), size) for places, size in zip(projections(mask), mask.shape, strict=True)
    ]
    part = found.pop() if is_complex else ":"
    while found and found[-1] == ":":
        found.pop()
    index = f"[{', '.join(found)}]" if found else ""
    return f"{name}{index}{'' if part == ':' else '.' + PARTS[int(part) % 2]}"


def border(shape: Sequence[int]) -> Array:
    """Mask of the entries at an end of any of the last two axes."""
    inner = np.zeros(tuple(shape), dtype=bool)
    index: list[Any] = [..., *[slice(1, -1)] * min(2, len(shape))]
    inner[tuple(index)] = True
    return ~inner
