"""Plain functions in the styles that people write them in; each pair is right."""

import numpy as np


def affine_forward(x, w, b):
    """Computes the forward pass of an affine layer.

    Inputs:
    - x: A numpy array containing input data, of shape (N, d_1, ..., d_k)
    - w: A numpy array of weights, of shape (D, M)
    - b: A numpy array of biases, of shape (M,)

    Returns a tuple of:
    - out: output, of shape (N, M)
    - cache: (x, w, b)
    """
    return x.reshape(x.shape[0], -1) @ w + b, (x, w, b)


def affine_backward(dout, cache):
    x, w, _ = cache
    return (dout @ w.T).reshape(x.shape), x.reshape(x.shape[0], -1).T @ dout, dout.sum(axis=0)


def linear_fwd(A_prev, W, b):
    return W @ A_prev + b, {"A": A_prev, "W": W}


def linear_bwd(dZ, cache):
    return {"dA_prev": cache["W"].T @ dZ, "dW": dZ @ cache["A"].T, "db": dZ.sum(axis=1, keepdims=True)}


def scale(x, gamma, eps=1e-5):
    return x * gamma + eps


def scale_grad(gout, x, gamma):
    return gout * gamma, (gout * x).sum(axis=0)


def sine(x):
    return np.sin(x), lambda g: g * np.cos(x)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def sigmoid_prime(z):
    return sigmoid(z) * (1 - sigmoid(z))


def tanh(x):
    return np.tanh(x)


def tanh_derivative(y):
    return 1 - y**2


def softmax_loss(x, y):
    """Loss and gradient.

    - x: Input data, of shape (N, C) where x[i, j] is the score for the jth class
    - y: Vector of labels, of shape (N,) where y[i] is the label for x[i] and 0 <= y[i] < C
    """
    p = np.exp(x - x.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    n = np.arange(len(x))
    dx = p.copy()
    dx[n, y] -= 1
    return -np.mean(np.log(p[n, y])), dx / len(x)


def mse(pred, target):
    return np.mean((pred - target) ** 2)


def mse_gradient(pred, target):
    return 2 * (pred - target) / pred.size


def embedding_forward(x, W):
    return W[x], (x, W.shape)


def embedding_backward(dout, cache):
    x, shape = cache
    dW = np.zeros(shape)
    np.add.at(dW, x, dout)
    return dW


def pool_forward(x, pool_param):
    h, w = pool_param["pool_height"], pool_param["pool_width"]
    n, c, rows, columns = x.shape
    return x.reshape(n, c, rows // h, h, columns // w, w).mean(axis=(3, 5)), (x.shape, h, w)


def pool_backward(dout, cache):
    shape, h, w = cache
    return np.broadcast_to((dout / (h * w)).repeat(h, axis=2).repeat(w, axis=3), shape)


def softplus(x):
    return np.log1p(np.exp(x))


def softplus_backward(out, dout):
    return dout * (1 - np.exp(-out))


def gru_like_forward(x, h_prev, Wx, Wh, b):
    h = np.tanh(x @ Wx + h_prev @ Wh + b)
    return h, (x, h_prev, Wx, Wh, h)


def gru_like_backward(dh, cache):
    x, h_prev, Wx, Wh, h = cache
    da = dh * (1 - h**2)
    return da @ Wx.T, da @ Wh.T, x.T @ da, h_prev.T @ da, da.sum(0)
