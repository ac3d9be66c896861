"""One check, from left to right: draw a point, ask both witnesses, compare, conclude."""

from __future__ import annotations

import contextlib
import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final, Literal

import numpy as np

from gradcheck_cli.compare import State
from gradcheck_cli.conclude import Notes, conclude
from gradcheck_cli.contract.cases import cases
from gradcheck_cli.contract.rules import inspect
from gradcheck_cli.coverage import Coverage, coverage_of
from gradcheck_cli.elsewhere import at_other_sizes, at_other_values, symmetric_by_chance
from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.examine import (
    Finding,
    Scene,
    ask_all,
    examine,
    kinks_as_failures,
    without_degenerate,
    without_engine_faults,
)
from gradcheck_cli.functions.base import Pair, Subject
from gradcheck_cli.joint import jointly
from gradcheck_cli.linked import chain_scenes
from gradcheck_cli.nearby import excused
from gradcheck_cli.orders import expecting_nothing, together
from gradcheck_cli.points import FAR_OUT, bind, further_names, is_far, is_special, not_finite, point_names
from gradcheck_cli.problem import Problem
from gradcheck_cli.result import CheckResult, Verdict
from gradcheck_cli.spec.edges import Omitted
from gradcheck_cli.spec.sample import EDGE
from gradcheck_cli.spec.types import CheckSpec
from gradcheck_cli.tally import Tally
from gradcheck_cli.wide import in_double, wide_scene

DROWNED = 1e-6  # of the largest derivative: smaller errors far outside of the sample
ROUND_OFF = 1e3  # likewise, in units of round-off
# Special values that an edge point does without, where the function is not finite with them. Never the
# negative ones alone: where these have no value, zero is the end of the domain, and no rule need hold at it.
MILDER: Final[tuple[tuple[Literal["zeros", "negative values"], ...], ...]] = (
    ("zeros",),
    ("zeros", "negative values"),
)
TIME_UP = 1e-3  # seconds that are left where none are
REDRAWS = 5  # attempts to find a point without kinks, under ``kinks: move``


@dataclass
class Journal:
    """What a check has seen so far."""

    check: CheckSpec
    subject: Subject
    evaluations: Counter[str] = field(default_factory=Counter)
    tallies: dict[tuple[str, Pair], Tally] = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes)
    symmetric: set[str] | None = None  # inputs that are symmetric at every point, though not declared so
    started: float = field(default_factory=time.monotonic)

    @cached_property
    def coverage(self) -> Coverage:
        """Which sides of the operations of function and claims the points have taken."""
        return coverage_of(self.check, self.subject)

    @cached_property
    def rng(self) -> np.random.Generator:
        """Source of dense seeds, other ones at every point."""
        return np.random.default_rng(self.check.seed)

    @property
    def passes(self) -> bool:
        """Whether nothing has been found wrong or left open so far."""
        verdicts = {tally.verdict for tally in self.tallies.values()}
        return verdicts == {Verdict.PASS} and not self.notes.broken and not self.notes.stopped

    @property
    def fails(self) -> bool:
        """Whether something is known wrong already."""
        wrong = any(tally.evidences for tally in self.tallies.values())
        return wrong or bool(self.notes.broken)

    def add(self, point: str, problem: Problem, finding: Finding) -> None:
        """Take in one finding."""
        special = is_special(self.check, point)
        self.notes.engine(point, finding, special=special)
        key = finding.claim.label, finding.pair
        if key not in self.tallies:
            output, name = finding.pair
            types = problem.function.outputs[output], problem.function.inputs[name]
            self.tallies[key] = Tally(finding.claim, finding.pair, types)
        self.tallies[key].add(point, problem, finding.comparison, special=special)


def by_the_rules(
    check: CheckSpec, subject: Subject, point: str, problem: Problem, finding: Finding
) -> Finding:
    """Restate a finding by what its point and the spec say about judging it."""
    if is_special(check, point):
        finding = excused(problem, subject, without_degenerate(finding))
    else:
        finding = without_engine_faults(finding)
    if is_far(point):
        finding = without_overflow(problem, finding)
    return kinks_as_failures(finding) if check.kinks == "fail" else finding


def without_overflow(problem: Problem, finding: Finding) -> Finding:
    """Leave out what is not finite, drowns in round-off or has no sharp derivative far outside of the sample.

    Round-off and sharpness are those of the largest derivative, or of |y| / |x|.
    """
    comparison, (output, name) = finding.comparison, finding.pair
    size = np.max(np.abs(problem.values[problem.rows[output]]), initial=0.0) / problem.view(name).typical
    least = max(DROWNED, ROUND_OFF * problem.eps(output, name))
    least *= max(float(size), float(np.max(comparison.scale, initial=0.0)))
    drowned = (comparison.error <= least) | ~(comparison.bound <= least)
    told = np.isfinite(comparison.analytic) & ((comparison.state == State.PASS) | ~drowned)
    state = np.where(told, comparison.state, State.SKIPPED).astype(np.uint8)
    return replace(finding, comparison=replace(comparison, state=state))


def run_check(
    check: CheckSpec, subject: Subject, *, strict: bool = False, stay: bool = False, explain: bool = True
) -> CheckResult:
    """Carry out one check; to ``stay`` is to visit no points but those that it states.

    Where it need not ``explain``, the causes of a wrong derivative are not looked for, which takes longer
    than to find it wrong.

    Whatever the function under test does becomes part of the result; nothing is raised for it.
    """
    if subject.second is None:
        return _carried_out(check, subject, strict=strict, stay=stay, explain=explain)
    strict = strict and check.expect == "pass"
    ways = {"strict": strict, "stay": stay, "explain": explain}
    first = _carried_out(expecting_nothing(check), subject, **ways)
    second = expecting_nothing(subject.second.check)
    if check.timeout:
        second = replace(second, timeout=max(check.timeout - first.seconds, TIME_UP))
    return together(check, first, _carried_out(second, subject.second.subject, **ways))


def _carried_out(
    check: CheckSpec, subject: Subject, *, strict: bool, stay: bool, explain: bool
) -> CheckResult:
    """Carry out one order of a check."""
    check = check.with_inputs(subject.parameters)
    journal = Journal(check, subject)
    try:
        subject.require_code()
        for point in point_names(check, subject):
            _visit(journal, point)
        if not stay:
            _reach_further(journal)
            _look_elsewhere(journal)
    except EvaluationError as error:
        journal.notes.stop(error)  # what is known so far still counts
    tallies = list(journal.tallies.values())
    result = conclude(check, subject, tallies, journal.notes, strict=strict, explain=explain)
    seconds = time.monotonic() - journal.started
    return replace(result, seconds=seconds, evaluations=dict(journal.evaluations))


def _visit(journal: Journal, point: str) -> None:
    """Judge every claim at one point; under ``kinks: move`` at the first drawing that shows no kink."""
    attempts = REDRAWS if journal.check.kinks == "move" else 1
    for attempt in range(attempts):
        problem = _finite(journal, point, attempt)
        if problem is None:
            return
        scene = ask_all(problem, journal.subject)
        findings: Iterable[tuple[Problem, Finding]] = _findings(journal, scene)
        if attempts > 1:  # all of a drawing has to be seen before any of it counts
            findings = list(findings)
            if any(finding.comparison.kink.any() for _, finding in findings):
                continue
        _take_in(journal, point, scene, findings)
        return
    journal.notes.skip(point, f"each of {attempts} drawings lies on a kink (kinks: move)")


def _take_in(journal: Journal, point: str, scene: Scene, findings: Iterable[tuple[Problem, Finding]]) -> None:
    """Count all findings at a point, its contract, and the sides of the operations that it takes."""
    check, subject, problem = journal.check, journal.subject, scene.problem
    _inspect(journal, point, scene)
    restated = ((where, by_the_rules(check, subject, point, where, finding)) for where, finding in findings)
    for where, finding in jointly(subject, restated) if is_special(check, point) else restated:
        journal.add(point, where, finding)
    here = symmetric_by_chance(journal.check, problem.primals)
    journal.symmetric = here if journal.symmetric is None else journal.symmetric & here
    journal.coverage.see(point, problem.primals)


def _reach_further(journal: Journal) -> None:
    """Judge every claim at further points that take sides which no point has taken so far.

    The sides of code are not known: one point far out is judged in any case. What is wrong needs none.
    """
    if journal.fails:
        return
    coverage, wanted = journal.coverage, None if journal.subject.engine else FAR_OUT
    for point in further_names(journal.check, journal.subject):
        if not coverage.missing and point != wanted:
            break
        problem = _problem(journal, point)
        problem.count("forward")
        reaches = point == wanted or coverage.missing & coverage.taken(point, problem.primals)
        if reaches and np.all(np.isfinite(problem.values)):
            scene = ask_all(problem, journal.subject)
            _take_in(journal, point, scene, _findings(journal, scene))
    if journal.passes:
        journal.notes.warnings += coverage.remarks()


def _look_elsewhere(journal: Journal) -> None:
    """Ask of claims that pass whether they do so only for the sizes and values that the check has."""
    check, subject = journal.check, journal.subject
    if not journal.passes or check.expect == "fail" or subject.claims == subject.engine:
        return
    problem = _problem(journal, journal.check.points[0])
    with contextlib.suppress(EvaluationError):  # what goes wrong elsewhere is no fault of this check
        journal.notes.warnings += at_other_values(check, subject, journal.symmetric or set(), problem)
        journal.notes.warnings += at_other_sizes(check, problem)


def _finite(journal: Journal, point: str, attempt: int) -> Problem | None:
    """Draw a point at which the function is finite; None if an edge point has none, and is skipped.

    Raises
    ------
    EvaluationError
        Elsewhere: a function without a value at a generic point cannot be checked.
    """
    problem = _problem(journal, point, attempt)
    if np.all(np.isfinite(problem.values)):
        return problem
    fact = not_finite(journal.check, problem)
    if not point.startswith(EDGE):
        raise EvaluationError(f"the function is not finite at the {point} point: {fact}")
    for omitted in MILDER if point == EDGE else ():
        milder = _problem(journal, point, attempt, omitted=frozenset(omitted))
        if np.all(np.isfinite(milder.values)):
            left_out = f"the {point} point holds no {' and no '.join(omitted)}"
            journal.notes.warn("skipped-point", f"{left_out}: with them the function is not finite: {fact}")
            return milder
    if point in journal.check.points:
        journal.notes.skip(point, f"the function is not finite there: {fact}")
    return None


def _problem(journal: Journal, point: str, attempt: int = 0, *, omitted: Omitted = frozenset()) -> Problem:
    check, subject = journal.check, journal.subject
    problem = bind(check, subject, point, attempt=attempt, evaluations=journal.evaluations, omitted=omitted)
    return replace(problem, deadline=journal.started + (check.timeout or math.inf))


def _inspect(journal: Journal, point: str, scene: Scene) -> None:
    """Ask the rules of the contract; at added points, far out or on a bound, there is little new to learn.

    But a claim that ignores its cotangent may have been zero so far, and nothing else finds fault with it.
    """
    check, smooth = journal.check, not is_special(journal.check, point)
    for case in cases(scene.problem, scene.witnesses, check, journal.rng, smooth=smooth):
        if point in check.points or case.claim.ignores_seed:
            journal.notes.contract(inspect(case), check.allow)


def _findings(journal: Journal, scene: Scene) -> Iterator[tuple[Problem, Finding]]:
    """Yield every comparison at one point: the claims', then the chain's."""
    problem, subject = scene.problem, journal.subject
    for finding in examine(scene, journal.check.tolerance, wide_scene(problem, subject)):
        yield problem, finding
    yield from _chain_findings(journal, problem)


def _chain_findings(journal: Journal, problem: Problem) -> Iterator[tuple[Problem, Finding]]:
    """Judge the links of a declared chain, and their product against the whole."""
    subject, tolerance = journal.subject, journal.check.tolerance
    if subject.whole is None:
        return
    scenes, there = chain_scenes(problem, subject), in_double(problem, subject)
    wide: Sequence[Scene | None] = [None] * len(scenes)
    if there and subject.wide:
        wide = chain_scenes(there, subject.wide)
    for scene, sharper in zip(scenes, wide, strict=True):
        for finding in examine(scene, tolerance, sharper):
            yield scene.problem, finding
