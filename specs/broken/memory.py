"""Layers that are wrong not in their formulas, but in what they write into and what they remember."""
import numpy as np

SEEN = {}
TOTAL = {"w": 0.0}


class Relu:
    def forward(self, x):
        self.mask = x > 0
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask


class ReluIntoCotangent(Relu):
    def backward(self, dout):
        dout[~self.mask] = 0
        return dout


class ReluIntoInput(Relu):
    def forward(self, x):
        self.mask = x > 0
        x[~self.mask] = 0
        return x


class ReluFirstMask(Relu):
    """Keeps the mask by the shape of its input, to save a comparison."""

    def forward(self, x):
        self.mask = SEEN.setdefault(x.shape, x > 0)
        return x * (x > 0)


def center(x):
    return x - x.mean(axis=0), None


def center_backward(dout, cache):
    return dout - dout.mean(axis=0)


def center_in_place(x):
    x -= x.mean(axis=0)
    return x.copy(), None


def center_backward_in_place(dout, cache):
    dout -= dout.mean(axis=0)
    return dout


def scale(x, w):
    return x * w, (x, w)


def scale_backward(dout, cache):
    x, w = cache
    return dout * w, (dout * x).sum(axis=0)


def scale_backward_accumulating(dout, cache):
    """Adds to the gradient that is there, as an optimiser wants it, and nobody clears it."""
    x, w = cache
    TOTAL["w"] = TOTAL["w"] + (dout * x).sum(axis=0)
    return dout * w, TOTAL["w"]


def take_corners(x):
    return x[:, [0, -1]]


def take_corners_backward(dout, x):
    dx = np.zeros_like(x)
    dx[:, [0, -1]] += dout
    return dx


def take_corners_backward_into_copy(dout, x):
    dx = np.zeros_like(x)
    dx[:, [0, -1]][:] += dout  # the first brackets make a copy
    return dx


def transposed(x):
    return x.T.copy()


def transposed_backward(dout, x):
    return dout.T.copy()


def transposed_backward_by_memory(dout, x):
    return dout.ravel(order="K").reshape(x.shape[::-1]).T


def square(x):
    return x**2


def square_backward(dout, x):
    return 2 * x * dout


def square_backward_through_ravel(dout, x):
    dx = np.zeros_like(dout)
    dx.ravel()[:] = 2 * (x * dout).ravel()  # a view only if dout lies in C order
    return dx


def energy(x):
    return np.sum(x**2)


def energy_backward_without_cotangent(dloss, x):
    return 2 * x


def energy_backward(dloss, x):
    return dloss * 2 * x
