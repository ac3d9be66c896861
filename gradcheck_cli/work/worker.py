"""A process that works on checks, as seen from within: one task after another, whatever the user's code does.

Tasks and answers lie in files, and a pipe in each direction only says that there is one: a layer that closes
every descriptor or writes into all of them cannot garble an answer, nor make its reader wait for the rest.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import shutil
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Final

from gradcheck_cli.functions.workspace import described
from gradcheck_cli.work.bench import Bench, Compiled, Outcome, Task, Terms, failed
from gradcheck_cli.work.limits import limit_memory
from gradcheck_cli.work.watched import Shared

# A check ends itself at its limit if it comes to it; after this many further seconds the process is ended.
GRACE: Final = 0.5
LOST: Final = 97  # exit code of a worker whose descriptors are not its own any more
_RECURSION: Final = sys.getrecursionlimit()


@dataclass(frozen=True)
class Desk:
    """The files by which a process and its master exchange tasks and answers."""

    folder: Path

    @property
    def output(self) -> Path:
        """What the code prints while it works on the present task."""
        return self.folder / "output"

    @property
    def trace(self) -> Path:
        """Where it hangs or has crashed."""
        return self.folder / "trace"

    @property
    def spent(self) -> Path:
        """A file that is there once the process should be given nothing more."""
        return self.folder / "spent"

    def task(self, serial: int) -> Path:
        """Return the file of a task."""
        return self.folder / f"task-{serial}"

    def answer(self, serial: int) -> Path:
        """Return the file of the answer to it."""
        return self.folder / f"answer-{serial}"

    def put(self, file: Path, content: object) -> None:
        """Write a file so that it is there as a whole or not at all."""
        partial = file.with_suffix(".partial")
        partial.write_bytes(pickle.dumps(content))
        partial.replace(file)


def serve(
    desk: Desk, terms: Terms, calls: Connection, bell: Connection, foreign: Sequence[Connection]
) -> None:
    """Answer tasks until nobody is left to ask; does not return.

    ``foreign`` are the master's ends of the two pipes, which a forked process has as well.
    """
    for end in foreign:
        end.close()  # or the end of the master would never be noticed
    if foreign:
        _close_inherited({calls.fileno(), bell.fileno()})
    _settle()
    limit_memory(terms.jobs)
    clerk = _Clerk(desk, Bench(terms), calls, bell)
    serial = 0
    while True:
        serial += 1
        clerk.next(serial)


def _close_inherited(kept: set[int]) -> None:
    """Close what a fork has copied from the master: its files, and its ends of the pipes to other workers."""
    first = 3
    for descriptor in sorted(one for one in kept if one >= first):
        os.closerange(first, descriptor)
        first = descriptor + 1
    os.closerange(first, os.sysconf("SC_OPEN_MAX"))


def _settle() -> None:
    """Take leave of the terminal: of its interrupts and its keyboard."""
    if hasattr(os, "setsid"):
        with suppress(OSError):
            os.setsid()  # the processes that a layer leaves behind can be ended with this one
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115, PTH123  # stays open


def _identity(descriptor: int) -> tuple[int, int]:
    found = os.fstat(descriptor)
    return found.st_dev, found.st_ino


class _Clerk:
    """Fetches tasks, has them answered, and files the answers."""

    def __init__(self, desk: Desk, bench: Bench, calls: Connection, bell: Connection) -> None:
        self._desk, self._bench, self._calls, self._bell = desk, bench, calls, bell
        self._process = os.getpid()
        self._identities = {end: _identity(end.fileno()) for end in (calls, bell)}
        self._trace: IO[bytes] | None = None

    def next(self, serial: int) -> None:
        """Wait for a task and answer it."""
        if not self._is_intact(self._calls):
            os._exit(LOST)
        try:
            self._calls.recv_bytes()
            task = pickle.loads(self._desk.task(serial).read_bytes())  # noqa: S301  # our own words
            self._desk.task(serial).unlink()  # it is taken
        except (EOFError, OSError) as error:
            if isinstance(error, EOFError):  # the master is gone, and did not clear up
                shutil.rmtree(self._desk.folder, ignore_errors=True)
            os._exit(0)
        shared = Shared()
        answer = self._worked(task)
        if shared.is_changed:
            self._desk.spent.touch()  # before the answer, with which it is looked for
        self._hand_in(serial, answer)

    def _hand_in(self, serial: int, answer: Outcome) -> None:
        try:
            self._desk.put(self._desk.answer(serial), answer)
        except Exception:  # noqa: BLE001  # a full disk, or what cannot be pickled: the master will tell
            os._exit(LOST)
        if self._is_intact(self._bell):
            with suppress(OSError):
                self._bell.send_bytes(b".")

    def _worked(self, task: Task) -> Outcome:
        if task.step == "run" and task.place not in self._bench.subjects:
            again = self._step(Task(task.turn, task.place, task.check, "compile"))
            if not isinstance(again, Compiled):
                return again
            if again.faults:
                return failed(task.check, f"imported a second time it differs: {again.faults[0].message}")
        return self._step(task)

    def _step(self, task: Task) -> Outcome:
        self._begin(task.limit)
        try:
            return self._bench.answer(task)
        except BaseException as error:  # noqa: BLE001  # KeyboardInterrupt is the code's own here
            return failed(task.check, f"the code raised {described(error)}")
        finally:
            if os.getpid() != self._process:
                os._exit(0)  # a child that a layer has forked, and that has come back here
            self._end()

    def _begin(self, limit: float | None) -> None:
        """Open the files anew, since a layer may have closed or replaced anything, and set the watchdog."""
        output = os.open(self._desk.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        for descriptor in (1, 2):
            os.dup2(output, descriptor)
        if output > 2:
            os.close(output)
        for descriptor, name in ((1, "stdout"), (2, "stderr")):
            stream = _stream(descriptor)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)
        self._trace = self._desk.trace.open("wb", buffering=0)
        faulthandler.enable(self._trace)
        if limit is not None:  # ends the process also if nobody is left who could
            faulthandler.dump_traceback_later(limit + GRACE, file=self._trace, exit=True)

    def _end(self) -> None:
        sys.setrecursionlimit(max(_RECURSION, _depth() + 100))
        for stream in (sys.stdout, sys.stderr):
            with suppress(Exception):  # a stream that the layer has put there
                stream.flush()
        _flush_c()
        faulthandler.cancel_dump_traceback_later()

    def _is_intact(self, end: Connection) -> bool:
        """Whether a descriptor still is what it was: a layer may close it, and open a file of its own."""
        try:
            return _identity(end.fileno()) == self._identities[end]
        except OSError:
            return False


def _stream(descriptor: int) -> IO[str]:
    return open(descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)


def _depth() -> int:
    frame, depth = sys._getframe(), 0  # noqa: SLF001  # there is no other way to count
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    return depth


def _flush_c() -> None:
    """Write out what C code has printed, which the C library holds back where it prints to a file."""
    import ctypes  # noqa: PLC0415  # only workers need it

    with suppress(Exception):
        ctypes.CDLL(None).fflush(None)
