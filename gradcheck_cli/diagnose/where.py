"""Mismatched entries as sets that have a name, with how many of each are wrong.

One set where what is wrong has a name as a whole; else the slices that are wrong through and through, the
largest first, and what is left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.diagnose.case import Case
from gradcheck_cli.diagnose.regions import regions
from gradcheck_cli.diagnose.sets import product_name
from gradcheck_cli.result import Group
from gradcheck_cli.spec.types import CheckSpec
from gradcheck_cli.tally import Tally

MOST: Final = 4  # sets that are named
REST: Final = "elsewhere"


def groups(tally: Tally, check: CheckSpec, tallies: Sequence[Tally]) -> tuple[Group, ...]:
    """Name the sets of wrong entries of one claim about one pair, at each point that is kept of it."""
    if tally.claim.misfit is not None:
        return ()
    return tuple(
        group
        for evidence in sorted(tally.evidences, key=lambda one: one.special)
        for group in _groups(Case(tally, evidence, check, tuple(tallies)))
    )


def _groups(case: Case) -> Iterator[Group]:
    exact = next(iter(regions(case)), None)
    if exact is not None:
        yield _group(case, exact.name, exact.mask)
        return
    left = np.array(case.wrong)
    for name, mask in _slices(case):
        if np.sum(left & mask) > 1:
            yield _group(case, name, mask)
            left &= ~mask
    if np.any(left):
        whole = np.array_equal(left, case.wrong)
        yield _group(case, _scattered(case) if whole else REST, left if not whole else np.ones_like(left))


def _scattered(case: Case) -> str:
    """Say that what is wrong has no name of its own."""
    return f"scattered over ∂{case.tally.pair[0]}/∂{case.tally.pair[1]}"


def _slices(case: Case) -> list[tuple[str, Array]]:
    """Slices of the result along one axis in which every entry is wrong, the largest first."""
    shape, found = case.shapes[1], []
    places = np.indices(shape).reshape(len(shape), int(np.prod(shape)))
    for axis, size in enumerate(shape):
        for place in range(size if size > 1 else 0):
            mask = np.broadcast_to(places[axis] == place, case.wrong.shape)
            inside = case.relevant & mask
            if np.any(inside) and np.all(case.wrong[inside]):
                held = (places[axis] == place).reshape(shape)
                name = product_name(case.names[1], held, is_complex=case.types[1].is_complex)
                found.append((name, mask))
    return sorted(found, key=lambda one: -int(np.sum(case.wrong & one[1])))[:MOST]


def _group(case: Case, name: str, mask: Array) -> Group:
    wrong = int(np.sum(case.wrong & mask))
    return Group(
        where=name,
        point=case.evidence.point,
        mismatched=wrong,
        entries=int(np.sum(case.relevant & mask)),
        share=wrong / max(1, int(np.sum(case.wrong))),
    )
