"""Which report formats there are; each is one function from a finished run to a string.

The modules that need rich are imported when their format is asked for, so that the command line can list
the names without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from gradcheck_cli.report.json_report import render_json

if TYPE_CHECKING:
    from gradcheck_cli.result import RunReport


def _text(report: RunReport) -> str:
    from gradcheck_cli.report.text import render_string  # noqa: PLC0415  # keeps rich out of --help

    return render_string(report)


RENDERERS: Final[dict[str, Callable[[RunReport], str]]] = {
    "text": _text,
    "json": render_json,
}
