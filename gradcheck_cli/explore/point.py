"""Where the commands beside ``run`` look: a point at which the function has a finite value."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import numpy as np

from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.points import bind, not_finite
from gradcheck_cli.prepare import Job
from gradcheck_cli.problem import Problem


def bound(job: Job, point: str) -> Problem:
    """Bind a check's function to a point; its time runs from here.

    Raises
    ------
    EvaluationError
        Where the function has no finite value there.
    """
    job.subject.require_code()
    problem = bind(job.check, job.subject, point)
    if not np.all(np.isfinite(problem.values)):
        where = not_finite(job.check, problem)
        raise EvaluationError(f"the function is not finite at the {point} point: {where}")
    return replace(problem, deadline=time.monotonic() + (job.check.timeout or math.inf))
