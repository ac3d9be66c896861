"""Every choice at a tie is right, in any combination; what no choice gives is wrong."""

from __future__ import annotations

import itertools

import pytest
from conftest import CheckText

from gradcheck_cli.result import Verdict

NETWORK = """
    seed: %d
    inputs: {x: [4, 3], u: [3, 5], w: [5, 4], v: [4, 3]}
    function: |
      a = x @ u
      b = maximum(a, 0) @ w
      y = %s @ v
    wrt: [x]
    vjp:
      x: ((dy @ v.T * %s) @ w.T * %s) @ u.T
"""
CHOICES = ["(%s > 0)", "(%s >= 0)", "(0.5 * (%s > 0) + 0.5 * (%s >= 0))"]


def written(choice: str, name: str) -> str:
    return choice.replace("%s", name)


@pytest.mark.parametrize("seed", range(4))
def test_all_combinations_of_conventions_pass(check_text: CheckText, seed: int) -> None:
    for first, second in itertools.product(CHOICES, CHOICES):
        for hidden in ("maximum(b, 0)", "where(b > 0, b, 0)", "relu(b)"):
            text = NETWORK % (seed, hidden, written(second, "b"), written(first, "a"))
            assert check_text(text).verdict is Verdict.PASS, (first, second, hidden)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("wrong", ["(a > -10)", "(2 * (a > 0))", "(a < 0)"])
def test_what_is_no_choice_fails(check_text: CheckText, seed: int, wrong: str) -> None:
    text = NETWORK % (seed, "maximum(b, 0)", "(b > 0)", wrong)
    assert check_text(text).verdict is Verdict.FAIL


@pytest.mark.parametrize("share", ["(x == m)", "((x == m) * 0.7)", "0 * x"])
def test_shares_of_a_tie_that_do_not_add_up_fail(check_text: CheckText, share: str) -> None:
    text = f"""
        inputs: {{x: {{value: [[1.0, 2.0, 2.0], [3.0, 3.0, -1.0]]}}}}
        function: |
          m = max(x, axis=1, keepdims=True)
          y = m
        vjp: {{x: dy * {share}}}
    """
    assert check_text(text).verdict is Verdict.FAIL


@pytest.mark.parametrize(
    "share",
    [
        "(x == m) / sum(x == m, axis=1, keepdims=True)",
        "eye(3)[argmax(x, axis=1)]",
        "eye(3)[2 - argmax(x[:, ::-1], axis=1)]",
    ],
)
def test_any_share_of_a_tie_passes(check_text: CheckText, share: str) -> None:
    text = f"""
        inputs: {{x: {{value: [[1.0, 2.0, 2.0], [3.0, 3.0, -1.0]]}}}}
        function: |
          m = max(x, axis=1, keepdims=True)
          y = m
        vjp: {{x: 'dy * {share}'}}
    """
    assert check_text(text).verdict is Verdict.PASS
