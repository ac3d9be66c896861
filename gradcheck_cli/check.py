"""One check, from left to right: draw a point, ask both witnesses, compare, conclude."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.compare import State
from gradcheck_cli.conclude import Notes, conclude
from gradcheck_cli.contract import linearity
from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.examine import (
    Finding,
    Witness,
    examine,
    kinks_as_failures,
    without_degenerate,
    without_engine_faults,
    witness,
)
from gradcheck_cli.functions.base import Link, Pair, Subject
from gradcheck_cli.jacobian import chain_product
from gradcheck_cli.nearby import excused, span
from gradcheck_cli.problem import EVERYWHERE, Problem
from gradcheck_cli.result import CheckResult
from gradcheck_cli.spec.sample import draw, has_samples
from gradcheck_cli.spec.types import CheckSpec
from gradcheck_cli.tally import Tally

REDRAWS = 5  # attempts to find a point without kinks, under ``kinks: move``


@dataclass
class Journal:
    """What a check has seen so far."""

    check: CheckSpec
    subject: Subject
    evaluations: Counter[str] = field(default_factory=Counter)
    tallies: dict[tuple[str, Pair], Tally] = field(default_factory=dict)
    notes: Notes = field(default_factory=Notes)
    started: float = field(default_factory=time.monotonic)

    @cached_property
    def rng(self) -> np.random.Generator:
        """Source of dense seeds, other ones at every point."""
        return np.random.default_rng(self.check.seed)

    def add(self, point: str, problem: Problem, finding: Finding) -> None:
        """Take in one finding, with what the point and the spec say about judging it."""
        finding = by_the_rules(self.check, self.subject, point, problem, finding)
        self.notes.engine(point, finding)
        key = finding.claim.label, finding.pair
        if key not in self.tallies:
            output, name = finding.pair
            types = problem.function.outputs[output], problem.function.inputs[name]
            sizes = (types[0].dtype.itemsize, types[1].dtype.itemsize)
            self.tallies[key] = Tally(finding.claim, finding.pair, types[0].shape, types[1].shape, sizes)
        self.tallies[key].add(point, finding.comparison)


def by_the_rules(
    check: CheckSpec, subject: Subject, point: str, problem: Problem, finding: Finding
) -> Finding:
    """Restate a finding by what its point and the spec say about judging it."""
    if point == "edge":
        finding = _without_meeting_kinks(subject, problem, without_degenerate(finding))
    else:
        finding = without_engine_faults(finding)
    return kinks_as_failures(finding) if check.kinks == "fail" else finding


def _without_meeting_kinks(subject: Subject, problem: Problem, finding: Finding) -> Finding:
    """Look beside the point before a claim is called wrong at it."""
    own = problem.function is subject.function
    if not own or finding.claim.misfit or not np.any(finding.comparison.state == State.FAIL):
        return finding
    directions = [direction for direction, _, _ in finding.lines]
    beside = span(problem, subject.engine[0], finding.pair, directions)
    return replace(finding, comparison=excused(finding.comparison, beside, finding.lines))


def run_check(check: CheckSpec, subject: Subject, *, strict: bool = False) -> CheckResult:
    """Carry out one check.

    Whatever the function under test does becomes part of the result; nothing is raised for it.
    """
    journal = Journal(check, subject)
    try:
        for point in _points(check):
            _visit(journal, point)
    except EvaluationError as error:
        journal.notes.stopped = str(error)  # what is known so far still counts
    result = conclude(check, subject, list(journal.tallies.values()), journal.notes, strict=strict)
    seconds = time.monotonic() - journal.started
    return replace(result, seconds=seconds, evaluations=dict(journal.evaluations))


def _points(check: CheckSpec) -> tuple[str, ...]:
    """Points to visit, the edge point last; one is enough where every input is fixed."""
    points = sorted(check.points, key=lambda point: point == "edge")
    return tuple(points if has_samples(check.inputs) else points[:1])


def _visit(journal: Journal, point: str) -> None:
    """Judge every claim at one point; under ``kinks: move`` at the first drawing that shows no kink."""
    attempts = REDRAWS if journal.check.kinks == "move" else 1
    for attempt in range(attempts):
        problem = _problem(journal, point, attempt)
        if not np.all(np.isfinite(problem.values)):
            _not_finite(journal, point, problem)
            return
        findings: Iterable[tuple[Problem, Finding]] = _findings(journal, problem)
        if attempts > 1:  # all of a drawing has to be seen before any of it counts
            findings = list(findings)
            if any(finding.comparison.kink.any() for _, finding in findings):
                continue
        for where, finding in findings:
            journal.add(point, where, finding)
        return
    journal.notes.skip(point, f"each of {attempts} drawings lies on a kink (kinks: move)")


def _problem(journal: Journal, point: str, attempt: int) -> Problem:
    check = journal.check
    problem = bind(check, journal.subject, point, attempt=attempt, evaluations=journal.evaluations)
    return replace(problem, deadline=journal.started + (check.timeout or math.inf))


def bind(
    check: CheckSpec,
    subject: Subject,
    point: str,
    *,
    attempt: int = 0,
    evaluations: Counter[str] | None = None,
) -> Problem:
    """Draw a point and bind the function to it; another ``attempt`` draws another one."""
    return Problem(
        function=subject.function,
        primals=draw(check.inputs, seed=check.seed, point=point, attempt=attempt),
        wrt=tuple(dict.fromkeys(name for claim in subject.engine for name in claim.inputs)),
        domains={one.name: one.sample.domain for one in check.inputs},
        symmetric=frozenset(one.name for one in check.inputs if one.sample.symmetric),
        evaluations=Counter() if evaluations is None else evaluations,
    )


def _not_finite(journal: Journal, point: str, problem: Problem) -> None:
    """Skip an edge point; elsewhere a function without a value is an error that names the entries."""
    if point == "edge":
        journal.notes.skip(point, f"the function is not finite there: {not_finite(journal.check, problem)}")
        return
    raise EvaluationError(
        f"the function is not finite at the {point} point: {not_finite(journal.check, problem)}"
    )


def not_finite(check: CheckSpec, problem: Problem) -> str:
    """Name the entries of the function's value that are not finite, and the remedy if there is one."""
    wrong = []
    for output, rows in problem.rows.items():
        values: Array = problem.values[rows].reshape(problem.output_shape(output))
        wrong += [
            f"{output}{list(map(int, index)) if index.size else ''} = {values[tuple(index)]}"
            for index in np.argwhere(~np.isfinite(values))
        ]
    shown = ", ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
    free = any(one.value is None and one.sample.domain == EVERYWHERE for one in check.inputs)
    remedy = "; declare the inputs' domains, as in 'sample: positive' or 'uniform: [0.1, 2]'" if free else ""
    return f"{shown}{remedy}"


def _findings(journal: Journal, problem: Problem) -> Iterator[tuple[Problem, Finding]]:
    """Yield every comparison at one point: the claims', then the chain's."""
    check, subject = journal.check, journal.subject
    ignoring = "ignores-cotangent" in check.allow
    witnesses = [
        witness(problem, claim, unit_seeds=ignoring and claim.ignores_seed) for claim in subject.claims
    ]
    own = next((one for one in witnesses if one.claim is subject.engine[0]), None)
    engine = own or witness(problem, subject.engine[0])
    for one in witnesses:
        if one.jacobians and not (ignoring and one.claim.ignores_seed):
            journal.notes.contract(linearity(problem, one.claim, one.jacobians, journal.rng))
    for finding in examine(problem, witnesses, engine, check.tolerance):
        yield problem, finding
    yield from _chain_findings(journal, problem)


def _chain_findings(journal: Journal, problem: Problem) -> Iterator[tuple[Problem, Finding]]:
    """Compare each link of the chain with its own differences, and their product with the whole's.

    ∂z/∂x = ∂z/∂y · ∂y/∂x, entry by entry (∂z/∂x)_{i,j} = Σ_k (∂z/∂y)_{i,k} (∂y/∂x)_{k,j}.
    """
    subject, tolerance = journal.subject, journal.check.tolerance
    if subject.whole is None:
        return
    jacobians = []
    for link in subject.links:
        there = at_link(problem, link)
        found = witness(there, link.engine)
        jacobians.append(found.jacobians[link.target, link.source])
        named = Witness(replace(link.engine, label="chain"), found.jacobians)
        for finding in examine(there, [named], found, tolerance):
            yield there, finding
    whole = subject.whole
    there = at_link(problem, whole)
    product = Witness(
        replace(whole.engine, label="chain product"),
        {(whole.target, whole.source): chain_product(jacobians)},
    )
    for finding in examine(there, [product], witness(there, whole.engine), tolerance):
        yield there, finding


def at_link(problem: Problem, link: Link) -> Problem:
    """Bind a link's own function to the same point."""
    return Problem(
        function=link.function,
        primals={**problem.primals, **link.value_of_source(problem.primals)},
        wrt=(link.source,),
        domains={name: domain for name, domain in problem.domains.items() if name == link.source},
        symmetric=problem.symmetric & {link.source},
        evaluations=problem.evaluations,
        deadline=problem.deadline,
    )
