"""Calls of what works entry by entry: shapes that are not square, and broadcasting."""

from __future__ import annotations

import numpy as np
from case_builders import COLUMN, CUBE, MASK, POSITIVE, ROW, SCALAR, X, Y, binary, unary
from derivative_laws import Call, sample

CASES: dict[str, list[Call]] = {
    "add": binary(np.add),
    "subtract": binary(np.subtract),
    "multiply": binary(np.multiply),
    "divide": binary(np.divide),
    "power": binary(
        np.power, ((POSITIVE, Y), (POSITIVE, ROW), (COLUMN + 3, ROW), (sample(0, 3, low=1), ROW))
    ),
    "maximum": binary(np.maximum),
    "minimum": binary(np.minimum),
    "negative": unary(np.negative),
    "exp": unary(np.exp),
    "expm1": unary(np.expm1),
    "log": unary(np.log, POSITIVE),
    "log1p": unary(np.log1p, POSITIVE),
    "sqrt": unary(np.sqrt, POSITIVE),
    "square": unary(np.square),
    "abs": unary(np.abs),
    "sign": unary(np.sign),
    "sin": unary(np.sin),
    "cos": unary(np.cos),
    "tan": unary(np.tan, X / 3),
    "tanh": unary(np.tanh),
    "where": [
        Call(np.where(condition, x, y), (condition, x, y))
        for condition, x, y in ((MASK, X, Y), (MASK, ROW, COLUMN), (MASK[0], CUBE[..., 0], SCALAR))
    ],
    **{
        name: [*binary(getattr(np, name)), Call(getattr(np, name)(X, X), (X, X))]
        for name in ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")
    },
    "logical_and": [*binary(np.logical_and), Call(MASK & (Y > 0), (MASK, Y > 0))],
    "logical_or": [*binary(np.logical_or), Call(MASK | (Y > 0), (MASK, Y > 0))],
    "logical_not": [*unary(np.logical_not), Call(~MASK, (MASK,))],
}  # fmt: skip
