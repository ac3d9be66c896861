"""What the engine's derivative is just beside a point: tells kinks that meet from single ones.

At the zero of several hidden units at once, each backward picks a subgradient for each unit: 0, 1/2 or 1.
All are right, and their sums need not lie between the one-sided derivatives. Beside the point every unit
is on or off, so the derivatives there span what such choices can give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.compare import Comparison, State
from gradcheck_cli.directions import Line
from gradcheck_cli.functions.base import Claim, Pair
from gradcheck_cli.jacobian import assemble
from gradcheck_cli.problem import EVERYWHERE, Problem, symmetric_part, typical_size

SAMPLES = 24
DISTANCE = 1e-6  # relative to the size of each input
NOTICEABLE = 1e-3  # of the scale: derivatives that differ by less beside the point are one and the same


@dataclass(frozen=True)
class Span:
    """Smallest and largest derivatives beside a point: of each entry, and along given directions."""

    low: Array  # M × N
    high: Array
    along_low: Array  # M × directions
    along_high: Array


def span(problem: Problem, engine: Claim, pair: Pair, directions: Sequence[Array]) -> Span:
    """Span of the engine's derivatives at random points beside this one."""
    rng = np.random.default_rng(SAMPLES)
    low = high = along_low = along_high = np.asarray(np.nan)
    for _ in range(SAMPLES):
        moved = {name: _moved(problem, name, rng) for name in problem.primals}
        matrix = assemble(replace(problem, primals=moved), engine)[pair].matrix
        along = np.stack([matrix @ one for one in directions], axis=1) if directions else matrix[:, :0]
        low, high = np.fmin(low, matrix), np.fmax(high, matrix)
        along_low, along_high = np.fmin(along_low, along), np.fmax(along_high, along)
    return Span(low, high, along_low, along_high)


def _moved(problem: Problem, name: str, rng: np.random.Generator) -> Array:
    array = problem.primals[name]
    if not np.issubdtype(array.dtype, np.floating):
        return array
    distance = max(DISTANCE, 64 * float(np.finfo(array.dtype).eps)) * typical_size(array)
    step = rng.uniform(0.5, 1.0, array.shape) * rng.choice([-1.0, 1.0], array.shape) * distance
    step = symmetric_part(step) if name in problem.symmetric else step
    return np.clip(array + step, *problem.domains.get(name, EVERYWHERE)).astype(array.dtype)


def excused(comparison: Comparison, beside: Span, lines: Sequence[Line]) -> Comparison:
    """Leave out wrong entries that another choice of subgradients, where kinks meet, could give.

    Kinks meet where the derivatives beside the point reach beyond the one-sided ones. There a claim within
    twice their span is not judged; one further off is wrong by any choice. Entries that are wrong together
    only are left out where their products with the directions are among those beside the point.
    """
    slack = NOTICEABLE * comparison.scale
    meet = (beside.low < comparison.low - slack) | (beside.high > comparison.high + slack)
    with np.errstate(invalid="ignore"):
        width, claimed = beside.high - beside.low, comparison.analytic
        possible = (claimed >= beside.low - width) & (claimed <= beside.high + width)
        between = (claimed >= comparison.low - slack) & (claimed <= comparison.high + slack)
    together = between & comparison.kink & _possible_along(comparison, beside, lines)[:, np.newaxis]
    skip = (comparison.state == State.FAIL) & ((possible & meet) | together)
    return replace(comparison, state=np.where(skip, State.SKIPPED, comparison.state).astype(np.uint8))


def _possible_along(comparison: Comparison, beside: Span, lines: Sequence[Line]) -> Array:
    """Rows whose product with every direction is one-sided there or spanned by those beside the point."""
    fine = np.full(len(comparison.state), bool(lines))
    for place, (direction, left, right) in enumerate(lines):
        with np.errstate(invalid="ignore"):
            product = comparison.analytic @ direction
            slack = NOTICEABLE * (comparison.scale @ np.abs(direction))
            low = np.minimum(np.minimum(left.value, right.value), beside.along_low[:, place]) - slack
            high = np.maximum(np.maximum(left.value, right.value), beside.along_high[:, place]) + slack
            fine &= (product >= low) & (product <= high)
    return fine
