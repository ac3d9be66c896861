"""Vanilla RNN over a whole sequence; inputs, states and gradients are lists with an entry per time step."""
import numpy as np


class RNN:
    def __init__(self, input_size, hidden_size, output_size):
        self.Wxh = np.random.randn(hidden_size, input_size) * 0.01  # input to hidden
        self.Whh = np.random.randn(hidden_size, hidden_size) * 0.01  # hidden to hidden
        self.Why = np.random.randn(output_size, hidden_size) * 0.01  # hidden to output
        self.bh = np.zeros((hidden_size, 1))
        self.by = np.zeros((output_size, 1))

    def forward(self, xs, hprev):
        self.xs = xs
        self.hs = [hprev]
        for x in xs:
            self.hs.append(np.tanh(self.Wxh @ x + self.Whh @ self.hs[-1] + self.bh))
        return [self.Why @ h + self.by for h in self.hs[1:]]

    def backward(self, dys):
        grads = {name: np.zeros_like(getattr(self, name)) for name in ("Wxh", "Whh", "Why", "bh", "by")}
        dhnext = np.zeros_like(self.hs[0])
        dxs = [None] * len(dys)
        for t in reversed(range(len(dys))):
            h, hprev = self.hs[t + 1], self.hs[t]
            grads["Why"] += dys[t] @ h.T
            grads["by"] += dys[t]
            dh = self.Why.T @ dys[t] + dhnext  # backprop into h
            dhraw = (1 - h * h) * dh  # through the tanh
            grads["bh"] += dhraw
            grads["Wxh"] += dhraw @ self.xs[t].T
            grads["Whh"] += dhraw @ hprev.T
            dxs[t] = self.Wxh.T @ dhraw
            dhnext = self.Whh.T @ dhraw
        return dxs, dhnext, grads
