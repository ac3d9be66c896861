"""Static parameters, which are known before evaluation: which values each may have, by its name."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping

from gradcheck_cli.functions.parser import fault_at
from gradcheck_cli.functions.texts import shortened

DTYPES = ("float64", "float32", "float16", "complex128", "complex64", "int64", "bool")
MAX_ENTRIES = 100_000  # of a tuple or of nested lists


def is_number(value: object) -> bool:
    """Whether a value is a static real number (bools are not)."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_scalar(value: object) -> bool:
    """Whether a value is a static number, real or complex."""
    return is_number(value) or isinstance(value, complex)


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
    "approximate": _TEXT,
    "subscripts": (lambda value: isinstance(value, str), "text such as 'ij,jk->ik'"),
}
# Of one function alone.
_SPECIAL: Mapping[tuple[str, str], tuple[Test, str]] = {
    **{
        (name, "axis"): _INTEGER for name in ("array_split", "cross", "diff", "scatter_add", "split", "stack")
    },
    **{(name, "axis"): _PLACE for name in ("argsort", "concatenate", "sort", "take_along_axis")},
    ("tensordot", "axes"): (_are_axes_pairs, "an integer or two tuples of integers"),
    ("transpose", "axes"): _TUPLE,
    ("rot90", "axes"): _TUPLE,
}


def check_parameter(function: str, name: str, value: object, default: object, node: ast.expr) -> None:
    """Refuse a static argument of the wrong type; which type is right depends on the parameter's name."""
    found = _SPECIAL.get((function, name)) or _PARAMETERS.get(name)
    assert found, f"{function}: no type is known for {name}"
    test, wanted = found
    if test(value) or (value is None and default is None):
        return
    also = " or None" if default is None else ""
    raise fault_at(node, f"{function}: {name} must be {wanted}{also}, not {shortened(repr(value))}")
