"""What a check of second order works on, and what its spec claims."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.functions.base import Arrays, ArrayType, Claim, Linear, Pair, Subject
from gradcheck_cli.functions.claims import compile_claim
from gradcheck_cli.functions.formula import FormulaFunction, Program
from gradcheck_cli.functions.statements import Statement
from gradcheck_cli.result import Fault
from gradcheck_cli.spec.types import CheckSpec, Text

LABEL: Final = "hvp"


@dataclass(frozen=True, kw_only=True)
class Task:
    """A check of second order: what it differentiates, by what, and the types of all that is fed."""

    check: CheckSpec
    subject: Subject
    cotangents: Mapping[str, ArrayType]  # by the name dNAME
    max_memory: int

    @property
    def wrt(self) -> tuple[str, ...]:
        """The inputs under check."""
        return tuple(dict.fromkeys(name for _, name in self.subject.pairs))

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs that have a derivative."""
        return tuple(dict.fromkeys(output for output, _ in self.subject.pairs))

    @property
    def gradients(self) -> Mapping[str, ArrayType]:
        """What G returns, by the name dNAME."""
        types = self.subject.function.inputs
        return {f"d{name}": types[name] for name in self.wrt}

    @property
    def symmetric(self) -> frozenset[str]:
        """Gradients that are compared within symmetric matrices."""
        return frozenset(f"d{one.name}" for one in self.check.inputs if one.sample.symmetric)


def claimed_pairs(task: Task, claims: Sequence[Claim]) -> tuple[Pair, ...]:
    """Pairs that a check with claims is about: gradients by inputs; of cotangents no claim speaks."""
    gradients = task.gradients
    return tuple((output, name) for output in gradients for name in task.wrt) if claims else ()


def second_claims(task: Task, program: Program) -> tuple[tuple[Claim, ...], tuple[Pair, ...], list[Fault]]:
    """Build what the spec claims; in its formulas stand the function's names, cotangents and tangents."""
    extended = _extended(task, program)
    claims: list[Claim] = []
    unchecked: list[Pair] = []
    faults: list[Fault] = []
    for name, text in task.check.hvp.items():
        statement = _statement(task, name, text)
        claim, found = compile_claim(task.check, extended, statement, [f"d{name}"])
        faults += found
        if claim and name not in task.wrt:
            unchecked += claim.pairs
        elif claim:
            linearize = _symmetric_claim(claim) if f"d{name}" in task.symmetric else claim.linearize
            claims.append(replace(claim, label=LABEL, linearize=linearize, ignores_seed=False, inside=None))
    return tuple(claims), tuple(unchecked), faults


def _statement(task: Task, name: str, text: Text) -> Statement:
    type_ = task.subject.function.inputs[name]
    moving = [one.name for one in task.check.inputs if one.differentiable]
    return Statement(
        kind="jvp",
        text=text,
        pairs=tuple((f"d{name}", other) for other in task.wrt),
        key=f"d{name}",
        shape=type_.shape,
        dtype=type_.dtype,
        seeds={f"{other}_dot": other for other in moving},
    )


def _extended(task: Task, program: Program) -> Program:
    """Add the cotangents to what a formula may name."""
    scope, seeds = program.scope(task.cotangents)
    inputs = {**program.function.input_nodes, **seeds}
    function = FormulaFunction(scope.graph, inputs, program.function.output_nodes, program.function.texts)
    return Program(function, scope.names, program.dtype, program.max_memory)


def _symmetric_claim(claim: Claim) -> Callable[[Arrays], Linear] | None:
    formula = claim.linearize
    if formula is None:
        return None

    def linearize(primals: Arrays) -> Linear:
        linear = formula(primals)
        return lambda tangents: {name: symmetric(value) for name, value in linear(tangents).items()}

    return linearize


def symmetric(array: Array) -> Array:
    """(a + aᵀ) / 2 over the last two axes."""
    result: Array = (array + np.swapaxes(array, -1, -2)) / 2
    return result
