"""What can be asked for about a failing check, and what comes of it: plain values, for any process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

from gradcheck_cli.result import CheckResult
from gradcheck_cli.spec.types import CheckSpec

BUDGET: Final = 20.0  # seconds that are spent on making one check small

Aim = Literal["arrays", "small", "whole"]


@dataclass(frozen=True, kw_only=True)
class Request:
    """What is to be made of a failing check."""

    aim: Aim
    result: CheckResult
    folder: Path  # where the spec will stand, as the user names it
    here: Path  # the present folder


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """What has been made: an archive, or the text of a spec; nothing, if no spec was found to fail."""

    archive: bytes = b""
    spec: str = ""
    output: str = ""  # what the code has printed


def hurried(check: CheckSpec) -> CheckSpec:
    """Give a check no more time than the search for a small spec may take."""
    return replace(check, timeout=min(check.timeout or BUDGET, BUDGET))
