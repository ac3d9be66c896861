import numpy as np


class InputLayer:
    def __init__(self, size):
        self.n_out = size
        self.value = None

    def set(self, value):
        self.value = value


class DenseLayer:
    """Knows its own width; the width of its input it learns from the layer it is connected to."""

    def __init__(self, n_out, activation="tanh"):
        self.n_out = n_out
        self.activation = activation

    def connect_to(self, previous):
        self.previous = previous
        self.W = 0.1 * np.random.randn(previous.n_out, self.n_out)
        self.b = np.zeros(self.n_out)
        return self

    def forward_pass(self):
        a = self.previous.value
        z = a.dot(self.W) + self.b
        self.value = np.tanh(z) if self.activation == "tanh" else z
        return self.value

    def backward_pass(self, delta):
        if self.activation == "tanh":
            delta = delta * (1 - self.value**2)
        self.grad_W = self.previous.value.T.dot(delta)
        self.grad_b = delta.sum(0)
        return delta.dot(self.W.T)
