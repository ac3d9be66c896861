"""Many checks: find the specs, compile all of them, run those that are sound, report as results come."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from gradcheck_cli.check import run_check
from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.functions.base import Function, Pair, Subject
from gradcheck_cli.functions.claims import compile_check
from gradcheck_cli.result import CheckResult, Fault, RunReport
from gradcheck_cli.select import parse_selection
from gradcheck_cli.shapes import Shape, count, show, show_bytes, show_symbols
from gradcheck_cli.spec.load import find_specs, load_specs
from gradcheck_cli.spec.types import CheckSpec

# Arrays of a Jacobian's size that are alive at once, beside one for each claim (measured as peak memory).
WORKING_ARRAYS = 16


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """What the command line says about a run; ``None`` leaves a spec's own word."""

    seed: int | None = None
    rtol: float | None = None
    atol: float | None = None
    max_memory: int = 2**30  # bytes
    strict: bool = False
    no_code: bool = False
    select: str | None = None
    stop_at_first: bool = False


@dataclass(frozen=True)
class Job:
    """A check that is ready to run."""

    check: CheckSpec
    subject: Subject


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
    started = time.perf_counter()
    chosen = parse_selection(options.select) if options.select is not None else None
    jobs, faults = _prepare(paths, options)
    selected = [job for job in jobs if chosen is None or chosen(job.check.name)]
    if not selected and not faults:
        raise GradcheckError(
            f"no check matches -k {options.select!r}" if chosen else "there is no check to run"
        )
    results: list[CheckResult] = []
    for job in selected:
        result = run_check(job.check, job.subject, strict=options.strict)
        results.append(result)
        if on_result is not None:
            on_result(result)
        if options.stop_at_first and not result.as_expected:
            break
    return RunReport(checks=tuple(results), faults=tuple(faults), seconds=time.perf_counter() - started)


def _prepare(paths: Sequence[str], options: RunOptions) -> tuple[list[Job], list[Fault]]:
    """Load and compile all specs; a file is sound as a whole or not at all."""
    files, faults = find_specs(paths)
    jobs: list[Job] = []
    for file in files:
        checks, found = load_specs(file, max_memory=options.max_memory, no_code=options.no_code)
        compiled = [_compile(_overridden(check, options), options.max_memory) for check in checks]
        found = [*found, *(fault for _, compiled_faults in compiled for fault in compiled_faults)]
        if not found:
            jobs += [job for job, _ in compiled if job is not None]
        # A sweep repeats its check's faults at every size.
        faults += dict.fromkeys(found)
    return jobs, faults


def _overridden(check: CheckSpec, options: RunOptions) -> CheckSpec:
    """Let the command line have the last word."""
    tolerance = replace(
        check.tolerance,
        rtol=check.tolerance.rtol if options.rtol is None else options.rtol,
        atol=check.tolerance.atol if options.atol is None else options.atol,
    )
    return replace(check, tolerance=tolerance, seed=check.seed if options.seed is None else options.seed)


def _compile(check: CheckSpec, max_memory: int) -> tuple[Job | None, list[Fault]]:
    subject, faults = compile_check(check, max_memory=max_memory)
    if subject is None:
        return None, faults
    faults = _too_large(check, subject, max_memory)
    return (None if faults else Job(check, subject)), faults


def _too_large(check: CheckSpec, subject: Subject, max_memory: int) -> list[Fault]:
    """Refuse explicit Jacobians that the memory budget does not hold."""
    shapes = _jacobian_shapes(subject)
    sizes = {pair: count(rows) * count(columns) for pair, (rows, columns) in shapes.items()}
    arrays = len(subject.claims) + 1
    total = 8 * (sum(sizes.values()) * arrays + max(sizes.values()) * WORKING_ARRAYS)
    if total <= max_memory:
        return []
    output, name = max(sizes, key=lambda pair: sizes[pair])
    symbols, numbers = (" × ".join(map(write, shapes[output, name])) for write in (show_symbols, show))
    message = (
        f"the explicit Jacobian ∂{output}/∂{name} has the shape {symbols} = {numbers}, "
        f"{show_bytes(8 * sizes[output, name])}; with its working copies the check takes "
        f"{show_bytes(total)}, the memory budget is {show_bytes(max_memory)}: "
        "make the dims smaller or raise --max-memory"
    )
    return [check.fault(message, f"inputs.{name}" if name in subject.function.inputs else "chain")]


def _jacobian_shapes(subject: Subject) -> dict[Pair, tuple[Shape, Shape]]:
    """Both groups of axes of every Jacobian that a check builds, those of its chain included."""
    functions: dict[Pair, Function] = dict.fromkeys(subject.engine[0].pairs, subject.function)
    chain = [*subject.links, *([subject.whole] if subject.whole else [])]
    functions |= {(link.target, link.source): link.function for link in chain}
    return {
        (output, name): (function.outputs[output].shape, function.inputs[name].shape)
        for (output, name), function in functions.items()
    }
