"""Code that is wrong at special values only, or that is checked at no others: it fails, its twin passes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import CheckText

from gradcheck_cli.result import CheckResult, Verdict

CheckLayer = Callable[..., CheckResult]

LAYERS = """
import numpy as np


def embedding(t, i):
    return t[i]


def embedding_right(dy, t, i):
    dt = np.zeros_like(t)
    np.add.at(dt, i, dy)
    return dt, None


def embedding_wrong(dy, t, i):
    dt = np.zeros_like(t)
    dt[i] += dy  # counts a repeated index once
    return dt, None


def tanh(x):
    return np.tanh(x)


def tanh_right(dy, x):
    return dy * (1 - np.tanh(x) ** 2)


def tanh_wrong(dy, x):
    return -tanh_right(dy, x)


def relu(x):
    return np.maximum(x, 0)


def relu_right(dy, x):
    return dy * (x > 0)


def relu_wrong(dy, x):
    return dy * np.where(x == 0, 3, x > 0)


def absolute(x):
    return np.abs(x)


def absolute_right(dy, x):
    return dy * np.sign(x)


def absolute_wrong(dy, x):
    return dy * np.where(np.abs(x) < 0.05, 3, np.sign(x))


def absolute_wrong_below(dy, x):
    return dy * np.where(np.abs(x) < 0.05, -3, np.sign(x))
"""

FIXED = "{value: [1, 2, 3]}"
TABLE = "{t: [9, 2], i: {shape: [4], dtype: int64, sample: {integers: [0, 9]}}}"


@pytest.fixture
def check_layer(check_text: CheckText, tmp_path: Path) -> CheckLayer:
    """Check a layer of ``LAYERS``; more keys of the spec follow as text."""
    (tmp_path / "layers.py").write_text(LAYERS, encoding="utf-8")

    def check(inputs: str, forward: str, backward: str = "", more: str = "") -> CheckResult:
        backward = f', backward: "layers.py:{backward}"' if backward else ""
        function = f'{{python: "layers.py:{forward}"{backward}}}'
        return check_text(f"inputs: {inputs}\nfunction: {function}\n{more}\n")

    return check


@pytest.mark.parametrize("seed", range(5))
def test_a_repeated_index_that_is_counted_once_fails(check_layer: CheckLayer, seed: int) -> None:
    wrong, right = (
        check_layer(TABLE, "embedding", f"embedding_{one}", f"seed: {seed}") for one in ("wrong", "right")
    )
    assert (wrong.verdict, right.verdict) == (Verdict.FAIL, Verdict.PASS)
    assert wrong.diagnoses[0].code == "domain" or wrong.pairs[0].worst.point == "generic"


@pytest.mark.parametrize(
    ("inputs", "forward", "wrong", "more"),
    [
        pytest.param(f"{{x: {FIXED}}}", "tanh", "tanh_wrong", "", id="fixed values"),
        pytest.param("{x: [3]}", "tanh", "tanh_wrong", "points: [edge]", id="edge point alone"),
        pytest.param(
            "{x: {shape: [3], sample: {integers: [-3, 4]}}}", "tanh", "tanh_wrong", "", id="whole numbers"
        ),
        pytest.param("{x: {value: [0.0, 0.0]}}", "relu", "relu_wrong", "", id="relu at 0"),
        pytest.param(
            "{x: {value: [0.0, 0.0], dtype: float32}}", "relu", "relu_wrong", "", id="relu at 0, float32"
        ),
        pytest.param("{x: [5]}", "relu", "relu_wrong", "", id="relu at the edge point"),
        pytest.param("{x: {value: [1.5, -2.25, 0.0]}}", "absolute", "absolute_wrong", "", id="abs, slope 3"),
        pytest.param(
            "{x: {value: [1.5, -2.25, 0.0]}}", "absolute", "absolute_wrong_below", "", id="abs, slope -3"
        ),
    ],
)
def test_a_backward_that_is_wrong_at_special_values_fails(
    check_layer: CheckLayer, inputs: str, forward: str, wrong: str, more: str
) -> None:
    assert check_layer(inputs, forward, wrong, more).verdict is Verdict.FAIL
    assert check_layer(inputs, forward, f"{forward}_right", more).verdict is Verdict.PASS


@pytest.mark.parametrize(
    "claim", ['vjp: {x: "%sdy * (1 - y**2)"}', 'jvp: {y: "%sx_dot * (1 - y**2)"}'], ids=["vjp", "jvp"]
)
def test_a_claim_beside_code_that_is_wrong_at_fixed_values_fails(check_layer: CheckLayer, claim: str) -> None:
    for sign, verdict in (("-", Verdict.FAIL), ("", Verdict.PASS)):
        assert check_layer(f"{{x: {FIXED}}}", "tanh", more=claim % sign).verdict is verdict
