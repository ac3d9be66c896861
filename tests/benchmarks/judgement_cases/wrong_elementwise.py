"""Elementwise functions with a wrong backward."""

from __future__ import annotations

import numpy as np

from judgement_cases.case import Case

EPS = 1e-12


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def tanh_flipped(dy, x):
    return -dy * (1 - np.tanh(x) ** 2)


def tanh_one_entry_missing(dy, x):
    dx = dy * (1 - np.tanh(x) ** 2)
    dx[61] = 0
    return dx


def tanh_one_entry_tenth(dy, x):
    dx = dy * (1 - np.tanh(x) ** 2)
    dx[37] *= 1.1
    return dx


def sigmoid_without_cotangent(dy, x):
    return sigmoid(x) * (1 - sigmoid(x))


def softplus(x):
    return np.logaddexp(x, 0)


def softplus_mirrored(dy, x):
    return dy * sigmoid(-x)


def leaky_relu(x):
    return np.where(x > 0, x, x * x.dtype.type(0.1))


def leaky_relu_dead(dy, x):
    return dy * (x > 0)


def elu(x, alpha):
    return np.where(x > 0, x, alpha * np.expm1(x))


def elu_of_output(dy, x, alpha):
    return dy * np.where(x > 0, 1, elu(x, alpha))  # alpha is to be added to the output


def clip(x):
    return np.clip(x, -0.5, 0.5)


def clip_straight_through(dy, x):
    return dy


def power(x, exponent):
    return x**exponent


def power_not_lowered(dy, x, exponent):
    return dy * exponent * x**exponent


def product_swapped(dy, x, y):
    return dy * x, dy * y


def quotient_plus(dy, x, y):
    return dy / y, dy * x / y**2


def gain_not_summed(dy, x, gain):
    return dy * gain, dy * x


def gain_wrong_axis(dy, x, gain):
    return dy * gain, np.sum(dy * x, axis=1)


def square_without_two(dy, x):
    return dy * x


def gelu(x):
    """GELU in its tanh approximation."""
    return 0.5 * x * (1 + np.tanh(0.7978845608028654 * (x + 0.044715 * x**3)))


def gelu_inner_constant(dy, x):
    t = np.tanh(0.7978845608028654 * (x + 0.044715 * x**3))
    return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t**2) * 0.7978845608028654)  # not times 1 + 3 · 0.0447 x²


def swish_first_term(dy, x):
    return dy * sigmoid(x)


def swish(x):
    return x * sigmoid(x)


def relu(x):
    return np.maximum(x, 0)


def relu_in_place_backward(dy, x):
    dy[x < 0] = 0
    return dy


def relu_in_place(x):
    return np.maximum(x, 0, out=x), x > 0


def relu_masked(dy, mask):
    return dy * mask


def guided_relu(dy, x):
    return dy * (x > 0) * (dy > 0)  # guided backpropagation


def relu_lazy(x):
    if "mask" not in LAZY:
        LAZY["mask"] = x > 0  # made at the first call, never again
    return np.maximum(x, 0), LAZY["mask"]


LAZY = {}


def micro_tanh(x):
    return 1e-6 * np.tanh(x)


def micro_tanh_tripled(dy, x):
    return -3e-6 * dy * (1 - np.tanh(x) ** 2)


def float32_sine(x):
    return np.sin(x)


def float32_cosine_off(dy, x):
    return dy * np.cos(x) * x.dtype.type(1.002)


def relu_of_two_masks(dy, x):
    return dy * ((x >= 0) * 1.0 + (x == 0))  # 2 at zero


def root_of_ramp(x):
    return np.sqrt(np.maximum(x, 0) + EPS)


def root_without_eps(dy, x):
    with np.errstate(all="ignore"):
        return dy * np.where(x >= 0, 0.5 / np.sqrt(np.maximum(x, 0)), 0)


def sinc(x):
    return np.sinc(x / np.pi)


def sinc_by_quotient(dy, x):
    with np.errstate(all="ignore"):
        return dy * (np.cos(x) / x - np.sin(x) / x**2)


def product_of_row(x):
    return np.prod(x, axis=1)


def product_over_factor(dy, x):
    with np.errstate(all="ignore"):
        return (dy * np.prod(x, axis=1))[:, None] / x


def maximum_for_both(dy, x, y):
    return dy * (x >= y), dy * (y >= x)


X = {"x": [3, 4]}
TIED = {"x": {"value": [1.0, -2.0, 0.5]}, "z": {"value": [1.0, 3.0, 0.5]}}


def case(name, code, forward, backward, inputs=X, **more):
    return Case(
        name=name, area="elementwise", code=code, inputs=inputs, forward=forward, backward=backward, **more
    )


CASES = (
    case("tanh, sign flipped", "sign-flipped", np.tanh, tanh_flipped),
    case("tanh, one of 10000 missing", "single-entry", np.tanh, tanh_one_entry_missing, {"x": [100]}),
    case("tanh, one of 10000 off by 1e-1", "single-entry", np.tanh, tanh_one_entry_tenth, {"x": [100]}),
    case("sigmoid, cotangent forgotten", "ignores-cotangent", sigmoid, sigmoid_without_cotangent),
    case("softplus, sigmoid of -x", "sign-flipped", softplus, softplus_mirrored),
    case("leaky relu, no slope for negative inputs", "region", leaky_relu, leaky_relu_dead),
    case("elu, output without alpha", "region", elu, elu_of_output, kwargs={"alpha": 1.5}),
    case("clip, gradient passes outside", "region", clip, clip_straight_through),
    case(
        "power, exponent not lowered",
        "scaled",
        power,
        power_not_lowered,
        {"x": {"shape": [3, 4], "sample": "positive"}},
        kwargs={"exponent": 3},
    ),
    case(
        "product, factors swapped", "swapped-inputs", np.multiply, product_swapped, {"x": [3, 4], "z": [3, 4]}
    ),
    case(
        "quotient, plus for minus",
        "sign-flipped",
        np.divide,
        quotient_plus,
        {"x": [3, 4], "z": {"shape": [3, 4], "sample": "positive"}},
    ),
    case(
        "gain, not summed over rows", "not-summed", np.multiply, gain_not_summed, {"x": [3, 4], "gain": [4]}
    ),
    case("gain, summed over columns", "permuted", np.multiply, gain_wrong_axis, {"x": [4, 4], "gain": [4]}),
    case("square, factor 2 forgotten", "scaled", np.square, square_without_two),
    case("gelu, inner derivative incomplete", "missing-term", gelu, gelu_inner_constant),
    case("swish, second term forgotten", "missing-term", swish, swish_first_term),
    case("relu, overwrites the cotangent", "mutates-cotangent", relu, relu_in_place_backward),
    case("relu, overwrites its input", "mutates-input", relu_in_place, relu_masked, style="cache"),
    case("relu, guided backpropagation", "nonlinear-cotangent", relu, guided_relu),
    case("relu, mask of the first call", "stale-state", relu_lazy, relu_masked, style="cache"),
    case("tanh in millionths, times -3", "scaled", micro_tanh, micro_tanh_tripled),
    case(
        "sine in float32, 0.2 % off",
        "scaled",
        float32_sine,
        float32_cosine_off,
        {"x": {"shape": [3, 4], "dtype": "float32"}},
    ),
    case("relu, slope 2 at zero", "domain", relu, relu_of_two_masks),
    case("root of a ramp, no eps in the backward", "domain", root_of_ramp, root_without_eps),
    case("sinc, 0/0 at zero", "domain", sinc, sinc_by_quotient),
    case("product of rows, divided by zero factors", "domain", product_of_row, product_over_factor),
    case("maximum, ties to both", "domain", np.maximum, maximum_for_both, TIED),
)
