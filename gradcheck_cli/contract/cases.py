"""From what is known at a point to the cases that the rules are asked of: one for each claim."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gradcheck_cli.contract.case import Case
from gradcheck_cli.examine import Witness
from gradcheck_cli.functions.base import Arrays
from gradcheck_cli.problem import Problem
from gradcheck_cli.spec.sample import draw
from gradcheck_cli.spec.types import CheckSpec

ELSEWHERE = 101  # an attempt that no point of a check gets to


def cases(
    problem: Problem,
    witnesses: Sequence[Witness],
    check: CheckSpec,
    rng: np.random.Generator,
    *,
    smooth: bool,
) -> Iterator[Case]:
    """Yield a case for each claim; the first of those that one backward makes speaks for its code."""
    elsewhere = _elsewhere(check) if any(one.claim.layer for one in witnesses) else {}
    for place, one in enumerate(witnesses):
        layer = one.claim.layer
        if any(other.claim.layer is layer for other in witnesses[:place]):
            layer = None
        together = [other for other in witnesses if other.claim.layer is layer] if layer else [one]
        yield Case(
            problem=problem,
            claim=one.claim,
            jacobians={pair: jacobian for other in together for pair, jacobian in other.jacobians.items()},
            rng=rng,
            layer=layer,
            inputs=tuple(name for other in together for name in other.claim.inputs),
            elsewhere=elsewhere,
            smooth=smooth,
            others=tuple(other.claim for other in witnesses if other.claim.kind == "jvp" and other.jacobians),
        )


def _elsewhere(check: CheckSpec) -> Arrays:
    """Another generic point; fixed inputs are the same there."""
    return draw(check.inputs, seed=check.seed, point="generic", attempt=ELSEWHERE)
