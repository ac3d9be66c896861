"""Products, inverses and other matrix functions with a wrong backward."""

from __future__ import annotations

import numpy as np

from judgement_cases.case import Case


def linear(x, w, b):
    return x @ w + b


def linear_weight_transposed(dy, x, w, b):
    return dy @ w.T, dy.T @ x, dy.sum(axis=0)


def linear_untransposed(dy, x, w, b):
    return dy @ w, x.T @ dy, dy.sum(axis=0)


def linear_bias_mean(dy, x, w, b):
    return dy @ w.T, x.T @ dy, dy.mean(axis=0)


def linear_bias_zero(dy, x, w, b):
    return dy @ w.T, x.T @ dy, np.zeros_like(b)


def linear_bias_kept_axis(dy, x, w, b):
    return dy @ w.T, x.T @ dy, dy.sum(axis=0, keepdims=True)


def linear_per_example(dy, x, w, b):
    return dy @ w.T, x[:, :, None] * dy[:, None, :], dy.sum(axis=0)


def linear_in_the_cotangent(dy, x, w, b):
    dw, db = x.T @ dy, dy.sum(axis=0)
    np.matmul(dy.copy(), w.T, out=dy)  # dx, in the cotangent's memory
    return dy, dw, db


def linear_accumulating(x, w, b):
    return x @ w + b, (x, w)


def linear_never_cleared(dy, cache):
    x, w = cache
    total = TOTALS.setdefault(w.shape, np.zeros_like(w))
    total += x.T @ dy  # nobody sets it back to zero
    return dy @ w.T, total.copy(), dy.sum(axis=0)


TOTALS = {}


def bilinear(x, a, y):
    return np.einsum("ni,ij,nj->n", x, a, y)


def bilinear_swapped(dy, x, a, y):
    return dy[:, None] * (x @ a), np.einsum("n,ni,nj->ij", dy, x, y), dy[:, None] * (y @ a.T)


def quadratic(x, a):
    return x @ a @ x


def quadratic_one_term(dy, x, a):
    return dy * (a @ x), dy * np.outer(x, x)


def quadratic_as_symmetric(dy, x, a):
    return dy * 2 * (a @ x), dy * np.outer(x, x)


def inverse_plus(dy, x):
    y = np.linalg.inv(x)
    return y.T @ dy @ y.T


def inverse_untransposed(dy, x):
    y = np.linalg.inv(x)
    return -y @ dy @ y


def solve_untransposed(dy, a, b):
    db = np.linalg.solve(a, dy)
    return -np.outer(db, np.linalg.solve(a, b)), db


def determinant_cofactors(dy, x):
    return dy * np.linalg.det(x) * np.linalg.inv(x)


def trace_of_product(a, b):
    return np.trace(a @ b)


def trace_untransposed(dy, a, b):
    return dy * b, dy * a


def outer_swapped(dy, u, v):
    return u @ dy, dy @ v


def batched_product(x, y):
    return np.einsum("bij,bjk->bik", x, y)


def batched_product_permuted(dy, x, y):
    return np.einsum("bik,bjk->bij", dy, y), np.einsum("bij,bik->kbj", x, dy)


def cube(x):
    return x @ x @ x


def cube_two_terms(dy, x):
    return dy @ (x @ x).T + x.T @ dy @ x.T


def cumulative_sum(x):
    return np.cumsum(x, axis=1)


def cumulative_sum_forwards(dy, x):
    return np.cumsum(dy, axis=1)


def cholesky_whole_diagonal(dy, x):
    factor = np.linalg.cholesky(x)
    inverse = np.linalg.inv(factor)
    inner = inverse.T @ np.tril(factor.T @ dy) @ inverse  # the diagonal is to be halved
    return (inner + inner.T) / 2


def frobenius(x):
    return np.sqrt(np.sum(x**2))


def frobenius_not_divided(dy, x):
    return dy * x


def circular_convolution(x, kernel):
    return np.fft.ifft(np.fft.fft(x) * np.fft.fft(kernel)).real


def circular_complex(dy, x, kernel):
    spectrum = np.fft.fft(dy)
    return tuple(np.fft.ifft(spectrum * np.conj(np.fft.fft(one))) for one in (kernel, x))  # not .real


def energy(x):
    return 0.5 * np.sum(x**2)


def energy_one_entry_percent(dy, x):
    dx = dy * x
    dx[37, 61] *= 1.01
    return dx


def product_one_entry_thousandth(dy, x, w):
    dw = x.T @ dy
    dw[24, 39] *= 1.001
    return dy @ w.T, dw


SQUARE = {"x": [3, 3]}
LINEAR = {"x": [3, 4], "w": [4, 2], "b": [2]}
SQUARE_LINEAR = {"x": [3, 4], "w": [4, 4], "b": [4]}
LARGE = {"x": [1, 25], "w": [25, 40]}
VECTORS = {"u": [4], "v": [4]}


def case(name, code, forward, backward, inputs, **more):
    return Case(
        name=name, area="linear algebra", code=code, inputs=inputs, forward=forward, backward=backward, **more
    )


CASES = (
    case("linear, weight transposed", "transposed", linear, linear_weight_transposed, SQUARE_LINEAR),
    case("linear, w for its transpose", "transposed", linear, linear_untransposed, SQUARE_LINEAR),
    case("linear, bias averaged", "scaled", linear, linear_bias_mean, LINEAR),
    case("linear, bias zero", "zero", linear, linear_bias_zero, LINEAR),
    case("linear, bias with an axis too many", "wrong-shape", linear, linear_bias_kept_axis, LINEAR),
    case("linear, weight per example", "not-summed", linear, linear_per_example, LINEAR),
    case("linear, reuses the cotangent", "mutates-cotangent", linear, linear_in_the_cotangent, SQUARE_LINEAR),
    case(
        "linear, never clears",
        "stale-state",
        linear_accumulating,
        linear_never_cleared,
        LINEAR,
        style="cache",
    ),
    case(
        "bilinear, sides swapped",
        "swapped-inputs",
        bilinear,
        bilinear_swapped,
        {"x": [2, 3], "a": [3, 3], "z": [2, 3]},
    ),
    case(
        "quadratic, one of two terms", "missing-term", quadratic, quadratic_one_term, {"x": [4], "a": [4, 4]}
    ),
    case(
        "quadratic, as if symmetric",
        "missing-term",
        quadratic,
        quadratic_as_symmetric,
        {"x": [4], "a": [4, 4]},
    ),
    case("inverse, minus forgotten", "sign-flipped", np.linalg.inv, inverse_plus, SQUARE),
    case("inverse, transposes forgotten", "transposed", np.linalg.inv, inverse_untransposed, SQUARE),
    case(
        "solve, transpose forgotten",
        "transposed",
        np.linalg.solve,
        solve_untransposed,
        {"a": [3, 3], "b": [3]},
    ),
    case("determinant, transpose forgotten", "transposed", np.linalg.det, determinant_cofactors, SQUARE),
    case(
        "trace of a product, transposed",
        "transposed",
        trace_of_product,
        trace_untransposed,
        {"a": [3, 3], "b": [3, 3]},
    ),
    case("outer product, swapped", "swapped-inputs", np.outer, outer_swapped, VECTORS),
    case(
        "batched product, axes permuted",
        "permuted",
        batched_product,
        batched_product_permuted,
        {"x": [3, 3, 3], "z": [3, 3, 3]},
    ),
    case("matrix cube, two of three terms", "missing-term", cube, cube_two_terms, SQUARE),
    case(
        "cumulative sum, not reversed", "transposed", cumulative_sum, cumulative_sum_forwards, {"x": [2, 4]}
    ),
    case(
        "cholesky, diagonal not halved",
        "unknown",
        np.linalg.cholesky,
        cholesky_whole_diagonal,
        {"x": {"shape": [3, 3], "sample": "spd"}},
    ),
    case("norm, not divided", "scaled", frobenius, frobenius_not_divided, {"x": [3, 4]}),
    case(
        "circular convolution, complex",
        "wrong-dtype",
        circular_convolution,
        circular_complex,
        {"x": [5], "kernel": [5]},
    ),
    case(
        "energy, one of 10000 off by 1e-2",
        "single-entry",
        energy,
        energy_one_entry_percent,
        {"x": {"shape": [100, 100], "sample": "positive"}},
    ),
    case("product, one of 40000 off by 1e-3", "single-entry", np.matmul, product_one_entry_thousandth, LARGE),
)
