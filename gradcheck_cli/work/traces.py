"""What ``faulthandler`` writes when a process hangs or crashes: where the user's code was.

It is written by C code, so that neither a lock nor a broken interpreter keeps it from being written.
"""

from __future__ import annotations

import linecache
import os
import re
from itertools import takewhile
from typing import Final

from gradcheck_cli.errors import Frame
from gradcheck_cli.functions.workspace import OURS, is_foreign, shown

Call = tuple[str, int, str]  # file, line, function

TIME_UP: Final = "Timeout ("  # how a report begins that was written because the time was up
_THREAD: Final = re.compile(r"^(?:Current thread|Thread) .*\n", re.MULTILINE)
_FRAME: Final = re.compile(r'^  File "(.*)", line (\d+) in (.*)$', re.MULTILINE)
_ESCAPED: Final = re.compile(r"\\[xuU]([0-9a-f]{8}|[0-9a-f]{4}|[0-9a-f]{2})")


def frames_of(text: str) -> tuple[Frame, ...]:
    """Take the frames of the user's code out of the last report in a text, the innermost last.

    It is those of the thread that runs our loop, and in it what lies further in than anything of ours.
    """
    threads = [_calls(block) for block in _THREAD.split(text)[1:]]
    # A report of very many frames is cut before it comes to one of ours.
    loop = [thread for thread in threads if any(map(_is_ours, thread))] or sorted(threads, key=len)
    inner = takewhile(lambda call: not _is_ours(call), loop[-1]) if loop else ()
    return tuple(
        Frame(file=shown(file), line=line, function=function, source=linecache.getline(file, line).strip())
        for file, line, function in reversed(list(inner))
        if is_foreign(file)
    )


def _is_ours(call: Call) -> bool:
    return call[0].startswith(f"{OURS}{os.sep}")


def _calls(block: str) -> list[Call]:
    """File, line and function of every frame, the innermost first."""
    return [(_plain(file), int(line), _plain(name)) for file, line, name in _FRAME.findall(block)]


def _plain(text: str) -> str:
    """Undo the escapes that stand for what is not ASCII."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)


def place_of(frames: tuple[Frame, ...]) -> str:
    """``layers.py:7 (slow_forward)``: the innermost frame, of the user's own code if there is any.

    >>> place_of((Frame(file="layers.py", line=7, function="slow_forward"),))
    'layers.py:7 (slow_forward)'
    """
    own = [frame for frame in frames if not _is_installed(frame)] or list(frames)
    return f"{own[-1].file}:{own[-1].line} ({own[-1].function})" if own else ""


def _is_installed(frame: Frame) -> bool:
    return frame.file.startswith("<") or "site-packages" in frame.file or "/lib/python" in frame.file
