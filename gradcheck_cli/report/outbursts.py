"""What the user's code has left besides its arrays: the frames of an error, and what it printed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Final

from gradcheck_cli.report.notation import plural
from gradcheck_cli.report.page import INDENT, Page
from gradcheck_cli.result import CheckResult, Verdict

FRAMES: Final = 8  # of a traceback that are shown: its first and its last ones
LAST_WORDS: Final = 5  # lines of output that are shown of an error
LINES: Final = (LAST_WORDS, 40)  # without -v, and with it


def write_traceback(page: Page, check: CheckResult) -> None:
    """Print one line for each frame of the user's code, the call that raised last."""
    rows = [(f"{_short(one.file)}:{one.line}", one.function, one.source) for one in check.traceback]
    if not rows:
        return
    if len(rows) > FRAMES:
        left_out = len(rows) - FRAMES + 1
        rows[FRAMES // 2 : FRAMES // 2 + left_out] = [(f"… {plural(left_out, 'more call')}", "", "")]
    page.write()
    page.write(page.text("in your code", "dim"), INDENT)
    # A column without a text would take room from the others.
    grid = page.columns(rows if any(source for *_, source in rows) else [row[:2] for row in rows])
    grid.columns[1].no_wrap = True
    grid.style = "dim"
    page.write(grid, 2 * INDENT)


def _short(file: str) -> str:
    """Name an installed file as it is imported.

    >>> _short("/usr/lib/python3/site-packages/numpy/_core/numeric.py"), _short("layers.py")
    ('numpy/_core/numeric.py', 'layers.py')
    """
    return file.rpartition("site-packages/")[2]


def write_output(page: Page, check: CheckResult, verbosity: int) -> None:
    """Print the end of what the code printed: of an error in any case, else with ``-v``."""
    if not check.output.strip() or (verbosity <= 0 and check.verdict is not Verdict.ERROR):
        return
    lines = list(_once(check.output))
    most = len(lines) if verbosity > 1 else LINES[verbosity > 0]
    page.write()
    page.write(page.text("printed by your code", "dim"), INDENT)
    if len(lines) > most:
        more = "-vv shows them" if verbosity > 0 else "-v shows more"
        left_out = plural(len(lines) - most, "line")
        page.write(page.text(f"… {left_out} before these ({more})", "dim"), 2 * INDENT)
    page.write(page.lines("\n".join(lines[-most:]), "dim"), 2 * INDENT)


def _once(output: str) -> Iterator[str]:
    """Write each line once that is printed several times in a row, as by every call; bars by their end."""
    lines = (line.rstrip().rpartition("\r")[2] for line in output.rstrip().split("\n"))
    for line, same in groupby(lines):
        number = len(list(same))
        yield f"{line}  (× {number})" if number > 1 and line else line
