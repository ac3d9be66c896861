"""Calls of what gives entries another place: shapes that are not square, each axis and keyword."""

from __future__ import annotations

import numpy as np
from case_builders import COLUMN, CUBE, ROW, SCALAR, X, moved, reshape, unary
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
    "moveaxis": [
        *moved(np.moveaxis, CUBE, {"source": 0, "destination": -1}, {"source": -1, "destination": 1}),
        *moved(np.moveaxis, CUBE, {"source": (0, 2), "destination": (-1, 0)}),
        *moved(np.moveaxis, CUBE, {"source": (2, 0, 1), "destination": (0, 1, 2)}),
        *moved(np.moveaxis, CUBE, {"source": (), "destination": ()}),
        *moved(np.moveaxis, sample(0, 3), {"source": 1, "destination": 0}),
    ],
    "flip": [
        *moved(np.flip, CUBE, {"axis": None}, {"axis": 1}, {"axis": -1}, {"axis": (0, -1)}, {"axis": ()}),
        *moved(np.flip, SCALAR, {"axis": None}),
        *moved(np.flip, sample(0, 3), {"axis": 0}),
    ],
    "roll": [
        *moved(np.roll, CUBE, *({"shift": by, "axis": None} for by in (5, -30, (2, 3), ()))),
        *moved(np.roll, CUBE, {"shift": 1, "axis": -1}, {"shift": -5, "axis": 1}),
        *moved(np.roll, CUBE, {"shift": 1, "axis": (0, 2)}),
        *moved(np.roll, CUBE, {"shift": (1, 2), "axis": 1}, {"shift": (1, -3), "axis": (-1, 1)}),
        *moved(np.roll, CUBE, {"shift": (1, 2), "axis": (2, 2)}, {"shift": (), "axis": ()}),
        *moved(np.roll, SCALAR, {"shift": 2, "axis": None}),
        *moved(np.roll, sample(0, 3), {"shift": 2, "axis": 0}),
    ],
    "rot90": [
        *moved(np.rot90, CUBE, *({"k": k, "axes": axes} for k in (1, -2, 7) for axes in ((0, 1), (-1, 0)))),
        *moved(np.rot90, sample(0, 3), {"k": 1, "axes": (0, 1)}),
    ],
}  # fmt: skip
