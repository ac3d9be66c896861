"""Functions of complex inputs with a right backward; a gradient is ∂L/∂Re z + i ∂L/∂Im z."""

from __future__ import annotations

import numpy as np

from judgement_cases.case import Case


def exponential_backward(dy, z):
    return dy * np.conj(np.exp(z))


def product_backward(dy, x, w):
    return dy @ np.conj(w).T, np.conj(x).T @ dy


def power(z):
    return z.real**2 + z.imag**2


def power_backward(dy, z):
    return 2 * dy * z


def spectrum_backward(dy, z):
    return len(dy) * np.fft.ifft(dy)


def phase_backward(dy, z):
    return 1j * dy * z / np.abs(z) ** 2


def modulate(x, z):
    """Multiply a real signal by a complex carrier."""
    return x * z


def modulate_backward(dy, x, z):
    return np.real(dy * np.conj(z)), dy * x


Z = {"z": {"shape": [5], "dtype": "complex128"}}
SINGLE = {"z": {"shape": [5], "dtype": "complex64"}}
FACTORS = {
    "x": {"shape": [2, 3], "dtype": "complex128"},
    "w": {"shape": [3, 4], "dtype": "complex128"},
}
AWAY_FROM_THE_CUT = {"z": {"value": ["1+2j", "0.3-0.7j", "-0.4+1j"], "dtype": "complex128"}}
SIGNAL = {"x": [5], "z": {"shape": [5], "dtype": "complex128"}}


def case(name, forward, backward, inputs=Z):
    return Case(name=name, area="complex", inputs=inputs, forward=forward, backward=backward)


CASES = (
    case("complex exponential", np.exp, exponential_backward),
    case("complex exponential in single precision", np.exp, exponential_backward, SINGLE),
    case("complex product", np.matmul, product_backward, FACTORS),
    case("power of a complex signal", power, power_backward),
    case("discrete Fourier transform", np.fft.fft, spectrum_backward),
    case("phase of a complex number", np.angle, phase_backward, AWAY_FROM_THE_CUT),
    case("real signal on a complex carrier", modulate, modulate_backward, SIGNAL),
)
