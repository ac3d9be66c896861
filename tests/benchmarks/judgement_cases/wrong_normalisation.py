"""Batch, layer, group and root-mean-square normalisation with a wrong backward."""

from __future__ import annotations

import numpy as np

from judgement_cases.case import Case


def standardise(x, axis, eps):
    """Return (x - mean) / std along an axis, and 1 / std."""
    scale = 1 / np.sqrt(np.var(x, axis=axis, keepdims=True) + x.dtype.type(eps))
    return (x - np.mean(x, axis=axis, keepdims=True)) * scale, scale


def standardised(dy, y, scale, axis):
    """Gradient of ``standardise``."""
    mean = dy.mean(axis=axis, keepdims=True)
    return scale * (dy - mean - y * (dy * y).mean(axis=axis, keepdims=True))


def batch_norm(x, gamma, beta, eps=1e-5):
    normal, scale = standardise(x, 0, eps)
    return gamma * normal + beta, (x, normal, scale, gamma)


def batch_norm_constant_statistics(dy, cache):
    _, normal, scale, gamma = cache
    return dy * gamma * scale, (dy * normal).sum(0), dy.sum(0)


def batch_norm_without_mean(dy, cache):
    _, normal, scale, gamma = cache
    g = dy * gamma
    return scale * (g - normal * (g * normal).mean(0)), (dy * normal).sum(0), dy.sum(0)


def batch_norm_unbiased(dy, cache):
    x, normal, scale, gamma = cache
    g, count = dy * gamma, len(x)
    dx = scale * (g - g.mean(0) - normal * (g * normal).sum(0) / (count - 1))
    return dx, (dy * normal).sum(0), dy.sum(0)


def batch_norm_gain_of_input(dy, cache):
    x, normal, scale, gamma = cache
    return standardised(dy * gamma, normal, scale, 0), (dy * x).sum(0), dy.sum(0)


def batch_norm_parameters_swapped(dy, cache):
    _, normal, scale, gamma = cache
    return standardised(dy * gamma, normal, scale, 0), dy.sum(0), (dy * normal).sum(0)


def batch_norm_running(x, gamma, beta):
    normal, scale = standardise(x, 0, 1e-5)
    RUNNING["scale"] = 0.9 * RUNNING.get("scale", 1.0) + 0.1 * scale
    return gamma * normal + beta, (x, normal, gamma)


def batch_norm_by_running_scale(dy, cache):
    _, normal, gamma = cache
    return standardised(dy * gamma, normal, RUNNING["scale"], 0), (dy * normal).sum(0), dy.sum(0)


RUNNING = {}


def layer_norm(x, gamma, beta, eps=1e-5):
    normal, scale = standardise(x, 1, eps)
    return gamma * normal + beta, (x, normal, scale, gamma)


def layer_norm_over_batch(dy, cache):
    _, normal, scale, gamma = cache
    return standardised(dy * gamma, normal, scale, 0), (dy * normal).sum(0), dy.sum(0)


def layer_norm_gain_not_summed(dy, cache):
    _, normal, scale, gamma = cache
    return standardised(dy * gamma, normal, scale, 1), dy * normal, dy.sum(0)


def layer_norm_without_eps(dy, cache):
    x, normal, _, gamma = cache
    scale = 1 / x.std(axis=1, keepdims=True)
    return standardised(dy * gamma, normal, scale, 1), (dy * normal).sum(0), dy.sum(0)


def layer_norm_centred_in_place(x, gamma, beta):
    x -= x.mean(axis=1, keepdims=True)
    return layer_norm(x, gamma, beta)


def layer_norm_right(dy, cache):
    _, normal, scale, gamma = cache
    return standardised(dy * gamma, normal, scale, 1), (dy * normal).sum(0), dy.sum(0)


def layer_norm_in_its_cache(dy, cache):
    _, normal, scale, gamma = cache
    dx = standardised(dy * gamma, normal, scale, 1)
    normal *= dy  # the second call finds this in its cache
    return dx, normal.sum(0), dy.sum(0)


def rms_norm(x, gain):
    return gain * x / np.sqrt(np.mean(x**2, axis=-1, keepdims=True))


def rms_norm_constant_scale(dy, x, gain):
    scale = 1 / np.sqrt(np.mean(x**2, axis=-1, keepdims=True))
    return dy * gain * scale, (dy * x * scale).sum(0)


def rms_norm_not_averaged(dy, x, gain):
    scale = 1 / np.sqrt(np.mean(x**2, axis=-1, keepdims=True))
    normal, g = x * scale, dy * gain
    return scale * (g - normal * (g * normal).sum(-1, keepdims=True)), (dy * normal).sum(0)


def group_norm(x, groups):
    count, channels = x.shape
    return standardise(x.reshape(count, groups, channels // groups), 2, 1e-5)[0].reshape(x.shape)


def group_norm_interleaved(dy, x, groups):
    count, channels = x.shape
    y, scale = standardise(x.reshape(count, groups, channels // groups), 2, 1e-5)
    dx = standardised(dy.reshape(y.shape), y, scale, 2)
    return dx.swapaxes(1, 2).reshape(x.shape)  # puts channel i of group j where j of i belongs


def variance(x):
    return np.mean((x - x.mean()) ** 2)


def variance_unbiased(dy, x):
    return dy * x.dtype.type(2 / (len(x) - 1)) * (x - x.mean())


X = {"x": [4, 3], "gamma": [3], "beta": [3]}
SQUARE = {"x": [3, 3], "gamma": [3], "beta": [3]}
RMS = {"x": [3, 4], "gain": [4]}


def case(name, code, forward, backward, inputs=X, style="cache", **more):
    return Case(
        name=name,
        area="normalisation",
        code=code,
        inputs=inputs,
        forward=forward,
        backward=backward,
        style=style,
        **more,
    )


CASES = (
    case("batch norm, constant statistics", "missing-term", batch_norm, batch_norm_constant_statistics),
    case("batch norm, mean's term forgotten", "missing-term", batch_norm, batch_norm_without_mean),
    case("batch norm, N - 1 in the backward", "scaled", batch_norm, batch_norm_unbiased),
    case("batch norm, gain times the raw input", "swapped-inputs", batch_norm, batch_norm_gain_of_input),
    case("batch norm, gamma and beta swapped", "swapped-inputs", batch_norm, batch_norm_parameters_swapped),
    case("batch norm, running scale", "stale-state", batch_norm_running, batch_norm_by_running_scale),
    case("layer norm, means over the batch", "permuted", layer_norm, layer_norm_over_batch, SQUARE),
    case("layer norm, gain not summed", "not-summed", layer_norm, layer_norm_gain_not_summed),
    case(
        "layer norm, no eps in the backward",
        "scaled",
        layer_norm,
        layer_norm_without_eps,
        kwargs={"eps": 1e-3},
    ),
    case("layer norm, centres its input", "mutates-input", layer_norm_centred_in_place, layer_norm_right),
    case("layer norm, spoils its cache", "stale-state", layer_norm, layer_norm_in_its_cache),
    case("rms norm, constant scale", "missing-term", rms_norm, rms_norm_constant_scale, RMS, "stateless"),
    case("rms norm, sum for mean", "scaled", rms_norm, rms_norm_not_averaged, RMS, "stateless"),
    case(
        "group norm, channels interleaved",
        "permuted",
        group_norm,
        group_norm_interleaved,
        {"x": [2, 6]},
        "stateless",
        kwargs={"groups": 2},
    ),
    case(
        "variance in float32, 63 for 64",
        "scaled",
        variance,
        variance_unbiased,
        {"x": {"shape": [64], "dtype": "float32"}},
        "stateless",
    ),
    case(
        "variance in float16, 31 for 32",
        "scaled",
        variance,
        variance_unbiased,
        {"x": {"shape": [32], "dtype": "float16"}},
        "stateless",
    ),
)
