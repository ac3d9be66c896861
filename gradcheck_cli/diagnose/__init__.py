"""Names the likely causes of a mismatch: a table of hypotheses, each with a test on the two Jacobians.

Every hypothesis is checked against the numbers before it is uttered. The likelier comes first; of several
that explain the same numbers, the simplest.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np

from gradcheck_cli.diagnose.case import Case, Found
from gradcheck_cli.diagnose.correction import correction
from gradcheck_cli.diagnose.factors import varying_factor, within_region
from gradcheck_cli.diagnose.likeness import (
    conjugated,
    exchanged_axes,
    scaled,
    sign_flipped,
    swapped_inputs,
    transposed_factor,
    whole_transposed,
    zero,
)
from gradcheck_cli.diagnose.misfits import misfits
from gradcheck_cli.diagnose.missing import (
    constant_residual,
    extra_terms,
    few_values,
    left_out,
    low_rank,
    overwritten,
    partly_diagonal,
    single_entry,
    wrong_axis,
)
from gradcheck_cli.diagnose.places import permuted
from gradcheck_cli.diagnose.search import one_step
from gradcheck_cli.evidence import Evidence
from gradcheck_cli.result import Remark
from gradcheck_cli.spec.types import CheckSpec
from gradcheck_cli.tally import Tally

KINKED: Final = (
    "wrong only at kinks: outside the one-sided derivatives, or shares of a tie that do not add up"
)
SIMPLE: Final = 3.9  # rank below which a cause needs no other
UNKNOWN: Final = 9.0  # rank of what explains nothing
NEAR: Final = 0.85  # difference in rank up to which a cause is an alternative
SECONDS: Final = 3.0  # that all searches for one step may take together
MOST: Final = 3  # causes that are named for one pair

HYPOTHESES: Final[tuple[Callable[[Case], Iterator[Found]], ...]] = (
    zero,
    sign_flipped,
    scaled,
    swapped_inputs,
    conjugated,
    exchanged_axes,
    transposed_factor,
    whole_transposed,
    varying_factor,
    permuted,
    single_entry,
    constant_residual,
    low_rank,
    overwritten,
    within_region,
    partly_diagonal,
    left_out,
    wrong_axis,
    few_values,
    extra_terms,
)


def diagnose(check: CheckSpec, tallies: Sequence[Tally]) -> list[Remark]:
    """Return the likely causes of every failure, the likeliest first."""
    found: list[tuple[int, Found, Tally]] = []
    deadline = time.monotonic() + SECONDS
    for tally in tallies:
        causes = _guarded(partial(_likely, tally, check, tallies, deadline))
        found += [(place, one, tally) for place, one in enumerate(causes)]
    found.sort(key=lambda one: (one[0], one[1].rank))
    return list(_merged(found))


def _guarded(causes: Callable[[], list[Found]]) -> list[Found]:
    """Look for causes; a bug of ours in a hypothesis must not cost the verdict."""
    try:
        return causes()
    except Exception as error:  # noqa: BLE001  # whatever it is, the claim is as wrong as before
        fact = f"{type(error).__name__}: {error}"
        message = f"the diagnosis failed, a bug in gradcheck-cli; please report it with this spec: {fact}"
        return [Found("unknown", message, UNKNOWN)]


def _likely(tally: Tally, check: CheckSpec, tallies: Sequence[Tally], deadline: float) -> list[Found]:
    """Return the likely causes of one failure, the likeliest first, with the corrected formula."""
    causes = sorted(_causes(tally, check, tallies, deadline), key=lambda one: one.rank)
    likely = [one for one in causes if one.rank <= causes[0].rank + NEAR][:MOST]
    return _corrected(likely, tally, check, tallies)


def _corrected(causes: list[Found], tally: Tally, check: CheckSpec, tallies: Sequence[Tally]) -> list[Found]:
    """Give the likeliest cause the corrected formula, where one has been found that agrees."""
    if not causes or causes[0].code == "domain":
        return causes
    edit = correction(tally, check, tallies)
    if edit is None:
        return causes
    first, written = causes[0], edit.text.splitlines()[-1]
    if first.code == "unknown":
        first = Found(edit.code, "one change makes the claim right", first.rank)
    return [replace(first, correction=written), *causes[1:]]


def _merged(found: list[tuple[int, Found, Tally]]) -> Iterator[Remark]:
    """Say once what is the same for several pairs of one input."""
    pairs: dict[tuple[str, str, str, str], dict[str, int]] = {}
    several = len({tally.claim.label for _, _, tally in found}) > 1
    for place, one, tally in found:
        label = f" ({tally.claim.label})" if several else ""
        misfit = tally.claim.misfit is not None  # which says where it stands in the spec
        where = "" if misfit else f"∂{tally.pair[0]}/∂{tally.pair[1]}{label}"
        key = one.code, tally.pair[1], one.message, one.correction
        pairs.setdefault(key, {}).setdefault(where, place)
    for (code, name, message, corrected), places in pairs.items():
        text = ": ".join(filter(None, (" and ".join(filter(None, places)), message)))
        rank = min(places.values())
        yield Remark(code=code, input=name, message=text, rank=rank, correction=corrected)


def _causes(tally: Tally, check: CheckSpec, tallies: Sequence[Tally], deadline: float) -> Iterator[Found]:
    if (evidence := tally.evidence) is None:
        return
    if tally.claim.misfit is not None:
        yield from misfits(tally)
        return
    ignores = tally.claim.ignores_seed and tally.claims_something
    if ignores and tally.output_shape and "ignores-cotangent" not in check.allow:
        return  # the contract names it, and no Jacobian of rows that are alike resembles the right one
    comparison = evidence.comparison
    if check.kinks == "fail" and not np.any(evidence.wrong & (comparison.error > 0)):
        yield Found("domain", "one-sided derivatives differ, and the spec says 'kinks: fail'", 0.0)
        return
    if np.all(comparison.kink[evidence.wrong]):
        yield Found("domain", KINKED, 0.0)
        yield from _not_finite(evidence)
        return
    if "generic" in check.points and "generic" not in tally.failed_at:
        yield from _only_at(tally.failed_at)
    yield from _not_finite(evidence)
    case = Case(tally, evidence, check, tuple(tallies), deadline)
    found = list(_likenesses(case)) if np.all(np.isfinite(evidence.analytic)) else []
    yield from found
    if not found:
        yield Found("unknown", "the claim differs from the derivative in no simple way", UNKNOWN)


def _likenesses(case: Case) -> Iterator[Found]:
    """Yield every hypothesis that the numbers bear out; where none is simple, a mistake in one step."""
    found = [one for hypothesis in HYPOTHESES for one in hypothesis(case)]
    yield from found
    if min((one.rank for one in found), default=UNKNOWN) >= SIMPLE:
        yield from one_step(case)


def _not_finite(evidence: Evidence) -> Iterator[Found]:
    """Say where the claim is no number although the derivative is one."""
    wrong = evidence.wrong & ~np.isfinite(evidence.analytic)
    if wrong.any():
        # Not its sign: what says inf for a seed of -2 comes to -inf.
        kinds = " or ".join(dict.fromkeys(str(size) for size in np.sort(np.abs(evidence.analytic[wrong]))))
        message = f"the claim is not finite ({kinds}) in {np.sum(wrong)} of {wrong.size} entries"
        yield Found("domain" if evidence.special else "unknown", message, 0.2)


def _only_at(points: list[str]) -> Iterator[Found]:
    """Say what is special about the only points at which a claim is wrong."""
    if points == ["edge"]:
        message = "wrong at the edge point only: at exact zeros, ties, repeated, negative or integer values"
        yield Found("domain", message, 0.3)
    elif all(re.search(r"edge|\*", point) for point in points):
        listed = " and ".join(points)
        message = (
            f"wrong at {listed} only: where an operation takes another side, or on the bound between two"
        )
        yield Found("domain", message, 0.3)
