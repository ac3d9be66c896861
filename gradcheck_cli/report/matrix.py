"""A generalized Jacobian as a matrix of so many cells: where there are more entries, neighbours share one.

Every picture is drawn from it. Both groups of axes are flattened in row-major order; a cell shows the entry
that is furthest from 0, and is wrong if any of its entries is, so that none can hide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gradcheck_cli.explicit import Array, ExplicitJacobian
from gradcheck_cli.shapes import Shape, count


@dataclass(frozen=True)
class Bins:
    """The entries of an array in row-major order, cut into runs: the cells along a side of a matrix.

    A run is up to ``step`` places of one axis, with all that the later axes hold there. ``before`` and
    ``after`` count the array's axes that are not of this side.
    """

    name: str
    shape: Shape
    axis: int
    step: int
    before: int = 0
    after: int = 0

    @property
    def blocks(self) -> int:
        """How many blocks of cells there are: one for each index of the axes before."""
        return count(self.shape[: self.axis])

    @property
    def per_block(self) -> int:
        """How many cells a block has."""
        return math.ceil(self.shape[self.axis] / self.step) if self.shape else 1

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return self.blocks * self.per_block

    @property
    def entries(self) -> int:
        """How many entries the fullest cell stands for."""
        return min(self.step, self.shape[self.axis]) * count(self.shape[self.axis + 1 :]) if self.shape else 1

    @property
    def starts(self) -> Array:
        """The flat index of each cell's first entry."""
        if not self.shape:
            return np.zeros(1, dtype=int)
        size, rest = self.shape[self.axis], count(self.shape[self.axis + 1 :])
        places = np.arange(self.blocks)[:, None] * size + np.arange(0, size, self.step)
        return np.asarray(places.ravel() * rest)

    def label(self, cell: int) -> str:
        """``y[1, 0]``, or ``y[1, 0:3]`` and ``y[1, :]`` of a cell that several entries share."""
        if not self.shape:
            return self.name
        return f"{self.name}{self.index(cell)}"

    def index(self, cell: int) -> str:
        """``[1, 0:3]``; a scalar has none."""
        if not self.shape:
            return ""
        block, place = divmod(cell, self.per_block)
        lead = [str(int(one)) for one in np.unravel_index(block, self.shape[: self.axis] or (1,))]
        size, first = self.shape[self.axis], place * self.step
        last = min(first + self.step, size)
        along = str(first) if self.step == 1 else ":" if last - first == size else f"{first}:{last}"
        rest = [":"] * (len(self.shape) - self.axis - 1)
        places = [*(lead if self.axis else []), along, *rest]
        return f"[{', '.join([':'] * self.before + places + [':'] * self.after)}]"


def bins(name: str, shape: Shape, most: int, *, before: int = 0, after: int = 0) -> Bins:
    """Cut an array's entries into at most ``most`` cells, along the last axis that allows it.

    >>> bins("x", (6, 12), 72).step, bins("x", (6, 12), 40).step, bins("x", (6, 12), 5).index(1)
    (1, 2, '[2:4, :]')
    """
    for axis in reversed(range(len(shape))):
        per_block = most // count(shape[:axis])
        if per_block:
            return Bins(name, shape, axis, math.ceil(shape[axis] / per_block), before, after)
    return Bins(name, (), 0, 1, before, after)


@dataclass(frozen=True, eq=False)
class Matrix:
    """What the cells show, each array of shape (cells down, cells across)."""

    rows: Bins
    columns: Bins
    claimed: Array
    numeric: Array
    difference: Array  # |claimed − numeric|
    wrong: Array
    undecided: Array

    @property
    def pooled(self) -> bool:
        """Tell whether some cell stands for more than one entry."""
        return max(self.rows.entries, self.columns.entries) > 1


def row_bins(one: ExplicitJacobian, most: int) -> Bins:
    """Cells down: the output's entries; of a single row or column, its array's but for the last axis."""
    if one.row is None and one.column is None:
        return bins(one.output, one.output_shape, most)
    name, shape = _part(one)
    return bins(name, shape[:-1], most, after=min(len(shape), 1))


def column_bins(one: ExplicitJacobian, most: int) -> Bins:
    """Cells across: the input's entries; of a single row or column, those of its array's last axis."""
    if one.row is None and one.column is None:
        return bins(one.input, one.input_shape, most)
    name, shape = _part(one)
    return bins(name, shape[-1:], most, before=len(shape[:-1]))


def _part(one: ExplicitJacobian) -> tuple[str, Shape]:
    """Name and shape of the array that a single row or column is; of one entry, none."""
    if one.row is not None and one.column is not None:
        return one.input, ()
    return (one.output, one.output_shape) if one.column is not None else (one.input, one.input_shape)


def matrix(one: ExplicitJacobian, rows: Bins, columns: Bins) -> Matrix:
    """Fill the cells; the Jacobian must have entries."""

    def pooled(array: Array, choose: np.ufunc) -> Array:
        flat = array.reshape(count(rows.shape), count(columns.shape))
        return np.asarray(choose.reduceat(choose.reduceat(flat, rows.starts, 0), columns.starts, 1))

    def furthest(array: Array) -> Array:
        high, low = pooled(array, np.maximum), pooled(array, np.minimum)
        return np.where(high >= -low, high, low)

    with np.errstate(invalid="ignore"):
        return Matrix(
            rows,
            columns,
            furthest(one.analytic),
            furthest(one.numeric),
            pooled(np.abs(one.difference), np.maximum),
            pooled(one.wrong, np.logical_or),
            pooled(one.undecided & ~one.wrong, np.logical_or),
        )
