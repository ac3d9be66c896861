"""Batch norm as in the course notes, one step of the graph at a time, and RMS norm."""
import numpy as np

EPS = 1e-3


def forward(x, gamma, beta):
    mu = x.mean(axis=0)
    xmu = x - mu
    var = (xmu**2).mean(axis=0)
    ivar = 1 / np.sqrt(var + EPS)
    xhat = xmu * ivar
    return gamma * xhat + beta, (xhat, gamma, xmu, ivar, x)


def backward(dout, cache, through_mean=True, through_variance=True):
    xhat, gamma, xmu, ivar, _ = cache
    n = len(dout)
    dbeta = dout.sum(axis=0)
    dgamma = (dout * xhat).sum(axis=0)
    dxhat = dout * gamma
    dx = dxhat * ivar
    if through_variance:
        dvar = (dxhat * xmu).sum(axis=0) * -0.5 * ivar**3
        dx = dx + dvar * 2 * xmu / n
    if through_mean:
        dx = dx - (dxhat * ivar).sum(axis=0) / n
    return dx, dgamma, dbeta


def backward_without_mean(dout, cache):
    return backward(dout, cache, through_mean=False)


def backward_without_variance(dout, cache):
    return backward(dout, cache, through_variance=False)


def backward_beta_first(dout, cache):
    dx, dgamma, dbeta = backward(dout, cache)
    return dx, dbeta, dgamma


def backward_input_for_normalised(dout, cache):
    dx, _, dbeta = backward(dout, cache)
    return dx, (dout * cache[4]).sum(axis=0), dbeta


def backward_first_sample(dout, cache):
    dx, dgamma, _ = backward(dout, cache)
    return dx, dgamma, dout[0]


def rms(x, gain):
    r = 1 / np.sqrt((x**2).mean(axis=-1, keepdims=True) + EPS)
    return gain * x * r, (x, gain, r)


def rms_backward(dout, cache):
    x, gain, r = cache
    g = dout * gain
    return r * g - x * r**3 * (g * x).mean(axis=-1, keepdims=True), (dout * x * r).sum(axis=0)


def rms_backward_wrong_sign(dout, cache):
    x, gain, r = cache
    g = dout * gain
    return r * g + x * r**3 * (g * x).mean(axis=-1, keepdims=True), (dout * x * r).sum(axis=0)
