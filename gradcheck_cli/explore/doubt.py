"""Why nothing may follow from remainders after all: what to look at before a claim is acquitted or blamed."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.explore.order import Reading
from gradcheck_cli.explore.prediction import Prediction, norm, slope_of
from gradcheck_cli.explore.ray import Ray
from gradcheck_cli.functions.base import Subject
from gradcheck_cli.remainder import Outcome

RESOLVED: Final = 0.1  # of the predicted change: errors of this size must not hide in the round-off
CURVED: Final = 0.01  # of R / t where R begins to shrink: stands for the change where J v vanishes
ALIKE: Final = 0.1  # of a claim's error: engine and claim nearer to one another than this agree
BENT: Final = 2.0  # a remainder that is no larger than so many jumps of the derivative may be due to a kink
TURNS: Final = 4  # directions besides v in which to look for a kink

NO_CLAIM: Final = "the claim's own value is not finite here; try another --seed, or --point generic"
LOST: Final = (
    "round-off would hide an error as large as a tenth of the change along this direction; "
    "use float64, or try another --seed"
)
KINK: Final = (
    "the function has a kink right here, and its derivatives on either side are too far apart to tell; "
    "try another --seed, or --point generic"
)
ENGINE: Final = (
    "gradcheck's own derivative says the same as the claim, so that it is not the claim that is wrong; "
    "the function may vary too fast for these steps: compare gradcheck run"
)


def doubt(subject: Subject, ray: Ray, prediction: Prediction, remainders: Array, reading: Reading) -> str:
    """Say why nothing follows from the remainders; empty where something does."""
    if not np.all(np.isfinite(prediction.slope)):
        return NO_CLAIM
    if reading.outcome in {Outcome.EXACT, Outcome.SECOND}:
        curved = CURVED * float(remainders[reading.first] / ray.steps[reading.first])
        change = max(norm(prediction.slope), curved)
        # A change of 0 is seen only where there is none.
        lost = reading.error > RESOLVED * change if change else _moves(subject, ray, prediction)
        return LOST if lost else ""
    if reading.outcome is Outcome.FIRST:
        step = float(ray.steps[reading.last - 1])  # at the last one round-off may be too near
        if reading.error <= BENT * _jump(ray, prediction, step):
            return KINK
        return ENGINE if _engine_agrees(subject, ray, prediction, step) else ""
    return ""


def _moves(subject: Subject, ray: Ray, prediction: Prediction) -> bool:
    """Tell whether the engine knows of a change along the ray."""
    return bool(subject.engine) and _by_engine(subject, ray, prediction) != 0


def _engine_agrees(subject: Subject, ray: Ray, prediction: Prediction, step: float) -> bool:
    """Tell whether the engine's derivative is as far from the function as the claim is."""
    if not subject.engine:
        return False
    rest = prediction.rest(ray.change(step), step)
    facing = prediction.facing(rest)
    apart = abs(_by_engine(subject, ray, facing) - facing.number(prediction.slope))
    return apart <= ALIKE * abs(facing.number(rest)) / step


def _by_engine(subject: Subject, ray: Ray, prediction: Prediction) -> float:
    """The slope of ⟨u, f⟩ by the engine's VJP; for that one itself, by its JVP."""
    reverse, forward = subject.engine
    return slope_of(ray, forward if prediction.claim is reverse else reverse, prediction.cotangents)


def _jump(ray: Ray, prediction: Prediction, step: float) -> float:
    """Largest jump of the derivative at the point: (f(x + t v) + f(x − t v) − 2 f(x)) / t.

    It holds nothing of the claim, and vanishes with t where f is smooth. Several kinks may cancel along
    one direction, so that others are looked at too. At the border of the domain, where there is no room
    on one side, the other side's derivative is the derivative.
    """
    rays = [replace(ray, turn=turn) for turn in range(TURNS + 1)]
    roomy = [one for one in rays if np.any(one.tangent) and step <= min(map(abs, one.line.domain))]
    bends = [norm(prediction.terms(one.change(step) + one.change(-step))) for one in roomy]
    return max(bends, default=0.0) / step
