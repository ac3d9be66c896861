"""Calls of diagonals and triangles: each axis and keyword, corners and beyond."""

from __future__ import annotations

from typing import Any

import numpy as np
from case_builders import CUBE, LONG, ROW, X, moved
from derivative_laws import Call, sample

OFFSETS = (0, 1, -1, 2, -2, 7)
HYPERCUBE = sample(2, 3, 4, 3)


def along_diagonals(numpy: Any) -> list[Call]:
    """Calls of a function of x, offset, axis1 and axis2."""
    matrices = [X, LONG.T, sample(3, 3), sample(0, 3), sample(3, 0)]
    calls = [(x, offset, (0, 1)) for x in matrices for offset in OFFSETS]
    calls += [(CUBE, offset, axes) for offset in (0, -1, 2) for axes in ((0, 1), (1, 0), (2, 0), (-1, 1))]
    calls += [(HYPERCUBE, 1, (-1, 1)), (HYPERCUBE, 0, (3, 0)), (sample(2, 0, 3), 0, (0, 2))]
    named = [(x, {"offset": offset, "axis1": axes[0], "axis2": axes[1]}) for x, offset, axes in calls]
    return [Call(numpy(x, **static), (x,), static) for x, static in named]


CASES: dict[str, list[Call]] = {
    "diag": [
        Call(np.diag(x, k), (x,), {"k": k})
        for x in (ROW, X, X.T, sample(3, 3), sample(0))
        for k in OFFSETS
        if x.ndim == 1 or k != 7
    ],
    "diagonal": along_diagonals(np.diagonal),
    "trace": [
        *along_diagonals(np.trace),
        *moved(np.trace, sample(2, 2) > 0, {"offset": 0, "axis1": 0, "axis2": 1}),
    ],
    **{
        numpy.__name__: [
            call
            for x in (X, CUBE, sample(4, 2), sample(2, 0, 3))
            for call in moved(numpy, x, *({"k": k} for k in OFFSETS))
        ]
        for numpy in (np.triu, np.tril)
    },
}
