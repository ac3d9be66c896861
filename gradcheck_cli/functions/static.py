"""Arithmetic on numbers and tuples that are known before evaluation: sizes, axes, scale factors."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from gradcheck_cli.functions.parser import fault_at

LARGEST = 2**63 - 1


def is_number(value: object) -> bool:
    """Whether a value is a static number (bools are not)."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _power(base: float, exponent: float) -> float:
    """Raise to a power, refusing at once what would take a huge integer to hold."""
    if isinstance(base, int) and isinstance(exponent, int) and abs(exponent) * base.bit_length() > 64:
        raise OverflowError
    result: float = base**exponent
    return result


BINARY: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
UNARY: Mapping[type[ast.unaryop], Callable[[Any], Any]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}


def static_operation(operation: Callable[..., Any], values: tuple[Any, ...], node: ast.expr) -> Any:
    """Apply an operator to static numbers, or join two tuples, with bounded results."""
    text = ast.unparse(node)
    joined = operation is operator.add and all(isinstance(value, tuple) for value in values)
    if not joined and not all(is_number(value) for value in values):
        raise fault_at(node, f"{text!r}: this operator works on numbers and arrays")
    try:
        result = operation(*values)
    except ZeroDivisionError:
        raise fault_at(node, f"{text!r} divides by zero") from None
    except OverflowError:
        raise fault_at(node, f"{text!r} is too large a number") from None
    if isinstance(result, complex) or (isinstance(result, int) and abs(result) > LARGEST):
        raise fault_at(node, f"{text!r} is too large a number, or no real one")
    return result
