"""Checks that need no step size: a derivative must be linear in its cotangent (or tangent).

The explicit Jacobian is assembled from basis arrays; a claim that is right on those and wrong on sums of
them, such as ``dy * sum(dy)``, shows here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from gradcheck_cli import analytic
from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.functions.base import Arrays, Claim, Pair
from gradcheck_cli.jacobian import Jacobian
from gradcheck_cli.problem import Problem, symmetric_part, typical_size
from gradcheck_cli.result import Remark

RESIDUAL = 1e-4  # relative: up to this it is rounding (a gradient rounded to float32 leaves 6e-8)
ROUND_OFF = 1e3  # units of round-off, at the scale |y| / |x|, left by gradients that are nothing else
LEAST = 1e-8  # of the largest row (or column): smaller ones may be round-off, and are not made to weigh alike


def linearity(
    problem: Problem, claim: Claim, jacobians: dict[Pair, Jacobian], rng: np.random.Generator
) -> list[Remark]:
    """Compare the claim at dense seeds with the same products by its own explicit Jacobians.

    For a VJP: claim(u) against Σ_y u_yᵀ J_{y,x} for every input x; for a JVP: claim(v) against
    Σ_x J_{y,x} v_x for every output y. The seeds: a random one, and one balanced so that every row (or
    column) weighs alike, which keeps large entries from hiding small ones; both also with the other sign.
    """
    if claim.kind == "jacobian" or claim.ignores_seed:  # the latter shows entry by entry
        return []
    linear = analytic.ask(problem, claim)
    remarks: dict[str, Remark] = {}  # by the array that is wrong
    with np.errstate(all="ignore"):
        for seeds in _dense_seeds(problem, claim, jacobians, rng):
            found = linear(seeds)
            for target in claim.inputs if claim.kind == "vjp" else claim.outputs:
                if target not in remarks:
                    value = np.asarray(found[target])
                    remarks |= _residual(problem, claim, jacobians, seeds, target, value)
    return list(remarks.values())


def _residual(  # noqa: PLR0913, PLR0917  # one equation's terms
    problem: Problem, claim: Claim, jacobians: dict[Pair, Jacobian], seeds: Arrays, target: str, found: Array
) -> dict[str, Remark]:
    """Compare one product; empty where it is what linearity demands."""
    total, size, floor = _products(problem, claim, jacobians, seeds, target)
    value = found.astype(np.float64)
    if claim.kind == "vjp" and target in problem.symmetric:
        value = symmetric_part(value)
    value = value.reshape(-1)
    agrees = np.abs(value - total) <= max(RESIDUAL, 32 * _eps(problem, claim)) * size + floor
    wrong = ~agrees & np.isfinite(total)
    distance = np.where(wrong, np.nan_to_num(np.abs(value - total), nan=np.inf), -1.0)
    if not wrong.any():
        return {}
    place = int(np.argmax(distance))
    index = [int(axis) for axis in np.unravel_index(place, found.shape)] if found.shape else ""
    return {target: _remark(claim, target, f"{target}{index}", float(value[place]), float(total[place]))}


def _dense_seeds(
    problem: Problem, claim: Claim, jacobians: dict[Pair, Jacobian], rng: np.random.Generator
) -> Iterator[dict[str, Array]]:
    types = problem.function.outputs if claim.kind == "vjp" else problem.function.inputs
    owners = claim.outputs if claim.kind == "vjp" else claim.inputs
    for balanced in (False, True):
        seeds = {}
        for name in owners:
            shape = types[name].shape
            seed = rng.uniform(0.5, 2.0, shape) * rng.choice([-1.0, 1.0], shape)
            if balanced:
                seed = seed / _weights(claim, jacobians, name).reshape(shape)
            seed = (symmetric_part(seed) if name in problem.symmetric else seed).astype(types[name].dtype)
            seeds[name] = np.nan_to_num(seed, posinf=1.0, neginf=-1.0)
        yield seeds
        yield {name: np.asarray(seed * seed.dtype.type(-1.5)) for name, seed in seeds.items()}


def _weights(claim: Claim, jacobians: dict[Pair, Jacobian], owner: str) -> Array:
    """Largest magnitude in each row of an output (or column of an input) over all Jacobians; 1 for none.

    Nothing smaller than ``LEAST`` of the largest: divided by a weight of mere round-off, a seed of 1e16
    would drown everything else.
    """
    side = 0 if claim.kind == "vjp" else 1
    parts = [
        np.max(np.abs(one.matrix), axis=1 - side, initial=0.0)
        for pair, one in jacobians.items()
        if pair[side] == owner
    ]
    largest = np.nan_to_num(np.max(parts, axis=0), posinf=0.0)
    largest = np.maximum(largest, LEAST * np.max(largest, initial=0.0))
    return np.where(largest > 0, largest, 1.0)


def _products(
    problem: Problem, claim: Claim, jacobians: dict[Pair, Jacobian], seeds: Arrays, target: str
) -> tuple[Array, Array, Array]:
    """Sum the seeds' products with the explicit Jacobians.

    Also the sum of magnitudes, and what is left by gradients that are nothing but round-off:
    10³ eps |y| |u| / |x|.
    """
    total: Array = np.zeros(())
    size: Array = np.zeros(())
    floor: Array = np.zeros(())
    for owner, seed in seeds.items():
        output, name = (owner, target) if claim.kind == "vjp" else (target, owner)
        jacobian, weight = jacobians[output, name], seed.astype(np.float64)
        magnitude = replace(jacobian, matrix=np.abs(jacobian.matrix))
        multiply = Jacobian.pull if claim.kind == "vjp" else Jacobian.apply
        total = total + multiply(jacobian, weight).reshape(-1)
        size = size + multiply(magnitude, np.abs(weight)).reshape(-1)
        typical = typical_size(problem.primals[name])
        # What cancels to (nearly) nothing on the way was as large as the input, or as 1.
        values = np.maximum(np.abs(problem.values[problem.rows[output]]), min(1.0, typical))
        spread = (
            values @ np.abs(weight).reshape(-1)
            if claim.kind == "vjp"
            else values * np.max(np.abs(weight), initial=0)
        )
        floor = floor + ROUND_OFF * problem.eps(output, name) * spread / typical
    return total, size, floor


def _eps(problem: Problem, claim: Claim) -> float:
    return max(problem.eps(*pair) for pair in claim.pairs)


def _remark(claim: Claim, target: str, entry: str, value: float, total: float) -> Remark:
    seed = "cotangent" if claim.kind == "vjp" else "tangent"
    return Remark(
        code="nonlinear-cotangent",
        input=target if claim.kind == "vjp" else None,
        message=(
            f"the {claim.label} claim is not linear in its {seed}: at a dense one its entry {entry} is "
            f"{value:.6g}, but the sum over single-entry {seed}s gives {total:.6g}"
        ),
    )
