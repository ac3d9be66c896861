"""What a check's function is written in decides how it is compiled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from gradcheck_cli.functions.base import Subject
from gradcheck_cli.functions.claims import compile_check
from gradcheck_cli.functions.code import compile_code
from gradcheck_cli.result import Fault
from gradcheck_cli.spec.types import CheckSpec, Code, Text

Compiler = Callable[..., tuple[Subject | None, list[Fault]]]

COMPILERS: Final[dict[type, Compiler]] = {Text: compile_check, Code: compile_code}


DOUBLE: Final = {"float16": "float64", "float32": "float64", "complex64": "complex128"}


def compile_subject(check: CheckSpec, *, max_memory: int) -> tuple[Subject | None, list[Fault]]:
    """Turn a check into what the engine works on, or say everything that is wrong with it.

    One in a lower precision brings its twin in double precision along, unless it is code that takes none.
    """
    compiler = COMPILERS[type(check.function)]
    subject, faults = compiler(check, max_memory=max_memory)
    if subject is None or all(one.dtype not in DOUBLE for one in check.inputs):
        return subject, faults
    wide, _ = compiler(_in_double(check), max_memory=max_memory)
    return replace(subject, wide=None if wide is None or wide.problem else wide), faults


def _in_double(check: CheckSpec) -> CheckSpec:
    inputs = []
    for one in check.inputs:
        dtype = DOUBLE.get(one.dtype, one.dtype)
        value = None if one.value is None else one.value.astype(dtype)
        inputs.append(replace(one, dtype=dtype, value=value))
    return replace(check, inputs=tuple(inputs))
