"""Calls of embedding and cosine similarity: repeated indices, each axis, broadcasting, lengths below eps."""

from __future__ import annotations

import numpy as np
from case_builders import COLUMN, CUBE, ROW, X, Y
from derivative_laws import Call, sample

from gradcheck_cli.autodiff.primitive import Array


def cosine(x1: Array, x2: Array, dim: int, eps: float = 1e-8) -> Call:
    left, right = np.broadcast_arrays(x1, x2)
    lengths = [np.maximum(np.linalg.norm(x, axis=dim), eps) for x in (left, right)]
    value = np.sum(left * right, axis=dim) / (lengths[0] * lengths[1])
    return Call(value, (x1, x2), {"dim": dim, "eps": eps})


TABLE = sample(4, 3)
CASES: dict[str, list[Call]] = {
    "embedding": [
        Call(TABLE[indices], (np.array(indices), TABLE)) for indices in ([[0, 3, 3], [1, 0, 0]], [2], 1)
    ]
    + [Call(TABLE[:0], (np.zeros(0, int), TABLE)), Call(np.zeros((2, 0)), (np.array([1, 1]), sample(4, 0)))],
    "cosine_similarity": [
        cosine(X, Y, 1),
        cosine(X, Y, -2),
        cosine(ROW, sample(3, seed=8), 0),
        cosine(CUBE, sample(3, 1, seed=8), 1),
        cosine(COLUMN, ROW, -1, eps=100.0),  # below it, or the slope by COLUMN would be 0
        cosine(X, Y, 1, eps=100.0),
        cosine(X, Y * 10, 0, eps=8.0),
        cosine(X, Y, 1, eps=0),
        cosine(sample(0, 3), ROW, 1),
    ],
}  # fmt: skip
