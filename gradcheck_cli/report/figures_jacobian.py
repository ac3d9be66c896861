"""Jacobians as figures: for each a row of three panels, claimed, numeric and difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gradcheck_cli.explicit import Array, ExplicitJacobian
from gradcheck_cli.report.figures import literal, require_few
from gradcheck_cli.report.matrix import Bins, Matrix, column_bins, matrix, row_bins
from gradcheck_cli.report.notation import element, fraction_name, plural

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure

CELLS: Final = 600  # along a side: more than a panel has dots
TICKS: Final = 16  # along a side at most
MARKED: Final = 24  # cells along a side, or wrong cells, up to which each has a mark of its own
MARKS: Final = 2_000  # sides of cells that are drawn as lines; more are drawn as dots, and finer
WIDE, HIGH, LOW = 12.0, 3.9, 2.4  # inches: of the figure, and of a row of panels of many and of few lines
BACKGROUND: Final = "0.87"  # of exact zeros, which no map of colours has
SIGNED, SIZES = "RdBu_r", "viridis"
WRONG, UNDECIDED = "magenta", "darkorange"


def jacobian_figure(jacobians: Sequence[ExplicitJacobian]) -> Figure:
    """Draw every Jacobian that has entries.

    Raises
    ------
    GradcheckError
        If there are more than a figure can hold.
    """
    from matplotlib.figure import Figure  # noqa: PLC0415  # an extra

    require_few(len(jacobians), "Jacobians", "-k, --of, --wrt")
    cells = [matrix(one, row_bins(one, CELLS), column_bins(one, CELLS)) for one in jacobians]
    heights = [LOW if one.rows.cells <= 8 else HIGH for one in cells]
    figure = Figure(figsize=(WIDE, sum(heights)), layout="constrained")
    parts = figure.subfigures(len(jacobians), 1, squeeze=False, height_ratios=heights)[:, 0]
    for part, one, shown in zip(parts, jacobians, cells, strict=True):
        _draw_jacobian(part, one, shown)
    return figure


def _draw_jacobian(part: SubFigure, one: ExplicitJacobian, cells: Matrix) -> None:
    part.suptitle(_title(one))
    claimed, numeric, difference = part.subplots(1, 3)
    largest = max(_largest(cells.claimed), _largest(cells.numeric)) or 1.0
    for axes, title, values in ((claimed, "claimed", cells.claimed), (numeric, "numeric", cells.numeric)):
        image = _draw_cells(axes, title, values, cells, cmap=SIGNED, vmin=-largest, vmax=largest)
    part.colorbar(image, ax=[claimed, numeric])
    image = _draw_cells(difference, "|difference|", cells.difference, cells, cmap=SIZES, norm=_norm(cells))
    part.colorbar(image, ax=difference)
    for axes in (claimed, difference):
        _mark(axes, cells.undecided, UNDECIDED, "o", ":")
        _mark(axes, cells.wrong, WRONG, "x", "-")
    claimed.set_ylabel(_side(cells.rows))
    if remarks := _remarks(cells):
        numeric.set_xlabel(f"{numeric.get_xlabel()}\n{remarks}")


def _title(one: ExplicitJacobian) -> str:
    """Check, pair, point and verdict."""
    name = f"{fraction_name(one.output, one.input)} ({one.claim}) at {one.point}"
    parts = ((" row ", one.output, one.row), (" column ", one.input, one.column))
    part = ",".join(f"{word}{element(name, index)}" for word, name, index in parts if index is not None)
    counts = [
        f"{int(mask.sum())} of {plural(mask.size, 'entry', 'entries')} {word}"
        for word, mask in (("wrong", one.wrong), ("undecided", one.undecided))
        if mask.any()
    ]
    verdict = ", ".join(counts) or "no entry is wrong"
    expected = ", as the spec expects" if one.wrong.any() and one.expects_failure else ""
    misfit = "\nthe claim has no value of the right shape" if one.misfit else ""
    return literal(f"{one.check}  {one.spec}:{one.line}\n{name}{part}: {verdict}{expected}{misfit}")


def _remarks(cells: Matrix) -> str:
    both = np.stack([cells.claimed, cells.numeric])
    parts = ["grey: exact zeros"] if (both == 0).any() else []
    parts += ["black: no finite number"] if not np.isfinite(both).all() else []
    parts += ["magenta: wrong"] if cells.wrong.any() else []
    parts += ["orange: undecided"] if cells.undecided.any() else []
    if cells.pooled:
        parts.append(
            f"a cell: up to {cells.rows.entries} × {cells.columns.entries} entries, the furthest from 0"
        )
    return "; ".join(parts)


def _largest(values: Array) -> float:
    return float(np.max(np.abs(values), where=np.isfinite(values), initial=0.0))


def _norm(cells: Matrix) -> Any:
    from matplotlib.colors import LogNorm  # noqa: PLC0415  # an extra

    sizes = cells.difference[np.isfinite(cells.difference) & (cells.difference > 0)]
    low, high = (float(sizes.min()), float(sizes.max())) if sizes.size else (1e-16, 1.0)
    return LogNorm(low, high if high > low else 10 * low)


def _draw_cells(axes: Axes, title: str, values: Array, cells: Matrix, **scale: Any) -> Any:
    """Draw one panel; exact zeros are left to the background, so that they differ from what is small."""
    axes.set_title(title)
    axes.set_facecolor(BACKGROUND)
    shown = np.ma.masked_where(~np.isfinite(values) | (values == 0), values)
    image = axes.imshow(shown, aspect="auto", interpolation="nearest", **scale)
    blank = np.ma.masked_where(np.isfinite(values), np.ones(values.shape))
    axes.imshow(blank, aspect="auto", interpolation="nearest", cmap="gray_r", vmin=0, vmax=1)
    _draw_side(axes.set_yticks, axes.axhline, cells.rows)
    _draw_side(axes.set_xticks, axes.axvline, cells.columns, rotation=90)
    axes.set_xlabel(_side(cells.columns))
    return image


def _side(side: Bins) -> str:
    return literal(side.name)


def _draw_side(set_ticks: Any, draw_line: Any, side: Bins, **style: Any) -> None:
    """Name cells by their multi-index, and part the blocks."""
    stride = _stride(side)
    places = range(0, side.cells, stride)
    set_ticks(list(places), [side.index(place) for place in places], fontsize=7, **style)
    if 1 < side.blocks <= 4 * TICKS and side.per_block > 1:
        for block in range(1, side.blocks):
            draw_line(block * side.per_block - 0.5, color="0.4", linewidth=0.5)


def _stride(side: Bins) -> int:
    """Name each cell, else the first cell of each index of the axes before, else every so many of them."""
    lengths = [side.per_block, *reversed(side.shape[: side.axis])]
    stride = 1
    for length in lengths:
        if side.cells / stride <= TICKS:
            return stride
        if stride * length < side.cells:
            stride *= length
        else:
            break
    return stride * -(-side.cells // (stride * TICKS))


def _mark(axes: Axes, mask: Array, color: str, marker: str, style: str) -> None:
    """Put a mark into each cell or, where many would hide small ones, a line around them."""
    if min(max(mask.shape), int(mask.sum())) > MARKED:
        _outline(axes, mask, color, style)
    elif mask.any():
        down, across = np.nonzero(mask)
        axes.scatter(across, down, s=24, color=color, marker=marker, linewidths=1.2)


def _outline(axes: Axes, mask: Array, color: str, style: str) -> None:
    from matplotlib.collections import LineCollection  # noqa: PLC0415  # an extra

    if mask.any():
        inside = np.pad(mask, 1)
        left = np.argwhere(inside[1:-1, 1:] != inside[1:-1, :-1]) - 0.5
        above = np.argwhere(inside[1:, 1:-1] != inside[:-1, 1:-1]) - 0.5
        lines = [
            np.stack([start[:, ::-1], start[:, ::-1] + step], axis=1)
            for start, step in ((left, (0, 1)), (above, (1, 0)))
        ]
        sides = np.concatenate(lines)
        many = len(sides) > MARKS
        axes.add_collection(
            LineCollection(
                list(sides), colors=color, linestyles=style, linewidths=0.8 if many else 1.5, rasterized=many
            )
        )
