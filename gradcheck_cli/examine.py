"""One point of a check: every claim's Jacobian against the numeric one, and both against the engine's.

The funnel: assemble all analytic Jacobians, estimate every column by one central pair, refine the
columns that any claim disagrees with, judge.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.compare import Comparison, State, judge, suspects
from gradcheck_cli.directions import Line, outside, probes
from gradcheck_cli.functions.base import Claim, Pair
from gradcheck_cli.jacobian import Jacobian, assemble
from gradcheck_cli.numeric import Differences, difference_jacobian, refine_columns
from gradcheck_cli.problem import Problem, View
from gradcheck_cli.spec.types import Tolerance


@dataclass(frozen=True)
class Finding:
    """What one claim about one pair came to at one point."""

    claim: Claim
    pair: Pair
    comparison: Comparison
    engine: Comparison | None = None  # the engine's own derivative of the same pair
    lines: tuple[Line, ...] = ()  # the directions along which kinked entries were judged together


@dataclass(frozen=True)
class Witness:
    """A claim and the explicit Jacobians it stands for; a misfit has none."""

    claim: Claim
    jacobians: dict[Pair, Jacobian]


def witness(problem: Problem, claim: Claim, *, unit_seeds: bool = False) -> Witness:
    """Ask a claim for all it says at this point."""
    fits = claim.misfit is None
    return Witness(claim, assemble(problem, claim, unit_seeds=unit_seeds) if fits else {})


def examine(
    problem: Problem, witnesses: list[Witness], engine: Witness | None, tolerance: Tolerance
) -> Iterator[Finding]:
    """Judge every witness about every pair, one input after the other."""
    asked = [*witnesses, *([engine] if engine else [])]
    for name in problem.wrt:
        view = problem.view(name)
        differences = _differences(problem, view, name, [one.jacobians for one in asked], tolerance)
        lines = probes(view, differences)
        for output in problem.outputs:
            pair, rows = (output, name), problem.rows[output]
            part = differences.rows(rows)
            along = tuple((direction, left.rows(rows), right.rows(rows)) for direction, left, right in lines)
            theirs = engine.jacobians.get(pair) if engine else None
            own = _compare(problem, pair, theirs.matrix, part, tolerance) if theirs else None
            for one in witnesses:
                if pair in one.claim.pairs:
                    matrix = (
                        one.jacobians[pair].matrix if one.jacobians else np.full(part.value.shape, np.nan)
                    )
                    comparison = _compare(problem, pair, matrix, part, tolerance)
                    yield Finding(one.claim, pair, _along(comparison, own, part, along), own, along)


def _along(
    comparison: Comparison, own: Comparison | None, part: Differences, lines: tuple[Line, ...]
) -> Comparison:
    """Fail the kinked entries of a row whose product with a direction is no derivative along it.

    Where the engine's own product is none either, no rule of differentiation holds and nothing follows.
    """
    state, numeric = comparison.state.copy(), comparison.numeric
    for direction, left, right in lines:
        wrong = outside(comparison.analytic, comparison.tolerance, direction, left, right)
        if own is not None:
            wrong &= ~outside(own.analytic, own.tolerance, direction, left, right)
        entries = wrong[:, np.newaxis] & part.kink & (direction != 0) & (state == State.PASS)
        state[entries] = State.FAIL
        numeric = np.where(entries, part.value, numeric)
    if numeric is comparison.numeric:
        return comparison
    error = np.where(state == comparison.state, comparison.error, np.abs(comparison.analytic - numeric))
    return replace(comparison, state=state, numeric=numeric, error=error)


def _differences(
    problem: Problem, view: View, name: str, claimed: list[dict[Pair, Jacobian]], tolerance: Tolerance
) -> Differences:
    """Estimate the Jacobian by one input: cheaply, and with care where anybody disagrees."""
    differences = difference_jacobian(view)
    columns = [
        suspects(_compare(problem, (output, name), jacobians[output, name].matrix, part, tolerance))
        for output in problem.outputs
        for part in [differences.rows(problem.rows[output])]
        for jacobians in claimed
        if (output, name) in jacobians
    ]
    unknown = np.flatnonzero(np.any(~np.isfinite(differences.bound) | differences.kink, axis=0))
    refine_columns(view, differences, np.unique(np.concatenate([unknown, *columns])))
    return differences


def _compare(
    problem: Problem, pair: Pair, matrix: Array, differences: Differences, tolerance: Tolerance
) -> Comparison:
    return judge(matrix, differences, eps=problem.eps(*pair), rtol=tolerance.rtol, atol=tolerance.atol)


def without_degenerate(finding: Finding) -> Finding:
    """Leave out the entries of an edge point at which no rule of differentiation holds.

    Where several kinks meet, relu(x) - relu(-x) at 0 has slope 1 and any backward says 0. So where the
    engine's own derivative contradicts the numeric one, a claim that says the same as the engine is not
    judged; one that says something else is. A claim that is not finite is left out only where the
    function itself has no derivative in that direction, or where it is the engine's own.
    """
    if finding.engine is None:
        return finding
    engine, comparison = finding.engine, finding.comparison
    finite = np.isfinite(comparison.analytic)
    undefined = engine.state != State.PASS
    singular = np.any(engine.state == State.UNDECIDED, axis=0, keepdims=True)
    nothing = ~finite & ((undefined & singular) | finding.claim.label.startswith("engine"))
    skip = (comparison.state != State.PASS) & (nothing | (undefined & finite & _alike(finding)))
    return _restated(finding, skip, State.SKIPPED)


def without_engine_faults(finding: Finding) -> Finding:
    """Leave undecided where claim and engine agree with one another against the numeric derivative.

    Two derivations against one estimate: the engine shares the user's mistake or the estimate is wrong,
    and the claim alone cannot be blamed.
    """
    if finding.engine is None:
        return finding
    both = (finding.engine.state == State.FAIL) & (finding.comparison.state == State.FAIL)
    return _restated(finding, both & _alike(finding), State.UNDECIDED)


def _alike(finding: Finding) -> Array:
    """Where the claim says what the engine's own derivative says."""
    assert finding.engine is not None
    own, claimed = finding.engine.analytic, finding.comparison.analytic
    neither = ~np.isfinite(own) & ~np.isfinite(claimed)
    with np.errstate(invalid="ignore"):
        return np.asarray((np.abs(own - claimed) <= finding.comparison.tolerance) | neither)


def kinks_as_failures(finding: Finding) -> Finding:
    """Judge by ``kinks: fail``: where one-sided derivatives differ there is no derivative to be right."""
    return _restated(finding, finding.comparison.kink, State.FAIL)


def _restated(finding: Finding, where: Array, state: State) -> Finding:
    states = np.where(where, state, finding.comparison.state).astype(np.uint8)
    return replace(finding, comparison=replace(finding.comparison, state=states))
