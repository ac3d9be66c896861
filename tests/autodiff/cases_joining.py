"""Calls of what joins arrays and of what cuts them up: shapes that are not square, each axis and keyword."""

from __future__ import annotations

from typing import Any

import numpy as np
from case_builders import COLUMN, CUBE, ROW, SCALAR, X, Y, joined
from derivative_laws import Call, sample

from gradcheck_cli.autodiff.primitive import Array


def lined_up(numpy: Any, *rows: tuple[Array, ...]) -> list[Call]:
    return [Call(numpy(arrays), arrays) for arrays in rows]


def split(numpy: Any, x: Array, *cuts: Any, axis: int = 0) -> list[Call]:
    """Calls for every part."""
    return [
        Call(value, (x,), {"indices_or_sections": cut, "axis": axis, "part": part})
        for cut in cuts
        for part, value in enumerate(numpy(x, cut, axis))
    ]


LONG = sample(3, 7)
CUTS = ((1, 5), (4,), (), (5, 2), (-3, -1), (2, 9, 11), (0, 3, 3))

CASES: dict[str, list[Call]] = {
    "concatenate": [
        *joined(np.concatenate, (0, -2), X, sample(1, 3), Y),
        *joined(np.concatenate, (1, -1), X, COLUMN, sample(2, 0)),
        *joined(np.concatenate, (0,), ROW),
        *joined(np.concatenate, (None,), X, SCALAR, CUBE, sample(0, 3)),
    ],
    "stack": [
        *joined(np.stack, (0, 1, 2, -1, -2), X, Y, X * 2),
        *joined(np.stack, (0, -1), SCALAR, SCALAR),
    ],
    "hstack": lined_up(
        np.hstack,
        (X, COLUMN, sample(2, 0)),
        (ROW, sample(2), SCALAR),
        (SCALAR, ROW),
        (CUBE, sample(2, 1, 4)),
        (X,),
    ),
    "vstack": lined_up(
        np.vstack,
        (X, ROW, sample(0, 3), sample(4, 3)),
        (ROW, ROW * 2),
        (SCALAR, sample(1), sample(2, 1)),
        (CUBE, sample(1, 3, 4)),
    ),
    "split": [
        *split(np.split, LONG, 3, 1),
        *split(np.split, LONG, 7, *CUTS, axis=1),
        *split(np.split, CUBE, 2, (1,), axis=-1),
        *split(np.split, sample(0, 3), 2),
    ],
    "array_split": [
        *split(np.array_split, LONG, 2, 5),
        *split(np.array_split, LONG, 4, *CUTS, axis=-1),
        *split(np.array_split, sample(0, 3), 2),
    ],
}
