"""The functions of the formula language, as a table or, where that has no room, as a list."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.text import Text

from gradcheck_cli.report.page import INDENT, Page
from gradcheck_cli.views import FunctionRow


def write_functions(rows: Sequence[FunctionRow], console: Console) -> None:
    """Print the functions, group by group."""
    page = Page(console)
    for group, members in itertools.groupby(rows, key=lambda row: row.group):
        some = list(members)
        page.write(page.text(group, "bold"))
        page.write(Group(*(_entry(page, row) for row in some)), INDENT)
        page.write()


def _entry(page: Page, row: FunctionRow) -> RenderableType:
    """Write a function's call, and below it what is known of it."""
    also = [row.operator] * (row.operator not in {"", row.call}) + list(row.aliases)
    title = page.text(row.call, "cyan")
    if also:
        title = Text.assemble(title, page.text(f"  also {', '.join(also)}", "dim"))
    facts = [("  shape", "dim", row.shapes), ("  VJP", "dim", row.vjp)]
    return Group(title, page.labelled(facts))
