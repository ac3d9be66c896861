"""Which report formats there are; each is one function from a finished run to a string.

The modules that need rich are imported when their format is asked for, so that the command line can list
the names without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from gradcheck_cli.report.json_report import render_json
from gradcheck_cli.report.mutate_json import render_mutations_json
from gradcheck_cli.report.shapes_json import render_shapes_json
from gradcheck_cli.report.shapes_markdown import render_shapes_markdown

if TYPE_CHECKING:
    from gradcheck_cli.mutations import MutationReport
    from gradcheck_cli.result import RunReport
    from gradcheck_cli.views import ShapeReport


def _text(report: RunReport) -> str:
    from gradcheck_cli.report.text import render_string  # noqa: PLC0415  # keeps rich out of --help

    return render_string(report)


def _shapes_text(report: ShapeReport) -> str:
    from gradcheck_cli.report.plain import plain  # noqa: PLC0415  # keeps rich out of --help
    from gradcheck_cli.report.shapes_text import write_shapes  # noqa: PLC0415  # likewise

    return plain(lambda console: write_shapes(report, console))


def _mutations_text(report: MutationReport) -> str:
    from gradcheck_cli.report.mutate_text import write_mutations  # noqa: PLC0415  # keeps rich out of --help
    from gradcheck_cli.report.plain import plain  # noqa: PLC0415  # likewise

    return plain(lambda console: write_mutations(report, console))


RENDERERS: Final[dict[str, Callable[[RunReport], str]]] = {
    "text": _text,
    "json": render_json,
}

SHAPE_RENDERERS: Final[dict[str, Callable[[ShapeReport], str]]] = {
    "text": _shapes_text,
    "json": render_shapes_json,
    "markdown": render_shapes_markdown,
}

MUTATION_RENDERERS: Final[dict[str, Callable[[MutationReport], str]]] = {
    "text": _mutations_text,
    "json": render_mutations_json,
}
