"""Text without blanks at the ends of its lines, which rich leaves where it pads tables and paragraphs."""

from __future__ import annotations

import re
from typing import IO, Any, Final, cast

# Blanks, and the colours that rich changes among them.
_TRAILING: Final = re.compile(r"\s(?:\s|\x1b\[[\d;]*m)*\Z")
_BLANKS: Final = re.compile(r"\s+")


def trim(line: str) -> str:
    r"""Take off the blanks at the end; a change of colour stays.

    >>> trim("  a b  "), trim("\x1b[1ma \x1b[0m  ")
    ('  a b', '\x1b[1ma\x1b[0m')
    """
    return _TRAILING.sub(lambda found: _BLANKS.sub("", found[0]), line)


class _Trimmed:
    """A text file that passes on all but blanks before a line end; the rest of it is the file's own."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._held = ""

    def write(self, text: str) -> int:
        """Write what is certain; blanks that may yet be followed by something else wait for it."""
        *lines, rest = (self._held + text).split("\n")
        start = found.start() if (found := _TRAILING.search(rest)) else len(rest)
        self._held = rest[start:]
        self._file.write("".join(f"{trim(line)}\n" for line in lines) + rest[:start])
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def trimmed(file: IO[str]) -> IO[str]:
    """Wrap a file so that no line ends in blanks."""
    return cast("IO[str]", _Trimmed(file))
