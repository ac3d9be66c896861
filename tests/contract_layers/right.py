"""Layers that keep the contract although they look as if they might not."""

from __future__ import annotations

import numpy as np

_generator = np.random.default_rng(1)
_scratch = np.empty(64)


def affine(x, w, b):
    return x @ w + b, (x, w)


def affine_backward(dy, cache):
    x, w = cache
    return {"x": dy @ w.T, "w": x.T @ dy, "b": dy.sum(axis=0)}


def identity(x):
    return x


def identity_backward(dy, x):
    return dy


def two_views(x):
    return x.T, x[:1]


def two_views_backward(dt, df, x):
    gradient = dt.T.copy()
    gradient[:1] += df
    return gradient


def scratch(x):
    """Computes in a buffer of its own, and hands out copies."""
    buffer = _scratch[: x.size].reshape(x.shape)
    np.multiply(x, x, out=buffer)
    return buffer.copy()


def scratch_backward(dy, x):
    buffer = _scratch[: x.size].reshape(x.shape)
    np.multiply(2 * x, dy, out=buffer)
    return buffer


def hands_out_buffer(x):
    """Returns the buffer itself: the next call overwrites it."""
    buffer = _scratch[: x.size].reshape(x.shape)
    return np.tanh(x, out=buffer)


def hands_out_buffer_backward(dy, x):
    return dy * (1 - np.tanh(x) ** 2)


def dropout(x):
    mask = (np.random.rand(*x.shape) < 0.5) * 2.0  # noqa: NPY002  # the seed is set for each call
    return x * mask, mask


def dropout_backward(dy, mask):
    return dy * mask


def round_off(x, w):
    """Sums in another order at each call."""
    order = _generator.permutation(x.shape[1])
    return sum(np.outer(x[:, k], w[k]) for k in order)


def round_off_backward(dy, x, w):
    order = _generator.permutation(dy.shape[1])
    return sum(np.outer(dy[:, k], w[:, k]) for k in order), x.T @ dy


def single_inside(x):
    return np.tanh(x.astype(np.float32)).astype(x.dtype)


def single_inside_backward(dy, x):
    return (dy.astype(np.float32) * (1 - np.tanh(x.astype(np.float32)) ** 2)).astype(x.dtype)


def once(x):
    """Gives its memory up at the first backward."""
    memory = [x.copy()]
    return x * x, lambda dy: 2 * memory.pop() * dy


def loss(x, k):
    return float(np.sum(x[k] ** 2))


def loss_backward(dl, x, k):
    gradient = np.zeros_like(x)
    np.add.at(gradient, k, 2 * x[k] * dl)
    return gradient, None


def gate(x, w):
    """The second input is not used."""
    return x * x


def gate_backward(dy, x, w):
    return 2 * x * dy, None


def root(x):
    return np.sqrt(np.abs(x))


def root_backward(dy, x):
    return dy * np.sign(x) / (2 * np.sqrt(np.abs(x)))


class Tanh:
    """Keeps its output, as layers do."""

    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy, x):
        return dy * (1 - self.y**2)


layer = Tanh()


def softmax(x):
    shifted = np.exp(x - x.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def softmax_backward(dy, x):
    y = softmax(x)
    return y * (dy - np.sum(dy * y, axis=-1, keepdims=True))


# outputs that do not change with one of the inputs, though they are computed from it


def centred(x, b):
    z = x + b
    return z - z.mean(axis=0)


def centred_backward(dy, x, b):
    dz = dy - dy.mean(axis=0)
    return dz, dz.sum(axis=0)


def batch_norm(x, b):
    z = x + b
    c = z - z.mean(axis=0)
    return c / np.sqrt(np.mean(c * c, axis=0))


def batch_norm_backward(dy, x, b):
    z = x + b
    c = z - z.mean(axis=0)
    s = np.sqrt(np.mean(c * c, axis=0))
    y = c / s
    dz = (dy - dy.mean(axis=0) - y * np.mean(dy * y, axis=0)) / s
    return dz, dz.sum(axis=0)


def shifted_softmax(x, s):
    return softmax(x + s)


def shifted_softmax_backward(dy, x, s):
    dz = softmax_backward(dy, x + s)
    return dz, dz.sum(axis=-1, keepdims=True)


def steps(x, c):
    return np.diff(x + c)


def steps_backward(dy, x, c):
    dz = np.zeros_like(x)
    dz[1:] += dy
    dz[:-1] -= dy
    return dz, dz.sum()


def attention(q, k, v, b):
    return softmax(q @ (k + b).T) @ v


def attention_backward(dy, q, k, v, b):
    p = softmax(q @ (k + b).T)
    dp = dy @ v.T
    ds = p * (dp - np.sum(dp * p, axis=-1, keepdims=True))
    dk = ds.T @ q
    return ds @ (k + b), dk, p.T @ dy, dk.sum(axis=0)
