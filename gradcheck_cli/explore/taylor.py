"""``gradcheck taylor``: f(x + t v) ≈ f(x) + t J v, and how fast the remainder shrinks with t.

If J is the derivative, what is left is of second order: R(t) ~ t². If it is not, R(t) ~ t. Along one
random direction v this takes one product with J, so that sizes do not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import nan
from typing import Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.explore.doubt import doubt
from gradcheck_cli.explore.order import Reading, observed_orders, read
from gradcheck_cli.explore.point import bound
from gradcheck_cli.explore.prediction import Prediction, norm, predict
from gradcheck_cli.explore.ray import Ray
from gradcheck_cli.functions.base import Claim
from gradcheck_cli.prepare import Job, Settings, prepare
from gradcheck_cli.remainder import Outcome, TaylorCheck, TaylorReport, TaylorRow, TaylorStep

NOT_MOVED: Final = "the input has no entry that could move within its declared domain"


def taylor_report(paths: Sequence[str], settings: Settings, point: str) -> TaylorReport:
    """Make the Taylor test of every claim about every input.

    Raises
    ------
    GradcheckError
        For a selection that cannot be understood or selects nothing.
    """
    jobs, faults = prepare(paths, settings, lambda _check, _subject: [])  # no Jacobian can be too large
    return TaylorReport(checks=tuple(_test(job, point) for job in jobs), faults=tuple(faults))


def _test(job: Job, point: str) -> TaylorCheck:
    check, rows, message = job.check, list[TaylorRow](), ""
    try:
        problem = bound(job, point)
        for name in problem.wrt:
            rows += _rows(job, Ray(problem, name, check.seed))
    except EvaluationError as error:
        message = str(error)  # the rows so far still count
    return TaylorCheck(
        name=check.name,
        spec=check.spec,
        line=check.position[0],
        expects_failure=check.expect == "fail",
        point=point,
        rows=tuple(rows),
        message=message,
    )


def _rows(job: Job, ray: Ray) -> list[TaylorRow]:
    """Test every claim about one input; the function is evaluated once a step for all of them."""
    claims = [claim for claim in job.subject.claims if ray.name in claim.inputs]
    if not np.any(ray.tangent):
        return [_without_steps(ray, claim, Outcome.UNCLEAR, NOT_MOVED) for claim in claims]
    asked = [one for claim in claims for one in _ask(job, ray, claim)]
    remainders = iter(_remainders(ray, [one for one in asked if isinstance(one, Prediction)]))
    return [
        _with_steps(job, ray, one, next(remainders)) if isinstance(one, Prediction) else one for one in asked
    ]


def _ask(job: Job, ray: Ray, claim: Claim) -> Sequence[Prediction | TaylorRow]:
    """Ask a claim what it predicts; one that says nothing has a row at once."""
    if claim.misfit is not None:
        return [_without_steps(ray, claim, Outcome.MISFIT, claim.misfit.message)]
    unit = claim.ignores_seed and "ignores-cotangent" in job.check.allow
    try:
        return predict(ray, claim, unit=unit)
    except EvaluationError as error:
        return [_without_steps(ray, claim, Outcome.ERROR, str(error))]


def _remainders(ray: Ray, predictions: Sequence[Prediction]) -> Array:
    """R(t) for each prediction (rows) at each step (columns)."""
    found = np.empty((len(predictions), len(ray.steps)))
    for column, step in enumerate(ray.steps if predictions else ()):
        change = ray.change(step)
        found[:, column] = [norm(one.rest(change, step)) for one in predictions]
    return found


def _without_steps(ray: Ray, claim: Claim, outcome: Outcome, note: str) -> TaylorRow:
    return TaylorRow(claim=claim.label, outputs=claim.outputs, input=ray.name, outcome=outcome, note=note)


def _with_steps(job: Job, ray: Ray, prediction: Prediction, remainders: Array) -> TaylorRow:
    """Read the remainders, and look again before a claim is acquitted or blamed by them."""
    reading = read(ray.steps, remainders, prediction.floor(remainders))
    if why := doubt(job.subject, ray, prediction, remainders, reading):
        reading = Reading(Outcome.UNCLEAR, reading.floor, note=why)
    orders = [*observed_orders(remainders, reading.floor), nan]
    return TaylorRow(
        claim=prediction.claim.label,
        outputs=prediction.outputs,
        input=ray.name,
        outcome=reading.outcome,
        steps=tuple(
            TaylorStep(
                step=float(step),
                remainder=float(remainder),
                order=float(order),
                counts=reading.first <= place <= reading.last,
            )
            for place, (step, remainder, order) in enumerate(zip(ray.steps, remainders, orders, strict=True))
        ),
        order=reading.order,
        floor=reading.floor,
        error=reading.error,
        change=norm(prediction.slope),
        note=reading.note,
    )
