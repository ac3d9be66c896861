"""Calls of a complex number's parts, modulus, angle and conjugate, here of real numbers."""

from __future__ import annotations

import numpy as np
from case_builders import unary

CASES = {
    "abs": unary(np.abs),
    "real": unary(np.real),
    "imag": unary(np.imag),
    "conj": unary(np.conj),
    "angle": unary(np.angle),
}
