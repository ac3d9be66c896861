"""Multi-head attention of q, k, v (N, H E), without projections."""
import numpy as np


def split(x, heads):
    return x.reshape(len(x), heads, -1).transpose(1, 0, 2)


def merge(x):
    return x.transpose(1, 0, 2).reshape(x.shape[1], -1)


def attend(q, k, v, heads=2):
    q, k, v = (split(x, heads) for x in (q, k, v))
    s = q @ k.transpose(0, 2, 1) / np.sqrt(q.shape[2])
    p = np.exp(s - s.max(axis=2, keepdims=True))
    a = p / p.sum(axis=2, keepdims=True)
    return merge(a @ v), (q, k, v, a)


def parts(dout, cache):
    q, k, v, a = cache
    do = split(dout, len(q))
    da = do @ v.transpose(0, 2, 1)
    ds = a * (da - (a * da).sum(axis=2, keepdims=True))
    return ds @ k, ds.transpose(0, 2, 1) @ q, a.transpose(0, 2, 1) @ do


def attend_backward(dout, cache):
    dq, dk, dv = parts(dout, cache)
    scale = np.sqrt(cache[0].shape[2])
    return merge(dq) / scale, merge(dk) / scale, merge(dv)


def attend_backward_without_scale(dout, cache):
    return tuple(merge(part) for part in parts(dout, cache))


def attend_backward_heads_reshaped(dout, cache):
    dq, dk, dv = attend_backward(dout, cache)
    return dq, dk, parts(dout, cache)[2].reshape(dv.shape)


def attend_backward_keys_first(dout, cache):
    dq, dk, dv = attend_backward(dout, cache)
    return dk, dq, dv
