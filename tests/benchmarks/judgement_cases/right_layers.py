"""Right backwards of layers and losses as they are used."""

from __future__ import annotations

import math

import numpy as np

from judgement_cases.case import Case
from judgement_cases.right_scales import log_sum_exp, softmax, softmax_backward

SPREAD = {"shape": [8, 3], "sample": {"normal": [5, 1e-5]}}


def batch_norm(x, gain, bias):
    centred = x - x.mean(axis=0)
    scale = 1.0 / np.sqrt(np.mean(centred**2, axis=0) + 1e-12)
    return gain * centred * scale + bias, (centred * scale, scale, gain)


def batch_norm_backward(dy, cache):
    normed, scale, gain = cache
    dn = dy * gain
    dx = scale * (dn - dn.mean(axis=0) - normed * np.mean(dn * normed, axis=0))
    return dx, np.sum(dy * normed, axis=0), dy.sum(axis=0)


def group_norm(x, groups):
    parts = x.reshape(len(x), groups, -1)
    centred = parts - parts.mean(axis=-1, keepdims=True)
    return (centred / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + 1e-5)).reshape(x.shape)


def group_norm_backward(dy, x, groups):
    parts = x.reshape(len(x), groups, -1)
    centred = parts - parts.mean(axis=-1, keepdims=True)
    scale = 1.0 / np.sqrt(np.mean(centred**2, axis=-1, keepdims=True) + 1e-5)
    normed, dn = centred * scale, dy.reshape(parts.shape)
    rest = dn.mean(axis=-1, keepdims=True) + normed * np.mean(dn * normed, axis=-1, keepdims=True)
    return (scale * (dn - rest)).reshape(x.shape)


def root_mean_square_norm(x, gain):
    return gain * x / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-6)


def root_mean_square_norm_backward(dy, x, gain):
    scale = 1.0 / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-6)
    dn, normed = dy * gain, x * scale
    return scale * (dn - normed * np.mean(dn * normed, axis=-1, keepdims=True)), np.sum(dy * normed, axis=0)


def image_windows(image, size, stride):
    views = np.lib.stride_tricks.sliding_window_view(image, (size, size), axis=(1, 2))
    return views[:, ::stride, ::stride]


def convolution(image, kernel, stride, padding):
    padded = np.pad(image, [(0, 0), (padding, padding), (padding, padding)])
    return np.einsum("crskl,ockl->ors", image_windows(padded, kernel.shape[-1], stride), kernel)


def convolution_backward(dy, image, kernel, stride, padding):
    size = kernel.shape[-1]
    padded = np.pad(image, [(0, 0), (padding, padding), (padding, padding)])
    gradient = np.zeros_like(padded)
    for row in range(size):
        for column in range(size):
            rows = slice(row, row + stride * dy.shape[1], stride)
            columns = slice(column, column + stride * dy.shape[2], stride)
            gradient[:, rows, columns] += np.einsum("ors,oc->crs", dy, kernel[:, :, row, column])
    inner = gradient[:, padding : padding + image.shape[1], padding : padding + image.shape[2]]
    return inner, np.einsum("ors,crskl->ockl", dy, image_windows(padded, size, stride))


def average_pool(image):
    return image_windows(image, 2, 2).mean(axis=(-2, -1))


def average_pool_backward(dy, image):
    return np.repeat(np.repeat(dy, 2, axis=1), 2, axis=2) / 4.0


def causal_attention(q, k, v):
    hidden = np.triu(np.ones((len(q), len(k)), dtype=bool), 1)
    weights = softmax(np.where(hidden, -np.inf, q @ k.T / math.sqrt(q.shape[1])))
    return weights @ v, (weights, q, k, v)


def causal_attention_backward(dy, cache):
    weights, q, k, v = cache
    dweights = dy @ v.T
    dscores = weights * (dweights - np.sum(weights * dweights, axis=1, keepdims=True))
    return dscores @ k / math.sqrt(q.shape[1]), dscores.T @ q / math.sqrt(q.shape[1]), weights.T @ dy


def cross_entropy(logits, labels):
    return np.mean(log_sum_exp(logits) - logits[np.arange(len(labels)), labels])


def cross_entropy_backward(dy, logits, labels):
    gradient = softmax(logits)
    gradient[np.arange(len(labels)), labels] -= 1.0
    return dy * gradient / len(labels), None


def divergence(logits, target):
    """KL(target ‖ softmax(logits)), of a target that sums to 1 and may be 0 in places."""
    scores = logits - log_sum_exp(logits)[..., None]
    return np.sum(
        np.where(target > 0, target * np.log(np.where(target > 0, target, 1.0)), 0.0) - target * scores
    )


def divergence_backward(dy, logits, target):
    return dy * (target.sum(axis=-1, keepdims=True) * softmax(logits) - target)


def cosine_similarity(a, b):
    return np.sum(a * b, axis=1) / np.sqrt(np.sum(a * a, axis=1) * np.sum(b * b, axis=1))


def cosine_similarity_backward(dy, a, b):
    aa, bb = np.sum(a * a, axis=1), np.sum(b * b, axis=1)
    root, cosine = np.sqrt(aa * bb), cosine_similarity(a, b)
    da = b / root[:, None] - (cosine / aa)[:, None] * a
    db = a / root[:, None] - (cosine / bb)[:, None] * b
    return dy[:, None] * da, dy[:, None] * db


def gelu(x):
    return 0.5 * x * (1.0 + np.vectorize(math.erf)(x / math.sqrt(2.0)))


def gelu_backward(dy, x):
    below = 0.5 * (1.0 + np.vectorize(math.erf)(x / math.sqrt(2.0)))
    return dy * (below + x * np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi))


def log_gamma(x):
    return np.vectorize(math.lgamma)(x)


def log_gamma_backward(dy, x):
    """The digamma function: its recurrence up to 12, then its asymptotic series."""
    shifted, total = np.array(x), np.zeros_like(x)
    for _ in range(12):
        total = total - 1.0 / shifted
        shifted = shifted + 1.0
    square = 1.0 / (shifted * shifted)
    series = square * (1 / 12 - square * (1 / 120 - square * (1 / 252 - square / 240)))
    return dy * (total + np.log(shifted) - 0.5 / shifted - series)


def power_spectrum(signal):
    return np.abs(np.fft.rfft(signal)) ** 2


def power_spectrum_backward(dy, signal):
    weights = np.zeros(signal.size, dtype=complex)
    weights[: dy.size] = dy * np.conj(np.fft.rfft(signal))
    return 2.0 * np.real(np.fft.fft(weights))


def cumulative_product(x):
    return np.cumprod(x)


def cumulative_product_backward(dy, x):
    """Without a division, which fails at a zero: the Jacobian row by row."""
    gradient = np.zeros_like(x)
    for place in range(x.size):
        others = np.where(np.arange(x.size) == place, 1.0, x)
        gradient[place] = np.sum(dy[place:] * np.cumprod(others)[place:])
    return gradient


def dropout(x, rate):
    kept = np.random.default_rng(0).random(x.shape) >= rate
    return np.where(kept, x / (1.0 - rate), 0.0), (kept, rate)


def dropout_backward(dy, cache):
    kept, rate = cache
    return np.where(kept, dy / (1.0 - rate), 0.0)


def case(name, area, inputs, forward, backward, style="stateless", **kwargs):
    """Write a case of a layer."""
    return Case(
        name=name,
        area=area,
        inputs=inputs,
        forward=forward,
        backward=backward,
        style=style,
        kwargs=kwargs,
    )


HUGE = [[1000.0, -1000.0, 0.0], [-1000.0, 999.0, 1000.0]]

CASES = (
    case(
        "batch norm of a tiny variance",
        "normalisation",
        {"x": SPREAD, "gain": [3], "bias": [3]},
        batch_norm,
        batch_norm_backward,
        "cache",
    ),
    case("group norm", "normalisation", {"x": [2, 6]}, group_norm, group_norm_backward, groups=2),
    case(
        "root-mean-square norm",
        "normalisation",
        {"x": [3, 5], "gain": [5]},
        root_mean_square_norm,
        root_mean_square_norm_backward,
    ),
    case(
        "strided and padded convolution",
        "convolution",
        {"image": [2, 5, 7], "kernel": [2, 2, 3, 3]},
        convolution,
        convolution_backward,
        stride=2,
        padding=1,
    ),
    case("average pooling", "pooling", {"image": [2, 4, 6]}, average_pool, average_pool_backward),
    case(
        "causal attention, masked by -inf",
        "attention",
        {"q": [4, 3], "k": [4, 3], "v": [4, 2]},
        causal_attention,
        causal_attention_backward,
        "cache",
    ),
    case(
        "cross entropy of logits of ±1000",
        "losses",
        {"logits": {"value": HUGE}, "labels": {"value": [0, 1], "dtype": "int64"}},
        cross_entropy,
        cross_entropy_backward,
    ),
    case("softmax of logits of ±1000", "attention", {"x": {"value": HUGE}}, softmax, softmax_backward),
    case(
        "divergence from a target with zeros",
        "losses",
        {
            "logits": [2, 3],
            "target": {"value": [[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]], "differentiable": False},
        },
        divergence,
        divergence_backward,
    ),
    case(
        "cosine similarity of nearly parallel vectors",
        "losses",
        {
            "a": {"value": [[1.0, 2.0, -1.0], [0.5, 0.5, 3.0]]},
            "b": {"value": [[2.0, 4.0001, -2.0], [-1.0, -1.0, -6.0]]},
        },
        cosine_similarity,
        cosine_similarity_backward,
    ),
    case("gelu by the error function", "elementwise", {"x": [6]}, gelu, gelu_backward),
    case(
        "log-gamma",
        "elementwise",
        {"x": {"shape": [6], "sample": {"uniform": [0.01, 30]}}},
        log_gamma,
        log_gamma_backward,
    ),
    case("power spectrum", "linear algebra", {"signal": [8]}, power_spectrum, power_spectrum_backward),
    case(
        "cumulative product through a zero",
        "elementwise",
        {"x": {"value": [2.0, 0.0, -3.0, 0.5]}},
        cumulative_product,
        cumulative_product_backward,
    ),
    case(
        "dropout with its mask kept",
        "elementwise",
        {"x": [3, 4]},
        dropout,
        dropout_backward,
        "cache",
        rate=0.4,
    ),
)
