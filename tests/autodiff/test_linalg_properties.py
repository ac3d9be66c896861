"""Linear algebra over drawn shapes, axes and arguments: NumPy's values, exact derivatives, torch's gradients."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from derivative_laws import Call, check_derivatives, check_single_precision, sample
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck_cli.autodiff.primitive import Array, Primitive
from gradcheck_cli.autodiff.primitives import PRIMITIVES
from gradcheck_cli.errors import ShapeError

SIZES = st.integers(0, 3)
SEEDS = st.integers(0, 999)
STACKS = st.sampled_from([(), (), (2,), (0,), (2, 1)])


def check_call(primitive: Primitive, numpy: Any, *operands: Array, **static: Any) -> None:
    """Value, shape rule and dtype are NumPy's; derivatives obey the laws, in single precision too."""
    part = static.get("part")
    value = numpy(*operands, **{name: one for name, one in static.items() if name != "part"})
    call = Call(value if part is None else value[part], operands, static)
    out = np.asarray(primitive.forward(*operands, **static))
    np.testing.assert_allclose(out, call.value, rtol=1e-12, atol=1e-12)
    assert tuple(primitive.shape(*(one.shape for one in operands), **static)) == out.shape
    assert primitive.dtype(*(one.dtype for one in operands)) == out.dtype
    check_derivatives(primitive, call)
    check_single_precision(primitive, call)


def check_like_torch(primitive: Primitive, function: Any, *operands: Array, **static: Any) -> None:
    """The VJPs are what torch's own backward pass gives."""
    torch = pytest.importorskip("torch")
    tensors = [torch.tensor(one, requires_grad=True) for one in operands]
    result = function(torch, *tensors)
    out = primitive.forward(*operands, **static)
    np.testing.assert_allclose(result.detach().numpy(), out, rtol=1e-10, atol=1e-10)
    g = np.asarray(np.round(np.random.default_rng(1).normal(size=np.shape(out)), 3))
    gradients = torch.autograd.grad(result, tensors, torch.tensor(g), materialize_grads=True)
    for place, wanted in enumerate(gradients):
        found = primitive.vjps[place](g, out, *operands, **static)
        np.testing.assert_allclose(found, wanted.numpy(), rtol=1e-9, atol=1e-9, err_msg=f"operand {place}")


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


# ---- products ----


@st.composite
def einsums(draw: Any) -> tuple[str, tuple[Array, ...]]:
    """Subscripts with repeated labels, axes that are stretched, and '...', and operands to them."""
    sizes = {label: draw(SIZES) for label in "ijK"}
    broadcast = draw(st.lists(SIZES, max_size=2))
    terms, arrays = [], []
    for place in range(draw(st.integers(1, 3))):
        labels = draw(st.lists(st.sampled_from("ijK"), max_size=3))
        unnamed = broadcast[draw(st.integers(0, len(broadcast))) :]
        at = draw(st.integers(0, len(labels)))
        dots = ["..."] if unnamed or draw(st.booleans()) else []
        stretched = {label for label in "ijK" if labels.count(label) == 1 and draw(st.booleans())}
        named = [1 if label in stretched else sizes[label] for label in labels]
        unnamed = [1 if draw(st.booleans()) else size for size in unnamed]
        terms.append("".join([*labels[:at], *dots, *labels[at:]]))
        arrays.append(sample(*named[:at], *unnamed, *named[at:], seed=place))
    subscripts = ",".join(terms)
    if draw(st.booleans()):
        known = sorted(set(subscripts) & set("ijK"))
        output = draw(st.permutations(known))[: draw(st.integers(0, len(known)))]
        subscripts += "->" + "".join(draw(st.permutations([*output, "..."])))
    return subscripts, tuple(arrays)


@settings(max_examples=250, deadline=None)
@given(einsums())
def test_einsum(drawn):
    subscripts, operands = drawn
    check_call(
        PRIMITIVES["einsum"], lambda *arrays, subscripts: np.einsum(subscripts, *arrays), *operands,
        subscripts=subscripts,
    )  # fmt: skip


@pytest.mark.torch
@settings(max_examples=100, deadline=None)
@given(einsums().filter(lambda drawn: all(array.size for array in drawn[1])))
def test_einsum_is_like_torch(drawn):
    subscripts, operands = drawn
    check_like_torch(
        PRIMITIVES["einsum"], lambda torch, *x: torch.einsum(subscripts, *x), *operands, subscripts=subscripts
    )


def broadcastable(draw: Any, rank: int = 2) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes that broadcast."""
    shape = draw(st.lists(SIZES, max_size=rank))
    return tuple(
        tuple(1 if draw(st.booleans()) else size for size in shape[draw(st.integers(0, len(shape))) :])
        for _ in range(2)
    )


@st.composite
def products(draw: Any) -> tuple[str, Array, Array, dict[str, Any]]:
    """A product, two operands that fit, and its static arguments."""
    name = draw(st.sampled_from(["matmul", "dot", "inner", "vdot", "outer", "kron", "cross", "tensordot"]))
    first, second = draw(st.lists(SIZES, max_size=2)), draw(st.lists(SIZES, max_size=2))
    shared, static = draw(SIZES), {}
    if name == "matmul":
        left, right = broadcastable(draw)
        first = [*left, draw(SIZES), shared] if left or draw(st.booleans()) else [shared]
        second = [*right, shared, draw(SIZES)] if right or draw(st.booleans()) else [shared]
    elif name == "dot":
        first, second = [*first, shared], [*second[:-1], shared, *second[-1:]]
    elif name == "inner":
        first, second = [*first, shared], [*second, shared]
    elif name == "vdot":
        second = draw(st.permutations([*first, 1]))
    elif name == "cross":
        axis = draw(st.integers(-3, -1))
        left, right = ((*(1,) * (-axis - 1 - len(one)), *one) for one in broadcastable(draw))
        places = [len(one) + axis + 1 for one in (left, right)]
        first, second = ([*one[:at], 3, *one[at:]] for one, at in zip((left, right), places, strict=True))
        static = {"axis": axis}
    elif name == "tensordot":
        paired = draw(st.permutations(range(len(first))))[: draw(st.integers(0, len(first)))]
        second = [*(first[axis] for axis in paired), *second]
        order = draw(st.permutations(range(len(second))))
        second = [second[at] for at in order]
        static = {"axes": (tuple(paired), tuple(order.index(at) for at in range(len(paired))))}
    return name, sample(*first), sample(*second, seed=1), static


@settings(max_examples=200, deadline=None)
@given(products())
def test_products(drawn):
    name, x, y, static = drawn
    check_call(PRIMITIVES[name], getattr(np, name), x, y, **static)


TORCH_PRODUCTS = {
    "matmul": lambda torch, x, y: torch.matmul(x, y),
    "inner": lambda torch, x, y: torch.inner(x, y),
    "kron": lambda torch, x, y: torch.kron(x, y),
    "cross": lambda torch, x, y, axis: torch.linalg.cross(x, y, dim=axis),
    "tensordot": lambda torch, x, y, axes: torch.tensordot(x, y, dims=[list(one) for one in axes]),
}


@pytest.mark.torch
@settings(max_examples=100, deadline=None)
@given(products().filter(lambda drawn: drawn[0] in TORCH_PRODUCTS and drawn[1].size and drawn[2].size))
def test_products_are_like_torch(drawn):
    name, x, y, static = drawn
    if name != "cross" or x.ndim == y.ndim:  # torch's own wants equal ranks
        check_like_torch(
            PRIMITIVES[name], lambda torch, x, y: TORCH_PRODUCTS[name](torch, x, y, **static), x, y, **static
        )


# ---- diagonals ----


@st.composite
def diagonals(draw: Any) -> tuple[Array, dict[str, int]]:
    """An array of two to four axes, two of them, and a diagonal."""
    x = sample(*draw(st.lists(SIZES, min_size=2, max_size=4)))
    axis1, axis2 = draw(st.permutations(range(x.ndim)))[:2]
    axes = [axis - x.ndim if draw(st.booleans()) else axis for axis in (axis1, axis2)]
    return x, {"offset": draw(st.integers(-4, 4)), "axis1": axes[0], "axis2": axes[1]}


@settings(max_examples=150, deadline=None)
@given(diagonals())
def test_diagonals(drawn):
    x, static = drawn
    for name in ("diagonal", "trace"):
        check_call(PRIMITIVES[name], getattr(np, name), x, **static)
    for name in ("triu", "tril"):
        check_call(PRIMITIVES[name], getattr(np, name), x, k=static["offset"])
    if x.ndim == 2:
        check_call(PRIMITIVES["diag"], np.diag, x, k=static["offset"])


@pytest.mark.torch
@settings(max_examples=50, deadline=None)
@given(diagonals())
def test_diagonals_are_like_torch(drawn):
    x, static = drawn
    offset, axis1, axis2 = static.values()
    if -x.shape[axis1] <= offset <= x.shape[axis2]:  # torch refuses what is further out
        check_like_torch(
            PRIMITIVES["diagonal"], lambda torch, x: torch.diagonal(x, offset, axis1, axis2), x, **static
        )
    check_like_torch(PRIMITIVES["triu"], lambda torch, x: torch.triu(x, offset), x, k=offset)
    check_like_torch(PRIMITIVES["tril"], lambda torch, x: torch.tril(x, offset), x, k=offset)


# ---- functions of matrices ----


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
    for part in (0, 1):
        check_call(PRIMITIVES["linalg.qr"], np.linalg.qr, a, mode="reduced", part=part)


@settings(max_examples=40, deadline=None)
@given(STACKS, SIZES, st.booleans(), SEEDS)
def test_symmetric_matrices(stack, size, upper, seed):
    a = with_noise_in(np.tril if upper else np.triu, definite(*stack, size, size, seed=seed))
    UPLO = "U" if upper else "L"
    check_call(PRIMITIVES["linalg.cholesky"], np.linalg.cholesky, a, upper=upper)
    check_call(PRIMITIVES["linalg.eigvalsh"], np.linalg.eigvalsh, a, UPLO=UPLO)
    for part in (0, 1):
        check_call(PRIMITIVES["linalg.eigh"], np.linalg.eigh, a, UPLO=UPLO, part=part)


TORCH_SQUARE = {
    "inv": lambda torch, a: torch.linalg.inv(a),
    "det": lambda torch, a: torch.linalg.det(a),
    "pinv": lambda torch, a: torch.linalg.pinv(a),
    "svdvals": lambda torch, a: torch.linalg.svdvals(a),
}


@pytest.mark.torch
@settings(max_examples=30, deadline=None)
@given(STACKS, st.integers(1, 4), st.integers(1, 4), SEEDS)
def test_functions_of_matrices_are_like_torch(stack, size, columns, seed):
    a, b = distinct(*stack, size, size, seed=seed), sample(*stack, size, columns)
    wide = distinct(*stack, size, columns, seed=seed)
    for name, function in TORCH_SQUARE.items():
        check_like_torch(PRIMITIVES[f"linalg.{name}"], function, a)
    for name in ("pinv", "svdvals"):
        check_like_torch(PRIMITIVES[f"linalg.{name}"], TORCH_SQUARE[name], wide)
    check_like_torch(PRIMITIVES["linalg.solve"], lambda torch, a, b: torch.linalg.solve(a, b), a, b)
    for part in (0, 1):
        check_like_torch(
            PRIMITIVES["linalg.slogdet"], lambda torch, a: torch.linalg.slogdet(a)[part], a, part=part
        )
        check_like_torch(
            PRIMITIVES["linalg.qr"], lambda torch, a: torch.linalg.qr(a)[part], wide, mode="reduced", part=part
        )
    for n in (-2, 0, 3):
        check_like_torch(
            PRIMITIVES["linalg.matrix_power"], lambda torch, a: torch.linalg.matrix_power(a, n), a, n=n
        )


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

    check_like_torch(symmetrised("linalg.eigh"), squared_with(same_signs), a, UPLO=UPLO, part=1)


def squared_with(function: Any) -> Any:
    return function


# ---- awkward places ----


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
