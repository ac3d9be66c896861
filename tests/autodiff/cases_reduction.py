"""Calls of reductions: shapes that are not square, broadcasting, each axis and keyword."""

from __future__ import annotations

import numpy as np
from case_builders import MASK, along, logsumexp_of, moments, reduced, softmax_of
from derivative_laws import Call, sample

CASES: dict[str, list[Call]] = {
    "sum": [
        *reduced(np.sum),
        *(Call(np.sum(x), (x,), {"axis": None, "keepdims": False}) for x in (MASK, np.arange(3), sample(0))),
    ],
    "mean": reduced(np.mean),
    "var": moments(np.var),
    "std": moments(np.std),
    "max": reduced(np.max),
    "min": reduced(np.min),
    "logsumexp": reduced(logsumexp_of),
    "softmax": along(softmax_of),
    "log_softmax": along(lambda x, axis: np.log(softmax_of(x, axis))),
    "argmax": reduced(np.argmax, (None, 0, 1, -1)),
}  # fmt: skip
