"""The operators of formulas: how each is written, its primitive on arrays, its arithmetic on numbers."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gradcheck_cli.functions.parser import LARGEST, fault_at
from gradcheck_cli.functions.static import MAX_ENTRIES, is_scalar


@dataclass(frozen=True)
class Operator:
    """One operator; ``static`` works on numbers that are known before evaluation: sizes, axes, factors."""

    sign: str
    primitive: str = ""  # none: it does not work on arrays
    static: Callable[..., Any] | None = None


def _power(base: float, exponent: float) -> float:
    """Raise to a power, refusing at once what would take a huge integer to hold."""
    if isinstance(base, int) and isinstance(exponent, int) and abs(exponent) * base.bit_length() > 64:
        raise OverflowError
    result: float = base**exponent
    return result


OPERATORS: Final[Mapping[type[ast.AST], Operator]] = {
    ast.Add: Operator("+", "add", operator.add),
    ast.Sub: Operator("-", "subtract", operator.sub),
    ast.Mult: Operator("*", "multiply", operator.mul),
    ast.Div: Operator("/", "divide", operator.truediv),
    ast.FloorDiv: Operator("//", static=operator.floordiv),
    ast.Mod: Operator("%", "mod", operator.mod),
    ast.Pow: Operator("**", "power", _power),
    ast.MatMult: Operator("@", "matmul"),
    ast.BitAnd: Operator("&", "logical_and"),
    ast.BitOr: Operator("|", "logical_or"),
    ast.USub: Operator("-", "negative", operator.neg),
    ast.UAdd: Operator("+", static=operator.pos),
    ast.Invert: Operator("~", "logical_not"),
    ast.Lt: Operator("<", "less"),
    ast.LtE: Operator("<=", "less_equal"),
    ast.Gt: Operator(">", "greater"),
    ast.GtE: Operator(">=", "greater_equal"),
    ast.Eq: Operator("==", "equal"),
    ast.NotEq: Operator("!=", "not_equal"),
}
OF_PRIMITIVE: Final[Mapping[str, Operator]] = {
    one.primitive: one for one in OPERATORS.values() if one.primitive
}
NONE: Final = Operator("")  # of formulas


def operator_of(node: ast.AST) -> Operator:
    """Return the row of an operator of Python's grammar; ``NONE`` if formulas do not have it."""
    return OPERATORS.get(type(node), NONE)


def in_words() -> dict[str, str]:
    """Return for every primitive with an operator how it is written: ``x + y``, ``-x``."""
    return {
        one.primitive: f"{one.sign}x" if issubclass(kind, ast.unaryop) else f"x {one.sign} y"
        for kind, one in OPERATORS.items()
        if one.primitive
    }


def static_operation(operation: Callable[..., Any], values: Sequence[Any], node: ast.expr) -> Any:
    """Apply an operator to static numbers, or join two tuples, with bounded results."""
    text = ast.unparse(node)
    joined = operation is operator.add and all(isinstance(value, tuple) for value in values)
    if not joined and not all(is_scalar(value) for value in values):
        raise fault_at(node, f"{text!r}: this operator works on numbers and arrays")
    try:
        result = operation(*values)
    except ZeroDivisionError:
        raise fault_at(node, f"{text!r} divides by zero") from None
    except OverflowError:
        raise fault_at(node, f"{text!r} is too large a number") from None
    except TypeError:  # of // and %, which need an order
        raise fault_at(node, f"{text!r}: this operator does not take complex numbers") from None
    if joined and len(result) > MAX_ENTRIES:
        raise fault_at(node, f"{text!r} has {len(result)} entries; at most {MAX_ENTRIES} are kept")
    unexpected = isinstance(result, complex) and not any(isinstance(value, complex) for value in values)
    if unexpected or (isinstance(result, int) and abs(result) > LARGEST):
        raise fault_at(node, f"{text!r} is too large a number, or no real one")
    return result
