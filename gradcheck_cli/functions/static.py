"""Arithmetic on numbers and tuples that are known before evaluation: sizes, axes, scale factors."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

from gradcheck_cli.functions.parser import LARGEST, fault_at

DTYPES = ("float64", "float32", "float16", "int64", "bool")
_LONGEST_TEXT = 40
MAX_ENTRIES = 100_000  # of a tuple or of nested lists


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
    if joined and len(result) > MAX_ENTRIES:
        raise fault_at(node, f"{text!r} has {len(result)} entries; at most {MAX_ENTRIES} are kept")
    if isinstance(result, complex) or (isinstance(result, int) and abs(result) > LARGEST):
        raise fault_at(node, f"{text!r} is too large a number, or no real one")
    return result


def has_too_many_entries(value: object) -> bool:
    """Whether nested tuples hold more than a formula may; those of one name may stand in many places."""
    stack, seen = [value], 0
    while stack and seen <= MAX_ENTRIES:
        part = stack.pop()
        seen += 1
        if isinstance(part, tuple):
            stack.extend(part[: MAX_ENTRIES + 1])
    return seen > MAX_ENTRIES


def _is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_integers(value: object) -> bool:
    return _is_integer(value) or (isinstance(value, tuple) and all(_is_integer(part) for part in value))


def _are_axes_pairs(value: object) -> bool:
    return _is_integer(value) or (
        isinstance(value, tuple) and len(value) == 2 and all(_are_integers(part) for part in value)
    )


Test = Callable[[object], bool]
_INTEGER: tuple[Test, str] = (_is_integer, "an integer")
_PLACE: tuple[Test, str] = (lambda value: value is None or _is_integer(value), "an integer or None")
_INTEGERS: tuple[Test, str] = (_are_integers, "an integer or a tuple of integers")
_TUPLE: tuple[Test, str] = (
    lambda value: isinstance(value, tuple) and _are_integers(value),
    "a tuple of integers",
)
_NUMBER: tuple[Test, str] = (is_number, "a number")
_FLAG: tuple[Test, str] = (lambda value: isinstance(value, bool), "True or False")
_TEXT: tuple[Test, str] = (lambda value: isinstance(value, str), "text in quotes")
_WIDTHS: tuple[Test, str] = (
    lambda value: _are_integers(value) or (isinstance(value, tuple) and all(map(_are_integers, value))),
    "an integer, or a tuple of them or of pairs of them",
)
_ORDER: tuple[Test, str] = (
    lambda value: is_number(value) or isinstance(value, str),
    "a number, 'fro' or 'nuc'",
)
_PARAMETERS: Mapping[str, tuple[Test, str]] = {
    "axis": _INTEGERS,
    "axis1": _INTEGER,
    "axis2": _INTEGER,
    "keepdims": _FLAG,
    "ddof": _NUMBER,
    "shape": _INTEGERS,
    "N": _INTEGER,
    "M": _INTEGER,
    "k": _INTEGER,
    "start": _NUMBER,
    "stop": _NUMBER,
    "step": _NUMBER,
    "num": _INTEGER,
    "endpoint": _FLAG,
    "fill_value": (lambda value: isinstance(value, bool | int | float), "a number"),
    "dtype": (lambda value: isinstance(value, str) and value in DTYPES, f"one of {', '.join(DTYPES)}"),
    # Of shapes and indices.
    "offset": _INTEGER,
    "pad_width": _WIDTHS,
    "constant_values": _NUMBER,
    "mode": _TEXT,
    "shift": _INTEGERS,
    "reps": _INTEGERS,
    "repeats": _INTEGERS,
    "indices_or_sections": _INTEGERS,
    "source": _INTEGERS,
    "destination": _INTEGERS,
    "decimals": _INTEGER,
    "n": _INTEGER,
    "num_classes": _INTEGER,
    # Of linear algebra.
    "ord": _ORDER,
    "UPLO": _TEXT,
    "compute_uv": _FLAG,
    "full_matrices": _FLAG,
    "upper": _FLAG,
    # Of neural networks.
    "kernel_size": _INTEGERS,
    "output_size": _INTEGERS,
    "output_padding": _INTEGERS,
    "stride": _INTEGERS,
    "padding": _INTEGERS,
    "dilation": _INTEGERS,
    "groups": _INTEGER,
    "count_include_pad": _FLAG,
    "ceil_mode": _FLAG,
    "divisor_override": _INTEGER,
    "normalized_shape": _INTEGERS,
    "num_groups": _INTEGER,
    "eps": _NUMBER,
    "momentum": _NUMBER,
    "training": _FLAG,
    "negative_slope": _NUMBER,
    "alpha": _NUMBER,
    "min_val": _NUMBER,
    "max_val": _NUMBER,
    "dim": _INTEGER,
    "beta": _NUMBER,
    "threshold": _NUMBER,
    "approximate": _TEXT,
    "subscripts": (lambda value: isinstance(value, str), "text such as 'ij,jk->ik'"),
}


_SPECIAL: Mapping[tuple[str, str], tuple[Test, str]] = {
    ("sort", "axis"): _PLACE,
    ("argsort", "axis"): _PLACE,
    ("cross", "axis"): _INTEGER,
    ("tensordot", "axes"): (_are_axes_pairs, "an integer or two tuples of integers"),
    ("transpose", "axes"): _TUPLE,
    ("rot90", "axes"): _TUPLE,
    ("take_along_axis", "axis"): _PLACE,
    ("concatenate", "axis"): _PLACE,
}


def check_parameter(function: str, name: str, value: object, default: object, node: ast.expr) -> None:
    """Refuse a static argument of the wrong type; which type is right depends on the parameter's name."""
    test, wanted = _SPECIAL.get((function, name)) or _PARAMETERS.get(name, (lambda _value: True, ""))
    if not test(value) and not (value is None and default is None):
        also = " or None" if default is None else ""
        shown = repr(value)
        shown = shown if len(shown) <= _LONGEST_TEXT else f"{shown[: _LONGEST_TEXT - 1]}…"
        remark = ""
        if name == "dtype" and isinstance(value, str) and value.startswith("complex"):
            remark = "; there are no complex numbers in this version"
        raise fault_at(node, f"{function}: {name} must be {wanted}{also}, not {shown}{remark}")
