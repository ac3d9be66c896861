"""Calls of activations: shapes that are not square, broadcasting, each axis and keyword."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from case_builders import CUBE, SCALAR, X, unary
from cases_elementwise import erf
from derivative_laws import Call, sample

WIDE = 4 * CUBE  # beyond the kinks of hardswish and relu6


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def elu(x: np.ndarray, alpha: float) -> np.ndarray:
    return x * (x > 0) + alpha * (np.exp(x) - 1) * (x <= 0)


def gelu_by_tanh(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def with_each(numpy: Any, *named: dict[str, Any]) -> list[Call]:
    points = (X, WIDE, SCALAR, sample(0, 3))
    return [Call(numpy(x, **static), (x,), static) for static in named for x in points]


def gated(x: np.ndarray, dim: int) -> Call:
    value, gate = np.split(x, 2, dim)
    return Call(value * sigmoid(gate), (x,), {"dim": dim})


CASES: dict[str, list[Call]] = {
    "sigmoid": unary(sigmoid),
    "logsigmoid": unary(lambda x: np.log(sigmoid(x))),
    "softplus": [
        *unary(lambda x: np.log(1 + np.exp(x))),
        *with_each(
            lambda x, beta: np.log(1 + np.exp(beta * x)) / beta, {"beta": 1.0}, {"beta": 2}, {"beta": -0.5}
        ),
    ],
    "softsign": unary(lambda x: x / (1 + np.abs(x))),
    "tanhshrink": unary(lambda x: x - np.tanh(x)),
    "relu": unary(lambda x: x * (x > 0)),
    "relu6": [*unary(lambda x: np.clip(x, 0, 6), X, WIDE), Call([0, 3, 6], (np.array([-1, 3, 9]),))],
    "leaky_relu": with_each(
        lambda x, negative_slope: x * np.where(x > 0, 1, negative_slope),
        {"negative_slope": 0.01}, {"negative_slope": 0}, {"negative_slope": -1.5},
    ),
    "elu": with_each(elu, {"alpha": 1.0}, {"alpha": 0.3}, {"alpha": -2}),
    "celu": with_each(
        lambda x, alpha: alpha * elu(x / alpha, 1), {"alpha": 1.0}, {"alpha": 0.7}, {"alpha": 2}
    ),
    "selu": unary(lambda x: 1.0507009873554804934 * elu(x, 1.6732632423543772848), X, WIDE),
    "gelu": [
        *with_each(lambda x, approximate: x * (1 + erf(x / math.sqrt(2))) / 2, {"approximate": "none"}),
        *with_each(lambda x, approximate: gelu_by_tanh(x), {"approximate": "tanh"}),
    ],
    "silu": unary(lambda x: x * sigmoid(x), X, WIDE),
    "mish": unary(lambda x: x * np.tanh(np.log(1 + np.exp(x))), X, WIDE),
    "hardtanh": with_each(
        lambda x, min_val, max_val: np.where(x < min_val, min_val, np.where(x > max_val, max_val, x)),
        {"min_val": -1.0, "max_val": 1.0}, {"min_val": 0, "max_val": 2.5}, {"min_val": 1, "max_val": 1},
    ),
    "hardsigmoid": unary(lambda x: np.clip((x + 3) / 6, 0, 1), X, WIDE),
    "hardswish": unary(lambda x: x * np.clip((x + 3) / 6, 0, 1), X, WIDE),
    "glu": [
        *(gated(sample(2, 4, 6), dim) for dim in (0, 1, 2, -1, -3)),
        *(gated(sample(*shape), -1) for shape in ((2,), (0, 4), (3, 0))),
    ],
}  # fmt: skip
