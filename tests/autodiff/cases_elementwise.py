"""Calls of what works entry by entry: shapes that are not square, and broadcasting."""

from __future__ import annotations

import math

import numpy as np
from case_builders import COLUMN, CUBE, MASK, PAIRS, POSITIVE, ROW, SCALAR, X, Y, binary, unary
from derivative_laws import Call, sample

INSIDE = sample(2, 3, low=-0.9, high=0.9)  # of -1 … 1
INTEGERS = np.array([[-7, 0, 12], [25, -35, 4]])
FREE_LOW, FREE_HIGH = np.array(-np.inf), np.array(np.inf)  # what stands in for a bound that is left out


def erf(x: np.ndarray) -> np.ndarray:
    return np.vectorize(math.erf, otypes=[float])(x)


CASES: dict[str, list[Call]] = {
    "add": binary(np.add),
    "subtract": binary(np.subtract),
    "multiply": binary(np.multiply),
    "divide": binary(np.divide),
    "power": binary(
        np.power, ((POSITIVE, Y), (POSITIVE, ROW), (COLUMN + 3, ROW), (sample(0, 3, low=1), ROW))
    ),
    "mod": binary(
        np.mod,
        (*((x, y + 0.3) for x, y in PAIRS), (X, -POSITIVE), (INTEGERS, np.array([3, -4, 5]))),
    ),
    "maximum": binary(np.maximum),
    "minimum": binary(np.minimum),
    "clip": [
        Call(np.clip(x, low, high), (x, low, high))
        for x, low, high in (
            (CUBE, np.array(-1.0), np.array(0.5)),
            (X, ROW, ROW + 1),
            (ROW, COLUMN, X),  # bounds that cross here and there, and the larger shape
            (SCALAR, Y, FREE_HIGH),
            (CUBE, FREE_LOW, COLUMN[..., None] + 0.1),
            (X, FREE_LOW, FREE_HIGH),
            (sample(0, 3), ROW, np.array(0.5)),
            (INTEGERS, np.array(-5), np.array([0, 10, 20])),
        )
    ],
    "hypot": binary(np.hypot),
    "arctan2": binary(np.arctan2),
    "logaddexp": binary(np.logaddexp),
    "negative": unary(np.negative),
    "reciprocal": unary(np.reciprocal),
    "square": unary(np.square),
    "sqrt": unary(np.sqrt, POSITIVE),
    "cbrt": unary(np.cbrt, POSITIVE, -POSITIVE),
    **{
        name: [*unary(getattr(np, name)), Call(getattr(np, name)(INTEGERS), (INTEGERS,))]
        for name in ("sign", "floor", "ceil", "trunc")
    },
    "round": [
        Call(np.round(x, decimals), (x,), {"decimals": decimals})
        for decimals in (0, 1, -1)
        for x in (X, 7 * CUBE, SCALAR, sample(0, 3), INTEGERS)
    ],
    "exp": unary(np.exp),
    "exp2": unary(np.exp2),
    "expm1": unary(np.expm1),
    "log": unary(np.log, POSITIVE),
    "log2": unary(np.log2, POSITIVE),
    "log10": unary(np.log10, POSITIVE),
    "log1p": unary(np.log1p, POSITIVE),
    "erf": unary(erf),
    "erfc": unary(lambda x: 1 - erf(x)),
    "sin": unary(np.sin),
    "cos": unary(np.cos),
    "tan": unary(np.tan, X / 3),
    "arcsin": unary(np.arcsin, INSIDE),
    "arccos": unary(np.arccos, INSIDE),
    "arctan": unary(np.arctan),
    "sinh": unary(np.sinh),
    "cosh": unary(np.cosh),
    "tanh": unary(np.tanh),
    "arcsinh": unary(np.arcsinh),
    "arccosh": unary(np.arccosh, 1 + POSITIVE),
    "arctanh": unary(np.arctanh, INSIDE),
    "where": [
        Call(np.where(condition, x, y), (condition, x, y))
        for condition, x, y in ((MASK, X, Y), (MASK, ROW, COLUMN), (MASK[0], CUBE[..., 0], SCALAR), (Y, X, Y))
    ],
    **{
        name: [*binary(getattr(np, name)), Call(getattr(np, name)(X, X), (X, X))]
        for name in ("less", "less_equal", "greater", "greater_equal", "equal", "not_equal")
    },
    **{
        name: [*binary(getattr(np, name)), Call(getattr(np, name)(MASK, Y > 0), (MASK, Y > 0))]
        for name in ("logical_and", "logical_or", "logical_xor")
    },
    "logical_not": [*unary(np.logical_not), Call(~MASK, (MASK,))],
    "isfinite": unary(np.isfinite, X, np.array([np.nan, 1, np.inf, -np.inf]), INTEGERS),
    "isnan": unary(np.isnan, X, np.array([np.nan, 1, np.inf, -np.inf]), INTEGERS),
}  # fmt: skip
