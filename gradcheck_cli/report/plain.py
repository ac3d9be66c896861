"""What a console would show, as plain text without colours or trailing blanks."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Final

from rich.console import Console

from gradcheck_cli.report.trim import trimmed

WIDTH: Final = 100


def plain(write: Callable[[Console], None], width: int = WIDTH) -> str:
    """Call ``write`` with a console that is a string."""
    text = io.StringIO()
    write(Console(file=trimmed(text), width=width, color_system=None, legacy_windows=False))
    return text.getvalue()
