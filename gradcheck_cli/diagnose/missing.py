"""Hypotheses about what is left out: contributions that are overwritten, terms of low rank or constant."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.compare import State
from gradcheck_cli.diagnose.case import Case, Found
from gradcheck_cli.diagnose.likeness import CLOSE
from gradcheck_cli.diagnose.regions import regions

LEAST_ENTRIES: Final = 6  # of which a constant may be told from chance
LARGEST: Final = 300  # side of a block whose singular values are taken in no time
LEAST_RANK: Final = 3  # smallest side of a block in which low rank says something


def overwritten(case: Case) -> Iterator[Found]:
    """Recognise contributions to one entry of the result of which only some are kept."""
    dropped = case.wrong & ~case.claimed
    if case.kind != "vjp" or not np.array_equal(dropped, case.wrong):
        return
    kept = case.claimed & ~case.wrong
    hit = np.any(dropped, axis=0)
    if not np.all(np.any(kept, axis=0)[hit]) or np.sum(hit) == 0:
        return
    alone = np.sum(case.present, axis=0) == 1
    if np.any(hit & alone):
        return
    place = int(np.flatnonzero(hit)[0])
    name = case.entry("result", place)
    message = (
        f"of several contributions to {name} only the last is kept: they overwrite one another where they "
        f"have to add up; use += (np.add.at for indices that repeat)"
    )
    if _last_wins(case, dropped, kept):
        yield Found("overwritten", message, 3.95)


def _last_wins(case: Case, dropped: Array, kept: Array) -> bool:
    """Whether what is kept comes later than what is dropped, or is no slice that somebody may have chosen."""
    if any(
        one.dtype.kind in "iu" and len(np.unique(one)) < one.size for one in case.evidence.primals.values()
    ):
        return True
    found = {region.kind for region in regions(case)}
    if not found & {"seed", "between"}:
        return True
    if "seed" not in found:
        return False
    rows = np.arange(len(dropped))[:, np.newaxis]
    hit = np.any(dropped, axis=0)
    last = np.max(np.where(kept, rows, -1), axis=0)[hit]
    return bool(np.all(last > np.max(np.where(dropped, rows, -1), axis=0)[hit]))


def single_entry(case: Case) -> Iterator[Found]:
    """Recognise one entry of the result, or of the Jacobian, that is wrong among many."""
    columns = np.flatnonzero(np.any(case.wrong, axis=0))
    total = int(np.sum(np.any(case.relevant, axis=0)))
    if len(columns) != 1 or (total < 2 and np.sum(case.wrong) > 1) or np.sum(case.relevant) < 2:
        return
    merged = case.tally.state
    if merged is not None and len(np.flatnonzero(np.any(case.oriented(merged) == State.FAIL, axis=0))) != 1:
        return
    rows = np.flatnonzero(np.any(case.wrong, axis=1))
    name = case.entry("result", int(columns[0]))
    if len(rows) == 1:
        of = case.entry("seed", int(rows[0]))
        output, given = (name, of) if case.forwards else (of, name)
        message = f"one entry alone is wrong, ∂{output}/∂{given}"
    else:
        message = f"one entry of {case.result} alone is wrong, {name}"
    ratio = _common_ratio(case)
    zero = not np.any(case.claimed & case.wrong)
    if zero:
        message += ": it is zero"
    elif ratio is not None:
        message += f": it is {ratio:.6g} times what it should be"
    end = len(case.shapes[1]) == 1 and int(columns[0]) in {0, case.shapes[1][0] - 1}
    yield Found("single-entry", message, 4.55 if zero and end and total > 2 else 0.5)


def _common_ratio(case: Case) -> float | None:
    given, right = case.analytic[case.wrong], case.numeric[case.wrong]
    if not np.all(case.present[case.wrong]):
        return None
    ratio = given / right
    return float(ratio[0]) if np.ptp(ratio) <= CLOSE * abs(ratio[0]) else None


def constant_residual(case: Case) -> Iterator[Found]:
    """Recognise a missing term that is the same along axes of the result: a path through a mean or a sum."""
    rest = (case.numeric - case.analytic).reshape((-1, *case.shapes[1]))
    room = case.room.reshape(rest.shape)
    shape = case.shapes[1]
    found = [
        axis
        for axis, size in enumerate(shape)
        if size > 1 and np.all(np.ptp(rest, axis=1 + axis) <= 2 * np.max(room, axis=1 + axis))
    ]
    varied = [axis for axis in found if np.any(np.ptp(case.numeric.reshape(rest.shape), axis=1 + axis) > 0)]
    if not varied or np.sum(case.wrong) < LEAST_RANK or len(rest) * rest[0].size < 4:
        return
    axes = varied[0] if len(varied) == 1 else tuple(varied)
    noun = "axis" if len(varied) == 1 else "axes"
    message = (
        f"what is missing is the same along {noun} {axes} of {case.names[1]}: {case.result} lacks the term "
        f"through the mean (or sum) over {noun} {axes}"
    )
    if len(rest) == 1 and len(varied) == sum(size > 1 for size in shape):
        message = f"what is missing is the same in every entry of {case.names[1]}: {rest.reshape(-1)[0]:.6g}"
    yield Found("missing-term", message, 4.3)


def low_rank(case: Case) -> Iterator[Found]:
    """Recognise a missing term of rank one, as −y (y · dy) of a softmax, in every block of the Jacobian."""
    rest = case.numeric - case.analytic
    if not np.any(case.claimed & case.wrong) or any(constant_residual(case)):
        return  # which has a simpler name
    blocks = list(_blocks(case, rest))
    sides = [side for block, _ in blocks for side in block.shape]
    if not blocks or min(sides) < LEAST_RANK or max(sides) > LARGEST:
        return
    for block, right in blocks:
        spread = np.linalg.svd(block, compute_uv=False)
        if spread[0] == 0 or spread[1] > 1e-5 * spread[0] + np.max(case.room):
            return
        if np.linalg.svd(right, compute_uv=False)[1] <= 1e-5 * spread[0]:
            return  # the derivative is of rank one itself
    yield Found("missing-term", f"what is missing has rank one{_written(case, rest)}", 4.35)


def wrong_axis(case: Case) -> Iterator[Found]:
    """Recognise a sum or mean over the wrong axis: claim and derivative mix entries along different axes."""
    given, right = (set(_unmixed(case, used)) for used in (case.claimed, case.present))
    lost, gained = sorted(right - given), sorted(given - right)
    if len(lost) != 1 or len(gained) != 1 or lost[0][1] == gained[0][1]:
        return
    mixed, instead = lost[0][1], gained[0][1]
    message = (
        f"the claim mixes entries along axis {mixed} of {case.names[1]}, the derivative along axis "
        f"{instead}: a sum or mean over the wrong axis"
    )
    yield Found("permuted", message, 4.25)


def _blocks(case: Case, rest: Array) -> Iterator[tuple[Array, Array]]:
    """Yield the blocks of the residual, and of the derivative, between axes that do not mix."""
    free = _unmixed(case, case.relevant)
    seed, result = case.shapes
    sizes = [seed[one] for one, _ in free]
    full, right = (one.reshape((*seed, *result)) for one in (rest, case.numeric))
    for place in np.ndindex(*sizes):
        index: list[int | slice] = [slice(None)] * (len(seed) + len(result))
        for (one, other), at in zip(free, place, strict=True):
            index[one], index[len(seed) + other] = at, at
        rows = int(np.prod([size for axis, size in enumerate(seed) if axis not in [one for one, _ in free]]))
        yield full[tuple(index)].reshape(rows, -1), right[tuple(index)].reshape(rows, -1)


def _unmixed(case: Case, used: Array) -> list[tuple[int, int]]:
    """Pairs of axes of seed and result along which a matrix with these entries only acts place by place."""
    seed, result = case.shapes
    used = used.reshape((*seed, *result))
    pairs: list[tuple[int, int]] = []
    for one, size in enumerate(seed):
        for other, width in enumerate(result):
            taken = one in [a for a, _ in pairs] or other in [b for _, b in pairs]
            if taken or size != width or size < 2:
                continue
            grid = np.indices(used.shape, sparse=True)
            if not np.any(used & (grid[one] != grid[len(seed) + other])):
                pairs.append((one, other))
    return pairs


def _written(case: Case, rest: Array) -> str:
    """Name the vectors of a term ∓ v vᵀ, where they are values of the spec."""
    seed, result = case.shapes
    if seed != result:
        return ""
    for name, values in case.values().items():
        if values.shape != seed:
            continue
        flat = values.reshape(-1)
        outer = np.outer(flat, flat)
        used = case.relevant
        scale = np.sum(rest[used] * outer[used]) / np.sum(outer[used] ** 2)
        if scale and np.allclose(rest[used], scale * outer[used], rtol=1e-4, atol=float(np.max(case.room))):
            sign = "−" if scale < 0 else "+"
            factor = "" if np.isclose(abs(scale), 1) else f"{abs(scale):.4g} "
            return f": {sign} {factor}{name} ({name} · {case.seed or 'd'})"
    return ""


def left_out(case: Case) -> Iterator[Found]:
    """Recognise a claim that agrees wherever it says something, and is zero elsewhere."""
    dropped = case.wrong & ~case.claimed
    kept = case.claimed & ~case.wrong
    if np.array_equal(dropped, case.wrong) and np.sum(kept) and np.sum(dropped) > 1:
        number = f"{int(np.sum(dropped))} of {int(np.sum(case.present))} terms"
        yield Found(
            "missing-term", f"{number} are missing, the others are right: {_terms(case, dropped)}", 5.5
        )


def _terms(case: Case, dropped: Array) -> str:
    row, column = (int(one) for one in np.argwhere(dropped)[0])
    return _example(case, row, column)


def _example(case: Case, row: int, column: int) -> str:
    seed = case.entry("seed", row)
    result = case.entry("result", column)
    output, given = (result, seed) if case.forwards else (seed, result)
    return f"for example ∂{output}/∂{given}"


def extra_terms(case: Case) -> Iterator[Found]:
    """Recognise terms where the derivative has none, among others that are right."""
    extra = case.wrong & ~case.present
    right = case.present & ~case.wrong
    if not np.array_equal(extra, case.wrong) or not np.any(right):
        return
    row, column = (int(one) for one in np.argwhere(extra)[0])
    number = int(np.sum(extra))
    noun = "term" if number == 1 else "terms"
    message = f"the claim has {number} {noun} too many, the others are right: {_example(case, row, column)}"
    yield Found("region", message, 5.4)


def few_values(case: Case) -> Iterator[Found]:
    """Recognise a missing constant: what is missing takes two values at most, the derivative many."""
    rest = (case.numeric - case.analytic)[case.relevant]
    room = 2 * float(np.max(case.room[case.relevant], initial=0.0))
    if len(rest) < LEAST_ENTRIES or _levels(case.numeric[case.relevant], room) <= 3:
        return
    levels = _levels(rest, room)
    if levels <= 2:
        shown = " or ".join(
            f"{one:.6g}" for one in dict.fromkeys(np.round(np.sort(rest), 9)[[0, -1]].tolist())
        )
        fact = "is the same in every entry" if " or " not in shown else "takes two values only"
        yield Found("missing-term", f"what is missing {fact}: {shown}", 5.3)


def _levels(values: Array, room: float) -> int:
    """Count the values that differ by more than some room."""
    return int(np.sum(np.diff(np.sort(values)) > room)) + 1


def partly_diagonal(case: Case) -> Iterator[Found]:
    """Recognise cross terms that are left out, where those that are not are wrong as well."""
    seed, result = case.shapes
    full = case.relevant.reshape((*seed, *result))
    grid = np.indices(full.shape, sparse=True)
    for one, size in enumerate(seed):
        for other, width in enumerate(result):
            if size != width or size < 2:
                continue
            beside = (grid[one] != grid[len(seed) + other]) & full
            flat = beside.reshape(case.wrong.shape)
            if np.any(flat) and np.all(case.wrong[flat]) and not np.any(case.claimed[flat]):
                yield Found("missing-term", _cross(case, one, other), 5.2)
                return


def _cross(case: Case, one: int, other: int) -> str:
    axes = f"axis {one} of {case.names[0]} and axis {other} of {case.names[1]}"
    return f"the claim lacks the cross terms between different places along {axes}"
