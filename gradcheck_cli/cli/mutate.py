"""``gradcheck mutate``: what a spec is worth, told by what it would miss."""

from __future__ import annotations

import sys
from typing import Any, NoReturn

import click

from gradcheck_cli.cli.endings import SCREEN_FORMAT, destinations, endings, write_files
from gradcheck_cli.cli.options import (
    Output,
    color_option,
    format_option,
    jobs_option,
    memory_option,
    no_code_option,
    paths_argument,
    seed_option,
    select_option,
    timeout_option,
    with_options,
)
from gradcheck_cli.report import MUTATION_RENDERERS

EXIT_CODES = """\b
Exit codes:
  0  every corruption is caught
  1  a corruption is missed
  2  the command line or a spec is wrong
  3  a check does not pass by itself, or a corruption could not be
     judged
"""


@click.command(epilog=EXIT_CODES)
@with_options(
    paths_argument,
    select_option,
    jobs_option,
    format_option(list(MUTATION_RENDERERS)),
    seed_option,
    memory_option,
    timeout_option,
    no_code_option,
    click.option("-v", "--verbose", count=True, help="List every corruption, caught or not."),
    color_option,
)
def mutate(
    paths: tuple[str, ...],
    outputs: list[Output],
    *,
    verbose: int,
    color: bool | None,
    **options: Any,  # fields of RunOptions
) -> NoReturn:
    """Corrupt each claim in many ways, and see which of them its check would miss.

    Each gradient is spoilt one way at a time, as by a wrong sign, a factor, a transpose, a missing term or a
    cotangent that is ignored, and the check is carried out again. A check that still passes does not see
    such a mistake. The files of specs stay as they are.
    """
    screen_format, files = destinations(outputs)
    with endings():
        from gradcheck_cli.explore.mutate import check_and_mutate  # noqa: PLC0415  # not for --help
        from gradcheck_cli.mutations import gathered  # noqa: PLC0415  # likewise
        from gradcheck_cli.report.mutate_text import write_mutations  # noqa: PLC0415  # likewise
        from gradcheck_cli.report.screen import show, show_text  # noqa: PLC0415  # likewise
        from gradcheck_cli.run import RunOptions, run_paths  # noqa: PLC0415  # likewise

        run = run_paths(paths or (".",), RunOptions(judge=check_and_mutate, **options))
        report = gathered(run)
        if screen_format == SCREEN_FORMAT:
            show(lambda console: write_mutations(report, console, verbosity=verbose), color=color)
        else:
            show_text(MUTATION_RENDERERS[screen_format](report))
        write_files(report, files, MUTATION_RENDERERS)
        sys.exit(int(report.exit_code))
