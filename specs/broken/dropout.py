"""Dropout and noise."""
import numpy as np


class Dropout:
    def __init__(self, ratio):
        self.ratio = ratio

    def forward(self, x):
        self.mask = np.random.rand(*x.shape) > self.ratio
        return x * self.mask / (1 - self.ratio)

    def backward(self, dout):
        return dout * self.mask / (1 - self.ratio)


class WithoutScale(Dropout):
    def backward(self, dout):
        return dout * self.mask


class AnotherMask(Dropout):
    def backward(self, dout):
        mask = np.random.default_rng().random(dout.shape) > self.ratio
        return dout * mask / (1 - self.ratio)


class NoisyGradient(Dropout):
    def backward(self, dout):
        noise = np.random.default_rng().normal(size=dout.shape)
        return (dout + 0.01 * noise) * self.mask / (1 - self.ratio)
