"""Right backwards of linear algebra, near singular matrices above all."""

from __future__ import annotations

import numpy as np

from judgement_cases.case import Case


def hilbert(size):
    """Write Hilbert's matrix, 1 / (i + j + 1), whose condition grows as e^{3.5 n}."""
    return [[1.0 / (row + column + 1) for column in range(size)] for row in range(size)]


def nearly_dependent(gap):
    """Write a matrix two of whose rows differ by ``gap``."""
    return [[1.0, 2.0, -1.0], [1.0, 2.0 + gap, -1.0], [0.5, -1.0, 3.0]]


def symmetric(a):
    return (a + a.T) / 2


def inverse(a):
    return np.linalg.inv(a)


def inverse_backward(dy, a):
    b = np.linalg.inv(a)
    return -b.T @ dy @ b.T


def solution(a, b):
    return np.linalg.solve(a, b)


def solution_backward(dy, a, b):
    db = np.linalg.solve(a.T, dy)
    return -np.outer(db, np.linalg.solve(a, b)), db


def log_determinant(a):
    return np.linalg.slogdet(a)[1]


def log_determinant_backward(dy, a):
    return dy * np.linalg.inv(a).T


def determinant(a):
    return np.linalg.det(a)


def determinant_backward(dy, a):
    return dy * np.linalg.det(a) * np.linalg.inv(a).T


def factor(a):
    return np.linalg.cholesky(symmetric(a))


def factor_backward(dy, a):
    """Iain Murray (2016), equation 10, symmetrised."""
    low = np.linalg.cholesky(symmetric(a))
    inner = np.tril(low.T @ dy)
    inner = inner - 0.5 * np.diag(np.diag(inner))
    back = np.linalg.inv(low)
    return symmetric(back.T @ inner @ back)


def eigenvalues(a):
    return np.linalg.eigvalsh(symmetric(a))


def eigenvalues_backward(dy, a):
    _, vectors = np.linalg.eigh(symmetric(a))
    return (vectors * dy) @ vectors.T


def singular_values(a):
    return np.linalg.svd(a, compute_uv=False)


def singular_values_backward(dy, a):
    left, _, right = np.linalg.svd(a, full_matrices=False)
    return (left * dy) @ right


def quadratic_form(a, x):
    return x @ np.linalg.solve(a, x)


def quadratic_form_backward(dy, a, x):
    u, v = np.linalg.solve(a.T, x), np.linalg.solve(a, x)
    return -dy * np.outer(u, v), dy * (u + v)


def exponential(a):
    """exp(a) by 2^8-fold squaring of a Taylor polynomial, together with its backward's tape."""
    scaled = a / 256.0
    term = total = np.eye(len(a), dtype=a.dtype)
    for k in range(1, 12):
        term = term @ scaled / k
        total = total + term
    powers = [total]
    for _ in range(8):
        powers.append(powers[-1] @ powers[-1])
    return powers[-1]


def exponential_backward(dy, a):
    """Fréchet derivative from the block matrix exp([[aᵀ, dy], [0, aᵀ]]) (Higham 2008, equation 3.16)."""
    size = len(a)
    block = np.zeros((2 * size, 2 * size))
    block[:size, :size] = block[size:, size:] = a.T
    block[:size, size:] = dy
    return exponential(block)[:size, size:]


def fixed(**values):
    """Write fixed inputs."""
    return {name: {"value": value} for name, value in values.items()}


def case(name, inputs, forward, backward):
    """Write a case of linear algebra."""
    return Case(name=name, area="linear algebra", inputs=inputs, forward=forward, backward=backward)


VECTOR = [1.0, -2.0, 0.5, 3.0, 1.5]

CASES = (
    case("inverse, two rows 1e-6 apart", fixed(a=nearly_dependent(1e-6)), inverse, inverse_backward),
    case("inverse of a random matrix", {"a": [4, 4]}, inverse, inverse_backward),
    case(
        "solution with Hilbert's matrix",
        fixed(a=hilbert(5), b=VECTOR),
        solution,
        solution_backward,
    ),
    case(
        "quadratic form, two rows 1e-4 apart",
        fixed(a=nearly_dependent(1e-4), x=VECTOR[:3]),
        quadratic_form,
        quadratic_form_backward,
    ),
    case(
        "log-determinant, two rows 1e-6 apart",
        fixed(a=nearly_dependent(1e-6)),
        log_determinant,
        log_determinant_backward,
    ),
    case(
        "determinant, two rows 1e-8 apart",
        fixed(a=nearly_dependent(1e-8)),
        determinant,
        determinant_backward,
    ),
    case("Cholesky factor of Hilbert's matrix", fixed(a=hilbert(4)), factor, factor_backward),
    case(
        "eigenvalues 1e-3 apart",
        fixed(a=[[2.0, 1e-3, 0.0], [1e-3, 2.001, 0.5e-3], [0.0, 0.5e-3, 5.0]]),
        eigenvalues,
        eigenvalues_backward,
    ),
    case("singular values", {"a": [3, 5]}, singular_values, singular_values_backward),
    case(
        "matrix exponential",
        {"a": {"shape": [3, 3], "sample": {"uniform": [-2, 2]}}},
        exponential,
        exponential_backward,
    ),
)
