"""Heat maps: whole screens by hand-made arrays, and that no wrong entry hides in a cell that others share."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from gradcheck_cli.explicit import ExplicitJacobian, JacobianReport
from gradcheck_cli.report.jacobian_text import write_jacobians
from gradcheck_cli.report.matrix import bins, column_bins, matrix, row_bins
from gradcheck_cli.report.plain import plain


def jacobian(output_shape, input_shape, numeric, analytic, **other) -> ExplicitJacobian:
    numeric, analytic = (
        np.asarray(array, float).reshape(output_shape + input_shape) for array in (numeric, analytic)
    )
    settings = {
        "check": "layer",
        "spec": "layer.yaml",
        "line": 2,
        "point": "generic",
        "output": "y",
        "input": "x",
        "claim": "vjp",
        "low": numeric,
        "high": numeric,
        "bound": np.full(numeric.shape, 1e-11),
        "wrong": ~np.isclose(analytic, numeric),
        "undecided": np.zeros(numeric.shape, bool),
    }
    return ExplicitJacobian(
        output_shape=output_shape,
        input_shape=input_shape,
        numeric=numeric,
        analytic=analytic,
        **(settings | other),
    )


def small() -> ExplicitJacobian:
    numeric = np.array([[1.0, -1.0, 0.2, -0.2], [0.05, -0.05, 0.001, -0.001], [0.0, 0.5, 1e-9, 1.0]])
    analytic = numeric + 5e-12 * (numeric != 0)
    analytic[1, 2] = numeric[1, 2] * (1 + 4 * np.finfo(float).eps)
    analytic[2] = [0.0, 0.25, 1e-9, 1.01]
    return jacobian((3,), (2, 2), numeric, analytic)


def sparse(size: int = 1000) -> ExplicitJacobian:
    numeric = np.eye(size)
    analytic = numeric.copy()
    analytic[617, 41] = 1e-3
    return jacobian((size,), (size,), numeric, analytic)


def screen(one: ExplicitJacobian, width: int = 80, **options) -> str:
    report = JacobianReport(jacobians=(one,))
    shown = plain(lambda console: write_jacobians(report, console, **options), width)
    assert max(map(len, shown.splitlines())) <= width
    return "\n".join(shown.rstrip().splitlines())


SMALL = """\
          claimed        numeric        |difference|
          [0, 0]         [0, 0]         [0, 0]
    y[0]  █≡ ▓=          █≡ ▓=          ██ ██
    y[1]  ▒~ ░-          ▒~ ░-          ██ ░█
    y[2]  .▓ ░█          .█ ░█          .X .x

  down: y[0] to y[2]; across: x[0, 0] to x[1, 1]
  values: . is an exact zero, ░ ≤ 0.034, ▒ ≤ 0.1, ▓ ≤ 0.34, █ ≤ 1; - ~ = ≡ of
  the same sizes are negative
  differences: ░ ≤ 1e-17, ▒ ≤ 1e-15, ▓ ≤ 1e-13, █ ≤ 1e-11; X is wrong by more
  than 0.025, x by less
  numbers: --no-heat, --row, --column and --save"""


def test_shades_show_sizes_and_strokes_negative_values() -> None:
    assert screen(small(), heat=True).endswith(SMALL)


def test_a_terminal_without_shades() -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii", newline="\n")
    console = Console(file=file, width=80, legacy_windows=False)
    write_jacobians(JacobianReport(jacobians=(small(),)), console, heat=True)
    file.flush()
    shown = raw.getvalue().decode("ascii")
    assert "    y[1]  +~ :-          +~ :-          ## :#\n" in shown
    assert "    y[2]  .* :#          .# :#          .X .x\n" in shown


def test_colours_tell_signs_and_what_is_wrong() -> None:
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True, color_system="standard", legacy_windows=False)
    write_jacobians(JacobianReport(jacobians=(small(),)), console, heat=True)
    assert all(code in file.getvalue() for code in ("\x1b[35m█", "\x1b[36m≡", "\x1b[1;31mX"))


def test_numbers_while_they_fit_and_maps_where_they_do_not() -> None:
    assert "values:" not in screen(small(), 100)
    assert "|difference|" in screen(sparse())
    assert "|difference|" not in screen(sparse(), heat=False)


@pytest.mark.parametrize("width", [30, 60, 80, 120])
def test_one_wrong_entry_of_a_million_is_seen(width: int) -> None:
    shown = screen(sparse(), width)
    lines = [line for line in shown.splitlines() if line.startswith("    y[") and "X" in line]
    assert [line.split()[0] for line in lines] == ["y[608:640]"]
    # Its twin: without the mistake there is no mark.
    right = replace(sparse(), analytic=np.eye(1000), wrong=np.zeros((1000, 1000), bool))
    assert "X" not in screen(right, width)


def test_zero_differs_from_small_nan_and_undecided() -> None:
    numeric = np.array([[0.0, 1e-300, np.nan, 1.0]])
    undecided = np.array([[False, False, True, False]])
    one = jacobian((1,), (4,), numeric, numeric, wrong=np.zeros((1, 4), bool), undecided=undecided)
    shown = screen(one, heat=True)
    assert "y[0]  .░!█           .░!█           ..?." in shown
    assert "? is undecided; ! is no finite number" in " ".join(shown.split())


def test_rows_and_columns_are_arrays_of_their_shape() -> None:
    row = small().at((2,), None)
    assert [row_bins(row, 9).label(cell) for cell in (0, 1)] == ["x[0, :]", "x[1, :]"]
    assert "    x[0, :]  .▓             .█             .X\n" in screen(row, heat=True)
    column = small().at(None, (0, 1))
    assert (column_bins(column, 9).label(2), row_bins(column, 9).label(0)) == ("y[2]", "y")


@pytest.mark.parametrize("most", [1, 5, 7, 30, 59, 60, 1000])
def test_cells_hold_each_entry_once_and_keep_to_the_most(most: int) -> None:
    side = bins("x", (3, 4, 5), most)
    assert side.cells == len(side.starts) <= most
    assert side.starts[0] == 0
    assert np.all(np.diff([*side.starts, 60]) <= side.entries)
    assert (side.cells == 60) == (most >= 60)


def test_a_cell_shows_the_entry_furthest_from_zero() -> None:
    one = jacobian((2,), (4,), [[1, -3, 0, 0], [2, 2, -1, 0]], np.zeros(8))
    cells = matrix(one, row_bins(one, 2), column_bins(one, 2))
    np.testing.assert_array_equal(cells.numeric, [[-3, 0], [2, -1]])
    np.testing.assert_array_equal(cells.wrong, [[True, False], [True, True]])
