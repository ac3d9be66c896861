"""Axis lengths: integers, symbols of ``dims`` and integer arithmetic over them, never executed as Python."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Final

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.shapes import Size
from gradcheck_cli.spec.names import suggest
from gradcheck_cli.spec.tree import shorten

LARGEST: Final = 2**63 - 1
MAX_AXES: Final = 64  # of a NumPy array
_MAX_LENGTH: Final = 200
_MAX_EXPONENT: Final = 64
_ALLOWED: Final = re.compile(r"[\w+\-*/%() ]+")
_JUXTAPOSED: Final = re.compile(r"\b(\d+)([^\W\d]\w*)")


class AxisError(GradcheckError):
    """An axis that cannot be worked out; the bare fact."""


def axis_length(axis: int | str, dims: Mapping[str, Size]) -> int:
    """Work out one axis; a symbolic one remembers how it was written.

    >>> size = axis_length("2*D", {"D": Size(3, "D")})
    >>> size, size.text
    (6, '2*D')
    """
    value = integer(axis, dims)
    if value < 0:
        where = _where(axis, dims)
        raise AxisError(f"an axis cannot have the length {value}{where}; write 0 or more")
    return Size(value, axis.strip()) if isinstance(axis, str) else value


def integer(expression: int | str, dims: Mapping[str, Size]) -> int:
    """Work out an integer expression over the dims.

    Raises
    ------
    AxisError
        For anything but ``+ - * // % **``, brackets, integers and the names of dims; for a division by
        zero; for a value of more than 63 bits.
    """
    if isinstance(expression, int):
        return _bounded(expression)
    tree = _parse(expression)
    return _evaluate(tree, expression, dims)


def _parse(expression: str) -> ast.expr:
    text = expression.strip()
    juxtaposed = _JUXTAPOSED.search(text)
    if juxtaposed:
        left, right = juxtaposed.groups()
        raise AxisError(f'"{shorten(text)}" is no axis; write {left}*{right}')
    refusal = f'"{shorten(text)}" is no axis; write an integer, a symbol of dims, or such as 2*D + 1'
    if len(text) > _MAX_LENGTH or not _ALLOWED.fullmatch(text):
        raise AxisError(refusal)
    try:
        return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise AxisError(refusal) from None


def _evaluate(node: ast.expr, expression: str, dims: Mapping[str, Size]) -> int:
    if isinstance(node, ast.Constant) and type(node.value) is int:
        return _bounded(node.value)
    if isinstance(node, ast.Name):
        if node.id not in dims:
            known = suggest(node.id, dims) if dims else f'write "dims: {{{node.id}: 3}}"'
            raise AxisError(f'"{node.id}" is not in dims; {known}')
        return int(dims[node.id])
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        value = _evaluate(node.operand, expression, dims)
        return -value if isinstance(node.op, ast.USub) else value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATIONS:
        left, right = (_evaluate(side, expression, dims) for side in (node.left, node.right))
        return _bounded(_OPERATIONS[type(node.op)](left, right))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        raise AxisError(f'"{shorten(expression)}" divides with /; write // (whole numbers, rounded down)')
    raise AxisError(f'"{shorten(expression)}" is no axis; only + - * // % ** and brackets may be used')


def _divide(left: int, right: int) -> int:
    if right == 0:
        raise AxisError(f"{left} // 0 is a division by zero; mend the axis or the dims")
    return left // right


def _remainder(left: int, right: int) -> int:
    if right == 0:
        raise AxisError(f"{left} % 0 is a division by zero; mend the axis or the dims")
    return left % right


def _power(base: int, exponent: int) -> int:
    if not 0 <= exponent <= _MAX_EXPONENT:
        raise AxisError(f"{base} ** {exponent} is out of range; the exponent must be 0 to {_MAX_EXPONENT}")
    return int(base**exponent)


_OPERATIONS: Final[dict[type[ast.operator], Callable[[int, int], int]]] = {
    ast.Add: int.__add__,
    ast.Sub: int.__sub__,
    ast.Mult: int.__mul__,
    ast.FloorDiv: _divide,
    ast.Mod: _remainder,
    ast.Pow: _power,
}


def _bounded(value: int) -> int:
    if abs(value) > LARGEST:
        raise AxisError(
            f"a length of {len(str(abs(value)))} digits is beyond any array; write less than 2**63"
        )
    return value


def _where(axis: int | str, dims: Mapping[str, Size]) -> str:
    used = [name for name in dims if isinstance(axis, str) and re.search(rf"\b{name}\b", axis)]
    return f" ({axis} for {', '.join(f'{name}={dims[name]:d}' for name in used)})" if used else ""
