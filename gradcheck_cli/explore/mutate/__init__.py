"""``gradcheck mutate``: corrupts what a check passes, one way at a time, and sees whether it notices.

``corruption`` and ``behaviour`` are the table of corruptions, ``plant`` puts one into a check, ``trial``
carries the check out again, ``reason`` says why one is missed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import replace

from gradcheck_cli.check import run_check
from gradcheck_cli.explore.mutate.remember import remembering
from gradcheck_cli.explore.mutate.trial import Trial
from gradcheck_cli.functions.base import Subject
from gradcheck_cli.mutations import MutationResult, with_mutations
from gradcheck_cli.orders import expecting_nothing
from gradcheck_cli.result import CheckResult, Verdict
from gradcheck_cli.spec.types import CheckSpec

SPARE = 0.95  # of the time limit, after which no further corruption is tried


def check_and_mutate(check: CheckSpec, subject: Subject, *, strict: bool = False) -> MutationResult:
    """Carry out a check; if it passes, corrupt its claims in every way and carry it out again for each."""
    started = time.monotonic()
    result = run_check(check, subject, strict=strict)
    if result.verdict is not Verdict.PASS or not result.as_expected:
        return with_mutations(result)
    deadline = started + SPARE * (check.timeout or math.inf)
    mutations = [
        trial.tried(site, corruption)
        for trial in trials(check, subject, result, deadline)
        for site, corruption in trial.planned()
    ]
    return replace(with_mutations(result, mutations), seconds=time.monotonic() - started)


def trials(check: CheckSpec, subject: Subject, result: CheckResult, deadline: float) -> Iterator[Trial]:
    """Yield the check itself to be corrupted and, with ``order: 2``, that of its VJP's derivative."""
    check = replace(check.with_inputs(subject.parameters), elsewhere=None)
    yield Trial(check, remembering(replace(subject, second=None)), result, deadline)
    if subject.second:
        second = replace(expecting_nothing(subject.second.check), elsewhere=None)
        yield Trial(second, remembering(subject.second.subject), result, deadline, order=2)
