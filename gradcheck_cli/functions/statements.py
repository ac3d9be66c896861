"""What a spec claims about the derivatives of a formula, claim by claim, before it is compiled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gradcheck_cli.functions.base import ArrayType, Pair
from gradcheck_cli.functions.formula import Program
from gradcheck_cli.shapes import Shape
from gradcheck_cli.spec.types import CheckSpec, Text

NUMBER = ArrayType((), np.dtype(np.float64))  # stands for an array that there is not


@dataclass(frozen=True, kw_only=True)
class Statement:
    """One claim as the spec states it: its text, what it is about, and the shape and dtype it must have.

    ``key`` is the input of a vjp or jacobian claim, the output of a jvp claim; ``seeds`` maps the names
    of cotangents or tangents, such as ``dy`` or ``x_dot``, to the array that each belongs to.
    """

    kind: Literal["vjp", "jvp", "jacobian"]
    text: Text
    pairs: tuple[Pair, ...]
    key: str
    shape: Shape
    dtype: np.dtype[Any]  # only whether it is real or complex counts
    seeds: Mapping[str, str]


def checked_inputs(check: CheckSpec) -> tuple[str, ...]:
    """Names of the inputs by which derivatives are checked."""
    return tuple(
        one.name
        for one in check.inputs
        if one.differentiable and (check.wrt is None or one.name in check.wrt)
    )


def checked_outputs(program: Program) -> list[str]:
    """Names of the outputs that have a derivative."""
    return [name for name, type_ in program.function.outputs.items() if type_.differentiable]


def statements(check: CheckSpec, program: Program) -> list[Statement]:
    """List what the spec claims."""
    wrt, outputs = checked_inputs(check), checked_outputs(program)
    inputs, results = program.function.inputs, program.function.outputs
    cotangents = {f"d{name}": name for name in outputs}
    tangents = {f"{one.name}_dot": one.name for one in check.inputs if one.differentiable}
    vjps = [
        Statement(
            kind="vjp",
            text=text,
            pairs=tuple((output, name) for output in outputs),
            key=name,
            shape=inputs.get(name, NUMBER).shape,
            dtype=inputs.get(name, NUMBER).dtype,
            seeds=cotangents,
        )
        for name, text in check.vjp.items()
    ]
    jvps = [
        Statement(
            kind="jvp",
            text=text,
            pairs=tuple((output, name) for name in wrt),
            key=output,
            shape=results.get(output, NUMBER).shape,
            dtype=results.get(output, NUMBER).dtype,
            seeds=tangents,
        )
        for output, text in check.jvp.items()
    ]
    return [*vjps, *jvps, *_jacobian_statements(check, inputs, results)]


def _jacobian_statements(
    check: CheckSpec, inputs: Mapping[str, ArrayType], results: Mapping[str, ArrayType]
) -> list[Statement]:
    return [
        Statement(
            kind="jacobian",
            text=text,
            pairs=((output, name),),
            key=name,
            shape=(*results.get(output, NUMBER).shape, *inputs.get(name, NUMBER).shape),
            dtype=np.result_type(results.get(output, NUMBER).dtype, inputs.get(name, NUMBER).dtype),
            seeds={},
        )
        for (output, name), text in check.jacobian.items()
    ]
