import numpy as np


class FunctionNode:
    """forward: tuple of arrays -> tuple of arrays. backward: (inputs, output gradients) -> input gradients.

    A gradient that nobody needs or has is None, on the way in as on the way out.
    """

    def __call__(self, *inputs):
        self.inputs = inputs
        return self.forward(inputs)

    def grad(self, *grads):
        return self.backward(self.inputs, grads)


class Polar(FunctionNode):
    """x, y -> r, phi"""

    def forward(self, inputs):
        x, y = inputs
        return np.hypot(x, y), np.arctan2(y, x)

    def backward(self, inputs, grads):
        x, y = inputs
        gr, gphi = grads
        r = np.hypot(x, y)
        gx = gy = 0
        if gr is not None:
            gx, gy = gr * x / r, gr * y / r
        if gphi is not None:
            gx, gy = gx - gphi * y / r**2, gy + gphi * x / r**2
        return gx, gy


class SelectItem(FunctionNode):
    """x, index -> x[i, index[i]]; index has no gradient."""

    def forward(self, inputs):
        x, t = inputs
        return x[np.arange(len(t)), t],

    def backward(self, inputs, grads):
        x, t = inputs
        gx = np.zeros_like(x)
        gx[np.arange(len(t)), t] = grads[0]
        return gx, None


class Threshold(FunctionNode):
    """x where it is above a limit, else 0. The limit is not learnt: None."""

    def forward(self, inputs):
        x, limit = inputs
        self.keep = x > limit
        return np.where(self.keep, x, 0),

    def backward(self, inputs, grads):
        return grads[0] * self.keep, None
