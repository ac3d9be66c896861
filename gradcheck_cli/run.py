"""Many checks: load all of them, let them be compiled and run, report in their order as results come."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gradcheck_cli.functions.workspace import same_randomness
from gradcheck_cli.prepare import Settings, load, require_something, selection
from gradcheck_cli.result import CheckResult, RunReport
from gradcheck_cli.spec.types import CheckSpec, Code
from gradcheck_cli.work.bench import CODE_LIMIT, Judge, Terms
from gradcheck_cli.work.course import Course
from gradcheck_cli.work.executors import Executor, executor_for
from gradcheck_cli.work.failures import Rescue, rescue


@dataclass(frozen=True, kw_only=True)
class RunOptions(Settings):
    """What the command line says about a run."""

    strict: bool = False
    stop_at_first: bool = False
    jobs: int = 1
    timeout: float | None = None
    judge: Judge | None = None  # None: checks are run


def run_paths(
    paths: Sequence[str],
    options: RunOptions,
    on_result: Callable[[CheckResult], None] | None = None,
    to: Rescue | None = None,
) -> RunReport:
    """Run every check of the given spec files and directories.

    A file with any fault is not run; all others are. Results are handed to ``on_result`` as they come, in
    the order of the specs; if the run is interrupted, all that are known by then. Failures are reproduced
    afterwards if there is somewhere ``to`` put them.

    Raises
    ------
    GradcheckError
        For a selection that cannot be understood or selects nothing.
    """
    with same_randomness():
        return _run(paths, options, on_result or (lambda _result: None), to)


def _run(
    paths: Sequence[str],
    options: RunOptions,
    on_result: Callable[[CheckResult], None],
    to: Rescue | None,
) -> RunReport:
    started = time.perf_counter()
    chosen = selection(options)
    loaded, faults = load(paths, options)
    if to is not None:
        loaded = [
            checks for checks in loaded if not checks or not _is_saved(checks[0].spec, paths, to.folder)
        ]
        faults = [fault for fault in faults if not _is_saved(fault.spec, paths, to.folder)]
    files = [[_limited(check, options.timeout) for check in checks] for checks in loaded]
    course = Course(files, chosen, on_result, stop_at_first=options.stop_at_first)
    executor = executor_for(
        options.jobs,
        Terms(max_memory=options.max_memory, strict=options.strict, jobs=options.jobs, judge=options.judge),
    )
    try:
        _follow(course, executor)
        seconds = time.perf_counter() - started
        if to is not None:
            rescue(executor, [check for checks in files for check in checks], course.results, to)
    finally:
        executor.close()
    faults += course.faults
    require_something(course.chosen, faults, options)
    return RunReport(checks=tuple(course.results), faults=tuple(faults), seconds=seconds)


def _follow(course: Course, executor: Executor) -> None:
    """Carry the tasks of a course out until there are no more, or no more are wanted."""
    try:
        for task, outcome in executor.outcomes(course.backlog):
            course.take(task, outcome)
            if course.is_over:
                break
    except KeyboardInterrupt:
        course.hand_over_rest()
        raise


def _is_saved(spec: str, paths: Sequence[str], folder: Path) -> bool:
    """Tell whether a spec is an earlier run's, found below a directory though nobody has named it."""
    below = [Path(one).resolve().is_relative_to(folder.resolve()) for one in (spec, *paths)]
    return below[0] and not any(below[1:])


def _limited(check: CheckSpec, timeout: float | None) -> CheckSpec:
    """Say how long a check may take: the command line has the last word, and code always has a limit."""
    default = CODE_LIMIT if isinstance(check.function, Code) else None
    return replace(check, timeout=timeout or check.timeout or default)
