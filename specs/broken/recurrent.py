"""A tanh RNN over T steps, and an LSTM step with gates in the order i, f, o, g."""
import numpy as np


def rnn(x, h0, w, u):
    """h_t = tanh(x_t w + h_(t-1) u) for x (T, D), all h (T, H)."""
    hs = [h0]
    for row in x:
        hs.append(np.tanh(row @ w + hs[-1] @ u))
    return np.stack(hs[1:]), (x, hs, w, u)


def rnn_backward(dout, cache):
    x, hs, w, u = cache
    dx, dw, du = np.zeros_like(x), np.zeros_like(w), np.zeros_like(u)
    dh = np.zeros_like(hs[0])
    for t in reversed(range(len(x))):
        da = (dout[t] + dh) * (1 - hs[t + 1] ** 2)
        dx[t], dh = da @ w.T, da @ u.T
        dw += np.outer(x[t], da)
        du += np.outer(hs[t], da)
    return dx, dh, dw, du


def rnn_backward_without_later_steps(dout, cache):
    x, hs, w, u = cache
    dx, dw, du = np.zeros_like(x), np.zeros_like(w), np.zeros_like(u)
    for t in reversed(range(len(x))):
        da = dout[t] * (1 - hs[t + 1] ** 2)
        dx[t], dh = da @ w.T, da @ u.T
        dw += np.outer(x[t], da)
        du += np.outer(hs[t], da)
    return dx, dh, dw, du


def rnn_backward_last_weights(dout, cache):
    x, hs, w, u = cache
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    dh = np.zeros_like(hs[0])
    for t in reversed(range(len(x))):
        da = (dout[t] + dh) * (1 - hs[t + 1] ** 2)
        dx[t], dh = da @ w.T, da @ u.T
        dw += np.outer(x[t], da)
        du = np.outer(hs[t], da)
    return dx, dh, dw, du


def rnn_backward_stops_early(dout, cache):
    x, hs, w, u = cache
    dx, dh, dw, du = rnn_backward(dout, cache)
    dx[0] = 0  # the loop ran from T - 1 down to 1
    return dx, dh, dw, du


def lstm(a, c0):
    """One step from the gates' sums a (N, 4 H) and the memory c0 (N, H): h and c."""
    s = 1 / (1 + np.exp(-a[:, :3 * c0.shape[1]]))
    i, f, o = np.split(s, 3, axis=1)
    g = np.tanh(a[:, 3 * c0.shape[1]:])
    c = f * c0 + i * g
    return o * np.tanh(c), c, (i, f, o, g, c0, c)


def gates(dh, dc, cache):
    i, f, o, g, c0, c = cache
    t = np.tanh(c)
    dc = dc + dh * o * (1 - t**2)
    di, df, do, dg = dc * g * i * (1 - i), dc * c0 * f * (1 - f), dh * t * o * (1 - o), dc * i * (1 - g**2)
    return di, df, do, dg, dc * f


def lstm_backward(dh, dc, cache):
    di, df, do, dg, dc0 = gates(dh, dc, cache)
    return np.concatenate([di, df, do, dg], axis=1), dc0


def lstm_backward_other_order(dh, dc, cache):
    di, df, do, dg, dc0 = gates(dh, dc, cache)
    return np.concatenate([df, di, do, dg], axis=1), dc0


def lstm_backward_without_memory(dh, dc, cache):
    return lstm_backward(dh, 0, cache)
