"""Calls of products: shapes that are not square, broadcasting, each axis and keyword."""

from __future__ import annotations

import numpy as np
from case_builders import product, tensordot
from derivative_laws import Call

CASES: dict[str, list[Call]] = {
    "matmul": product(
        np.matmul,
        ((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((3,), (3,)), ((5, 2, 3), (3, 4)),
        ((5, 2, 3), (5, 3, 4)), ((5, 1, 2, 3), (6, 3, 4)), ((3,), (5, 3, 4)), ((5, 2, 3), (3,)),
        ((0, 3), (3, 4)), ((2, 0), (0, 4)),
    ),
    "dot": product(
        np.dot,
        ((2, 3), (3, 4)), ((3,), (3, 4)), ((2, 3), (3,)), ((3,), (3,)), ((), (2, 3)), ((2, 3), ()),
        ((2, 4, 3), (5, 3, 6)), ((0, 3), (3, 4)),
    ),
    "inner": product(
        np.inner,
        ((2, 3), (4, 3)), ((3,), (4, 3)), ((2, 3), (3,)), ((3,), (3,)), ((), (2, 3)), ((2, 3), ()), ((), ()),
        ((2, 4, 3), (5, 3)), ((0, 3), (2, 3)), ((2, 0), (4, 0)),
    ),
    "vdot": product(
        np.vdot,
        ((3,), (3,)), ((2, 3), (2, 3)), ((2, 3), (3, 2)), ((6,), (2, 3)), ((), (1, 1)), ((0, 3), (0,)),
    ),
    "outer": product(np.outer, ((2,), (3,)), ((2, 3), (4,)), ((), (3,)), ((2,), (0,))),
    "tensordot": tensordot(),
    "kron": product(
        np.kron,
        ((2, 3), (4, 2)), ((3,), (2,)), ((2,), (3, 2)), ((2, 3, 1), (2,)), ((), (2, 3)), ((2, 3), ()),
        ((), ()), ((0, 3), (2, 2)), ((2,), (3, 0)),
    ),
    "cross": [
        *product(
            np.cross,
            ((3,), (3,)), ((2, 3), (2, 3)), ((2, 3), (3,)), ((4, 1, 3), (2, 3)), ((0, 3), (3,)),
            axis=-1,
        ),
        *product(np.cross, ((3, 2), (3, 2)), ((3, 2), (3,)), ((3,), (3, 5, 1)), axis=0),
        *product(np.cross, ((2, 3, 4), (3, 1)), ((3, 4), (5, 3, 4)), axis=-2),
    ],
}  # fmt: skip
