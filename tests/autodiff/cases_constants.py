"""Calls of new arrays: shapes that are not square, broadcasting, each axis and keyword."""

from __future__ import annotations

import numpy as np
from case_builders import MASK, arange_of, made, unary
from derivative_laws import Call

CASES: dict[str, list[Call]] = {
    "eye": made(
        np.eye,
        *({"N": 3, "M": columns, "k": k} for columns in (None, 4, 0) for k in (0, 1, -1)),
        {"N": 0, "M": None, "k": 0},
    ),
    "tri": made(
        np.tri,
        *({"N": 3, "M": columns, "k": k} for columns in (None, 4, 0) for k in (0, 1, -1, 9, -9)),
        {"N": 0, "M": None, "k": 0},
    ),
    "zeros": made(np.zeros, {"shape": 3}, {"shape": (2, 3)}, {"shape": ()}, {"shape": (0, 2)}),
    "ones": made(np.ones, {"shape": 3}, {"shape": (2, 3)}, {"shape": ()}, {"shape": (0, 2)}),
    "full": made(np.full, {"shape": 3, "fill_value": 2}, {"shape": (2, 3), "fill_value": 7}),
    "arange": [
        Call(
            arange_of(*three, dtype),
            (),
            {"start": three[0], "stop": three[1], "step": three[2], "dtype": np.dtype(dtype)},
        )
        for three in ((5, None, 1), (2, 9, 3), (9, 2, -2), (2, 2, 1), (5, None, 2), (-3, None, 1), (0, 7, 7))
        for dtype in ("float64", "float32", "int64")
    ],
    "linspace": made(
        np.linspace,
        *(
            {"start": start, "stop": stop, "num": num, "endpoint": endpoint}
            for start, stop in ((0, 1), (-1.5, 3), (2, -2), (1, 1))
            for num in (5, 2, 1, 0)
            for endpoint in (True, False)
        ),
    ),
    "zeros_like": [*unary(np.zeros_like), Call(np.zeros_like(MASK), (MASK,))],
    "ones_like": [*unary(np.ones_like), Call(np.ones_like(MASK), (MASK,))],
}  # fmt: skip
