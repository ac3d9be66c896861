"""A terminal as a page: safe text, tables without clutter, and a choice of layouts by width."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rich import box
from rich.console import Console, RenderableType
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gradcheck_cli.report.safe import safe, safe_lines

INDENT: Final = 2
_UNLIMITED: Final = 100_000
_ASCII_HEAD: Final = box.Box("    \n    \n -- \n    \n    \n    \n    \n    \n", ascii=True)

Justify = Literal["left", "right"]
Layout = Callable[[], RenderableType]


@dataclass(frozen=True)
class Page:
    """Where a report is written; every text of it passes through ``text`` or ``lines``."""

    console: Console

    @property
    def width(self) -> int:
        """Columns of the terminal."""
        return self.console.width

    def text(self, content: str, style: str = "") -> Text:
        """One line of text that cannot do anything but be read."""
        return Text(safe(content, self.console.encoding), style, overflow="fold")

    def lines(self, content: str, style: str = "") -> Text:
        """Text of several lines."""
        return Text(safe_lines(content, self.console.encoding), style, overflow="fold")

    def write(self, content: RenderableType = "", indent: int = 0) -> None:
        """Print with an indent; nothing in the content is taken for markup."""
        padded = Padding(content, (0, 0, 0, indent), expand=False) if indent else content
        self.console.print(padded, markup=False, highlight=False, emoji=False)

    def write_unbroken(self, line: Text) -> None:
        """Print one line that stays one, however long it is."""
        self.console.print(line, markup=False, highlight=False, emoji=False, soft_wrap=True)

    def write_first_that_fits(self, layouts: Sequence[Layout], indent: int = INDENT) -> None:
        """Print the first layout that needs no more than the page's width, else the last one."""
        for layout in layouts:
            content = layout()
            if self.fits(content, indent):
                break
        self.write(content, indent)

    def fits(self, content: RenderableType, indent: int = INDENT) -> bool:
        """Tell whether the content can stand in its full width."""
        unlimited = self.console.options.update(max_width=_UNLIMITED)
        return Measurement.get(self.console, unlimited, content).maximum <= self.width - indent

    def table(self, headers: Iterable[tuple[str, Justify]]) -> Table:
        """Make an empty table: a line under its head and no other borders."""
        has_lines = not self.console.options.ascii_only
        table = Table(
            box=box.SIMPLE_HEAD if has_lines else _ASCII_HEAD,
            show_edge=False,
            pad_edge=False,
            padding=(0, 1, 0, 0),
            header_style="bold",
            border_style="dim",
        )
        heads = list(headers)
        height = max(header.count("\n") for header, _ in heads)
        for header, justify in heads:
            # A short head stands right above its numbers.
            sunk = Text("\n" * (height - header.count("\n"))).append_text(self.lines(header))
            table.add_column(sunk, justify=justify, overflow="fold")
        return table

    def columns(self, rows: Iterable[Sequence[str]]) -> Table:
        """Align texts in columns without heads or lines."""
        grid = Table.grid(padding=(0, 2, 0, 0))
        for row in rows:
            grid.add_row(*map(self.lines, row))
        return grid

    def labelled(self, rows: Iterable[tuple[str, str, str]]) -> Table:
        """Make a list of texts, each with a label before it: rows of label, style of the label, text."""
        grid = Table.grid(padding=(0, 2, 0, 0))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for label, style, content in rows:
            grid.add_row(self.text(label, style), self.lines(content))
        return grid
