"""Mistakes that a check cannot see where it looks, told by looking elsewhere: at other sizes, other values.

Equal sizes fit a forgotten transpose, a size of 1 a missing sum, and symmetric values both. Each doubt is
proved before it is uttered: the claim is wrong elsewhere, where the function itself is fine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.compare import State, default_rtol, scales
from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.examine import Scene, Witness, examine, without_engine_faults, witness
from gradcheck_cli.functions.base import Arrays, Claim, Subject
from gradcheck_cli.functions.compile import compile_subject
from gradcheck_cli.functions.statements import checked_inputs
from gradcheck_cli.points import bind
from gradcheck_cli.problem import EVERYWHERE, Problem, typical_size
from gradcheck_cli.result import Remark
from gradcheck_cli.spec.code import split_target
from gradcheck_cli.spec.sizes import alike, apart, changed
from gradcheck_cli.spec.types import CheckSpec, Code, Elsewhere, InputSpec, Tolerance

BUDGET: Final = 2**26  # bytes that a check at other sizes may take
SHIFT: Final = 0.3  # of an input's size, by which symmetric values are made other ones

Key = tuple[str, str]  # what a claim is, and about which array
Mistakes = dict[Key, str]  # what is wrong with each claim that is


def at_other_sizes(check: CheckSpec, problem: Problem) -> Iterator[Remark]:
    """Warn of claims that are right only by a coincidence of sizes; ``problem`` lends its clock.

    A claim is blamed for it if it is wrong as soon as one size alone changes, and right as long as the
    coincidence lasts: written for certain sizes, or for even ones, it would be wrong at all others.
    """
    if check.elsewhere is None:
        return
    sizes = _Sizes(check, check.elsewhere, problem)
    _, wrong = sizes.first(apart(check.dims))
    base, anyway = sizes.first(alike(check.dims)) if wrong else ({}, {})
    suspects = wrong.keys() - anyway.keys()
    for claim in sorted(suspects) if base else ():
        tried = {one: sizes.blame(claim, one, base) for one in check.elsewhere.coincidences}
        found = {one: proof for one, proof in tried.items() if proof}
        if found:
            yield _coincidental(claim, list(found), *next(iter(found.values())))


@dataclass(frozen=True)
class _Sizes:
    """What is wrong with a check's claims at other sizes."""

    check: CheckSpec
    elsewhere: Elsewhere
    clock: Problem

    def first(self, candidates: Iterable[Mapping[str, int]]) -> tuple[Mapping[str, int], Mistakes]:
        """Return the first sizes for which the function is made, and what is wrong there; nothing if none."""
        for sizes in candidates:
            found = self._mistakes(sizes)
            if found is not None:
                return sizes, found
        return {}, {}

    def blame(
        self, claim: Key, coincidence: tuple[str, ...], base: Mapping[str, int]
    ) -> tuple[Mapping[str, int], str] | None:
        """Return sizes at which a coincidence ends and the claim is wrong, and what is wrong with it."""
        there, wrong = self.first(changed(base, coincidence[-1:]))
        if claim not in wrong:
            return None
        equal = [name for name, size in base.items() if size == base[coincidence[-1]]]
        together = dict.fromkeys(equal, there[coincidence[-1]])
        if len(coincidence) > 1 and claim in (self._mistakes({**base, **together}) or {}):
            return None  # it is the size itself that the claim is not made for
        return there, wrong[claim]

    def _mistakes(self, sizes: Mapping[str, int]) -> Mistakes | None:
        """Find what is wrong with the claims; None if the function is not made for such sizes."""
        check = self.elsewhere.at(sizes)
        if check is None:
            return None
        check = replace(check, tolerance=self.check.tolerance, seed=self.check.seed)
        subject, faults = compile_subject(check, max_memory=BUDGET)
        if subject is None or faults:
            return None
        if subject.problem:
            return _of_backward(check, subject.problem)
        problem = bind(check, subject, "generic", evaluations=self.clock.evaluations)
        return _mistakes(check, subject, replace(problem, deadline=self.clock.deadline))


def _of_backward(check: CheckSpec, problem: str) -> Mistakes | None:
    """Find whether it is backward that does not run, and so after forward did; None if not."""
    if not isinstance(check.function, Code):
        return None
    forward, backward = (split_target(one)[1] for one in (check.function.target, check.function.backward))
    raised = f"{backward or f'the pullback of {forward}'} raised"
    return {("backward", ", ".join(checked_inputs(check))): problem} if raised in problem else None


def _coincidental(
    claim: Key, coincidences: list[tuple[str, ...]], sizes: Mapping[str, int], fact: str
) -> Remark:
    label, name = claim
    chance = " and ".join(" = ".join(one) if len(one) > 1 else f"{one[0]} = 1" for one in coincidences)
    there = ", ".join(f"{dim}={size}" for dim, size in sizes.items())
    message = f"the {label} claim for {name} fits only while {chance}: at {there} {fact}"
    return Remark(
        code="square-dims", input=name, message=f"{message}; give them different sizes, none of them 1"
    )


def at_other_values(
    check: CheckSpec, subject: Subject, symmetric: set[str], problem: Problem
) -> Iterator[Remark]:
    """Warn of claims that are right only because some inputs' values are symmetric wherever it looks."""
    for one in check.inputs:
        if one.name not in symmetric:
            continue
        primals = {**problem.primals, one.name: _asymmetric(one, problem.primals[one.name])}
        wrong = _mistakes(check, subject, replace(problem, primals=primals)) or {}
        for (label, name), fact in wrong.items():
            message = (
                f"the {label} claim for {name} fits only while {one.name} is symmetric: for others {fact}"
            )
            remedy = f"give {one.name} values that are not, or declare it with symmetric: true"
            yield Remark(code="square-dims", input=name, message=f"{message}; {remedy}")


def symmetric_by_chance(check: CheckSpec, primals: Arrays) -> set[str]:
    """Names of the inputs that are symmetric matrices here, and are not declared so."""
    return {
        one.name
        for one in check.inputs
        if not one.sample.symmetric and _is_symmetric(np.asarray(primals[one.name]))
    }


def _is_symmetric(array: Array) -> bool:
    square = array.ndim >= 2 and array.shape[-1] == array.shape[-2] > 1
    return bool(square and array.size and np.array_equal(array, np.swapaxes(array, -1, -2)))


def _asymmetric(given: InputSpec, array: Array) -> Array:
    """Change values so that they are not symmetric, inside the domain; whole numbers are only exchanged."""
    if not np.issubdtype(array.dtype, np.inexact):
        return np.roll(array, 1, axis=-2)
    rng = np.random.default_rng(array.size)
    moved = array + SHIFT * typical_size(array) * rng.uniform(-1, 1, array.shape)
    low, high = given.sample.domain if not np.iscomplexobj(array) else EVERYWHERE
    inside = (low < moved) & (moved < high)
    return np.asarray(np.where(inside, moved, array), array.dtype)


def _mistakes(check: CheckSpec, subject: Subject, problem: Problem) -> Mistakes | None:
    """Find what is wrong with the claims at a point; None if the function has no value there."""
    try:
        if not np.all(np.isfinite(problem.values)):
            return None
    except EvaluationError:
        return None
    found: Mistakes = {}
    witnesses: list[Witness] = []
    for claim in subject.claims:
        if claim.misfit is not None:
            found[_key(claim)] = claim.misfit.message.split(": ", 2)[-1]  # without its place in the spec
            continue
        try:
            witnesses.append(witness(problem, claim))
        except EvaluationError as error:
            found[_key(claim)] = str(error)
    return found | _wrong_values(problem, subject, witnesses, check.tolerance)


def _wrong_values(
    problem: Problem, subject: Subject, witnesses: list[Witness], tolerance: Tolerance
) -> Mistakes:
    """Find the claims whose values are wrong: those that the engine, if there is one, contradicts as well."""
    engine = witness(problem, subject.engine[0]) if subject.engine else None
    doubtful = [one for one in witnesses if engine is None or _differs(problem, one, engine)]
    if not doubtful:
        return {}
    wrong: dict[Key, int] = {}
    entries: dict[Key, int] = {}
    for finding in examine(Scene(problem, doubtful, engine), tolerance):
        key, state = _key(finding.claim), without_engine_faults(finding).comparison.state
        wrong[key] = wrong.get(key, 0) + int(np.sum(state == State.FAIL))
        entries[key] = entries.get(key, 0) + state.size
    return {
        key: f"it is wrong in {number} of {entries[key]} entries" for key, number in wrong.items() if number
    }


def _differs(problem: Problem, one: Witness, engine: Witness) -> bool:
    """Whether a claim says something else than the engine's own derivative."""
    for pair in one.jacobians.keys() & engine.jacobians.keys():
        own, claimed = engine.jacobians[pair].matrix, one.jacobians[pair].matrix
        near = np.abs(claimed - own) <= default_rtol(np.asarray(problem.eps(*pair))) * scales(own)
        if not np.all(near):
            return True
    return False


def _key(claim: Claim) -> Key:
    return claim.label, ", ".join(claim.outputs if claim.kind == "jvp" else claim.inputs)
