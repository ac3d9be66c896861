"""Operations that act entry by entry, with broadcasting: arithmetic, comparisons, activations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import Array, Primitive, Rule, boolean, promoted, resolved
from gradcheck_cli.shapes import Shape, broadcast_shapes, unbroadcast


def same_shape(x: Shape) -> Shape:
    """Shape rule of a function of one array that acts entry by entry."""
    return x


def _dtype_of(forward: Callable[..., Any]) -> Rule:
    return resolved(forward) if isinstance(forward, np.ufunc) else promoted


def unary(
    name: str, forward: Callable[..., Any], derivative: Callable[..., Any], formula: str, **options: Any
) -> Primitive:
    """Build the row of an entry-by-entry function; ``derivative(out, x)`` is f'(x)."""
    return Primitive(
        name=name,
        formula=formula,
        shape=same_shape,
        forward=forward,
        vjps=(lambda g, out, x: g * derivative(out, x),),
        jvps=(lambda t, out, x: t * derivative(out, x),),
        casts=True,
        **{"inexact": True, "dtype": _dtype_of(forward), **options},
    )


def binary(
    name: str, forward: Callable[..., Any], slopes: tuple[Rule, Rule], formula: str, **options: Any
) -> Primitive:
    """Build the row of f(x, y) with broadcasting; ``slopes`` are ∂f/∂x and ∂f/∂y as (out, x, y) → slope."""
    by_x, by_y = slopes
    return Primitive(
        name=name,
        formula=formula,
        signature="x, y",
        shape=broadcast_shapes,
        forward=forward,
        vjps=(
            lambda g, out, x, y: unbroadcast(g * by_x(out, x, y), x.shape),
            lambda g, out, x, y: unbroadcast(g * by_y(out, x, y), y.shape),
        ),
        jvps=(lambda t, out, x, y: t * by_x(out, x, y), lambda t, out, x, y: t * by_y(out, x, y)),
        casts=True,
        dtype=_dtype_of(forward),
        **options,
    )


def comparison(name: str, forward: Callable[..., Any]) -> Primitive:
    """Build the row of a comparison: a mask, through which no gradient flows."""
    return Primitive(name=name, signature="x, y", shape=broadcast_shapes, forward=forward, dtype=boolean)


def _sigmoid(x: Array) -> Array:
    """1 / (1 + e⁻ˣ), written with tanh so that no exponential overflows."""
    half = np.asarray(x).dtype.type(0.5)
    return half * (np.tanh(half * x) + 1)


def _share_of_tie(x: Array, y: Array, out: Array) -> Array:
    """1 where x is the chosen one, 1/2 where x and y tie: a subgradient that sums to 1 over both."""
    return np.where(x == y, 0.5, x == out).astype(np.asarray(out).dtype)


ADD = binary("add", np.add, (lambda out, x, y: 1, lambda out, x, y: 1), "dL/dx = g,  dL/dy = g")
SUBTRACT = binary(
    "subtract", np.subtract, (lambda out, x, y: 1, lambda out, x, y: -1), "dL/dx = g,  dL/dy = -g"
)
MULTIPLY = binary(
    "multiply", np.multiply, (lambda out, x, y: y, lambda out, x, y: x), "dL/dx = g * y,  dL/dy = g * x"
)
DIVIDE = binary(
    "divide",
    np.true_divide,
    (lambda out, x, y: 1 / y, lambda out, x, y: -out / y),
    "dL/dx = g / y,  dL/dy = -g * x / y**2",
    inexact=True,
)
POWER = binary(
    "power",
    np.power,
    (
        # At y = 0 the function is constant: y * x**-1 would be 0 * inf at x = 0.
        lambda out, x, y: (
            y * np.power(x, np.where(y == 0, 1, np.subtract(y, 1)).astype(np.asarray(out).dtype))
        ),
        # 0**y is flat in y for y > 0; log(0) would be -inf * 0.
        lambda out, x, y: out * np.log(np.where(x == 0, 1, x)),
    ),
    "dL/dx = g * y * x**(y - 1),  dL/dy = g * x**y * log(x)",
)
MAXIMUM = binary(
    "maximum",
    np.maximum,
    (lambda out, x, y: _share_of_tie(x, y, out), lambda out, x, y: _share_of_tie(y, x, out)),
    "dL/dx = g * (x > y),  dL/dy = g * (y > x),  half each at a tie",
)
MINIMUM = binary(
    "minimum",
    np.minimum,
    (lambda out, x, y: _share_of_tie(x, y, out), lambda out, x, y: _share_of_tie(y, x, out)),
    "dL/dx = g * (x < y),  dL/dy = g * (y < x),  half each at a tie",
)

NEGATIVE = unary("negative", np.negative, lambda out, x: -1, "dL/dx = -g", inexact=False)
EXP = unary("exp", np.exp, lambda out, x: out, "dL/dx = g * exp(x)")
EXPM1 = unary("expm1", np.expm1, lambda out, x: np.exp(x), "dL/dx = g * exp(x)")
LOG = unary("log", np.log, lambda out, x: 1 / x, "dL/dx = g / x")
LOG1P = unary("log1p", np.log1p, lambda out, x: 1 / (1 + x), "dL/dx = g / (1 + x)")
SQRT = unary("sqrt", np.sqrt, lambda out, x: 0.5 / out, "dL/dx = g / (2 * sqrt(x))")
SQUARE = unary("square", np.square, lambda out, x: 2 * x, "dL/dx = g * 2 * x", inexact=False)
ABS = unary("abs", np.abs, lambda out, x: np.sign(x), "dL/dx = g * sign(x)", inexact=False)
SIGN = unary("sign", np.sign, lambda out, x: np.zeros_like(out), "dL/dx = 0", inexact=False)
SIN = unary("sin", np.sin, lambda out, x: np.cos(x), "dL/dx = g * cos(x)")
COS = unary("cos", np.cos, lambda out, x: -np.sin(x), "dL/dx = -g * sin(x)")
TAN = unary("tan", np.tan, lambda out, x: 1 + out * out, "dL/dx = g * (1 + tan(x)**2)")
TANH = unary("tanh", np.tanh, lambda out, x: 1 - out * out, "dL/dx = g * (1 - tanh(x)**2)")
SIGMOID = unary(
    "sigmoid", _sigmoid, lambda out, x: out * (1 - out), "dL/dx = g * s * (1 - s),  s = sigmoid(x)"
)
RELU = unary(
    "relu",
    lambda x: np.maximum(x, 0),
    lambda out, x: np.asarray(x > 0).astype(np.asarray(out).dtype),
    "dL/dx = g * (x > 0)",
    inexact=False,
    dtype=lambda x: promoted(x, 0),  # a mask becomes integer
)
SOFTPLUS = unary(
    "softplus",
    lambda x: np.logaddexp(x, np.zeros_like(x)),
    lambda out, x: _sigmoid(x),
    "dL/dx = g * sigmoid(x)",
)

WHERE = Primitive(
    name="where",
    formula="dL/dx = g where the condition holds, else 0;  dL/dy = 0 where it holds, else g",
    signature="condition, x, y",
    shape=broadcast_shapes,
    forward=np.where,
    dtype=lambda _condition, x, y: np.result_type(x, y),
    casts=True,
    vjps=(
        None,
        lambda g, out, condition, x, y: unbroadcast(np.where(condition, g, np.zeros_like(g)), x.shape),
        lambda g, out, condition, x, y: unbroadcast(np.where(condition, np.zeros_like(g), g), y.shape),
    ),
    jvps=(
        None,
        lambda t, out, condition, x, y: np.where(condition, t, np.zeros_like(t)),
        lambda t, out, condition, x, y: np.where(condition, np.zeros_like(t), t),
    ),
)

CAST = Primitive(
    name="astype",
    formula="dL/dx = g",
    signature="x, dtype",
    operands=("x",),
    shape=lambda x, dtype: x,
    forward=lambda x, dtype: np.asarray(x).astype(dtype),
    dtype=lambda x, dtype: np.dtype(dtype),
    vjps=(lambda g, out, x, dtype: g.astype(x.dtype),),
    jvps=(lambda t, out, x, dtype: t.astype(dtype),),
)
IDENTITY = unary("identity", np.positive, lambda out, x: 1, "dL/dx = g", inexact=False)

COMPARISONS = tuple(
    comparison(function.__name__, function)
    for function in (np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal)
)
LOGICAL = (
    comparison("logical_and", np.logical_and),
    comparison("logical_or", np.logical_or),
    Primitive(name="logical_not", shape=same_shape, forward=np.logical_not, dtype=boolean),
)

TABLE = (
    ADD, SUBTRACT, MULTIPLY, DIVIDE, POWER, MAXIMUM, MINIMUM,
    NEGATIVE, EXP, EXPM1, LOG, LOG1P, SQRT, SQUARE, ABS, SIGN, SIN, COS, TAN, TANH, SIGMOID, RELU, SOFTPLUS,
    WHERE, *COMPARISONS, *LOGICAL,
)  # fmt: skip
