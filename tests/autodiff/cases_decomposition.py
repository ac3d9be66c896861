"""Calls of factorisations, of matrices and of stacks of them."""

from __future__ import annotations

import numpy as np
from cases_inverse import of_matrices, regular
from derivative_laws import Call, sample

from gradcheck_cli.autodiff.primitive import Array


def definite(*shape: int) -> Array:
    """Positive definite matrices with distinct eigenvalues, whichever of the two triangles is read."""
    size = shape[-1]
    return 0.3 * sample(*shape) + 2 * np.diag(np.arange(1, size + 1.0))


DEFINITE = (definite(3, 3), definite(2, 4, 4), definite(1, 1), sample(0, 2, 2), sample(0, 0))
MATRICES = (
    sample(2, 3),
    sample(4, 2),
    sample(2, 3, 2),
    regular(3, 3),
    sample(1, 1),
    sample(0, 3),
    sample(3, 0, 2),
)

CASES: dict[str, list[Call]] = {
    "linalg.cholesky": [
        call for upper in (False, True) for call in of_matrices(np.linalg.cholesky, *DEFINITE, upper=upper)
    ],
    "linalg.eigh": [
        Call(np.linalg.eigh(a, UPLO)[part], (a,), {"UPLO": UPLO, "part": part})
        for a in DEFINITE
        for UPLO in ("L", "U", "l", "u")
        for part in (0, 1)
    ],
    "linalg.eigvalsh": [
        call for UPLO in ("L", "U") for call in of_matrices(np.linalg.eigvalsh, *DEFINITE, UPLO=UPLO)
    ],
    "linalg.svdvals": of_matrices(np.linalg.svdvals, *MATRICES),
    "linalg.svd": [
        call
        for full in (True, False)
        for call in of_matrices(np.linalg.svd, *MATRICES, full_matrices=full, compute_uv=False)
    ],
    "linalg.qr": [
        Call(np.linalg.qr(a)[part], (a,), {"mode": "reduced", "part": part})
        for a in MATRICES
        for part in (0, 1)
    ],
}
