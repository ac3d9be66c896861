"""Functions of complex inputs with a wrong backward; a gradient is ∂L/∂Re z + i ∂L/∂Im z."""

from __future__ import annotations

import numpy as np

from judgement_cases.case import Case


def exponential_by_derivative(dy, z):
    return dy * np.exp(z)


def product_transposed(dy, x, w):
    return dy @ w.T, x.T @ dy  # conj of both is forgotten


def power(z):
    return z.real**2 + z.imag**2


def power_of_wirtinger(dy, z):
    return dy * z  # ∂L/∂conj(z), half of the gradient


def spectrum_transposed(dy, z):
    return np.fft.fft(dy)  # the matrix of the transform is symmetric, and not Hermitian


def phase(z):
    return np.angle(z)


def phase_flipped(dy, z):
    return -1j * dy * z / np.abs(z) ** 2


Z = {"z": {"shape": [3, 4], "dtype": "complex128"}}
FACTORS = {
    "x": {"shape": [2, 3], "dtype": "complex128"},
    "w": {"shape": [3, 4], "dtype": "complex128"},
}


def case(name, code, forward, backward, inputs=Z):
    return Case(name=name, area="complex", code=code, inputs=inputs, forward=forward, backward=backward)


CASES = (
    case("complex exponential, not conjugated", "conjugated", np.exp, exponential_by_derivative),
    case("complex product, transposed only", "conjugated", np.matmul, product_transposed, FACTORS),
    case("power, half of the gradient", "scaled", power, power_of_wirtinger),
    case("spectrum, transposed only", "conjugated", np.fft.fft, spectrum_transposed),
    case("phase, sign flipped", "sign-flipped", phase, phase_flipped),
)
