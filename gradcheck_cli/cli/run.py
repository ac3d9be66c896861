"""``gradcheck run``: check specs, report, and say by the exit code how it went."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from gradcheck_cli.cli.endings import EXIT_CODES, destinations, endings, write_files
from gradcheck_cli.cli.options import (
    Output,
    color_option,
    format_option,
    jobs_option,
    memory_option,
    no_code_option,
    paths_argument,
    save_option,
    seed_option,
    select_option,
    timeout_option,
    tolerance_options,
    with_options,
)
from gradcheck_cli.report import RENDERERS

if TYPE_CHECKING:
    from gradcheck_cli.cli.failures import Failures


@click.command(epilog=EXIT_CODES)
@with_options(
    paths_argument,
    select_option,
    click.option("-x", "stop_at_first", is_flag=True, help="Stop at the first failure."),
    jobs_option,
    format_option(list(RENDERERS)),
    save_option,
    seed_option,
    *tolerance_options,
    memory_option,
    timeout_option,
    click.option("--strict", is_flag=True, help="Warnings fail their check."),
    no_code_option,
    click.option("-v", "--verbose", count=True, help="Show passing checks in full."),
    click.option("-q", "--quiet", is_flag=True, help="Show only what did not come out as expected."),
    color_option,
)
def run(
    paths: tuple[str, ...],
    outputs: list[Output],
    *,
    verbose: int,
    quiet: bool,
    color: bool | None,
    **options: Any,  # the fields of RunOptions, and save_failures
) -> NoReturn:
    """Check specs and directories of specs.

    Without an argument, every spec below the current directory.
    """
    screen_format, files = destinations(outputs)
    with endings():
        from gradcheck_cli.report.screen import Screen  # noqa: PLC0415  # not for --help

        screen = Screen(screen_format, verbosity=-1 if quiet else verbose, color=color)
        try:
            from gradcheck_cli.run import RunOptions, run_paths  # noqa: PLC0415  # not for --help

            failures = _failures(options.pop("save_failures"))
            to = failures.rescue if failures else None
            report = run_paths(paths or (".",), RunOptions(**options), screen.show, to)
        except KeyboardInterrupt:
            screen.finish(screen.known())
            write_files(screen.known(), files, RENDERERS)
            raise
        screen.finish(report)
        for line in failures.lines() if failures else ():
            screen.add(line)
        write_files(report, files, RENDERERS)
        sys.exit(int(report.exit_code))


def _failures(folder: Path | None) -> Failures | None:
    """Make ready to write failures, if they are asked for."""
    if folder is None:
        return None
    from gradcheck_cli.cli.failures import Failures  # noqa: PLC0415  # not for --help

    return Failures(folder)
