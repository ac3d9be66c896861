"""Faults of specs: where, then what, then the remedy; one a paragraph."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from gradcheck_cli.report.page import Page
from gradcheck_cli.result import Fault


def write_faults(page: Page, faults: Sequence[Fault]) -> None:
    """Print every fault, and a blank line behind the last."""
    for fault in faults:
        where, message = f"{fault.spec}:{fault.line}:{fault.column}: ", fault.message
        path = f"{fault.path}: " if fault.path else ""
        page.write(Text.assemble(page.text(where, "bold red"), page.text(path), page.lines(message)))
    if faults:
        page.write()
