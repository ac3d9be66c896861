"""Calls of inverses, solutions, determinants and powers, of matrices and of stacks of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from derivative_laws import Call, sample

from gradcheck_cli.autodiff.primitive import Array


def regular(*shape: int) -> Array:
    """Matrices that are well away from singular ones and from symmetric ones."""
    return sample(*shape) + 3 * np.eye(*shape[-2:])


SQUARE = (regular(3, 3), regular(1, 1), regular(2, 3, 3), sample(0, 2, 2), sample(2, 0, 0))
# The cofactors of the first and the last are not all 0, though no inverse exists.
SINGULAR = (
    np.array([[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]),
    np.outer([1.0, 2, 3], [1.0, 0, -1]),
    np.zeros((2, 2)),
    np.zeros((1, 1)),
)


def of_matrices(numpy: Any, *matrices: Array, **static: Any) -> list[Call]:
    return [Call(numpy(a, **static), (a,), static) for a in matrices]


def solutions() -> list[Call]:
    pairs = [
        (regular(3, 3), sample(3)),
        (regular(3, 3), sample(3, 2)),
        (regular(2, 3, 3), sample(3)),
        (regular(2, 3, 3), sample(3, 4)),
        (regular(3, 3), sample(2, 3, 4)),
        (regular(5, 1, 2, 2), sample(4, 2, 3)),
        (sample(0, 0), sample(0)),
        (sample(0, 2, 2), sample(2, 3)),
    ]
    return [Call(np.linalg.solve(a, b), (a, b)) for a, b in pairs]


CASES: dict[str, list[Call]] = {
    "linalg.inv": of_matrices(np.linalg.inv, *SQUARE),
    "linalg.pinv": of_matrices(np.linalg.pinv, *SQUARE, sample(4, 2), sample(2, 5, 2, 4), sample(3, 0)),
    "linalg.solve": solutions(),
    "linalg.det": of_matrices(np.linalg.det, *SQUARE, *SINGULAR, sample(5, 5)),
    "linalg.slogdet": [
        Call(np.linalg.slogdet(a)[part], (a,), {"part": part})
        for a in (*SQUARE, sample(5, 5))
        for part in (0, 1)
    ],
    "linalg.matrix_power": [
        call for n in (0, 1, 2, 3, 6, -1, -3) for call in of_matrices(np.linalg.matrix_power, *SQUARE, n=n)
    ],
}
