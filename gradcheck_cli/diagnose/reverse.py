"""Reverse mode over a function's graph, with other rules for some of its steps.

The graph is known for a formula, and often for Python code, by tracing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array, Rule
from gradcheck_cli.autodiff.trace import Node, Plan, Values
from gradcheck_cli.diagnose.case import Case
from gradcheck_cli.diagnose.wording import node_text
from gradcheck_cli.functions.formula import FormulaFunction
from gradcheck_cli.problem import symmetric_part

ROWS: Final = 200  # of the seed that an explanation is checked with

Edge = tuple[int, int]  # a step: an operation, and the place of one operand
Altered = Mapping[Edge, Rule]


@dataclass(frozen=True)
class Backward:
    """Reverse mode over the function's graph at the point of a case, for one output and one input."""

    graph: FormulaFunction
    plan: Plan
    tape: Values
    case: Case

    @classmethod
    def of(cls, case: Case) -> Backward | None:
        """Find the graph of a case; None where there is none, or complex numbers are about."""
        if any(one.is_complex for one in case.types) or case.check.order != 1:
            return None
        graph = case.evidence.problem.graph
        output, name = case.tally.pair
        if graph is None or output not in graph.output_nodes or name not in graph.input_nodes:
            return None
        plan = Plan.make(graph.graph, tuple(graph.input_nodes.values()), (graph.output_nodes[output],))
        tape = plan.run([case.evidence.primals[one] for one in graph.input_nodes])
        return cls(graph, plan, tape, case)

    def at(self, value: Array) -> Backward:
        """Return the same at another value of the input."""
        name = self.case.tally.pair[1]
        primals = {**self.case.evidence.primals, name: value}
        return replace(self, tape=self.plan.run([primals[one] for one in self.graph.input_nodes]))

    @cached_property
    def source(self) -> int:
        """Node of the input."""
        return self.graph.input_nodes[self.case.tally.pair[1]]

    @cached_property
    def edges(self) -> list[Edge]:
        """Steps of reverse mode on a way from the output to the input, from the last to the first."""
        nodes, target = self.graph.graph.nodes, self.plan.targets[0]
        behind = self.graph.graph.ancestors([target])
        active = self.plan.active([self.source])
        return [
            (number, place)
            for number in reversed(self.plan.steps)
            if number in behind
            and (primitive := nodes[number].primitive) is not None
            and primitive.differentiable
            for place, arg in enumerate(nodes[number].args)
            if arg in active and primitive.vjps[place] is not None
        ]

    def node(self, edge: Edge) -> Node:
        """The operation of a step."""
        return self.graph.graph.nodes[edge[0]]

    def pull(self, seed: Array, altered: Altered | None = None) -> Array:
        """Return seedᵀ J for a flat seed of the output, with altered rules for some steps."""
        target = self.plan.targets[0]
        cotangent = seed.reshape(np.shape(self.tape[target])).astype(np.asarray(self.tape[target]).dtype)
        (found,) = self.plan.pullback(self.tape, {target: cotangent}, [self.source], altered=altered)
        if self.case.tally.pair[1] in self.case.evidence.problem.symmetric:
            found = symmetric_part(found)
        return np.asarray(found, np.float64).reshape(-1)

    def text(self, number: int) -> str:
        """Write a value as the function does."""
        return node_text(self.graph, number)

    def step(self, edges: Sequence[Edge]) -> str:
        """Write what a term comes through: the operand of a step, or the operation that uses it.

        An operation that is reached through other operands as well is not meant as a whole.
        """
        number, place = edges[0]
        operand = self._operand(edges[0])
        used = operand == self.source or sum(self._operand(one) == operand for one in self.edges) > 1
        operation = self.graph.texts.get(number) or self.text(number)
        if not {one for one in self.edges if one[0] == number} <= set(edges):
            return (
                f"{self.text(operand)} as operand {place + 1} of {operation}" if used else self.text(operand)
            )
        return operation if used or len(edges) > 1 else self.text(operand)

    def _operand(self, edge: Edge) -> int:
        return self.node(edge).args[edge[1]]

    def gives_the_claim(self, altered: Altered) -> bool:
        """Whether altered rules give all that is claimed."""
        evidence = self.case.evidence
        unit = np.zeros(len(evidence.analytic))
        for row in range(min(ROWS, len(unit))):
            unit[row] = 1.0
            with np.errstate(all="ignore"):
                given = self.pull(unit, altered)
            unit[row] = 0.0
            if not np.all(np.abs(given - evidence.analytic[row]) <= evidence.room[row]):
                return False
        return True


def nothing(place: int) -> Rule:
    """Return the rule of a step that contributes nothing."""
    return lambda _g, _out, *arrays, **_static: np.zeros(np.shape(arrays[place]))


def times(backward: Backward, edge: Edge, factor: float) -> Rule:
    """Return the rule of a step that counts more or less than once."""
    rule = rule_of(backward, edge)
    return lambda *arrays, **static: factor * rule(*arrays, **static)


def rule_of(backward: Backward, edge: Edge) -> Rule:
    """Return the right rule of a step."""
    primitive = backward.node(edge).primitive
    assert primitive is not None
    rule = primitive.vjps[edge[1]]
    assert rule is not None
    return rule
