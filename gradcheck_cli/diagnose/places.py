"""Hypotheses that the right numbers stand at the wrong places: reversed, rolled, shifted, exchanged."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.diagnose.case import SIDES, Case, Found, Side
from gradcheck_cli.diagnose.sets import product_name

MOST_FLIPS: Final = 64  # ways of reversing axes of seed and result that are tried
LEAST_SHARE: Final = 0.5  # of the columns that a shift has to explain; the others come from outside


def permuted(case: Case) -> Iterator[Found]:
    """Recognise a rearrangement of the result, of the seed, or of both; the simplest to say comes first."""
    for attempt in (_reversed, _rolled, _shifted, _columns, _rows):
        message = attempt(case)
        if message:
            yield Found("permuted", message, 4.0)
            return
    if message := _shares(case):
        yield Found("permuted", message, 5.0)


def _reversed(case: Case) -> str:
    """Recognise axes that are reversed: of the result, of the seed, or of both, as of a kernel."""
    seed, result = case.shapes
    full = case.analytic.reshape((*seed, *result))
    ranks = (len(seed) - case.types[0].is_complex, len(result) - case.types[1].is_complex)
    for flipped in itertools.islice(_flips(len(seed), ranks, full.shape), MOST_FLIPS):
        if case.explains(np.flip(full, flipped).reshape(case.analytic.shape)):
            return _flipped(
                case,
                [one for one in flipped if one < len(seed)],
                [one - len(seed) for one in flipped if one >= len(seed)],
            )
    return ""


def _flips(seed: int, ranks: tuple[int, int], sizes: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Yield sets of axes to reverse: of the result, of the seed, the same last axes of both; no parts."""
    last = range(1, min(ranks) + 1)
    own = [range(seed, seed + ranks[1]), range(ranks[0])]
    for axes in own:
        for number in range(1, len(axes) + 1):
            yield from itertools.combinations([axis for axis in axes if sizes[axis] > 1], number)
    for number in range(1, len(last) + 1):
        for chosen in itertools.combinations(last, number):
            yield (*(ranks[0] - one for one in chosen), *(seed + ranks[1] - one for one in chosen))


def _flipped(case: Case, seed: list[int], result: list[int]) -> str:
    parts = []
    for name, axes in zip(case.names, (seed, result), strict=True):
        if axes:
            parts.append(f"{name} along {'axis' if len(axes) == 1 else 'axes'} {', '.join(map(str, axes))}")
    if seed and result:
        return f"reversed: {' and '.join(parts)} together (a kernel that has to be flipped?)"
    return f"reversed: the right numbers stand in the reverse order of {parts[0]}; flip it"


def _rolled(case: Case) -> str:
    """Recognise a roll along one axis of the result or the seed."""
    seed, result = case.shapes
    full = case.analytic.reshape((*seed, *result))
    if any(one.is_complex for one in case.types):
        return ""
    for axis, size in reversed(list(enumerate(full.shape))):
        for shift in range(1, size):
            if size > 2 and case.explains(np.roll(full, -shift, axis).reshape(case.analytic.shape)):
                side = axis >= len(seed)
                name, own = case.names[side], axis - len(seed) * side
                by = shift if shift <= size // 2 else shift - size
                return f"rolled by {by} along axis {own} of {name}: roll it back by {-by}"
    return ""


def _weights(length: int) -> Array:
    return np.random.default_rng(length).uniform(0.5, 1.5, length)


def _sources(case: Case) -> Array:
    """For each column of the claim the column of the derivative that it equals, -1 where there is none."""
    weights = _weights(case.analytic.shape[0])
    given, right = weights @ case.analytic, weights @ case.numeric
    order = np.argsort(right, kind="stable")
    places = np.clip(np.searchsorted(right[order], given), 1, max(1, len(right) - 1))
    found = np.full(len(given), -1)
    for candidate in (places - 1, np.minimum(places, len(right) - 1)):
        source = order[candidate]
        equal = np.all(np.abs(case.analytic - case.numeric[:, source]) <= case.room[:, source], axis=0)
        found = np.where((found < 0) & equal, source, found)
    return found


def _shifted(case: Case) -> str:
    """Recognise a shift of the result; what comes from outside of it is something else."""
    shape = case.shapes[1]
    if case.types[1].is_complex:
        return ""
    filled = np.any(case.claimed, axis=0)
    sources = np.where(filled, _sources(case), -1)
    known = np.flatnonzero(sources >= 0)
    if not shape or len(known) < 2:
        return ""
    steps = np.array(np.unravel_index(known, shape)) - np.array(np.unravel_index(sources[known], shape))
    ((step, times),) = Counter(map(tuple, steps.T.tolist())).most_common(1)
    if not any(step) or times < LEAST_SHARE * np.sum(filled):
        return ""
    grid = np.indices(shape).reshape(len(shape), -1)
    origin = grid - np.array(step)[:, np.newaxis]
    inside = np.all((origin >= 0) & (origin < np.array(shape)[:, np.newaxis]), axis=0)
    place = np.ravel_multi_index(tuple(np.where(inside, origin, 0)), shape)
    close = np.abs(case.analytic - case.numeric[:, place]) <= case.room[:, place]
    if not np.all(close[:, inside]):
        return ""
    by = ", ".join(f"{one:+d}" for one in step)
    written = by if len(step) == 1 else f"({by})"
    return (
        f"shifted: what belongs to one place of {case.names[1]} stands {written} further; "
        "look at the offsets, as of padding, stride or a slice"
    )


def _columns(case: Case) -> str:
    """Recognise a rearrangement of the result's entries; columns that are alike may be exchanged freely."""
    order = _matched(
        _weights(case.analytic.shape[0]) @ case.analytic,
        _weights(case.analytic.shape[0]) @ case.numeric,
    )
    corrected = np.empty_like(case.analytic)
    corrected[:, order[1]] = case.analytic[:, order[0]]
    if not case.explains(corrected):
        return ""
    moved = _arrangement(case, "result", order)
    return f"the right numbers stand at the wrong places of {case.names[1]}: {moved}"


def _rows(case: Case) -> str:
    """Recognise a rearrangement of the seed's entries."""
    weights = _weights(case.analytic.shape[1])
    order = _matched(case.analytic @ weights, case.numeric @ weights)
    corrected = np.empty_like(case.analytic)
    corrected[order[1]] = case.analytic[order[0]]
    if not case.explains(corrected):
        return ""
    what = case.seed or case.names[0]
    return f"the entries of {what} are taken in the wrong order: {_arrangement(case, 'seed', order)}"


def _matched(given: Array, right: Array) -> tuple[Array, Array]:
    """Pair what the claim has with what is right, by size of a random combination."""
    return np.argsort(given, kind="stable"), np.argsort(right, kind="stable")


def _arrangement(case: Case, side: Side, order: tuple[Array, Array]) -> str:
    """Say what stands where: two slices exchanged, or an example."""
    place = SIDES.index(side)
    if (pair := _exchanged(case, place)) is not None:
        one, other = (_sliced(case, place, *slice_) for slice_ in pair)
        return f"{one} and {other} are exchanged"
    source = dict(zip(order[0].tolist(), order[1].tolist(), strict=True))
    wrong = np.flatnonzero(np.any(case.wrong, axis=1 - place)).tolist()
    shown = [entry for entry in wrong if source.get(entry, entry) != entry][:2]
    examples = [
        f"what belongs to {case.entry(side, source[one])} stands at {case.entry(side, one)}" for one in shown
    ]
    return "; ".join(examples)


def _sliced(case: Case, place: int, axis: int, places: list[int]) -> str:
    mask = np.zeros(case.shapes[place], dtype=bool)
    np.moveaxis(mask, axis, 0)[places] = True
    return product_name(case.names[place], mask, is_complex=case.types[place].is_complex)


Slice = tuple[int, list[int]]  # an axis and places along it


def _exchanged(case: Case, side: int) -> tuple[Slice, Slice] | None:
    """Find two blocks of places along one axis whose exchange explains everything."""
    shape = case.shapes[side]
    lead = case.shapes[0] if side else ()
    full = case.analytic.reshape((*case.shapes[0], *case.shapes[1]))
    flat = np.any(case.wrong, axis=1 - side).reshape(shape)
    for axis, size in enumerate(shape):
        others = tuple(one for one in range(len(shape)) if one != axis)
        places = np.flatnonzero(np.any(flat, axis=others)).tolist()
        half = len(places) // 2
        if len(places) % 2 or not places:
            continue
        moved = np.arange(size)
        moved[places[:half]], moved[places[half:]] = places[half:], places[:half]
        if case.explains(np.take(full, moved, axis=len(lead) + axis).reshape(case.analytic.shape)):
            return (axis, places[:half]), (axis, places[half:])
    return None


def _shares(case: Case) -> str:
    """Recognise shares of the seed's entries that are right as numbers but go to the wrong entries."""
    seed, result = case.names
    if case.analytic.shape[1] < 2 or np.sum(case.present) < 3:
        return ""
    what = case.seed or seed
    for axis, text in (
        (1, f"each entry of {what} contributes the right numbers, to the wrong entries of {result}"),
        (0, f"each entry of {result} has the right numbers, from the wrong entries of {what}"),
    ):
        given, right = np.sort(case.analytic, axis), np.sort(case.numeric, axis)
        room = np.max(case.room, axis=axis, keepdims=True)
        if case.analytic.shape[axis] > 1 and np.all(np.abs(given - right) <= room):
            return f"{text}: look at the axis that is summed over, at offsets, strides and indices"
    return ""
