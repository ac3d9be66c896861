"""Assignments → graph: what each name and operator means, and which shape every value has.

Nothing is evaluated on arrays here. A value of the formula is either a ``Ref`` to a node of the graph or
*static*: a Python number, tuple, slice or string that is known now, such as a size or an ``axis``.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitives import FUNCTIONS, PRIMITIVES
from gradcheck_cli.autodiff.primitives.elementwise import IDENTITY
from gradcheck_cli.autodiff.trace import Graph
from gradcheck_cli.errors import FormulaError
from gradcheck_cli.functions.apply import apply
from gradcheck_cli.functions.calls import attribute, call
from gradcheck_cli.functions.hints import did_you_mean
from gradcheck_cli.functions.nodes import append, constant
from gradcheck_cli.functions.operators import operator_of, static_operation
from gradcheck_cli.functions.parser import Assignment, fault_at
from gradcheck_cli.functions.subscript import item, slice_value
from gradcheck_cli.functions.values import Operand, Ref

CONSTANTS: Mapping[str, float] = {"pi": math.pi, "e": math.e, "inf": math.inf}


class _Poisoned(Exception):  # noqa: N818  # not an error of its own: the fault was reported where it arose
    """A value that could not be made because one it needs could not."""


_POISON = object()
_UNKNOWN = object()


@dataclass(frozen=True)
class Barred:
    """A name that may not be read here, and why."""

    reason: str


@dataclass
class Scope:
    """The graph as built so far and what each name stands for; grows with every line."""

    graph: Graph
    names: dict[str, Any]
    dtype: np.dtype[Any]  # floating and real, of the precision in which the formula runs
    max_memory: int
    hint: str = ""  # what to say of an unknown name: which cotangents or tangents there are
    values: dict[ast.expr, Any] = field(default_factory=dict)  # of every expression elaborated

    def run(self, assignments: Iterable[Assignment]) -> tuple[Any, list[FormulaError]]:
        """Elaborate every line; return the last value and all errors, each reported once."""
        errors: list[FormulaError] = []
        value: Any = None
        for assignment in assignments:
            try:
                value = self._line(assignment)
            except _Poisoned:
                value = _POISON
            except FormulaError as error:
                errors.append(error)
                value = _POISON
            several = assignment.unpacks and value is not _POISON
            values = value if several else [value] * len(assignment.targets)
            self.names.update(zip(assignment.targets, values, strict=True))
        return (None if value is _POISON else value), errors

    def _line(self, assignment: Assignment) -> Any:
        node, targets = assignment.value, assignment.targets
        value = self.value(node)
        if not assignment.unpacks:
            return self._own(value, node) if targets else value
        values = _unpacked(value, len(targets), node)
        elements = node.elts if isinstance(node, ast.Tuple | ast.List) else [node] * len(values)
        return tuple(self._own(one, element) for one, element in zip(values, elements, strict=True))

    def _own(self, value: Any, node: ast.expr) -> Any:
        """Make a node of its own for y = x, so that a chain may go from x to y."""
        is_alias = isinstance(node, ast.Name) and isinstance(value, Ref)
        return append(self, IDENTITY, [value], {}, node) if is_alias else value

    def value(self, node: ast.expr) -> Any:
        """Value of an expression: a ``Ref`` or something static."""
        rule: Callable[[Scope, Any], Any] = _RULES[type(node)]
        found = self.values[node] = rule(self, node)
        return found

    def ref(self, value: Any, node: ast.AST) -> Ref:
        """Make a node of the graph out of a number or a list of numbers."""
        return value if isinstance(value, Ref) else constant(self, value, node)


def _unpacked(value: Any, wanted: int, node: ast.expr) -> tuple[Any, ...]:
    """Values for several names on the left of an assignment."""
    if not isinstance(value, tuple):
        raise fault_at(node, f"{ast.unparse(node)} is one value, and {wanted} names are assigned")
    if len(value) != wanted:
        raise fault_at(node, f"{ast.unparse(node)} has {len(value)} values, and {wanted} names are assigned")
    return value


def _name(scope: Scope, node: ast.Name) -> Any:
    found = scope.names.get(node.id, CONSTANTS.get(node.id, _UNKNOWN))
    if found is _POISON:
        raise _Poisoned
    if found is _UNKNOWN:
        if node.id in FUNCTIONS:
            raise fault_at(node, f"{node.id} is a function: call it, as in {node.id}(…)")
        similar = did_you_mean(node.id, [*scope.names, *CONSTANTS])
        is_seed = node.id.startswith("d") or node.id.endswith("_dot")  # or would be one
        hint = scope.hint or similar if is_seed else similar or scope.hint
        raise fault_at(node, f"unknown name {node.id!r}{hint}")
    if isinstance(found, Barred):
        raise fault_at(node, found.reason)
    return found


def _constant(_scope: Scope, node: ast.Constant) -> Any:
    return node.value


def _sequence(scope: Scope, node: ast.Tuple | ast.List) -> Any:
    return tuple(scope.value(element) for element in node.elts)


def _binary(scope: Scope, node: ast.BinOp) -> Any:
    if isinstance(node.op, ast.BitXor):
        # Python's ^ binds less tightly than its **; what was meant is the text with ** in its place.
        raise fault_at(node, f"^ is not part of formulas; write {ast.unparse(node).replace('^', '**')}")
    left, right = scope.value(node.left), scope.value(node.right)
    operator = operator_of(node.op)
    if operator.static and not isinstance(left, Ref) and not isinstance(right, Ref):
        return static_operation(operator.static, (left, right), node)
    if not operator.primitive:
        raise fault_at(node, f"{ast.unparse(node)!r}: this operator does not work on arrays")
    operands = [Operand(left, node.left), Operand(right, node.right)]
    return apply(scope, PRIMITIVES[operator.primitive], operands, {}, node)


def _unary(scope: Scope, node: ast.UnaryOp) -> Any:
    value, operator = scope.value(node.operand), operator_of(node.op)
    if operator.static and not isinstance(value, Ref):
        return static_operation(operator.static, (value,), node)
    if isinstance(node.op, ast.Not):
        raise fault_at(node, "'not' does not work on arrays; write ~")
    if isinstance(node.op, ast.UAdd):
        return value
    return apply(scope, PRIMITIVES[operator.primitive], [Operand(value, node.operand)], {}, node)


def _compare(scope: Scope, node: ast.Compare) -> Any:
    if len(node.ops) != 1:
        raise fault_at(node, "compare two values at a time: (a < b) & (b < c)")
    operator = operator_of(node.ops[0])
    if not operator.primitive:
        raise fault_at(node, "'is' and 'in' are not part of formulas; write == or a comparison")
    operands = [Operand(scope.value(one), one) for one in (node.left, node.comparators[0])]
    return apply(scope, PRIMITIVES[operator.primitive], operands, {}, node)


_RULES: Mapping[type[ast.expr], Callable[[Scope, Any], Any]] = {
    ast.Name: _name,
    ast.Constant: _constant,
    ast.Tuple: _sequence,
    ast.List: _sequence,
    ast.Slice: slice_value,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Compare: _compare,
    ast.Attribute: attribute,
    ast.Call: call,
    ast.Subscript: item,
}
