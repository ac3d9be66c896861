"""Calls of what copies entries: shapes that are not square, each axis, mode and form of the widths."""

from __future__ import annotations

from typing import Any

import numpy as np
from case_builders import CUBE, ROW, SCALAR, X, moved
from derivative_laws import Call, sample

from gradcheck_cli.autodiff.primitive import Array

WIDTHS = (0, 2, (1,), (2, 1), ((0, 3),), ((1, 0), (2, 4)), ((1,), (2,)))

PADDED = (
    *((X, widths) for widths in WIDTHS),
    (ROW, (4, 8)),
    (CUBE, ((0, 1), (2, 0), (5, 9))),
    (sample(1, 2), 3),
    (SCALAR, 2),
    (SCALAR, ((3, 4),)),
    (sample(0, 3), ((0, 0), (1, 2))),
)


def padded(x: Array, pad_width: Any, mode: Any = "constant", constant_values: float = 0) -> Call:
    more = {"constant_values": constant_values} if mode == "constant" else {}
    static = {"pad_width": pad_width, "mode": mode, "constant_values": constant_values}
    return Call(np.pad(x, pad_width, mode, **more), (x,), static)


CASES: dict[str, list[Call]] = {
    "tile": [
        *moved(np.tile, X, *({"reps": reps} for reps in (2, 0, (), (3,), (2, 3), (1, 2), (2, 1, 3), (2, 0)))),
        *moved(np.tile, SCALAR, {"reps": 3}, {"reps": (2, 3)}, {"reps": ()}),
        *moved(np.tile, sample(0, 3), {"reps": (2, 2)}),
    ],
    "repeat": [
        *moved(np.repeat, X, *({"repeats": by, "axis": None} for by in (3, 0, (2,), (1, 0, 2, 3, 1, 1)))),
        *moved(np.repeat, CUBE, {"repeats": 2, "axis": 0}, {"repeats": (1, 0, 3), "axis": -2}),
        *moved(np.repeat, CUBE, {"repeats": (2,), "axis": -1}, {"repeats": (0, 0), "axis": 0}),
        *moved(np.repeat, SCALAR, {"repeats": 3, "axis": None}),
        *moved(np.repeat, sample(0, 3), {"repeats": 2, "axis": 0}),
        Call(np.zeros((0, 3)), (sample(0, 3),), {"repeats": (), "axis": 0}),
    ],
    "pad": [
        *(padded(X, widths, constant_values=fill) for widths in WIDTHS for fill in (0, -1.5)),
        *(
            padded(x, widths, mode)
            for mode in ("constant", "edge", "reflect", "symmetric", "wrap")
            for x, widths in PADDED
        ),
    ],
}
