"""One call that runs the user's code, in a process of its own: whatever that code ends is not this one.

For commands that look at a few checks, one after the other; ``run`` has its workers.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import pickle
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from gradcheck_cli.errors import GradcheckError, LostError
from gradcheck_cli.functions.workspace import described
from gradcheck_cli.work.limits import limit_memory
from gradcheck_cli.work.traces import frames_of, place_of
from gradcheck_cli.work.workers import death, no_interrupt, start_method

T = TypeVar("T")


def apart(call: Callable[[], T]) -> T:
    """Return what a call returns, which must be plain values; where no fork is safe, it is made here.

    Raises
    ------
    GradcheckError
        What the call raises.
    LostError
        If the process has ended without an answer: how, and where the code was.
    """
    if start_method() != "fork":
        return call()
    with tempfile.TemporaryDirectory(prefix="gradcheck-") as folder:
        answer, trace = Path(folder) / "answer", Path(folder) / "trace"
        code = _worked(call, answer, trace)
        if not answer.exists():
            place = place_of(frames_of(trace.read_text(encoding="utf-8", errors="replace")))
            raise LostError(f"{death(code)}; it was in {place}" if place else death(code))
        found = pickle.loads(answer.read_bytes())  # noqa: S301  # our own words
    if isinstance(found, Exception):
        raise found
    result: T = found
    return result


def _worked(call: Callable[[], object], answer: Path, trace: Path) -> int | None:
    """Have a call made by a fork, and return how that has ended."""
    trace.touch()
    process = multiprocessing.get_context("fork").Process(target=_answer, args=(call, answer, trace))
    with warnings.catch_warnings(), no_interrupt():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside NumPy's threads
        process.start()
    try:
        process.join()
    finally:
        process.kill()
        process.join()
    return process.exitcode


def _answer(call: Callable[[], object], answer: Path, trace: Path) -> None:
    """Make the call, file what it returns or raises, and end whatever the code has left running."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's interrupt is the master's
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    faulthandler.enable(trace.open("wb", buffering=0))
    limit_memory(1)
    try:
        found = call()
    except GradcheckError as error:
        found = error
    except BaseException as error:  # noqa: BLE001  # KeyboardInterrupt is the code's own here
        found = _strange(error)
    partial = answer.with_suffix(".partial")
    partial.write_bytes(pickle.dumps(found))
    partial.replace(answer)
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # a stream that a layer has put there
            stream.flush()
    os._exit(0)


def _strange(error: BaseException) -> Exception:
    """Restate what is no error of a spec's: as the code's own, or as a bug of ours."""
    if isinstance(error, Exception):
        return RuntimeError("".join(traceback.format_exception(error)))
    return GradcheckError(f"the code raised {described(error)}")
