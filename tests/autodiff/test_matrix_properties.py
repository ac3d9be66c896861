"""Functions of matrices: NumPy's values, exact derivatives at every rank, torch's gradients."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from derivative_laws import sample
from hypothesis import given, settings
from hypothesis import strategies as st
from linalg_checks import SIZES, broadcastable, check_call, check_like_torch

from gradcheck_cli.autodiff.primitive import Array, Primitive
from gradcheck_cli.autodiff.primitives import PRIMITIVES

SEEDS = st.integers(0, 999)
STACKS = st.sampled_from([(), (), (2,), (0,), (2, 1)])


def distinct(*shape: int, seed: int = 0) -> Array:
    """Matrices with the singular values 1, 2, … and random singular vectors."""
    rng, inner = np.random.default_rng(seed), min(shape[-2:])
    left, right = (np.linalg.qr(rng.normal(size=(*shape[:-2], size, inner))).Q for size in shape[-2:])
    return left * np.arange(1.0, inner + 1) @ right.mT


def definite(*shape: int, seed: int = 0) -> Array:
    """Symmetric matrices with the eigenvalues 1, 2, …."""
    vectors = np.linalg.qr(np.random.default_rng(seed).normal(size=shape)).Q
    matrix = vectors * np.arange(1.0, shape[-1] + 1) @ vectors.mT
    return (matrix + matrix.mT) / 2


def with_noise_in(triangle: Any, matrix: Array) -> Array:
    """Something else in the triangle that is not read."""
    return matrix + triangle(sample(*matrix.shape), 1 if triangle is np.triu else -1)


def steady(name: str, a: Array, axis: int, **static: Any) -> Primitive:
    """The same primitive with the signs of its vectors fixed as they are at a: LAPACK's may jump nearby."""
    forward = PRIMITIVES[name].forward
    here = forward(a, **static)

    def aligned(moved: Array, **same: Any) -> Array:
        out = forward(moved, **same)
        return out * np.sign(np.sum(out * here, axis=axis, keepdims=True)).astype(out.dtype)

    return replace(PRIMITIVES[name], forward=aligned)


@settings(max_examples=60, deadline=None)
@given(STACKS, SIZES, st.integers(-3, 5), SEEDS)
def test_square_matrices(stack, size, n, seed):
    a = distinct(*stack, size, size, seed=seed)
    for name in ("inv", "det", "pinv"):
        check_call(PRIMITIVES[f"linalg.{name}"], getattr(np.linalg, name), a)
    check_call(PRIMITIVES["linalg.matrix_power"], np.linalg.matrix_power, a / 2, n=n)
    for part in (0, 1):
        check_call(PRIMITIVES["linalg.slogdet"], np.linalg.slogdet, a, part=part)


@settings(max_examples=60, deadline=None)
@given(st.data(), SIZES, SIZES, SEEDS)
def test_solve(data, size, columns, seed):
    left, right = broadcastable(data.draw)
    b = sample(*right, size, columns) if data.draw(st.booleans()) else sample(size)
    check_call(PRIMITIVES["linalg.solve"], np.linalg.solve, distinct(*left, size, size, seed=seed), b)


@settings(max_examples=60, deadline=None)
@given(STACKS, SIZES, SIZES, st.booleans(), SEEDS)
def test_matrices(stack, rows, columns, full, seed):
    a = distinct(*stack, rows, columns, seed=seed)
    check_call(PRIMITIVES["linalg.pinv"], np.linalg.pinv, a)
    check_call(PRIMITIVES["linalg.svdvals"], np.linalg.svdvals, a)
    check_call(PRIMITIVES["linalg.svd"], np.linalg.svd, a, full_matrices=full, compute_uv=False)
    for part, axis in ((0, -2), (1, -1)):
        static = {"mode": "reduced", "part": part}
        check_call(steady("linalg.qr", a, axis, **static), np.linalg.qr, a, **static)


@settings(max_examples=40, deadline=None)
@given(STACKS, SIZES, st.booleans(), SEEDS)
def test_symmetric_matrices(stack, size, upper, seed):
    a = with_noise_in(np.tril if upper else np.triu, definite(*stack, size, size, seed=seed))
    UPLO = "U" if upper else "L"
    check_call(PRIMITIVES["linalg.cholesky"], np.linalg.cholesky, a, upper=upper)
    check_call(PRIMITIVES["linalg.eigvalsh"], np.linalg.eigvalsh, a, UPLO=UPLO)
    check_call(PRIMITIVES["linalg.eigh"], np.linalg.eigh, a, UPLO=UPLO, part=0)
    static = {"UPLO": UPLO, "part": 1}
    check_call(steady("linalg.eigh", a, -2, **static), np.linalg.eigh, a, **static)


TORCH_SQUARE = (
    ("inv", {}, lambda torch, a: torch.linalg.inv(a)),
    ("det", {}, lambda torch, a: torch.linalg.det(a)),
    ("slogdet", {"part": 0}, lambda torch, a: torch.linalg.slogdet(a).sign),
    ("slogdet", {"part": 1}, lambda torch, a: torch.linalg.slogdet(a).logabsdet),
    ("matrix_power", {"n": -2}, lambda torch, a: torch.linalg.matrix_power(a, -2)),
    ("matrix_power", {"n": 0}, lambda torch, a: torch.linalg.matrix_power(a, 0)),
    ("matrix_power", {"n": 3}, lambda torch, a: torch.linalg.matrix_power(a, 3)),
)
TORCH_ANY = (
    ("pinv", {}, lambda torch, a: torch.linalg.pinv(a)),
    ("svdvals", {}, lambda torch, a: torch.linalg.svdvals(a)),
    ("qr", {"mode": "reduced", "part": 0}, lambda torch, a: torch.linalg.qr(a).Q),
    ("qr", {"mode": "reduced", "part": 1}, lambda torch, a: torch.linalg.qr(a).R),
)


@pytest.mark.torch
@settings(max_examples=30, deadline=None)
@given(STACKS, st.integers(1, 4), st.integers(1, 4), SEEDS)
def test_functions_of_matrices_are_like_torch(stack, rows, columns, seed):
    square, any_shape = (distinct(*stack, rows, one, seed=seed) for one in (rows, columns))
    for name, static, function in TORCH_SQUARE:
        check_like_torch(PRIMITIVES[f"linalg.{name}"], function, square, **static)
    for name, static, function in TORCH_ANY:
        check_like_torch(PRIMITIVES[f"linalg.{name}"], function, any_shape, **static)
    b = sample(*stack, rows, columns)
    check_like_torch(PRIMITIVES["linalg.solve"], lambda torch, a, b: torch.linalg.solve(a, b), square, b)


def symmetrised(name: str) -> Primitive:
    """The same primitive with the symmetric part of its gradient, which is torch's convention."""
    vjp = PRIMITIVES[name].vjps[0]

    def rule(*operands: Any, **static: Any) -> Array:
        gradient = vjp(*operands, **static)
        return (gradient + gradient.mT) / 2

    return replace(PRIMITIVES[name], vjps=(rule,))


@pytest.mark.torch
@settings(max_examples=30, deadline=None)
@given(STACKS, st.integers(1, 4), st.booleans(), SEEDS)
def test_functions_of_symmetric_matrices_are_like_torch(stack, size, upper, seed):
    a, UPLO = definite(*stack, size, size, seed=seed), "U" if upper else "L"
    check_like_torch(
        symmetrised("linalg.cholesky"), lambda torch, a: torch.linalg.cholesky(a, upper=upper), a, upper=upper
    )
    check_like_torch(
        symmetrised("linalg.eigvalsh"), lambda torch, a: torch.linalg.eigvalsh(a, UPLO=UPLO), a, UPLO=UPLO
    )
    # The sign of an eigenvector is arbitrary: torch differentiates NumPy's own choice.
    vectors = np.linalg.eigh(a, UPLO).eigenvectors

    def same_signs(torch: Any, a: Any) -> Any:
        own = torch.linalg.eigh(a, UPLO=UPLO).eigenvectors
        return own * torch.tensor(np.sign(np.sum(own.detach().numpy() * vectors, axis=-2, keepdims=True)))

    check_like_torch(symmetrised("linalg.eigh"), same_signs, a, UPLO=UPLO, part=1)


def minors(a: Array) -> Array:
    """Cofactors by definition: signed determinants of what is left without a row and a column."""
    size = len(a)
    result = np.zeros_like(a)
    for row, column in itertools.product(range(size), repeat=2):
        rest = np.delete(np.delete(a, row, axis=0), column, axis=1)
        result[row, column] = (-1) ** (row + column) * np.linalg.det(rest)
    return result


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 4), st.integers(0, 3), SEEDS)
def test_the_gradient_of_det_is_the_cofactor_matrix_at_any_rank(size, rank, seed):
    rng = np.random.default_rng(seed)
    a = (rng.integers(-3, 4, (size, rank)) @ rng.integers(-3, 4, (rank, size))).astype(float)
    out = np.linalg.det(a)
    found = PRIMITIVES["linalg.det"].vjps[0](np.ones(()), out, a)
    np.testing.assert_allclose(found, minors(a), atol=1e-11 * max(1, np.abs(a).max()) ** (size - 1))


def vjp_of(name: str, g: Any, a: Array, **static: Any) -> Array:
    """The gradient by a, without the warnings that evaluation has off."""
    primitive = PRIMITIVES[name]
    with np.errstate(all="ignore"):
        return primitive.vjps[0](np.asarray(g, float), primitive.forward(a, **static), a, **static)


def test_the_triangle_that_is_not_read_has_the_gradient_zero():
    a = definite(3, 3)
    for name, static in (
        ("linalg.cholesky", {"upper": False}),
        ("linalg.eigvalsh", {"UPLO": "L"}),
        ("linalg.eigh", {"UPLO": "L", "part": 1}),
    ):
        g = sample(*np.shape(PRIMITIVES[name].forward(a, **static)))
        assert not np.triu(vjp_of(name, g, a, **static), 1).any()
        other = {"upper": True} if "upper" in static else {**static, "UPLO": "U"}
        assert not np.tril(vjp_of(name, g, a, **other), -1).any()


def test_an_undefined_derivative_is_nan_and_no_error():
    singular, nowhere = np.ones((2, 2)), np.full((2, 2), np.nan)
    for a in (singular, nowhere):
        assert np.isnan(vjp_of("linalg.slogdet", 1, a, part=1)).all()
        assert not vjp_of("linalg.slogdet", 1, a, part=0).any()
    assert np.isnan(vjp_of("linalg.det", 1, nowhere)).all()
    assert np.isnan(vjp_of("linalg.qr", np.eye(2), np.zeros((2, 2)), mode="reduced", part=0)).any()
    assert not np.isfinite(vjp_of("linalg.eigh", sample(2, 2), np.eye(2), UPLO="L", part=1)).all()


def test_one_singular_matrix_does_not_spoil_a_stack():
    a = np.stack([np.zeros((2, 2)), 2 * np.eye(2)])
    gradient = vjp_of("linalg.slogdet", [1, 1], a, part=1)
    assert np.isnan(gradient[0]).all()
    np.testing.assert_allclose(gradient[1], np.eye(2) / 2)
    np.testing.assert_allclose(vjp_of("linalg.det", [1, 1], a), [np.zeros((2, 2)), 2 * np.eye(2)])


def test_eigenvalues_that_coincide_have_the_gradient_of_their_sum():
    np.testing.assert_allclose(vjp_of("linalg.eigvalsh", [1, 1, 1], np.eye(3), UPLO="L"), np.eye(3))


def test_a_singular_value_of_zero_has_the_slope_zero():
    np.testing.assert_array_equal(vjp_of("linalg.svdvals", [1, 1], np.zeros((2, 3))), np.zeros((2, 3)))


@pytest.mark.parametrize("name", ["linalg.svdvals", "linalg.svd"])
def test_a_singular_value_of_zero_but_for_rounding_has_the_slope_zero_too(name):
    a = np.ones((2, 3)) / 10 * np.array([[3], [1]])  # of rank 1
    assert 0 < np.linalg.svdvals(a)[1] < 1e-16
    static = {"full_matrices": True, "compute_uv": False} if name.endswith("svd") else {}
    assert np.all(vjp_of(name, [0, 1], a, **static) == 0)
    out = np.linalg.svdvals(a)
    assert PRIMITIVES[name].jvps[0](np.eye(2, 3), out, a, **static)[1] == 0
    nuclear = {"ord": "nuc", "axis": None, "keepdims": False}
    np.testing.assert_allclose(vjp_of(name, [1, 1], a, **static), vjp_of("linalg.norm", 1, a, **nuclear))


def test_solve_has_a_gradient_wherever_it_has_a_value():
    # Of some singular matrices, as [[0.7, 0.7], [0.8, 0.8]], elimination notices it in the transpose alone.
    b = np.ones(2)
    for entries in itertools.product((0.6, 0.7, 0.8, 0.9), repeat=4):
        a = np.reshape(entries, (2, 2))
        try:
            out = np.linalg.solve(a, b)
        except np.linalg.LinAlgError:
            continue
        for rule in PRIMITIVES["linalg.solve"].vjps:
            assert rule(b, out, a, b) is not None


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), SEEDS)
def test_pinv_is_exact_along_matrices_of_one_rank(rows, columns, seed):
    rng = np.random.default_rng(seed)
    left, right, t = rng.normal(size=(rows, 1)), rng.normal(size=(1, columns)), rng.normal(size=(rows, 1))
    left, right = left / np.linalg.norm(left), right / np.linalg.norm(right)  # or the step may be too wide
    wanted = [np.linalg.pinv((left + sign * 1e-6 * t) @ right) for sign in (1, -1)]
    a = left @ right
    found = PRIMITIVES["linalg.pinv"].jvps[0](t @ right, np.linalg.pinv(a), a)
    scale = 1 + np.abs(found).max()
    np.testing.assert_allclose(found / scale, (wanted[0] - wanted[1]) / 2e-6 / scale, atol=1e-5)


def test_scipy_agrees():
    linalg = pytest.importorskip("scipy.linalg")
    a = with_noise_in(np.triu, definite(4, 4))
    for name, static, wanted in (
        ("cholesky", {"upper": False}, linalg.cholesky(a, lower=True)),
        ("eigvalsh", {"UPLO": "L"}, linalg.eigvalsh(a, lower=True)),
        ("det", {}, linalg.det(a)),
        ("inv", {}, linalg.inv(a)),
        ("pinv", {}, linalg.pinv(a)),
        ("svdvals", {}, linalg.svdvals(a)),
    ):
        found = PRIMITIVES[f"linalg.{name}"].forward(a, **static)
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12, err_msg=name)


def test_powers_of_large_exponents_take_no_time():
    a = np.array([[0.5, 0.25], [0.0, 1.0]])
    np.testing.assert_allclose(
        vjp_of("linalg.matrix_power", np.eye(2), a, n=2**62), [[0, 0], [2.0**61, 2.0**62]]
    )


MISSED = {
    "the textbook's symmetric gradient": (
        "cholesky", definite(3, 3), {"upper": False}, symmetrised("linalg.cholesky").vjps,
    ),
    "the other triangle": (
        "eigvalsh", definite(3, 3), {"UPLO": "L"},
        (lambda g, out, a, UPLO: PRIMITIVES["linalg.eigvalsh"].vjps[0](g, out, a, "U"),),
    ),
    "an inverse not transposed": (
        "inv", distinct(3, 3), {}, (lambda g, out, a: -out @ g @ out,),
    ),
    "no term for the columns that are missing": (
        "pinv", distinct(3, 2), {}, (lambda g, out, a: -out.mT @ g @ out.mT,),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "a", "static", "vjps"), MISSED.values(), ids=MISSED)
def test_a_wrong_rule_is_caught(name, a, static, vjps):
    primitive, numpy = PRIMITIVES[f"linalg.{name}"], getattr(np.linalg, name)
    check_call(primitive, numpy, a, **static)
    with pytest.raises(AssertionError):
        check_call(replace(primitive, vjps=vjps), numpy, a, **static)
