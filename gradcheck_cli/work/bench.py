"""Where single checks are worked on: what there is to do, how it ended, and who keeps what was compiled.

Tasks and outcomes are plain values that can be sent from process to process; what is compiled stays at the
bench that compiled it.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from gradcheck_cli.check import run_check
from gradcheck_cli.errors import Frame
from gradcheck_cli.functions.base import Function, Pair, Subject
from gradcheck_cli.functions.compile import compile_subject
from gradcheck_cli.prepare import over_budget
from gradcheck_cli.reproduce.request import Reproduction, Request
from gradcheck_cli.result import CheckResult, Fault, Verdict
from gradcheck_cli.shapes import Shape
from gradcheck_cli.spec.types import CheckSpec, Code

CODE_LIMIT: Final = 300.0  # seconds for a check of code that states no timeout; formulas come to an end


@dataclass(frozen=True, order=True)
class Task:
    """One step of one check; tasks are taken in their order."""

    turn: int  # 0 for what comes before anything is run
    place: int  # of the check among all checks
    check: CheckSpec = field(compare=False)
    step: Literal["compile", "run", "reproduce"] = field(compare=False)
    request: Request | None = field(default=None, compare=False)  # what to reproduce

    @property
    def is_code(self) -> bool:
        """Whether the user's code runs in it."""
        return isinstance(self.check.function, Code)

    @property
    def limit(self) -> float | None:
        """Seconds that it may take."""
        return self.check.timeout


@dataclass(frozen=True)
class Compiled:
    """A check has been compiled: the faults of its spec, and what its code printed."""

    faults: tuple[Fault, ...] = ()
    output: str = ""


Judge = Callable[..., CheckResult]  # (check, subject, *, strict); a name of a module, so that it can be sent
# Of any step a result may come: that of code which hangs or crashes.
Outcome = Compiled | CheckResult | Reproduction


@dataclass(frozen=True)
class Terms:
    """What all checks of a run are subject to."""

    max_memory: int
    strict: bool
    jobs: int = 1  # processes that share the machine's memory
    judge: Judge | None = None  # what is done with a check that is compiled, if it is not to be run


@dataclass
class Bench:
    """Compiles checks, keeps what came of it, and runs them."""

    terms: Terms
    subjects: dict[int, Subject] = field(default_factory=dict)

    def answer(self, task: Task) -> Outcome:
        """Carry out a task; a bug of ours costs its check alone."""
        try:
            if task.request is not None:
                return self._reproduce(task.check, task.request)
            return self._compile(task) if task.step == "compile" else self._run(task)
        except MemoryError as error:
            return failed(task.check, f"the memory ran out: {error or 'MemoryError'}")
        except Exception as error:  # noqa: BLE001  # what else the report holds must not be lost
            return failed(task.check, _bug(error))

    def _compile(self, task: Task) -> Compiled:
        subject, faults = compile_subject(task.check, max_memory=self.terms.max_memory)
        if subject is not None:
            self.subjects[task.place] = subject
            faults = [*faults, *too_large(task.check, subject, max_memory=self.terms.max_memory)]
        return Compiled(tuple(faults))

    def _run(self, task: Task) -> CheckResult:
        subject = self.subjects.pop(task.place, None)
        assert subject is not None, "a check is compiled before it is run"
        judge = self.terms.judge or run_check
        return judge(task.check, subject, strict=self.terms.strict)

    def _reproduce(self, check: CheckSpec, request: Request) -> Reproduction:
        from gradcheck_cli.reproduce.job import reproduce  # noqa: PLC0415  # few runs need it

        return reproduce(check, request, max_memory=self.terms.max_memory, strict=self.terms.strict)


def failed(
    check: CheckSpec,
    message: str,
    *,
    seconds: float = 0.0,
    frames: tuple[Frame, ...] = (),
) -> CheckResult:
    """Make the result of a check that could not be carried out."""
    return CheckResult(
        name=check.name,
        spec=check.spec,
        line=check.position[0],
        expect=check.expect,
        verdict=Verdict.ERROR,
        as_expected=False,
        message=message,
        seconds=seconds,
        traceback=frames,
    )


def _bug(error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    fact = f"{type(error).__name__}: {error} ({Path(place.filename).name}:{place.lineno})"
    return f"this is a bug in gradcheck-cli, please report it with this spec: {fact}"


def too_large(check: CheckSpec, subject: Subject, *, max_memory: int) -> list[Fault]:
    """Refuse a check whose Jacobians the memory budget does not hold."""
    shapes = _jacobian_shapes(subject)
    faults = over_budget(check, shapes, arrays=len(subject.claims) + 1, max_memory=max_memory)
    if subject.second and not faults:  # one after the other
        return too_large(subject.second.check, subject.second.subject, max_memory=max_memory)
    return faults


def _jacobian_shapes(subject: Subject) -> dict[Pair, tuple[Shape, Shape]]:
    """Both groups of axes of every Jacobian that a check builds, those of its chain included."""
    functions: dict[Pair, Function] = dict.fromkeys(subject.pairs, subject.function)
    chain = [*subject.links, *([subject.whole] if subject.whole else [])]
    functions |= {(link.target, link.source): link.function for link in chain}
    return {
        (output, name): (function.outputs[output].parts.shape, function.inputs[name].parts.shape)
        for (output, name), function in functions.items()
    }
