"""Functions and claims that are written as formulas: a check's texts become graphs, or faults.

A claim's graph continues the function's own, so that a claim may use any intermediate name of it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.autodiff.trace import Graph, Node, Plan
from gradcheck_cli.errors import BudgetError, FormulaError
from gradcheck_cli.functions.base import Arrays, ArrayType, Claim, Linear
from gradcheck_cli.functions.elaborate import Scope
from gradcheck_cli.functions.hints import did_you_mean
from gradcheck_cli.functions.parser import Assignment, parse
from gradcheck_cli.functions.texts import written
from gradcheck_cli.functions.values import Ref
from gradcheck_cli.parts import part_dtype
from gradcheck_cli.result import Fault
from gradcheck_cli.shapes import show
from gradcheck_cli.spec.types import CheckSpec, OutputSpec, Position, Text


@dataclass(frozen=True)
class FormulaFunction:
    """A function given by a graph: named nodes that are fed and named nodes that are read."""

    graph: Graph
    input_nodes: Mapping[str, int]
    output_nodes: Mapping[str, int]
    texts: Mapping[int, str] = field(default_factory=dict)  # operations as the formula writes them
    names: Mapping[int, str] = field(default_factory=dict)  # what it calls its intermediate values

    @cached_property
    def inputs(self) -> Mapping[str, ArrayType]:
        """Shapes and dtypes of the inputs."""
        return self._types(self.input_nodes)

    @cached_property
    def outputs(self) -> Mapping[str, ArrayType]:
        """Shapes and dtypes of the outputs."""
        return self._types(self.output_nodes)

    def _types(self, nodes: Mapping[str, int]) -> Mapping[str, ArrayType]:
        found = {name: self.graph.nodes[number] for name, number in nodes.items()}
        return {name: ArrayType(node.shape, node.dtype) for name, node in found.items()}

    def along(self, varying: str, primals: Arrays) -> Callable[[Array], Arrays]:
        """Return f as a function of one input; what does not depend on it is computed once."""
        known = {self.input_nodes[name]: value for name, value in primals.items() if name != varying}
        targets = tuple(self.output_nodes.values())
        plan = Plan.make(self.graph, (self.input_nodes[varying],), targets, known)

        def function(array: Array) -> Arrays:
            values = plan.run((array,))
            return {name: np.asarray(values[number]) for name, number in self.output_nodes.items()}

        return function

    def depends(self, output: str, name: str) -> bool:
        """Whether an output is computed from an input, be it with a derivative of zero."""
        return self.graph.depends(self.output_nodes[output], self.input_nodes[name])

    def engine_claims(self, wrt: Iterable[str], outputs: Iterable[str]) -> tuple[Claim, Claim]:
        """Return the engine's own derivative as two claims: by reverse mode and by forward mode."""
        pairs = tuple((output, name) for output in outputs for name in wrt)
        names, targets = tuple(self.input_nodes), tuple(self.output_nodes[output] for output in outputs)
        plan = Plan.make(self.graph, tuple(self.input_nodes.values()), targets)

        def reverse(primals: Arrays) -> Linear:
            tape = plan.run([primals[name] for name in names])

            def pullback(cotangents: Arrays) -> Arrays:
                seeds: dict[int, Any] = {}
                for name, seed in cotangents.items():  # two outputs may be one node
                    number = self.output_nodes[name]
                    seeds[number] = seeds[number] + seed if number in seeds else seed
                gradients = plan.pullback(tape, seeds, [self.input_nodes[name] for name in wrt])
                return dict(zip(wrt, gradients, strict=True))

            return pullback

        def forward(primals: Arrays) -> Linear:
            tape = plan.run([primals[name] for name in names])

            def pushforward(tangents: Arrays) -> Arrays:
                seeds = {self.input_nodes[name]: seed for name, seed in tangents.items()}
                return dict(zip(outputs, plan.pushforward(tape, seeds), strict=True))

            return pushforward

        return (
            Claim(kind="vjp", label="engine vjp", pairs=pairs, linearize=reverse),
            Claim(kind="jvp", label="engine jvp", pairs=pairs, linearize=forward),
        )


@dataclass(frozen=True)
class Program:
    """A check's function as a graph, and what each name in it stands for."""

    function: FormulaFunction
    names: Mapping[str, Any]  # every name that a claim may use: Ref or static
    dtype: np.dtype[Any]
    max_memory: int

    def scope(self, seeds: Mapping[str, ArrayType]) -> tuple[Scope, dict[str, int]]:
        """Open a scope that continues the function's, with further inputs such as cotangents."""
        scope = Scope(self.function.graph, dict(self.names), self.dtype, self.max_memory)
        return scope, add_inputs(scope, seeds)


def add_inputs(scope: Scope, inputs: Mapping[str, ArrayType]) -> dict[str, int]:
    """Add input nodes to the graph of a scope and return their numbers."""
    numbers: dict[str, int] = {}
    for name, type_ in inputs.items():
        node = Node(shape=type_.shape, dtype=type_.dtype)
        scope.graph, numbers[name] = scope.graph.extended(node, max_memory=scope.max_memory)
        scope.names[name] = Ref(numbers[name], type_.shape, type_.dtype)
    return numbers


@dataclass(frozen=True, kw_only=True)
class Elaborated:
    """A text added to a scope: the array of its last line, all its lines, and what went wrong.

    A last line that assigns several names has no one value.
    """

    value: Ref | None = None
    assignments: tuple[Assignment, ...] = ()
    errors: tuple[FormulaError, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names that the last line assigns."""
        return self.assignments[-1].targets


def elaborate(scope: Scope, text: Text) -> Elaborated:
    """Parse a text and add it to a scope."""
    try:
        assignments = tuple(parse(text.text))
    except FormulaError as error:
        return Elaborated(errors=(error,))
    value, errors = scope.run(assignments)
    last = assignments[-1]
    try:
        ref = None if errors or last.unpacks else scope.ref(value, last.value)
    except FormulaError as error:
        return Elaborated(assignments=assignments, errors=(error,))
    return Elaborated(value=ref, assignments=assignments, errors=tuple(errors))


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A check's function with every line elaborated, right or wrong."""

    scope: Scope
    input_nodes: Mapping[str, int]
    result: Elaborated


def open_function(check: CheckSpec, max_memory: int) -> Opened:
    """Make nodes of a check's inputs and elaborate its function.

    Raises
    ------
    BudgetError
        If an input alone would exceed ``max_memory`` bytes.
    """
    types = {one.name: ArrayType(one.shape, np.dtype(one.dtype)) for one in check.inputs}
    floats = [one.dtype for one in types.values() if one.differentiable]
    dtype = part_dtype(np.result_type(*floats)) if floats else np.dtype(np.float64)
    scope = Scope(Graph(), dict(check.dims), dtype, max_memory)
    nodes = add_inputs(scope, types)
    assert isinstance(check.function, Text), "code is compiled elsewhere"
    return Opened(scope=scope, input_nodes=nodes, result=elaborate(scope, check.function))


def compile_function(check: CheckSpec, max_memory: int) -> tuple[Program | None, list[Fault]]:
    """Build the graph of a check's function and find its outputs."""
    try:
        opened = open_function(check, max_memory)
    except BudgetError as error:
        return None, [check.fault(str(error), "inputs")]
    return close_function(check, opened)


def close_function(check: CheckSpec, opened: Opened) -> tuple[Program | None, list[Fault]]:
    """Make a program of a function whose lines are all right, and find its outputs."""
    scope, result = opened.scope, opened.result
    assert isinstance(check.function, Text), "code is compiled elsewhere"
    if result.errors:
        return None, [formula_fault(check, check.function, error) for error in result.errors]
    names = result.names or ("y",)
    if result.value is not None:
        scope.names[names[0]] = result.value
    outputs, faults = _find_outputs(check, scope, names)
    if faults:
        return None, faults
    called = {value.number: name for name, value in scope.names.items() if isinstance(value, Ref)}
    function = FormulaFunction(scope.graph, opened.input_nodes, outputs, _texts(scope), called)
    return Program(function, scope.names, scope.dtype, scope.max_memory), []


def inside(
    scope: Scope, function: FormulaFunction, seeds: Mapping[str, int], values: Mapping[str, Ref]
) -> FormulaFunction:
    """Return a formula that continues a function's as one of its own, of the same inputs and some more."""
    outputs = {name: value.number for name, value in values.items()}
    texts = {**function.texts, **_texts(scope)}
    return FormulaFunction(scope.graph, {**function.input_nodes, **seeds}, outputs, texts)


def _texts(scope: Scope) -> dict[int, str]:
    """Return for every operation how the formula writes it; a name only refers to one."""
    return {
        value.number: written(node)
        for node, value in scope.values.items()
        if isinstance(value, Ref) and not isinstance(node, ast.Name)
    }


def _find_outputs(
    check: CheckSpec, scope: Scope, last: tuple[str, ...]
) -> tuple[dict[str, int], list[Fault]]:
    outputs: dict[str, int] = {}
    faults: list[Fault] = []
    for wanted in check.outputs or [OutputSpec(name=name) for name in last]:
        value, path = scope.names.get(wanted.name), f"outputs.{wanted.name}"
        if not isinstance(value, Ref):
            arrays = [name for name, found in scope.names.items() if isinstance(found, Ref)]
            hint = did_you_mean(wanted.name, arrays) or f"; it has {', '.join(arrays)}"
            faults.append(
                check.fault(f"the function has no array {wanted.name!r}{hint}", path, wanted.position)
            )
        elif wanted.shape is not None and value.shape != wanted.shape:
            fact = f"the function gives {wanted.name} the shape {show(value.shape)}"
            faults.append(check.fault(f"{fact}, the spec says {show(wanted.shape)}", path, wanted.position))
        else:
            outputs[wanted.name] = value.number
            if wanted.shape is not None:  # its sizes print as the user wrote them
                scope.graph = scope.graph.relabelled(value.number, wanted.shape)
    if not faults and not any(scope.names[name].dtype.kind in "fc" for name in outputs):
        faults.append(check.fault("no output is floating: there is nothing to differentiate", "function"))
    return outputs, faults


def formula_fault(check: CheckSpec, text: Text, error: FormulaError) -> Fault:
    """Place a formula's error in the spec file."""
    return check.fault(error.message, text.path, locate(text, error))


def locate(text: Text, error: FormulaError) -> Position:
    """Position in the file of a formula's error, whose column counts bytes as Python's parser does."""
    lines = re.split(r"\r\n|\r|\n", text.text)  # not at form feeds and the like, as splitlines does
    line = lines[error.line - 1] if error.line <= len(lines) else ""
    column = len(line.encode(errors="replace")[: error.column - 1].decode(errors="ignore")) + 1
    return text.locate(error.line, column)
