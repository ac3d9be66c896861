"""Heat maps for a terminal: a Jacobian as a matrix, one character a cell, that reads without colours too.

Shades are positive values, strokes negative ones; what is wrong has a letter of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from rich.text import Text

from gradcheck_cli.explicit import Array, ExplicitJacobian
from gradcheck_cli.report.matrix import Bins, Matrix, column_bins, matrix, row_bins
from gradcheck_cli.report.page import INDENT, Page
from gradcheck_cli.report.safe import has_glyphs, safe

TALLEST: Final = 32  # lines of a map
APART: Final = 3  # columns between two maps
TICK: Final = 5  # cells from one label of a column to the next, where there are no blocks
DIFFERENCE: Final = "|difference|"
LEVELS: Final = (1 / 30, 1 / 10, 1 / 3)  # of the largest value: where a darker shade begins
GREATLY: Final = 0.1  # of the largest difference: what is wrong by more has a capital
ZERO, NO_NUMBER, WRONG, VERY_WRONG, UNDECIDED = ".", "!", "x", "X", "?"
# Ink grows with the value.
POSITIVE: Final = {True: "░▒▓█", False: ":+*#"}
NEGATIVE: Final = {True: "-~=≡", False: "-~=%"}
STYLES: Final = {WRONG: "bold red", VERY_WRONG: "bold red", UNDECIDED: "bold yellow", NO_NUMBER: "bold"}
SIGNS: Final = ("magenta", "cyan")  # of positive and of negative values


@dataclass(frozen=True)
class Scale:
    """Which shade a size gets: that of the first limit that it does not exceed."""

    limits: tuple[float, ...]

    def shades(self, values: Array) -> Array:
        """Return the place in the ramp, from 0, of each size."""
        return np.clip(np.searchsorted(self.limits, np.abs(values)), 0, max(len(self.limits) - 1, 0))

    def legend(self, ramp: str) -> str:
        """``░ ≤ 0.01, ▒ ≤ 0.03, …``."""
        return ", ".join(f"{glyph} ≤ {limit:.2g}" for glyph, limit in zip(ramp, self.limits, strict=False))


@dataclass(frozen=True, eq=False)
class Heat:
    """Three maps of one Jacobian, with the scales that they share."""

    cells: Matrix
    values: Scale
    differences: Scale
    glyphs: bool  # whether the terminal has more than ASCII

    @property
    def maps(self) -> dict[str, Array]:
        """The characters of each map, by its title."""
        return {
            "claimed": self._signed(self.cells.claimed),
            "numeric": self._signed(self.cells.numeric),
            DIFFERENCE: self._difference(),
        }

    @property
    def wrongness(self) -> float:
        """Beyond which difference a wrong cell is very wrong."""
        return GREATLY * _largest(self.cells.difference[self.cells.wrong])

    def _signed(self, values: Array) -> Array:
        shades = self.values.shades(values)
        positive, negative = (np.array(list(ramp[self.glyphs])) for ramp in (POSITIVE, NEGATIVE))
        shown = np.where(values > 0, positive[shades], negative[shades])
        return _special(values, shown)

    def _difference(self) -> Array:
        one, ramp = self.cells, np.array(list(POSITIVE[self.glyphs]))
        shown = _special(one.difference, ramp[self.differences.shades(one.difference)])
        shown = np.where(one.undecided, UNDECIDED, shown)
        slightly = one.difference <= self.wrongness
        return np.where(one.wrong, np.where(slightly, WRONG, VERY_WRONG), shown)


def _special(values: Array, shown: Array) -> Array:
    return np.where(values == 0, ZERO, np.where(np.isfinite(values), shown, NO_NUMBER))


def write_heat(page: Page, jacobian: ExplicitJacobian) -> None:
    """Print claimed, numeric and difference, as many beside one another as cost no detail."""
    rows = row_bins(jacobian, TALLEST)
    names = [safe(rows.label(cell), page.console.encoding) for cell in range(rows.cells)]
    beside, columns, most = _layout(jacobian, page.width - 2 * INDENT - _margin(names))
    heat = _heat(matrix(jacobian, rows, columns), glyphs=has_glyphs(page.console.encoding))
    lanes = _lanes(columns, most)
    maps = list(heat.maps.items())
    for first in range(0, len(maps), beside):
        if first:
            page.write()
        for line in _lines(page, heat, maps[first : first + beside], names, lanes):
            page.write(line, 2 * INDENT)
    page.write()
    for text in _legend(heat):
        page.write(page.text(text, "dim"), INDENT)


def _margin(names: Sequence[str]) -> int:
    return max(map(len, names)) + 2


def _layout(jacobian: ExplicitJacobian, room: int) -> tuple[int, Bins, int]:
    """Choose how many maps stand beside one another, their cells across, and the room that each has.

    Maps stand below one another for the sake of detail, up to as many cells across as may be down.
    """
    layouts = []
    for beside in (3, 2, 1):
        most = max((room + APART) // beside - APART, 1)
        if most >= len(DIFFERENCE) or beside == 1:
            layouts.append((beside, column_bins(jacobian, most), most))
    return max(layouts, key=lambda layout: min(layout[1].cells, TALLEST))


def _heat(cells: Matrix, *, glyphs: bool) -> Heat:
    largest = max(_largest(cells.claimed), _largest(cells.numeric))
    values = Scale(tuple(part * largest for part in (*LEVELS, 1.0)))
    return Heat(cells, values, _logarithmic(cells.difference[~cells.wrong]), glyphs)


def _largest(values: Array) -> float:
    return float(np.max(np.abs(values), where=np.isfinite(values), initial=0.0))


def _logarithmic(sizes: Array) -> Scale:
    """Four shades with powers of ten between them, the darkest for the largest; none where all are 0."""
    sizes = sizes[np.isfinite(sizes) & (sizes > 0)]
    if not sizes.size:
        return Scale(())
    low, high = float(sizes.min()), float(sizes.max())
    highest = math.ceil(math.log10(high))
    decades = max(math.ceil((highest - math.log10(low)) / 4), 1)
    return Scale(tuple(10.0 ** (highest - decades * below) for below in (3, 2, 1, 0)))


def _lanes(columns: Bins, most: int) -> list[int]:
    """Where each cell stands, from the left: with a gap between blocks if there is room."""
    gap = columns.per_block > 1 and columns.cells + columns.blocks - 1 <= most
    return [cell + (cell // columns.per_block if gap else 0) for cell in range(columns.cells)]


def _lines(
    page: Page, heat: Heat, maps: Sequence[tuple[str, Array]], names: Sequence[str], lanes: Sequence[int]
) -> Iterator[Text]:
    """Write maps beside one another: titles, names of columns, then a line for each row."""
    rows, margin = heat.cells.rows, _margin(names)
    wide = max(lanes[-1] + 1, *(len(title) for title, _ in maps))
    ruler = _ruler(heat.cells.columns, lanes, wide)
    for text, style in (([title for title, _ in maps], "bold"), ([ruler] * len(maps), "dim")):
        if any(text):
            heads = (" " * APART).join(part.ljust(wide) for part in text)
            yield page.text(f"{' ' * margin}{heads}".rstrip(), style)
    gaps = rows.per_block > 1 and rows.cells + rows.blocks - 1 <= TALLEST
    for place, name in enumerate(names):
        if gaps and place and place % rows.per_block == 0:
            yield Text()  # between blocks
        line = Text(name.ljust(margin))
        for number, (title, shown) in enumerate(maps):
            line.append(" " * (APART if number else 0))
            line.append_text(_cells(heat, shown[place], lanes, wide, signed=title != DIFFERENCE))
        line.rstrip()
        yield line


def _ruler(columns: Bins, lanes: Sequence[int], wide: int) -> str:
    """Name the first column of each block, or every so many columns, as far as there is room."""
    ruler, stride = "", columns.per_block if columns.blocks > 1 else TICK
    for cell in range(0, columns.cells, stride):
        index = columns.index(cell)
        if (not ruler or len(ruler) < lanes[cell]) and lanes[cell] + len(index) <= wide:
            ruler = ruler.ljust(lanes[cell]) + index
    return ruler


def _cells(heat: Heat, shown: Array, lanes: Sequence[int], wide: int, *, signed: bool) -> Text:
    """Write one line of a map, each sign in its colour."""
    line = [" "] * wide
    for lane, glyph in zip(lanes, shown, strict=True):
        line[lane] = str(glyph)
    text = Text("".join(line))
    for place, glyph in enumerate(line):
        style = STYLES.get(glyph, "")
        if signed and glyph not in {" ", ZERO, NO_NUMBER}:
            style = SIGNS[0] if glyph in POSITIVE[heat.glyphs] else SIGNS[1]
        if style:
            text.stylize(style, place, place + 1)
    return text


def _legend(heat: Heat) -> Iterator[str]:
    """Say what stands where, what each character means, and what a cell stands for."""
    one, ramp = heat.cells, POSITIVE[heat.glyphs]
    sides = ((one.rows, "down"), (one.columns, "across"))
    ends = [(side.label(0), side.label(side.cells - 1), where) for side, where in sides]
    yield "; ".join(
        f"{where}: {first} to {last}" if first != last else f"{where}: {first}" for first, last, where in ends
    )
    both = np.concatenate([one.claimed, one.numeric])
    yield f"values: {ZERO} is an exact zero, {heat.values.legend(ramp)}" + (
        f"; {' '.join(NEGATIVE[heat.glyphs])} of the same sizes are negative" if (both < 0).any() else ""
    )
    if differences := [*filter(None, [heat.differences.legend(ramp)]), *_marks(heat)]:
        yield f"differences: {'; '.join(differences)}"
    if one.pooled:
        size = f"{one.rows.entries} × {one.columns.entries}"
        yield f"a cell stands for up to {size} entries: it shows the one furthest from 0, and what is wrong"


def _marks(heat: Heat) -> Iterator[str]:
    maps = heat.maps
    shown = set(np.unique(maps[DIFFERENCE]))
    if {WRONG, VERY_WRONG} <= shown:
        yield f"{VERY_WRONG} is wrong by more than {heat.wrongness:.2g}, {WRONG} by less"
    elif VERY_WRONG in shown:
        yield f"{VERY_WRONG} is wrong"
    if UNDECIDED in shown:
        yield f"{UNDECIDED} is undecided"
    if any((one == NO_NUMBER).any() for one in maps.values()):
        yield f"{NO_NUMBER} is no finite number"
