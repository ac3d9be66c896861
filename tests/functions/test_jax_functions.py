"""JAX functions, with and without rules of their own: what is right passes, what is wrong fails."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gradcheck_cli.check import run_check
from gradcheck_cli.functions import jax_layer
from gradcheck_cli.functions.compile import compile_subject
from gradcheck_cli.result import CheckResult, ExitCode, Fault, Verdict
from gradcheck_cli.run import RunOptions, run_paths
from gradcheck_cli.spec.load import load_specs

pytestmark = pytest.mark.jax
jax = pytest.importorskip("jax")

LAYERS = Path(__file__).parents[1] / "jax_layers.py"
MATMUL = "{x: [3, 3], w: [3, 3]}"
COMPLEX = "{z: {shape: [3], dtype: complex128}}"
SINGLE = "{x: {shape: [3], dtype: float32}}"
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


RIGHT = {
    "affine": ("affine", "{x: [2, 3], w: [3, 4], b: [4]}"),
    "keywords": ("affine", "{x: [2, 3], w: [3, 4], b: [4]}", "kwargs: {scale: 2.5}"),
    "jit": ("jitted", "{x: [2, 3], w: [3, 4], b: [4]}", "kwargs: {scale: 2.5}"),
    "partial": ("halved", "{x: [2, 3], w: [3, 4], b: [4]}"),
    "instance": ("scaled", "{x: [2, 3]}"),
    "several outputs": ("two", "{x: [3]}", "", "outputs: [s, q]"),
    "integers that come out": ("with_argmax", "{x: [4]}", "", "outputs: [square, place]"),
    "integers": ("gathered", "{table: [5, 2], index: {value: [0, 4, 4], dtype: int64}}"),
    "own constants": ("makes_constants", "{x: [4, 5]}"),
    "dropout": ("dropped", "{x: [4, 5], key: {value: [0, 7], dtype: int64}}"),
    "dropout by NumPy": ("dropped_by_numpy", "{x: [4, 5]}"),
    "complex": ("squared_modulus", COMPLEX),
    "holomorphic": ("holomorphic", COMPLEX),
    "real and complex": ("real_and_complex", "{x: [3], z: {shape: [3], dtype: complex128}}"),
    "complex rule": ("square", COMPLEX),
    "with x64": ("in_64_bits", "{x: [3]}"),
    "without x64": ("in_32_bits_at_first", SINGLE),
    "custom_vjp": ("matmul", "{x: [2, 3], w: [3, 4]}"),
    "custom_vjp without x64": ("cube", SINGLE),
    "custom_vjp of a number": ("power", "{x: {shape: [3], sample: positive}}", "kwargs: {p: 2.5}"),
    "custom_vjp of integers": ("embed", "{table: [5, 2], index: {value: [0, 4, 4], dtype: int64}}"),
    "custom_jvp": ("softplus", "{x: [4]}"),
    "custom_jvp without x64": ("softplus", SINGLE),
    "second order": ("cube", "{x: [3]}", "", "order: 2"),
    "second order of a custom_jvp": ("softplus", "{x: [3]}", "", "order: 2"),
    "second order, several outputs": ("two", "{x: [3]}", "", "order: 2"),
    "second order, integers that come out": ("with_argmax", "{x: [4]}", "", "order: 2"),
    "second order, complex": (
        "real_and_complex",
        "{x: [2], z: {shape: [2], dtype: complex128}}",
        "",
        "order: 2",
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right(check: Check, name: str) -> None:
    result = check(*RIGHT[name])
    assert result.verdict is Verdict.PASS, (result.message, result.diagnoses, result.contracts)


WRONG = {
    "factor": (("matmul_factor", MATMUL), "scaled"),
    "transposed": (("matmul_transposed", MATMUL), None),
    "missing residual": (("product", "{x: [3], y: [3]}"), None),
    "conjugated": (("conjugated", COMPLEX), "conjugated"),
    "custom_jvp": (("softplus_wrong", "{x: [4]}"), None),
    "without x64": (("softplus_wrong", SINGLE), None),
    "second order": (("detached_cube", "{x: [3]}", "", "order: 2"), None),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong(check: Check, name: str) -> None:
    arguments, code = WRONG[name]
    result = check(*arguments)
    assert result.verdict is Verdict.FAIL, result.message
    assert code is None or code in {one.code for one in result.diagnoses}


def test_only_the_wrong_gradient_fails(check: Check) -> None:
    pairs = check("matmul_factor", MATMUL).pairs
    assert {pair.input for pair in pairs if pair.verdict is Verdict.FAIL} == {"w"}


def test_the_first_derivative_of_a_detached_rule_is_right(check: Check) -> None:
    assert check("detached_cube", "{x: [3]}").verdict is Verdict.PASS


def test_a_custom_jvp_is_checked_both_ways(check: Check) -> None:
    failed = {
        pair.claim for pair in check("softplus_wrong", "{x: [4]}").pairs if pair.verdict is Verdict.FAIL
    }
    assert failed == {"backward", "forward mode"}


def test_a_custom_vjp_has_no_forward_mode(check: Check) -> None:
    assert {pair.claim for pair in check("cube", "{x: [3]}").pairs} == {"backward"}


ERRORS = {
    "no array": (("not_an_array", "{x: [3]}"), "not_an_array returned a str, which is no array"),
    "unknown to NumPy": (("half", "{x: [3]}"), "half computes in bfloat16, which NumPy does not have"),
    "raises": (("affine", "{x: [2, 3], w: [4, 3], b: [3]}"), "layers.py:16: affine raised TypeError"),
    "writes": (("written_into", "{x: [3]}"), "written_into raised TypeError"),
    "numbers": (("needs_numbers", "{x: [3]}"), "needs_numbers raised ConcretizationTypeError"),
    "rule of a wrong shape": (
        ("wrong_shape", "{x: [2, 3], w: [3, 4]}"),
        "the backward of wrong_shape raised",
    ),
    "rule that raises": (("raises", MATMUL), "the backward of raises raised TypeError"),
    "fwd": (("other_forward", "{x: [3]}"), "other_forward has another value where it is differentiated"),
    "rule of custom_jvp": (("softplus_other", "{x: [3]}"), "another value where it is differentiated"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(check: Check, name: str) -> None:
    arguments, message = ERRORS[name]
    result = check(*arguments)
    assert result.verdict is Verdict.ERROR
    assert message in result.message


def faults_of(path: str) -> list[Fault]:
    (one,), faults = load_specs(path, max_memory=2**30)
    return faults or compile_subject(one, max_memory=2**30)[1]


def test_a_class(spec: Callable[..., str]) -> None:
    (fault,) = faults_of(spec("NoLayer", "{x: [3]}"))
    assert "function.jax: NoLayer is a class; name a function" in str(fault)


def test_no_function(spec: Callable[..., str]) -> None:
    (fault,) = faults_of(spec("CONSTANTS", "{x: [3]}"))
    assert "CONSTANTS is no function" in fault.message


def test_a_name_that_there_is_not(spec: Callable[..., str]) -> None:
    (fault,) = faults_of(spec("cub", "{x: [3]}"))
    assert "layers.py has no cub" in fault.message


def test_the_global_precision_is_left_alone(check: Check) -> None:
    before = jax.numpy.zeros(1).dtype
    check("cube", "{x: [3]}")
    check("cube", SINGLE)
    assert jax.numpy.zeros(1).dtype == before


def test_in_a_process_of_its_own(spec: Callable[..., str]) -> None:
    assert run_paths([spec("matmul", MATMUL)], RunOptions()).exit_code == ExitCode.OK
    assert run_paths([spec("matmul_factor", MATMUL)], RunOptions()).exit_code == ExitCode.WRONG


def test_without_jax(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jax", None)
    jax_layer.the_jax.cache_clear()
    result = check("cube", "{x: [3]}")
    assert result.verdict is Verdict.ERROR
    assert result.message == (
        'this check needs jax, which is not installed; install it: pip install "gradcheck-cli[jax]"'
    )
