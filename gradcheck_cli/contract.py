"""Checks that need no step size: a derivative must be linear in its cotangent (or tangent).

The explicit Jacobian is assembled from basis arrays; a claim that is right on those and wrong on sums of
them, such as ``dy * sum(dy)``, shows here.
"""

from __future__ import annotations

import numpy as np

from gradcheck_cli import analytic
from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.functions.base import ArrayType, Claim, Pair
from gradcheck_cli.jacobian import Jacobian
from gradcheck_cli.problem import Problem, symmetric_part, typical_size
from gradcheck_cli.result import Remark

RESIDUAL = 1e-4  # relative: up to this it is rounding (a gradient rounded to float32 leaves 6e-8)
ROUND_OFF = 1e3  # units of round-off, at the scale |y| / |x|, left by gradients that are nothing else


def linearity(
    problem: Problem, claim: Claim, jacobians: dict[Pair, Jacobian], rng: np.random.Generator
) -> list[Remark]:
    """Compare the claim at a dense random seed with the same product by its own explicit Jacobians.

    For a VJP: claim(u) against Σ_y u_yᵀ J_{y,x} for every input x; for a JVP: claim(v) against
    Σ_x J_{y,x} v_x for every output y.
    """
    if claim.kind == "jacobian" or claim.ignores_seed:  # the latter shows entry by entry
        return []
    types = problem.function.outputs if claim.kind == "vjp" else problem.function.inputs
    owners = claim.outputs if claim.kind == "vjp" else claim.inputs
    seeds = {name: _dense(types[name], name in problem.symmetric, rng) for name in owners}
    found = analytic.ask(problem, claim)(seeds)
    remarks = []
    for target in claim.inputs if claim.kind == "vjp" else claim.outputs:
        total, size = _products(claim, jacobians, seeds, target)
        value = np.asarray(found[target], np.float64)
        if claim.kind == "vjp" and target in problem.symmetric:
            value = symmetric_part(value)
        value = value.reshape(-1)
        with np.errstate(invalid="ignore"):
            wrong = np.abs(value - total) > _allowed(problem, claim, target, size)
        if wrong.any():
            shape = np.shape(found[target])
            place = int(np.argmax(np.abs(value - total)))
            index = [int(axis) for axis in np.unravel_index(place, shape)] if shape else ""
            remarks.append(_remark(claim, f"{target}{index}", float(value[place]), float(total[place])))
    return remarks


def _dense(type_: ArrayType, symmetric: bool, rng: np.random.Generator) -> Array:  # noqa: FBT001
    seed = rng.uniform(0.5, 2.0, type_.shape) * rng.choice([-1.0, 1.0], type_.shape)
    return np.asarray(symmetric_part(seed) if symmetric else seed).astype(type_.dtype)


def _products(
    claim: Claim, jacobians: dict[Pair, Jacobian], seeds: dict[str, Array], target: str
) -> tuple[Array, Array]:
    """Sum the seeds' products with the explicit Jacobians; also the sum of magnitudes, for the scale."""
    total: Array = np.zeros(())
    size: Array = np.zeros(())
    for owner, seed in seeds.items():
        pair = (owner, target) if claim.kind == "vjp" else (target, owner)
        matrix = jacobians[pair].matrix if claim.kind == "jvp" else jacobians[pair].matrix.T
        vector = seed.reshape(-1).astype(np.float64)
        total, size = total + matrix @ vector, size + np.abs(matrix) @ np.abs(vector)
    return total, size


def _allowed(problem: Problem, claim: Claim, target: str, size: Array) -> Array:
    """Residual that rounding explains: relative to the terms that were added, and to the scale |y| / |x|."""
    owned = [pair for pair in claim.pairs if target == pair[1 if claim.kind == "vjp" else 0]]
    eps = max(problem.eps(*pair) for pair in owned)
    values = np.max(np.abs(problem.values), initial=0.0)
    smallest = min(typical_size(problem.primals[name]) for _, name in owned)
    return np.asarray(max(RESIDUAL, 32 * eps) * size + ROUND_OFF * eps * values / smallest)


def _remark(claim: Claim, entry: str, value: float, total: float) -> Remark:
    seed = "cotangent" if claim.kind == "vjp" else "tangent"
    return Remark(
        code="nonlinear-cotangent",
        input=entry.partition("[")[0] if claim.kind == "vjp" else None,
        message=(
            f"the {claim.label} claim is not linear in its {seed}: at a dense one its entry {entry} is "
            f"{value:.6g}, but the sum over single-entry {seed}s gives {total:.6g}"
        ),
    )
