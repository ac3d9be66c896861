"""``gradcheck shapes``: the shape-inspection report."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import click

from gradcheck_cli.cli.endings import SCREEN_FORMAT, destinations, endings, write_files
from gradcheck_cli.cli.options import (
    Output,
    color_option,
    format_option,
    memory_option,
    no_code_option,
    paths_argument,
    select_option,
    with_options,
)
from gradcheck_cli.report import SHAPE_RENDERERS

EXIT_CODES = """\b
Exit codes:
  0  every claim has the shape that it must have
  1  a claim has another shape, and its check is not expected to fail
  2  the command line or a spec is wrong
"""


@click.command(epilog=EXIT_CODES)
@with_options(
    paths_argument,
    select_option,
    format_option(list(SHAPE_RENDERERS)),
    memory_option,
    no_code_option,
    color_option,
)
def shapes(paths: tuple[str, ...], outputs: list[Output], *, color: bool | None, **settings: Any) -> NoReturn:
    """Show the shape of every value, claim and Jacobian, with nothing computed.

    Sizes do not matter: an explicit Jacobian beyond --max-memory is called hopeless, not refused.
    """
    screen_format, files = destinations(outputs)
    with endings():
        from gradcheck_cli.explore.shapes import shape_report  # noqa: PLC0415  # not for --help
        from gradcheck_cli.prepare import Settings  # noqa: PLC0415  # likewise
        from gradcheck_cli.report.screen import show, show_text  # noqa: PLC0415  # likewise
        from gradcheck_cli.report.shapes_text import write_shapes  # noqa: PLC0415  # likewise

        report = shape_report(paths or (".",), Settings(**settings))
        if screen_format == SCREEN_FORMAT:
            show(lambda console: write_shapes(report, console), color=color)
        else:
            show_text(SHAPE_RENDERERS[screen_format](report))
        write_files(report, files, SHAPE_RENDERERS)
        sys.exit(int(report.exit_code))
