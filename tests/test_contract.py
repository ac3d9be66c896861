"""The contract: for each rule a wrong layer that breaks it, and right ones that keep them all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import CheckText

from gradcheck_cli.contract.rules import RULES
from gradcheck_cli.result import CheckResult, Contract, Verdict

LAYERS = Path(__file__).parent / "contract_layers"
X: dict[str, Any] = {"x": [4, 3]}
XW: dict[str, Any] = {"x": [4, 3], "w": [3, 5]}


def spec(file: str, forward: str, backward: str | None, style: str = "", inputs: Any = X, **keys: Any) -> str:
    function = {"python": f"{LAYERS / file}.py:{forward}"}
    function |= {"backward": f"{LAYERS / file}.py:{backward}"} if backward else {}
    function |= {"style": style} if style else {}
    return yaml.safe_dump({"inputs": inputs, "function": function, **keys}, sort_keys=False)


def broken(result: CheckResult) -> dict[str, Contract]:
    return {one.name: one for one in result.contracts if one.broken}


def codes(result: CheckResult) -> list[str]:
    return [remark.code for remark in result.diagnoses]


# Rule → code, and a layer that breaks it.
WRONG = (
    ("shape", "wrong-shape", ("square", "flat_backward")),
    ("dtype", "wrong-dtype", ("square", "complex_backward")),
    ("dtype", "wrong-dtype", ("integers", "integer_backward")),
    ("uses its cotangent", "ignores-cotangent", ("loss", "loss_backward")),
    ("linear", "nonlinear-cotangent", ("square", "quadratic_backward")),
    ("zero", "nonlinear-cotangent", ("square", "offset_backward")),
    ("drift", "stale-state", ("square", "never_cleared_backward")),
    ("drift", "stale-state", ("running_scale", "running_scale_backward", "cache")),
    ("forward repeats", "nondeterministic", ("dropout_unseeded", "dropout_backward", "cache")),
    ("backward repeats", "nondeterministic", ("square", "noisy_backward")),
    ("forward keeps inputs", "mutates-input", ("relu_in_place", "relu_backward")),
    ("backward keeps inputs", "mutates-input", ("square", "overwrites_inputs_backward")),
    ("backward keeps inputs", "mutates-input", ("tanh_cache", "tanh_overwrites_output_backward", "cache")),
    ("keeps cotangent", "mutates-cotangent", ("square", "overwrites_cotangent_backward")),
    ("keeps cotangent", "mutates-cotangent", ("square", "keeps_gradient_but_overwrites_backward")),
    ("strided", "layout-dependent", ("square", "memory_order_backward")),
    ("strided", "layout-dependent", ("square", "first_row_backward")),
    ("Fortran-ordered", "layout-dependent", ("square", "flat_order_backward")),
    ("Fortran-ordered", "layout-dependent", ("square", "in_place_reshape_backward")),
    ("broadcast", "layout-dependent", ("square", "memory_order_backward")),
    ("read-only", "layout-dependent", ("square", "locked_backward")),
    ("second call", "stale-state", ("affine_clearing", "accumulating_backward", "cache", XW)),
    ("interleaved", "stale-state", ("affine_first", "first_backward", "stateless", XW)),
    ("own memory", "stale-state", ("tanh_in_module", "tanh_in_module_backward", "cache")),
    ("own memory", "stale-state", ("tanh_shared_buffer", "tanh_backward_of_cache", "cache")),
    ("own memory", "stale-state", ("tanh_pullback_of_module", None, "pullback")),
    ("unused input", "unknown", ("first_alone", "first_alone_backward", "", {"x": [4, 3], "w": [4, 3]})),
)


@pytest.mark.parametrize(("rule", "code", "layer"), WRONG, ids=[f"{one[0]}: {one[2][1]}" for one in WRONG])
def test_a_layer_that_breaks_a_rule_fails(check_text: CheckText, rule: str, code: str, layer: tuple) -> None:
    result = check_text(spec("wrong", *layer))
    assert result.verdict is Verdict.FAIL
    assert broken(result)[rule].code == code
    assert code in codes(result)


def test_every_rule_is_broken_by_some_test() -> None:
    elsewhere = {"adjoint", "precision"}  # below
    assert {rule.name for rule in RULES} == {rule for rule, _, _ in WRONG} | elsewhere


PLACES = {"dtype": "int64", "sample": {"integers": [0, 5]}}
RIGHT = (
    ("affine", "affine_backward", "cache", {**XW, "b": [5]}),
    ("identity", "identity_backward"),
    ("two_views", "two_views_backward"),
    ("scratch", "scratch_backward"),
    ("hands_out_buffer", "hands_out_buffer_backward"),
    ("dropout", "dropout_backward", "cache"),
    ("round_off", "round_off_backward", "", XW),
    ("single_inside", "single_inside_backward"),
    ("once", None, "pullback"),
    ("loss", "loss_backward", "", {"x": [5], "k": {"shape": [7], **PLACES}}),
    ("gate", "gate_backward", "", XW),
    ("root", "root_backward", "", {"x": {"shape": [5], "sample": {"uniform": [0, 4]}}}),
    ("layer.forward", "layer.backward"),
    ("softmax", "softmax_backward", "", {"x": {"shape": [4, 3], "sample": {"uniform": [-60, 60]}}}),
    ("softmax", "softmax_backward", "", {"x": {"shape": [4, 3], "dtype": "float32"}}),
    ("softmax", "softmax_backward", "", {"x": {"shape": [4, 3], "dtype": "float16"}}),
    ("scratch", "scratch_backward", "", {"x": {"shape": [4, 3], "dtype": "float32"}}),
    ("scratch", "scratch_backward", "", {"x": []}),
    ("scratch", "scratch_backward", "", {"x": [0, 2]}),
)  # fmt: skip


@pytest.mark.parametrize("layer", RIGHT, ids=[str(one) for one in RIGHT])
def test_a_layer_in_order_keeps_every_rule(check_text: CheckText, layer: tuple) -> None:
    result = check_text(spec("right", *layer))
    assert not broken(result)
    assert result.verdict is Verdict.PASS, result.diagnoses
    assert {one.name for one in result.contracts} >= {"shape", "dtype", "linear", "zero", "interleaved"}


@pytest.mark.parametrize(
    ("code", "layer"),
    [
        ("mutates-input", ("relu_in_place", "relu_backward")),
        ("mutates-cotangent", ("square", "overwrites_cotangent_backward")),
        ("wrong-dtype", ("square", "complex_backward")),
        ("layout-dependent", ("square", "flat_order_backward")),
        ("nondeterministic", ("square", "noisy_backward")),
        ("ignores-cotangent", ("loss", "loss_backward")),
    ],
)
def test_what_is_allowed_is_a_warning(check_text: CheckText, code: str, layer: tuple) -> None:
    rtol = {"tolerance": {"rtol": 1e-2}}
    result = check_text(spec("wrong", *layer, allow=[code], **rtol))
    assert result.verdict is Verdict.PASS, result.diagnoses
    assert [one for one in result.contracts if one.broken and one.allowed and one.code == code]
    assert code in [warning.code for warning in result.warnings]
    assert not result.diagnoses
    strict = check_text(spec("wrong", *layer, allow=[code], **rtol), strict=True)
    assert strict.verdict is Verdict.FAIL


def test_another_allowance_does_not_help(check_text: CheckText) -> None:
    result = check_text(spec("wrong", "relu_in_place", "relu_backward", allow=["mutates-cotangent"]))
    assert result.verdict is Verdict.FAIL


@pytest.mark.parametrize(
    ("backward", "dtype"), [("coarse_backward", "float32"), ("coarser_backward", "float16")]
)
def test_a_coarser_gradient_is_a_warning(check_text: CheckText, backward: str, dtype: str) -> None:
    result = check_text(spec("wrong", "square", backward))
    assert result.verdict is Verdict.PASS
    assert [warning.code for warning in result.warnings] == ["reduced-precision"]
    assert broken(result)["precision"].message == f"the gradient of x is {dtype}, and x is float64"


def test_a_coarser_gradient_that_is_wrong_by_more_fails(check_text: CheckText) -> None:
    result = check_text(spec("wrong", "square", "coarser_and_wrong_backward"))
    assert result.verdict is Verdict.FAIL
    assert set(broken(result)) == {"precision"}


def test_a_backward_that_raises_for_a_layout_is_quoted(check_text: CheckText) -> None:
    result = check_text(spec("wrong", "square", "in_place_reshape_backward"))
    message = broken(result)["Fortran-ordered"].message
    assert "wrong.py:" in message
    assert "in_place_reshape_backward raised AttributeError: " in message
    assert message.endswith(", given a Fortran-ordered cotangent")


def test_a_backward_that_writes_is_not_blamed_for_locked_cotangents(check_text: CheckText) -> None:
    result = check_text(spec("wrong", "square", "overwrites_cotangent_backward"))
    assert codes(result) == ["mutates-cotangent"]


def test_noise_is_quoted_as_a_difference(check_text: CheckText) -> None:
    result = check_text(spec("wrong", "dropout_unseeded", "dropout_backward", "cache"))
    assert codes(result) == ["nondeterministic"]
    fact = "forward differs from one call to the next, by more than 1e-06 of its size: y["
    assert broken(result)["forward repeats"].message.startswith(fact)


FORMULA = """
    inputs: {x: [2, 3], w: [3, 4]}
    function: y = tanh(x @ w)
    vjp: {x: "%s", w: x.T @ (dy * (1 - y**2))}
    jvp: {y: (1 - y**2) * (%s)}
"""
VJP, JVP = "(dy * (1 - y**2)) @ w.T", "x_dot @ w + x @ w_dot"


def test_formulas_keep_what_concerns_them(check_text: CheckText) -> None:
    result = check_text(FORMULA % (VJP, JVP))
    assert result.verdict is Verdict.PASS
    kept = {(one.claim, one.name) for one in result.contracts if not one.broken}
    linear = {"uses its cotangent", "linear", "zero"}
    assert kept == {("vjp", name) for name in {*linear, "adjoint"}} | {("jvp", name) for name in linear}


@pytest.mark.parametrize(
    ("vjp", "jvp", "rule"),
    [
        (f"({VJP}) * sum(abs(dy)) / max(abs(dy))", JVP, "linear"),
        (f"{VJP} + 0.1", JVP, "zero"),
        (VJP, f"{JVP} + 0.1", "zero"),
        (f"1.01 * {VJP}", JVP, "adjoint"),
        (VJP, f"1.01 * ({JVP})", "adjoint"),
    ],
)
def test_formulas_break_what_concerns_them(check_text: CheckText, vjp: str, jvp: str, rule: str) -> None:
    result = check_text(FORMULA % (vjp, jvp))
    assert result.verdict is Verdict.FAIL
    assert rule in broken(result)
    assert "unknown" not in codes(result)  # the comparison knows better


def test_modes_that_choose_other_subgradients_do_not_contradict(check_text: CheckText) -> None:
    result = check_text("""
        inputs: {x: [5]}
        function: y = relu(x)
        vjp: {x: dy * (x > 0)}
        jvp: {y: x_dot * (x >= 0)}
    """)
    assert result.verdict is Verdict.PASS
    assert not broken(result)


INVARIANT: dict[str, dict[str, list[int]]] = {
    "centred": {"x": [6, 3], "b": [3]},
    "batch_norm": {"x": [6, 3], "b": [3]},
    "shifted_softmax": {"x": [4, 5], "s": [4, 1]},
    "steps": {"x": [7], "c": []},
    "attention": {"q": [3, 4], "k": [5, 4], "v": [5, 2], "b": [4]},
}


def typed(shapes: dict[str, list[int]], dtype: str) -> dict[str, Any]:
    return {name: {"shape": shape, "dtype": dtype} for name, shape in shapes.items()}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
@pytest.mark.parametrize("layer", INVARIANT)
def test_round_off_of_an_input_that_changes_nothing_is_none(
    check_text: CheckText, layer: str, dtype: str, seed: int
) -> None:
    text = spec("right", layer, f"{layer}_backward", inputs=typed(INVARIANT[layer], dtype), seed=seed)
    result = check_text(text)
    assert not broken(result)
    assert result.verdict is Verdict.PASS, result.diagnoses


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_a_small_gradient_of_an_unused_input_fails(check_text: CheckText, dtype: str, seed: int) -> None:
    inputs = typed({"x": [4, 3], "w": [4, 3]}, dtype)
    text = spec("wrong", "first_alone", "first_alone_slightly_backward", inputs=inputs, seed=seed)
    result = check_text(text)
    assert result.verdict is Verdict.FAIL
    assert {pair.input: pair.verdict for pair in result.pairs}["x"] is Verdict.PASS
    if dtype == "float64":
        message = broken(result)["unused input"].message
        assert message.startswith("no output changes with w, and its gradient is as large as 0.00")


@pytest.mark.parametrize(
    ("backward", "fact"),
    [
        ("nan_backward", "the claim is not finite (nan) in 144 of 144 entries"),
        ("partly_infinite_backward", "the claim is not finite (inf) in 36 of 144 entries"),
    ],
)
def test_a_gradient_that_is_not_finite_is_called_so(check_text: CheckText, backward: str, fact: str) -> None:
    result = check_text(spec("wrong", "square", backward))
    assert result.verdict is Verdict.FAIL
    assert (result.diagnoses[0].code, result.diagnoses[0].message) == ("unknown", f"∂y/∂x: {fact}")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_what_ignores_its_cotangent_is_shown_as_it_is(check_text: CheckText, dtype: str) -> None:
    inputs = typed({"x": [3]}, dtype)
    array = check_text(spec("wrong", "square", "ones_backward", inputs=inputs))
    loss = check_text(spec("wrong", "loss", "loss_backward", inputs=inputs))
    for result in (array, loss):
        assert result.verdict is Verdict.FAIL
        assert codes(result) == ["ignores-cotangent"]
    assert {entry.analytic for entry in array.pairs[0].shown} == {1.0}
    assert loss.pairs[0].mismatched == 0
    assert loss.diagnoses[0].message == (
        "the backward does not vary with dy: multiply by it; or, for the gradient of a loss, write "
        "'allow: [ignores-cotangent]'"
    )
    allowed = check_text(spec("wrong", "loss", "loss_backward", inputs=inputs, allow=["ignores-cotangent"]))
    assert allowed.verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("claims", "seed", "values"),
    [
        ("function: y = x**2\nvjp: {x: 2 * x}", "dy", {4.0, -4.0, 2.0, -2.0}),
        ("function: y = x**2\njvp: {y: 0 * x + 7}", "x_dot", {7.0}),
    ],
)
def test_formulas_that_ignore_their_seed_are_shown_as_they_are(
    check_text: CheckText, claims: str, seed: str, values: set[float]
) -> None:
    result = check_text(f"inputs: {{x: {{value: [2, -2, 1]}}}}\n{claims}\n")
    assert result.verdict is Verdict.FAIL
    assert codes(result) == ["ignores-cotangent"]
    assert f"does not vary with {seed}: multiply by it" in result.diagnoses[0].message
    assert {entry.analytic for entry in result.pairs[0].shown} <= values


def test_a_cotangent_ignored_beyond_a_bound_only_is_found(check_text: CheckText) -> None:
    text = 'inputs: {x: [3]}\nfunction: L = sum(relu(x - 7))\nvjp: {x: "where(x > 7, 1, 0)"}\n'
    result = check_text(text)
    assert (result.verdict, codes(result)) == (Verdict.FAIL, ["ignores-cotangent"])
    assert check_text(text.replace("1, 0)", "1, 0) * dL")).verdict is Verdict.PASS


def test_a_drawing_that_is_discarded_does_not_count(check_text: CheckText) -> None:
    """The kink at 0 lets no drawing of the edge point count, and only there the claim is not linear."""
    text = """
        inputs: {x: [3]}
        function: y = relu(x)
        vjp: {x: "where(x == 0, dy * sum(dy), dy * (x > 0))"}
        kinks: %s
    """
    counted = check_text(text % "subgradient")
    assert "linear" in broken(counted)
    moved = check_text(text % "move")
    assert "skipped-point" in [warning.code for warning in moved.warnings]
    assert not broken(moved)


def test_a_rule_that_one_claim_keeps_is_not_kept_by_another(check_text: CheckText) -> None:
    spec = """
        inputs: {{x: [3]}}
        function: |
          y = x * 1
          z = 2 * x
        outputs: [y, z]
        jvp:
          y: x_dot
          z: 2 * x_dot * {0}
    """
    right, wrong = (check_text(spec.format(factor)) for factor in ("1", "sum(where(x_dot == 0, 0, 1))"))
    assert (right.verdict, wrong.verdict) == (Verdict.PASS, Verdict.FAIL)
    assert "nonlinear-cotangent" in codes(wrong)
