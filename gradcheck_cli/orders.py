"""The results of both orders of a check, ∂y/∂x and the derivative of its VJP, as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from gradcheck_cli.conclude import expectation
from gradcheck_cli.result import CheckResult, worst_verdict
from gradcheck_cli.spec.types import CheckSpec

T = TypeVar("T")


def expecting_nothing(check: CheckSpec) -> CheckSpec:
    """Leave out what the spec expects of both orders together."""
    return replace(check, expect="pass", expect_code=None)


def together(check: CheckSpec, first: CheckResult, second: CheckResult) -> CheckResult:
    """Join two results; what the spec expects, it expects of the worse one."""
    verdict = worst_verdict([first.verdict, second.verdict])
    diagnoses = _once(first.diagnoses, second.diagnoses)
    as_expected, message = expectation(check, verdict, list(diagnoses))
    later = f"order 2: {second.message}" if second.message else ""
    return replace(
        first,
        expect=check.expect,
        verdict=verdict,
        as_expected=as_expected,
        seconds=first.seconds + second.seconds,
        evaluations=dict(Counter(first.evaluations) + Counter(second.evaluations)),
        pairs=first.pairs + second.pairs,
        contracts=first.contracts + second.contracts,
        diagnoses=diagnoses,
        warnings=_once(first.warnings, second.warnings),
        message="; ".join(filter(None, (first.message, later, message))),
        traceback=first.traceback or second.traceback,
    )


def _once(first: Iterable[T], second: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys([*first, *second]))
