"""Explicit Jacobians for people: blocks by output index, each an array of the input's shape."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from rich.console import Console, Group, RenderableType
from rich.text import Text

from gradcheck_cli.explicit import Array, ExplicitJacobian, JacobianReport
from gradcheck_cli.report.faults import write_faults
from gradcheck_cli.report.heat import write_heat
from gradcheck_cli.report.notation import derivative, element, fraction_name, in_both, plural, size_of_error
from gradcheck_cli.report.page import INDENT, Justify, Page
from gradcheck_cli.report.safe import safe
from gradcheck_cli.result import Index
from gradcheck_cli.shapes import Shape, count, show, show_bytes, show_symbols

WHOLE: Final = 8  # an axis up to this long is shown whole
NAMED: Final = 3  # wrong entries that are named
ENDS: Final = 3  # of a longer one, this many places at either end
ZERO: Final = "."
GAP: Final = "…"
WRONG: Final = "bold red"
UNDECIDED: Final = "bold yellow"
# Which sides stand beside one another, from the widest layout.
LAYOUTS: Final = (
    (("claimed", "numeric", "difference"),),
    (("claimed", "numeric"), ("difference",)),
    (("claimed",), ("numeric",), ("difference",)),
)

Place = int | None  # a place along an axis; None stands for those left out
Line = tuple[Index | None, Index | None]  # an output index, and an input index without its last place


@dataclass(frozen=True)
class Grid:
    """A Jacobian as lines of cells: a block of lines for each output index, an array of the input's shape.

    A row is one such block. A column is written as if its output axes were an input's.
    """

    jacobian: ExplicitJacobian
    blocks: Shape  # of the output indices
    block: Shape  # of the array in a block
    lines: tuple[Line, ...]
    columns: tuple[Place, ...]

    @property
    def complete(self) -> bool:
        """Tell whether nothing is left out."""
        return None not in self.columns and all(None not in line for line in self.lines)


def write_jacobians(report: JacobianReport, console: Console, *, heat: bool | None = None) -> None:
    """Print every Jacobian, then what could not be computed, then the faults.

    ``heat`` chooses between maps and numbers; None draws maps where not all numbers fit.
    """
    page = Page(console)
    for jacobian in report.jacobians:
        _write_jacobian(page, jacobian, heat=heat)
        page.write()
    for one in report.unseen:
        page.write(Text.assemble(page.text(f"{one.check}  {one.spec}:{one.line}: ", WRONG), one.problem))
    write_faults(page, report.faults)


def _write_jacobian(page: Page, jacobian: ExplicitJacobian, *, heat: bool | None) -> None:
    name = fraction_name(jacobian.output, jacobian.input)
    title = page.text(f"{name} ({jacobian.claim}) at {jacobian.point}", "bold")
    place = page.text(f"  {jacobian.check}  {jacobian.spec}:{jacobian.line}", "dim")
    page.write(title.append_text(place))
    rows, columns = jacobian.output_shape, jacobian.input_shape
    shape = in_both(f"{show_symbols(rows)} × {show_symbols(columns)}", f"{show(rows)} × {show(columns)}")
    entries = plural(count(rows) * count(columns), "entry", "entries")
    page.write(page.text(f"{shape}, {entries}, {show_bytes(jacobian.bytes)}"), INDENT)
    if jacobian.misfit:
        page.write(page.lines(jacobian.misfit, WRONG), INDENT)
    page.write(_agreement(page, jacobian), INDENT)
    if (places := _wrong_places(jacobian)) and not jacobian.misfit:
        page.write(page.text(places), INDENT)
    page.write()
    if jacobian.row is not None and jacobian.column is not None:
        _write_entry(page, jacobian)
    elif jacobian.analytic.size:
        _write_arrays(page, jacobian, heat=heat)


def _agreement(page: Page, jacobian: ExplicitJacobian) -> Text:
    counts = {"wrong": int(jacobian.wrong.sum()), "undecided": int(jacobian.undecided.sum())}
    size = jacobian.wrong.size
    entries = plural(size, "entry", "entries")
    found = ", ".join(
        f"the entry is {word}" if size == 1 else f"{many} of {entries} {word}"
        for word, many in counts.items()
        if many
    )
    expected = ", as the spec expects" if counts["wrong"] and jacobian.expects_failure else ""
    return page.text(f"{_what(jacobian)}{found or 'no entry is wrong'}{expected}", _style(jacobian))


def _wrong_places(jacobian: ExplicitJacobian) -> str:
    """Name the wrong entries that are furthest off, so that ``--row`` and ``--column`` can show them."""
    one = jacobian
    if not one.wrong.any() or one.wrong.size == 1:
        return ""
    with np.errstate(invalid="ignore"):
        size = np.where(one.wrong, np.abs(one.difference), -1.0)
    order = np.argsort(-size, axis=None, kind="stable")[: min(NAMED, int(one.wrong.sum()))]
    rank = 0 if one.row is not None or one.column is not None else len(one.output_shape)
    names = []
    for place in order:
        index = tuple(map(int, np.unravel_index(int(place), size.shape)))
        row = one.row if one.row is not None else index if one.column is not None else index[:rank]
        column = one.column if one.column is not None else index[rank:]
        names.append(f"∂{element(one.output, row)}/∂{element(one.input, column)}")
    more = ", …" if int(one.wrong.sum()) > len(names) else ""
    return f"furthest off: {', '.join(names)}{more}"


def _style(jacobian: ExplicitJacobian) -> str:
    if jacobian.wrong.any():
        return "" if jacobian.expects_failure else WRONG
    return UNDECIDED if jacobian.undecided.any() else "green"


def _what(jacobian: ExplicitJacobian) -> str:
    parts = [
        f"{word} {element(name, index)}"
        for word, name, index in (
            ("row", jacobian.output, jacobian.row),
            ("column", jacobian.input, jacobian.column),
        )
        if index is not None
    ]
    return f"{', '.join(parts)}: " if parts else ""


def _write_entry(page: Page, jacobian: ExplicitJacobian) -> None:
    rows = [
        ("claimed", f"{float(jacobian.analytic)!r}"),
        ("numeric", f"{_range(jacobian)} ± {size_of_error(float(jacobian.bound))}"),
        ("difference", size_of_error(float(jacobian.difference))),
    ]
    page.write(page.labelled((label, "dim", text) for label, text in rows), 2 * INDENT)


def _range(jacobian: ExplicitJacobian) -> str:
    low, high = float(jacobian.low), float(jacobian.high)
    return f"{low!r} to {high!r}" if low < high else f"{float(jacobian.numeric)!r}"


def _write_arrays(page: Page, jacobian: ExplicitJacobian, *, heat: bool | None) -> None:
    grid, tables = _fitting(page, jacobian)
    if heat or (heat is None and not grid.complete):
        write_heat(page, jacobian)
        remarks = [*_remarks(jacobian), "numbers: --no-heat, --row, --column and --save"]
        page.write(page.text("; ".join(remarks), "dim"), INDENT)
        return
    page.write(Group(*_spaced(tables)), 2 * INDENT)
    _write_legend(page, jacobian, grid)


def _fitting(page: Page, jacobian: ExplicitJacobian) -> tuple[Grid, list[RenderableType]]:
    """Lay out claimed, numeric and difference side by side, or one below the other, with as much as fits."""
    for ends in range(ENDS, 0, -1):
        whole = WHOLE if ends == ENDS else 2 * ends
        grid = _grid(jacobian, whole, ends)
        layouts = [[_table(page, grid, sides) for sides in layout] for layout in LAYOUTS]
        fitting = [tables for tables in layouts if all(page.fits(one, 2 * INDENT) for one in tables)]
        if fitting:
            break
    return grid, [*fitting, layouts[-1]][0]


def _spaced(tables: Sequence[RenderableType]) -> Iterator[RenderableType]:
    for place, one in enumerate(tables):
        yield from ([Text(), one] if place else [one])


def _remarks(jacobian: ExplicitJacobian, *, zeros: bool = False) -> list[str]:
    """Say what holds for numbers and for maps; ``zeros`` asks for a word on exact ones."""
    remarks = []
    if jacobian.complex_arrays:
        names = " and ".join(map(safe, jacobian.complex_arrays))
        remarks.append(f"the last number of an index of {names} is 0 for real and 1 for imaginary parts")
    if zeros and ((jacobian.analytic == 0).any() or (jacobian.numeric == 0).any()):
        remarks.append(f"{ZERO} is an exact zero")
    if (jacobian.low < jacobian.high).any():
        remarks.append("at a kink every value between the one-sided derivatives is right")
    return remarks


def _write_legend(page: Page, jacobian: ExplicitJacobian, grid: Grid) -> None:
    remarks = _remarks(jacobian, zeros=True)
    if jacobian.wrong.any():
        remarks.append("* is wrong")
    if jacobian.undecided.any():
        remarks.append("? is undecided")
    if not grid.complete:
        remarks.append(f"{GAP} stands for what is left out: see --row, --column and --save")
    if remarks:
        page.write()
        page.write(page.text("; ".join(remarks), "dim"), INDENT)


def _grid(jacobian: ExplicitJacobian, whole: int, ends: int) -> Grid:
    """Choose what to show: up to ``whole`` blocks, lines and cells each, of more the first and the last."""
    blocks = jacobian.output_shape if jacobian.row is None and jacobian.column is None else ()
    block = jacobian.output_shape if jacobian.column is not None else jacobian.input_shape
    *leading, last = block or (1,)
    lines = itertools.product(_indices(blocks, whole, ends), _indices(tuple(leading), whole, ends))
    # Of a block that is left out, one line.
    shown = dict.fromkeys((output, None if output is None else lead) for output, lead in lines)
    gaps = [line for line, _ in itertools.groupby(shown)]
    return Grid(jacobian, blocks, block or (1,), tuple(gaps), _places(last, whole, ends))


def _places(size: int, whole: int, ends: int) -> tuple[Place, ...]:
    if size <= whole:
        return tuple(range(size))
    return (*range(ends), None, *range(size - ends, size))


def _indices(shape: Shape, whole: int, ends: int) -> list[Index | None]:
    """First and last multi-indices of a shape, in row-major order."""
    strides = [count(shape[axis + 1 :]) for axis in range(len(shape))]
    return [
        None
        if place is None
        else tuple(place // stride % size for stride, size in zip(strides, shape, strict=True))
        for place in _places(count(shape), whole, ends)
    ]


def _table(page: Page, grid: Grid, sides: Sequence[str]) -> RenderableType:
    headers: list[tuple[str, Justify]] = [("", "left")] * (2 if grid.blocks else 1)
    for side in sides:
        titles = [side, *[""] * (len(grid.columns) - 1)]
        names = [_column_name(grid, place) for place in grid.columns]
        headers += [(f"{title}{name}", "right") for title, name in zip(titles, names, strict=True)]
        headers.append(("", "left"))  # keeps the sides apart
    table = page.table(headers[:-1])
    for before, line in zip((None, *grid.lines), grid.lines, strict=False):
        if before is not None and before[0] != line[0] and count(grid.block[:-1]) > 1:
            table.add_row()  # between blocks of several lines
        cells = [cell for side in sides for cell in (*_cells(page, grid, side, line), page.text(""))]
        table.add_row(*map(page.text, _labels(grid, before, line)), *cells[:-1])
    return table


def _column_name(grid: Grid, place: Place) -> str:
    """Name a column below its side's title; a single one needs no name."""
    if len(grid.columns) == 1:
        return ""
    return f"\n{GAP}" if place is None else f"\n[{place}]"


def _labels(grid: Grid, before: Line | None, line: Line) -> list[str]:
    """Name the output entry, at the first line of its block, and the part of the input."""
    one, (output, lead) = grid.jacobian, line
    name = one.output if one.column is not None else one.input
    part = GAP if lead is None else _part(name, lead, len(grid.block) if one.input_shape else 0)
    if not grid.blocks:
        return [part]
    if output is None:
        return [GAP, ""]
    return ["" if before is not None and before[0] == output else element(one.output, output), part]


def _part(name: str, lead: Index, rank: int) -> str:
    """``x[1, :]``: the places that go along a line; a vector or a scalar goes by its name."""
    return f"{name}[{', '.join([*map(str, lead), ':'])}]" if rank > 1 else name


def _cells(page: Page, grid: Grid, side: str, line: Line) -> Iterator[Text]:
    """Write the numbers of one line; those that are wrong or undecided stand out."""
    shape = grid.blocks + grid.block
    output, lead = line
    for place in grid.columns:
        if output is None or lead is None or place is None:
            yield page.text(GAP, "dim")
        else:
            yield _cell(page, grid.jacobian, side, shape, (*output, *lead, place))


def _cell(page: Page, one: ExplicitJacobian, side: str, shape: Shape, index: Index) -> Text:
    def at(array: Array) -> float:
        return float(array.reshape(shape)[index])

    low, high = at(one.low), at(one.high)
    if side == "numeric":
        return page.text(f"{low:.3g} to {high:.3g}" if low < high else _number(at(one.numeric), side))
    value = at(one.analytic if side == "claimed" else one.difference)
    # Marks, for where there are no colours.
    mark, style = ("*", WRONG) if at(one.wrong) else ("?", UNDECIDED) if at(one.undecided) else ("", "")
    return page.text(f"{_number(value, side)}{mark if side == 'difference' else ''}", style)


def _number(value: float, side: str) -> str:
    if math.isnan(value) and side != "numeric":
        return "none"
    if value == 0:
        return ZERO
    return f"{value:.2g}" if side == "difference" else derivative(value)
