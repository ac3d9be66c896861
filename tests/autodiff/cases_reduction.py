"""Calls of reductions: shapes that are not square, broadcasting, each axis and keyword."""

from __future__ import annotations

from typing import Any

import numpy as np
from case_builders import CUBE, MASK, along, logsumexp_of, moments, reduced, softmax_of
from derivative_laws import Call, sample

GAPS = CUBE * (np.arange(24).reshape(2, 3, 4) % 5 > 1)  # two entries of five are 0
WHOLE = np.arange(6).reshape(2, 3) - 2


def counted(numpy: Any) -> list[Call]:
    """Calls over numbers, masks, integers and no entries at all."""
    everything = {"axis": None, "keepdims": False}
    rows = {"axis": 1, "keepdims": True}
    return [
        *reduced(numpy),
        *(
            Call(numpy(GAPS, axis=axis), (GAPS,), {"axis": axis, "keepdims": False})
            for axis in (0, 1, (0, -1))
        ),
        *(Call(numpy(x), (x,), everything) for x in (MASK, WHOLE, sample(0))),
        *(Call(numpy(x, **rows), (x,), rows) for x in (MASK, WHOLE, sample(2, 0))),
    ]


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
    "median": [
        *reduced(np.median),
        Call(np.zeros(0), (sample(0, 3, 4),), {"axis": (-1, 1), "keepdims": False}),
    ],
    "logsumexp": reduced(logsumexp_of),
    "softmax": along(softmax_of),
    "log_softmax": along(lambda x, axis: np.log(softmax_of(x, axis))),
    "argmax": reduced(np.argmax, (None, 0, 1, -1)),
    "argmin": reduced(np.argmin, (None, 0, 1, -1)),
    "any": counted(np.any),
    "all": counted(np.all),
    "count_nonzero": counted(np.count_nonzero),
}  # fmt: skip
