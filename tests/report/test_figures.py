"""Figures: what their axes hold, that the files are what they say, and how the commands write them."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from test_heat import jacobian, small, sparse
from test_taylor_screens import REPORTS

from gradcheck_cli.cli import main
from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.remainder import TaylorReport
from gradcheck_cli.report.figures import MOST, drawn, literal
from gradcheck_cli.report.figures_jacobian import jacobian_figure
from gradcheck_cli.report.figures_taylor import has_remainders, taylor_figure

SPEC = """\
gradcheck: 1
inputs: {x: [3]}
function: y = x * x
checks:
  - {name: right, vjp: {x: 2 * x * dy}}
  - {name: wrong, vjp: {x: x * dy}}
"""


def figure_of(*jacobians):
    pytest.importorskip("matplotlib")
    return jacobian_figure(jacobians)


def panels(figure) -> dict:
    return {axes.get_title(): axes for axes in figure.axes if axes.get_title()}


def test_three_panels_hold_the_arrays_and_no_zeros() -> None:
    one = small()
    shown = panels(figure_of(one))
    for title, array in (
        ("claimed", one.analytic),
        ("numeric", one.numeric),
        ("|difference|", np.abs(one.difference)),
    ):
        image = shown[title].images[0].get_array()
        np.testing.assert_array_equal(image.filled(0.0), array.reshape(3, 4))
        np.testing.assert_array_equal(image.mask, array.reshape(3, 4) == 0)


def test_wrong_entries_are_marked_and_right_ones_not() -> None:
    shown = panels(figure_of(small()))
    for title in ("claimed", "|difference|"):
        (marks,) = shown[title].collections
        np.testing.assert_array_equal(marks.get_offsets(), [(1, 2), (3, 2)])  # across, down
    right = replace(small(), wrong=np.zeros((3, 2, 2), bool))
    assert not panels(figure_of(right))["|difference|"].collections


def test_title_and_ticks() -> None:
    figure = figure_of(small())
    assert figure.subfigs[0].get_suptitle() == (
        "layer  layer.yaml:2\n∂y/∂x (vjp) at generic: 2 of 12 entries wrong"
    )
    axes = panels(figure)["claimed"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["[0, 0]", "[0, 1]", "[1, 0]", "[1, 1]"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["[0]", "[1]", "[2]"]


def test_a_lone_wrong_entry_of_a_large_jacobian_has_a_mark() -> None:
    axes = panels(figure_of(sparse()))["|difference|"]
    assert axes.images[0].get_array().shape == (500, 500)
    (marks,) = axes.collections
    np.testing.assert_array_equal(marks.get_offsets(), [(20, 308)])


def test_many_wrong_entries_have_a_line_around_them() -> None:
    wrong = np.zeros((30, 30), bool)
    wrong[2:8, 10:20] = True
    axes = panels(figure_of(jacobian((30,), (30,), np.ones(900), np.ones(900), wrong=wrong)))["claimed"]
    (line,) = axes.collections
    points = np.concatenate(line.get_segments())
    assert (points.min(axis=0).tolist(), points.max(axis=0).tolist()) == ([9.5, 1.5], [19.5, 7.5])
    assert len(line.get_segments()) == 2 * (6 + 10)


def test_no_number_is_infinite_or_missing_without_a_word() -> None:
    figure = figure_of(jacobian((1,), (3,), [[1.0, 2.0, 0.0]], [[np.nan, np.inf, 0.0]]))
    assert "black: no finite number" in panels(figure)["numeric"].get_xlabel()


@pytest.mark.parametrize(
    ("suffix", "start"), [(".png", b"\x89PNG\r\n"), (".svg", b"<?xml"), (".pdf", b"%PDF")]
)
def test_files_are_of_their_kind(suffix: str, start: bytes) -> None:
    pytest.importorskip("matplotlib")
    assert drawn(suffix, lambda: taylor_figure(REPORTS["right"])).startswith(start)


def test_the_same_report_makes_the_same_file() -> None:
    first, second = (drawn(".svg", lambda: figure_of(small())) for _ in range(2))
    assert first == second
    assert ET.fromstring(first).tag.endswith("svg")
    assert b"dc:date" not in first


def test_names_are_taken_literally() -> None:
    assert literal("cost $x$\x1b") == "cost \\$x\\$\\x1b"
    assert drawn(".png", lambda: figure_of(replace(small(), check="$\\frac{$ 層")))


def test_a_remainder_has_its_line_its_floor_and_a_guide() -> None:
    pytest.importorskip("matplotlib")
    (axes,) = taylor_figure(REPORTS["right"]).axes
    lines = {line.get_label(): line for line in axes.lines}
    row = REPORTS["right"].checks[0].rows[0]
    drawn_line = lines["∂y/∂x (vjp): of order t², fitted order 2.00"]
    np.testing.assert_array_equal(
        drawn_line.get_xydata(), [(step.step, step.remainder) for step in row.steps]
    )
    (right,) = [line for name, line in lines.items() if "t²" in name and name.startswith("as")]
    (start, end) = np.log(right.get_xydata())
    assert (end - start)[1] / (end - start)[0] == pytest.approx(2)
    assert "round-off: 3.2e-15" in lines
    assert not any("as t (wrong)" in name for name in lines)
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")


def test_a_wrong_claim_has_a_guide_of_order_one_and_a_misfit_no_line() -> None:
    pytest.importorskip("matplotlib")
    (axes,) = taylor_figure(REPORTS["wrong"]).axes
    assert axes.get_title().startswith("FAIL: dense layer")
    names = [line.get_label() for line in axes.lines]
    assert "as t (wrong)" in names
    assert not any("∂y/∂b" in name for name in names)


def test_what_cannot_be_drawn_or_is_too_much() -> None:
    pytest.importorskip("matplotlib")
    assert len(taylor_figure(REPORTS["unclear"]).axes) == 2
    assert not any(map(has_remainders, REPORTS["only_faults"].checks))
    with pytest.raises(GradcheckError, match=f"up to {MOST} checks, and there are 13; use -k"):
        taylor_figure(TaylorReport(checks=REPORTS["right"].checks * 13))
    with pytest.raises(GradcheckError, match="there are 13; use -k, --of, --wrt"):
        jacobian_figure([small()] * 13)


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text(SPEC, encoding="utf-8")
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.mark.parametrize("command", ["jacobian", "taylor"])
def test_the_commands_write_it_and_keep_their_exit_codes(spec: Path, command: str) -> None:
    pytest.importorskip("matplotlib")
    ended = call(command, "a.yaml", "--plot", "both.PNG")
    assert ended.exit_code == 1
    assert ended.stdout == call(command, "a.yaml").stdout
    assert (spec / "both.PNG").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("command", ["jacobian", "taylor"])
@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("a.gif", "'a.gif' is no file of a figure; write FILE.png, FILE.svg, FILE.pdf"),
        ("no/a.png", "'no/a.png' is no file in a directory that exists"),
    ],
)
def test_a_file_that_cannot_be_drawn(spec: Path, command: str, file: str, message: str) -> None:
    ended = call(command, "a.yaml", "--plot", file)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert message in " ".join(ended.stderr.split())


@pytest.mark.parametrize("command", ["jacobian", "taylor"])
def test_without_matplotlib_nothing_begins(spec: Path, monkeypatch, command: str) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    ended = call(command, "a.yaml", "--plot", "a.png")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert "pip install 'gradcheck-cli[plot]'" in ended.stderr
    assert not (spec / "a.png").exists()


def test_nothing_to_draw_is_said(spec: Path) -> None:
    pytest.importorskip("matplotlib")
    Path("bad.yaml").write_text("gradcheck: 1\ninputs: {x: [3]}\nfunction: y = q\n", encoding="utf-8")
    for command in ("jacobian", "taylor"):
        ended = call(command, "bad.yaml", "--plot", "a.png")
        assert (ended.exit_code, ended.stderr) == (2, "there is nothing to draw: a.png is not written\n")
    assert not (spec / "a.png").exists()
