"""float32 and float16: right formulas pass, and small factors are found although rounding is larger."""

from __future__ import annotations

import pytest
from conftest import CheckText

from gradcheck_cli.result import Verdict

LAYERS = {
    "softmax": ("x: [3, 4]", "y = softmax(x, axis=-1)", "y * (dy - sum(dy * y, axis=-1, keepdims=True))"),
    "swish": ("x: [3, 4]", "s = 1 / (1 + exp(-x))\n  y = x * s", "dy * (s + x * s * (1 - s))"),
    "layer norm": (
        "x: [3, 8]",
        """m = mean(x, axis=-1, keepdims=True)
  r = 1 / sqrt(mean((x - m) ** 2, axis=-1, keepdims=True) + 1e-2)
  y = (x - m) * r""",
        "r * (dy - mean(dy, axis=-1, keepdims=True) - y * mean(dy * y, axis=-1, keepdims=True))",
    ),
    "attention": (
        "q: [3, 4], k: [5, 4], v: [5, 2]",
        "p = softmax(q @ k.T / 2, axis=-1)\n  y = p @ v",
        "(p * (dy @ v.T - sum(dy @ v.T * p, axis=-1, keepdims=True))) @ k / 2",
    ),
}


def spec(dtype: str, layer: str, factor: str, seed: int) -> str:
    inputs, function, claim = LAYERS[layer]
    named = ", ".join(
        f"{name}: {{shape: {shape}, dtype: {dtype}}}"
        for name, shape in (one.split(": ") for one in inputs.replace("], ", "]; ").split("; "))
    )
    first = inputs.split(":")[0]
    return (
        f"seed: {seed}\ninputs: {{{named}}}\nfunction: |\n  {function}\n"
        f"vjp:\n  {first}: '{factor}({claim})'\nwrt: [{first}]\n"
    )


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize(("dtype", "off"), [("float32", "1.0011"), ("float16", "1.011")])
def test_what_is_off_by_more_than_rtol_fails_and_what_is_right_passes(
    check_text: CheckText, dtype: str, off: str, layer: str, seed: int
) -> None:
    right = check_text(spec(dtype, layer, "", seed))
    assert (right.verdict, right.warnings) == (Verdict.PASS, ())
    wrong = check_text(spec(dtype, layer, f"{off} * ", seed))
    assert wrong.verdict is Verdict.FAIL
    assert wrong.diagnoses[0].code == "scaled"


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_within_rtol_passes_as_approximate(check_text: CheckText, dtype: str) -> None:
    off = {"float32": "1.0005 * ", "float16": "1.005 * "}[dtype]
    result = check_text(spec(dtype, "swish", off, 0))
    assert result.verdict is Verdict.PASS
    assert [one.code for one in result.warnings] == ["approximate"]


def test_a_right_formula_that_loses_its_digits_in_the_dtype_fails(check_text: CheckText) -> None:
    text = """
        inputs: {x: {shape: [4], dtype: float16}}
        function: y = exp(x)
        vjp: {x: dy * ((y + 2000) - 2000)}
    """
    assert check_text(text).verdict is Verdict.FAIL
    assert check_text(text.replace("float16", "float64")).verdict is Verdict.PASS


def test_ties_that_rounding_makes_may_be_split(check_text: CheckText) -> None:
    """Both products are 0.0999756 in float16, but not in double precision."""
    text = """
        inputs: {x: {value: [0.1, 0.1001], dtype: float16}}
        function: y = max(x * 1.0)
        points: [generic]
    """
    assert check_text(text).verdict is Verdict.PASS


def test_what_overflows_in_the_dtype_is_judged_in_the_dtype(check_text: CheckText) -> None:
    text = """
        inputs: {x: {value: [11.5], dtype: float16}}
        function: y = exp(x)
    """
    result = check_text(text)
    assert result.verdict is Verdict.ERROR
    assert "not finite" in (result.message or "")
