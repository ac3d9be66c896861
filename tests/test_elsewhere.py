"""Sizes and values that hide a mistake: the claim is shown to be wrong elsewhere, or nothing is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import CheckText, RunText
from test_points import job

from gradcheck_cli.result import CheckResult, Verdict

LINEAR = """
    dims: {%s}
    inputs: {x: [N, D], w: [D, M], b: [M]}
    function: y = x @ w + b
    vjp:
      x: %s
      w: %s
      b: %s
"""
RIGHT = {"x": "dy @ w.T", "w": "x.T @ dy", "b": "sum(dy, axis=0)"}


def linear(dims: str, **claims: str) -> str:
    return LINEAR % (dims, *({**RIGHT, **claims}[name] for name in "xwb"))


def hidden(result: CheckResult) -> list[str]:
    assert result.verdict is Verdict.PASS
    return [remark.message for remark in result.warnings if remark.code == "square-dims"]


# Equal sizes.


def test_a_claim_that_fits_equal_sizes_only_is_proved_wrong_elsewhere(check_text: CheckText) -> None:
    spec = "dims: {D: 3, M: 3}\ninputs: {x: [D, M]}\nfunction: L = sum(x)\nvjp: {x: %s}\n"
    assert not hidden(check_text(spec % "dL * ones_like(x)"))
    (message,) = hidden(check_text(spec % '"dL * ones((M, D))"'))
    assert message == (
        "the vjp claim for x fits only while D = M: at D=2, M=3 the derivative for x has the shape (3, 2), "
        "it must be (2, 3); give them different sizes, none of them 1"
    )


@pytest.mark.parametrize(
    ("claim", "why"),
    [
        ({"b": "dy[0]"}, "wrong in"),
        ({"b": "reshape(dy, (M,))"}, "reshape"),
        ({"x": "dy @ w.T / N"}, "wrong in"),
        ({"w": "x.T @ dy * N**2"}, "wrong in"),
    ],
)
def test_a_missing_sum_that_a_size_of_1_hides_is_proved(
    check_text: CheckText, claim: dict[str, str], why: str
) -> None:
    (message,) = hidden(check_text(linear("N: 1, D: 2, M: 3", **claim)))
    assert "fits only while N = 1" in message
    assert why in message
    assert f"the vjp claim for {next(iter(claim))}" in message


@pytest.mark.parametrize(
    "dims", ["N: 1, D: 2, M: 3", "N: 3, D: 3, M: 3", "N: 1, D: 1, M: 1", "N: 2, D: 3, M: 4"]
)
def test_a_right_claim_is_right_elsewhere(check_text: CheckText, dims: str) -> None:
    assert not hidden(check_text(linear(dims)))


def test_only_the_coincidence_that_hides_it_is_named(check_text: CheckText) -> None:
    (message,) = hidden(check_text(linear("N: 1, D: 3, M: 3", b="dy[0]")))
    assert "while N = 1:" in message


def test_strictly_it_fails(run_text: RunText) -> None:
    (result,) = run_text(linear("N: 1, D: 2, M: 3", b="dy[0]"), strict=True).checks
    assert result.verdict is Verdict.FAIL
    assert "square-dims" in result.message


# What is not hidden by sizes.


def test_a_claim_written_for_certain_sizes_is_left_alone(check_text: CheckText) -> None:
    written_out = """
        dims: {N: 1, D: 2}
        inputs: {x: [N, D]}
        function: L = sum(x**2)
        vjp:
          x: dL * reshape(stack([2 * x[0, 0], 2 * x[0, 1]]), (1, 2))
    """
    assert not hidden(check_text(written_out))


def test_a_claim_that_needs_even_sizes_is_left_alone(check_text: CheckText) -> None:
    halves = """
        dims: {N: 4, D: 4}
        inputs: {x: [N, D]}
        function: y = x * 3
        vjp:
          x: concatenate([3 * dy[:N//2], 3 * dy[N - N//2:]], axis=0)
    """
    assert not hidden(check_text(halves))


def test_a_function_of_square_matrices_has_no_other_sizes(check_text: CheckText) -> None:
    spec = "dims: {D: 3, M: 3}\ninputs: {x: [D, M]}\nfunction: y = linalg.det(x)\nvjp: {x: %s}\n"
    assert not hidden(check_text(spec % "dy * y * linalg.inv(x).T"))


@pytest.mark.parametrize("dims", ["N: [1, 2], D: 2, M: 3", "N: [1, 3], D: [2, 3], M: 4"])
def test_a_sweep_tells_its_sizes_apart_itself(run_text: RunText, dims: str) -> None:
    report = run_text(linear(dims, b="dy[0]"))
    assert {one.verdict for one in report.checks} == {Verdict.PASS, Verdict.FAIL}
    assert not [remark for one in report.checks for remark in one.warnings if remark.code == "square-dims"]


def test_what_all_of_a_sweep_have_in_common_is_told_once(run_text: RunText) -> None:
    report = run_text(linear("N: 1, D: [2, 4], M: 3", b="dy[0]"))
    assert [len(hidden(one)) for one in report.checks] == [1, 0]


def test_values_that_are_given_keep_their_sizes(tmp_path) -> None:
    given = "dims: {D: 2, M: 2}\ninputs: {x: [D, M], c: {value: %s}}\nfunction: y = x * c\n"
    assert job(tmp_path, given % "[1.0, 2.0]").check.elsewhere is None
    assert job(tmp_path, given % "0.5").check.elsewhere is not None


def test_a_check_that_should_fail_is_not_looked_into(check_text: CheckText) -> None:
    result = check_text(f"{linear('N: 1, D: 2, M: 3', b='dy[0]')}\n    expect: fail\n")
    assert not [remark for remark in result.warnings if remark.code == "square-dims"]


def test_the_engine_s_own_derivative_is_not_looked_into(check_text: CheckText) -> None:
    result = check_text("dims: {D: 3, M: 3}\ninputs: {x: [D, M]}\nfunction: y = tanh(x)\n")
    assert (result.verdict, result.warnings) == (Verdict.PASS, ())


@pytest.mark.parametrize("claim", ["b: {x: ok}"])
def test_jvp_and_jacobian_claims_are_looked_into_as_well(check_text: CheckText, claim: str) -> None:
    spec = "dims: {N: 1, D: 3}\ninputs: {x: [N, D]}\nfunction: y = sum(x, axis=0)\n%s\n"
    wrong = ('jvp: {y: "x_dot[0]"}', 'jacobian: {y/x: "reshape(eye(D), (D, N, D))"}')
    assert all("N = 1" in hidden(check_text(spec % one))[0] for one in wrong)
    right = ('jvp: {y: "sum(x_dot, axis=0)"}', 'jacobian: {y/x: "eye(D)[:, None, :] * ones((D, N, D))"}')
    assert not any(hidden(check_text(spec % one)) for one in right)


# Functions written in Python.

LAYER = """
def forward(x, w):
    return x @ w

def right(dy, x, w):
    return dy @ w.T, x.T @ dy

def forgotten(dy, x, w):
    return dy @ w.T, x.T @ dy if w.shape[0] == w.shape[1] else (x.T @ dy).T

def untransposed(dy, x, w):
    return dy @ w.T, (x.T @ dy).copy() if len(set(dy.shape + w.shape)) == 1 else dy @ w

def needs_values(dy, x, w):
    return dy @ w, x.T @ dy
"""


@pytest.mark.parametrize(
    ("backward", "sizes", "why"),
    [
        ("right", "N: 4, D: 3, M: 3", ""),
        ("right", "N: 1, D: 3, M: 2", ""),
        ("forgotten", "N: 4, D: 3, M: 3", "gave w a gradient of the shape (4, 2)"),
        ("untransposed", "N: 3, D: 3, M: 3", "untransposed raised ValueError"),
    ],
)
def test_layers_are_looked_into_as_well(
    tmp_path: Path, run_text: RunText, backward: str, sizes: str, why: str
) -> None:
    (tmp_path / "layer.py").write_text(LAYER, encoding="utf-8")
    spec = f"""
        dims: {{{sizes}}}
        inputs: {{x: [N, D], w: [D, M]}}
        function: {{python: "layer.py:forward", backward: "layer.py:{backward}"}}
    """
    (result,) = run_text(spec).checks
    messages = hidden(result)
    assert [why in message and " = " in message for message in messages] == [True] * bool(why)


def test_symmetric_values_hide_a_layer_s_transpose(tmp_path: Path, run_text: RunText) -> None:
    (tmp_path / "layer.py").write_text(LAYER, encoding="utf-8")
    function = 'function: {python: "layer.py:forward", backward: "layer.py:%s"}'
    spec = f"inputs: {{x: [4, 2], w: {{value: [[1.5, 2.5], [2.5, 3.5]]}}}}\n{function}\n"
    found = [hidden(run_text(spec % backward).checks[0]) for backward in ("right", "needs_values")]
    assert [len(messages) for messages in found] == [0, 1]
    assert "only while w is symmetric" in found[1][0]


# Symmetric values.

FIXED = """
    inputs:
      x: [4, 3]
      w: {value: %s%s}
    function: y = x @ w
    vjp:
      x: %s
      w: x.T @ dy
"""
SYMMETRIC = "[[1.5, 2.0, 3.0], [2.0, 5.0, 7.0], [3.0, 7.0, 4.0]]"
IDENTITY = "[[1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0]]"


@pytest.mark.parametrize(
    ("values", "claim"),
    [(SYMMETRIC, "dy @ w"), (IDENTITY, "dy @ w"), (IDENTITY, "dy"), (IDENTITY, "dy * w[0, 0]")],
)
def test_symmetric_values_that_hide_a_transpose_are_named(
    check_text: CheckText, values: str, claim: str
) -> None:
    (message,) = hidden(check_text(FIXED % (values, "", claim)))
    assert message.startswith(
        "the vjp claim for x fits only while w is symmetric: for others it is wrong in "
    )
    assert message.endswith("give w values that are not, or declare it with symmetric: true")


@pytest.mark.parametrize("values", [SYMMETRIC, IDENTITY, "[[1.5, 2, 3], [4, 5, 7], [6, 8, 9]]"])
def test_a_right_claim_is_right_at_other_values(check_text: CheckText, values: str) -> None:
    assert not hidden(check_text(FIXED % (values, "", "dy @ w.T")))


def test_a_matrix_that_is_declared_symmetric_may_be_used_so(check_text: CheckText) -> None:
    spec = FIXED.replace("w: x.T @ dy", "w: (x.T @ dy + dy.T @ x) / 2")
    assert not hidden(check_text(spec % (SYMMETRIC, ", symmetric: true", "dy @ w")))


@pytest.mark.parametrize("claim", ["dy @ p", "dy @ p.T"])
def test_drawn_matrices_that_happen_to_be_symmetric_are_looked_into(
    check_text: CheckText, claim: str
) -> None:
    spec = "inputs: {x: [4, 2], p: {shape: [2, 2], sample: permutation, differentiable: false}}\n"
    spec += f'function: y = x @ p\nvjp: {{x: "{claim}"}}\n'
    assert bool(hidden(check_text(spec))) == (claim == "dy @ p")


def test_a_mask_of_integers_is_exchanged_not_shifted(check_text: CheckText) -> None:
    graph = "[[0, 1, 1, 0], [1, 0, 0, 0], [1, 0, 0, 1], [0, 0, 1, 0]]"
    spec = (
        f"inputs: {{x: [4, 2], a: {{value: {graph}, dtype: int64}}}}\nfunction: y = a @ x\nvjp: {{x: %s}}\n"
    )
    assert hidden(check_text(spec % "a @ dy"))
    assert not hidden(check_text(spec % "a.T @ dy"))
