"""``gradcheck taylor``: its options, what it prints, and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gradcheck_cli.cli import main

RIGHT = """\
gradcheck: 1
name: tanh
inputs: {x: [4, 3]}
function: y = tanh(x)
vjp: {x: dy * (1 - y**2)}
"""
WRONG = RIGHT.replace("1 - y**2", "1 - y").replace("tanh\n", "a square is missing\n", 1)
UNCLEAR = """\
gradcheck: 1
inputs: {x: {value: [0.0, 1.0]}}
function: y = sign(x) + x
"""
MISFIT = """\
gradcheck: 1
inputs: {x: [4, 3], b: [3]}
function: y = x + b
vjp: {b: dy}
"""
SPECS = {
    "right": RIGHT,
    "wrong": WRONG,
    "expected": WRONG + "expect: fail\n",
    "hidden": RIGHT + "expect: fail\n",
    "unclear": UNCLEAR,
    "misfit": MISFIT,
    "faulty": RIGHT.replace("tanh(x)", "tanh(z)"),
}


def call(*arguments: str, width: int = 80) -> Result:
    return CliRunner(env={"COLUMNS": str(width)}).invoke(main, ["taylor", *arguments])


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in SPECS.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("names", "code"),
    [
        ("right", 0),
        ("expected", 0),
        ("hidden", 0),
        ("wrong", 1),
        ("misfit", 1),
        ("faulty", 2),
        ("unclear", 3),
        ("right unclear", 3),
        ("unclear wrong", 1),
        ("wrong faulty", 2),
    ],
)
def test_exit_codes(files: Path, names: str, code: int) -> None:
    ended = call(*(f"{name}.yaml" for name in names.split()))
    assert (ended.exit_code, ended.stderr) == (code, "")


def test_what_it_says(files: Path) -> None:
    right = call("right.yaml").stdout
    assert "ok    tanh  right.yaml:1" in right
    assert "∂y/∂x (vjp) at generic" in right
    assert "the remainder shrinks as t²: the claim is the derivative along this" in right
    wrong = call("wrong.yaml").stdout
    assert "FAIL  a square is missing  wrong.yaml:1" in wrong
    assert "the remainder shrinks only as t: the claim is not the derivative" in wrong
    assert "wrong, as its spec expects" in call("expected.yaml").stdout
    assert "its spec expects a failure, and none shows along this direction" in call("hidden.yaml").stdout


def test_a_directory_and_a_selection(files: Path) -> None:
    (files / "faulty.yaml").unlink()
    assert call(width=200).stdout.splitlines()[-1].startswith("6 checks, 7 Taylor tests: ")
    ended = call("-k", "tanh", ".")
    assert (ended.exit_code, ended.stdout.count("∂y/∂x (vjp) at generic")) == (0, 2)


def test_a_selection_of_nothing(files: Path) -> None:
    ended = call("-k", "nothing", "right.yaml")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "no check matches -k 'nothing'" in ended.stderr


def test_points_and_seeds(files: Path) -> None:
    assert "(vjp) at edge" in call("--point", "edge", "right.yaml").stdout
    shown = [call("--seed", seed, "right.yaml").stdout for seed in ("1", "1", "2")]
    assert shown[0] == shown[1] != shown[2]
    ended = call("--point", "nowhere", "right.yaml")
    assert (ended.exit_code, "'nowhere' is no point" in ended.stderr) == (2, True)


def test_verbose_shows_every_step(files: Path) -> None:
    few, all_of_them = call("right.yaml").stdout, call("-v", "right.yaml").stdout
    assert "1 step in 2 is shown; order is that from t to t/2; -v shows all 25" in few
    assert "is shown; -v shows all" not in all_of_them
    assert len(all_of_them.splitlines()) == len(few.splitlines()) + 11


def test_what_run_refuses_for_its_size_can_be_tested(files: Path) -> None:
    text = "gradcheck: 1\ninputs: {x: [40, 50]}\nfunction: y = exp(x)\n"
    (files / "large.yaml").write_text(text, encoding="utf-8")
    runner = CliRunner()
    assert runner.invoke(main, ["run", "--max-memory", "1MB", "large.yaml"]).exit_code == 2
    assert runner.invoke(main, ["taylor", "--max-memory", "1MB", "large.yaml"]).exit_code == 0
    assert runner.invoke(main, ["taylor", "--max-memory", "1kB", "large.yaml"]).exit_code == 2


@pytest.mark.parametrize(("option", "coloured"), [("--color", True), ("--no-color", False)])
def test_colours(files: Path, option: str, coloured: bool) -> None:
    assert ("\x1b[" in call(option, "wrong.yaml").stdout) is coloured
