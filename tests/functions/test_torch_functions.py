"""PyTorch functions, autograd.Functions and modules: what is right passes, what is wrong fails."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gradcheck_cli.check import run_check
from gradcheck_cli.functions import torch_layer
from gradcheck_cli.functions.compile import compile_subject
from gradcheck_cli.result import CheckResult, Fault, Verdict
from gradcheck_cli.spec.load import load_specs

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")

LAYERS = Path(__file__).parents[1] / "torch_layers.py"
Check = Callable[..., CheckResult]


@pytest.fixture
def spec(tmp_path: Path) -> Callable[..., str]:
    shutil.copy(LAYERS, tmp_path / "layers.py")

    def write(target: str, inputs: str, function: str = "", more: str = "") -> str:
        file = tmp_path / "spec.yaml"
        function = f"{{torch: 'layers.py:{target}'{function and ', '}{function}}}"
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
    "several outputs": ("two", "{x: [3]}", "", "outputs: [s, q]"),
    "nested outputs": ("nested", "{x: [3]}"),
    "integers": ("gathered", "{table: [5, 2], index: {value: [0, 4, 4], dtype: int64}}"),
    "dropout": ("dropped", "{x: [4, 5]}"),
    "own constants": ("makes_constants", "{x: [4, 5]}"),
    "complex": ("squared_modulus", "{z: {shape: [3], dtype: complex128}}"),
    "holomorphic": ("holomorphic", "{z: {shape: [3], dtype: complex128}}"),
    "float32": (
        "affine",
        "{x: {shape: [2, 3], dtype: float32}, w: {shape: [3, 4], dtype: float32}, b: [4]}",
    ),
    "Function": ("Cube", "{x: [2, 3]}"),
    "Function of another style": ("Power", "{x: {shape: [2, 3], sample: positive}}", "kwargs: {p: 2.5}"),
    "module": ("Block", "{x: [5, 3]}"),
    "module of another size": ("Block", "{x: [5, 2]}", "kwargs: {width: 2}"),
    "module that is not training": ("Block", "{x: [5, 3]}", "training: false"),
    "instance": ("ready", "{x: [5, 3]}"),
    "module in single precision": ("Block", "{x: {shape: [5, 3], dtype: float32}}"),
    "parameters of a domain": ("Scale", "{x: [2, 3]}"),
    "parameter in the spec": ("Scale", "{x: [2, 3], log: {shape: [3], sample: {uniform: [2, 3]}}}"),
    "parameters alone": (
        "Words",
        "{index: {shape: [2, 3], dtype: int64, sample: {integers: [0, 5]}}}",
    ),
    "lazy": ("Lazy", "{x: [4, 3]}"),
    "weights in a list": ("Listed", "{x: [3]}"),
    "forward mode of weights in a list": ("ListedPower", "{x: [3]}"),
    "second order of weights in a list": ("Listed", "{x: [3]}", "", "order: 2"),
    "checkpoint": ("Checkpointed", "{x: [4, 3]}"),
    "second order": ("Cube", "{x: [2, 3]}", "", "order: 2"),
    "second order of a module": ("Block", "{x: [4, 3]}", "", "order: 2"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right(check: Check, name: str) -> None:
    result = check(*RIGHT[name])
    assert result.verdict is Verdict.PASS, (result.message, result.diagnoses, result.contracts)


WRONG = {
    "detached": ("detached", "{x: [3]}"),
    "factor": ("CubeTwice", "{x: [2, 3]}"),
    "forward mode": ("WrongForwardMode", "{x: {shape: [2, 3], sample: positive}}", "kwargs: {p: 2.5}"),
    "parameters": ("WrongScale", "{x: [2, 3]}"),
    "a parameter's hook": ("Hooked", "{x: [3]}"),
    "a hook of an object's parameter": ("hooked", "{x: [3]}"),
    "weights in a list": ("ListedBranches", "{x: [3]}"),
    "forward mode of weights in a list": ("ListedWrongForwardMode", "{x: [3]}"),
    "mutates its cotangent": ("MutatesCotangent", "{x: [2, 3]}"),
    "second order": ("DetachedCube", "{x: [2, 3]}", "", "order: 2"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong(check: Check, name: str) -> None:
    result = check(*WRONG[name])
    assert result.verdict is Verdict.FAIL, result.message


def test_the_first_derivative_of_a_detached_backward_is_right(check: Check) -> None:
    assert check("DetachedCube", "{x: [2, 3]}").verdict is Verdict.PASS


def test_what_forward_mode_says_is_told_apart(check: Check) -> None:
    result = check(*WRONG["forward mode"])
    assert {pair.claim for pair in result.pairs if pair.verdict is Verdict.FAIL} == {"forward mode"}


def test_every_parameter_is_an_input_by_its_dotted_name(check: Check) -> None:
    names = {pair.input for pair in check("Block", "{x: [5, 3]}").pairs}
    assert names == {"x", "norm.weight", "norm.bias", "into.weight", "into.bias"}


def test_only_chosen_parameters(check: Check) -> None:
    names = {pair.input for pair in check("Block", "{x: [5, 3]}", "", "wrt: [x, into.weight]").pairs}
    assert names == {"x", "into.weight"}


def test_buffers_are_left_alone(spec: Callable[..., str]) -> None:
    (one,), _ = load_specs(spec("Block", "{x: [5, 3]}"), max_memory=2**30)
    subject, _ = compile_subject(one, max_memory=2**30)
    assert subject is not None
    layer = subject.claims[0].layer
    run_check(one, subject)
    module = layer.function.module  # type: ignore[union-attr]
    assert module.norm.num_batches_tracked == 0
    assert not module.norm.running_mean.any()


ERRORS = {
    "no tensor": (("not_a_tensor", "{x: [3]}"), "not_a_tensor returned a str, which is no tensor"),
    "unknown to NumPy": (("half", "{x: [3]}"), "computes in torch.bfloat16, which NumPy does not have"),
    "raises": (("affine", "{x: [2, 3], w: [4, 3], b: [3]}"), "layers.py:13: affine raised RuntimeError"),
    "cannot be moved": (("Unmovable", "{x: [5, 3]}"), "Unmovable raised RuntimeError: stays"),
    "meta": (("Meta", "{x: [5, 3]}"), "Meta: the parameter norm.weight is on the device meta, and has no"),
    "once": (("OnceCube", "{x: [2, 3]}", "", "order: 2"), "once_differentiable"),
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


def test_a_class_that_is_no_module(spec: Callable[..., str]) -> None:
    (fault,) = faults_of(spec("NoLayer", "{x: [3]}"))
    assert str(fault).endswith(
        "function.torch: NoLayer is a class; name a function, an nn.Module or an autograd.Function"
    )


def test_a_name_that_there_is_not(spec: Callable[..., str]) -> None:
    (fault,) = faults_of(spec("Cub", "{x: [3]}"))
    assert "layers.py has no Cub" in fault.message


def test_an_unknown_parameter(spec: Callable[..., str]) -> None:
    (fault,) = faults_of(spec("Block", "{x: [5, 3]}", "", "wrt: [into.wieght]"))
    assert "did you mean 'into.weight'?" in fault.message


def test_inputs_that_a_function_writes_into(check: Check) -> None:
    result = check("written_into", "{x: [3]}")
    assert [one.code for one in result.diagnoses] == ["mutates-input"]
    assert check("written_into", "{x: [3]}", "", "allow: mutates-input").verdict is Verdict.PASS


def test_weights_that_a_module_writes_into(check: Check) -> None:
    result = check("Clamped", "{x: [3]}", "", "wrt: [x]\nallow: mutates-input")
    assert result.verdict is Verdict.PASS, result.message


def test_without_torch(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    torch_layer.the_torch.cache_clear()
    result = check("Cube", "{x: [3]}")
    assert result.verdict is Verdict.ERROR
    assert result.message == (
        'this check needs torch, which is not installed; install it: pip install "gradcheck-cli[torch]"'
    )
