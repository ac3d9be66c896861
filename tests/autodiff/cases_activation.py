"""Calls of activations: shapes that are not square, broadcasting, each axis and keyword."""

from __future__ import annotations

import numpy as np
from case_builders import unary
from derivative_laws import Call

CASES: dict[str, list[Call]] = {
    "sigmoid": unary(lambda x: 1 / (1 + np.exp(-x))),
    "relu": unary(lambda x: x * (x > 0)),
    "softplus": unary(lambda x: np.log(1 + np.exp(x))),
}  # fmt: skip
