"""A derivative is linear in its cotangent (or tangent), and the two modes are adjoint.

The explicit Jacobian is assembled from basis arrays; a claim that is right on those and wrong on sums of
them, such as ``dy * sum(dy)``, shows here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from gradcheck_cli import analytic
from gradcheck_cli.analytic import vector
from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.contract.arrays import Broken, dense, differing
from gradcheck_cli.contract.case import RESIDUAL, Case, numbers, products
from gradcheck_cli.functions.base import Arrays, ArrayType, Claim, Pair
from gradcheck_cli.jacobian import Jacobian
from gradcheck_cli.parts import parts_of, whole_of
from gradcheck_cli.problem import symmetric_part

LEAST = 1e-8  # of the largest row (or column): smaller ones may be round-off, and are not made to weigh alike


def has_seed(case: Case) -> bool:
    """Whether the claim varies with its seed at all; one that does not shows entry by entry."""
    return has_value(case) and not case.claim.ignores_seed and (case.layer is None or case.repeats)


def linear(case: Case) -> Broken:
    """Compare the claim at dense seeds with the same products by its own explicit Jacobians.

    For a VJP: claim(u) against Σ_y u_yᵀ J_{y,x} for every input x; for a JVP: claim(v) against
    Σ_x J_{y,x} v_x for every output y. The seeds: a random one, and one balanced so that every row (or
    column) weighs alike, which keeps large entries from hiding small ones; both also with the other sign.
    """
    ask = analytic.ask(case.problem, case.claim)
    broken: dict[str, str] = {}
    for seeds in _dense_seeds(case):
        found = ask(seeds)
        for target in targets(case.claim):
            if target not in broken:
                broken |= _residual(case, seeds, target, found[target])
    return broken


def targets(claim: Claim) -> tuple[str, ...]:
    """Names of what a claim gives: gradients by input, or tangents by output."""
    return claim.inputs if claim.kind == "vjp" else claim.outputs


def seed_name(claim: Claim) -> str:
    """What the claim is linear in."""
    return "cotangent" if claim.kind == "vjp" else "tangent"


def _residual(case: Case, seeds: Arrays, target: str, found: Array) -> Broken:
    """Compare one product; empty where it is what linearity demands."""
    value = numbers(case, target, found)
    total, size, floor = products(case.problem, case.claim, case.jacobians, seeds, target)
    expected = np.where(np.isfinite(total), total, value.reshape(-1)).reshape(value.shape)
    slack = max(RESIDUAL, 32 * case.eps) * size + floor
    wrong = differing(target, value, expected, slack.reshape(value.shape))
    seed = seed_name(case.claim)
    fact = f"the {case.claim.label} is not linear in its {seed}"
    return {
        name: f"{fact}: at a dense one {how}, the sum over single-entry {seed}s"
        for name, how in wrong.items()
    }


def zero(case: Case) -> Broken:
    """A cotangent of zeros gives a gradient of zeros, wherever the gradient is finite at all."""
    ask, seeds = analytic.ask(case.problem, case.claim), _seeds(case)
    usual = ask(seeds)
    found = ask({name: np.zeros_like(seed) for name, seed in seeds.items()})
    broken: dict[str, str] = {}
    for target in targets(case.claim):
        _, size, floor = products(case.problem, case.claim, case.jacobians, seeds, target)
        value = numbers(case, target, found[target])
        finite = np.isfinite(numbers(case, target, usual[target])) & np.isfinite(size).reshape(value.shape)
        slack = np.nan_to_num(32 * case.eps * size + floor).reshape(value.shape)
        wrong = differing(target, np.where(finite, value, 0.0), np.zeros(value.shape), slack)
        fact = f"the {case.claim.label} is not zero at a zero {seed_name(case.claim)}"
        broken |= {name: f"{fact}: {how}" for name, how in wrong.items()}
    return broken


def has_value(case: Case) -> bool:
    """Whether there is a gradient to look at, and a cotangent that it ought to vary with."""
    return bool(case.jacobians) and case.claim.kind != "jacobian"


def uses_seed(case: Case) -> Broken:
    """The value varies with the cotangent, unless it is zero."""
    claim, function = case.claim, case.problem.function
    if not claim.ignores_seed:
        return {}
    vjp = claim.kind == "vjp"
    seeds = [f"d{output}" for output in claim.outputs] if vjp else [f"{name}_dot" for name in claim.inputs]
    message = f"the {claim.label} does not vary with {' or '.join(seeds)}: multiply by it"
    if vjp and all(not function.outputs[output].shape for output in claim.outputs):
        message += "; or, for the gradient of a loss, write 'allow: [ignores-cotangent]'"
    return {pair[1]: message for pair in claim.pairs if np.any(case.jacobians[pair].matrix)}


def has_adjoint(case: Case) -> bool:
    """Whether both modes are claimed, at a point where both have one right value."""
    return case.smooth and case.claim.kind == "vjp" and has_seed(case) and bool(case.others)


def adjoint(case: Case) -> Broken:
    """The dot test: ⟨u, J v⟩ = ⟨Jᵀ u, v⟩ for every output and input that both modes are claimed for."""
    broken: dict[str, str] = {}
    for other in case.others:
        for output, name in case.claim.pairs:
            if (output, name) in other.pairs and name not in broken:
                broken |= _dot(case, other, output, name)
    return broken


def _dot(case: Case, other: Claim, output: str, name: str) -> Broken:
    types = case.problem.function.outputs[output], case.problem.function.inputs[name]
    u, v = dense(case.rng, types[0]), _admissible(other, case, name, dense(case.rng, types[1]))
    pushed = analytic.ask(case.problem, other)({name: v})[output]
    pulled = analytic.ask(case.problem, case.claim)({output: u})[name]
    weight = vector(v, types[1])
    left, right = vector(u, types[0]) @ vector(pushed, types[0]), vector(pulled, types[1]) @ weight
    _, size, floor = products(case.problem, case.claim, case.jacobians, {output: u}, name)
    slack = (max(RESIDUAL, 32 * case.eps) * size + floor) @ np.abs(weight)
    if not np.isfinite(left - right) or abs(left - right) <= slack:
        return {}
    fact = f"by the {other.label} ⟨u, J v⟩ = {left:.6g}, by the {case.claim.label} ⟨Jᵀ u, v⟩ = {right:.6g}"
    return {name: f"∂{output}/∂{name}: the two modes contradict one another: {fact}"}


def _types(case: Case) -> tuple[Mapping[str, ArrayType], tuple[str, ...]]:
    """Types of what a claim is linear in, and the names."""
    function, claim = case.problem.function, case.claim
    return (function.outputs, claim.outputs) if claim.kind == "vjp" else (function.inputs, claim.inputs)


def _seeds(case: Case) -> dict[str, Array]:
    types, names = _types(case)
    return {name: _admissible(case.claim, case, name, dense(case.rng, types[name])) for name in names}


def _admissible(claim: Claim, case: Case, name: str, seed: Array) -> Array:
    """Make the tangents of a symmetric input symmetric."""
    return symmetric_part(seed) if claim.kind == "jvp" and name in case.problem.symmetric else seed


def _dense_seeds(case: Case) -> Iterator[dict[str, Array]]:
    for balanced in (False, True):
        seeds = _seeds(case)
        if balanced:
            seeds = {name: _balanced(case, name, seed) for name, seed in seeds.items()}
        yield seeds
        yield {name: np.asarray(seed * seed.dtype.type(-1.5)) for name, seed in seeds.items()}


def _balanced(case: Case, name: str, seed: Array) -> Array:
    with np.errstate(all="ignore"):
        parts = parts_of(seed, seed.dtype)
        weighted = parts / _weights(case.claim, case.jacobians, name).reshape(parts.shape)
        seed = _admissible(case.claim, case, name, whole_of(weighted, seed.dtype))
    return np.nan_to_num(seed, posinf=1.0, neginf=-1.0)


def _weights(claim: Claim, jacobians: Mapping[Pair, Jacobian], owner: str) -> Array:
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
