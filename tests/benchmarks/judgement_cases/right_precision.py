"""Right backwards in float32 and float16, and functions that are less precise inside than their outputs."""

from __future__ import annotations

import numpy as np

from judgement_cases.case import Case

SINGLE, HALF = np.float32, np.float16


def triple(x):
    return 3 * x


def triple_backward(dy, x):
    return 3 * dy


def linear(x, w, b):
    return x @ w + b


def linear_backward(dy, x, w, b):
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)


def softmax(x):
    weights = np.exp(x - x.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def softmax_backward(dy, x):
    y = softmax(x)
    return y * (dy - np.sum(dy * y, axis=-1, keepdims=True))


def layer_norm(x, gain, bias):
    centred = x - x.mean(axis=-1, keepdims=True)
    scale = 1 / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + 1e-5)
    return gain * (centred * scale) + bias, (centred * scale, scale, gain)


def layer_norm_backward(dy, cache):
    normed, scale, gain = cache
    dn = dy * gain
    mean = dn.mean(axis=-1, keepdims=True)
    dx = scale * (dn - mean - normed * np.mean(dn * normed, axis=-1, keepdims=True))
    return dx, np.sum(dy * normed, axis=0), dy.sum(axis=0)


def half_layer_norm(x, gain, bias):
    """Half precision outside, single precision inside, as mixed-precision training does it."""
    y, cache = layer_norm(*(one.astype(SINGLE) for one in (x, gain, bias)))
    return y.astype(HALF), cache


def half_layer_norm_backward(dy, cache):
    return tuple(one.astype(HALF) for one in layer_norm_backward(dy.astype(SINGLE), cache))


def windows(x, size):
    return np.lib.stride_tricks.sliding_window_view(x, size, axis=-1)


def convolution(x, kernel):
    return np.einsum("ctk,ock->ot", windows(x, kernel.shape[-1]), kernel)


def convolution_backward(dy, x, kernel):
    size = kernel.shape[-1]
    padded = np.pad(dy, [(0, 0), (size - 1, size - 1)])
    dx = np.einsum("otk,ock->ct", windows(padded, size), kernel[..., ::-1])
    return dx, np.einsum("ot,ctk->ock", dy, windows(x, size))


def attention(q, k, v):
    weights = softmax(q @ k.T / np.sqrt(q.dtype.type(q.shape[1])))
    return weights @ v


def attention_backward(dy, q, k, v):
    root = np.sqrt(q.dtype.type(q.shape[1]))
    scores = q @ k.T / root
    dscores = softmax_backward(dy @ v.T, scores) / root
    return dscores @ k, dscores.T @ q, softmax(scores).T @ dy


def cross_entropy(logits, labels):
    rest = logits - logits.max(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    return np.mean(np.log(np.exp(rest).sum(axis=1)) - rest[rows, labels])


def cross_entropy_backward(dy, logits, labels):
    gradient = softmax(logits)
    gradient[np.arange(len(labels)), labels] -= 1
    return dy * gradient / logits.dtype.type(len(labels)), None


def running_sum(x):
    """One addition after the other, as a loop does it; ``np.sum`` adds by pairs."""
    return np.cumsum(x * x)[-1]


def running_sum_backward(dy, x):
    return 2 * dy * x


def squares(x):
    return x * x


def squares_backward(dy, x):
    return 2 * dy * x


def single_inside(x):
    return np.tanh(x.astype(SINGLE)).astype(np.float64)


def single_inside_backward(dy, x):
    return dy * (1 - np.tanh(x) ** 2)


def half_inside(x, w):
    return (x.astype(HALF) @ w.astype(HALF)).astype(np.float64)


def half_inside_backward(dy, x, w):
    return dy @ w.T, x.T @ dy


def narrowed(x, w):
    """Double precision inside, single precision at the end."""
    return np.exp(x @ w).astype(SINGLE)


def narrowed_backward(dy, x, w):
    dz = dy * np.exp(x @ w)
    return dz @ w.T, x.T @ dz


def double_sine(x):
    return np.sin(x)


def double_sine_backward(dy, x):
    """Computed in single precision, as on an accelerator, and handed back in double."""
    return (dy.astype(SINGLE) * np.cos(x.astype(SINGLE))).astype(np.float64)


def of(dtype, shape, **sample):
    """Write an input of a dtype."""
    return {"shape": shape, "dtype": dtype, **({"sample": sample} if sample else {})}


ATTENTION = {"q": [3, 4], "k": [5, 4], "v": [5, 2]}
LINEAR = {"x": [3, 4], "w": [4, 2], "b": [2]}
NORM = {"x": [3, 5], "gain": [5], "bias": [5]}


def inputs(dtype, shapes):
    """Write inputs of one dtype."""
    return {name: of(dtype, shape) for name, shape in shapes.items()}


def case(name, dtype, shapes, forward, backward, style="stateless"):
    """Write a case whose inputs are of one dtype."""
    return Case(
        name=name, area=dtype, inputs=inputs(dtype, shapes), forward=forward, backward=backward, style=style
    )


CASES = (
    case("float32 3x", "float32", {"x": [5]}, triple, triple_backward),
    case("float16 3x", "float16", {"x": [5]}, triple, triple_backward),
    case("float32 linear layer", "float32", LINEAR, linear, linear_backward),
    case("float16 linear layer", "float16", LINEAR, linear, linear_backward),
    case("float32 softmax", "float32", {"x": [2, 5]}, softmax, softmax_backward),
    case("float16 softmax", "float16", {"x": [2, 5]}, softmax, softmax_backward),
    case("float32 layer norm", "float32", NORM, layer_norm, layer_norm_backward, "cache"),
    case(
        "float16 layer norm, single inside",
        "float16",
        NORM,
        half_layer_norm,
        half_layer_norm_backward,
        "cache",
    ),
    case(
        "float32 convolution",
        "float32",
        {"x": [2, 9], "kernel": [3, 2, 3]},
        convolution,
        convolution_backward,
    ),
    case("float32 attention", "float32", ATTENTION, attention, attention_backward),
    case("float16 attention", "float16", ATTENTION, attention, attention_backward),
    Case(
        name="float32 cross entropy",
        area="float32",
        inputs={
            "logits": of("float32", [4, 3]),
            "labels": of("int64", [4], integers=[0, 3]),
        },
        forward=cross_entropy,
        backward=cross_entropy_backward,
    ),
    case("float32 sum over many terms", "float32", {"x": [100]}, running_sum, running_sum_backward),
    Case(
        name="float32 squares far from zero",
        area="float32",
        inputs={"x": of("float32", [5], normal=[1000, 1])},
        forward=squares,
        backward=squares_backward,
    ),
    Case(
        name="float32 input beside a float64 one",
        area="float32",
        inputs={"x": of("float32", [3, 4]), "w": [4, 2], "b": [2]},
        forward=linear,
        backward=linear_backward,
    ),
    Case(
        name="float32 inside a float64 function",
        area="float32",
        inputs={"x": [6]},
        forward=single_inside,
        backward=single_inside_backward,
    ),
    Case(
        name="float16 inside a float64 function",
        area="float16",
        inputs={"x": [2, 3], "w": [3, 2]},
        forward=half_inside,
        backward=half_inside_backward,
    ),
    Case(
        name="float32 output of float64 inputs",
        area="float32",
        inputs={"x": [2, 3], "w": [3, 2]},
        forward=narrowed,
        backward=narrowed_backward,
    ),
    Case(
        name="float32 layer norm far from zero",
        area="float32",
        inputs={**inputs("float32", NORM), "x": of("float32", [3, 5], normal=[100, 1])},
        forward=layer_norm,
        backward=layer_norm_backward,
        style="cache",
    ),
    Case(
        name="float64 function with a float32 backward",
        area="float32",
        inputs={"x": [6]},
        forward=double_sine,
        backward=double_sine_backward,
    ),
)
