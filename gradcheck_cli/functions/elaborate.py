"""Assignments → graph: what each name and operator means, and which shape every value has.

Nothing is evaluated on arrays here. A value of the formula is either a ``Ref`` to a node of the graph or
*static*: a Python number, tuple, slice or string that is known now, such as a size or an ``axis``.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import EllipsisType
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitives import ALIASES, FUNCTIONS, PRIMITIVES
from gradcheck_cli.autodiff.primitives.elementwise import IDENTITY
from gradcheck_cli.autodiff.primitives.indexing import Hole, Part
from gradcheck_cli.autodiff.trace import Graph
from gradcheck_cli.errors import FormulaError, FormulaShapeError, ShapeError
from gradcheck_cli.functions.apply import Operand, Ref, Results, append, apply, constant
from gradcheck_cli.functions.hints import did_you_mean
from gradcheck_cli.functions.parser import Assignment, fault_at
from gradcheck_cli.functions.static import BINARY as STATIC_BINARY
from gradcheck_cli.functions.static import UNARY as STATIC_UNARY
from gradcheck_cli.functions.static import is_number, static_operation
from gradcheck_cli.shapes import count

CONSTANTS: Mapping[str, float] = {"pi": math.pi, "e": math.e, "inf": math.inf}
METHODS = (
    "all", "any", "argmax", "argmin", "argsort", "clip", "cumprod", "cumsum", "diagonal", "dot", "flatten",
    "max", "mean", "min", "prod", "ravel", "repeat", "reshape", "round", "squeeze", "std", "sum", "swapaxes",
    "take", "trace", "transpose", "var",
)  # fmt: skip
NAMES = tuple(name for name in FUNCTIONS if name not in ALIASES)
MODULES = ("np", "numpy", "scipy", "linalg", "torch", "F", "nn", "jnp", "jax", "math")
_BINARY = {
    ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "power",
    ast.MatMult: "matmul", ast.Mod: "mod", ast.BitAnd: "logical_and", ast.BitOr: "logical_or",
}  # fmt: skip
_UNARY = {ast.USub: "negative", ast.UAdd: "positive", ast.Invert: "logical_not"}
_COMPARE = {
    ast.Lt: "less", ast.LtE: "less_equal", ast.Gt: "greater", ast.GtE: "greater_equal",
    ast.Eq: "equal", ast.NotEq: "not_equal",
}  # fmt: skip


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
    dtype: np.dtype[Any]
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
            several = len(assignment.targets) > 1 and value is not _POISON
            values = value if several else [value] * len(assignment.targets)
            self.names.update(zip(assignment.targets, values, strict=True))
        return (None if value is _POISON else value), errors

    def _line(self, assignment: Assignment) -> Any:
        node, targets = assignment.value, assignment.targets
        value = self.value(node)
        if len(targets) > 1:
            return _unpacked(value, len(targets), node)
        if targets and isinstance(node, ast.Name) and isinstance(value, Ref):
            # y = x makes a node of its own, so that a chain may go from x to y.
            return append(self, IDENTITY, [value], {}, node)
        return value

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


def _slice(scope: Scope, node: ast.Slice) -> slice:
    bounds = [None if part is None else scope.value(part) for part in (node.lower, node.upper, node.step)]
    for part in bounds:
        if part is not None and not isinstance(part, int):
            raise fault_at(node, "the bounds of a slice must be integers that are known before evaluation")
    if bounds[2] == 0:
        raise fault_at(node, "the step of a slice cannot be 0")
    return slice(*(None if part is None else int(part) for part in bounds))


def _binary(scope: Scope, node: ast.BinOp) -> Any:
    if isinstance(node.op, ast.BitXor):
        # Python's ^ binds less tightly than its **; what was meant is the text with ** in its place.
        raise fault_at(node, f"^ is not part of formulas; write {ast.unparse(node).replace('^', '**')}")
    left, right = scope.value(node.left), scope.value(node.right)
    if not isinstance(left, Ref) and not isinstance(right, Ref) and type(node.op) in STATIC_BINARY:
        return static_operation(STATIC_BINARY[type(node.op)], (left, right), node)
    if type(node.op) not in _BINARY:
        raise fault_at(node, f"{ast.unparse(node)!r}: this operator does not work on arrays")
    operands = [Operand(left, node.left), Operand(right, node.right)]
    return apply(scope, PRIMITIVES[_BINARY[type(node.op)]], operands, {}, node)


def _unary(scope: Scope, node: ast.UnaryOp) -> Any:
    value = scope.value(node.operand)
    if not isinstance(value, Ref) and type(node.op) in STATIC_UNARY:
        return static_operation(STATIC_UNARY[type(node.op)], (value,), node)
    if type(node.op) not in _UNARY:
        raise fault_at(node, "'not' does not work on arrays; write ~")
    if type(node.op) is ast.UAdd:
        return value
    return apply(scope, PRIMITIVES[_UNARY[type(node.op)]], [Operand(value, node.operand)], {}, node)


def _compare(scope: Scope, node: ast.Compare) -> Any:
    if len(node.ops) != 1:
        raise fault_at(node, "compare two values at a time: (a < b) & (b < c)")
    operator = type(node.ops[0])
    if operator not in _COMPARE:
        raise fault_at(node, "'is' and 'in' are not part of formulas; write == or a comparison")
    operands = [Operand(scope.value(one), one) for one in (node.left, node.comparators[0])]
    return apply(scope, PRIMITIVES[_COMPARE[operator]], operands, {}, node)


def _attribute(scope: Scope, node: ast.Attribute) -> Any:
    value = scope.value(node.value)
    if isinstance(value, Results) and node.attr in value.names:
        return value[value.names.index(node.attr)]
    if node.attr in METHODS:
        raise fault_at(node, f"{node.attr} is a method: call it, as in {ast.unparse(node)}(…)")
    if not isinstance(value, Ref) or node.attr not in _ATTRIBUTES:
        raise fault_at(
            node, f"no attribute {node.attr!r}; arrays have {', '.join(f'.{name}' for name in _ATTRIBUTES)}"
        )
    return _ATTRIBUTES[node.attr](scope, value, node)


def _transposed(scope: Scope, value: Ref, node: ast.Attribute) -> Ref:
    return apply(scope, PRIMITIVES["transpose"], [Operand(value, node.value)], {}, node)


_ATTRIBUTES: Mapping[str, Callable[[Scope, Ref, ast.Attribute], Any]] = {
    "T": _transposed,
    "shape": lambda _scope, value, _node: value.shape,
    "ndim": lambda _scope, value, _node: len(value.shape),
    "size": lambda _scope, value, _node: count(value.shape),
}


def _call(scope: Scope, node: ast.Call) -> Any:
    arguments = [Operand(scope.value(one), one) for one in node.args]
    named = {str(one.arg): Operand(scope.value(one.value), one.value) for one in node.keywords}
    name = ast.unparse(node.func)
    if name in FUNCTIONS:
        return apply(scope, FUNCTIONS[name], arguments, named, node)
    if isinstance(node.func, ast.Attribute):
        module, _, rest = name.partition(".")
        if module in MODULES and module not in scope.names:
            own = rest if rest in FUNCTIONS else node.func.attr
            hint = "" if own in FUNCTIONS else did_you_mean(own, NAMES)
            known = f"functions go by their own name here: write {own}(…)"
            raise fault_at(node, known if own in FUNCTIONS else f"unknown function {name!r}{hint}")
        return _method(scope, node.func, arguments, named, node)
    raise fault_at(node, f"unknown function {name!r}{did_you_mean(name, NAMES)}")


def _method(
    scope: Scope, func: ast.Attribute, arguments: list[Operand], named: dict[str, Operand], node: ast.Call
) -> Any:
    if func.attr in _ATTRIBUTES:
        raise fault_at(node, f"{ast.unparse(func)} is no method: leave out the brackets behind it")
    if func.attr not in METHODS:
        hint = did_you_mean(func.attr, METHODS) or f"; methods are {', '.join(METHODS)}"
        raise fault_at(node, f"unknown method {func.attr!r}{hint}")
    if func.attr in {"reshape", "transpose"} and arguments and all(is_number(one.value) for one in arguments):
        # x.reshape(2, 3) and x.transpose(1, 0) take their sizes one by one.
        arguments = [Operand(tuple(one.value for one in arguments), arguments[0].node)]
    owner = Operand(scope.value(func.value), func.value)
    return apply(scope, FUNCTIONS[func.attr], [owner, *arguments], named, node)


def _subscript(scope: Scope, node: ast.Subscript) -> Any:
    value = scope.value(node.value)
    indices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    parts = [(scope.value(one), one) for one in indices]
    if not isinstance(value, Ref):
        return _static_item(value, parts, node)
    arrays: list[Ref] = []
    template = tuple(_index_part(scope, part, one, arrays) for part, one in parts)
    try:
        item = append(scope, PRIMITIVES["getitem"], [value, *arrays], {"template": template}, node)
        _check_bounds(scope, value, arrays, template)
    except ShapeError as error:
        text = str(error).replace("{0}", ast.unparse(node.value))
        raise fault_at(node, f"{ast.unparse(node)}: {text}", FormulaShapeError) from None
    return item


def _check_bounds(scope: Scope, value: Ref, arrays: list[Ref], template: tuple[Part, ...]) -> None:
    """Refuse lists of indices that the axes do not have; indices that are computed are seen on evaluation."""
    axis = 0
    for part in template:
        if part is Ellipsis:
            axis += len(value.shape) - sum(one is not None and one is not Ellipsis for one in template)
        elif part is not None:
            if isinstance(part, Hole):
                _check_indices(scope.graph.nodes[arrays[part.number].number].value, axis, value.shape[axis])
            axis += 1


def _check_indices(indices: Any, axis: int, size: int) -> None:
    for index in () if indices is None else np.ravel(indices).tolist():
        if not -size <= index < size:
            raise ShapeError(
                f"index {index} is out of range for axis {axis} of {{0}}, which has length {int(size)}"
            )


def _static_item(value: Any, parts: list[tuple[Any, ast.expr]], node: ast.Subscript) -> Any:
    index = parts[0][0]
    if not isinstance(value, tuple) or len(parts) != 1 or not isinstance(index, int | slice):
        raise fault_at(node, f"{ast.unparse(node.value)} cannot be indexed so")
    try:
        return value[index]
    except IndexError:
        raise fault_at(
            node, f"{ast.unparse(node.value)} has {len(value)} entries, there is no {index}"
        ) from None


def _index_part(scope: Scope, part: Any, node: ast.expr, arrays: list[Ref]) -> Any:
    """Take a static part of an index as it is, put an integer array aside and leave a hole."""
    if isinstance(part, bool):
        raise fault_at(node, "True and False are no indices")
    if part is None or isinstance(part, int | slice | EllipsisType):
        return int(part) if isinstance(part, int) else part
    array = scope.ref(part, node)
    if array.dtype == np.dtype(bool):
        raise fault_at(
            node, "indexing by a mask gives a shape that depends on values; write where(mask, x, 0) instead"
        )
    if not np.issubdtype(array.dtype, np.integer):
        fact = f"an index must be an integer array, {ast.unparse(node)} is {array.dtype}"
        remedy = "; an input is one with dtype: int64" if isinstance(node, ast.Name) else ""
        raise fault_at(node, f"{fact}{remedy}")
    arrays.append(array)
    return Hole(len(arrays) - 1)


_RULES: Mapping[type[ast.expr], Callable[[Scope, Any], Any]] = {
    ast.Name: _name,
    ast.Constant: _constant,
    ast.Tuple: _sequence,
    ast.List: _sequence,
    ast.Slice: _slice,
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Compare: _compare,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.Subscript: _subscript,
}
