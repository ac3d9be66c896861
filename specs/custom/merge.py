import numpy as np


class Layer:
    """Layers take a list of arrays and give a list of arrays; so do their backwards."""

    def forward(self, inputs): raise NotImplementedError
    def backward(self, grads): raise NotImplementedError


class Concat(Layer):
    def forward(self, inputs):
        self.cuts = np.cumsum([x.shape[1] for x in inputs])[:-1]
        return [np.concatenate(inputs, axis=1)]

    def backward(self, grads):
        grad, = grads
        return np.split(grad, self.cuts, axis=1)


class MultiplyAll(Layer):
    def forward(self, inputs):
        self.inputs = inputs
        out = 1.0
        for x in inputs:
            out = out * x
        return [out]

    def backward(self, grads):
        grad, = grads
        result = []
        for k in range(len(self.inputs)):
            others = [x for j, x in enumerate(self.inputs) if j != k]
            result.append(grad * np.prod(others, axis=0))
        return result


class SumAndDifference(Layer):
    def forward(self, inputs):
        a, b = inputs
        return [a + b, a - b]

    def backward(self, grads):
        s, d = grads
        return [s + d, s - d]
