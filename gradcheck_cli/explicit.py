"""Explicit generalized Jacobians for people to look at: the one place where a report reads arrays."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from gradcheck_cli.errors import ShapeError
from gradcheck_cli.result import ExitCode, Fault, Index
from gradcheck_cli.shapes import Shape, count, show

Array = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class ExplicitJacobian:
    """∂output/∂input at one point, as arrays of shape output_shape + input_shape.

    The derivative is within ``bound`` of ``numeric``. At a kink every value from ``low`` to ``high`` is a
    right one, and ``numeric`` the one nearest to the analytic side; elsewhere all three are the same.
    The last axis of a complex array is that of its real and imaginary parts.

    ``wrong`` marks the entries in which the analytic side is not right, ``undecided`` those that could not
    be judged. ``row`` and ``column`` are the multi-indices that were asked for, if any: then the axes of the
    output, or of the input, are gone from the arrays.
    """

    check: str
    spec: str
    line: int
    point: str
    output: str
    input: str
    claim: str
    output_shape: Shape
    input_shape: Shape
    analytic: Array
    numeric: Array
    low: Array
    high: Array
    bound: Array
    wrong: Array
    undecided: Array
    itemsize: int = 8
    expects_failure: bool = False
    complex_arrays: tuple[str, ...] = ()  # which of output and input are complex
    misfit: str = ""  # why the analytic side has no value
    row: Index | None = None
    column: Index | None = None

    @property
    def difference(self) -> Array:
        """Analytic less numeric; nan where nothing is claimed."""
        return np.asarray(self.analytic - self.numeric)

    @property
    def bytes(self) -> int:
        """What the whole explicit array takes in memory."""
        return self.itemsize * count(self.output_shape) * count(self.input_shape)

    def at(self, row: Index | None, column: Index | None) -> ExplicitJacobian:
        """Return one row (of the input's shape), one column (of the output's), or one entry.

        Raises
        ------
        ShapeError
            For an index that the output or the input does not have.
        """
        rows: tuple[int | slice, ...]
        columns: tuple[int | slice, ...]
        rows = _all(self.output_shape) if row is None else _checked(row, self.output, self.output_shape)
        columns = _all(self.input_shape) if column is None else _checked(column, self.input, self.input_shape)
        index = (*rows, *columns)
        return replace(
            self,
            row=row,
            column=column,
            analytic=np.asarray(self.analytic[index]),
            numeric=np.asarray(self.numeric[index]),
            low=np.asarray(self.low[index]),
            high=np.asarray(self.high[index]),
            bound=np.asarray(self.bound[index]),
            wrong=np.asarray(self.wrong[index]),
            undecided=np.asarray(self.undecided[index]),
        )


def _all(shape: Shape) -> tuple[slice, ...]:
    return (slice(None),) * len(shape)


def _checked(index: Index, name: str, shape: Shape) -> tuple[int, ...]:
    if index and not shape:
        raise ShapeError(f"{name} is a scalar and has no index; leave it out")
    if len(index) != len(shape):
        numbers = "1 number" if len(shape) == 1 else f"{len(shape)} numbers"
        raise ShapeError(f"{name} has the shape {show(shape)}, so its index has {numbers}")
    for axis, (place, size) in enumerate(zip(index, shape, strict=True)):
        if not -size <= place < size:
            raise ShapeError(f"index {place} is out of range for axis {axis} of {name}, {show(shape)}")
    return index


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """A check whose Jacobian could not be computed, and why."""

    check: str
    spec: str
    line: int
    problem: str


@dataclass(frozen=True, kw_only=True)
class JacobianReport:
    """All Jacobians that were asked for, and what stood in the way of others."""

    jacobians: tuple[ExplicitJacobian, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    faults: tuple[Fault, ...] = ()

    def at(self, row: Index | None, column: Index | None) -> JacobianReport:
        """Cut every Jacobian down to one row, one column or one entry; see ``ExplicitJacobian.at``.

        Raises
        ------
        ShapeError
            For an index that one of them does not have.
        """
        return replace(self, jacobians=tuple(one.at(row, column) for one in self.jacobians))

    @property
    def exit_code(self) -> ExitCode:
        """2 for faulty specs, else 1 for wrong entries that nobody expects, else 3 if some are undecided."""
        if self.faults:
            return ExitCode.USAGE
        if any(one.wrong.any() and not one.expects_failure for one in self.jacobians):
            return ExitCode.WRONG
        undecided = any(one.undecided.any() and not one.expects_failure for one in self.jacobians)
        return ExitCode.UNDECIDED if self.unseen or undecided else ExitCode.OK
