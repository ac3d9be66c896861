"""Inverses, solutions, determinants and powers of (stacks of) matrices: ``linalg.*``.

Where a derivative does not exist it is nan, not an error: what has a value may be asked about.

Formulas as in M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008), unless another source is named.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import HOLOMORPHIC, Array, Primitive, Rule, promoted
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape, broadcast_shapes, unbroadcast


def lapack(*kinds: Any) -> np.dtype[Any]:
    """Result type of a factorisation: LAPACK has none in half precision."""
    dtype = promoted(*kinds)
    if dtype == np.float16:
        raise ShapeError("NumPy's linalg works in float64 and float32, not in float16")
    return dtype


def matrix_function(
    name: str, forward: Callable[..., Any], vjp: Rule, jvp: Rule, formula: str, **options: Any
) -> Primitive:
    """Build the row of a function of one matrix, or of each of a stack."""
    return Primitive(
        name=name,
        formula=formula,
        forward=forward,
        vjps=(vjp,),
        jvps=(jvp,),
        dtype=lapack,
        casts=True,
        inexact=True,
        **{"signature": "a", "shape": square_shape, **options},
    )


def matrix_shape(a: Shape) -> tuple[Shape, int, int]:
    """Leading axes, rows and columns of matrices."""
    if len(a) < 2:
        raise ShapeError("{0} must be a matrix or a stack of matrices")
    return a[:-2], a[-2], a[-1]


def square_shape(a: Shape, **_other: object) -> Shape:
    """Shape rule of what maps square matrices to matrices as large."""
    _, rows, columns = matrix_shape(a)
    if rows != columns:
        raise ShapeError(f"{{0}} must be square, its matrices are {int(rows)} by {int(columns)}")
    return a


def number_shape(a: Shape, **_other: object) -> Shape:
    """Shape rule of what maps a square matrix to a number."""
    return square_shape(a)[:-2]


def pinv_shape(a: Shape) -> Shape:
    """Shape rule of ``pinv``."""
    stack, rows, columns = matrix_shape(a)
    return (*stack, columns, rows)


def solve_shape(a: Shape, b: Shape) -> Shape:
    """Shape rule of ``solve``: b is a vector if it has one axis, else a stack of matrices (as of NumPy 2)."""
    size = square_shape(a)[-1]
    if not b:
        raise ShapeError("{1} must be a vector or a matrix")
    rows = b[0] if len(b) == 1 else b[-2]
    if rows != size:
        hint = "; write {1}[..., None] for a stack of vectors" if b[-1] == size else ""
        raise ShapeError(f"{{0}} has {int(size)} rows, {{1}} has {int(rows)}{hint}")
    return a[:-1] if len(b) == 1 else (*broadcast_shapes(a[:-2], b[:-2]), size, b[-1])


def _per_matrix(g: Array) -> Array:
    return np.expand_dims(g, (-2, -1))


def inverse_or_nan(a: Array) -> Array:
    """a⁻¹, nan for a singular matrix."""
    regular = _per_matrix(np.isfinite(np.linalg.slogdet(a).logabsdet))
    return np.where(regular, np.linalg.inv(np.where(regular, a, np.eye(a.shape[-1], dtype=a.dtype))), np.nan)


def cofactors(a: Array) -> Array:
    """∂det/∂a, of singular matrices too.

    For a = U diag(s) Vᴴ it is det(U) det(Vᴴ) conj(U diag(Π_{j≠i} s_j) Vᴴ): nothing is divided by.
    """
    finite = np.all(np.isfinite(a), axis=(-2, -1), keepdims=True)
    left, values, right = np.linalg.svd(np.where(finite, a, 0))  # which would not converge on nan
    sign = np.sign(np.linalg.det(left) * np.linalg.det(right))
    itself = np.eye(a.shape[-1], dtype=bool)
    others = np.prod(np.where(itself, 1, values[..., None, :]), axis=-1)
    return np.where(finite, _per_matrix(sign) * np.conj((left * others[..., None, :]) @ right), np.nan)


def _slogdet_vjp(g: Array, out: Array, a: Array, part: int) -> Array:
    return np.zeros_like(a) if part == 0 else _per_matrix(g) * inverse_or_nan(a).mT


def _slogdet_jvp(t: Array, out: Array, a: Array, part: int) -> Array:
    return np.zeros_like(out) if part == 0 else np.sum(inverse_or_nan(a).mT * t, axis=(-2, -1))


def _columns(b: Array, like: Array) -> Array:
    """View the vectors that ``solve`` takes and gives as columns."""
    return b[..., None] if like.ndim == 1 else b


def _solve_vjp_b(g: Array, a: Array, b: Array) -> Array:
    """a⁻ᵀ g, before the sum over stacks; elimination in aᵀ might break down where that in a did not."""
    return np.linalg.inv(a).mT @ _columns(g, b)


def _solve_jvp_a(t: Array, out: Array, a: Array, b: Array) -> Array:
    return np.reshape(-np.linalg.solve(a, t @ _columns(out, b)), out.shape)


def _pinv_slope(p: Array, a: Array, t: Array) -> Array:
    """Derivative of p = pinv(a) along t: -p t p + p pᵀ tᵀ (1 - a p) + (1 - p a) tᵀ pᵀ p.

    It holds along all t that keep the rank, and pinv is not continuous along others. Source: G. Golub and
    V. Pereyra, "The differentiation of pseudo-inverses and nonlinear least squares problems" (1973).
    """
    left, right = (np.eye(one.shape[-1], dtype=a.dtype) - one for one in (a @ p, p @ a))
    return -p @ t @ p + p @ p.mT @ t.mT @ left + right @ t.mT @ p.mT @ p


def _power_slope(a: Array, t: Array, n: int) -> Array:
    """Derivative of aⁿ along t, n ≥ 0: the upper right block of [[a, t], [0, a]]ⁿ.

    Source: R. Mathias, "A chain rule for matrix functions and applications" (1996).
    """
    size = a.shape[-1]
    return np.linalg.matrix_power(np.block([[a, t], [np.zeros_like(a), a]]), n)[..., :size, size:]


def _power_vjp(g: Array, out: Array, a: Array, n: int) -> Array:
    if n >= 0:
        return _power_slope(a.mT, g, n)
    inverse = np.linalg.inv(a)
    return -inverse.mT @ _power_slope(inverse.mT, g, -n) @ inverse.mT


def _power_jvp(t: Array, out: Array, a: Array, n: int) -> Array:
    if n >= 0:
        return _power_slope(a, t, n)
    inverse = np.linalg.inv(a)
    return _power_slope(inverse, -inverse @ t @ inverse, -n)


INV = matrix_function(
    "linalg.inv",
    np.linalg.inv,
    lambda g, out, a: -out.mT @ g @ out.mT,
    lambda t, out, a: -out @ t @ out,
    "dL/da = -y.mT @ g @ y.mT,  y = linalg.inv(a)",
    shapes="(…, N, N) → (…, N, N)",
    on_complex=HOLOMORPHIC,
)
PINV = matrix_function(
    "linalg.pinv",
    np.linalg.pinv,
    # The derivative along t and its adjoint have one form, all matrices transposed.
    lambda g, out, a: _pinv_slope(out.mT, a.mT, g),
    lambda t, out, a: _pinv_slope(out, a, t),
    "dL/da = -p.mT @ g @ p.mT + (eye(N) - a @ p) @ g.mT @ p @ p.mT + p.mT @ p @ g.mT @ (eye(M) - p @ a),  "
    "p = linalg.pinv(a)",
    shapes="(…, N, M) → (…, M, N)",
    shape=pinv_shape,
)
SOLVE = Primitive(
    name="linalg.solve",
    formula="dL/db = linalg.solve(a.mT, g),  dL/da = -linalg.solve(a.mT, g) @ x.mT,  x = linalg.solve(a, b)",
    signature="a, b",
    shapes="(…, N, N), (…, N, M) → (…, N, M) or (…, N, N), (N,) → (…, N)",
    shape=solve_shape,
    forward=np.linalg.solve,
    vjps=(
        lambda g, out, a, b: -unbroadcast(_solve_vjp_b(g, a, b) @ _columns(out, b).mT, a.shape),
        lambda g, out, a, b: np.reshape(unbroadcast(_solve_vjp_b(g, a, b), _columns(b, b).shape), b.shape),
    ),
    jvps=(_solve_jvp_a, lambda t, out, a, b: np.linalg.solve(a, t)),
    dtype=lapack,
    casts=True,
    inexact=True,
    on_complex=HOLOMORPHIC,
)
DET = matrix_function(
    "linalg.det",
    np.linalg.det,
    lambda g, out, a: _per_matrix(g) * cofactors(a),
    lambda t, out, a: np.sum(cofactors(a) * t, axis=(-2, -1)),
    "dL/da = g * cofactors of a, which are det(a) * linalg.inv(a).mT where a is invertible",
    shapes="(…, N, N) → (…)",
    shape=number_shape,
    on_complex=HOLOMORPHIC,
)
SLOGDET = matrix_function(
    "linalg.slogdet",
    lambda a, part: np.linalg.slogdet(a)[part],
    _slogdet_vjp,
    _slogdet_jvp,
    "dL/da = g[..., None, None] * linalg.inv(a).mT for logabsdet, 0 for sign",
    shapes="(…, N, N) → (…), (…)",
    shape=number_shape,
    parts=lambda a: ("sign", "logabsdet"),
)
MATRIX_POWER = matrix_function(
    "linalg.matrix_power",
    np.linalg.matrix_power,
    _power_vjp,
    _power_jvp,
    "dL/da = sum of p(i) @ g @ p(n - 1 - i) over i < n,  p(i) = linalg.matrix_power(a.mT, i),  "
    "for n < 0 by way of linalg.matrix_power(linalg.inv(a), -n)",
    signature="a, n",
    operands=("a",),
    shapes="(…, N, N) → (…, N, N)",
    on_complex=HOLOMORPHIC,
)

TABLE = (INV, PINV, SOLVE, DET, SLOGDET, MATRIX_POWER)
