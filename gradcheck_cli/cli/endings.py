"""How a command ends: exit codes, and one line for whatever went wrong."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import click

from gradcheck_cli.cli.options import Output
from gradcheck_cli.errors import GradcheckError, LostError
from gradcheck_cli.report.safe import safe_lines
from gradcheck_cli.report.write import write_whole
from gradcheck_cli.result import ExitCode

# What a shell reports for a process that ended by SIGINT or SIGPIPE: 128 + the signal's number.
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141
SCREEN_FORMAT: Final = "text"

EXIT_CODES: Final = """\b
Exit codes:
  0  every check came out as expected
  1  some gradient is wrong, or a check that should fail passed
  2  the command line or a spec is wrong: nothing of that spec was run
  3  some check could not be decided or carried out
"""


class UserError(click.ClickException):
    """Something for the user to mend, said in one line."""

    exit_code = ExitCode.USAGE


def destinations(outputs: Sequence[Output]) -> tuple[str, list[Output]]:
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


def write_files(
    report: Any, outputs: Sequence[Output], renderers: Mapping[str, Callable[[Any], str]]
) -> None:
    """Write a report to each file that was asked for."""
    for output in outputs:
        assert output.file is not None
        write_file(output.file, renderers[output.format](report))


def write_file(file: Path, content: str | bytes) -> None:
    """Write a file that the user asked for; what hinders it is one line."""
    try:
        write_whole(file, content)
    except OSError as error:
        raise UserError(f"cannot write {file}: {error.strerror}") from error


class LostWork(click.ClickException):  # nobody catches it: it is one line and an exit code
    """What the user's code has ended."""

    exit_code = ExitCode.UNDECIDED


@contextmanager
def endings() -> Iterator[None]:
    """Turn what may end a run early into an exit code and at most one line."""
    try:
        yield
    except LostError as error:
        raise LostWork(safe_lines(str(error))) from error
    except GradcheckError as error:
        raise UserError(safe_lines(str(error))) from error
    except KeyboardInterrupt:
        click.echo("interrupted: more was to come", err=True)
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
