"""A claim that is nothing but round-off is not called wrong, and round-off excuses nothing else."""

from __future__ import annotations

import pytest
from conftest import CheckText

from gradcheck_cli.result import Verdict


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    "function",
    [
        "y = 0.1 * x + 0.2 * x - 0.3 * x",
        "y = logsumexp(log_softmax(x))",
        "y = layer_norm(x, 5).mean()",
        "y = sum(softmax(x, axis=-1), axis=-1)",
        "y = (1 + x * 4e-5) - 1",
        "y = (x + 1e8) - 1e8",
        "y = x * 1e-20 + x * 2e-20 - x * 3e-20",
    ],
)
def test_what_cancels_is_not_called_wrong(check_text: CheckText, function: str, seed: int) -> None:
    result = check_text(f"seed: {seed}\ninputs: {{x: [3, 5]}}\nfunction: {function}\n")
    assert result.verdict is Verdict.PASS
    assert not {one.code for one in result.warnings} & {"approximate", "engine-fault"}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("function", "wrong"),
    [
        ("y = 0.1 * x + 0.2 * x - 0.3 * x", "1e-9 * dy"),
        ("y = (1 + x * 4e-5) - 1", "4.001e-5 * dy"),
        ("y = 1e-20 * x", "1.001e-20 * dy"),
        ("y = 1e-20 * x", "dy * dy * 1e-20"),
    ],
)
def test_what_is_wrong_beside_it_is_found(
    check_text: CheckText, function: str, wrong: str, seed: int
) -> None:
    text = f"seed: {seed}\ninputs: {{x: [3, 5]}}\nfunction: {function}\nvjp: {{x: {wrong}}}\n"
    assert check_text(text).verdict is Verdict.FAIL


@pytest.mark.parametrize("seed", range(8))
def test_the_gradient_of_a_bias_that_softmax_ignores_is_zero(check_text: CheckText, seed: int) -> None:
    text = """
        seed: %d
        inputs: {q: [3, 4], k: [5, 4], b: [4], v: [5, 2]}
        function: |
          p = softmax(q @ (k + b).T / 2, axis=-1)
          y = p @ v
        wrt: [b]
    """
    assert check_text(text % seed).verdict is Verdict.PASS
