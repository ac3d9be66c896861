"""The command line: which options there are, and which exit code each way of ending has.

What is heavy is imported within the command, so that ``--help`` answers at once.
"""

from __future__ import annotations

import math
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from gradcheck_cli import __version__
from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.report import RENDERERS
from gradcheck_cli.report.safe import safe_lines
from gradcheck_cli.report.write import write_whole
from gradcheck_cli.result import ExitCode, RunReport

SCREEN_FORMAT: Final = "text"
# What a shell reports for a process that ended by SIGINT or SIGPIPE: 128 + the signal's number.
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141
POWERS: Final = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}

EXIT_CODES: Final = """\b
Exit codes:
  0  every check came out as expected
  1  some gradient is wrong, or a check that should fail passed
  2  the command line or a spec is wrong: nothing of that spec was run
  3  some check could not be decided or carried out
"""


@dataclass(frozen=True)
class Output:
    """One report to be made: its format and where it goes (None: standard output)."""

    format: str
    file: Path | None = None


def parse_outputs(_context: click.Context, _option: click.Parameter, values: Sequence[str]) -> list[Output]:
    """Read each ``NAME`` or ``NAME=FILE``; a file must have a directory to stand in."""
    outputs = []
    for name, has_file, file in (value.partition("=") for value in values):
        if name not in RENDERERS:
            raise click.BadParameter(f"{name!r} is no format; choose from {', '.join(RENDERERS)}")
        if has_file and (not file or Path(file).is_dir() or not Path(file).parent.is_dir()):
            raise click.BadParameter(f"{file!r} is no file in a directory that exists; write {name}=FILE")
        outputs.append(Output(name, Path(file) if has_file else None))
    return outputs


def parse_memory(_context: click.Context, _option: click.Parameter, value: str) -> int:
    """Read ``1GiB`` (powers of 1024), ``1GB`` (powers of 1000) or a plain number of bytes."""
    match = re.fullmatch(
        r"(\d{1,18}(?:\.\d{1,18})?) *(?:([KMGT]?)(i?)B)?", value.strip(), re.IGNORECASE | re.ASCII
    )
    if match is None:
        raise click.BadParameter(f"{value!r} is no size; write for example 512MiB, 2GB or 1000000")
    number, prefix, binary = match.groups(default="")
    size = int(float(number) * (1024 if binary else 1000) ** POWERS[prefix.upper()])
    if size == 0:
        raise click.BadParameter("must be more than 0 bytes")
    return size


def parse_tolerance(_context: click.Context, _option: click.Parameter, value: float | None) -> float | None:
    """Refuse negative numbers, nan and infinities."""
    if value is not None and not (math.isfinite(value) and value >= 0):
        raise click.BadParameter(f"{value} is no tolerance; write a finite number that is not negative")
    return value


class UserError(click.ClickException):
    """Something for the user to mend, said in one line."""

    exit_code = ExitCode.USAGE


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gradcheck")
def main() -> None:
    """Check hand-written gradients, entry by entry, from a YAML spec."""


@main.command(epilog=EXIT_CODES)
@click.argument("paths", nargs=-1, metavar="[SPEC|DIR]...")
@click.option("-k", "select", metavar="EXPR", help="Run only the checks whose names match.")
@click.option("-x", "stop_at_first", is_flag=True, help="Stop at the first failure.")
@click.option(
    "--format",
    "outputs",
    callback=parse_outputs,
    multiple=True,
    metavar="NAME[=FILE]",
    help=f"Report format: {', '.join(RENDERERS)}; may be repeated. Standard output shows text unless "
    "another format is written there.",
)
@click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Seed of the random inputs.")
@click.option(
    "--rtol",
    type=float,
    callback=parse_tolerance,
    metavar="FLOAT",
    help="Relative tolerance of every check.",
)
@click.option(
    "--atol",
    type=float,
    callback=parse_tolerance,
    metavar="FLOAT",
    help="Absolute tolerance of every check.",
)
@click.option(
    "--max-memory",
    callback=parse_memory,
    default="1GiB",
    show_default=True,
    metavar="SIZE",
    help="Largest array; with unit B, KB, KiB, MB, MiB, GB, GiB.",
)
@click.option("--strict", is_flag=True, help="Warnings fail their check.")
@click.option("--no-code", is_flag=True, help="Refuse every spec that would import code.")
@click.option("-v", "--verbose", count=True, help="Show passing checks in full.")
@click.option("-q", "--quiet", is_flag=True, help="Show only what did not come out as expected.")
@click.option("--color/--no-color", default=None, help="Use colours; default: on a terminal only.")
def run(
    paths: tuple[str, ...],
    outputs: list[Output],
    *,
    verbose: int,
    quiet: bool,
    color: bool | None,
    **options: Any,  # the fields of RunOptions
) -> NoReturn:
    """Check specs and directories of specs.

    Without an argument, every spec below the current directory.
    """
    screen_format, files = _destinations(outputs)
    with _endings():
        from gradcheck_cli.report.screen import Screen  # noqa: PLC0415  # not for --help

        screen = Screen(screen_format, verbosity=-1 if quiet else verbose, color=color)
        try:
            from gradcheck_cli.run import RunOptions, run_paths  # noqa: PLC0415  # not for --help

            report = run_paths(paths or (".",), RunOptions(**options), screen.show)
        except KeyboardInterrupt:
            screen.finish(screen.known())
            raise
        screen.finish(report)
        _write_files(report, files)
        sys.exit(int(report.exit_code))


def _destinations(outputs: Sequence[Output]) -> tuple[str, list[Output]]:
    """Tell the one format for standard output from those for files."""
    on_screen = [output.format for output in outputs if output.file is None]
    files = [output for output in outputs if output.file is not None]
    if len(on_screen) > 1:
        raise click.UsageError(
            f"standard output can hold one format, not {' and '.join(on_screen)}; "
            f"write the others to files, for example --format {on_screen[-1]}=FILE"
        )
    if len({output.file for output in files}) < len(files):
        raise click.UsageError("two formats cannot be written to one file")
    return (*on_screen, SCREEN_FORMAT)[0], files


def _write_files(report: RunReport, outputs: Sequence[Output]) -> None:
    for output in outputs:
        assert output.file is not None
        try:
            write_whole(output.file, RENDERERS[output.format](report))
        except OSError as error:
            raise UserError(f"cannot write {output.file}: {error.strerror}") from error


@contextmanager
def _endings() -> Iterator[None]:
    """Turn what may end a run early into an exit code and at most one line."""
    try:
        yield
    except GradcheckError as error:
        raise UserError(safe_lines(str(error))) from error
    except KeyboardInterrupt:
        click.echo("interrupted: more checks were to come", err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.exit(BROKEN_PIPE)
    except (click.ClickException, click.exceptions.Exit):
        raise
    except Exception:  # noqa: BLE001  # a bug of ours: to be seen, but not as the verdict that Python's 1 is
        traceback.print_exc()
        click.echo(
            "this is a bug in gradcheck-cli: please report it with the lines above and the spec", err=True
        )
        sys.exit(int(ExitCode.UNDECIDED))
