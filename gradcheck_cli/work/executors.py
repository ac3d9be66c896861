"""Who works on tasks: this process with one other beside it for code, or several others.

An executor is handed a backlog, a heap of tasks, and yields outcomes as they come; between two of them the
caller may add to the backlog.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from gradcheck_cli.work.bench import Bench, Outcome, Task, Terms

if TYPE_CHECKING:
    from gradcheck_cli.work.pool import Pool


class Executor(Protocol):
    """Works on tasks."""

    def outcomes(self, backlog: list[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Yield what comes of each task, until the backlog is empty and nothing is under way."""

    def close(self) -> None:
        """End whatever is under way."""


class Sequential:
    """One task after another: formulas here, code in a process of its own, which this one never imports."""

    def __init__(self, terms: Terms) -> None:
        self._bench = Bench(terms)
        self._elsewhere: Pool | None = None

    def outcomes(self, backlog: list[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Yield what comes of each task, in their order."""
        while backlog:
            task = heapq.heappop(backlog)
            if task.is_code:
                yield from self._pool().outcomes([task])
            else:
                yield task, self._bench.answer(task)

    def close(self) -> None:
        """End the other process."""
        if self._elsewhere is not None:
            self._elsewhere.close()

    def _pool(self) -> Pool:
        self._elsewhere = self._elsewhere or _pool(1, self._bench.terms)
        return self._elsewhere


def executor_for(jobs: int, terms: Terms) -> Executor:
    """Choose an executor for so many checks at a time."""
    return Sequential(terms) if jobs == 1 else _pool(jobs, terms)


def _pool(size: int, terms: Terms) -> Pool:
    from gradcheck_cli.work.pool import Pool  # noqa: PLC0415  # a run of formulas needs no processes

    return Pool(size, terms)
