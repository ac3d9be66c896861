"""The error table: how far each claim is from the numeric derivative."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from rich.console import Group, RenderableType

from gradcheck_cli.report.notation import VERDICTS, largest_error, pair_name, plural, size_of_error
from gradcheck_cli.report.page import INDENT, Justify, Page
from gradcheck_cli.result import CheckResult, PairResult


@dataclass(frozen=True)
class Column:
    """A column of the error table: its head and its cell for a pair."""

    header: str
    cell: Callable[[PairResult], str]
    justify: Justify = "right"


COLUMNS: Final = {
    "pair": Column("pair", pair_name, "left"),
    "claim": Column("claim", lambda pair: pair.claim, "left"),
    "mode": Column("mode", lambda pair: pair.mode, "left"),
    "entries": Column("entries", lambda pair: str(pair.entries)),
    "mismatched": Column("mismatched", lambda pair: str(pair.mismatched)),
    "wrong": Column("mis-\nmatched", lambda pair: f"{pair.mismatched} of {pair.entries}"),
    "absolute": Column("max abs\nerror", lambda pair: largest_error(pair, pair.max_abs_error)),
    "relative": Column("max rel\nerror", lambda pair: largest_error(pair, pair.max_rel_error)),
    "detectable": Column("smallest\ndetectable", lambda pair: size_of_error(pair.detectable)),
}
# From the widest; each ends with the verdict.
LAYOUTS: Final = (
    ("pair", "claim", "mode", "entries", "mismatched", "absolute", "relative", "detectable"),
    ("pair", "claim", "entries", "mismatched", "absolute", "relative", "detectable"),
    ("pair", "claim", "entries", "mismatched", "absolute", "detectable"),
    ("pair", "claim", "wrong", "absolute", "relative"),
)


def write_errors(page: Page, check: CheckResult) -> None:
    """Print one row for each pair and claim, then what a row has no room for."""
    page.write()
    layouts = [lambda names=names: _error_table(page, check, names) for names in LAYOUTS]
    page.write_first_that_fits([*layouts, lambda: _error_list(page, check)])
    for pair in check.pairs:
        if remarks := "; ".join(_remarks(pair)):
            page.write(page.lines(f"{pair_name(pair)} ({pair.claim}): {remarks}"), INDENT)


def _error_table(page: Page, check: CheckResult, names: tuple[str, ...]) -> RenderableType:
    columns = [COLUMNS[name] for name in names]
    table = page.table([*((column.header, column.justify) for column in columns), ("verdict", "left")])
    for pair in check.pairs:
        cells = [page.text(column.cell(pair)) for column in columns]
        table.add_row(*cells, page.text(*VERDICTS[pair.verdict]))
    return table


def _error_list(page: Page, check: CheckResult) -> RenderableType:
    """Lay out for names or terminals that leave no room for a table."""
    records: list[RenderableType] = []
    for pair in check.pairs:
        word, style = VERDICTS[pair.verdict]
        records.append(page.text(f"{pair_name(pair)} ({pair.claim}): {word}", style))
        wrong = f"{pair.mismatched} of {plural(pair.entries, 'entry', 'entries')} mismatched"
        records.append(page.text(f"  {wrong}"))
        records.append(page.text(f"  max abs error {largest_error(pair, pair.max_abs_error)}"))
        records.append(page.text(f"  max rel error {largest_error(pair, pair.max_rel_error)}"))
    return Group(*records)


def _remarks(pair: PairResult) -> Iterator[str]:
    if pair.inconclusive:
        yield f"{plural(pair.inconclusive, 'entry', 'entries')} of {pair.entries} undecided"
    if pair.kinks:
        yield plural(pair.kinks, "kink")
    if pair.note:
        yield pair.note
