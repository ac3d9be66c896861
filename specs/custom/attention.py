import numpy as np


class MultiHeadAttention:
    """Self-attention. ``params`` and ``grads`` are dictionaries with the keys Wq, Wk, Wv, Wo, each (E, E)."""

    def __init__(self, params, heads, causal=False):
        self.params, self.heads, self.causal = params, heads, causal
        self.grads = {}

    def _split(self, x):  # (B, T, E) -> (B, heads, T, E / heads)
        B, T, E = x.shape
        return x.reshape(B, T, self.heads, E // self.heads).transpose(0, 2, 1, 3)

    def _merge(self, x):  # and back
        B, H, T, C = x.shape
        return x.transpose(0, 2, 1, 3).reshape(B, T, H * C)

    def __call__(self, x):
        p = self.params
        q, k, v = self._split(x @ p["Wq"]), self._split(x @ p["Wk"]), self._split(x @ p["Wv"])
        scale = q.shape[-1] ** -0.5
        s = q @ k.swapaxes(-1, -2) * scale
        if self.causal:
            s = np.where(np.tri(s.shape[-1], dtype=bool), s, -1e9)
        e = np.exp(s - s.max(-1, keepdims=True))
        a = e / e.sum(-1, keepdims=True)
        o = self._merge(a @ v)
        self.saved = x, q, k, v, a, o, scale
        return o @ p["Wo"]

    def backward(self, dy):
        x, q, k, v, a, o, scale = self.saved
        p = self.params
        self.grads["Wo"] = np.einsum("bti,btj->ij", o, dy)
        do = self._split(dy @ p["Wo"].T)
        dv = a.swapaxes(-1, -2) @ do
        da = do @ v.swapaxes(-1, -2)
        ds = a * (da - (da * a).sum(-1, keepdims=True)) * scale
        dq, dk = ds @ k, ds.swapaxes(-1, -2) @ q
        dx = 0
        for name, d in ("Wq", dq), ("Wk", dk), ("Wv", dv):
            d = self._merge(d)
            self.grads[name] = np.einsum("bti,btj->ij", x, d)
            dx = dx + d @ p[name].T
        return dx
