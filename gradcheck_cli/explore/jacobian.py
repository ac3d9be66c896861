"""``gradcheck jacobian``: the explicit arrays of output-input pairs, analytic and numeric."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from gradcheck_cli.check import by_the_rules
from gradcheck_cli.compare import Comparison, State
from gradcheck_cli.errors import EvaluationError, GradcheckError
from gradcheck_cli.examine import Finding, Scene, examine, witness
from gradcheck_cli.explicit import ExplicitJacobian, JacobianReport, Unseen
from gradcheck_cli.explore.point import bound
from gradcheck_cli.functions.base import Claim, Function, Link, Pair, Subject
from gradcheck_cli.linked import at_link
from gradcheck_cli.prepare import Job, Settings, over_budget, prepare
from gradcheck_cli.problem import Problem
from gradcheck_cli.result import Fault
from gradcheck_cli.shapes import Shape
from gradcheck_cli.spec.axes import MAX_AXES
from gradcheck_cli.spec.types import CheckSpec


@dataclass(frozen=True, kw_only=True)
class Request:
    """Which Jacobians to compute; ``None`` means any."""

    of: str | None = None  # an output, or the end of a link of the chain
    wrt: str | None = None  # an input, or the start of a link
    claim: str | None = None  # how its label begins; default: the first about the pair, else the engine's
    point: str = "generic"

    def takes(self, pair: Pair) -> bool:
        """Tell whether a pair was asked for."""
        return self.of in {None, pair[0]} and self.wrt in {None, pair[1]}


@dataclass(frozen=True)
class Candidate:
    """A pair that can be shown: whose function it is, and the claims about it."""

    pair: Pair
    function: Function
    claims: tuple[Claim, ...]  # the user's first
    engine: Claim | None
    link: Link | None = None


def jacobian_report(paths: Sequence[str], settings: Settings, request: Request) -> JacobianReport:
    """Compute every Jacobian that is asked for, of every check that has it.

    Raises
    ------
    GradcheckError
        If no check has the output, the input or the claim, or the selection selects nothing.
    """
    jobs, faults = prepare(paths, settings, partial(_too_large, request=request, settings=settings))
    chosen = [
        (job, one)
        for job in jobs
        for one in _candidates(job.subject)
        if request.takes(one.pair) and _chosen(one, request)
    ]
    broken = [_unseen(job, job.subject.problem) for job in jobs if job.subject.problem]
    if jobs and not chosen and not broken:
        raise GradcheckError(_nothing(jobs, request))
    found = [_look(job, candidate, request) for job, candidate in chosen]
    return JacobianReport(
        jacobians=tuple(one for one in found if isinstance(one, ExplicitJacobian)),
        unseen=(*broken, *(one for one in found if isinstance(one, Unseen))),
        faults=tuple(faults),
    )


def _candidates(subject: Subject) -> Iterator[Candidate]:
    engine = subject.engine[0] if subject.engine else None
    for pair in subject.pairs:
        claims = [claim for claim in subject.claims if pair in claim.pairs and claim not in subject.engine]
        yield Candidate(pair, subject.function, (*claims, *subject.engine), engine)
    for link in subject.links:
        pair = (link.target, link.source)
        if pair not in subject.pairs:
            yield Candidate(pair, link.function, (link.engine,), link.engine, link)


def _nothing(jobs: Sequence[Job], request: Request) -> str:
    candidates = [one for job in jobs for one in _candidates(job.subject)]
    wanted = f"∂{request.of or '…'}/∂{request.wrt or '…'}"
    if any(request.takes(one.pair) for one in candidates):
        kinds = dict.fromkeys(claim.label.split()[0] for one in candidates for claim in one.claims)
        return f"there is no {request.claim} claim about {wanted}; there is: {', '.join(kinds)}"
    pairs = dict.fromkeys(one.pair for one in candidates)
    shown = ", ".join(f"--of {output} --wrt {name}" for output, name in pairs)
    return f"there is no {wanted}; write one of: {shown}"


def _too_large(check: CheckSpec, subject: Subject, *, request: Request, settings: Settings) -> list[Fault]:
    asked = [one for one in _candidates(subject) if request.takes(one.pair)]
    shapes = {
        (output, name): (one.function.outputs[output].parts.shape, one.function.inputs[name].parts.shape)
        for one in asked
        for output, name in [one.pair]
    }
    return over_budget(check, shapes, arrays=2, max_memory=settings.max_memory) if shapes else []


def _look(job: Job, candidate: Candidate, request: Request) -> ExplicitJacobian | Unseen:
    """Compute one Jacobian, or say why not."""
    try:
        return _computed(job, candidate, request)
    except EvaluationError as error:
        return _unseen(job, str(error))


def _unseen(job: Job, problem: str) -> Unseen:
    check = job.check
    return Unseen(check=check.name, spec=check.spec, line=check.position[0], problem=problem)


def _computed(job: Job, candidate: Candidate, request: Request) -> ExplicitJacobian:
    check, (output, name) = job.check, candidate.pair
    problem = bound(job, request.point)
    if candidate.link is not None:
        problem = at_link(problem, candidate.link)
    problem = replace(problem, wrt=(name,))
    shape = problem.output_shape(output) + problem.input_shape(name)
    if len(shape) > MAX_AXES:
        raise EvaluationError(f"∂{output}/∂{name} has {len(shape)} axes, and an array has at most {MAX_AXES}")
    finding = _finding(job, candidate, request, problem)
    comparison, misfit = finding.comparison, finding.claim.misfit
    types = problem.function.outputs[output], problem.function.inputs[name]
    names = zip(candidate.pair, types, strict=True)
    return ExplicitJacobian(
        check=check.name,
        spec=check.spec,
        line=check.position[0],
        point=request.point,
        output=output,
        input=name,
        claim=finding.claim.label,
        output_shape=types[0].parts.shape,
        input_shape=types[1].parts.shape,
        itemsize=max(type_.parts.dtype.itemsize for type_ in types),
        complex_arrays=tuple(dict.fromkeys(one for one, type_ in names if type_.is_complex)),
        expects_failure=check.expect == "fail",
        misfit=misfit.message if misfit else "",
        **_arrays(comparison, shape),
    )


def _arrays(comparison: Comparison, shape: Shape) -> dict[str, Any]:
    """Arrays of a Jacobian's two groups of axes, by the names that ``ExplicitJacobian`` gives them."""
    state = comparison.state
    kink = comparison.kink
    arrays = {
        "analytic": comparison.analytic,
        "numeric": comparison.numeric,
        "low": np.where(kink, comparison.low, comparison.numeric),
        "high": np.where(kink, comparison.high, comparison.numeric),
        "bound": comparison.bound,
        "wrong": state == State.FAIL,
        "undecided": np.isin(state, (State.UNDECIDED, State.SKIPPED)),
    }
    return {name: array.reshape(shape) for name, array in arrays.items()}


def _finding(job: Job, candidate: Candidate, request: Request, problem: Problem) -> Finding:
    """Compare the claim that is asked for with the numeric derivative, by the rules of a run."""
    pair, check = candidate.pair, job.check
    claim = _chosen(candidate, request)
    assert claim is not None, "a candidate without such a claim is not looked at"
    asked = witness(problem, replace(claim, pairs=(pair,)))
    engine = witness(problem, replace(candidate.engine, pairs=(pair,))) if candidate.engine else None
    finding = next(
        finding
        for finding in examine(Scene(problem, [asked], engine), check.tolerance)
        if finding.pair == pair
    )
    return by_the_rules(check, job.subject, request.point, problem, finding)


def _chosen(candidate: Candidate, request: Request) -> Claim | None:
    """Return the first claim of the kind that is asked for."""
    kinds = (claim for claim in candidate.claims if request.claim in {None, claim.label.split()[0]})
    return next(kinds, None)
