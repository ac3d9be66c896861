"""Spec files → checks that are ready to run: find, load, override, select, compile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.functions.base import Pair, Subject
from gradcheck_cli.functions.compile import compile_subject
from gradcheck_cli.result import Fault
from gradcheck_cli.select import parse_selection
from gradcheck_cli.shapes import Shape, count, show, show_bytes, show_symbols
from gradcheck_cli.spec.load import find_specs, load_specs
from gradcheck_cli.spec.types import CheckSpec


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What the command line says about specs; ``None`` leaves a spec's own word."""

    seed: int | None = None
    rtol: float | None = None
    atol: float | None = None
    max_memory: int = 2**30  # bytes
    no_code: bool = False
    select: str | None = None


@dataclass(frozen=True)
class Job:
    """A check that is ready to run."""

    check: CheckSpec
    subject: Subject


# Arrays of a Jacobian's size that are alive at once, beside one for each claim (measured as peak memory).
WORKING_ARRAYS = 16

Fits = Callable[[CheckSpec, Subject], list[Fault]]


def load(paths: Sequence[str], settings: Settings) -> tuple[list[list[CheckSpec]], list[Fault]]:
    """Load all spec files, the checks of each in a list of its own; a file with a fault has none."""
    files, faults = find_specs(paths)
    loaded = []
    for file in files:
        checks, found = load_specs(file, max_memory=settings.max_memory, no_code=settings.no_code)
        faults += found
        loaded.append([_overridden(check, settings) for check in checks])
    return loaded, faults


def selection(settings: Settings) -> Callable[[str], bool]:
    """Return which check names are selected: all of them without ``-k``.

    Raises
    ------
    GradcheckError
        For a selection that cannot be understood.
    """
    return (lambda _name: True) if settings.select is None else parse_selection(settings.select)


def prepare(paths: Sequence[str], settings: Settings, fits: Fits) -> tuple[list[Job], list[Fault]]:
    """Load and compile all specs; a file is sound as a whole or not at all.

    ``fits`` says what is wrong with a check that is too large for what is to be done with it.

    Raises
    ------
    GradcheckError
        For a selection that cannot be understood or selects nothing.
    """
    chosen = selection(settings)
    loaded, faults = load(paths, settings)
    jobs: list[Job] = []
    for checks in loaded:
        sound, found = _compiled(checks, settings.max_memory, fits)
        jobs += [job for job in sound if chosen(job.check.name)]
        faults += found
    require_something(jobs, faults, settings)
    return jobs, faults


def require_something(found: Sequence[object], faults: Sequence[Fault], settings: Settings) -> None:
    """Refuse to do nothing in silence."""
    if not found and not faults:
        selected = settings.select is not None
        raise GradcheckError(
            f"no check matches -k {settings.select!r}" if selected else "there is no check to run"
        )


def over_budget(
    check: CheckSpec, shapes: Mapping[Pair, tuple[Shape, Shape]], *, arrays: int, max_memory: int
) -> list[Fault]:
    """Refuse explicit Jacobians that the memory budget does not hold, ``arrays`` of each.

    ``shapes`` holds both groups of axes of every Jacobian that is to be built.
    """
    if not shapes:
        return []
    sizes = {pair: count(rows) * count(columns) for pair, (rows, columns) in shapes.items()}
    total = 8 * (sum(sizes.values()) * arrays + max(sizes.values()) * WORKING_ARRAYS)
    if total <= max_memory:
        return []
    output, name = max(sizes, key=lambda pair: sizes[pair])
    symbols, numbers = (" × ".join(map(write, shapes[output, name])) for write in (show_symbols, show))
    message = (
        f"the explicit Jacobian ∂{output}/∂{name} has the shape {symbols} = {numbers}, "
        f"{show_bytes(8 * sizes[output, name])}; with its working copies the check takes "
        f"{show_bytes(total)}, the memory budget is {show_bytes(max_memory)}: "
        "make the dims smaller or raise --max-memory; gradcheck taylor needs no such array"
    )
    known = any(one.name == name for one in check.inputs)
    return [check.fault(message, f"inputs.{name}" if known else "chain")]


def _compiled(checks: Sequence[CheckSpec], max_memory: int, fits: Fits) -> tuple[list[Job], list[Fault]]:
    jobs: list[Job] = []
    faults: list[Fault] = []
    for job, found in _compile_each(checks, max_memory, fits):
        faults += found
        jobs += [job] if job else []
    # A sweep repeats its check's faults at every size.
    return ([] if faults else jobs), list(dict.fromkeys(faults))


def _compile_each(
    checks: Sequence[CheckSpec], max_memory: int, fits: Fits
) -> Iterator[tuple[Job | None, list[Fault]]]:
    for check in checks:
        subject, faults = compile_subject(check, max_memory=max_memory)
        if subject is not None:
            faults = fits(check, subject)
        yield (Job(check.with_inputs(subject.parameters), subject) if subject is not None else None), faults


def _overridden(check: CheckSpec, settings: Settings) -> CheckSpec:
    """Let the command line have the last word."""
    tolerance = replace(
        check.tolerance,
        rtol=check.tolerance.rtol if settings.rtol is None else settings.rtol,
        atol=check.tolerance.atol if settings.atol is None else settings.atol,
    )
    return replace(check, tolerance=tolerance, seed=check.seed if settings.seed is None else settings.seed)
