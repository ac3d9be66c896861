"""Layers whose gradients are wrong, or that cannot be called."""

import numpy as np


def square(x):
    return x**2


def square_backward(dy, x):
    return dy * x


class Affine:
    def __init__(self, W, b):
        self.W, self.b = W, b

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW, self.db = 2 * self.x.T @ dout, dout.sum(axis=0)
        return dout @ self.W.T


def bias_forward(x, b):
    return x + b, None


def bias_backward(dout, cache):
    return dout, dout


def refuses(x, w):
    print("never")
    raise ValueError("no shape suits me")


def refuses_backward(dy, x, w):
    return dy, dy


def alone(x, w):
    return np.tanh(x @ w)


number = 3.0
