"""Many checks: which files run, what is selected, which exit code comes of it, what memory allows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import RunText

from gradcheck_cli.check import run_check
from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.result import ExitCode, Verdict
from gradcheck_cli.run import RunOptions, run_paths

RIGHT = "gradcheck: 1\nname: right\ninputs: {x: [3]}\nfunction: y = x**2\nvjp: {x: 2 * x * dy}\n"
WRONG = RIGHT.replace("2 *", "3 *").replace("name: right", "name: wrong")
FAULTY = "gradcheck: 1\nname: faulty\ninputs: {x: [3]}\nfunction: y = x @ z\nvjp: {x: dq}\n"
CRASHING = (
    "gradcheck: 1\nname: crashing\ninputs: {x: [3], i: {value: [9], dtype: int64}}\nfunction: y = x[i]\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in {"right": RIGHT, "wrong": WRONG, "faulty": FAULTY, "crashing": CRASHING}.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def run(folder: Path, *names: str, **options: object):
    return run_paths([str(folder / f"{name}.yaml") for name in names], RunOptions(**options))


@pytest.mark.parametrize(
    ("names", "code"),
    [
        (["right"], ExitCode.OK),
        (["right", "wrong"], ExitCode.WRONG),
        (["right", "crashing"], ExitCode.UNDECIDED),
        (["wrong", "crashing"], ExitCode.WRONG),
        (["wrong", "crashing", "faulty"], ExitCode.USAGE),
    ],
)
def test_exit_codes_outrank_one_another(folder: Path, names: list[str], code: ExitCode) -> None:
    assert run(folder, *names).exit_code == code


def test_a_faulty_spec_takes_nothing_from_the_others(folder: Path) -> None:
    report = run_paths([str(folder)], RunOptions())
    assert [check.name for check in report.checks] == ["crashing", "right", "wrong"]
    assert [fault.message for fault in report.faults] == ["unknown name 'z'"]


def test_all_faults_of_a_check_are_found_at_once(run_text: RunText) -> None:
    report = run_text(
        """
        inputs: {x: [3], w: [3]}
        function: y = x * w
        vjp:
          x: dy * q
          w: |
            a = foo(dy)
            b = dy +
        chain: [x, h, y]
        """
    )
    assert [(fault.line, fault.column, fault.path) for fault in report.faults] == [
        (6, 11, "vjp.x"),
        (9, 13, "vjp.w"),
        (10, 12, "chain[1]"),
    ]


def test_a_missing_file_is_a_fault_beside_the_results(folder: Path) -> None:
    report = run(folder, "right", "nowhere")
    assert [check.verdict for check in report.checks] == [Verdict.PASS]
    assert report.exit_code == ExitCode.USAGE


def test_stop_at_the_first_failure(folder: Path) -> None:
    report = run(folder, "crashing", "right", stop_at_first=True)
    assert [check.name for check in report.checks] == ["crashing"]


def test_results_are_handed_over_as_they_come(folder: Path) -> None:
    seen: list[str] = []
    run_paths(
        [str(folder / "right.yaml"), str(folder / "wrong.yaml")],
        RunOptions(),
        lambda result: seen.append(result.name),
    )
    assert seen == ["right", "wrong"]


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("right", ["right"]),
        ("RIGHT", ["right"]),
        ("not right", ["crashing", "wrong"]),
        ("right or wrong", ["right", "wrong"]),
        ("(right or wrong) and not wr", ["right"]),
        ("'right'", ["right"]),
    ],
)
def test_checks_are_selected_by_name(folder: Path, expression: str, names: list[str]) -> None:
    (folder / "faulty.yaml").unlink()
    report = run_paths([str(folder)], RunOptions(select=expression))
    assert [check.name for check in report.checks] == names


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "-k '': a name is missing"),
        ("right and", "-k 'right and': a name is missing"),
        ("(right", "-k '(right': a bracket is not closed"),
        ("right)", "-k 'right)': unexpected ')'"),
        ("'right", '-k "\'right": a quote is not closed'),
        ("nothing", "no check matches -k 'nothing'"),
    ],
)
def test_a_selection_that_selects_nothing_is_an_error(folder: Path, expression: str, message: str) -> None:
    with pytest.raises(GradcheckError) as caught:
        run(folder, "right", select=expression)
    assert str(caught.value) == message


def test_an_explicit_jacobian_beyond_the_budget_is_refused_with_its_size(run_text: RunText) -> None:
    report = run_text(
        """
        dims: {N: 64, D: 4096, M: 4096}
        inputs: {x: [N, D], w: [D, M]}
        function: y = x @ w
        outputs: {y: [N, M]}
        """
    )
    (fault,) = report.faults
    assert fault.message.startswith(
        "the explicit Jacobian ∂y/∂w has the shape (N, M) × (D, M) = (64, 4096) × (4096, 4096), 32 TiB;"
    )
    assert report.exit_code == ExitCode.USAGE


def test_the_budget_is_kept(tmp_path: Path) -> None:
    """Peak memory of a check stays below what the budget allowed, beside the interpreter itself."""
    (tmp_path / "a.yaml").write_text(
        "gradcheck: 1\ninputs: {x: [700], A: [700, 700]}\nfunction: y = tanh(A @ x / 100)\nwrt: [x]\n"
        "vjp: {x: A.T @ (dy * (1 - y**2)) / 100}\n",
        encoding="utf-8",
    )
    program = """
import resource, sys
from gradcheck_cli.run import RunOptions, run_paths
import gradcheck_cli.spec.model, numpy.random
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
report = run_paths([sys.argv[1]], RunOptions(max_memory=100 * 2**20))
print(int(report.exit_code), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "a.yaml")], capture_output=True, text=True, check=True
    )
    code, used = map(int, ended.stdout.split())
    assert code == ExitCode.OK
    assert used < 100 * 2**10


def test_the_command_line_overrides_seed_and_tolerance(folder: Path) -> None:
    near = folder / "near.yaml"
    near.write_text(RIGHT.replace("2 * x", "2.0001 * x"), encoding="utf-8")
    assert run(folder, "near").checks[0].verdict is Verdict.FAIL
    assert run(folder, "near", rtol=1e-3).checks[0].verdict is Verdict.PASS
    assert run(folder, "near", atol=1e-1).checks[0].verdict is Verdict.PASS
    first, second = (run(folder, "wrong", seed=seed).checks[0].pairs for seed in (1, 2))
    assert first != second


def test_code_is_refused_where_it_must_not_run(run_text: RunText) -> None:
    report = run_text("inputs: {x: [3]}\nfunction: {python: layers.py, forward: y = x}\n", no_code=True)
    assert "--no-code" in report.faults[0].message
    assert report.exit_code == ExitCode.USAGE


def test_the_whole_program_writes_the_agreed_json(folder: Path) -> None:
    command = [sys.executable, "-m", "gradcheck_cli", "run", "--format", "json", "."]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert ended.returncode == ExitCode.USAGE
    report = json.loads(ended.stdout)
    assert report["schema"] == 1
    assert report["summary"] | {"seconds": 0} == {
        "checks": 3, "pass": 1, "fail": 1, "inconclusive": 0, "error": 1, "unexpected": 2, "seconds": 0,
    }  # fmt: skip
    assert report["faults"][0] == {
        "spec": "faulty.yaml", "line": 4, "column": 19, "path": "function",
        "message": "unknown name 'z'",
    }  # fmt: skip
    wrong = report["checks"][2]
    assert (wrong["name"], wrong["verdict"], wrong["as_expected"]) == ("wrong", "fail", False)
    assert wrong["diagnoses"][0]["code"] == "scaled"
    (pair,) = wrong["pairs"]
    assert (pair["output"], pair["input"], pair["mode"], pair["entries"], pair["mismatched"]) == (
        "y", "x", "dense", 9, 3,
    )  # fmt: skip
    assert pair["output_shape"] == pair["input_shape"] == [3]
    assert pair["worst"]["output_index"] == pair["worst"]["input_index"]


def test_a_verdict_takes_less_time_than_importing_torch(tmp_path: Path) -> None:
    """Not a benchmark (see tests/benchmarks/startup.py): it only keeps torch itself from creeping in."""
    (tmp_path / "a.yaml").write_text(RIGHT, encoding="utf-8")
    program = (
        "import sys; from gradcheck_cli.run import *; run_paths([sys.argv[1]], RunOptions()); "
        "print([name for name in ('torch', 'jax', 'scipy', 'matplotlib') if name in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "a.yaml")],
        capture_output=True, text=True, check=True, env=os.environ | {"PYTHONWARNINGS": "error"},
    )  # fmt: skip
    assert ended.stdout == "[]\n"


def test_a_bug_of_ours_costs_its_own_check_alone(run_text: RunText, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(check, subject, *, strict):
        if check.name == "first":
            raise IndexError("out of range")
        return run_check(check, subject, strict=strict)

    monkeypatch.setattr("gradcheck_cli.work.bench.run_check", broken)
    report = run_text("inputs: {x: [2]}\nfunction: y = exp(x)\nchecks: [{name: first}, {name: second}]\n")
    assert [check.verdict for check in report.checks] == [Verdict.ERROR, Verdict.PASS]
    assert "a bug in gradcheck-cli" in report.checks[0].message
    assert "IndexError: out of range" in report.checks[0].message
    assert report.exit_code is ExitCode.UNDECIDED
