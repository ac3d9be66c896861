"""Where kinks meet: conventions about ties differ and are right, sums that do not add up are wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import CheckText

from gradcheck_cli.result import CheckResult, Verdict

LAYERS = """
import numpy as np

def hidden(x, u, b, v):
    return np.maximum(x @ u + b, 0) @ v

def hidden_backward(dy, x, u, b, v, on=lambda a: a > 0):
    a = x @ u + b
    da = (dy @ v.T) * on(a)
    return da @ u.T, x.T @ da, da.sum(0), np.maximum(a, 0).T @ dy

def hidden_at_least(dy, *inputs):
    return hidden_backward(dy, *inputs, on=lambda a: a >= 0)

def hidden_half(dy, *inputs):
    return hidden_backward(dy, *inputs, on=lambda a: np.heaviside(a, 0.5))

def hidden_double(dy, *inputs):
    return hidden_backward(dy, *inputs, on=lambda a: 2.0 * (a == 0) + (a > 0))

def hidden_everywhere(dy, *inputs):
    return hidden_backward(dy, *inputs, on=np.ones_like)

def deep(x, u, w, v):
    return np.abs(np.maximum(x @ u, 0) @ w) @ v

def deep_backward(dy, x, u, w, v):
    a = x @ u
    h = np.maximum(a, 0)
    c = h @ w
    dc = (dy @ v.T) * np.sign(c)
    da = (dc @ w.T) * (a >= 0)
    return da @ u.T, x.T @ da, h.T @ dc, np.abs(c).T @ dy

def pool(x):
    return x.max(axis=1)

def pool_first(dy, x):
    return dy[:, None] * np.eye(x.shape[1])[x.argmax(axis=1)]

def pool_shared(dy, x):
    most = x == x.max(axis=1, keepdims=True)
    return dy[:, None] * most / most.sum(axis=1, keepdims=True)

def pool_all(dy, x):
    return dy[:, None] * (x == x.max(axis=1, keepdims=True))

def larger(x, z):
    return np.maximum(x, z)

def larger_first(dy, x, z):
    return dy * (x >= z), dy * (z > x)

def larger_both(dy, x, z):
    return dy * (x >= z), dy * (z >= x)

def larger_none(dy, x, z):
    return dy * (x > z), dy * (z > x)

def cusp(x):
    return np.sqrt(np.abs(x))

def cusp_backward(dy, x):
    return dy * np.sign(x) / (2 * np.sqrt(np.abs(x)))
"""
HIDDEN = "x: [4, 3], u: [3, 5], b: [5], v: [5, 2]"
DEEP = "x: [4, 3], u: [3, 5], w: [5, 4], v: [4, 2]"


@pytest.fixture
def check_code(check_text: CheckText, tmp_path: Path):
    (tmp_path / "layers.py").write_text(LAYERS, encoding="utf-8")

    def check(inputs: str, forward: str, backward: str, seed: int = 0) -> CheckResult:
        code = f"{{python: 'layers.py:{forward}', backward: 'layers.py:{backward}'}}"
        return check_text(f"seed: {seed}\ninputs: {{{inputs}}}\nfunction: {code}\n")

    return check


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("backward", ["hidden_backward", "hidden_at_least", "hidden_half"])
def test_any_convention_of_a_hidden_relu_passes(check_code, backward: str, seed: int) -> None:
    assert check_code(HIDDEN, "hidden", backward, seed).verdict is Verdict.PASS


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("backward", ["hidden_everywhere"])
def test_a_wrong_mask_of_a_hidden_relu_fails(check_code, backward: str, seed: int) -> None:
    assert check_code(HIDDEN, "hidden", backward, seed).verdict is Verdict.FAIL


def test_a_slope_of_two_at_the_kink_fails(check_code) -> None:
    inputs = HIDDEN.replace("x: [4, 3]", "x: {value: [[0.0, 0.0, 0.0], [1.0, 2.0, 0.5]]}").replace(
        "b: [5]", "b: {value: [0.0, 0.3, -0.2, 0.7, 0.9]}"
    )
    assert check_code(inputs, "hidden", "hidden_double").verdict is Verdict.FAIL
    assert check_code(inputs, "hidden", "hidden_half").verdict is Verdict.PASS


@pytest.mark.parametrize("seed", range(12))
def test_kinks_behind_kinks_pass(check_code, seed: int) -> None:
    assert check_code(DEEP, "deep", "deep_backward", seed).verdict is Verdict.PASS


@pytest.mark.parametrize("seed", range(3))
def test_shares_of_a_tie_add_up(check_code, seed: int) -> None:
    assert check_code("x: [5, 4]", "pool", "pool_first", seed).verdict is Verdict.PASS
    assert check_code("x: [5, 4]", "pool", "pool_shared", seed).verdict is Verdict.PASS
    result = check_code("x: [5, 4]", "pool", "pool_all", seed)
    assert (result.verdict, result.diagnoses[0].code) == (Verdict.FAIL, "domain")


TIED = "x: {value: [1.0, 2.0, 3.0]}, z: {value: [1.0, 0.5, 4.0]}"


@pytest.mark.parametrize("inputs", [TIED, "x: [3, 4], z: [3, 4]"])
def test_shares_of_a_tie_between_inputs_add_up(check_code, inputs: str) -> None:
    assert check_code(inputs, "larger", "larger_first").verdict is Verdict.PASS
    assert check_code(TIED, "larger", "larger_both").verdict is Verdict.FAIL
    assert check_code(TIED, "larger", "larger_none").verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("x", "z", "verdict"),
    [
        ("dy * (x >= z)", "dy * (z > x)", Verdict.PASS),
        ("dy * (0.5 * (x >= z) + 0.5 * (x > z))", "dy * (0.5 * (z >= x) + 0.5 * (z > x))", Verdict.PASS),
        ("dy * (x >= z)", "dy * (z >= x)", Verdict.FAIL),
        ("dy * (x > z)", "dy * (z > x)", Verdict.FAIL),
    ],
)
def test_a_formula_is_judged_alike(check_text: CheckText, x: str, z: str, verdict: Verdict) -> None:
    text = f"inputs: {{{TIED}}}\nfunction: y = maximum(x, z)\nvjp: {{x: '{x}', z: '{z}'}}\n"
    assert check_text(text).verdict is verdict


def test_a_cusp_has_no_derivative_to_be_wrong_about(check_code) -> None:
    assert check_code("x: [6]", "cusp", "cusp_backward").verdict is not Verdict.FAIL


@pytest.mark.parametrize(("claim", "verdict"), [("0 * dy", Verdict.PASS), ("dy", Verdict.FAIL)])
def test_steps_are_judged_between_their_jumps(check_text: CheckText, claim: str, verdict: Verdict) -> None:
    assert check_text(f"inputs: {{x: [6]}}\nfunction: y = floor(x)\nvjp: {{x: {claim}}}\n").verdict is verdict


def test_the_middle_of_three_ties_passes(check_text: CheckText) -> None:
    text = "inputs: {x: {value: [2.0, -1.0, 2.0, 0.5, 2.0]}}\nfunction: y = sort(x)\nvjp: {x: '%s'}\n"
    assert check_text(text % "dy[argsort(argsort(x))]").verdict is Verdict.PASS
    assert check_text(text % "2 * dy[argsort(argsort(x))]").verdict is Verdict.FAIL
