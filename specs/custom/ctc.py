import numpy as np

BLANK = 0


def ctc_loss(logits, target):
    """Connectionist temporal classification (Graves 2006), one sequence, in the log domain.

    Args:
        logits: (T, K) scores before the softmax; class 0 is the blank.
        target: (U,) labels in 1..K-1.

    Returns:
        (loss, dlogits)
    """
    T, K = logits.shape
    m = logits.max(1, keepdims=True)
    logp = logits - m - np.log(np.exp(logits - m).sum(1, keepdims=True))
    ext = np.full(2 * len(target) + 1, BLANK)
    ext[1::2] = target
    S = len(ext)
    skip = np.zeros(S, dtype=bool)
    skip[2:] = (ext[2:] != BLANK) & (ext[2:] != ext[:-2])

    def sweep(lp, skip):
        out = np.full((T, S), -np.inf)
        out[0, :2] = lp[0, :2]
        for t in range(1, T):
            stay = out[t - 1]
            step = np.concatenate([[-np.inf], stay[:-1]])
            jump = np.where(skip, np.concatenate([[-np.inf, -np.inf], stay[:-2]]), -np.inf)
            out[t] = np.logaddexp(np.logaddexp(stay, step), jump) + lp[t]
        return out

    lp = logp[:, ext]
    alpha = sweep(lp, skip)
    back = np.zeros(S, dtype=bool)  # whether one may jump from s + 2 back to s
    back[:-2] = skip[2:]
    beta = sweep(lp[::-1, ::-1], back[::-1])[::-1, ::-1]
    total = np.logaddexp(alpha[-1, -1], alpha[-1, -2])
    gamma = np.exp(alpha + beta - lp - total)  # probability of being in s at t
    dlogits = np.exp(logp)
    for s, k in enumerate(ext):
        dlogits[:, k] -= gamma[:, s]
    return -total, dlogits
