"""``gradcheck taylor``: how fast the remainder of the first-order relation shrinks."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import click

from gradcheck_cli.cli.endings import endings
from gradcheck_cli.cli.options import (
    color_option,
    memory_option,
    no_code_option,
    paths_argument,
    point_option,
    seed_option,
    select_option,
    with_options,
)
from gradcheck_cli.cli.plot import plot_option, require_plot, write_plot

if TYPE_CHECKING:
    from pathlib import Path

    from gradcheck_cli.remainder import TaylorReport

EXIT_CODES = """\b
Exit codes:
  0  every remainder shrinks as t² or is round-off
     (or does not, where the spec expects a failure)
  1  a claim is not the derivative
  2  the command line or a spec is wrong
  3  a remainder tells nothing, or could not be computed
"""


@click.command(epilog=EXIT_CODES)
@with_options(
    paths_argument,
    select_option,
    point_option,
    seed_option,
    memory_option,
    no_code_option,
    plot_option,
    click.option("-v", "--verbose", count=True, help="Show every step."),
    color_option,
)
def taylor(
    paths: tuple[str, ...],
    *,
    point: str,
    verbose: int,
    color: bool | None,
    **options: Any,  # plot, and the fields of Settings
) -> NoReturn:
    """Test f(x + t v) = f(x) + t J v + R(t) along a random direction v.

    R(t) shrinks as t² if the claimed J is the derivative, and only as t if it is not. Each claim is asked
    once for each input and no Jacobian is built, so that large sizes can be tested. One direction can miss
    a wrong entry, though: "gradcheck run" looks at every one.
    """
    with endings():
        from gradcheck_cli.explore.taylor import taylor_report  # noqa: PLC0415  # not for --help
        from gradcheck_cli.prepare import Settings  # noqa: PLC0415  # likewise
        from gradcheck_cli.report.screen import show  # noqa: PLC0415  # likewise
        from gradcheck_cli.report.taylor_text import write_taylor  # noqa: PLC0415  # likewise
        from gradcheck_cli.work.apart import apart  # noqa: PLC0415  # likewise

        plot = options.pop("plot")
        require_plot(plot)
        report = apart(partial(taylor_report, paths or (".",), Settings(**options), point))
        _plot(plot, report)
        show(lambda console: write_taylor(report, console, verbosity=verbose), color=color)
        sys.exit(int(report.exit_code))


def _plot(file: Path | None, report: TaylorReport) -> None:
    if file is not None:
        from gradcheck_cli.report.figures_taylor import has_remainders, taylor_figure  # noqa: PLC0415  # an extra

        write_plot(file, (lambda: taylor_figure(report)) if any(map(has_remainders, report.checks)) else None)
