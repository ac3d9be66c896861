"""An affine layer over everything but the batch, its backward, and backwards that are wrong."""
import numpy as np


def forward(x, w, b):
    return x.reshape(len(x), -1) @ w + b, (x, w)


def backward(dout, cache):
    x, w = cache
    dx = (dout @ w.T).reshape(x.shape)
    dw = x.reshape(len(x), -1).T @ dout
    return dx, dw, dout.sum(axis=0)


def backward_flat(dout, cache):
    x, w = cache
    _, dw, db = backward(dout, cache)
    return dout @ w.T, dw, db


def backward_weights_first(dout, cache):
    dx, dw, db = backward(dout, cache)
    return dw, dx, db


def backward_by_sample(dout, cache):
    x, w = cache
    dx, _, db = backward(dout, cache)
    for row, g in zip(x.reshape(len(x), -1), dout):
        dw = np.outer(row, g)
    return dx, dw, db


def backward_clipped(dout, cache):
    return backward(np.clip(dout, -1.0, 1.0), cache)


def subtract(a, b):
    return a - b


def subtract_backward(dout, a, b):
    return dout, -dout.sum(axis=0)


def subtract_backward_like_add(dout, a, b):
    return dout, dout.sum(axis=0)


def subtract_backward_not_summed(dout, a, b):
    return dout, -dout
