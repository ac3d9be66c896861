"""What a claim says of the change along a ray, and what is left of the change when that is taken away.

    R(t) = ‖f(x + t v) − f(x) − t J v‖

A VJP has no J v. It is asked for one random cotangent u, and what follows for ⟨u, f⟩ is compared:

    R(t) = |⟨u, f(x + t v) − f(x)⟩ − t ⟨vjp(u), v⟩|

No explicit Jacobian is built.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from gradcheck_cli import analytic
from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.explore.ray import Ray
from gradcheck_cli.functions.base import Arrays, Claim
from gradcheck_cli.jacobian import real_matrix

ROUND_OFF: Final = 16  # units of round-off; a matrix product over an axis of length 500 leaves 6 of them


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The claim's word on the change along a ray: of one output, or of the one number ⟨u, f⟩.

    ``terms`` takes what the claim is about out of the joined outputs: that output, or u times each.
    ``slope`` is the predicted change for each unit of t, a vector. ``eps`` and ``size`` are the unit and
    the size of what is rounded at the point.
    """

    claim: Claim
    outputs: tuple[str, ...]
    cotangents: Arrays  # u
    terms: Callable[[Array], Array]
    slope: Array
    eps: float
    size: float

    def rest(self, change: Array, step: float) -> Array:
        """Take t times the slope away from a change; the size of what is left is R(t)."""
        with np.errstate(all="ignore"):
            terms = self.terms(change)
            return np.asarray((np.sum(terms) if self.claim.kind == "vjp" else terms) - step * self.slope)

    def floor(self, remainders: Array) -> float:
        """Bound the round-off in R(t): |f(x + t v)| is no larger than |f(x)| + |t J v| + R(t)."""
        largest = np.max(remainders, initial=0.0, where=np.isfinite(remainders))
        return ROUND_OFF * self.eps * (self.size + float(largest))

    def number(self, vector: Array) -> float:
        """Return ⟨u, vector⟩; of a VJP the one number that the vector has."""
        if self.claim.kind == "vjp":
            return float(vector[0])
        (output,) = self.outputs
        return float(self.cotangents[output].reshape(-1).astype(np.float64) @ vector)

    def facing(self, rest: Array) -> Prediction:
        """Choose u along a remainder, where nothing else drowns it; that of a VJP stays."""
        if self.claim.kind == "vjp":
            return self
        ((output, seed),) = self.cotangents.items()
        along = (rest / norm(rest)).reshape(seed.shape).astype(seed.dtype)
        return replace(self, cotangents={output: along})


def predict(ray: Ray, claim: Claim, *, unit: bool = False) -> list[Prediction]:
    """Ask a claim: a VJP about all of its outputs together, any other about one after the other.

    ``unit`` takes the value of a claim that ignores its cotangent (or tangent) for that at ones.

    Raises
    ------
    EvaluationError
        Where the claim's own code raises.
    """
    if claim.kind == "vjp":
        return [_of_cotangent(ray, claim, unit=unit)]
    ask = analytic.ask if claim.kind == "jacobian" else analytic.ask_in_parts
    given = ask(ray.problem, claim)({ray.name: ray.tangent})
    with np.errstate(all="ignore"):
        slopes = {output: _slope(ray, claim, given, output, unit=unit) for output in claim.outputs}
    return [_of_output(ray, claim, output, slope) for output, slope in slopes.items()]


def _slope(ray: Ray, claim: Claim, given: Arrays, output: str, *, unit: bool) -> Array:
    """J v of one output, from the tangent that a JVP gives or from an explicit Jacobian."""
    if claim.kind == "jvp":
        slope = np.asarray(given[output], np.float64).reshape(-1)
        return slope * np.sum(ray.tangent) if unit else slope
    types = ray.problem.function.outputs[output], ray.problem.function.inputs[ray.name]
    return real_matrix(given[ray.name], *types) @ ray.tangent.reshape(-1).astype(np.float64)


def _of_cotangent(ray: Ray, claim: Claim, *, unit: bool) -> Prediction:
    """⟨vjp(u), v⟩.

    Round-off is eps |u f|, and that of x + t v and of what f computes of it on the way, which moves ⟨u, f⟩
    by eps |vjp(u) x|. The entries' errors are independent, so that their squares add up.
    """
    cotangents = {name: np.ones_like(u) if unit else u for name, u in ray.cotangents.items()}
    gradient = np.asarray(analytic.ask_in_parts(ray.problem, claim)(cotangents)[ray.name], np.float64)
    weights = np.concatenate([cotangents[name].reshape(-1).astype(np.float64) for name in ray.problem.rows])
    tangent = ray.tangent.astype(np.float64)
    with np.errstate(all="ignore"):
        slope = np.array([np.sum(gradient * tangent)])
        argument = gradient * np.maximum(np.abs(ray.view.primal), np.abs(tangent))
        size = norm(weights * ray.view.center) + norm(argument)
    return Prediction(
        claim=claim,
        outputs=claim.outputs,
        cotangents=cotangents,
        terms=lambda change: weights * change,
        slope=slope,
        eps=ray.view.eps,
        size=size,
    )


def _of_output(ray: Ray, claim: Claim, output: str, slope: Array) -> Prediction:
    """J v. Round-off is eps |f|, and that of x, which is of the size of v, moves f by eps |J v|."""
    rows = ray.problem.rows[output]
    return Prediction(
        claim=claim,
        outputs=(output,),
        cotangents={output: ray.cotangents[output]},
        terms=lambda change: change[rows],
        slope=slope,
        eps=ray.problem.eps(output, ray.name),
        size=norm(ray.view.center[rows]) + norm(slope),
    )


def slope_of(ray: Ray, claim: Claim, cotangents: Arrays) -> float:
    """Change of ⟨u, f⟩ for each unit of t, by a VJP ⟨vjp(u), v⟩ or by a JVP ⟨u, J v⟩."""
    ask = analytic.ask_in_parts(ray.problem, claim)
    with np.errstate(all="ignore"):
        if claim.kind == "vjp":
            return float(np.sum(ask(cotangents)[ray.name].astype(np.float64) * ray.tangent))
        pushed = ask({ray.name: ray.tangent})
        return sum(float(np.sum(seed * pushed[name].astype(np.float64))) for name, seed in cotangents.items())


def norm(array: Array) -> float:
    """Square root of the sum of squares, also of entries whose squares the dtype has no room for."""
    largest = float(np.max(np.abs(array), initial=0.0))
    if not 0.0 < largest < np.inf:
        return largest  # nan too
    return largest * float(np.sqrt(np.sum(np.square(array / largest))))
