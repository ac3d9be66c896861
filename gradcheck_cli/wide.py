"""The same function in double precision, where a derivative by differences is sharp.

A function in float32 or float16 is judged twice: as it is meant, in double precision, where a factor of
1.02 cannot hide behind rounding; and as it is rounded, where only what rounding does is left to see.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.examine import Scene, ask_all
from gradcheck_cli.functions.base import Subject
from gradcheck_cli.problem import Problem

SAME = 32  # units of the dtype's round-off, at the scale of an output, by which both may differ


def in_double(problem: Problem, subject: Subject) -> Problem | None:
    """Bind the function to the same point in double precision; None where it is in double precision already.

    None as well where it comes to other values there, as beside a jump or where the dtype overflows.
    """
    if subject.wide is None:
        return None
    function = subject.wide.function
    primals = {name: array.astype(function.inputs[name].dtype) for name, array in problem.primals.items()}
    there = replace(problem, function=function, primals=primals)
    try:
        return there if _same(problem, there) else None
    except EvaluationError:
        return None


def wide_scene(problem: Problem, subject: Subject) -> Scene | None:
    """Ask every claim again in double precision, if there is such a thing."""
    there = in_double(problem, subject)
    if there is None or subject.wide is None:
        return None
    try:
        return ask_all(there, subject.wide)
    except EvaluationError:
        return None


def _same(problem: Problem, there: Problem) -> bool:
    """Whether the function has the same values in both precisions, but for rounding."""
    return all(
        _close(problem.values[rows], there.values[rows], problem.eps(output, problem.wrt[0]))
        for output, rows in problem.rows.items()
    )


def _close(values: Array, others: Array, eps: float) -> bool:
    with np.errstate(invalid="ignore"):
        return bool(np.all(np.abs(values - others) <= SAME * eps * np.max(np.abs(others), initial=0.0)))
