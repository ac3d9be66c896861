"""Operations that act entry by entry, with broadcasting: arithmetic, elementary functions, masks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import (
    HOLOMORPHIC,
    UNORDERED,
    Array,
    OnComplex,
    Primitive,
    Rule,
    as_array,
    boolean,
    promoted,
    resolved,
    rounded,
)
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape, broadcast_shapes, unbroadcast

_ONE, _TWO, _THREE = "(…) → (…)", "(…), (…) → broadcast", "(…), (…), (…) → broadcast"
MOST_DECIMALS = 300  # 10**300 is still a float64


def same_shape(x: Shape, **_static: object) -> Shape:
    """Shape rule of a function of one array that acts entry by entry."""
    return x


def rounded_shape(x: Shape, decimals: int = 0) -> Shape:
    """Shape rule of ``round``."""
    if abs(decimals) > MOST_DECIMALS:
        raise ShapeError(f"decimals must lie between -{MOST_DECIMALS} and {MOST_DECIMALS}")
    return x


def _dtype_of(forward: Callable[..., Any]) -> Rule:
    return resolved(forward) if isinstance(forward, np.ufunc) else promoted


def unary(
    name: str, forward: Callable[..., Any], derivative: Callable[..., Any], formula: str, **options: Any
) -> Primitive:
    """Build the row of an entry-by-entry function; ``derivative(out, x, **static)`` is f'(x)."""
    return Primitive(
        name=name,
        formula=formula,
        shapes=_ONE,
        forward=forward,
        vjps=(lambda g, out, x, **static: g * derivative(out, x, **static),),
        jvps=(lambda t, out, x, **static: t * derivative(out, x, **static),),
        casts=True,
        **{"shape": same_shape, "inexact": True, "dtype": _dtype_of(forward), **options},
    )


def holomorphic(*row: Any, **options: Any) -> Primitive:
    """Build the row of a ``unary`` function whose derivative, as written, is that by a complex x too."""
    return unary(*row, on_complex=HOLOMORPHIC, **options)


def step(name: str, forward: Callable[..., Any], **options: Any) -> Primitive:
    """Build the row of a function that is constant between its jumps."""
    options = {"inexact": False, **options}
    return unary(name, forward, lambda out, x, **_static: np.zeros_like(out), "dL/dx = 0", **options)


def binary(
    name: str, forward: Callable[..., Any], slopes: tuple[Rule, Rule], formula: str, **options: Any
) -> Primitive:
    """Build the row of f(x, y) with broadcasting; ``slopes`` are ∂f/∂x and ∂f/∂y as (out, x, y) → slope."""
    by_x, by_y = slopes
    return Primitive(
        name=name,
        formula=formula,
        shapes=_TWO,
        shape=broadcast_shapes,
        forward=forward,
        vjps=(
            lambda g, out, x, y: unbroadcast(g * by_x(out, x, y), x.shape),
            lambda g, out, x, y: unbroadcast(g * by_y(out, x, y), y.shape),
        ),
        jvps=(lambda t, out, x, y: t * by_x(out, x, y), lambda t, out, x, y: t * by_y(out, x, y)),
        casts=True,
        dtype=_dtype_of(forward),
        **{"signature": "x, y", **options},
    )


def comparison(name: str, forward: Callable[..., Any], **options: Any) -> Primitive:
    """Build the row of a comparison: a mask, through which no gradient flows."""
    return Primitive(
        name=name,
        shapes=_TWO,
        signature="x, y",
        shape=broadcast_shapes,
        forward=forward,
        dtype=boolean,
        **options,
    )


def predicate(name: str, forward: Callable[..., Any], **options: Any) -> Primitive:
    """Build the row of a question about each entry of one array: a mask too."""
    return Primitive(name=name, shapes=_ONE, shape=same_shape, forward=forward, dtype=boolean, **options)


def lifted(function: Callable[[float], float]) -> Rule:
    """Apply a function of Python's ``math`` to every entry; a floating dtype stays as it is."""
    ufunc = np.frompyfunc(function, 1, 1)

    def forward(x: Any) -> Array:
        floating = np.true_divide(x, 1)
        return as_array(ufunc(floating)).astype(floating.dtype)

    return forward


erf, erfc = lifted(math.erf), lifted(math.erfc)


def _share_of_tie(x: Array, y: Array, out: Array) -> Array:
    """1 where x is the chosen one, 1/2 where x and y tie: a subgradient that sums to 1 over both."""
    return np.where(x == y, 0.5, x == out).astype(np.asarray(out).dtype)


def ratio(x: Array, radius: Array) -> Array:
    """Return x / radius, and 0 at the origin, where a radius has every slope between -1 and 1."""
    return x / np.where(radius == 0, 1, radius)


def _hypot_one(x: Array) -> Array:
    """√(1 + x²), of a real x without overflow."""
    return np.sqrt(1 + x * x) if np.iscomplexobj(x) else np.hypot(1, x)


def _clip(x: Array, low: Array, high: Array) -> Array:
    return np.minimum(np.maximum(x, low), high)


def _keeps(x: Array, low: Array, high: Array) -> Array:
    """Where clipping leaves x as it is; on a bound the gradient is x's."""
    return (low < high) & (low <= x) & (x <= high)


def _lifts(x: Array, low: Array, high: Array) -> Array:
    """Where the lower bound is the result."""
    return (low < high) & (x < low)


def _caps(x: Array, low: Array, high: Array) -> Array:
    """Where the upper bound is the result, as everywhere if the bounds meet or cross."""
    return (low >= high) | (x > high)


def _holds(condition: Array, x: Array, y: Array) -> Array:
    return condition


def _fails(condition: Array, x: Array, y: Array) -> Array:
    return np.logical_not(condition)


def _routed(place: int, chosen: Rule) -> Rule:
    """VJP of what returns the operand at ``place`` wherever ``chosen`` holds of the operands."""
    return lambda g, out, *xs: unbroadcast(np.where(chosen(*xs), g, np.zeros_like(g)), xs[place].shape)


def _passed(chosen: Rule) -> Rule:
    """JVP that goes with ``_routed``."""
    return lambda t, out, *xs: np.where(chosen(*xs), t, np.zeros_like(t))


ADD = binary(
    "add", np.add, (lambda out, x, y: 1, lambda out, x, y: 1), "dL/dx = g,  dL/dy = g", on_complex=HOLOMORPHIC
)
SUBTRACT = binary(
    "subtract",
    np.subtract,
    (lambda out, x, y: 1, lambda out, x, y: -1),
    "dL/dx = g,  dL/dy = -g",
    on_complex=HOLOMORPHIC,
)
MULTIPLY = binary(
    "multiply",
    np.multiply,
    (lambda out, x, y: y, lambda out, x, y: x),
    "dL/dx = g * y,  dL/dy = g * x",
    on_complex=HOLOMORPHIC,
)
DIVIDE = binary(
    "divide",
    np.true_divide,
    (lambda out, x, y: 1 / y, lambda out, x, y: -out / y),
    "dL/dx = g / y,  dL/dy = -g * x / y**2",
    inexact=True,
    on_complex=HOLOMORPHIC,
)
POWER = binary(
    "power",
    np.power,
    (
        # At y = 0 the function is constant: y * x**-1 would be 0 * inf at x = 0, y * x at x = inf.
        lambda out, x, y: y * np.power(x, np.where(y == 0, 0, np.subtract(y, 1)).astype(np.result_type(out))),
        # 0**y is flat in y for y > 0; log(0) would be -inf * 0.
        lambda out, x, y: out * np.log(np.where(x == 0, 1, x)),
    ),
    "dL/dx = g * y * x**(y - 1),  dL/dy = g * x**y * log(x)",
    on_complex=HOLOMORPHIC,
)
MAXIMUM = binary(
    "maximum",
    np.maximum,
    (lambda out, x, y: _share_of_tie(x, y, out), lambda out, x, y: _share_of_tie(y, x, out)),
    "dL/dx = g * (x > y),  dL/dy = g * (y > x),  half each at a tie",
    on_complex=UNORDERED,
)
MINIMUM = binary(
    "minimum",
    np.minimum,
    (lambda out, x, y: _share_of_tie(x, y, out), lambda out, x, y: _share_of_tie(y, x, out)),
    "dL/dx = g * (x < y),  dL/dy = g * (y < x),  half each at a tie",
    on_complex=UNORDERED,
)
MOD = binary(
    "mod",
    np.mod,
    (lambda out, x, y: 1, lambda out, x, y: -np.floor_divide(x, y)),
    "dL/dx = g,  dL/dy = -g * floor(x / y)",
    on_complex=UNORDERED,
)
HYPOT = binary(
    "hypot",
    np.hypot,
    (lambda out, x, y: ratio(x, out), lambda out, x, y: ratio(y, out)),
    "dL/dx = g * x / hypot(x, y),  dL/dy = g * y / hypot(x, y),  0 at the origin",
    inexact=True,
)
ARCTAN2 = binary(
    "arctan2",
    np.arctan2,
    # Divided twice by the radius, as its square may overflow or vanish.
    (
        lambda out, y, x: ratio(ratio(x, np.hypot(y, x)), np.hypot(y, x)),
        lambda out, y, x: -ratio(ratio(y, np.hypot(y, x)), np.hypot(y, x)),
    ),
    "dL/dy = g * x / (x**2 + y**2),  dL/dx = -g * y / (x**2 + y**2),  0 at the origin",
    signature="y, x",
    inexact=True,
)
LOGADDEXP = binary(
    "logaddexp",
    np.logaddexp,
    # As exp(x - out) this would lose digits where both are large.
    (lambda out, x, y: np.exp(-np.logaddexp(0, y - x)), lambda out, x, y: np.exp(-np.logaddexp(0, x - y))),
    "dL/dx = g / (1 + exp(y - x)),  dL/dy = g / (1 + exp(x - y))",
    inexact=True,
)
CLIP = Primitive(
    name="clip",
    formula="dL/dx = g * ((min <= x) & (x <= max)),  dL/dmin = g * (x < min),  dL/dmax = g * (x > max),  "
    "all to max where min >= max",
    shapes=_THREE,
    signature="x, min=None, max=None",
    operands=("x", "min", "max"),
    optional={"min": -math.inf, "max": math.inf},
    scalars=True,
    shape=broadcast_shapes,
    forward=_clip,
    vjps=(_routed(0, _keeps), _routed(1, _lifts), _routed(2, _caps)),
    jvps=(_passed(_keeps), _passed(_lifts), _passed(_caps)),
    casts=True,
    on_complex=UNORDERED,
)

NEGATIVE = holomorphic("negative", np.negative, lambda out, x: -1, "dL/dx = -g", inexact=False)
EXP = holomorphic("exp", np.exp, lambda out, x: out, "dL/dx = g * exp(x)")
EXPM1 = holomorphic("expm1", np.expm1, lambda out, x: np.exp(x), "dL/dx = g * exp(x)")
LOG = holomorphic("log", np.log, lambda out, x: 1 / x, "dL/dx = g / x")
LOG1P = holomorphic("log1p", np.log1p, lambda out, x: 1 / (1 + x), "dL/dx = g / (1 + x)")
SQRT = holomorphic("sqrt", np.sqrt, lambda out, x: 0.5 / out, "dL/dx = g / (2 * sqrt(x))")
SQUARE = holomorphic("square", np.square, lambda out, x: 2 * x, "dL/dx = g * 2 * x", inexact=False)
SIN = holomorphic("sin", np.sin, lambda out, x: np.cos(x), "dL/dx = g * cos(x)")
COS = holomorphic("cos", np.cos, lambda out, x: -np.sin(x), "dL/dx = -g * sin(x)")
TAN = holomorphic("tan", np.tan, lambda out, x: 1 + out * out, "dL/dx = g * (1 + tan(x)**2)")
# 1 - out * out would lose its digits where out is close to 1, cosh(x) ** 2 overflow before its inverse is 0.
TANH = holomorphic("tanh", np.tanh, lambda out, x: (1 / np.cosh(x)) ** 2, "dL/dx = g / cosh(x)**2")
SINH = holomorphic("sinh", np.sinh, lambda out, x: np.cosh(x), "dL/dx = g * cosh(x)")
COSH = holomorphic("cosh", np.cosh, lambda out, x: np.sinh(x), "dL/dx = g * sinh(x)")
ARCSIN = holomorphic(
    "arcsin", np.arcsin, lambda out, x: 1 / np.sqrt((1 - x) * (1 + x)), "dL/dx = g / sqrt(1 - x**2)"
)
ARCCOS = holomorphic(
    "arccos", np.arccos, lambda out, x: -1 / np.sqrt((1 - x) * (1 + x)), "dL/dx = -g / sqrt(1 - x**2)"
)
ARCTAN = holomorphic("arctan", np.arctan, lambda out, x: (1 / _hypot_one(x)) ** 2, "dL/dx = g / (1 + x**2)")
ARCSINH = holomorphic("arcsinh", np.arcsinh, lambda out, x: 1 / _hypot_one(x), "dL/dx = g / sqrt(x**2 + 1)")
ARCCOSH = holomorphic(
    "arccosh", np.arccosh, lambda out, x: 1 / (np.sqrt(x - 1) * np.sqrt(x + 1)), "dL/dx = g / sqrt(x**2 - 1)"
)
ARCTANH = holomorphic("arctanh", np.arctanh, lambda out, x: 1 / ((1 - x) * (1 + x)), "dL/dx = g / (1 - x**2)")
LOG2 = holomorphic("log2", np.log2, lambda out, x: 1 / (x * math.log(2)), "dL/dx = g / (x * log(2))")
LOG10 = holomorphic("log10", np.log10, lambda out, x: 1 / (x * math.log(10)), "dL/dx = g / (x * log(10))")
EXP2 = holomorphic("exp2", np.exp2, lambda out, x: out * math.log(2), "dL/dx = g * 2**x * log(2)")
CBRT = unary("cbrt", np.cbrt, lambda out, x: 1 / (3 * out * out), "dL/dx = g / (3 * cbrt(x)**2)")
RECIPROCAL = holomorphic(
    "reciprocal",
    lambda x: np.true_divide(1, x),  # np.reciprocal(2), of an integer, is 0
    lambda out, x: -out * out,
    "dL/dx = -g / x**2",
)
ERF = unary(
    "erf", erf, lambda out, x: 2 / math.sqrt(math.pi) * np.exp(-x * x), "dL/dx = g * 2/sqrt(pi) * exp(-x**2)"
)
ERFC = unary(
    "erfc",
    erfc,
    lambda out, x: -2 / math.sqrt(math.pi) * np.exp(-x * x),
    "dL/dx = -g * 2/sqrt(pi) * exp(-x**2)",
)

STEPS = (
    *(step(function.__name__, function) for function in (np.sign, np.floor, np.ceil, np.trunc)),
    step(
        "round",
        np.round,
        signature="x, decimals=0",
        shape=rounded_shape,
        dtype=resolved(np.negative),  # as there, integers stay and masks are refused
    ),
)

WHERE = Primitive(
    name="where",
    formula="dL/dx = where(condition, g, 0),  dL/dy = where(condition, 0, g)",
    shapes=_THREE,
    signature="condition, x, y",
    shape=broadcast_shapes,
    forward=np.where,
    dtype=lambda _condition, x, y: np.result_type(x, y),
    casts=True,
    vjps=(None, _routed(1, _holds), _routed(2, _fails)),
    jvps=(None, _passed(_holds), _passed(_fails)),
    on_complex=HOLOMORPHIC,
)

CAST = Primitive(
    name="astype",
    formula="dL/dx = g",
    shapes=_ONE,
    signature="x, dtype",
    operands=("x",),
    shape=lambda x, dtype: x,
    forward=lambda x, dtype: np.asarray(x).astype(dtype),
    dtype=lambda x, dtype: np.dtype(dtype),
    vjps=(lambda g, out, x, dtype: rounded(g, x.dtype),),
    jvps=(lambda t, out, x, dtype: t.astype(dtype),),
    on_complex=HOLOMORPHIC,
)
IDENTITY = holomorphic("identity", np.array, lambda out, x: 1, "dL/dx = g", inexact=False)  # masks have no +x

COMPARISONS = (
    *(
        comparison(function.__name__, function, on_complex=UNORDERED)
        for function in (np.less, np.less_equal, np.greater, np.greater_equal)
    ),
    comparison("equal", np.equal, on_complex=OnComplex.OWN),
    comparison("not_equal", np.not_equal, on_complex=OnComplex.OWN),
)
LOGICAL = (
    comparison("logical_and", np.logical_and),
    comparison("logical_or", np.logical_or),
    comparison("logical_xor", np.logical_xor),
    predicate("logical_not", np.logical_not),
    predicate("isfinite", np.isfinite, on_complex=OnComplex.OWN),
    predicate("isnan", np.isnan, on_complex=OnComplex.OWN),
)

TABLE = (
    ADD, SUBTRACT, MULTIPLY, DIVIDE, POWER, MOD, MAXIMUM, MINIMUM, CLIP, HYPOT, LOGADDEXP,
    NEGATIVE, RECIPROCAL, SQUARE, SQRT, CBRT, *STEPS,
    EXP, EXP2, EXPM1, LOG, LOG2, LOG10, LOG1P, ERF, ERFC,
    SIN, COS, TAN, ARCSIN, ARCCOS, ARCTAN, ARCTAN2,
    SINH, COSH, TANH, ARCSINH, ARCCOSH, ARCTANH,
    WHERE, *COMPARISONS, *LOGICAL,
)  # fmt: skip
