"""Fully connected layer, as in homework."""

import numpy as np


def affine_forward(x, w, b):
    """
    Computes the forward pass for an affine (fully connected) layer.

    Inputs:
    - x: array of any shape (N, d_1, ..., d_k), one minibatch of N examples
    - w: weights, of shape (D, M) with D = d_1 * ... * d_k
    - b: biases, of shape (M,)

    Returns a tuple of:
    - out: output, of shape (N, M)
    - cache: (x, w, b)
    """
    out = x.reshape(len(x), -1) @ w + b
    cache = (x, w, b)
    return out, cache


def affine_backward(dout, cache):
    """
    Inputs:
    - dout: upstream derivative, of shape (N, M)
    - cache: what affine_forward returned

    Returns a tuple of dx (N, d_1, ..., d_k), dw (D, M), db (M,).
    """
    x, w, b = cache
    dx = np.dot(dout, w.T).reshape(x.shape)
    dw = np.dot(x.reshape(x.shape[0], -1).T, dout)
    db = np.sum(dout, axis=0)
    return dx, dw, db
