"""A process that works on checks, as seen from without: given a task, it answers, hangs, crashes or ends."""

from __future__ import annotations

import math
import multiprocessing
import os
import pickle
import shutil
import signal
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.result import CheckResult, Verdict
from gradcheck_cli.work.bench import Outcome, Task, Terms, failed
from gradcheck_cli.work.traces import TIME_UP, frames_of, place_of
from gradcheck_cli.work.worker import GRACE, LOST, Desk, serve

OUTPUT: Final = 2**16  # bytes of what code prints that are kept
DISK: Final = 2**26  # bytes of it that may lie on disk at a time
PATIENCE: Final = 0.5  # seconds beyond its own grace after which a process that goes on is ended
SLOW_START: Final = 60.0  # seconds for a new interpreter to import what a fork has already
_CRASHES: Final = frozenset({"SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT", "SIGTRAP", "SIGSYS"})


def start_method() -> str:
    """Fork where that is safe: on Linux, while no threads run and nothing is loaded that has its own.

    The process that starts workers never imports the user's code, so forking takes milliseconds and copies
    nothing that could be locked; NumPy's own threads are prepared for it.
    """
    foreign = {"torch", "jax"} & set(sys.modules) or threading.active_count() > 1
    return "spawn" if foreign or not sys.platform.startswith("linux") else "fork"


class Worker:
    """One such process; it is used for one task after another until it dies."""

    def __init__(self, terms: Terms) -> None:
        try:
            self._start(terms)
        except OSError as error:
            raise GradcheckError(f"cannot start a process for code to run in: {error}") from error
        self.task: Task | None = None
        self.place = -1  # of the last task's check
        self.seen: set[int] = set()  # places of the checks whose code has run in it
        self.compiled: set[int] = set()
        self._serial = 0
        self._given, self._deadline = 0.0, math.inf
        self._early = b""  # the end of what was printed before the file grew too long
        self.is_suspect = False  # of having died of what it did before its last task
        self.is_spent = False  # since code has replaced what all code shares

    def _start(self, terms: Terms) -> None:
        method = start_method()
        context: Any = multiprocessing.get_context(method)  # one type per method
        self._desk = Desk(Path(tempfile.mkdtemp(prefix="gradcheck-")))
        calls, self._calls = context.Pipe(duplex=False)
        self._bell, bell = context.Pipe(duplex=False)
        foreign = (self._calls, self._bell) if method == "fork" else ()
        self.process = context.Process(
            target=serve, args=(self._desk, terms, calls, bell, foreign), name="gradcheck worker"
        )
        with warnings.catch_warnings(), no_interrupt():
            warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside NumPy's threads
            self.process.start()
        self._spare = 0.0 if method == "fork" else SLOW_START
        for end in (calls, bell):
            end.close()

    @property
    def is_dead(self) -> bool:
        """Whether it can be given nothing any more."""
        return self.process.exitcode is not None

    def is_to_blame(self, task: Task, outcome: Outcome) -> bool:
        """Whether a check may have come to its error by what other checks' code has done here before.

        One that has ended itself at its time limit would only do so again.
        """
        failed_to_run = isinstance(outcome, CheckResult) and outcome.verdict is Verdict.ERROR
        late = isinstance(outcome, CheckResult) and outcome.seconds >= (task.limit or math.inf)
        return failed_to_run and not late and bool(self.seen - {self.place})

    @property
    def bells(self) -> list[Any]:
        """What becomes ready when there may be news: nothing where the code has closed it.

        A process's own sentinel would tell no more: it is silent while children of the process live on.
        """
        return [] if self._bell.closed else [self._bell]

    def give(self, task: Task) -> None:
        """Hand over a task."""
        self._serial += 1
        self.task, self._given, self._early = task, time.monotonic(), b""
        self.place = task.place
        steps = 2 if task.step == "run" and task.place not in self.compiled else 1
        allowed = math.inf if task.limit is None else steps * (task.limit + GRACE) + PATIENCE
        self._deadline = self._given + allowed + self._spare
        self._spare = 0.0
        self._desk.put(self._desk.task(self._serial), task)
        with suppress(OSError):  # it is dead already, which will be noticed
            self._calls.send_bytes(b".")

    def news(self) -> Outcome | None:
        """Return the answer, or what has become of a process that gives none; None while it works."""
        assert self.task is not None, "only a worker with a task has news"
        self._hush()
        self._trim()
        ended = self.process.exitcode is not None  # before the answer is looked for: it may come in between
        if self._desk.answer(self._serial).exists():
            return self._answered(self.task)
        if ended:
            return self._autopsy(self.task)
        if time.monotonic() > self._deadline:
            self.end(keep=True)
            return self._autopsy(self.task, late=True)
        return None

    def end(self, *, keep: bool = False) -> None:
        """End the process and all that its code has started; ``keep`` leaves its files."""
        process = self.process
        if process.pid is not None and hasattr(os, "killpg"):
            with suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        process.join()
        if not keep:
            for connection in (self._calls, self._bell):
                connection.close()
            shutil.rmtree(self._desk.folder, ignore_errors=True)

    def _hush(self) -> None:
        """Take what is in the pipe, whatever it is; it was only to wake us."""
        try:
            if self._bell.closed or not self._bell.poll():
                return
            if os.name == "nt":
                self._bell.recv_bytes()
            elif not os.read(self._bell.fileno(), 4096):
                self._bell.close()  # the layer has closed its end: from now on we look again and again
        except (OSError, EOFError):
            self._bell.close()

    def _answered(self, task: Task) -> Outcome:
        seconds = time.monotonic() - self._given
        output = self._output()
        try:
            outcome = pickle.loads(self._desk.answer(self._serial).read_bytes())  # noqa: S301  # our own words
            assert isinstance(outcome, Outcome)
        except Exception as error:  # noqa: BLE001  # it may be of a type that only the user's code knows
            self.end(keep=True)
            outcome = failed(task.check, f"its answer cannot be read: {error}", seconds=seconds)
        self._desk.answer(self._serial).unlink(missing_ok=True)
        self.seen.add(task.place)
        self.is_spent = self._desk.spent.exists()
        (self.compiled.add if task.step == "compile" else self.compiled.discard)(task.place)
        self.task = None
        return replace(outcome, output=output) if task.is_code else outcome

    def _autopsy(self, task: Task, *, late: bool = False) -> CheckResult:
        """Say what a process died of, and where."""
        seconds = time.monotonic() - self._given
        try:
            trace = self._desk.trace.read_text(encoding="utf-8", errors="replace")
        except OSError:
            trace = ""
        frames = frames_of(trace)
        late = late or TIME_UP in trace
        taken = not self._desk.task(self._serial).exists()
        self.is_suspect = not late and bool(self.seen - ({task.place} if taken else set()))
        fact = _time_up(task.limit) if late else death(self.process.exitcode)
        place = place_of(frames)
        message = f"{fact}; it was in {place}" if place else fact
        self.task = None
        return replace(failed(task.check, message, seconds=seconds, frames=frames), output=self._output())

    def _output(self) -> str:
        data = (self._early + self._tail())[-OUTPUT:]
        return data.decode("utf-8", "replace")

    def _tail(self) -> bytes:
        try:
            with self._desk.output.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - OUTPUT))
                return file.read(OUTPUT)
        except OSError:
            return b""

    def _trim(self) -> None:
        """Keep code that prints without end from filling the disk."""
        with suppress(OSError):
            if self._desk.output.stat().st_size > DISK:
                self._early = self._tail()
                os.truncate(self._desk.output, 0)


@contextmanager
def no_interrupt() -> Iterator[None]:
    """Put an interrupt off, so that it cannot come to a new process before that has learnt to ignore it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _time_up(limit: float | None) -> str:
    assert limit is not None, "without a limit nothing is late"
    return f"no answer within {limit:g} s, the check's time limit"


def death(code: int | None) -> str:
    """Name the exit code or the signal by which a process has ended."""
    assert code is not None, "only of the dead"
    if code == LOST:
        return "its process could not hand in the answer: the code has closed its files, or the disk is full"
    if code >= 0:
        return f"the code ended its process with exit code {code}, as os._exit does"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    if name in _CRASHES:
        return f"the interpreter crashed: {name}"
    if name == "SIGKILL":
        return "the process was killed: SIGKILL, as when memory runs out"
    return f"the process was ended by {name}"
