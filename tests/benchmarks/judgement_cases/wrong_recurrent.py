"""Recurrent cells, over several steps of time, with a wrong backward."""

from __future__ import annotations

import numpy as np

from judgement_cases.case import Case


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def rnn(x, h, wx, wh, b):
    """h[t] = tanh(x[t] wx + h[t-1] wh + b); returns all of them."""
    states = [h]
    for step in x:
        states.append(np.tanh(step @ wx + states[-1] @ wh + b))
    return np.stack(states[1:]), (x, np.stack(states), wx, wh)


def unroll(dy, cache, carry=lambda dh: dh):
    """Gradient of every step's sum, from the last to the first; ``carry`` is what goes one step back."""
    _, states, _, wh = cache
    sums, behind = np.zeros_like(dy), np.zeros_like(dy[0])
    for t in reversed(range(len(dy))):
        sums[t] = (dy[t] + behind) * (1 - states[t + 1] ** 2)
        behind = carry(sums[t] @ wh.T)
    return sums, behind


def rnn_gradients(sums, dh, cache):
    x, states, wx, _ = cache
    return sums @ wx.T, dh, x.T @ sums, states[:-1].T @ sums, sums.sum(axis=0)


def rnn_truncated(dy, cache):
    sums, _ = unroll(dy, cache, carry=lambda dh: 0 * dh)
    return rnn_gradients(sums, sums[0] @ cache[3].T, cache)


def rnn_start_zero(dy, cache):
    sums, dh = unroll(dy, cache)
    return rnn_gradients(sums, np.zeros_like(dh), cache)


def rnn_bias_of_last_step(dy, cache):
    sums, dh = unroll(dy, cache)
    dx, dh, dwx, dwh, _ = rnn_gradients(sums, dh, cache)
    return dx, dh, dwx, dwh, sums[0]  # db = …, not db += …


def rnn_last_input_forgotten(dy, cache):
    sums, dh = unroll(dy, cache)
    dx, *others = rnn_gradients(sums, dh, cache)
    dx[-1] = 0
    return dx, *others


def rnn_clipped(dy, cache):
    sums, dh = unroll(dy, cache, carry=lambda dh: np.clip(dh, -1, 1))
    return rnn_gradients(sums, dh, cache)


def rnn_later_states(dy, cache):
    sums, dh = unroll(dy, cache)
    dx, dh, dwx, _, db = rnn_gradients(sums, dh, cache)
    return dx, dh, dwx, cache[1][1:].T @ sums, db  # h[t] where h[t-1] belongs


def rnn_recurrent_untransposed(dy, cache):
    x, states, wx, wh = cache
    sums, dh = unroll(dy, (x, states, wx, wh.T))
    return rnn_gradients(sums, dh, cache)


def lstm(gates, c):
    """One step from the sums of its gates i, f, o, g, side by side."""
    i, f, o = (sigmoid(part) for part in np.split(gates, 4, axis=-1)[:3])
    g = np.tanh(np.split(gates, 4, axis=-1)[3])
    after = f * c + i * g
    return o * np.tanh(after), after, (i, f, o, g, c, after)


def lstm_gradients(dh, dc, cache, *, inner=True):
    i, f, o, g, c, after = cache
    dc = dc + dh * o * (1 - np.tanh(after) ** 2 if inner else 1)
    parts = dc * g * i * (1 - i), dc * c * f * (1 - f), dh * np.tanh(after) * o * (1 - o), dc * i * (1 - g**2)
    return parts, dc


def lstm_cell_not_forgotten(dh, dc, cache):
    parts, dc = lstm_gradients(dh, dc, cache)
    return np.concatenate(parts, axis=-1), dc  # not times f


def lstm_gates_in_other_order(dh, dc, cache):
    (di, df, do, dg), dc = lstm_gradients(dh, dc, cache)
    return np.concatenate([df, di, do, dg], axis=-1), dc * cache[1]


def lstm_outer_tanh(dh, dc, cache):
    parts, dc = lstm_gradients(dh, dc, cache, inner=False)
    return np.concatenate(parts, axis=-1), dc * cache[1]


def lstm_cell_cotangent_dropped(dh, dc, cache):
    parts, dc = lstm_gradients(dh, 0 * dc, cache)
    return np.concatenate(parts, axis=-1), dc * cache[1]


def gru(x, h, u):
    """One step from the sums of its gates r, z, n; u is the recurrent weight of n."""
    r, z = sigmoid(x[:, 0]), sigmoid(x[:, 1])
    n = np.tanh(x[:, 2] + (r * h) @ u)
    return (1 - z) * n + z * h, (r, z, n, h, u)


def gru_gradients(dy, cache):
    r, z, n, h, u = cache
    dn = dy * (1 - z) * (1 - n**2)
    dr = (dn @ u.T) * h * r * (1 - r)
    dz = dy * (h - n) * z * (1 - z)
    return np.stack([dr, dz, dn], axis=1), dy * z + (dn @ u.T) * r, (r * h).T @ dn


def gru_reset_forgotten(dy, cache):
    dx, dh, du = gru_gradients(dy, cache)
    dx[:, 0] = 0
    return dx, dh, du


def gru_update_mirrored(dy, cache):
    dx, dh, du = gru_gradients(dy, cache)
    dx[:, 1] *= -1
    return dx, dh, du


def gru_direct_path_only(dy, cache):
    dx, _, du = gru_gradients(dy, cache)
    return dx, dy * cache[1], du


RNN = {"x": [3, 3], "h": [2], "wx": [3, 2], "wh": [2, 2], "b": [2]}
LSTM = {"gates": [2, 8], "c": [2, 2]}
GRU = {"x": [2, 3, 2], "h": [2, 2], "u": [2, 2]}


def case(name, code, forward, backward, inputs):
    return Case(
        name=name,
        area="recurrent",
        code=code,
        inputs=inputs,
        forward=forward,
        backward=backward,
        style="cache",
    )


CASES = (
    case("rnn, one step back only", "missing-term", rnn, rnn_truncated, RNN),
    case("rnn, initial state detached", "zero", rnn, rnn_start_zero, RNN),
    case("rnn, bias of one step", "missing-term", rnn, rnn_bias_of_last_step, RNN),
    case("rnn, last input forgotten", "region", rnn, rnn_last_input_forgotten, RNN),
    case("rnn, gradient clipped on its way", "nonlinear-cotangent", rnn, rnn_clipped, RNN),
    case("rnn, states one late", "unknown", rnn, rnn_later_states, RNN),
    case("rnn, recurrent weight not transposed", "transposed", rnn, rnn_recurrent_untransposed, RNN),
    case("lstm, forget gate left out", "scaled", lstm, lstm_cell_not_forgotten, LSTM),
    case("lstm, gates in another order", "permuted", lstm, lstm_gates_in_other_order, LSTM),
    case("lstm, slope of tanh left out", "missing-term", lstm, lstm_outer_tanh, LSTM),
    case("lstm, cell's cotangent dropped", "missing-term", lstm, lstm_cell_cotangent_dropped, LSTM),
    case("gru, reset gate forgotten", "region", gru, gru_reset_forgotten, GRU),
    case("gru, update gate's sign", "region", gru, gru_update_mirrored, GRU),
    case("gru, direct path only", "missing-term", gru, gru_direct_path_only, GRU),
)
