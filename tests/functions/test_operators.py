"""Operators and the functions of the same name are one; every static parameter has a type."""

from __future__ import annotations

import ast

import pytest
from formula_checks import check
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli.autodiff.primitives import PRIMITIVES
from gradcheck_cli.errors import FormulaError
from gradcheck_cli.functions.formula import open_function
from gradcheck_cli.functions.operators import OF_PRIMITIVE, OPERATORS, in_words
from gradcheck_cli.functions.static import _PARAMETERS, _SPECIAL, check_parameter

NODE = ast.parse("x").body[0]
BINARY = [one for kind, one in OPERATORS.items() if one.primitive and not issubclass(kind, ast.unaryop)]
STATIC = [
    (one.name, name)
    for one in PRIMITIVES.values()
    for name in one.parameters.parameters
    if name not in one.operand_names
]


def number(formula: str) -> object:
    """What a formula of numbers comes to before evaluation; something else if it is refused."""
    return open_function(check(f"n = {formula}\ny = x"), 2**20).scope.names["n"]


def test_every_operator_on_arrays_is_a_function():
    assert set(OF_PRIMITIVE) <= set(PRIMITIVES)
    assert in_words()["subtract"] == "x - y"
    assert in_words()["negative"] == "-x"
    assert set(in_words()) == set(OF_PRIMITIVE)


NUMBERS = st.sampled_from(["0", "1", "2", "5", "-1", "-3", "0.5", "2.5", "1e300", "inf", "64"])


@given(st.sampled_from(BINARY), NUMBERS, NUMBERS)
def test_a_function_of_numbers_does_what_its_operator_does(one, left, right):
    called, written = number(f"{one.primitive}({left}, {right})"), number(f"({left}) {one.sign} ({right})")
    is_lost = not isinstance(called, bool | int | float)  # both refused
    assert is_lost or repr(called) == repr(written)  # nan is nan; 1 is not 1.0
    assert type(called) is type(written)


@pytest.mark.parametrize(("function", "name"), STATIC)
def test_every_static_parameter_has_a_type(function, name):
    with pytest.raises(FormulaError, match=f"{function}: {name} must be "):
        check_parameter(function, name, object(), 0, NODE)


def test_a_parameter_without_a_type_is_our_mistake():
    with pytest.raises(AssertionError, match="no type is known for threshold"):
        check_parameter("softplus", "threshold", 1, 0, NODE)


def test_every_type_is_of_a_parameter():
    general = {name for function, name in STATIC if (function, name) not in _SPECIAL}
    assert set(_PARAMETERS) == general
    assert set(_SPECIAL) <= set(STATIC)


def test_operands_are_named_in_the_order_of_the_call():
    for one in PRIMITIVES.values():
        assert list(one.operand_names) == [
            name for name in one.parameters.parameters if name in one.operand_names
        ]
        assert set(one.optional) | set(one.positions) <= set(one.operand_names)
