"""Whole screens, compared literally.

After a change of the layout run with ``UPDATE_SCREENS=1`` and look at every screen that changed.
"""

from __future__ import annotations

import io
import os
import unicodedata
from pathlib import Path

import pytest
from report_samples import EVERYTHING, FAILING, REPORTS
from rich.console import Console

from gradcheck_cli.report import RENDERERS
from gradcheck_cli.report.text import render_check, render_string, render_summary, render_text
from gradcheck_cli.result import RunReport

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
    lines = screen(REPORTS[report], width, verbosity, encoding).splitlines()
    shown = "".join(f"{line.rstrip()}\n" for line in lines)
    file = SCREENS / f"{name}.txt"
    if os.environ.get("UPDATE_SCREENS"):
        file.write_text(shown, encoding="utf-8")
    assert shown == file.read_text(encoding="utf-8")


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
    assert "transposed (w): the claim is the transpose of the right gradient" in coloured


def test_checks_as_they_come_make_the_same_screen() -> None:
    file = io.StringIO()
    console = Console(file=file, width=80)
    for check in EVERYTHING.checks:
        render_check(check, console)
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
