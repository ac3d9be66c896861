"""Activations of neural networks, by torch.nn.functional's names and arguments.

At a kink the gradient lies between the one-sided ones; where one side is flat, as in relu, it is 0.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import Array, Primitive, Rule, as_array, at_least_single, promoted
from gradcheck_cli.autodiff.primitives.elementwise import erfc, unary
from gradcheck_cli.autodiff.primitives.shaping import one_axis
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape

# Klambauer et al. 2017, Self-normalizing neural networks: with these, mean 0 and variance 1 stay so.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805
# Hendrycks, Gimpel 2016: Φ(x) ≈ (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2 = sigmoid(LINEAR x + CUBIC x³).
LINEAR = 2 * math.sqrt(2 / math.pi)
CUBIC = 0.044715 * LINEAR


def nonzero(name: str) -> Rule:
    """Shape rule of an activation that divides by its argument ``name``."""

    def shape(x: Shape, **static: Any) -> Shape:
        if static.get(name) == 0:
            raise ShapeError(f"{name} must not be 0")
        return x

    return shape


def hardtanh_shape(x: Shape, min_val: float, max_val: float) -> Shape:
    """Shape rule of ``hardtanh``."""
    if min_val > max_val:
        raise ShapeError(f"min_val = {min_val} is above max_val = {max_val}")
    return x


def gelu_shape(x: Shape, approximate: str) -> Shape:
    """Shape rule of ``gelu``."""
    if approximate not in {"none", "tanh"}:
        raise ShapeError("approximate must be 'none' or 'tanh'")
    return x


def halved_shape(x: Shape, dim: int) -> Shape:
    """Shape rule of ``glu``: one axis is cut into two halves."""
    place = one_axis(dim, len(x))
    if x[place] % 2:
        raise ShapeError(f"axis {place} of {{0}} has length {int(x[place])}, which has no half")
    return (*x[:place], x[place] // 2, *x[place + 1 :])


def _one_where(condition: Any, out: Array) -> Array:
    """1 where the condition holds, else 0."""
    return as_array(condition).astype(np.result_type(out))


def _sigmoid(x: Array) -> Array:
    """1 / (1 + e⁻ˣ) = eˣ / (1 + eˣ), by the one of which the exponential cannot overflow."""
    decay = np.exp(-np.abs(x))
    return np.where(x < 0, decay, 1) / (1 + decay)


def _sigmoid_slope(x: Array) -> Array:
    """Return s (1 - s) with s = sigmoid(x), where 1 - s itself would round to 0 for x > 37."""
    return _sigmoid(x) * _sigmoid(-x)


def _softplus(x: Array, beta: float = 1.0) -> Array:
    """log(1 + exp(beta x)) / beta for all x; torch's returns x where beta x > 20, which is 2e-9 less."""
    return np.logaddexp(beta * x, 0) / beta


def _elu(x: Array, alpha: float, rate: float = 1.0) -> Array:
    """Return x where it is positive, else alpha (exp(rate x) - 1)."""
    return np.where(x > 0, x, alpha * np.expm1(rate * np.minimum(x, 0)))


def _elu_slope(x: Array, alpha: float, rate: float = 1.0) -> Array:
    return np.where(x > 0, 1, alpha * rate * np.exp(rate * np.minimum(x, 0)))


def _gelu_gate(x: Array, approximate: str) -> Array:
    """Φ(x), the normal distribution, or the sigmoid that is close to it; gelu(x) = x Φ(x)."""
    if approximate == "tanh":
        return _sigmoid(x * (LINEAR + CUBIC * x * x))
    return 0.5 * erfc(-math.sqrt(0.5) * x)  # 1 + erf would round to 0 for x < -8


def _gelu_slope(x: Array, approximate: str) -> Array:
    """Φ(x) + x Φ'(x)."""
    gate = _gelu_gate(x, approximate)
    if approximate == "tanh":
        rise = x * gate * _gelu_gate(-x, approximate)
        return gate + LINEAR * rise + 3 * CUBIC * rise * x * x  # far out rise is 0 before x * x is inf
    return gate + x * np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)


def _mish_slope(x: Array) -> Array:
    gate = np.tanh(_softplus(x))
    return gate + x * (1 - gate * gate) * _sigmoid(x)


def _hardsigmoid(x: Array) -> Array:
    return np.clip(x + 3, 0, 6) / 6


def _glu(x: Array, dim: int) -> Array:
    """Return a * sigmoid(b) for x = (a, b) along ``dim``."""
    value, gate = np.split(x, 2, axis=dim)
    return value * _sigmoid(gate)


def _glu_vjp(g: Array, out: Array, x: Array, dim: int) -> Array:
    value, gate = np.split(x, 2, axis=dim)
    return np.concatenate([g * _sigmoid(gate), g * value * _sigmoid_slope(gate)], axis=dim)


def _glu_jvp(t: Array, out: Array, x: Array, dim: int) -> Array:
    value, gate = np.split(x, 2, axis=dim)
    value_moved, gate_moved = np.split(t, 2, axis=dim)
    return value_moved * _sigmoid(gate) + gate_moved * value * _sigmoid_slope(gate)


SIGMOID = unary(
    "sigmoid",
    _sigmoid,
    lambda out, x: _sigmoid_slope(x),
    "dL/dx = g * s * (1 - s),  s = sigmoid(x)",
)
LOGSIGMOID = unary(
    "logsigmoid",
    lambda x: -_softplus(-x),
    lambda out, x: _sigmoid(-x),
    "dL/dx = g * sigmoid(-x)",
)
SOFTPLUS = unary(
    "softplus",
    _softplus,
    lambda out, x, beta=1.0: _sigmoid(beta * x),
    "dL/dx = g * sigmoid(beta * x)",
    signature="x, beta=1.0",
    shape=nonzero("beta"),
)
SOFTSIGN = unary(
    "softsign",
    lambda x: x / (1 + np.abs(x)),
    lambda out, x: (1 / (1 + np.abs(x))) ** 2,  # the square alone may overflow
    "dL/dx = g / (1 + abs(x))**2",
)
TANHSHRINK = unary(
    "tanhshrink",
    at_least_single(lambda x: x - np.tanh(x)),
    lambda out, x: np.tanh(x) ** 2,
    "dL/dx = g * tanh(x)**2",
)
RELU = unary(
    "relu",
    lambda x: np.maximum(x, 0),
    lambda out, x: _one_where(x > 0, out),
    "dL/dx = g * (x > 0)",
    inexact=False,
    dtype=lambda x: promoted(x, 0),  # a mask becomes integer
)
RELU6 = unary(
    "relu6",
    lambda x: np.clip(x, 0, 6),
    lambda out, x: _one_where((x > 0) & (x < 6), out),
    "dL/dx = g * ((0 < x) & (x < 6))",
    inexact=False,
    dtype=lambda x: promoted(x, 0),
)
LEAKY_RELU = unary(
    "leaky_relu",
    lambda x, negative_slope: np.where(x > 0, x, negative_slope * x),
    lambda out, x, negative_slope: np.where(x > 0, np.ones_like(x), negative_slope),
    "dL/dx = g * where(x > 0, 1, negative_slope)",
    signature="x, negative_slope=0.01",
)
ELU = unary(
    "elu",
    _elu,
    lambda out, x, alpha: _elu_slope(x, alpha),
    "dL/dx = g * where(x > 0, 1, alpha * exp(x))",
    signature="x, alpha=1.0",
)
CELU = unary(
    "celu",
    lambda x, alpha: _elu(x, alpha, 1 / alpha),
    lambda out, x, alpha: _elu_slope(x, alpha, 1 / alpha),
    "dL/dx = g * where(x > 0, 1, exp(x / alpha))",
    signature="x, alpha=1.0",
    shape=nonzero("alpha"),
)
SELU = unary(
    "selu",
    lambda x: SELU_SCALE * _elu(x, SELU_ALPHA),
    lambda out, x: SELU_SCALE * _elu_slope(x, SELU_ALPHA),
    "dL/dx = g * c * where(x > 0, 1, a * exp(x)),  a = 1.6732632423543772,  c = 1.0507009873554805",
)
GELU = unary(
    "gelu",
    lambda x, approximate: x * _gelu_gate(x, approximate),
    lambda out, x, approximate: _gelu_slope(x, approximate),
    "dL/dx = g * (Φ(x) + x * Φ'(x)),  Φ the normal distribution or its approximation by tanh",
    signature="x, approximate='none'",
    shape=gelu_shape,
)
SILU = unary(
    "silu",
    lambda x: x * _sigmoid(x),
    lambda out, x: _sigmoid(x) * (1 + x * _sigmoid(-x)),
    "dL/dx = g * s * (1 + x * (1 - s)),  s = sigmoid(x)",
)
MISH = unary(
    "mish",
    lambda x: x * np.tanh(_softplus(x)),
    lambda out, x: _mish_slope(x),
    "dL/dx = g * (m + x * (1 - m**2) * sigmoid(x)),  m = tanh(softplus(x))",
)
HARDTANH = unary(
    "hardtanh",
    lambda x, min_val, max_val: np.minimum(np.maximum(x, min_val), max_val),
    lambda out, x, min_val, max_val: _one_where((min_val < x) & (x < max_val), out),
    "dL/dx = g * ((min_val < x) & (x < max_val))",
    signature="x, min_val=-1.0, max_val=1.0",
    shape=hardtanh_shape,
)
HARDSIGMOID = unary(
    "hardsigmoid",
    _hardsigmoid,
    lambda out, x: _one_where(np.abs(x) < 3, out) / 6,
    "dL/dx = g / 6 * ((-3 < x) & (x < 3))",
)
HARDSWISH = unary(
    "hardswish",
    lambda x: x * _hardsigmoid(x),
    lambda out, x: np.where(np.abs(x) < 3, x / 3 + 0.5, _one_where(x > 0, out)),
    "dL/dx = g * where((-3 < x) & (x < 3), x / 3 + 1/2, x > 0)",
)
GLU = Primitive(
    name="glu",
    formula="dL/da = g * s,  dL/db = g * a * s * (1 - s)  for x = (a, b) along dim,  s = sigmoid(b)",
    shapes="(…, 2*N, …) → (…, N, …)",
    signature="x, dim=-1",
    shape=halved_shape,
    forward=at_least_single(_glu),  # a small sigmoid times a large value
    vjps=(at_least_single(_glu_vjp),),
    jvps=(at_least_single(_glu_jvp),),
    casts=True,
    inexact=True,
)

TABLE = (
    SIGMOID, LOGSIGMOID, SOFTPLUS, SOFTSIGN, TANHSHRINK, RELU, RELU6, LEAKY_RELU, ELU, CELU, SELU,
    GELU, SILU, MISH, HARDTANH, HARDSIGMOID, HARDSWISH, GLU,
)  # fmt: skip
