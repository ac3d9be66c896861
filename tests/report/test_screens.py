"""Whole screens of a run, compared literally."""

from __future__ import annotations

import io
import re
import unicodedata
from dataclasses import replace
from math import inf, nan
from pathlib import Path

import pytest
from report_samples import EVERYTHING, FAILING, REPORTS, WRONG_SHAPE, Y_B, Y_X, check, entry, pair
from rich.console import Console
from screen_files import assert_screen

from gradcheck_cli.report import RENDERERS
from gradcheck_cli.report.screen import open_console
from gradcheck_cli.report.text import render_check, render_string, render_summary, render_text
from gradcheck_cli.result import PairResult, RunReport, Verdict

SCREENS = Path(__file__).parent / "screens"
WIDTHS = (60, 80, 140)
QUIET, USUAL, VERBOSE = -1, 0, 1

# File of the screen → report, width, verbosity, encoding.
CASES = {
    **{f"{name}_{width}": (name, width, USUAL, "utf-8") for name in REPORTS for width in WIDTHS},
    **{f"{name}_80_ascii": (name, 80, USUAL, "ascii") for name in ("passing", "failing", "awkward")},
    **{
        f"{name}_{width}_verbose": (name, width, VERBOSE, "utf-8")
        for name in ("passing",)
        for width in WIDTHS
    },
    "contract_80_verbose": ("contract", 80, VERBOSE, "utf-8"),
    "failing_80_verbose": ("failing", 80, VERBOSE, "utf-8"),
    "values_60_ascii_verbose": ("values", 60, VERBOSE, "ascii"),
    "values_60_verbose": ("values", 60, VERBOSE, "utf-8"),
    **{f"{name}_80_quiet": (name, 80, QUIET, "utf-8") for name in REPORTS},
}


def screen(report: RunReport, width: int, verbosity: int = 0, encoding: str = "utf-8", **options) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="\n")
    console = Console(file=file, width=width, legacy_windows=False, **options)
    render_text(report, console, verbosity=verbosity)
    file.flush()
    return raw.getvalue().decode(encoding)


@pytest.mark.parametrize("name", CASES)
def test_screen(name: str) -> None:
    report, width, verbosity, encoding = CASES[name]
    assert_screen(screen(REPORTS[report], width, verbosity, encoding), SCREENS / f"{name}.txt")


def test_no_screen_is_left_over() -> None:
    assert {file.stem for file in SCREENS.glob("*.txt")} == set(CASES)


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
@pytest.mark.parametrize("width", [40, 60, 80, 140, 300])
def test_every_line_fits_and_nothing_is_cut(width: int, encoding: str) -> None:
    shown = screen(EVERYTHING, width, VERBOSE, encoding)
    assert max(map(len, shown.splitlines())) <= width
    assert "…" not in shown
    assert "-0.0123457" in shown
    assert "1.1e-12" in shown


@pytest.mark.parametrize("verbosity", [QUIET, USUAL, VERBOSE])
def test_names_cannot_steer_the_terminal(verbosity: int) -> None:
    shown = screen(REPORTS["awkward"], 80, verbosity)
    assert {unicodedata.category(character) for character in shown.replace("\n", "")}.isdisjoint({"Cc", "Cf"})
    assert "[red]not red[/red] \\x1b[31mnot red" in shown


def test_only_our_own_escape_sequences_in_colour() -> None:
    coloured = screen(REPORTS["awkward"], 140, color_system="standard", force_terminal=True)
    assert "\x1b[1;31mFAIL" in coloured
    assert "\x1b]0;title" not in coloured
    assert "\x1b[2J" not in coloured


def test_numbers_are_not_highlighted() -> None:
    coloured = screen(REPORTS["failing"], 80, color_system="standard", force_terminal=True)
    assert "3.45e-12" in coloured
    assert "transposed: the claim is the transpose of the right gradient" in coloured


def test_checks_as_they_come_make_the_same_screen() -> None:
    file = io.StringIO()
    console = Console(file=file, width=80)
    for one in EVERYTHING.checks:
        render_check(one, console)
    render_summary(EVERYTHING, console)
    assert file.getvalue() == screen(EVERYTHING, 80)


def test_a_string_has_no_trailing_blanks_and_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    text = RENDERERS["text"](EVERYTHING)
    assert text == render_string(EVERYTHING)
    assert "\x1b" not in text
    assert not any(line.endswith(" ") for line in text.split("\n"))
    assert text.endswith(")\n")


def test_a_failing_check_is_told_from_an_expected_failure() -> None:
    failing = screen(RunReport(checks=(FAILING,)), 80)
    assert failing.startswith("FAIL")
    assert "1 check: 1 failed (" in failing
    expected = screen(RunReport(checks=(REPORTS["passing"].checks[-1],)), 80)
    assert expected.startswith("ok")
    assert "1 check: 1 failed as expected (" in expected


def of_pair(one: PairResult, **other) -> list[str]:
    report = RunReport(checks=(check("one", one.verdict, pairs=(one,), **other),))
    return [line.strip() for line in screen(report, 120).splitlines()]


@pytest.mark.parametrize(
    ("wrong", "undecided", "shown", "title"),
    [
        (1, 0, "F", "wrong entry of ∂y/∂x (vjp)"),
        (2, 0, "FF", "wrong entries of ∂y/∂x (vjp), worst first"),
        (4, 0, "F", "wrong entries of ∂y/∂x (vjp), the worst of 4"),
        (4, 0, "FF", "wrong entries of ∂y/∂x (vjp), the worst 2 of 4"),
        (0, 1, "I", "undecided entry of ∂y/∂x (vjp)"),
        (0, 5, "II", "undecided entries of ∂y/∂x (vjp), the worst 2 of 5"),
        (1, 1, "FI", "wrong entries of ∂y/∂x (vjp), worst first (1 wrong, 1 undecided)"),
        (5, 3, "FF", "wrong entries of ∂y/∂x (vjp), the worst 2 of 8 (5 wrong, 3 undecided)"),
        # The undecided entry was decided at another point.
        (1, 0, "FI", "wrong entry of ∂y/∂x (vjp)"),
    ],
)
def test_title_of_the_entries(wrong: int, undecided: int, shown: str, title: str) -> None:
    verdicts = [{"F": Verdict.FAIL, "I": Verdict.INCONCLUSIVE}[letter] for letter in shown]
    one = pair(
        "y",
        (3,),
        "x",
        (3,),
        verdict=verdicts[0],
        mismatched=wrong,
        inconclusive=undecided,
        shown=tuple(entry((i,), (0,), 1.0, 2.0, verdict=verdict) for i, verdict in enumerate(verdicts)),
    )
    lines = of_pair(one)
    assert title in lines
    remark = {0: [], 1: ["∂y/∂x (vjp): 1 entry of 9 undecided"]}
    expected = remark.get(undecided, [f"∂y/∂x (vjp): {undecided} entries of 9 undecided"])
    assert [line for line in lines if line.startswith("∂y/∂x (vjp): ")] == expected
    assert any("INCONCLUSIVE" in line and "generic" in line for line in lines) == (
        bool(wrong and undecided and "I" in shown)
    )


def test_a_pair_judged_nowhere_has_no_wrong_entries_to_show() -> None:
    right = entry((0,), (0,), 1.0, 1.0, verdict=Verdict.PASS)
    lines = of_pair(pair("y", (2,), "x", (1,), verdict=Verdict.INCONCLUSIVE, inconclusive=1, worst=right))
    assert not any("entries of" in line or line.startswith("undecided") for line in lines)


def test_a_claim_of_the_wrong_shape_is_said_once() -> None:
    (misfit,) = WRONG_SHAPE.pairs
    lines = of_pair(misfit, diagnoses=WRONG_SHAPE.diagnoses)
    start = lines.index("∂y/∂x (vjp): the claim has no value of the right shape, for example")
    assert lines[start + 3].startswith("∂y[0]/∂x[0]")
    assert lines[start + 4] == ""
    assert not any("inf" in line.split() for line in lines)
    assert any(line.split()[:2] == ["∂y/∂x", "vjp"] and line.count(" none ") == 2 for line in lines)


def test_a_claim_that_is_nan_in_some_entries_names_them() -> None:
    shown = tuple(entry((i,), (0,), nan, 0.0) for i in range(2))
    some = pair(
        "y",
        (2,),
        "x",
        (2,),
        verdict=Verdict.FAIL,
        mismatched=2,
        max_abs_error=inf,
        max_rel_error=inf,
        shown=shown,
    )
    lines = of_pair(some)
    assert "wrong entries of ∂y/∂x (vjp), worst first" in lines
    assert sum(line.startswith("∂y[") for line in lines) == 2
    assert any("inf" in line.split() for line in lines)


def test_a_long_count_leaves_the_errors_in_their_columns() -> None:
    twice = check("twice", pairs=(Y_X, replace(Y_X, claim="jvp"), Y_B))
    once, more = screen(RunReport(checks=(REPORTS["passing"].checks[0], twice)), 80).splitlines()[:2]
    assert "  2 pairs   max error" in once
    assert "  3 comparisons  max error" in more
    assert once.index("max error") == more.index("max error")


@pytest.mark.parametrize("color", [None, False, True])
def test_no_line_through_a_pipe_ends_in_blanks(color: bool | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    texts = {}
    for is_terminal in (False, True):
        raw = io.BytesIO()
        file = io.TextIOWrapper(raw, encoding="utf-8", newline="\n")
        monkeypatch.setattr(file, "isatty", lambda answer=is_terminal: answer, raising=False)
        monkeypatch.setattr("sys.stdout", file)
        render_text(EVERYTHING, open_console(color=color), verbosity=VERBOSE)
        texts[is_terminal] = re.sub(r"\x1b\[[\d;]*m", "", raw.getvalue().decode())
    lines = texts[False].split("\n")
    assert [line for line in lines if line != line.rstrip()] == []
    assert lines == [line.rstrip() for line in texts[True].split("\n")]
