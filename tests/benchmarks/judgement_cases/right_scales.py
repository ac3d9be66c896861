"""Right backwards of very large and very small numbers, of saturation, and at the border of a domain."""

from __future__ import annotations

import numpy as np

from judgement_cases.case import Case


def scaled_sine(x, size):
    return size * np.sin(x)


def scaled_sine_backward(dy, x, size):
    return dy * size * np.cos(x)


def fine_sine(x, unit):
    return np.sin(x / unit)


def fine_sine_backward(dy, x, unit):
    return dy * np.cos(x / unit) / unit


def square(x):
    return x * x


def square_backward(dy, x):
    return 2 * dy * x


def log_sum_exp(x):
    largest = x.max(axis=-1)
    return largest + np.log(np.exp(x - largest[..., None]).sum(axis=-1))


def log_sum_exp_backward(dy, x):
    return dy[..., None] * softmax(x)


def softmax(x):
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def softmax_backward(dy, x):
    y = softmax(x)
    return y * (dy - np.sum(dy * y, axis=-1, keepdims=True))


def sigmoid(x):
    half = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, half) / (1.0 + half)


def sigmoid_backward(dy, x):
    return dy * sigmoid(x) * sigmoid(-x)


def tanh(x):
    return np.tanh(x)


def tanh_backward(dy, x):
    return dy * (1.0 - np.tanh(x) ** 2)


def bell(x):
    return np.exp(-x * x)


def bell_backward(dy, x):
    return -2.0 * dy * x * np.exp(-x * x)


def log(x):
    return np.log(x)


def log_backward(dy, x):
    return dy / x


def root(x):
    return np.sqrt(x)


def root_backward(dy, x):
    return 0.5 * dy / np.sqrt(x)


def entropy(x):
    return -x * np.log(x)


def entropy_backward(dy, x):
    return -dy * (np.log(x) + 1.0)


def ratio(a, b):
    return a / b


def ratio_backward(dy, a, b):
    return dy / b, -dy * a / (b * b)


def unit_vector(x):
    return x / np.sqrt(np.sum(x * x, axis=-1, keepdims=True))


def unit_vector_backward(dy, x):
    length = np.sqrt(np.sum(x * x, axis=-1, keepdims=True))
    y = x / length
    return (dy - y * np.sum(dy * y, axis=-1, keepdims=True)) / length


def soft_length(x):
    return np.sqrt(np.sum(x * x) + 1e-12)


def soft_length_backward(dy, x):
    return dy * x / soft_length(x)


def product(x):
    return np.prod(x)


def product_backward(dy, x):
    before = np.concatenate([[1.0], np.cumprod(x[:-1])])
    after = np.concatenate([np.cumprod(x[:0:-1])[::-1], [1.0]])
    return dy * before * after


def magnified(x, sizes):
    return np.array(sizes) * np.tanh(x)


def magnified_backward(dy, x, sizes):
    return dy * np.array(sizes) / np.cosh(x) ** 2


def arc_cosine(x):
    return np.arccos(x)


def arc_cosine_backward(dy, x):
    return -dy / np.sqrt(1.0 - x * x)


def power(x, exponent):
    return x**exponent


def power_backward(dy, x, exponent):
    return dy * exponent * x ** (exponent - 1.0), dy * x**exponent * np.log(x)


def constant(x):
    return 3.0 + 0.0 * x


def constant_backward(dy, x):
    return np.zeros_like(x)


def dead_relu(x):
    return np.maximum(x - 10.0, 0.0)


def dead_relu_backward(dy, x):
    return dy * (x > 10.0)


def binary_cross_entropy(logits, targets):
    return np.maximum(logits, 0.0) - logits * targets + np.log1p(np.exp(-np.abs(logits)))


def binary_cross_entropy_backward(dy, logits, targets):
    return dy * (sigmoid(logits) - targets), -dy * logits


def inputs(**values):
    """Write fixed inputs."""
    return {name: {"value": value} for name, value in values.items()}


CASES = (
    *(
        Case(
            name=f"sine of size {size:g}",
            area="scales",
            inputs={"x": [5]},
            forward=scaled_sine,
            backward=scaled_sine_backward,
            kwargs={"size": size},
        )
        for size in (1e-12, 1e-6, 1e6, 1e12)
    ),
    *(
        Case(
            name=f"sine of inputs of size {unit:g}",
            area="scales",
            inputs={"x": {"shape": [5], "sample": {"uniform": [-2 * unit, 2 * unit]}}},
            forward=fine_sine,
            backward=fine_sine_backward,
            kwargs={"unit": unit},
        )
        for unit in (1e-12, 1e-6, 1e6, 1e12)
    ),
    Case(
        name="sine of period 1e-8 at zero",
        area="scales",
        inputs=inputs(x=[0.0, 0.0]),
        forward=fine_sine,
        backward=fine_sine_backward,
        kwargs={"unit": 1e-9},
    ),
    Case(
        name="outputs of all sizes",
        area="scales",
        inputs={"x": [4]},
        forward=magnified,
        backward=magnified_backward,
        kwargs={"sizes": [1e-12, 1e-4, 1.0, 1e12]},
    ),
    Case(
        name="squares of huge numbers",
        area="scales",
        inputs=inputs(x=[1e150, -3e149, 2e120]),
        forward=square,
        backward=square_backward,
    ),
    Case(
        name="squares of numbers of all sizes",
        area="scales",
        inputs=inputs(x=[1e-9, -2e-3, 1.5, 3e6]),
        forward=square,
        backward=square_backward,
    ),
    Case(
        name="log-sum-exp of ±1000",
        area="scales",
        inputs=inputs(x=[[1000.0, 999.0, -1000.0], [-1000.0, -1001.5, -999.0]]),
        forward=log_sum_exp,
        backward=log_sum_exp_backward,
    ),
    Case(
        name="saturated softmax",
        area="scales",
        inputs=inputs(x=[[70.0, 1.0, 0.0], [-40.0, 30.0, 29.0]]),
        forward=softmax,
        backward=softmax_backward,
    ),
    Case(
        name="saturated sigmoid",
        area="scales",
        inputs=inputs(x=[-70.0, -30.0, 0.5, 30.0, 70.0]),
        forward=sigmoid,
        backward=sigmoid_backward,
    ),
    Case(
        name="saturated tanh",
        area="scales",
        inputs=inputs(x=[-25.0, -8.0, 0.5, 12.0, 400.0]),
        forward=tanh,
        backward=tanh_backward,
    ),
    Case(
        name="bell that underflows to zero",
        area="scales",
        inputs=inputs(x=[-40.0, -6.0, 0.5, 27.0]),
        forward=bell,
        backward=bell_backward,
    ),
    Case(
        name="log of tiny numbers",
        area="domain",
        inputs={"x": {"value": [1e-8, 1e-30, 1e-300, 2.0]}},
        forward=log,
        backward=log_backward,
    ),
    Case(
        name="log of small positive numbers",
        area="domain",
        inputs={"x": {"shape": [5], "sample": {"uniform": [1e-8, 1e-6]}}},
        forward=log,
        backward=log_backward,
    ),
    Case(
        name="square root of tiny numbers",
        area="domain",
        inputs={"x": {"value": [1e-8, 1e-30, 1e-300, 2.0]}},
        forward=root,
        backward=root_backward,
    ),
    Case(
        name="entropy of probabilities down to 1e-12",
        area="domain",
        inputs={"x": {"value": [1e-12, 1e-5, 0.3, 0.69999]}},
        forward=entropy,
        backward=entropy_backward,
    ),
    Case(
        name="arc cosine up to the ends of its domain",
        area="domain",
        inputs={"x": {"shape": [5], "sample": {"uniform": [-1, 1]}}},
        forward=arc_cosine,
        backward=arc_cosine_backward,
    ),
    Case(
        name="power by base and exponent",
        area="domain",
        inputs={"x": {"shape": [4], "sample": "positive"}, "exponent": [4]},
        forward=power,
        backward=power_backward,
    ),
    Case(
        name="constant function",
        area="scales",
        inputs={"x": [4]},
        forward=constant,
        backward=constant_backward,
    ),
    Case(
        name="relu that is never active",
        area="scales",
        inputs={"x": [4]},
        forward=dead_relu,
        backward=dead_relu_backward,
    ),
    Case(
        name="division by small numbers",
        area="scales",
        inputs=inputs(a=[1.0, -2.0, 3.0], b=[1e-8, -1e-5, 1e-3]),
        forward=ratio,
        backward=ratio_backward,
    ),
    Case(
        name="direction of tiny vectors",
        area="scales",
        inputs=inputs(x=[[3e-10, -4e-10, 1e-10], [1e-120, 2e-120, -2e-120]]),
        forward=unit_vector,
        backward=unit_vector_backward,
    ),
    Case(
        name="smoothed length near its floor",
        area="scales",
        inputs=inputs(x=[1e-7, -2e-6, 3e-8]),
        forward=soft_length,
        backward=soft_length_backward,
    ),
    Case(
        name="product of numbers of all sizes",
        area="scales",
        inputs=inputs(x=[1e-6, 2e5, -3.0, 1e-3]),
        forward=product,
        backward=product_backward,
    ),
    Case(
        name="cross entropy of certain predictions",
        area="losses",
        inputs=inputs(logits=[-800.0, 35.0, 0.25, 800.0], targets=[0.0, 1.0, 0.5, 0.0]),
        forward=binary_cross_entropy,
        backward=binary_cross_entropy_backward,
    ),
)
