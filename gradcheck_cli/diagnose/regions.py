"""Where a claim is wrong, as a set of entries with a name: a slice, a relation of indices, a range of values.

A set counts only if every entry in it that is not zero on both sides is wrong, and none outside of it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.diagnose.case import SIDES, Case, Side
from gradcheck_cli.diagnose.sets import border, hull, product_name
from gradcheck_cli.result import EVERYWHERE
from gradcheck_cli.shapes import count

Kind = Literal["all", "result", "seed", "both", "between"]
LEAST: Final = 2  # entries on either side of a bound that shows in values
FAMILIAR: Final = (0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 3.0, -3.0, 6.0)  # bounds that people use


@dataclass(frozen=True)
class Region:
    """A named set of entries: of the result's (a slice of the gradient), of the seed's, or between both."""

    name: str
    mask: Array
    kind: Kind


def regions(case: Case) -> Iterator[Region]:
    """Yield the regions that hold exactly what is wrong, the simplest first."""
    for region in _candidates(case):
        inside = case.relevant & region.mask
        if not np.any(case.wrong & ~region.mask) and np.array_equal(inside & case.wrong, inside):
            yield region


def _candidates(case: Case) -> Iterator[Region]:
    seed, result = _slice(case, "seed"), _slice(case, "result")
    yield Region(EVERYWHERE, np.ones_like(case.wrong), "all")
    yield Region(result[0], np.broadcast_to(result[1], case.wrong.shape), "result")
    yield from _by_value(case)
    yield from _within(case)
    yield Region(seed[0], np.broadcast_to(seed[1][:, np.newaxis], case.wrong.shape), "seed")
    yield from _all_but(case)
    yield Region(f"{seed[0]} by {result[0]}", seed[1][:, np.newaxis] & result[1], "both")
    yield from _between(case)


def _slice(case: Case, side: Side) -> tuple[str, Array]:
    """Name the slice of seed or result that holds all that is wrong, and return it as a flat mask."""
    place = SIDES.index(side)
    flat = np.any(case.wrong, axis=1 - place)
    mask = hull(flat.reshape(case.shapes[place]))
    name = product_name(case.names[place], mask, is_complex=case.types[place].is_complex)
    return name, mask.reshape(-1)


def _all_but(case: Case) -> Iterator[Region]:
    """Yield all of the seed but a slice, where that slice is all that is right."""
    right = np.any(case.relevant, axis=1) & ~np.any(case.wrong, axis=1)
    if np.any(right):
        mask = hull(right.reshape(case.shapes[0]))
        name = product_name(case.names[0], mask, is_complex=case.types[0].is_complex)
        held = np.broadcast_to(~mask.reshape(-1, 1), case.wrong.shape)
        yield Region(f"all of {case.names[0]} but {name}", held, "seed")


def _by_value(case: Case) -> Iterator[Region]:
    """Yield where an input's values, entry by entry of the result, lie on one side of a bound."""
    wrong = np.any(case.wrong, axis=0)
    right = np.any(case.relevant, axis=0) & ~wrong
    if np.sum(right) < LEAST or not np.any(wrong):
        return
    for name, values in sorted(case.values().items(), key=lambda item: item[0] != case.names[1]):
        if count(values.shape) != count(case.shapes[1]) or values.shape != case.shapes[1]:
            continue
        for written, held in _sides(name, values.reshape(-1), wrong, right, _constants(case)):
            yield Region(
                f"{case.names[1]} where {written}", np.broadcast_to(held, case.wrong.shape), "result"
            )


def _sides(
    name: str, values: Array, wrong: Array, right: Array, constants: tuple[float, ...]
) -> Iterator[tuple[str, Array]]:
    """Yield the conditions on values that hold where something is wrong and nowhere else."""
    if np.ptp(values[wrong]) == 0 and not np.any(values[right] == values[wrong][0]):
        yield f"{name} = {values[wrong][0]:g}", values == values[wrong][0]
    for written, size in ((name, values), (f"|{name}|", np.abs(values))):
        if np.sum(wrong) < LEAST:
            return
        if np.max(size[wrong]) < np.min(size[right]):
            bound = _bound(float(np.max(size[wrong])), float(np.min(size[right])), constants)
            yield f"{written} < {bound}", size <= np.max(size[wrong])
        if np.min(size[wrong]) > np.max(size[right]):
            bound = _bound(float(np.max(size[right])), float(np.min(size[wrong])), constants)
            yield f"{written} > {bound}", size >= np.min(size[wrong])


def _bound(low: float, high: float, constants: tuple[float, ...]) -> str:
    """Write a bound between two values: a constant of the spec, a familiar one, or one of few digits."""
    for one in (0.0, *constants, *FAMILIAR):
        if low <= one <= high:
            return f"{one:g}"
    for digits in range(1, 17):
        if low <= (short := float(f"{(low + high) / 2:.{digits}g}")) <= high:
            return f"about {short:g}"
    return f"about {low:g}"


def _constants(case: Case) -> tuple[float, ...]:
    """Numbers that the spec hands to the function."""
    function = case.check.function
    given = getattr(function, "kwargs", {}).values()
    found = [float(one) for one in given if isinstance(one, int | float)]
    return tuple(sign * one for one in found for sign in (1, -1))


RELATIONS: Final[tuple[tuple[str, Callable[[Array, Array], Array]], ...]] = (
    ("=", operator.eq),
    ("≠", operator.ne),
    ("<", operator.lt),
    (">", operator.gt),
)


def _within(case: Case) -> Iterator[Region]:
    """Yield the diagonal of two axes of the result, what is beside, above and below it, and its border."""
    shape = case.shapes[1]
    grid = np.indices(shape)
    name = case.names[1]
    for one in range(len(shape)):
        for other in range(one + 1, len(shape)):
            if shape[one] != shape[other] or shape[one] < 2:
                continue
            letters = [":"] * len(shape)
            letters[one], letters[other] = "i", "j"
            for sign, compare in RELATIONS:
                held = compare(grid[one], grid[other]).reshape(-1)
                written = f"{name}[{', '.join(letters)}] with i {sign} j"
                yield Region(written, np.broadcast_to(held, case.wrong.shape), "result")
    if shape and min(shape[-2:]) > 2:
        held = border(shape).reshape(-1)
        yield Region(f"the border of {name}", np.broadcast_to(held, case.wrong.shape), "result")


def _between(case: Case) -> Iterator[Region]:
    """Yield relations between the indices of seed and result along axes of equal size."""
    seed, result = case.shapes
    rows, columns = (np.indices(shape).reshape(len(shape), count(shape)) for shape in (seed, result))
    shared = [(one, other) for one in range(len(seed)) for other in range(len(result))]
    shared = [(one, other) for one, other in shared if seed[one] == result[other] > 1]
    for one, other in shared:
        here, there = rows[one][:, np.newaxis], columns[other]
        for sign, compare in RELATIONS:
            yield Region(_related(case, one, other, sign), compare(here, there), "between")
    if seed == result and len(seed) > 1:
        same = np.eye(count(seed), dtype=bool)
        output, given = case.tally.pair
        yield Region(f"{output} and {given} at different indices", ~same, "between")
        yield Region(f"{output} and {given} at the same index", same, "between")


def _related(case: Case, one: int, other: int, sign: str) -> str:
    """Write ∂y[i, …]/∂x[…, j] with i ≠ j, the output first."""
    names, shapes, places = list(case.names), list(case.shapes), [one, other]
    if case.forwards:  # the seed of a JVP is the input's
        names, shapes, places = names[::-1], shapes[::-1], places[::-1]
        sign = {"<": ">", ">": "<"}.get(sign, sign)
    written = []
    for name, shape, place, letter in zip(names, shapes, places, "ij", strict=True):
        axes = [":"] * len(shape)
        axes[place] = letter
        while axes[-1] == ":":
            axes.pop()
        written.append(f"∂{name}[{', '.join(axes)}]")
    return f"{'/'.join(written)} with i {sign} j"
