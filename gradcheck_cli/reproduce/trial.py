"""Runs a spec that may reproduce a failure, from its text on, as ``gradcheck run`` would run it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gradcheck_cli.check import run_check
from gradcheck_cli.functions.base import Subject
from gradcheck_cli.functions.compile import compile_subject
from gradcheck_cli.reproduce.target import Likeness, Target
from gradcheck_cli.result import CheckResult
from gradcheck_cli.spec.form import Form, form_text
from gradcheck_cli.spec.load import load_specs
from gradcheck_cli.spec.types import CheckSpec


@dataclass(frozen=True, kw_only=True)
class Sound:
    """A form that is a sound spec, and what has been compiled of it."""

    form: Form
    check: CheckSpec
    subject: Subject


@dataclass(frozen=True, kw_only=True)
class Trial(Sound):
    """One that has been run, and how much of the failure it has shown."""

    result: CheckResult
    likeness: Likeness


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Runs forms of a spec until the time is up (by the clock of ``time.monotonic``)."""

    file: Path  # where the spec would stand
    target: Target
    deadline: float
    max_memory: int
    strict: bool

    @property
    def is_late(self) -> bool:
        """Whether no time is left."""
        return time.monotonic() >= self.deadline

    def run(self, form: Form) -> Trial | None:
        """Run a form; None if it is no sound spec."""
        sound = self.loaded(form)
        if sound is None or self.is_late:
            return None
        left = self.deadline - time.monotonic()
        limited = replace(sound.check, timeout=min(sound.check.timeout or left, left))
        result = run_check(limited, sound.subject, strict=self.strict)
        likeness = self.target.likeness(result)
        return Trial(form=form, check=sound.check, subject=sound.subject, result=result, likeness=likeness)

    def loaded(self, form: Form) -> Sound | None:
        """Load and compile a form."""
        checks, faults = load_specs(str(self.file), form_text(form), max_memory=self.max_memory)
        if faults or len(checks) != 1:
            return None
        subject, faults = compile_subject(checks[0], max_memory=self.max_memory)
        return None if subject is None or faults else Sound(form=form, check=checks[0], subject=subject)

    def first(self, forms: Sequence[Form]) -> Trial | None:
        """Return the first of the forms that fails of the same cause."""
        trials = (self.run(form) for form in forms)
        return next((one for one in trials if one and one.likeness is Likeness.SAME_CAUSE), None)
