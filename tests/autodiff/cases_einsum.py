"""Calls of ``einsum``: labels summed over, repeated, stretched, and ``...``."""

from __future__ import annotations

from case_builders import einsum
from derivative_laws import Call

CASES: dict[str, list[Call]] = {
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
        einsum("iii->i", (3, 3, 3)),
        einsum("ijij->ji", (2, 3, 2, 3)),
        einsum("ij,k->i", (2, 3), (4,)),
        einsum("ij,ij,j->", (2, 3), (2, 3), (3,)),
        einsum("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)),
        einsum("bij,bjk->bik", (5, 2, 3), (5, 3, 4)),
        einsum(",i->i", (), (3,)),
        einsum("", ()),
        einsum("b a, a B -> B b", (2, 3), (3, 4)),
        einsum("ij,jk->ik", (0, 3), (3, 4)),
        # Axes of length 1 are stretched.
        einsum("i,i->i", (1,), (3,)),
        einsum("i,i->", (3,), (1,)),
        einsum("ij,jk->ik", (2, 1), (3, 4)),
        einsum("ii,i->i", (1, 1), (3,)),
        einsum("i,i,i->i", (1,), (3,), (1,)),
        # The axes of '...' are aligned at the last and broadcast.
        einsum("...", (2, 3)),
        einsum("...->...", ()),
        einsum("...i->...", (2, 3)),
        einsum("i...->i...", (2, 3, 4)),
        einsum("...i,...i", (2, 3), (2, 3)),
        einsum("...ij,...jk->...ik", (5, 1, 2, 3), (6, 3, 4)),
        einsum("...ij,...jk->ik...", (2, 3), (5, 3, 4)),
        einsum("i...j,j...k", (2, 5, 1, 3), (3, 4, 2)),
        einsum("...i,ij->...j", (2, 5, 3), (3, 4)),
        einsum("...i,...", (2, 3), (2,)),
        einsum("...ii->...i", (2, 3, 3)),
        einsum("...i->i", (3,)),
        einsum("i,j->...ij", (2,), (3,)),
        einsum("...a,...b,...->...", (2, 3), (1, 4), ()),
        einsum("...i,...i->...", (0, 3), (3,)),
    ],
}
