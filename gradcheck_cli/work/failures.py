"""What is done about failing checks once all have been run: arrays are kept, a small spec is sought.

Each check's own time limit holds for each of these steps, and its code runs where it always does. If the
search comes to nothing, or ends its process, the spec as it was is run once more with its values written out.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from gradcheck_cli.reproduce.places import folder_name
from gradcheck_cli.reproduce.request import Aim, Reproduction, Request, hurried
from gradcheck_cli.result import CheckResult, Verdict
from gradcheck_cli.spec.types import CheckSpec
from gradcheck_cli.work.bench import Outcome, Task
from gradcheck_cli.work.executors import Executor

Key = tuple[str, str]  # spec, name


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A failing check, and what can be written of it."""

    result: CheckResult
    folder: Path
    archive: bytes = b""
    spec: str = ""
    problem: str = ""  # why there is no spec


OnFailure = Callable[[Failure], None]
_NO_SPEC: Final = "no spec was found that fails by itself"


@dataclass(frozen=True, kw_only=True)
class Rescue:
    """Where failures go, and to whom they are handed."""

    folder: Path
    prepare: Callable[[Path], None]  # makes a folder before anything is tried in it
    on_failure: OnFailure


def rescue(
    executor: Executor, checks: Iterable[CheckSpec], results: Iterable[CheckResult], to: Rescue
) -> None:
    """Reproduce every check that fails and should not; each is handed over as soon as it is done."""
    known: Mapping[Key, CheckSpec] = {(one.spec, one.name): one for one in checks}
    wrong = [one for one in results if one.verdict is Verdict.FAIL and not one.as_expected]
    failures: list[Failure] = []
    backlog: list[Task] = []
    for place, result in enumerate(wrong):
        names = [one.folder.name for one in failures]
        failures.append(Failure(result=result, folder=to.folder / folder_name(result.name, names)))
        to.prepare(failures[place].folder)
        asked = Request(aim="arrays", result=result, folder=failures[place].folder, here=Path.cwd())
        heapq.heappush(backlog, _task(place, known[result.spec, result.name], asked))
    for task, outcome in executor.outcomes(backlog):
        failure = failures[task.place] = _with(failures[task.place], outcome)
        following = _next(task, failure, known[failure.result.spec, failure.result.name])
        if following:
            heapq.heappush(backlog, following)
        else:
            to.on_failure(failure)


def _task(place: int, check: CheckSpec, request: Request) -> Task:
    return Task(1, place, hurried(check) if request.aim == "small" else check, "reproduce", request)


def _with(failure: Failure, outcome: Outcome) -> Failure:
    """Add what has been made, or why it could not be."""
    if isinstance(outcome, Reproduction):
        spec, archive = outcome.spec or failure.spec, outcome.archive or failure.archive
        return replace(
            failure, spec=spec, archive=archive, problem="" if spec else failure.problem or _NO_SPEC
        )
    return replace(failure, problem=outcome.message if isinstance(outcome, CheckResult) else _NO_SPEC)


def _next(task: Task, failure: Failure, check: CheckSpec) -> Task | None:
    """Say what comes after a step: the search after the arrays, the spec as it was after a search in vain."""
    assert task.request is not None, "nothing else is done here"
    aims: dict[Aim, Aim] = {"arrays": "small", "small": "whole"}
    aim = aims.get(task.request.aim)
    return None if failure.spec or aim is None else _task(task.place, check, replace(task.request, aim=aim))
