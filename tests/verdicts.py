"""Judging for tests that ask for a verdict and for nothing else, as cheaply as it is to be had."""

from __future__ import annotations

import dataclasses

from gradcheck_cli.check import run_check
from gradcheck_cli.functions.base import Subject
from gradcheck_cli.result import CheckResult, Verdict
from gradcheck_cli.spec.types import CheckSpec


def verdict_alone(check: CheckSpec, subject: Subject, *, strict: bool = False) -> CheckResult:
    """Carry out a check without looking for causes, and at its first point only if it fails there.

    What fails at one point of a check fails as a whole. A spec that expects a code is carried out as it is.
    """
    if check.expect_code is not None:
        return run_check(check, subject, strict=strict)
    first = dataclasses.replace(check, points=check.points[:1])
    result = run_check(first, subject, strict=strict, stay=True, explain=False)
    if result.verdict is Verdict.FAIL:
        return result
    return run_check(check, subject, strict=strict, explain=False)
