"""``gradcheck functions``: the functions of the formula language."""

from __future__ import annotations

import click

from gradcheck_cli.cli.endings import endings
from gradcheck_cli.cli.options import color_option, with_options


@click.command()
@with_options(click.argument("names", nargs=-1, metavar="[NAME]..."), color_option)
def functions(names: tuple[str, ...], *, color: bool | None) -> None:
    """List what a formula may call, with shape rule and VJP.

    With NAME, only the functions called so, or whose name contains it.
    """
    with endings():
        from gradcheck_cli.explore.functions import function_rows  # noqa: PLC0415  # not for --help
        from gradcheck_cli.report.functions_text import write_functions  # noqa: PLC0415  # likewise
        from gradcheck_cli.report.screen import show  # noqa: PLC0415  # likewise

        rows = function_rows(names)
        show(lambda console: write_functions(rows, console), color=color)
