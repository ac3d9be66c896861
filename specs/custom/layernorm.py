import numpy as np


class LayerNorm:
    """y = gamma * (x - mean) / sqrt(var + eps) + beta, over the last axis.

    After ``backward``, ``dgamma`` and ``dbeta`` hold the gradients of the parameters.
    """

    def __init__(self, dim: int, eps: float = 1e-5) -> None:
        self.gamma = np.ones(dim)
        self.beta = np.zeros(dim)
        self.eps = eps
        self.dgamma: np.ndarray | None = None
        self.dbeta: np.ndarray | None = None

    def forward(self, x: np.ndarray) -> np.ndarray:
        centred = x - x.mean(-1, keepdims=True)
        self._rstd = 1.0 / np.sqrt((centred**2).mean(-1, keepdims=True) + self.eps)
        self._normed = centred * self._rstd
        return self.gamma * self._normed + self.beta

    def backward(self, dy: np.ndarray) -> np.ndarray:
        leading = tuple(range(dy.ndim - 1))
        self.dbeta = dy.sum(axis=leading)
        self.dgamma = (dy * self._normed).sum(axis=leading)
        dn = dy * self.gamma
        along = (dn * self._normed).mean(-1, keepdims=True)
        return self._rstd * (dn - dn.mean(-1, keepdims=True) - self._normed * along)
