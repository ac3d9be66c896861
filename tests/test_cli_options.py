"""What the command line makes of its options, with a runner that only notes what it was asked for."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import textwrap
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import gradcheck_cli
from gradcheck_cli.cli import main
from gradcheck_cli.cli.options import parse_memory
from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.report import RENDERERS
from gradcheck_cli.result import CheckResult, Fault, RunReport, Verdict

ROOT = Path(gradcheck_cli.__file__).parent.parent


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    seed: int | None = None
    rtol: float | None = None
    atol: float | None = None
    max_memory: int = 2**30
    strict: bool = False
    no_code: bool = False
    select: str | None = None
    stop_at_first: bool = False
    jobs: int = 1
    timeout: float | None = None


def result(name: str = "linear", verdict: Verdict = Verdict.PASS, **other) -> CheckResult:
    settings = {"spec": "a.yaml", "as_expected": verdict is Verdict.PASS}
    return CheckResult(name=name, verdict=verdict, **(settings | other))


@dataclass
class Runner:
    """Stands for gradcheck_cli.run: hands out ``report`` check by check, then raises ``failure`` if any."""

    report: RunReport = field(default_factory=lambda: RunReport(checks=(result(),)))
    failure: BaseException | None = None
    paths: Sequence[str] = ()
    options: RunOptions | None = None

    def run_paths(
        self,
        paths: Sequence[str],
        options: RunOptions,
        on_result: Callable[[CheckResult], None] | None = None,
        to: object = None,
    ) -> RunReport:
        self.paths, self.options = paths, options
        for check in self.report.checks:
            on_result(check)
        if self.failure:
            raise self.failure
        return self.report

    def __call__(self, *arguments: str, **settings) -> Result:
        return CliRunner().invoke(main, ["run", *arguments], **settings)


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Runner:
    runner = Runner()
    module = types.ModuleType("gradcheck_cli.run")
    module.RunOptions, module.run_paths = RunOptions, runner.run_paths
    monkeypatch.setitem(sys.modules, "gradcheck_cli.run", module)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return runner


def test_defaults(runner: Runner) -> None:
    ended = runner()
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert list(runner.paths) == ["."]
    assert runner.options == RunOptions()


def test_every_option_arrives(runner: Runner, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").touch()
    (tmp_path / "specs").mkdir()
    arguments = "a.yaml specs -k linear -x --seed 7 --rtol 1e-3 --atol 0 --max-memory 2MiB --strict --no-code"
    arguments += " -j 3 --timeout 2.5"
    assert runner(*arguments.split()).exit_code == 0
    assert list(runner.paths) == ["a.yaml", "specs"]
    assert runner.options == RunOptions(
        seed=7,
        rtol=1e-3,
        atol=0.0,
        max_memory=2**21,
        strict=True,
        no_code=True,
        select="linear",
        stop_at_first=True,
        jobs=3,
        timeout=2.5,
    )


def test_every_field_of_the_options_can_be_set() -> None:
    names = {parameter.name for parameter in main.commands["run"].params}
    assert {option.name for option in dataclasses.fields(RunOptions)} <= names


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1GiB", 2**30),
        ("1gib", 2**30),
        ("1.5 MiB", 3 * 2**19),
        ("2KB", 2000),
        ("3MB", 3_000_000),
        ("4GB", 4_000_000_000),
        ("64KiB", 65536),
        ("17 B", 17),
        ("1000", 1000),
    ],
)
def test_memory(text: str, size: int) -> None:
    assert parse_memory(None, None, text) == size


@pytest.mark.parametrize(
    "text", ["", "GiB", "-1GiB", "1 parsec", "1Gi", "1e9", "inf", "0", "0.1B", "9" * 500]
)
def test_what_is_no_memory(text: str) -> None:
    with pytest.raises(click.BadParameter):
        parse_memory(None, None, text)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--format xml", "Invalid value for '--format': 'xml' is no format; choose from text, json"),
        ("--format json=", "'' is no file in a directory that exists; write json=FILE"),
        ("--format json=nowhere/a.json", "'nowhere/a.json' is no file in a directory that exists"),
        ("--format json=.", "'.' is no file in a directory that exists"),
        ("--format text --format json", "standard output can hold one format, not text and json"),
        ("--format json --format json", "standard output can hold one format, not json and json"),
        ("--format text=a --format json=a", "two formats cannot be written to one file"),
        ("--rtol -1", "Invalid value for '--rtol': -1.0 is no tolerance"),
        ("--atol nan", "Invalid value for '--atol': nan is no tolerance"),
        ("--rtol inf", "inf is no tolerance"),
        ("--seed -1", "Invalid value for '--seed'"),
        ("--max-memory 1TB2", "Invalid value for '--max-memory': '1TB2' is no size"),
        ("--mode dense", "No such option"),
    ],
)
def test_a_wrong_command_line_runs_nothing(runner: Runner, arguments: str, message: str) -> None:
    ended = runner(*arguments.split())
    assert ended.exit_code == 2
    assert message in " ".join(ended.stderr.split())
    assert ended.stdout == ""
    assert runner.options is None


@pytest.mark.parametrize(
    ("report", "code"),
    [
        (RunReport(), 0),
        (RunReport(checks=(result(),)), 0),
        (RunReport(checks=(result(verdict=Verdict.FAIL),)), 1),
        (RunReport(checks=(result(verdict=Verdict.FAIL, expect="fail", as_expected=True),)), 0),
        (RunReport(checks=(result(expect="fail", as_expected=False),)), 1),
        (RunReport(checks=(result(verdict=Verdict.INCONCLUSIVE),)), 3),
        (RunReport(checks=(result(verdict=Verdict.ERROR), result(verdict=Verdict.FAIL))), 1),
        (RunReport(checks=(result(verdict=Verdict.FAIL),), faults=(Fault(spec="b", message="m"),)), 2),
    ],
)
@pytest.mark.parametrize("name", RENDERERS)
def test_exit_codes(runner: Runner, report: RunReport, code: int, name: str) -> None:
    runner.report = report
    assert runner("--format", name).exit_code == code


def test_text_is_shown_check_by_check(runner: Runner) -> None:
    runner.report = RunReport(checks=(result("one"), result("two")), seconds=0.5)
    assert runner().stdout == (
        "ok    one                    0 pairs   max error 0         detectable 0\n"
        "ok    two                    0 pairs   max error 0         detectable 0\n"
        "\n"
        "2 checks: 2 passed (0.50 s)\n"
    )


def test_quiet_and_verbose(runner: Runner) -> None:
    runner.report = RunReport(checks=(result("one"), result("two", Verdict.ERROR, message="no such file")))
    assert runner("-q").stdout == (
        "ERROR  two  a.yaml:1  no such file\n\n2 checks: 1 passed, 1 with an error (0.00 s)\n"
    )
    assert "ok    one  a.yaml:1\n  analytic and numeric derivatives agree" in runner("-v").stdout


def test_json_on_standard_output_is_nothing_but_json(runner: Runner) -> None:
    document = json.loads(runner("--format", "json").stdout)
    assert [check["name"] for check in document["checks"]] == ["linear"]


def test_a_format_for_a_file_leaves_the_text_on_the_screen(runner: Runner, tmp_path: Path) -> None:
    ended = runner("--format", "json=report.json", "--format", "text=report.txt")
    assert "1 check: 1 passed" in ended.stdout
    assert json.loads((tmp_path / "report.json").read_text())["summary"]["checks"] == 1
    assert "1 check: 1 passed" in (tmp_path / "report.txt").read_text()
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_that_cannot_be_written(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    def full_disk(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    ended = runner("--format", "json=report.json")
    assert ended.exit_code == 2
    assert ended.stderr == "Error: cannot write report.json: No space left on device\n"


def test_an_error_of_the_user_is_one_line(runner: Runner) -> None:
    runner.report, runner.failure = RunReport(), GradcheckError("-k: 'a and' ends too early\x1b[2J")
    ended = runner("-k", "a and")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr == "Error: -k: 'a and' ends too early\\x1b[2J\n"


def test_a_bug_is_a_traceback_but_not_the_verdict_wrong(runner: Runner) -> None:
    runner.failure = ZeroDivisionError("of ours")
    ended = runner()
    assert ended.exit_code == 3
    assert "ok    linear" in ended.stdout
    assert ended.stderr.startswith("Traceback (most recent call last)")
    *_, error, request = ended.stderr.splitlines()
    assert error == "ZeroDivisionError: of ours"
    assert "please report it" in request


def test_no_columns_is_no_known_width(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = runner("-v").stdout
    monkeypatch.setenv("COLUMNS", "0")
    assert runner("-v").stdout == usual


def test_an_interrupt_shows_what_is_known(runner: Runner, tmp_path: Path) -> None:
    runner.failure = KeyboardInterrupt()
    ended = runner("--format", "json=report.json")
    assert ended.exit_code == 130
    assert "1 check: 1 passed" in ended.stdout
    assert ended.stderr == "interrupted: more was to come\n"
    assert json.loads((tmp_path / "report.json").read_text())["summary"]["checks"] == 1


def test_an_interrupt_leaves_whole_json(runner: Runner) -> None:
    runner.failure = KeyboardInterrupt()
    ended = runner("--format", "json")
    assert ended.exit_code == 130
    assert json.loads(ended.stdout)["summary"]["checks"] == 1


def test_colours_only_when_asked_for(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in runner(color=True).stdout
    assert "\x1b[32mok" in runner("--color", color=True).stdout
    assert "\x1b" not in runner("--no-color", color=True).stdout
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32m" not in runner(color=True).stdout


def test_a_terminal_that_lacks_the_glyphs(runner: Runner) -> None:
    runner.report = RunReport(
        checks=(result("größe ∂", Verdict.FAIL),), faults=(Fault(spec="ü\udc80.yaml", message="2 × 3"),)
    )
    ended = CliRunner(charset="ascii").invoke(main, ["run"])
    assert ended.exit_code == 2
    assert "gr\\xf6\\xdfe d " in ended.stdout
    assert "\\xfc\\udc80.yaml:1:1: 2 x 3" in ended.stdout


def test_version() -> None:
    ended = CliRunner().invoke(main, ["--version"])
    assert ended.stdout == f"gradcheck, version {gradcheck_cli.__version__}\n"


def python(*arguments: str, **settings) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=False,
        **settings,
    )


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    program = f"""
        import atexit, sys
        from gradcheck_cli.cli import main
        heavy = ["numpy", "pydantic", "yaml", "rich", "gradcheck_cli.run"]
        atexit.register(lambda: print("imported:", [name for name in heavy if name in sys.modules]))
        main({arguments})
    """
    assert "imported: []" in python("-c", textwrap.dedent(program)).stdout


def test_as_a_module() -> None:
    ended = python("-m", "gradcheck_cli", "--help")
    assert ended.stdout.startswith("Usage: gradcheck [OPTIONS] COMMAND")


STANDING_IN = """
    import sys, types
    from gradcheck_cli.result import CheckResult, RunReport, Verdict
    def run_paths(paths, options, on_result, to=None):
        check = CheckResult(name="x", spec="a.yaml", verdict=Verdict.PASS, as_expected=True)
        on_result(check)
        return RunReport(checks=(check,))
    sys.modules["gradcheck_cli.run"] = types.SimpleNamespace(RunOptions=dict, run_paths=run_paths)
    from gradcheck_cli.cli import main
    main(["run", *sys.argv[1:]])
"""


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="no device that is full")
@pytest.mark.parametrize("options", [["--format", "text"], ["--format", "json"], ["-q"]])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_standard_output_is_one_line(options: list[str], unbuffered: str) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(STANDING_IN), *options],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": unbuffered},
            timeout=60,
            check=False,
        )
    assert ended.stderr == "Error: cannot write to standard output: No space left on device\n"
    assert ended.returncode == 2


@pytest.mark.skipif(not Path("/dev/stdout").is_symlink(), reason="no name for standard output")
def test_a_report_for_standard_output_by_its_name() -> None:
    program = textwrap.dedent(STANDING_IN)
    ended = python("-c", program, "-q", "--format", "text", "--format", "json=/dev/stdout")
    assert (ended.returncode, ended.stderr) == (0, "")
    shown, _, document = ended.stdout.partition("\n")
    assert shown == "1 check: 1 passed (0.00 s)"
    assert json.loads(document)["summary"]["pass"] == 1


@pytest.mark.skipif(os.name == "nt", reason="closed pipes are told differently there")
@pytest.mark.parametrize("name", RENDERERS)
def test_a_closed_pipe_is_no_traceback(name: str, tmp_path: Path) -> None:
    program = f"""
        import sys, time, types
        from gradcheck_cli.result import CheckResult, RunReport, Verdict
        def run_paths(paths, options, on_result, to=None):
            check = CheckResult(name="x" * 70, spec="a.yaml", verdict=Verdict.PASS, as_expected=True)
            for _ in range(5000):
                on_result(check)
            return RunReport(checks=(check,) * 5000)
        sys.modules["gradcheck_cli.run"] = types.SimpleNamespace(RunOptions=dict, run_paths=run_paths)
        from gradcheck_cli.cli import main
        main(["run", "--format", "{name}"])
    """
    file = tmp_path / "program.py"
    file.write_text(textwrap.dedent(program))
    command = f'("{sys.executable}" "{file}"; echo "exit $?" >&2) | head -n 1'
    ended = subprocess.run(
        ["sh", "-c", command],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=60,
        check=False,
    )
    assert ended.stdout.count("\n") == 1
    assert ended.stderr == "exit 141\n"
