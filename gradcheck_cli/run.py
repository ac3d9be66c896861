"""Many checks: prepare all of them, run those that are sound, report as results come."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gradcheck_cli.check import run_check
from gradcheck_cli.functions.base import Function, Pair, Subject
from gradcheck_cli.functions.workspace import same_randomness
from gradcheck_cli.prepare import Job, Settings, over_budget, prepare
from gradcheck_cli.result import CheckResult, Fault, RunReport, Verdict
from gradcheck_cli.shapes import Shape
from gradcheck_cli.spec.types import CheckSpec


@dataclass(frozen=True, kw_only=True)
class RunOptions(Settings):
    """What the command line says about a run."""

    strict: bool = False
    stop_at_first: bool = False


def run_paths(
    paths: Sequence[str], options: RunOptions, on_result: Callable[[CheckResult], None] | None = None
) -> RunReport:
    """Run every check of the given spec files and directories.

    A file with any fault is not run; all others are. Results are handed to ``on_result`` as they come.

    Raises
    ------
    GradcheckError
        For a selection that cannot be understood or selects nothing.
    """
    with same_randomness():
        return _run(paths, options, on_result)


def _run(
    paths: Sequence[str], options: RunOptions, on_result: Callable[[CheckResult], None] | None
) -> RunReport:
    started = time.perf_counter()
    jobs, faults = prepare(paths, options, partial(_too_large, max_memory=options.max_memory))
    results: list[CheckResult] = []
    for job in jobs:
        result = _guarded(job, options)
        results.append(result)
        if on_result is not None:
            on_result(result)
        if options.stop_at_first and not result.as_expected:
            break
    return RunReport(checks=tuple(results), faults=tuple(faults), seconds=time.perf_counter() - started)


def _guarded(job: Job, options: RunOptions) -> CheckResult:
    """Carry out a check; a bug of ours costs that check alone."""
    try:
        return run_check(job.check, job.subject, strict=options.strict)
    except Exception as error:  # noqa: BLE001  # what else the report holds must not be lost
        place = traceback.extract_tb(error.__traceback__)[-1]
        fact = f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
        message = f"this is a bug in gradcheck-cli, please report it with this spec: {fact}"
        return CheckResult(
            name=job.check.name,
            spec=job.check.spec,
            line=job.check.position[0],
            expect=job.check.expect,
            verdict=Verdict.ERROR,
            as_expected=False,
            message=message,
        )


def _too_large(check: CheckSpec, subject: Subject, *, max_memory: int) -> list[Fault]:
    shapes = _jacobian_shapes(subject)
    return over_budget(check, shapes, arrays=len(subject.claims) + 1, max_memory=max_memory)


def _jacobian_shapes(subject: Subject) -> dict[Pair, tuple[Shape, Shape]]:
    """Both groups of axes of every Jacobian that a check builds, those of its chain included."""
    functions: dict[Pair, Function] = dict.fromkeys(subject.pairs, subject.function)
    chain = [*subject.links, *([subject.whole] if subject.whole else [])]
    functions |= {(link.target, link.source): link.function for link in chain}
    return {
        (output, name): (function.outputs[output].parts.shape, function.inputs[name].parts.shape)
        for (output, name), function in functions.items()
    }
