"""What a check's function is written in decides how it is compiled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from gradcheck_cli.functions.base import Subject
from gradcheck_cli.functions.claims import compile_check
from gradcheck_cli.functions.code import compile_code
from gradcheck_cli.functions.second import with_second
from gradcheck_cli.result import Fault
from gradcheck_cli.spec.types import CheckSpec, Code, Text

Compiler = Callable[..., tuple[Subject | None, list[Fault]]]

COMPILERS: Final[dict[type, Compiler]] = {Text: compile_check, Code: compile_code}


DOUBLE: Final = {"float16": "float64", "float32": "float64", "complex64": "complex128"}


def compile_subject(check: CheckSpec, *, max_memory: int) -> tuple[Subject | None, list[Fault]]:
    """Turn a check into what the engine works on, or say everything that is wrong with it.

    One in a lower precision brings its twin in double precision along, unless it is code that takes none.
    """
    subject, faults = _compile(check, max_memory)
    if subject is None or all(one.dtype not in DOUBLE for one in check.inputs):
        return subject, faults
    wide, _ = _compile(_in_double(check), max_memory)
    if wide is None or wide.problem:
        return subject, faults
    if subject.second and wide.second:
        second = replace(subject.second.subject, wide=wide.second.subject)
        subject = replace(subject, second=replace(subject.second, subject=second))
    return replace(subject, wide=wide), faults


def _compile(check: CheckSpec, max_memory: int) -> tuple[Subject | None, list[Fault]]:
    subject, faults = COMPILERS[type(check.function)](check, max_memory=max_memory)
    if subject is None or check.order == 1:
        return subject, faults
    return with_second(check, subject, max_memory=max_memory)


def _in_double(check: CheckSpec) -> CheckSpec:
    inputs = []
    for one in check.inputs:
        dtype = DOUBLE.get(one.dtype, one.dtype)
        value, center = (None if array is None else array.astype(dtype) for array in (one.value, one.center))
        inputs.append(replace(one, dtype=dtype, value=value, center=center))
    return replace(check, inputs=tuple(inputs))
