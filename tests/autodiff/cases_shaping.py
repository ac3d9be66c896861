"""Calls of what moves entries: shapes that are not square, broadcasting, each axis and keyword."""

from __future__ import annotations

import numpy as np
from case_builders import COLUMN, CUBE, ROW, SCALAR, X, Y, joined, moved, reshape, unary
from derivative_laws import Call, sample

CASES: dict[str, list[Call]] = {
    "reshape": [
        *moved(reshape, CUBE, {"shape": (6, 4)}, {"shape": 24}, {"shape": (2, -1)}, {"shape": (-1,)}),
        *moved(reshape, sample(0, 3), {"shape": (3, 0)}),
    ],
    "ravel": unary(np.ravel),
    "transpose": [
        *moved(np.transpose, CUBE, {"axes": None}, {"axes": (1, 2, 0)}, {"axes": (-1, 0, 1)}),
        *moved(np.transpose, SCALAR, {"axes": None}),
    ],
    "swapaxes": moved(np.swapaxes, CUBE, {"axis1": 0, "axis2": -1}, {"axis1": 1, "axis2": 1}),
    "expand_dims": moved(np.expand_dims, X, {"axis": 0}, {"axis": -1}, {"axis": (0, 2)}, {"axis": (-1, 1)}),
    "squeeze": moved(
        np.squeeze, sample(1, 3, 1), {"axis": None}, {"axis": 0}, {"axis": -1}, {"axis": (0, 2)}, {"axis": ()}
    ),
    "broadcast_to": [
        *moved(np.broadcast_to, ROW, {"shape": (2, 3)}, {"shape": (3,)}, {"shape": 3}, {"shape": (0, 3)}),
        *moved(np.broadcast_to, COLUMN, {"shape": (4, 2, 3)}, {"shape": (2, 0)}),
        *moved(np.broadcast_to, SCALAR, {"shape": (2, 3)}, {"shape": ()}),
    ],
    "concatenate": [
        *joined(np.concatenate, (0, -2), X, sample(1, 3), Y),
        *joined(np.concatenate, (1, -1), X, COLUMN, sample(2, 0)),
        *joined(np.concatenate, (0,), ROW),
    ],
    "stack": [
        *joined(np.stack, (0, 1, 2, -1, -2), X, Y, X * 2),
        *joined(np.stack, (0, -1), SCALAR, SCALAR),
    ],
}  # fmt: skip
