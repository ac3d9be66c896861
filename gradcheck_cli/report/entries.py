"""Single entries of a Jacobian: the wrong ones, the worst one, and small Jacobians written out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from rich.console import Group, RenderableType

from gradcheck_cli.report.notation import (
    VERDICTS,
    claimed,
    derivative,
    difference,
    elements,
    entry_name,
    measured,
    pair_name,
)
from gradcheck_cli.report.page import INDENT, Justify, Page
from gradcheck_cli.result import EVERYWHERE, Entry, PairResult, Values, Verdict
from gradcheck_cli.result import Group as Places


@dataclass(frozen=True)
class Column:
    """A column of the table of entries: its head and its cell."""

    header: str
    cell: Callable[[PairResult, Entry], str]
    justify: Justify = "right"


COLUMNS: Final = {
    "entry": Column("entry", entry_name, "left"),
    "claimed": Column("claimed", lambda _, entry: claimed(entry.analytic)),
    "numeric": Column("numeric ± bound", lambda _, entry: measured(entry)),
    "difference": Column("difference", lambda _, entry: difference(entry)),
    "point": Column("point", lambda _, entry: entry.point, "left"),
    "verdict": Column("verdict", lambda _, entry: VERDICTS[entry.verdict][0], "left"),
}
# From the widest; the last one is written as a list where it does not fit either.
LAYOUTS: Final = (
    ("entry", "claimed", "numeric", "difference", "point"),
    ("entry", "claimed", "numeric", "point"),
)

_NARROWEST: Final = 6


def write_entries(page: Page, pair: PairResult, *, misfit: bool = False) -> None:
    """Print the worst entries of a pair that is not clean, the worst first; one of a misfit."""
    shown = _counted(pair)[: 1 if misfit else None]
    if not shown:
        return
    title = f"{_claim(pair)}: the claim has no value of the right shape, for example"
    page.write()
    page.write(page.text(title if misfit else _title(pair, len(shown)), "bold"), INDENT)
    for line in _places(pair):
        page.write(page.text(line), 2 * INDENT)
    if any(_places(pair)):
        page.write()
    mixed = ("verdict",) if len({entry.verdict for entry in shown}) > 1 else ()
    layouts = [lambda names=(*names, *mixed): _table(page, pair, shown, names) for names in LAYOUTS]
    full = (*LAYOUTS[0], *mixed)
    page.write_first_that_fits([*layouts, lambda: _list(page, pair, shown, full)], 2 * INDENT)


def _places(pair: PairResult) -> Iterator[str]:
    """Say where entries are wrong: ``w[:, 3]: 6 of 6 entries at generic, 5 of 6 at edge``."""
    for where in dict.fromkeys(group.where for group in pair.groups if group.where != EVERYWHERE):
        found = [group for group in pair.groups if group.where == where]
        counts = [_count(group, "entry", "entries") for group in found[:1]] + [
            _count(group, "", "") for group in found[1:]
        ]
        yield f"{where}: {', '.join(counts)}"


def _count(group: Places, singular: str, several: str) -> str:
    noun = singular if group.entries == 1 else several
    share = "" if group.share >= 1 else f" ({group.share:.0%} of what is wrong)"
    return f"{group.mismatched} of {group.entries} {noun + ' ' if noun else ''}at {group.point}{share}"


def _counted(pair: PairResult) -> tuple[Entry, ...]:
    """Leave out what one point left undecided and another one decided."""
    shown = pair.shown or ((pair.worst,) if pair.worst else ())
    numbers = {Verdict.FAIL: pair.mismatched, Verdict.INCONCLUSIVE: pair.inconclusive}
    return tuple(entry for entry in shown if numbers.get(entry.verdict))


def _claim(pair: PairResult) -> str:
    return f"{pair_name(pair)} ({pair.claim})"


def _title(pair: PairResult, shown: int) -> str:
    """Say what kind of entries follow and how many there are.

    ``wrong entries of ∂y/∂x (vjp), the worst 6 of 18 (15 wrong, 3 undecided)``.
    """
    affected = max(shown, pair.mismatched + pair.inconclusive)
    kind = "wrong" if pair.mismatched else "undecided"
    title = f"{kind} {'entry' if affected == 1 else 'entries'} of {_claim(pair)}"
    if shown < affected:
        title += f", the worst {shown} of {affected}" if shown > 1 else f", the worst of {affected}"
    elif shown > 1:
        title += ", worst first"
    if pair.mismatched and pair.inconclusive:
        title += f" ({pair.mismatched} wrong, {pair.inconclusive} undecided)"
    return title


def _table(page: Page, pair: PairResult, shown: tuple[Entry, ...], names: tuple[str, ...]) -> RenderableType:
    columns = [COLUMNS[name] for name in names]
    table = page.table((column.header, column.justify) for column in columns)
    for entry in shown:
        table.add_row(*(page.text(column.cell(pair, entry)) for column in columns))
    return table


def _list(page: Page, pair: PairResult, shown: tuple[Entry, ...], names: tuple[str, ...]) -> RenderableType:
    """Lay out for names or terminals that leave no room for a table."""
    first, *others = (COLUMNS[name] for name in names)
    records: list[RenderableType] = []
    for entry in shown:
        rows = [(f"  {column.header}", "dim", column.cell(pair, entry)) for column in others]
        records += [page.text(first.cell(pair, entry)), page.labelled(rows)]
    return Group(*records)


def write_worst(page: Page, pair: PairResult) -> None:
    """Print the worst entry of a pair that passes, in one line."""
    if pair.worst is None:
        return
    where, both = entry_name(pair, pair.worst), f"numeric {measured(pair.worst)}"
    values = f"claimed {claimed(pair.worst.analytic)}, {both}, at {pair.worst.point}"
    text = f"worst entry of {_claim(pair)}: {where} {values}"
    page.write()
    page.write(page.text(text), INDENT)


def write_values(page: Page, pair: PairResult, values: Values) -> None:
    """Print the Jacobian, claimed beside numeric, in blocks of as many columns as fit."""
    columns = list(range(len(values.analytic[0]) if values.analytic else 0))
    page.write()
    page.write(page.text(f"{_claim(pair)} written out at {values.point}", "bold"), INDENT)
    while columns:
        together = max(1, min(len(columns), page.width // _NARROWEST))
        while together > 1 and not page.fits(_matrices(page, pair, values, columns[:together]), 2 * INDENT):
            together -= 1
        page.write(_matrices(page, pair, values, columns[:together]), 2 * INDENT)
        columns = columns[together:]
        if columns:
            page.write()


def _matrices(page: Page, pair: PairResult, values: Values, columns: list[int]) -> RenderableType:
    names = elements(pair.input, pair.input_shape, is_complex=pair.input_complex)
    rows = elements(pair.output, pair.output_shape, is_complex=pair.output_complex)
    sides = (("claimed", values.analytic, claimed), ("numeric", values.numeric, derivative))
    headers: list[tuple[str, Justify]] = [("", "left")]
    for side, _, _ in sides:
        titles = [side] + [""] * (len(columns) - 1)
        # An empty column keeps the two sides apart.
        headers += [(f"{title}\n{names[j]}", "right") for title, j in zip(titles, columns, strict=True)]
        headers += [("", "left")]
    table = page.table(headers[:-1])
    for i, row in enumerate(rows):
        left, right = ([write(matrix[i][j]) for j in columns] for _, matrix, write in sides)
        table.add_row(*map(page.text, (row, *left, "", *right)))
    return table
