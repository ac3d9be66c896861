"""Calls of what reads entries: shapes that are not square, broadcasting, each axis and keyword."""

from __future__ import annotations

import numpy as np
from case_builders import CUBE, ROW, X, read
from derivative_laws import Call, sample

from gradcheck_cli.autodiff.primitives.indexing import Hole

CASES: dict[str, list[Call]] = {
    "getitem": [
        read(CUBE, (0,)),
        read(CUBE, (slice(None), -1)),
        read(CUBE, (..., 1)),
        read(CUBE, (None, 1, ..., None, slice(None, None, -2))),
        read(CUBE, (slice(2, 0, -1), slice(5, 1))),
        read(CUBE, (Hole(0),), [1, 0, 1, 1]),
        read(CUBE, (Hole(0), Hole(1)), [[0, 1]], [[2], [0]]),
        read(CUBE, (Hole(0), slice(None), Hole(1)), [0, 1, 1], [3, 0, 0]),
        read(CUBE, (slice(None), Hole(0), 2), [0, 0, -1]),
        read(CUBE, (0, slice(None), Hole(0)), [3, 3]),
        read(CUBE, (Hole(0), None, Hole(1)), [0, 1], [2, 2]),
        read(CUBE, (Hole(0), ..., 1), [1, 1, 0]),
        read(X, (None, Hole(0), ..., Hole(1)), [0, 1], [2, 0]),
        read(CUBE, (Hole(0),), np.zeros((0, 2), int)),
        read(CUBE, (slice(None), Hole(0)), 1),
        read(sample(0, 3), (slice(None), 1)),
        read(ROW, ()),
    ],
}  # fmt: skip
