"""What a check's function is written in decides how it is compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gradcheck_cli.functions.base import Subject
from gradcheck_cli.functions.claims import compile_check
from gradcheck_cli.functions.code import compile_code
from gradcheck_cli.result import Fault
from gradcheck_cli.spec.types import CheckSpec, Code, Text

Compiler = Callable[..., tuple[Subject | None, list[Fault]]]

COMPILERS: Final[dict[type, Compiler]] = {Text: compile_check, Code: compile_code}


def compile_subject(check: CheckSpec, *, max_memory: int) -> tuple[Subject | None, list[Fault]]:
    """Turn a check into what the engine works on, or say everything that is wrong with it."""
    return COMPILERS[type(check.function)](check, max_memory=max_memory)
