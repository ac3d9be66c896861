"""How long one call of a user's code may take while a spec for it is looked for."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Final

SECONDS: Final = 5.0


@contextlib.contextmanager
def in_time() -> Iterator[None]:
    """Interrupt what takes too long, where the system has such an alarm: not on Windows, nor in threads.

    Raises
    ------
    TimeoutError
        Within the code that is running then.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _late)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _late(_signal: int, _frame: FrameType | None) -> None:
    raise TimeoutError(f"no answer within {SECONDS:g} s")
