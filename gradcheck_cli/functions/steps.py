"""The operations of an elaborated formula, one by one, with the shapes of their operands written in.

``dy @ w.T`` is two: ``w (D, M).T`` and ``dy (N, M) @ w.T (M, D)``. The operation that does not fit shows
by its operands why.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any

from gradcheck_cli.errors import FormulaError
from gradcheck_cli.functions.elaborate import Scope
from gradcheck_cli.functions.formula import Elaborated
from gradcheck_cli.functions.texts import bracketed, written
from gradcheck_cli.functions.values import Ref, Results
from gradcheck_cli.shapes import Shape, show_symbols
from gradcheck_cli.views import Step

LAST = "y"  # name of a last line that assigns none
_OPERATIONS = (ast.BinOp, ast.UnaryOp, ast.Compare, ast.Call, ast.Subscript, ast.Attribute)


def steps(scope: Scope, result: Elaborated) -> Iterator[Step]:
    """Yield every operation once, in the order of evaluation; a line ends with what it assigns.

    A line such as ``i, f = sigmoid(a), tanh(b)`` ends with each of its assignments.
    """
    seen: set[str] = set()
    for targets, value in _assigned(result):
        *inner, last = _operations(value)
        for node in [*inner, last]:
            target = ", ".join(targets) if node is last else ""
            for step in _step(scope, node, target, result.errors):
                if target or step.text not in seen:
                    seen.add(step.text)
                    yield step


def links(scope: Scope, result: Elaborated) -> Iterator[tuple[str, str, Ref, Ref]]:
    """Yield for each name that a line assigns, and each array named in its value: both, and their values."""
    for targets, expression in _assigned(result):
        value = scope.values.get(expression)
        values = value if isinstance(value, Results) else [value]
        sources = {
            node.id: scope.values[node]
            for node in ast.walk(expression)
            if isinstance(node, ast.Name) and isinstance(scope.values.get(node), Ref)
        }
        for target, made in zip(targets or [LAST], values or [], strict=False):
            for name, source in sources.items():
                if isinstance(made, Ref):
                    yield target, name, made, source


def _assigned(result: Elaborated) -> Iterator[tuple[tuple[str, ...], ast.expr]]:
    """Yield what is assigned to which names: one name gets the element that is its own, if there is one."""
    for assignment in result.assignments:
        targets, value = assignment.targets, assignment.value
        if len(targets) > 1 and isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(targets):
            yield from (((target,), element) for target, element in zip(targets, value.elts, strict=True))
        else:
            yield targets, value


def _operations(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the operations within an expression, operands first; the expression itself comes last."""
    for child in _operands(node):
        yield from (one for one in _operations(child) if isinstance(one, _OPERATIONS))
    yield node


def _operands(node: ast.AST) -> Iterator[ast.expr]:
    """Yield the expressions directly below one; the name of a function is none."""
    for child in ast.iter_child_nodes(node):
        if isinstance(node, ast.Call) and child is node.func:
            if isinstance(child, ast.Attribute):
                yield child.value
        elif isinstance(child, ast.expr):
            yield child
        else:
            yield from _operands(child)  # of a keyword


def _step(scope: Scope, node: ast.expr, target: str, errors: Sequence[FormulaError]) -> Iterator[Step]:
    """Yield what is to be said of one node: nothing if it is static or lost with an operand."""
    if node in scope.values:
        value = scope.values[node]
        if isinstance(value, Results):
            yield Step(text=_with_operands(scope, node), target=target, shapes=_shapes(value))
        elif isinstance(value, Ref):
            text = _with_operands(scope, node) if isinstance(node, _OPERATIONS) else _named(node, value)
            yield Step(text=text, target=target, shapes=(value.shape,))
        elif target:
            yield Step(text=_static(node, value), target=target, shapes=_shapes(value))
        return
    problem = next((error.message for error in errors if _is_at(error, node)), "")
    below = [one for child in _operands(node) for one in _operations(child) if isinstance(one, _OPERATIONS)]
    if problem and all(one in scope.values for one in below):
        yield Step(text=_with_operands(scope, node), target=target, problem=problem)


def _static(node: ast.expr, value: Any) -> str:
    """Write what is known now: a size with its value; a tuple too long to be written without its elements."""
    if isinstance(node, _OPERATIONS) and isinstance(value, int | float):
        return f"{written(node)} = {value}"
    if isinstance(node, ast.Tuple | ast.List) and written(node) != ast.unparse(node):
        return "(…)" if isinstance(node, ast.Tuple) else "[…]"
    return written(node)


def _shapes(value: Any) -> tuple[Shape, ...]:
    """Shape of each array of a tuple; none for what holds anything else."""
    is_arrays = isinstance(value, tuple) and all(isinstance(one, Ref) for one in value)
    return tuple(one.shape for one in value) if is_arrays else ()


def _is_at(error: FormulaError, node: ast.expr) -> bool:
    """Whether an error is about a node or part of it, not about another one of the same line."""
    start = node.lineno, node.col_offset + 1
    end = node.end_lineno or node.lineno, (node.end_col_offset or node.col_offset) + 1
    return start <= (error.line, error.column) < end


def _with_operands(scope: Scope, node: ast.expr) -> str:
    """Write an operation with the shapes of its operands.

    ``sum(dy (N, M), axis=0)`` for ``sum(dy, axis=0)``.
    """
    return ast.unparse(_with_shapes(node, scope.values, top=True))


def _with_shapes(node: Any, values: dict[ast.expr, Any], *, top: bool = False) -> Any:
    """Copy a syntax tree, with every array just below the top replaced by a name and its shape."""
    if isinstance(node, list):
        return [_with_shapes(one, values) for one in node]
    if not isinstance(node, ast.AST):
        return node
    if not top and isinstance(node, ast.expr) and isinstance(values.get(node), Ref):
        return ast.Name(id=_named(node, values[node]))
    fields = {name: _with_shapes(value, values) for name, value in ast.iter_fields(node)}
    return type(node)(**fields)


def _named(node: ast.expr, ref: Ref) -> str:
    return f"{bracketed(node)} {show_symbols(ref.shape)}"
