"""The course of a run: which tasks there are, what follows from their outcomes, in which order they count.

All checks of a file are compiled before any of it is run, and none is run if one has a fault. Results are
handed over in the order of the specs, whatever the order in which they come.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from gradcheck_cli.reproduce.request import Reproduction
from gradcheck_cli.result import CheckResult, Fault
from gradcheck_cli.spec.types import CheckSpec, Code
from gradcheck_cli.work.bench import Compiled, Outcome, Task

OnResult = Callable[[CheckResult], None]


@dataclass
class _File:
    """What is known of the checks of one spec file, by their places among all checks."""

    first: int
    chosen: dict[int, CheckSpec] = field(default_factory=dict)
    uncompiled: set[int] = field(default_factory=set)
    faults: dict[int, tuple[Fault, ...]] = field(default_factory=dict)


class Course:
    """Takes outcomes in, fills the backlog with what comes next, hands results over.

    Formulas come first: of all of them the faults are known before anything is run. Code is imported file by
    file, so that what has run by then is known if it hangs, and only where its check is chosen.
    """

    def __init__(
        self,
        files: Sequence[Sequence[CheckSpec]],
        chosen: Callable[[str], bool],
        on_result: OnResult,
        *,
        stop_at_first: bool = False,
    ) -> None:
        self.backlog: list[Task] = []
        self.results: list[CheckResult] = []  # that have been handed over
        self._on_result, self._stop_at_first = on_result, stop_at_first
        self._files: list[_File] = []
        self._file_of: dict[int, _File] = {}
        self._formulas: set[int] = set()  # places of formulas that are yet to be compiled
        self._code: set[int] = set()  # places of code
        self._outputs: dict[int, str] = {}  # of compilations
        self._waiting: dict[int, CheckResult] = {}  # results whose turn has not come
        self._stopped_at: int | None = None
        for checks in files:
            self._plan(checks, chosen)
        self.chosen = [place for file in self._files for place in file.chosen]
        self._turns = deque(self.chosen)

    @property
    def is_over(self) -> bool:
        """Whether an early end has been reached; what is under way need not be waited for."""
        return self._stopped_at is not None and not self._formulas

    @property
    def faults(self) -> list[Fault]:
        """All faults, file by file; a sweep repeats its check's faults at every size.

        After an early end those count that are known in any case.
        """
        found: dict[Fault, None] = {}
        for file in self._files:
            for place, faults in sorted(file.faults.items()):
                if self._counts(file, place):
                    found |= dict.fromkeys(faults)
        return list(found)

    def take(self, task: Task, outcome: Outcome) -> None:
        """Take in one outcome."""
        assert not isinstance(outcome, Reproduction), "nothing is reproduced before all has been run"
        file, place = self._file_of[task.place], task.place
        if isinstance(outcome, Compiled):
            self._outputs[place] = outcome.output
            if outcome.faults:
                file.faults[place] = outcome.faults
        else:
            self._waiting[place] = replace(outcome, output=self._outputs.pop(place, "") + outcome.output)
        if task.step == "compile":
            self._formulas.discard(place)
            file.uncompiled.discard(place)
            self._run(file)
        self._hand_over()

    def hand_over_rest(self) -> None:
        """Hand over what is known though its turn has not come: nothing more will."""
        for place in sorted(self._waiting):
            if not self._file_of[place].faults:
                self._give(place)

    def _plan(self, checks: Sequence[CheckSpec], chosen: Callable[[str], bool]) -> None:
        file = _File(len(self._file_of))
        self._files.append(file)
        for place, check in enumerate(checks, len(self._file_of)):
            self._file_of[place] = file
            is_code, is_chosen = isinstance(check.function, Code), chosen(check.name)
            if is_chosen:
                file.chosen[place] = check
            if is_chosen or not is_code:
                file.uncompiled.add(place)
                heapq.heappush(self.backlog, Task(int(is_code), place, check, "compile"))
            (self._code if is_code else self._formulas).add(place)

    def _run(self, file: _File) -> None:
        """Let a file's checks be run once all of it is compiled and sound."""
        if file.uncompiled or file.faults or self._stopped_at is not None:
            return
        for place, check in file.chosen.items():
            if place not in self._waiting:  # its code did not survive being compiled
                heapq.heappush(self.backlog, Task(1, place, check, "run"))

    def _hand_over(self) -> None:
        while self._turns and self._stopped_at is None:
            place = self._turns[0]
            file = self._file_of[place]
            if file.uncompiled or not (file.faults or place in self._waiting):
                return
            self._turns.popleft()
            if not file.faults:
                self._give(place)

    def _give(self, place: int) -> None:
        result = self._waiting.pop(place)
        self.results.append(result)
        self._on_result(result)
        if self._stop_at_first and not result.as_expected:
            self._stopped_at = place
            self.backlog[:] = [task for task in self.backlog if task.turn == 0]
            heapq.heapify(self.backlog)

    def _counts(self, file: _File, place: int) -> bool:
        """Whether a fault is known however many checks are worked on at a time."""
        return self._stopped_at is None or place not in self._code or file.first <= self._stopped_at
