import numpy as np


class Linear:
    """Linear layer that learns its input size from the first batch it sees.

    params and grads are dicts; they do not exist before the first forward. Gradients accumulate over
    calls of backward until zero_grad(), so that one can train on several micro-batches.
    """

    def __init__(self, units, init=np.random.standard_normal):
        self.units = units
        self.init = init

    def forward(self, inputs):
        if not hasattr(self, "params"):
            fan_in = inputs.shape[-1]
            self.params = {"w": self.init((fan_in, self.units)) / fan_in**0.5, "b": np.zeros(self.units)}
            self.grads = {name: np.zeros_like(value) for name, value in self.params.items()}
        self.inputs = inputs
        return inputs @ self.params["w"] + self.params["b"]

    def backward(self, grad):
        self.grads["w"] += self.inputs.T @ grad
        self.grads["b"] += np.sum(grad, axis=0)
        return grad @ self.params["w"].T

    def zero_grad(self):
        for grad in self.grads.values():
            grad.fill(0)
