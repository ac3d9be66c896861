import numpy as np


class InplaceELU:
    """Saves memory: writes into its input and returns it; backward writes into its cotangent."""

    def forward(self, x):
        neg = x < 0
        x[neg] = np.expm1(x[neg])
        self.y = x
        return x

    def backward(self, dy):
        neg = self.y < 0
        dy[neg] *= self.y[neg] + 1
        return dy


class Flatten:
    """Returns a view of its input, and of its cotangent."""

    def forward(self, x):
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, dy):
        return dy.reshape(self.shape)


class Identity:
    """Returns the very array that it is given."""

    def forward(self, x):
        return x

    def backward(self, dy):
        return dy


class Square:
    """Keeps its input, no copy."""

    def forward(self, x):
        self.x = x
        return x**2

    def backward(self, dy):
        return 2 * self.x * dy
