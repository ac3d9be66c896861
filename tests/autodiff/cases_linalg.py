"""Calls of products and diagonals: shapes that are not square, broadcasting, each axis and keyword."""

from __future__ import annotations

import numpy as np
from case_builders import LONG, ROW, X, einsum, product, tensordot
from derivative_laws import Call, sample

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
    "outer": product(np.outer, ((2,), (3,)), ((2, 3), (4,)), ((), (3,)), ((2,), (0,))),
    "tensordot": tensordot(),
    "einsum": [
        einsum("ij,jk->ik", (2, 3), (3, 4)),
        einsum("ij,jk", (2, 3), (3, 4)),
        einsum("ij->ji", (2, 3)),
        einsum("ij->j", (2, 3)),
        einsum("ij->", (2, 3)),
        einsum("ii->i", (3, 3)),
        einsum("ii", (3, 3)),
        einsum("iji->j", (3, 2, 3)),
        einsum("iij,j->i", (2, 2, 3), (3,)),
        einsum("iii", (3, 3, 3)),
        einsum("ij,k->i", (2, 3), (4,)),
        einsum("ij,ij,j->", (2, 3), (2, 3), (3,)),
        einsum("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)),
        einsum("bij,bjk->bik", (5, 2, 3), (5, 3, 4)),
        einsum(",i->i", (), (3,)),
        einsum("b a, a B -> B b", (2, 3), (3, 4)),
        einsum("ij,jk->ik", (0, 3), (3, 4)),
    ],
    "diag": [
        Call(np.diag(x, k), (x,), {"k": k})
        for x in (ROW, X, X.T, sample(3, 3), sample(0))
        for k in (0, 1, -1, 2, -2, 7)
        if x.ndim == 1 or k != 7
    ],
    "trace": [Call(np.trace(x), (x,)) for x in (X, LONG.T, sample(3, 3), sample(0, 3), sample(2, 2) > 0)],
}  # fmt: skip
