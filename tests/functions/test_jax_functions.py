"""JAX functions, and their rules by custom_vjp and custom_jvp: what is right passes, what is wrong fails."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from gradcheck_cli.check import run_check
from gradcheck_cli.functions import jax_layer
from gradcheck_cli.functions.compile import compile_subject
from gradcheck_cli.functions.jax_layer import JaxLayer
from gradcheck_cli.result import CheckResult, ExitCode, Fault, Verdict
from gradcheck_cli.run import RunOptions, run_paths
from gradcheck_cli.spec.load import load_specs

pytestmark = pytest.mark.jax
jax = pytest.importorskip("jax")

LAYERS = Path(__file__).parents[1] / "jax_layers.py"
Check = Callable[..., CheckResult]


@pytest.fixture
def spec(tmp_path: Path) -> Callable[..., str]:
    shutil.copy(LAYERS, tmp_path / "layers.py")

    def write(target: str, inputs: str, function: str = "", more: str = "") -> str:
        file = tmp_path / "spec.yaml"
        function = f"{{jax: 'layers.py:{target}'{function and ', '}{function}}}"
        file.write_text(f"gradcheck: 1\ninputs: {inputs}\nfunction: {function}\n{more}\n")
        return str(file)

    return write


@pytest.fixture
def check(spec: Callable[..., str]) -> Check:
    def run(*arguments: str) -> CheckResult:
        (one,), faults = load_specs(spec(*arguments), max_memory=2**30)
        assert not faults
        subject, faults = compile_subject(one, max_memory=2**30)
        assert subject is not None, faults
        return run_check(one, subject)

    return run


AFFINE = "{x: [2, 3], w: [3, 4], b: [4]}"
PRODUCT = "{x: [2, 3], w: [3, 3]}"
COMPLEX = "{z: {shape: [3], dtype: complex128}}"
KEY = "key: {value: [0, 7], dtype: int64}"
RIGHT = {
    "affine": ("affine", AFFINE),
    "keywords": ("affine", AFFINE, "kwargs: {scale: 2.5}"),
    "jitted": ("jitted", AFFINE, "kwargs: {scale: 2.5}"),
    "partial": ("halved", AFFINE),
    "instance": ("instance", "{x: [3]}"),
    "several outputs": ("two", "{x: [3]}", "", "outputs: [s, q]"),
    "namedtuple": ("named", "{x: [3]}"),
    "outputs that are no floats": ("ranked", "{x: [4]}"),
    "integers": (
        "gathered",
        "{table: [5, 2], index: {value: [0, 4, 4], dtype: int64}, mask: {value: [true, false], dtype: bool}}",
    ),
    "dropout": ("dropped", f"{{{KEY}, x: [4, 5]}}"),
    "seeded alike": ("redrawn", "{x: [4, 5]}"),
    "own constants": ("weighed", "{x: [3, 4]}"),
    "constant": ("constant", "{x: [3]}"),
    "complex": ("squared_modulus", COMPLEX),
    "holomorphic": ("holomorphic", COMPLEX),
    "neither real nor holomorphic": ("mixed_up", COMPLEX),
    "real to complex": ("turned", "{x: [3]}"),
    "real and complex": ("spun", "{x: [3], z: {shape: [3], dtype: complex128}}"),
    "single complex": ("mixed_up", "{z: {shape: [3], dtype: complex64}}"),
    "float32": ("two", "{x: {shape: [3], dtype: float32}}"),
    "float16": ("two", "{x: {shape: [3], dtype: float16}}"),
    "mixed": ("affine", "{x: {shape: [2, 3], dtype: float32}, w: [3, 4], b: [4]}"),
    "custom_vjp": ("right_vjp", PRODUCT),
    "custom_vjp in single precision": (
        "right_vjp",
        "{x: {shape: [2, 3], dtype: float32}, w: {shape: [3, 3], dtype: float32}}",
    ),
    "custom_vjp with an argument": ("power", "{x: {shape: [3], sample: positive}}", "kwargs: {p: 2.5}"),
    "custom_vjp of complex numbers": ("right_complex", COMPLEX),
    "custom_jvp": ("right_jvp", "{x: [2, 3]}"),
    "second order": ("two", "{x: [3]}", "", "order: 2"),
    "second order of a custom_vjp": ("right_vjp", PRODUCT, "", "order: 2"),
    "second order of a custom_jvp": ("right_jvp", "{x: [3]}", "", "order: 2"),
    "second order of complex numbers": ("mixed_up", COMPLEX, "", "order: 2"),
    "second order of real and complex": ("turned", "{x: [3]}", "", "order: 2"),
    "second order beside integers": ("ranked", "{x: [4]}", "", "order: 2"),
    "second order of dropout": ("dropped", f"{{{KEY}, x: [4]}}", "", "order: 2"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right(check: Check, name: str) -> None:
    result = check(*RIGHT[name])
    assert result.verdict is Verdict.PASS, (result.message, result.diagnoses, result.contracts)


WRONG = {
    "stopped": ("stopped", "{x: [3]}"),
    "factor": ("factor_vjp", PRODUCT),
    "factor in single precision": (
        "factor_vjp",
        "{x: {shape: [2, 3], dtype: float32}, w: {shape: [3, 3], dtype: float32}}",
    ),
    "transposed": ("transposed_vjp", PRODUCT),
    "lost residual": ("lost_residual", PRODUCT),
    "conjugated": ("conjugated", COMPLEX),
    "custom_jvp": ("factor_jvp", "{x: [2, 3]}"),
    "second order": ("detached_bwd", PRODUCT, "", "order: 2"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong(check: Check, name: str) -> None:
    result = check(*WRONG[name])
    assert result.verdict is Verdict.FAIL, result.message


def test_the_first_derivative_of_a_detached_backward_is_right(check: Check) -> None:
    assert check("detached_bwd", PRODUCT).verdict is Verdict.PASS


def test_only_the_wrong_gradient_fails(check: Check) -> None:
    result = check(*WRONG["factor"])
    assert {pair.input for pair in result.pairs if pair.verdict is Verdict.FAIL} == {"w"}


@pytest.mark.parametrize(
    ("name", "claims"),
    [("right_vjp", {"backward"}), ("right_jvp", {"backward", "forward mode"})],
)
def test_forward_mode_is_claimed_where_there_is_one(check: Check, name: str, claims: set[str]) -> None:
    result = check(name, PRODUCT if name == "right_vjp" else "{x: [3]}")
    assert {pair.claim for pair in result.pairs} == claims


def test_a_wrong_rule_is_wrong_in_both_modes(check: Check) -> None:
    result = check(*WRONG["custom_jvp"])
    assert {pair.claim for pair in result.pairs if pair.verdict is Verdict.FAIL} == {
        "backward",
        "forward mode",
    }


ERRORS = {
    "no array": (("not_an_array", "{x: [3]}"), "not_an_array returned a str, which is no array"),
    "a key": (("returns_key", "{x: [3]}"), "returned an array of key<fry>, which are no numbers"),
    "strings": (("no_numbers", "{x: [3]}"), "returned an array of <U1, which are no numbers"),
    "unknown to NumPy": (("brain_float", "{x: [3]}"), "computes in bfloat16, which NumPy does not have"),
    "raises": (("raises", "{x: [3]}"), "raises raised TypeError"),
    "misshapen gradient": (
        ("misshapen_vjp", "{x: [2, 3], w: [3, 4]}"),
        "the backward of misshapen_vjp raised",
    ),
    "another forward": (
        ("other_fwd", PRODUCT),
        "other_fwd has another value where it is differentiated: ",
    ),
    "another value by a jvp": (
        ("other_value", "{x: {value: [0.5, 1.5]}}"),
        "y[1] is 1.99499, and 0.997495 without; make the fwd of custom_vjp, or the rule of custom_jvp",
    ),
    "another flag": (
        ("flagged", "{x: {value: [0.5, 1.5]}}"),
        "flagged has another value where it is differentiated: y1[0] is False, and True without; ",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(check: Check, name: str) -> None:
    arguments, message = ERRORS[name]
    result = check(*arguments)
    assert result.verdict is Verdict.ERROR
    assert message in result.message


def test_calls_that_are_not_alike_are_not_blamed_on_a_rule(check: Check) -> None:
    result = check("counted", "{x: [3]}")
    assert result.verdict is Verdict.FAIL
    assert "stale-state" in {one.code for one in result.diagnoses}, result.diagnoses


def faults_of(path: str) -> list[Fault]:
    (one,), faults = load_specs(path, max_memory=2**30)
    return faults or compile_subject(one, max_memory=2**30)[1]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "Scaled",
            "Scaled is a class; name a function, such as one that makes an instance and calls it",
        ),
        ("not_a_function", "not_a_function is no function: it is a int"),
        ("right_vjq", "layers.py has no right_vjq; did you mean 'right_vjp'?"),
    ],
)
def test_targets_that_are_no_functions(spec: Callable[..., str], target: str, message: str) -> None:
    (fault,) = faults_of(spec(target, "{x: [3]}"))
    assert fault.message.endswith(message)


def layer_of(path: str) -> JaxLayer:
    (one,), _ = load_specs(path, max_memory=2**30)
    subject, _ = compile_subject(one, max_memory=2**30)
    assert subject is not None
    layer = subject.claims[0].layer
    assert isinstance(layer, JaxLayer)
    return layer


@pytest.fixture(params=[False, True])
def global_x64(request: pytest.FixtureRequest) -> Iterator[bool]:
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", request.param)
    yield request.param
    jax.config.update("jax_enable_x64", before)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_inputs_decide_whether_x64_is_on(spec: Callable[..., str], global_x64: bool, dtype: str) -> None:
    layer = layer_of(spec("weighed", f"{{x: {{shape: [3, 4], dtype: {dtype}}}}}"))
    run = layer.run({"x": np.ones((3, 4), dtype)})
    gradients = run.pull({"y": np.ones(3, dtype)})
    assert run.outputs["y"].dtype == dtype
    assert gradients["x"] is not None
    assert gradients["x"].dtype == dtype
    np.testing.assert_allclose(gradients["x"], np.tile(np.linspace(0.1, 0.9, 4), (3, 1)), rtol=1e-6)
    assert jax.config.jax_enable_x64 is global_x64


def test_a_forward_alone_is_not_differentiated(
    spec: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = layer_of(spec("two", "{x: [3]}"))
    monkeypatch.setattr(jax, "vjp", None)
    assert layer.run({"x": np.zeros(3)}).outputs["y1"] == 0


def test_a_complex_gradient_is_not_conjugated(spec: Callable[..., str]) -> None:
    layer = layer_of(spec("squared_modulus", COMPLEX))
    z = np.array([1 + 2j, -3j, 0.5])
    (gradient,) = layer.run({"z": z}).pull({"y": np.ones(3)}).values()
    np.testing.assert_allclose(gradient, 2 * z)  # ∂|z|²/∂Re z + i ∂|z|²/∂Im z


def test_a_key_draws_what_the_same_key_draws(spec: Callable[..., str]) -> None:
    layer = layer_of(spec("dropped", f"{{{KEY}, x: [40]}}"))
    found = layer.run({"key": np.array([0, 7]), "x": np.ones(40)}).outputs["y"]
    with jax_layer.precision(wide=True):
        wanted = jax.random.bernoulli(jax.random.PRNGKey(7), 0.5, (40,))
    np.testing.assert_array_equal(found, wanted)


def test_without_jax(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jax", None)
    jax_layer.the_jax.cache_clear()
    result = check("affine", AFFINE)
    assert result.verdict is Verdict.ERROR
    assert result.message == (
        'this check needs jax, which is not installed; install it: pip install "gradcheck-cli[jax]"'
    )


@pytest.mark.parametrize(("name", "code"), [("right_vjp", ExitCode.OK), ("factor_vjp", ExitCode.WRONG)])
def test_in_a_process_of_its_own(spec: Callable[..., str], name: str, code: ExitCode) -> None:
    assert run_paths([spec(name, PRODUCT)], RunOptions()).exit_code == code
