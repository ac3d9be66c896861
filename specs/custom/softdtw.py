"""soft-DTW of Cuturi and Blondel (2017), with its backward recursion."""
import numpy as np


def softmin(values, gamma):
    z = -np.asarray(values) / gamma
    zmax = z.max()
    return -gamma * (np.log(np.exp(z - zmax).sum()) + zmax)


def soft_dtw(x, y, gamma=1.0):
    n, m = len(x), len(y)
    D = ((x[:, None] - y[None]) ** 2).sum(-1)
    R = np.full((n + 2, m + 2), np.inf)
    R[0, 0] = 0
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            R[i, j] = D[i - 1, j - 1] + softmin((R[i - 1, j], R[i, j - 1], R[i - 1, j - 1]), gamma)
    return R[n, m], {"x": x, "y": y, "D": D, "R": R, "gamma": gamma}


def soft_dtw_grad(dloss, saved):
    x, y, gamma = saved["x"], saved["y"], saved["gamma"]
    n, m = len(x), len(y)
    D = np.zeros((n + 2, m + 2))
    D[1:-1, 1:-1] = saved["D"]
    R = saved["R"].copy()
    R[:, -1] = R[-1, :] = -np.inf
    R[-1, -1] = R[n, m]
    E = np.zeros((n + 2, m + 2))
    E[-1, -1] = 1
    for j in range(m, 0, -1):
        for i in range(n, 0, -1):
            a = np.exp((R[i + 1, j] - R[i, j] - D[i + 1, j]) / gamma)
            b = np.exp((R[i, j + 1] - R[i, j] - D[i, j + 1]) / gamma)
            c = np.exp((R[i + 1, j + 1] - R[i, j] - D[i + 1, j + 1]) / gamma)
            E[i, j] = E[i + 1, j] * a + E[i, j + 1] * b + E[i + 1, j + 1] * c
    diff = 2 * (x[:, None] - y[None]) * E[1:-1, 1:-1, None] * dloss
    return {"x": diff.sum(1), "y": -diff.sum(0)}
