"""Right backwards through time: recurrent cells, and losses over alignments of sequences."""

from __future__ import annotations

import numpy as np

from judgement_cases.case import Case
from judgement_cases.right_scales import log_sum_exp, softmax


def sigmoid(x):
    return 1.0 / (1.0 + np.exp(-x))


def elman(x, h, wx, wh):
    """hₜ = tanh(xₜ wx + hₜ₋₁ wh) over all steps; every hₜ is an output."""
    states = [h]
    for step in x:
        states.append(np.tanh(step @ wx + states[-1] @ wh))
    return np.stack(states[1:]), (x, states, wx, wh)


def elman_backward(dy, cache):
    x, states, wx, wh = cache
    dx, dwx, dwh, carried = np.zeros_like(x), np.zeros_like(wx), np.zeros_like(wh), np.zeros_like(states[0])
    for t in reversed(range(len(x))):
        dz = (dy[t] + carried) * (1.0 - states[t + 1] ** 2)
        dx[t], carried = dz @ wx.T, dz @ wh.T
        dwx += np.outer(x[t], dz)
        dwh += np.outer(states[t], dz)
    return dx, carried, dwx, dwh


def gru(x, h, w, u):
    """Gates r, z and candidate n; w and u hold the three side by side."""
    xr, xz, xn = np.split(x @ w, 3, axis=1)
    hr, hz, hn = np.split(h @ u, 3, axis=1)
    r, z = sigmoid(xr + hr), sigmoid(xz + hz)
    n = np.tanh(xn + r * hn)
    return (1.0 - z) * n + z * h, (x, h, w, u, r, z, n, hn)


def gru_backward(dy, cache):
    x, h, w, u, r, z, n, hn = cache
    dn = dy * (1.0 - z) * (1.0 - n * n)
    dz = dy * (h - n) * z * (1.0 - z)
    dr = dn * hn * r * (1.0 - r)
    dxs = np.concatenate([dr, dz, dn], axis=1)
    dhs = np.concatenate([dr, dz, dn * r], axis=1)
    return dxs @ w.T, dy * z + dhs @ u.T, x.T @ dxs, h.T @ dhs


def lstm(x, h, c, w, u):
    """Both the new h and the new c are outputs."""
    i, f, o, g = np.split(x @ w + h @ u, 4, axis=1)
    i, f, o, g = sigmoid(i), sigmoid(f), sigmoid(o), np.tanh(g)
    cell = f * c + i * g
    return o * np.tanh(cell), cell, (x, h, c, w, u, i, f, o, g, cell)


def lstm_backward(dh, dc, cache):
    x, h, c, w, u, i, f, o, g, cell = cache
    dcell = dc + dh * o * (1.0 - np.tanh(cell) ** 2)
    di, df = dcell * g * i * (1.0 - i), dcell * c * f * (1.0 - f)
    do, dg = dh * np.tanh(cell) * o * (1.0 - o), dcell * i * (1.0 - g * g)
    dz = np.concatenate([di, df, do, dg], axis=1)
    return dz @ w.T, dz @ u.T, dcell * f, x.T @ dz, h.T @ dz


def soft_minimum(values, softness):
    return -softness * log_sum_exp(-np.array(values) / softness)


def alignment_costs(cost, softness):
    rows, columns = cost.shape
    total = np.full((rows + 2, columns + 2), np.inf)
    total[0, 0] = 0.0
    for i in range(1, rows + 1):
        for j in range(1, columns + 1):
            ways = [total[i - 1, j], total[i, j - 1], total[i - 1, j - 1]]
            total[i, j] = cost[i - 1, j - 1] + soft_minimum(ways, softness)
    return total


def soft_time_warping(cost, softness):
    """Soft-DTW of a matrix of costs (Cuturi and Blondel 2017, algorithm 1)."""
    return alignment_costs(cost, softness)[cost.shape]


def soft_time_warping_backward(dy, cost, softness):
    """Algorithm 2 of the same paper: expected alignment, from the end to the start."""
    rows, columns = cost.shape
    total = alignment_costs(cost, softness)
    padded, expected = np.zeros((rows + 2, columns + 2)), np.zeros((rows + 2, columns + 2))
    padded[1:-1, 1:-1] = cost
    total[-1, :] = total[:, -1] = -np.inf
    total[-1, -1], expected[-1, -1] = total[rows, columns], 1.0
    for i in range(rows, 0, -1):
        for j in range(columns, 0, -1):
            for k, m in ((i + 1, j), (i, j + 1), (i + 1, j + 1)):
                weight = np.exp((total[k, m] - total[i, j] - padded[k, m]) / softness)
                expected[i, j] += expected[k, m] * weight
    return dy * expected[1:-1, 1:-1]


def extended(labels):
    """Write the labels with a blank, 0, before, between and after them."""
    symbols = np.zeros(2 * len(labels) + 1, dtype=np.int64)
    symbols[1::2] = labels
    return symbols


def prefixes(scores, symbols):
    """CTC's forward variables: log of the summed probability of all paths up to each time and symbol."""
    steps, width = len(scores), len(symbols)
    alpha = np.full((steps, width), -np.inf)
    alpha[0, :2] = scores[0, symbols[:2]]
    for t in range(1, steps):
        for s in range(width):
            skip = s > 1 and symbols[s] not in {0, symbols[s - 2]}
            ways = alpha[t - 1, max(0, s - 1 - skip) : s + 1]
            if np.isfinite(ways).any():
                alpha[t, s] = log_sum_exp(ways) + scores[t, symbols[s]]
    return alpha


def transcription_loss(logits, labels):
    """CTC loss (Graves et al. 2006) of logits (time × symbols)."""
    scores = logits - log_sum_exp(logits)[:, None]
    return -log_sum_exp(prefixes(scores, extended(labels))[-1, -2:])


def transcription_loss_backward(dy, logits, labels):
    """softmax(logits) less the posterior of each symbol at each time (equation 16 of the same paper)."""
    scores, symbols = logits - log_sum_exp(logits)[:, None], extended(labels)
    before = prefixes(scores, symbols)
    after = prefixes(scores[::-1], symbols[::-1])[::-1, ::-1]
    joint = before + after - scores[:, symbols]
    posterior = np.zeros_like(logits)
    for s, symbol in enumerate(symbols):
        posterior[:, symbol] += np.exp(joint[:, s] - log_sum_exp(before[-1, -2:]))
    return dy * (softmax(logits) - posterior), None


def case(name, area, inputs, forward, backward, style="cache", **kwargs):
    """Write a case over time."""
    return Case(
        name=name, area=area, inputs=inputs, forward=forward, backward=backward, style=style, kwargs=kwargs
    )


CASES = (
    case(
        "recurrent layer over five steps",
        "recurrent",
        {"x": [5, 3], "h": [2], "wx": [3, 2], "wh": [2, 2]},
        elman,
        elman_backward,
    ),
    case("GRU cell", "recurrent", {"x": [2, 3], "h": [2, 4], "w": [3, 12], "u": [4, 12]}, gru, gru_backward),
    case(
        "LSTM cell with two outputs",
        "recurrent",
        {"x": [2, 3], "h": [2, 2], "c": [2, 2], "w": [3, 8], "u": [2, 8]},
        lstm,
        lstm_backward,
    ),
    case(
        "soft time warping",
        "losses",
        {"cost": [4, 5]},
        soft_time_warping,
        soft_time_warping_backward,
        "stateless",
        softness=0.5,
    ),
    case(
        "CTC loss with a repeated label",
        "losses",
        {"logits": [6, 4], "labels": {"value": [1, 2, 2], "dtype": "int64"}},
        transcription_loss,
        transcription_loss_backward,
        "stateless",
    ),
)
