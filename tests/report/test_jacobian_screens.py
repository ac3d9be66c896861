"""Explicit Jacobians: whole screens of arrays made by hand, so that no digit depends on the machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from screen_files import assert_screen

from gradcheck_cli.errors import ShapeError
from gradcheck_cli.explicit import ExplicitJacobian, JacobianReport, Unseen
from gradcheck_cli.report.jacobian_text import write_jacobians
from gradcheck_cli.report.plain import plain
from gradcheck_cli.result import ExitCode, Fault
from gradcheck_cli.shapes import Shape, Size

SCREENS = Path(__file__).parent / "screens_jacobian"
WIDTHS = (60, 80, 140)
N, D, M = Size(2, "N"), Size(3, "D"), Size(2, "M")


def jacobian(output_shape: Shape, input_shape: Shape, numeric: np.ndarray, **other) -> ExplicitJacobian:
    array = numeric.reshape(output_shape + input_shape)
    settings = {
        "check": "linear layer",
        "spec": "linear.yaml",
        "line": 2,
        "point": "generic",
        "output": "y",
        "input": "x",
        "claim": "vjp",
        "analytic": array,
        "low": array,
        "high": array,
        "bound": np.full(array.shape, 1.5e-11),
        "wrong": np.zeros(array.shape, dtype=bool),
        "undecided": np.zeros(array.shape, dtype=bool),
    }
    return ExplicitJacobian(
        output_shape=output_shape, input_shape=input_shape, numeric=array, **(settings | other)
    )


def block_sparse() -> ExplicitJacobian:
    """∂(x w)/∂x with the sign of one column of w flipped in the claim."""
    w = np.array([[0.25, -1.5], [2.0, 0.125], [-0.75, 3.0]])
    numeric = np.einsum("np,dm->nmpd", np.eye(2), w)
    analytic = numeric.copy()
    analytic[:, 1] *= -1
    wrong = analytic != numeric
    return jacobian((N, M), (N, D), numeric, analytic=analytic + 0.0, wrong=wrong)


def kinks() -> ExplicitJacobian:
    """∂|x|/∂x where the first entry of x is 0 and the second could not be judged."""
    numeric = np.diag([0.25, -1.0, 1.0])
    low, high = numeric.copy(), numeric.copy()
    low[0, 0], high[0, 0] = -1.0, 1.0
    undecided = np.diag([False, True, False])
    analytic = np.diag([0.25, 4.0e11, 1.0])
    return jacobian((D,), (D,), numeric, analytic=analytic, low=low, high=high, undecided=undecided)


def large(rows: Shape, columns: Shape) -> ExplicitJacobian:
    size = int(np.prod(rows, dtype=int) * np.prod(columns, dtype=int))
    return jacobian(rows, columns, np.arange(size) / 64 - 1)


JACOBIANS = {
    "blocks": block_sparse(),
    "scalars": jacobian((), (), np.array(0.5)),
    "gradient": jacobian((), (M, D), np.arange(6) / 8, output="L"),
    "scalar_in": jacobian((M, D), (), np.arange(6) / 8, input="t"),
    "vectors": jacobian((M,), (D,), np.arange(6) / 8),
    "empty": jacobian((0, M), (D,), np.zeros(0)),
    "kinks": kinks(),
    "kink": kinks().at((0,), (0,)),
    "expected": replace(block_sparse(), expects_failure=True),
    "single": jacobian((2, 2), (2,), np.arange(8.0), itemsize=4),
    "row": block_sparse().at((0, 1), None),
    "column": block_sparse().at(None, (0, -1)),
    "entry": block_sparse().at((0, 1), (0, 2)),
    "large": large((12, 10), (9, 11)),
    "long": large((40,), (50,)),
    "deep": large((2, 3), (2, 2, 2)),
    "misfit": replace(
        block_sparse(),
        analytic=np.full((2, 2, 2, 3), np.nan),
        wrong=np.ones((2, 2, 2, 3), dtype=bool),
        misfit="linear.yaml:7:6: vjp.x: the derivative for x has the shape (2, 2), it must be (2, 3)",
    ),
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", JACOBIANS)
def test_screen(name: str, width: int) -> None:
    report = JacobianReport(jacobians=(JACOBIANS[name],))
    shown = plain(lambda console: write_jacobians(report, console, heat=False), width)
    assert max(map(len, shown.splitlines())) <= width
    assert_screen(shown, SCREENS / f"{name}_{width}.txt")


def test_no_screen_is_left_over() -> None:
    assert {file.stem for file in SCREENS.iterdir()} == {
        f"{name}_{width}" for name in JACOBIANS for width in WIDTHS
    }


def test_rows_columns_and_entries_are_those_of_the_array() -> None:
    one = block_sparse()
    np.testing.assert_array_equal(one.at((1, 0), None).numeric, one.numeric[1, 0])
    np.testing.assert_array_equal(one.at(None, (1, 2)).numeric, one.numeric[:, :, 1, 2])
    assert one.at((1, 0), (1, 2)).analytic == one.analytic[1, 0, 1, 2]


@pytest.mark.parametrize(
    ("row", "column", "message"),
    [
        ((0,), None, "y has the shape (2, 2), so its index has 2 numbers"),
        (None, (0,), "x has the shape (2, 3), so its index has 2 numbers"),
        (None, (0, 3), "index 3 is out of range for axis 1 of x, (2, 3)"),
        ((0, -3), None, "index -3 is out of range for axis 1 of y, (2, 2)"),
    ],
)
def test_a_wrong_index_is_refused(row, column, message) -> None:
    with pytest.raises(ShapeError) as raised:
        block_sparse().at(row, column)
    assert str(raised.value) == message


def test_a_scalar_has_no_index() -> None:
    with pytest.raises(ShapeError, match="t is a scalar and has no index; leave it out"):
        JACOBIANS["scalar_in"].at(None, (0,))


def test_exit_codes() -> None:
    right, wrong = JACOBIANS["vectors"], JACOBIANS["blocks"]
    unseen = Unseen(check="c", spec="a.yaml", line=1, problem="the function is not finite")
    fault = Fault(spec="b.yaml", message="no such key")
    for report, code in (
        (JacobianReport(jacobians=(right,)), ExitCode.OK),
        (JacobianReport(jacobians=(right, wrong)), ExitCode.WRONG),
        (JacobianReport(jacobians=(replace(wrong, expects_failure=True),)), ExitCode.OK),
        (JacobianReport(jacobians=(right,), unseen=(unseen,)), ExitCode.UNDECIDED),
        (JacobianReport(jacobians=(right, JACOBIANS["kinks"])), ExitCode.UNDECIDED),
        (JacobianReport(jacobians=(wrong, JACOBIANS["kinks"])), ExitCode.WRONG),
        (JacobianReport(jacobians=(wrong,), unseen=(unseen,), faults=(fault,)), ExitCode.USAGE),
    ):
        assert report.exit_code is code
