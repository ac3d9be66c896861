"""A recursive filter, y_t = x_t + a y_(t-1), and matrices made of a few parameters."""
import numpy as np


def smooth(x, a):
    y = np.zeros_like(x)
    last = 0.0
    for t in range(len(x)):
        y[t] = last = x[t] + a * last
    return y, (y, a)


def smooth_backward(dout, cache):
    y, a = cache
    dx = np.zeros_like(y)
    carried = da = 0.0
    for t in reversed(range(len(y))):
        dx[t] = carried = dout[t] + a * carried
        da = da + (carried * y[t - 1] if t else 0.0)
    return dx, da


def smooth_backward_forward_in_time(dout, cache):
    y, a = cache
    _, da = smooth_backward(dout, cache)
    dx, _ = smooth(dout, a)
    return dx, da




def symmetric(p):
    """A symmetric 2 by 2 matrix of three parameters."""
    return np.array([[p[0], p[1]], [p[1], p[2]]])


def symmetric_backward(dout, p):
    return np.array([dout[0, 0], dout[0, 1] + dout[1, 0], dout[1, 1]])


def symmetric_backward_upper(dout, p):
    return np.array([dout[0, 0], dout[0, 1], dout[1, 1]])
