"""``gradcheck init`` writes specs that run: for layers in many styles, right ones and wrong ones."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gradcheck_cli.cli import main
from gradcheck_cli.run import RunOptions, run_paths

LAYERS = Path(__file__).parent / "init_layers"
FUNCTIONS = (
    "affine_forward", "linear_fwd", "scale", "sine", "sigmoid", "tanh", "softmax_loss", "mse",
    "embedding_forward",
    "pool_forward", "softplus", "gru_like_forward",
)  # fmt: skip
CLASSES = (
    "Affine", "Dense", "Lists", "Lazy", "Connected", "Relu", "WithOptimizer", "Learning", "Attributes",
    "Nested",
    "Multiply", "Returns", "made",
)  # fmt: skip
TORCH = ("torch_layers.py:Scale", "torch_layers.py:Square", "torch_layers.py:swish", "torch.nn:Linear",
         "torch.nn:Conv1d", "torch.nn:LayerNorm", "torch.nn.functional:gelu")  # fmt: skip
JAX = ("jax_layers.py:log_sum_exp", "jax_layers.py:dense")


def needs(name: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"{name} is not installed")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for file in LAYERS.glob("*.py"):
        shutil.copy(file, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def init(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["init", *arguments])


def verdicts(file: str) -> list[str]:
    report = run_paths([file], RunOptions())
    assert not report.faults, "\n".join(map(str, report.faults))
    return [check.verdict.word for check in report.checks]


def check_passes(target: str) -> None:
    result = init(target, "-o", "spec.yaml")
    assert result.exit_code == 0, result.output
    assert result.stderr.endswith("wrote spec.yaml; gradcheck run spec.yaml: pass\n")
    assert verdicts("spec.yaml") == ["pass"]


def check_passes_elsewhere(target: str) -> None:
    """Run the command and the spec in processes of their own: a framework's threads do not survive a fork."""
    command = (sys.executable, "-m", "gradcheck_cli")
    written = subprocess.run(
        [*command, "init", target, "-o", "spec.yaml"], capture_output=True, text=True, check=False
    )
    assert written.stderr.endswith("wrote spec.yaml; gradcheck run spec.yaml: pass\n"), written.stderr
    run = subprocess.run([*command, "run", "spec.yaml"], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_gets_a_spec_that_passes(folder: Path, name: str) -> None:
    check_passes(f"functions.py:{name}")


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_gets_a_spec_that_passes(folder: Path, name: str) -> None:
    check_passes(f"classes.py:{name}")


@pytest.mark.torch
@needs("torch")
@pytest.mark.parametrize("target", TORCH)
def test_a_torch_target_gets_a_spec_that_passes(folder: Path, target: str) -> None:
    check_passes_elsewhere(target)


@pytest.mark.jax
@needs("jax")
@pytest.mark.parametrize("target", JAX)
def test_a_jax_target_gets_a_spec_that_passes(folder: Path, target: str) -> None:
    check_passes_elsewhere(target)


@pytest.mark.parametrize("name", ["square", "Affine", "bias_forward"])
def test_a_wrong_backward_gets_a_spec_that_runs_and_fails(folder: Path, name: str) -> None:
    result = init(f"wrong.py:{name}", "-o", "spec.yaml")
    assert result.exit_code == 0
    assert "gradcheck run spec.yaml: fail" in result.stderr
    assert verdicts("spec.yaml") == ["fail"]


def test_every_weight_of_a_class_is_an_input(folder: Path) -> None:
    text = init("classes.py:Dense").stdout
    assert "  weights: [D, M]  # the shape of layer.weights\n" in text
    assert "    layer.weights = weights\n" in text
    assert "    dbiases = layer.dbiases\n" in text


def test_shapes_come_from_the_docstring(folder: Path) -> None:
    text = init("functions.py:softmax_loss").stdout
    assert "y: {shape: [N], sample: {integers: [0, C]}, dtype: int64}  # from the docstring" in text
    assert "outputs: [loss]" in text


def test_settings_that_are_read_from_a_dictionary_are_written_down(folder: Path) -> None:
    assert "kwargs: {pool_param: {pool_height: 2, pool_width: 2}}" in init("functions.py:pool_forward").stdout


def test_a_file_gets_a_check_for_each_layer(folder: Path) -> None:
    assert init("functions.py", "-o", "spec.yaml").exit_code == 0
    assert verdicts("spec.yaml") == ["pass"] * len(FUNCTIONS)


def test_paths_are_relative_to_the_spec(folder: Path) -> None:
    (folder / "specs").mkdir()
    assert init("functions.py:sine", "-o", "specs/sine.yaml").exit_code == 0
    assert 'python: "../functions.py:sine"' in (folder / "specs/sine.yaml").read_text(encoding="utf-8")
    assert verdicts("specs/sine.yaml") == ["pass"]


def test_a_file_is_replaced_only_by_force(folder: Path) -> None:
    (folder / "spec.yaml").write_text("mine", encoding="utf-8")
    refused = init("functions.py:sine", "-o", "spec.yaml")
    assert refused.exit_code == 2
    assert (
        refused.output == "Error: spec.yaml is there already; name another file, or replace it by --force\n"
    )
    assert (folder / "spec.yaml").read_text(encoding="utf-8") == "mine"
    assert init("functions.py:sine", "-o", "spec.yaml", "--force").exit_code == 0
    assert verdicts("spec.yaml") == ["pass"]


def test_what_cannot_be_found_is_a_placeholder(folder: Path) -> None:
    result = init("wrong.py:refuses", "-o", "spec.yaml")
    text = (folder / "spec.yaml").read_text(encoding="utf-8")
    assert (
        "# TODO: the shape of x; no shape was found with which forward runs: ValueError: no shape suits me"
        in text
    )
    assert result.exit_code == 0
    assert result.stdout == ""  # what the layer prints does not go there
    report = run_paths(["spec.yaml"], RunOptions())
    assert [check.verdict.word for check in report.checks] == ["error"]
    assert report.checks[0].name == "refuses (TODO: fill in the shapes)"


def test_a_function_without_a_backward_leaves_its_claims_to_fill_in(folder: Path) -> None:
    result = init("wrong.py:alone", "-o", "spec.yaml")
    assert "it has something to fill in" in result.stderr
    report = run_paths(["spec.yaml"], RunOptions())
    assert [fault.path for fault in report.faults] == ["vjp.x", "vjp.w"]
    assert "TODO" in report.faults[0].message


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("nowhere.py:f", "there is no file nowhere.py"),
        ("functions.py:sin", "functions.py has no sin; did you mean 'sine'?"),
        ("no_such_package:f", "there is no module no_such_package; install it, or write path/file.py:NAME"),
        ("wrong.py:number", "number is float, and no function or layer; name one"),
        (
            "crashes.py:f",
            "crashes.py:1: the import of crashes.py raised RuntimeError: this module does not import",
        ),
        (
            "crashes.py",
            "crashes.py:1: the import of crashes.py raised RuntimeError: this module does not import",
        ),
    ],
)
def test_what_is_wrong_with_a_target_is_one_line(folder: Path, target: str, message: str) -> None:
    result = init(target)
    assert result.exit_code == 2
    assert result.output == f"Error: {message}\n"
