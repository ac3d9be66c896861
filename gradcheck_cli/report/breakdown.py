"""The shape breakdown: how the axes of a generalized Jacobian fall into two groups, and what it weighs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import RenderableType

from gradcheck_cli.report.notation import in_both, pair_name, plural
from gradcheck_cli.report.page import INDENT, Page
from gradcheck_cli.report.safe import safe
from gradcheck_cli.result import PairResult
from gradcheck_cli.shapes import count, show, show_bytes, show_symbols

LABELS: Final = (
    "output",
    "input",
    "generalized Jacobian",
    "row (output index fixed)",
    "column (input index fixed)",
    "matrix view",
    "explicit array",
    "VJP route",
)
GAP: Final = 2
_NARROWEST: Final = 10
# Where a line may be broken: never within a shape, last of all between a name and its shape.
BREAKS: Final = (" = ", " × ", " (")


def write_breakdown(page: Page, of: Sequence[PairResult]) -> None:
    """Print each output-input pair once, as many side by side as fit."""
    pairs = list({(pair.output, pair.input): pair for pair in reversed(of)}.values())[::-1]
    while pairs:
        together = _fitting(page, pairs)
        page.write()
        page.write(_table(page, pairs[:together]), INDENT)
        pairs = pairs[together:]


def _fitting(page: Page, pairs: Sequence[PairResult]) -> int:
    """Count the leading pairs that fit beside one another: at least one."""
    together = max(1, min(len(pairs), page.width // _NARROWEST))
    while together > 1 and not page.fits(_table(page, pairs[:together])):
        together -= 1
    return together


def _table(page: Page, pairs: Sequence[PairResult]) -> RenderableType:
    room = (page.width - INDENT - max(map(len, LABELS))) // len(pairs) - GAP
    breaks = BREAKS if len(pairs) == 1 else BREAKS[:1]
    table = page.table([("shapes", "left"), *((pair_name(pair), "left") for pair in pairs)])
    columns = [[_fold(value, room, breaks) for value in _values(pair)] for pair in pairs]
    for label, *cells in zip(LABELS, *columns, strict=True):
        table.add_row(page.text(label, "dim"), *map(page.lines, cells))
    return table


def _values(pair: PairResult) -> tuple[str, ...]:
    """One value per label."""
    rows, columns = pair.output_shape, pair.input_shape
    height, width = (
        count(shape) * (2 if is_complex else 1)
        for shape, is_complex in ((rows, pair.output_complex), (columns, pair.input_complex))
    )
    kinds = (" complex" if is_complex else "" for is_complex in (pair.output_complex, pair.input_complex))
    output_kind, input_kind = kinds
    return (
        f"{safe(pair.output)} {in_both(show_symbols(rows), show(rows))}{output_kind}",
        f"{safe(pair.input)} {in_both(show_symbols(columns), show(columns))}{input_kind}",
        in_both(f"{show_symbols(rows)} × {show_symbols(columns)}", f"{show(rows)} × {show(columns)}"),
        f"shape of {safe(pair.input)} {show(columns)}",
        f"shape of {safe(pair.output)} {show(rows)}",
        f"{height} × {width} = {plural(height * width, 'entry', 'entries')}",
        show_bytes(pair.bytes_dense),
        show_bytes(pair.bytes_vjp),
    )


def _fold(text: str, room: int, breaks: Sequence[str]) -> str:
    """Break what is longer than ``room`` before the first of ``breaks``, the parts before the next.

    >>> print(_fold("(N, M) × (N, D) = (1, 3) × (1, 2)", 20, BREAKS))
    (N, M) × (N, D)
    = (1, 3) × (1, 2)
    """
    if len(text) <= room or not breaks:
        return text
    lines = text.replace(breaks[0], f"\n{breaks[0].lstrip()}").split("\n")
    return "\n".join(_fold(line, room, breaks[1:]) for line in lines)
