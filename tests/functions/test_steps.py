"""The operations of a formula one by one, and which arrays a line links."""

from __future__ import annotations

import pytest
from formula_checks import check

from gradcheck_cli.functions.formula import open_function
from gradcheck_cli.functions.steps import links, steps
from gradcheck_cli.shapes import show


def opened(function):
    return open_function(check(function, shapes={"x": (2, 3), "w": (3, 4), "b": (3,)}), 2**20)


def steps_of(function):
    found = opened(function)
    return [
        (f"{step.target} = {step.text}" if step.target else step.text, " ".join(map(show, step.shapes)))
        for step in steps(found.scope, found.result)
    ]


def links_of(function):
    found = opened(function)
    return [(target, source) for target, source, _, _ in links(found.scope, found.result)]


@pytest.mark.parametrize(
    ("function", "linked"),
    [
        ("y = x @ w", [("y", "x"), ("y", "w")]),
        ("x @ w", [("y", "x"), ("y", "w")]),
        ("y, z = tanh(x), w * 2", [("y", "x"), ("z", "w")]),
        ("y, z = [x + b, w]", [("y", "x"), ("y", "b"), ("z", "w")]),
        ("y, z = split(x * b, 2)", [("y", "x"), ("y", "b"), ("z", "x"), ("z", "b")]),
        ("y, z = (tanh(x), 2 * x), w", [("z", "w")]),
        ("n, y = 2, x", [("y", "x")]),
        ("y, z = x, w @ w", [("y", "x")]),
    ],
)
def test_a_name_is_linked_to_what_its_own_value_names(function, linked):
    assert links_of(function) == linked


@pytest.mark.parametrize(
    ("function", "found"),
    [
        (
            "i, f = sigmoid(x), tanh(w @ w.T)",
            [
                ("i = sigmoid(x (2, 3))", "(2, 3)"),
                ("w (3, 4).T", "(4, 3)"),
                ("w (3, 4) @ w.T (4, 3)", "(3, 3)"),
                ("f = tanh((w @ w.T) (3, 3))", "(3, 3)"),
            ],
        ),
        ("n, y = x.shape[0] + 1, x", [("n = x.shape[0] + 1 = 3", ""), ("y = x (2, 3)", "(2, 3)")]),
        ("n, d = x.shape", [("n, d = x.shape", "")]),
        ("t = x, w\ny, z = t", [("t = (x, w)", "(2, 3) (3, 4)"), ("y, z = t", "(2, 3) (3, 4)")]),
        (
            "gates = sigmoid(x), sigmoid(2 * x), sigmoid(3 * x)",
            [
                ("sigmoid(x (2, 3))", "(2, 3)"),
                ("2 * x (2, 3)", "(2, 3)"),
                ("sigmoid((2 * x) (2, 3))", "(2, 3)"),
                ("3 * x (2, 3)", "(2, 3)"),
                ("sigmoid((3 * x) (2, 3))", "(2, 3)"),
                ("gates = (…)", "(2, 3) (2, 3) (2, 3)"),
            ],
        ),
        ("n = [x.shape[0] + 1000000, x.shape[1] + 1000000]", [("n = […]", "")]),
        ("y = w.mT", [("y = w (3, 4).mT", "(4, 3)")]),
        ("y, z = x, x @ x", [("y = x (2, 3)", "(2, 3)"), ("z = x (2, 3) @ x (2, 3)", "")]),
        ("y, z = x, x, x", [("y, z = (x, x, x)", "(2, 3) (2, 3) (2, 3)")]),
    ],
)
def test_steps(function, found):
    # Sizes of these checks have symbols; (2, 3) prints as (N, D).
    symbols = {"(N, D)": "(2, 3)", "(D, 4)": "(3, 4)", "(4, D)": "(4, 3)", "(D, D)": "(3, 3)"}
    shown = steps_of(function)
    for symbol, numbers in symbols.items():
        shown = [(text.replace(symbol, numbers), shapes) for text, shapes in shown]
    assert shown == found


@pytest.mark.parametrize(
    ("function", "at"),
    [
        ("y = x @ x + tanh(w)", "x (2, 3) @ x (2, 3)"),
        ("y, z = x @ x, tanh(w)", "x (2, 3) @ x (2, 3)"),
        ("y = (tanh(w) +\n  sum(x, axis=7))", "sum(x (2, 3), axis=7)"),
        ("y = sum(x, axis='a') + sin(b)", "sum(x (2, 3), axis='a')"),
    ],
)
def test_a_problem_stands_at_the_operation_that_has_it(function, at):
    found = opened(function)
    texts = [step.text for step in steps(found.scope, found.result) if step.problem]
    assert [text.replace("(N, D)", "(2, 3)") for text in texts] == [at]
