"""Tasks worked on by processes side by side, each replaced when it dies."""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator
from multiprocessing.connection import wait
from typing import Final

from gradcheck_cli.work.bench import Outcome, Task, Terms
from gradcheck_cli.work.workers import Worker

POLL: Final = 0.1  # seconds between two looks at processes that may be unable to tell us anything


class Pool:
    """Up to ``size`` processes; each is started when there is work for it."""

    def __init__(self, size: int, terms: Terms) -> None:
        self._size, self._terms = size, terms
        self._workers: list[Worker] = []

    def outcomes(self, backlog: list[Task]) -> Iterator[tuple[Task, Outcome]]:
        """Yield what comes of each task of a heap, as it comes."""
        while backlog or self._busy:
            self._hand_out(backlog)
            bells = [bell for worker in self._busy for bell in worker.bells]
            wait(bells, POLL) if bells else time.sleep(POLL)
            for worker in self._busy:
                yield from self._settled(worker)

    def close(self) -> None:
        """End all processes."""
        while self._workers:
            self._workers[-1].end()
            self._workers.pop()

    @property
    def _busy(self) -> list[Worker]:
        return [worker for worker in self._workers if worker.task is not None]

    def _hand_out(self, backlog: list[Task]) -> None:
        while backlog and (free := self._free()):
            task = heapq.heappop(backlog)
            # Best to one that has compiled the check already.
            max(free, key=lambda worker: task.place in worker.compiled).give(task)

    def _free(self) -> list[Worker]:
        """Find processes without a task, or start one."""
        for worker in [worker for worker in self._workers if worker.task is None and worker.is_dead]:
            self._bury(worker)
        free = [worker for worker in self._workers if worker.task is None]
        return free or ([self._started()] if len(self._workers) < self._size else [])

    def _started(self) -> Worker:
        self._workers.append(Worker(self._terms))
        return self._workers[-1]

    def _settled(self, worker: Worker) -> Iterator[tuple[Task, Outcome]]:
        """Take an answer if there is one.

        A process in which other checks' code has run may die of that, or err. Such a check is tried in a new
        one: what a layer leaves behind costs no other its verdict. One that has seen NumPy's functions
        replaced is used no more.
        """
        task, outcome = worker.task, worker.news()
        if task is None or outcome is None:
            return
        again = worker.is_suspect if worker.is_dead else worker.is_to_blame(task, outcome)
        if worker.is_dead or worker.is_spent or again:
            self._bury(worker)
        if again:
            self._started().give(task)
        else:
            yield task, outcome

    def _bury(self, worker: Worker) -> None:
        worker.end()
        self._workers.remove(worker)
