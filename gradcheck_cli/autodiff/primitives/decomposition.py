"""Factorisations of (stacks of) matrices: ``linalg.cholesky``, ``eigh``, ``svd``, ``qr``.

``cholesky``, ``eigh`` and ``eigvalsh`` read one triangle of the matrix and take the other to be its mirror
image. Each is differentiated as what it is, a function of every entry of the array: the triangle that is
not read has the gradient 0, the other one that of both. Its symmetric part is the gradient within the
symmetric matrices that textbooks give.

Formulas as in M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008), unless another source is named.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.autodiff.primitives.inverse import (
    inverse_or_nan,
    matrix_function,
    matrix_shape,
    square_shape,
)
from gradcheck_cli.autodiff.primitives.norms import svd_without_rounding
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape

Triangle = Literal["L", "U", "l", "u"]
_TRIANGLE = "dL/da = s + s.mT in the triangle that is read, s on its diagonal, 0 in the other"


def eigh_shape(a: Shape, UPLO: Triangle = "L", part: int = 0) -> Shape:
    """Shape rule of ``eigh`` and ``eigvalsh``: eigenvalues (part 0), eigenvectors (part 1)."""
    if UPLO.upper() not in {"L", "U"}:
        raise ShapeError(f"UPLO must be 'L' or 'U', for the triangle that is read, not {UPLO!r}")
    return square_shape(a)[: -1 if part == 0 else None]


def svdvals_shape(a: Shape) -> Shape:
    """Shape rule of ``svdvals``."""
    stack, rows, columns = matrix_shape(a)
    return (*stack, min(rows, columns))


def svd_shape(a: Shape, full_matrices: bool = True, compute_uv: bool = True) -> Shape:
    """Shape rule of ``svd`` without singular vectors."""
    if compute_uv:
        raise ShapeError(
            "only singular values are known here: write linalg.svdvals({0}), or compute_uv=False"
        )
    return svdvals_shape(a)


def qr_shape(a: Shape, mode: str = "reduced", part: int = 0) -> Shape:
    """Shape rule of ``qr``: Q (part 0), R (part 1)."""
    if mode != "reduced":
        raise ShapeError(f"mode must be 'reduced', not {mode!r}")
    stack, rows, columns = matrix_shape(a)
    inner = min(rows, columns)
    return (*stack, rows, inner) if part == 0 else (*stack, inner, columns)


def _mirrored(a: Array, *, upper: bool) -> Array:
    """The symmetric matrix that LAPACK sees: the triangle that it reads, and its mirror image."""
    return np.triu(a) + np.triu(a, 1).mT if upper else np.tril(a) + np.tril(a, -1).mT


def _folded(s: Array, *, upper: bool) -> Array:
    """Adjoint of ``_mirrored``: both halves added up in the triangle that is read, 0 in the other."""
    return np.triu(s) + np.triu(s.mT, 1) if upper else np.tril(s) + np.tril(s.mT, -1)


def _halved(a: Array) -> Array:
    """Lower triangle, its diagonal halved: for a symmetric a, what gives a when its transpose is added."""
    return (np.tril(a) + np.tril(a, -1)) / 2


def _cholesky_vjp(g: Array, out: Array, a: Array, upper: bool) -> Array:
    """The gradient by the symmetric matrix is L⁻ᵀ Φ(Lᵀ g) L⁻¹, Φ as in ``_halved``; U is Lᵀ."""
    lower, g = (out.mT, g.mT) if upper else (out, g)
    half = np.linalg.solve(lower.mT, _halved(lower.mT @ g))
    return _folded(np.linalg.solve(lower.mT, half.mT).mT, upper=upper)


def _cholesky_jvp(t: Array, out: Array, a: Array, upper: bool) -> Array:
    """Take dL = L Φ(L⁻¹ ds L⁻ᵀ), where s is the symmetric matrix."""
    lower = out.mT if upper else out
    half = np.linalg.solve(lower, _mirrored(t, upper=upper))
    moved = lower @ _halved(np.linalg.solve(lower, half.mT))
    return moved.mT if upper else moved


def _inverse_gaps(values: Array) -> Array:
    """1 / (λ_j - λ_i), 0 for i = j."""
    itself = np.eye(values.shape[-1], dtype=values.dtype)
    return (1 - itself) / (values[..., None, :] - values[..., :, None] + itself)


def _eigh_vjp(g: Array, out: Array, a: Array, UPLO: Triangle, part: int) -> Array:
    """The gradient by the symmetric matrix is V diag(g) Vᵀ or V ((Vᵀ g) / (λ_j - λ_i)) Vᵀ."""
    values, vectors = np.linalg.eigh(a, UPLO)
    inner = vectors * g[..., None, :] if part == 0 else vectors @ ((vectors.mT @ g) * _inverse_gaps(values))
    return _folded(inner @ vectors.mT, upper=UPLO.upper() == "U")


def _eigh_jvp(t: Array, out: Array, a: Array, UPLO: Triangle, part: int) -> Array:
    """Take dλ = diag(Vᵀ ds V) and dV = V ((Vᵀ ds V) / (λ_j - λ_i)), where s is the symmetric matrix."""
    values, vectors = np.linalg.eigh(a, UPLO)
    turned = vectors.mT @ _mirrored(t, upper=UPLO.upper() == "U") @ vectors
    if part == 0:
        return np.diagonal(turned, axis1=-2, axis2=-1)
    return vectors @ (turned * _inverse_gaps(values))


def _svdvals_vjp(g: Array, out: Array, a: Array, **_full: object) -> Array:
    """Take u diag(g) vᵀ; a singular value that is 0 has a kink there, and the slope 0 is taken."""
    left, values, right = svd_without_rounding(a)
    return (left * (g * np.sign(values))[..., None, :]) @ right


def _svdvals_jvp(t: Array, out: Array, a: Array, **_full: object) -> Array:
    left, values, right = svd_without_rounding(a)
    return np.sign(values) * np.sum(left * (t @ right.mT), axis=-2)


def _qr_vjp(g: Array, out: Array, a: Array, mode: str, part: int) -> Array:
    """(Q tril(m - mᵀ, -1) + (1 - Q Qᵀ) gQ) R⁻ᵀ + Q gR, m = Qᵀ gQ - gR Rᵀ: the adjoint of ``_qr_jvp``."""
    q, r = np.linalg.qr(a)
    size = r.shape[-2]
    g_q, g_r = (g, np.zeros_like(r)) if part == 0 else (np.zeros_like(q), np.triu(g))
    m = q.mT @ g_q - g_r @ r.mT
    turned = q @ np.tril(m - m.mT, -1) + g_q - q @ (q.mT @ g_q)
    leading = turned @ inverse_or_nan(r[..., :size]).mT
    return q @ g_r + np.concatenate([leading, np.zeros_like(a[..., size:])], axis=-1)


def _qr_jvp(t: Array, out: Array, a: Array, mode: str, part: int) -> Array:
    """Take dQ = Q X + (1 - Q Qᵀ) da R⁻¹, dR = Qᵀ da - X R, with the antisymmetric X that keeps R triangular.

    R⁻¹ is that of the leading columns, on which alone Q depends; they must be independent.
    """
    q, r = np.linalg.qr(a)
    size = r.shape[-2]
    moved = t[..., :size] @ inverse_or_nan(r[..., :size])
    below = np.tril(q.mT @ moved, -1)
    turn = below - below.mT
    return q @ turn + moved - q @ (q.mT @ moved) if part == 0 else np.triu(q.mT @ t - turn @ r)


CHOLESKY = matrix_function(
    "linalg.cholesky",
    np.linalg.cholesky,
    _cholesky_vjp,
    _cholesky_jvp,
    f"{_TRIANGLE},  s = linalg.inv(y).mT @ tril(y.mT @ g, its diagonal halved) @ linalg.inv(y),  y lower",
    signature="a, upper=False",
    shapes="(…, N, N) → (…, N, N)",
)
EIGH = matrix_function(
    "linalg.eigh",
    lambda a, UPLO, part: np.linalg.eigh(a, UPLO)[part],
    _eigh_vjp,
    _eigh_jvp,
    f"{_TRIANGLE},  s = v @ (diag(dw) + (v.mT @ dv) / (w[j] - w[i])) @ v.mT,  the quotient 0 for i = j",
    signature="a, UPLO='L'",
    shapes="(…, N, N) → (…, N), (…, N, N)",
    shape=eigh_shape,
    parts=lambda a, UPLO: ("eigenvalues", "eigenvectors"),
)
EIGVALSH = matrix_function(
    "linalg.eigvalsh",
    np.linalg.eigvalsh,
    lambda g, out, a, UPLO: _eigh_vjp(g, out, a, UPLO, part=0),
    lambda t, out, a, UPLO: _eigh_jvp(t, out, a, UPLO, part=0),
    f"{_TRIANGLE},  s = (v * g[..., None, :]) @ v.mT,  v the eigenvectors",
    signature="a, UPLO='L'",
    shapes="(…, N, N) → (…, N)",
    shape=eigh_shape,
)
SVDVALS = matrix_function(
    "linalg.svdvals",
    np.linalg.svdvals,
    _svdvals_vjp,
    _svdvals_jvp,
    "dL/da = (u * g[..., None, :]) @ vh,  0 for singular values that are 0",
    shapes="(…, N, M) → (…, min(N, M))",
    shape=svdvals_shape,
)
SVD = matrix_function(
    "linalg.svd",
    np.linalg.svd,
    _svdvals_vjp,
    _svdvals_jvp,
    "dL/da = (u * g[..., None, :]) @ vh,  0 for singular values that are 0",
    signature="a, full_matrices=True, compute_uv=True",
    shapes="(…, N, M) → (…, min(N, M)), only with compute_uv=False, which is not the default",
    shape=svd_shape,
)
QR = matrix_function(
    "linalg.qr",
    lambda a, mode, part: np.linalg.qr(a, mode)[part],
    _qr_vjp,
    _qr_jvp,
    "dL/da = q @ dr, plus in the first K columns (q @ tril(m - m.mT, -1) + dq - q @ q.mT @ dq) "
    "@ linalg.inv(s).mT,  s = r[..., :K],  m = q.mT @ dq - dr @ r.mT,  dr cut to its upper triangle",
    signature="a, mode='reduced'",
    shapes="(…, N, M) → (…, N, K), (…, K, M),  K = min(N, M)",
    shape=qr_shape,
    parts=lambda a, mode: ("Q", "R"),
)

TABLE = (CHOLESKY, EIGH, EIGVALSH, SVDVALS, SVD, QR)
