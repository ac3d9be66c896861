"""One point of a check: every claim's Jacobian against the numeric one, and both against the engine's.

The funnel: assemble all analytic Jacobians, estimate every column by one central pair, refine the
columns that any claim disagrees with, judge.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.compare import Comparison, State, default_rtol, gravest, judge, mixed, scales, suspects
from gradcheck_cli.directions import Line, outside, probes
from gradcheck_cli.functions.base import Claim, Pair, Subject
from gradcheck_cli.jacobian import Jacobian, assemble
from gradcheck_cli.numeric import Differences, difference_jacobian, refine_columns
from gradcheck_cli.problem import Problem
from gradcheck_cli.rounding import rounding
from gradcheck_cli.spec.types import Tolerance

NOTICEABLE = 1e-6  # of the scale: a larger error is no round-off of a claim, whatever it says of itself
COARSE = 8  # units of the dtype's round-off by which gradients coarser than their inputs may be off
ROUND_OFF = 1e3  # likewise, in units of the dtype's round-off, and where everything cancels


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
    """A claim and the explicit Jacobians it stands for; a misfit has none.

    Without a problem, the claim cannot be asked again.
    """

    claim: Claim
    jacobians: dict[Pair, Jacobian]
    problem: Problem | None = None

    def matrix(self, pair: Pair, like: Array) -> Array:
        """Its Jacobian of a pair; nan for a misfit."""
        return self.jacobians[pair].matrix if self.jacobians else np.full(like.shape, np.nan)

    def coarseness(self, pair: Pair, numeric: Array) -> Array:
        """Round-off of the dtype in which its numbers came, which may be coarser than that of the arrays."""
        return COARSE * (self.jacobians[pair].eps if self.jacobians else 0.0) * scales(numeric)

    @cached_property
    def rounding(self) -> dict[Pair, Array]:
        """Round-off of its Jacobians, as far as it can be asked again."""
        return rounding(self.problem, self.claim, self.jacobians) if self.problem and self.jacobians else {}


@dataclass(frozen=True)
class Scene:
    """A function at a point, and everybody's word on its derivative there."""

    problem: Problem
    witnesses: list[Witness]
    engine: Witness | None

    @property
    def asked(self) -> list[Witness]:
        """All witnesses, the engine included."""
        return [*self.witnesses, *([self.engine] if self.engine else [])]


@dataclass(frozen=True)
class Numeric:
    """The numeric Jacobian by one input, and derivatives along directions over its kinked entries."""

    differences: Differences
    lines: list[Line]


def ask_all(problem: Problem, subject: Subject) -> Scene:
    """Ask the claims and the engine, which may be one of them, at one point."""
    witnesses = [witness(problem, claim) for claim in subject.claims]
    own = next((one for one in witnesses if one.claim in subject.engine[:1]), None)
    engine = own or next((witness(problem, claim) for claim in subject.engine[:1]), None)
    return Scene(problem, witnesses, engine)


def witness(problem: Problem, claim: Claim) -> Witness:
    """Ask a claim for all it says at this point."""
    fits = claim.misfit is None
    return Witness(claim, assemble(problem, claim) if fits else {}, problem)


def examine(scene: Scene, tolerance: Tolerance, wide: Scene | None = None) -> Iterator[Finding]:
    """Judge every witness about every pair, one input after the other.

    ``wide`` is the same scene in double precision, witness for witness: where there is one, claims are
    judged in it, where the numeric derivative is sharp, and besides for what the dtype's rounding does.
    """
    for name in scene.problem.wrt:
        if wide is None:
            yield from judged(scene, name, numeric(scene, name, tolerance), tolerance)
        else:
            yield from _in_both(scene, wide, name, tolerance)


def _in_both(scene: Scene, wide: Scene, name: str, tolerance: Tolerance) -> Iterator[Finding]:
    """Judge in double precision by the dtype's own rtol, and what the dtype makes of it beside that."""
    rtol = tolerance.rtol
    if rtol is None:
        rtol = float(max(default_rtol(scene.problem.eps(output, name)) for output in scene.problem.outputs))
    sharp = numeric(wide, name, replace(tolerance, rtol=rtol))
    precise = judged(wide, name, sharp, replace(tolerance, rtol=rtol))
    found = list(judged(scene, name, sharp, tolerance))
    if any((one.comparison.state == State.FAIL).any() for one in found):
        # Rounding makes and breaks ties: what is right about the function as it is rounded is right.
        rounded = judged(scene, name, numeric(scene, name, tolerance), tolerance)
        found = [_passed_by(one, other) for one, other in zip(found, rounded, strict=True)]
    for own, theirs in zip(found, precise, strict=True):
        yield replace(theirs, claim=own.claim, comparison=gravest(own.comparison, theirs.comparison))


def _passed_by(finding: Finding, other: Finding) -> Finding:
    """Where another comparison finds entries right, take its word."""
    return replace(
        finding, comparison=mixed(finding.comparison, other.comparison, other.comparison.state == State.PASS)
    )


def judged(scene: Scene, name: str, found: Numeric, tolerance: Tolerance) -> Iterator[Finding]:
    """Judge every witness about one input by a numeric Jacobian."""
    problem, engine = scene.problem, scene.engine
    for output in problem.outputs:
        pair, rows = (output, name), problem.rows[output]
        part = found.differences.rows(rows)
        along = tuple(
            (direction, left.rows(rows), right.rows(rows)) for direction, left, right in found.lines
        )
        known = engine is not None and pair in engine.jacobians
        own = _compare(problem, pair, engine, part, tolerance) if engine and known else None
        for one in scene.witnesses:
            if pair in one.claim.pairs:
                comparison = _compare(problem, pair, one, part, tolerance)
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


def numeric(scene: Scene, name: str, tolerance: Tolerance) -> Numeric:
    """Estimate the Jacobian by one input: cheaply, and with care where anybody disagrees."""
    problem, view = scene.problem, scene.problem.view(name)
    differences = difference_jacobian(view)
    columns = [
        suspects(_judge(problem, (output, name), one.jacobians[output, name].matrix, part, tolerance))
        for output in problem.outputs
        for part in [differences.rows(problem.rows[output])]
        for one in scene.asked
        if (output, name) in one.jacobians
    ]
    unknown = np.flatnonzero(np.any(~np.isfinite(differences.bound) | differences.kink, axis=0))
    noise = refine_columns(view, differences, np.unique(np.concatenate([unknown, *columns])))
    return Numeric(differences, probes(view, differences, noise))


def _judge(  # noqa: PLR0913, PLR0917  # what one verdict depends on
    problem: Problem,
    pair: Pair,
    matrix: Array,
    differences: Differences,
    tolerance: Tolerance,
    rounding: Array | float = 0.0,
) -> Comparison:
    return judge(
        matrix,
        differences,
        eps=problem.eps(*pair),
        rtol=tolerance.rtol,
        atol=tolerance.atol,
        rounding=rounding,
    )


def _compare(
    problem: Problem, pair: Pair, one: Witness, differences: Differences, tolerance: Tolerance
) -> Comparison:
    """Compare a witness's Jacobian with the numeric one; what may be its round-off is looked into."""
    matrix = one.matrix(pair, differences.value)
    coarse = one.coarseness(pair, differences.value)
    comparison = _judge(problem, pair, matrix, differences, tolerance, coarse)
    least = ROUND_OFF * problem.eps(*pair)  # what seeds of size 1 may leave of terms that cancel
    most = np.maximum(least + max(least, NOTICEABLE) * comparison.scale, differences.resolution)
    doubtful = (comparison.state != State.PASS) | comparison.approximate
    if pair not in one.claim.pairs or not np.any(doubtful & (comparison.error <= most)):
        return comparison
    own = one.rounding.get(pair)
    if own is None:
        return comparison
    return _judge(problem, pair, matrix, differences, tolerance, np.maximum(coarse, np.minimum(own, most)))


def without_degenerate(finding: Finding) -> Finding:
    """Leave out the entries of an edge point at which no rule of differentiation holds.

    Where several kinks meet, relu(x) - relu(-x) at 0 has slope 1 and any backward says 0. So where the
    engine's own derivative contradicts the numeric one, a claim that says the same as the engine is not
    judged; one that says something else is. A claim that is not finite is left out only where the
    function itself has no derivative in that direction, or where it is the engine's own.
    """
    engine, comparison = finding.engine, finding.comparison
    finite = np.isfinite(comparison.analytic)
    if engine is None:
        # There is no derivative by that entry from either side; one side would be a right answer.
        endless = np.any(np.isinf(comparison.bound) & ~comparison.kink, axis=0, keepdims=True)
        return _restated(finding, ~finite & endless, State.SKIPPED)
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
