"""The specs that are shipped: all come out as expected, every statement of the notes is among them."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from frameworks import FRAMEWORKS
from guide_files import write_code
from verdicts import verdict_alone

from gradcheck_cli.functions.claims import compile_check
from gradcheck_cli.result import ExitCode, RunReport, Verdict
from gradcheck_cli.run import RunOptions, run_paths
from gradcheck_cli.spec.load import find_specs, load_specs
from gradcheck_cli.spec.types import CheckSpec, Text

SPECS = Path(__file__).parent.parent / "specs"
GUIDE = SPECS / "README.md"
EXAMPLE = re.compile(r"(<!-- (\w+) -->\n)?```yaml\n(.*?)\n```", re.DOTALL)


@pytest.fixture(scope="module")
def report(shipped: RunReport) -> RunReport:
    return shipped


def test_everything_comes_out_as_expected(report: RunReport) -> None:
    assert report.exit_code == ExitCode.OK, [check.name for check in report.unexpected]


@pytest.mark.parametrize("row", [f"N{number}" for number in range(1, 13)])
def test_every_row_of_the_notes_is_shown_by_a_passing_check(report: RunReport, row: str) -> None:
    rows = {"linear layer": "N10"}  # the worked example keeps its own name
    names = [
        check.name
        for check in report.checks
        if check.verdict is Verdict.PASS and (check.name.startswith(f"{row}:") or rows.get(check.name) == row)
    ]
    assert names


def test_every_erratum_fails_beside_a_right_statement_that_passes(report: RunReport) -> None:
    errata = [check for check in report.checks if check.spec.endswith("errata.yaml")]
    right = [check for check in errata if check.name.startswith("right: ")]
    wrong = [check for check in errata if check.name.startswith("erratum: ")]
    assert len(right) == 6
    assert len(right) + len(wrong) == len(errata)
    assert all(check.verdict is Verdict.PASS for check in right)
    assert all(check.verdict is Verdict.FAIL for check in wrong)


@pytest.mark.parametrize("seed", range(1, 3))
def test_other_seeds_change_no_verdict(seed: int) -> None:
    paths = [str(SPECS / folder) for folder in ("notes", "layers")]
    assert run_paths(paths, RunOptions(seed=seed)).exit_code == ExitCode.OK


def claims() -> list[tuple[CheckSpec, str, Text]]:
    """Every VJP claim of the notes that passes."""
    files, _ = find_specs([str(SPECS / "notes")])
    checks = [check for file in files for check in load_specs(file, max_memory=2**30)[0]]
    return [
        (check, name, text)
        for check in checks
        if check.expect == "pass" and "[" not in check.name  # one size of a sweep is enough
        for name, text in check.vjp.items()
    ]


MISTAKES = {
    "sign": "-({})",
    "factor": "1.01 * ({})",
    "square": "({}) * abs({})",
    "nothing": "0 * ({})",
    "offset": "({}) + 1",
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize(
    ("check", "name", "text"), claims(), ids=[f"{check.name}-{name}" for check, name, _ in claims()]
)
def test_a_mistake_planted_in_any_claim_fails(check: CheckSpec, name: str, text: Text, mistake: str) -> None:
    *lines, last = text.text.rstrip().splitlines()
    planted = "\n".join([*lines, MISTAKES[mistake].format(last.strip(), last.strip())])
    wrong = dataclasses.replace(check, vjp={**check.vjp, name: dataclasses.replace(text, text=planted)})
    subject, faults = compile_check(wrong, max_memory=2**30)
    assert not faults
    assert verdict_alone(wrong, subject).verdict is Verdict.FAIL


def examples() -> list[object]:
    found = EXAMPLE.findall(GUIDE.read_text(encoding="utf-8"))
    return [
        pytest.param(
            kind or "passes",
            text,
            id=str(number),
            marks=[getattr(pytest.mark, kind)] if kind in FRAMEWORKS else [],
        )
        for number, (_, kind, text) in enumerate(found)
    ]


@pytest.mark.parametrize(("kind", "text"), examples())
def test_each_example_of_the_guide_does_what_it_says(
    kind: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = {"passes": ExitCode.OK, "fails": ExitCode.WRONG, "fault": ExitCode.USAGE}
    if kind in FRAMEWORKS:
        pytest.importorskip(kind)
    monkeypatch.chdir(tmp_path)
    write_code(GUIDE.read_text(encoding="utf-8"), tmp_path)
    Path("example.yaml").write_text(text, encoding="utf-8")
    assert run_paths(["example.yaml"], RunOptions()).exit_code == expected.get(kind, ExitCode.OK)
