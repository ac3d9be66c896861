"""A small autograd: operations are classes that are never instantiated."""
import numpy as np


class Context:
    def save_for_backward(self, *arrays):
        self.saved = arrays


class Function:
    @staticmethod
    def forward(ctx, *args):
        raise NotImplementedError

    @staticmethod
    def backward(ctx, grad):
        raise NotImplementedError


class LogSumExp(Function):
    @staticmethod
    def forward(ctx, x, axis=-1):
        m = x.max(axis=axis, keepdims=True)
        e = np.exp(x - m)
        s = e.sum(axis=axis, keepdims=True)
        ctx.save_for_backward(e / s)
        ctx.axis = axis
        return np.squeeze(m + np.log(s), axis)

    @staticmethod
    def backward(ctx, grad):
        p, = ctx.saved
        return np.expand_dims(grad, ctx.axis) * p


class Normalize(Function):
    """x / |x| along the last axis, times a gain."""

    @staticmethod
    def forward(ctx, x, gain):
        length = np.linalg.norm(x, axis=-1, keepdims=True)
        unit = x / length
        ctx.save_for_backward(unit, length, gain)
        return gain * unit

    @staticmethod
    def backward(ctx, grad):
        unit, length, gain = ctx.saved
        through = gain * grad
        dx = (through - unit * np.sum(through * unit, -1, keepdims=True)) / length
        return dx, np.sum(grad * unit)
