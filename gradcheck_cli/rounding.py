"""What rounding does to a claim's own values: asked again in ways that change nothing but the rounding.

A gradient that cancels, such as 0.1 dy + 0.2 dy - 0.3 dy, is left with the round-off of its largest term,
which neither its value nor its scale tells. Seeds of other sizes and inputs moved by a unit in the last
place are rounded differently on the way, and the spread of the results is the claim's round-off.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.functions.base import Arrays, Claim, Linear, Pair
from gradcheck_cli.jacobian import Jacobian, assemble
from gradcheck_cli.problem import Problem

SIZES = (0.7, 1.3, 0.9)  # of the seeds: no powers of two
SPREADS = 4  # of these few differences, that the rounding of one value may come to


def rounding(problem: Problem, claim: Claim, jacobians: Mapping[Pair, Jacobian]) -> dict[Pair, Array]:
    """Round-off of every entry of a claim's explicit Jacobians."""
    rng = np.random.default_rng(len(SIZES))
    spread = {pair: np.zeros_like(one.matrix) for pair, one in jacobians.items()}
    for size in SIZES:
        there = replace(problem, primals={name: _nudged(problem, name, rng) for name in problem.primals})
        again = assemble(there, replace(claim, linearize=_resized(claim, size)))
        for pair, one in again.items():
            with np.errstate(all="ignore"):
                difference = np.abs(one.matrix - jacobians[pair].matrix)
            spread[pair] = np.fmax(spread[pair], np.where(np.isfinite(difference), difference, 0.0))
    return {pair: SPREADS * one for pair, one in spread.items()}


def _resized(claim: Claim, size: float) -> Callable[[Arrays], Linear] | None:
    """Ask the claim at ``size`` times every seed, and divide the size out of what it says."""
    linearize = claim.linearize
    if linearize is None or claim.kind == "jacobian":
        return linearize

    def resized(primals: Arrays) -> Linear:
        linear = linearize(primals)

        def call(seeds: Arrays) -> Arrays:
            found = linear({name: np.asarray(seed * seed.dtype.type(size)) for name, seed in seeds.items()})
            return {name: np.asarray(value) / size for name, value in found.items()}

        return call

    return resized


def _nudged(problem: Problem, name: str, rng: np.random.Generator) -> Array:
    """Move an input by a unit in the last place, up or down; zeros stay, and so do all but floats."""
    return problem.moved(
        name, lambda parts: (parts != 0) * np.spacing(parts) * rng.choice([-1.0, 0.0, 1.0], parts.shape)
    )
