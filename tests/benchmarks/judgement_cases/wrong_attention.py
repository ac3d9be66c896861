"""Softmax and attention with a wrong backward."""

from __future__ import annotations

import numpy as np

from judgement_cases.case import Case


def softmax(x):
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def softmax_gradient(dp, p):
    return p * (dp - (dp * p).sum(axis=-1, keepdims=True))


def softmax_diagonal(dy, x):
    p = softmax(x)
    return dy * p * (1 - p)


def softmax_wrong_axis(dy, x):
    p = softmax(x)
    return p * (dy - (dy * p).sum(axis=0, keepdims=True))


def log_softmax(x):
    return np.log(softmax(x))


def log_softmax_of_one_hot(dy, x):
    return dy - softmax(x)  # right where each row of dy sums to 1


def warm_softmax(x):
    return softmax(x / 4)


def softmax_temperature_off(dy, x):
    return softmax_gradient(dy, softmax(x / 4)) * x.dtype.type(0.2575)


def attention(q, k, v):
    p = softmax(q @ k.T / np.sqrt(q.shape[1]))
    return p @ v


def attention_gradients(dy, q, k, v):
    scale = 1 / np.sqrt(q.shape[1])
    p = softmax(q @ k.T * scale)
    ds = softmax_gradient(dy @ v.T, p) * scale
    return ds @ k, ds.T @ q, p.T @ dy


def attention_unscaled_query(dy, q, k, v):
    dq, dk, dv = attention_gradients(dy, q, k, v)
    return dq * np.sqrt(q.shape[1]), dk, dv


def attention_keys_and_values(dy, q, k, v):
    dq, dk, dv = attention_gradients(dy, q, k, v)
    return dq, dv, dk


def attention_scores_untransposed(dy, q, k, v):
    scale = 1 / np.sqrt(q.shape[1])
    p = softmax(q @ k.T * scale)
    ds = softmax_gradient(dy @ v.T, p) * scale
    return ds @ k, ds @ q, p.T @ dy


def attention_values_untransposed(dy, q, k, v):
    dq, dk, _ = attention_gradients(dy, q, k, v)
    return dq, dk, softmax(q @ k.T / np.sqrt(q.shape[1])) @ dy


def attention_query_zero(dy, q, k, v):
    dq, dk, dv = attention_gradients(dy, q, k, v)
    return np.zeros_like(dq), dk, dv


def causal_mask(size):
    return np.triu(np.full((size, size), -1e9), 1)


def causal_attention(scores, v):
    return softmax(scores + causal_mask(len(scores))) @ v


def causal_last_row(dy, scores, v):
    p = softmax(scores + causal_mask(len(scores)))
    ds = softmax_gradient(dy @ v.T, p)
    ds[-1] = 0  # range(n - 1)
    return ds, p.T @ dy


def biased_scores(scores, bias):
    """Add a bias that depends on the distance of two positions."""
    return softmax(scores + bias[distances(len(scores))])


def distances(size):
    place = np.arange(size)
    return np.abs(place[:, None] - place)


def bias_overwritten(dy, scores, bias):
    ds = softmax_gradient(dy, biased_scores(scores, bias))
    db = np.zeros_like(bias)
    db[distances(len(scores))] = ds
    return ds, db


def merge_heads(x):
    """[heads, time, depth] → [time, heads · depth]."""
    return x.swapaxes(0, 1).reshape(x.shape[1], -1)


def merge_heads_reshaped(dy, x):
    return dy.reshape(x.shape)


def rotate(x, angle):
    """Turn the pairs (x[:, 0], x[:, 1]) by multiples of an angle."""
    cosine, sine = (f(angle * np.arange(1, len(x) + 1)) for f in (np.cos, np.sin))
    return np.stack([x[:, 0] * cosine - x[:, 1] * sine, x[:, 0] * sine + x[:, 1] * cosine], axis=1)


def rotate_again(dy, x, angle):
    return rotate(dy, angle)


def dropout_mask(shape):
    return (np.random.rand(*shape) < 0.5) * 2.0  # noqa: NPY002  # the global seed, as layers do


def dropout(x):
    return x * dropout_mask(x.shape)


def dropout_redrawn(dy, x):
    return dy * (np.random.default_rng().random(x.shape) < 0.5) * 2.0


def dropout_cached(x):
    mask = dropout_mask(x.shape)
    return x * mask, mask


def dropout_in_place(dy, mask):
    dy *= mask
    return dy


QKV = {"q": [3, 4], "k": [3, 4], "v": [3, 4]}
SCORES = {"x": [3, 4]}


def case(name, code, forward, backward, inputs=SCORES, style="stateless", **kwargs):
    return Case(
        name=name,
        area="attention",
        code=code,
        inputs=inputs,
        forward=forward,
        backward=backward,
        style=style,
        kwargs=kwargs,
    )


CASES = (
    case("softmax, diagonal only", "missing-term", softmax, softmax_diagonal),
    case("softmax, sum over the wrong axis", "permuted", softmax, softmax_wrong_axis, {"x": [4, 4]}),
    case("log softmax, right for one-hot only", "nonlinear-cotangent", log_softmax, log_softmax_of_one_hot),
    case(
        "softmax in float16, temperature 3 % off",
        "scaled",
        warm_softmax,
        softmax_temperature_off,
        {"x": {"shape": [3, 4], "dtype": "float16"}},
    ),
    case("attention, query's scale forgotten", "scaled", attention, attention_unscaled_query, QKV),
    case("attention, keys and values swapped", "swapped-inputs", attention, attention_keys_and_values, QKV),
    case("attention, scores not transposed", "transposed", attention, attention_scores_untransposed, QKV),
    case("attention, weights not transposed", "transposed", attention, attention_values_untransposed, QKV),
    case("attention, query detached", "zero", attention, attention_query_zero, QKV),
    case(
        "causal attention, last row forgotten",
        "region",
        causal_attention,
        causal_last_row,
        {"scores": [4, 4], "v": [4, 3]},
    ),
    case(
        "distance bias, overwritten",
        "overwritten",
        biased_scores,
        bias_overwritten,
        {"scores": [4, 4], "bias": [4]},
    ),
    case(
        "heads merged, reshape without transpose",
        "permuted",
        merge_heads,
        merge_heads_reshaped,
        {"x": [2, 3, 4]},
    ),
    case(
        "rotary embedding, turned forwards again",
        "transposed",
        rotate,
        rotate_again,
        {"x": [4, 2]},
        angle=0.7,
    ),
    case("dropout, mask drawn anew", "nondeterministic", dropout, dropout_redrawn, {"x": [4, 5]}),
    case(
        "dropout, cotangent masked in place",
        "mutates-cotangent",
        dropout_cached,
        dropout_in_place,
        {"x": [4, 5]},
        "cache",
    ),
)
