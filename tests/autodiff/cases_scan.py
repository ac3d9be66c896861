"""Calls of what runs along an axis: each axis and keyword, zeros in products, every order of a norm."""

from __future__ import annotations

from typing import Any

import numpy as np
from case_builders import CUBE, MASK, SCALAR, X, moved, reduced
from derivative_laws import Call, sample

ONE_ZERO = X * [[1, 1, 1], [0, 1, 1]]
TWO_ZEROS = ONE_ZERO * [[1, 1, 1], [1, 1, 0]]
WHOLE = np.arange(6).reshape(2, 3)
SIGNED = sample(2, 3, 4, low=0.3, high=3) * np.where(np.arange(24) % 3, 1, -1).reshape(2, 3, 4)
EVERYTHING = {"axis": None, "keepdims": False}
VECTOR_ORDERS = (None, np.inf, -np.inf, 0, 1, 2, 3, 0.5, 2.5, -1, -2, -0.7)
MATRIX_ORDERS = (None, "fro", "f", "nuc", 1, -1, 2, -2, np.inf, -np.inf)


def along_each(numpy: Any, *points: Any) -> list[Call]:
    named = [{"axis": axis} for axis in (None, 0, 1, -1, -3)]
    return [
        *moved(numpy, CUBE, *named),
        *moved(numpy, SCALAR, {"axis": None}),
        *moved(numpy, sample(0, 3), {"axis": None}, {"axis": 0}, {"axis": 1}),
        *(call for x in points for call in moved(numpy, x, {"axis": None}, {"axis": 1})),
    ]


def sorted_by(numpy: Any) -> list[Call]:
    """Calls with ties among integers; ties of floating entries are kinks and have a test of their own."""
    return along_each(lambda x, axis: numpy(x, axis=axis, kind="stable"), MASK, WHOLE % 2)


def normed(x: Any, orders: Any, axes: Any) -> list[Call]:
    named = [
        {"ord": order, "axis": axis, "keepdims": keepdims}
        for order in orders
        for axis in axes
        for keepdims in (False, True)
    ]
    return moved(np.linalg.norm, x, *named)


CASES: dict[str, list[Call]] = {
    "cumsum": along_each(np.cumsum, MASK, WHOLE),
    "cumprod": along_each(np.cumprod, ONE_ZERO, TWO_ZEROS, MASK, WHOLE),
    "prod": [
        *reduced(np.prod),
        *(
            call
            for x in (ONE_ZERO, TWO_ZEROS, MASK, WHOLE, sample(0), sample(2, 0))
            for call in moved(np.prod, x, EVERYTHING, {"axis": -1, "keepdims": True})
        ),
    ],
    "diff": [
        call
        for x in (CUBE, MASK, WHOLE**2, sample(0, 3))
        for call in moved(np.diff, x, *({"n": n, "axis": axis} for n in range(4) for axis in (0, -1)))
    ],
    "sort": sorted_by(np.sort),
    "argsort": sorted_by(np.argsort),
    "linalg.norm": [
        *normed(SIGNED, (None,), (None,)),
        *normed(SIGNED, VECTOR_ORDERS, (0, -2, (2,))),
        *normed(SIGNED[0, 0], VECTOR_ORDERS, (None,)),
        *normed(SIGNED, MATRIX_ORDERS, ((0, 1), (2, 0), (-1, -2))),
        *normed(SIGNED[0], MATRIX_ORDERS, (None,)),
        *normed(SCALAR, (None,), (None,)),
        *normed(sample(0, 2, 3), MATRIX_ORDERS, ((1, 2),)),
        *(Call(0.0, (sample(0, 3),), {"ord": order, **EVERYTHING}) for order in (None, "nuc", 1, 2, np.inf)),
        *(Call(np.zeros(2), (sample(2, 0),), {"ord": order, "axis": 1, "keepdims": False})
          for order in (None, 0, 1, 3, np.inf)),
    ],
}  # fmt: skip
