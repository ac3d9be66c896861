"""Standard output during a run: text is shown check by check, any other format once at the end."""

from __future__ import annotations

import io
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

from rich.console import Console

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.report import RENDERERS
from gradcheck_cli.report.page import Page
from gradcheck_cli.report.text import render_check, render_summary
from gradcheck_cli.report.trim import trimmed
from gradcheck_cli.result import CheckResult, RunReport


class TerminalConsole(Console):
    """A console that leaves it to its caller what a closed pipe means."""

    def on_broken_pipe(self) -> NoReturn:
        """Pass on what rich would turn into exit code 1, which stands for a wrong gradient."""
        raise BrokenPipeError


class Screen:
    """Shows results as they come and remembers them, in case no more do."""

    def __init__(self, name: str, *, verbosity: int = 0, color: bool | None = None) -> None:
        self._format = name
        self._verbosity = verbosity
        self._console = open_console(color=color)
        self._checks: list[CheckResult] = []
        self._start = time.monotonic()

    def show(self, check: CheckResult) -> None:
        """Take in one more result."""
        self._checks.append(check)
        if self._format == "text":
            with _writing():
                render_check(check, self._console, self._verbosity)

    def add(self, line: str) -> None:
        """Show one more line as it is, however long: it may be copied. Beside a document, on stderr."""
        page = Page(self._console if self._format == "text" else TerminalConsole(stderr=True))
        with _writing():
            page.write_unbroken(page.text(line))

    def known(self) -> RunReport:
        """Return the results that have come in so far."""
        return RunReport(checks=tuple(self._checks), seconds=time.monotonic() - self._start)

    def finish(self, report: RunReport) -> None:
        """Show what belongs at the end."""
        if self._format == "text":
            with _writing():
                render_summary(report, self._console, self._verbosity)
        else:
            show_text(RENDERERS[self._format](report))


def show(write: Callable[[Console], None], *, color: bool | None = None) -> None:
    """Print something that is laid out for the terminal."""
    console = open_console(color=color)
    with _writing():
        write(console)


def show_text(text: str) -> None:
    """Print a document as it is."""
    if sys.stdout is None:
        return
    with _writing():
        # Line by line: an unbuffered stream loses the rest of a long text that a pipe takes in parts.
        sys.stdout.writelines(text.splitlines(keepends=True))
        sys.stdout.flush()


@contextmanager
def _writing() -> Iterator[None]:
    """Tell a refused write from every other error; that nobody reads any more stays a broken pipe."""
    try:
        yield
    except OSError as error:
        # Python flushes standard output once more at exit; it would be refused once more.
        with suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise
        raise GradcheckError(f"cannot write to standard output: {error.strerror or error}") from error


def open_console(*, color: bool | None = None) -> Console:
    """Open standard output; ``color`` None leaves colours to the terminal and to NO_COLOR."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What an encoding lacks is spelled out: no report may end in a traceback.
        sys.stdout.reconfigure(errors="backslashreplace")
    file = sys.stdout  # None where it is closed: rich then writes nowhere
    if file is not None and not file.isatty():
        file = trimmed(file)
    if color is None:
        console = TerminalConsole(file=file)
    elif color:
        console = TerminalConsole(file=file, color_system="standard", force_terminal=True, no_color=False)
    else:
        console = TerminalConsole(file=file, color_system=None)
    if console.width < 1:  # COLUMNS=0 stands for no width that is known
        console.width = shutil.get_terminal_size().columns
    return console
