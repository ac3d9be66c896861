import numpy as np


class Dropout:
    """
    http://arxiv.org/abs/1207.0580
    """
    def __init__(self, ratio=0.5):
        self.ratio = ratio
        self.mask = None

    def forward(self, x, train_flg=True):
        if train_flg:
            self.mask = np.random.rand(*x.shape) > self.ratio
            return x * self.mask / (1.0 - self.ratio)
        return x

    def backward(self, dout):
        return dout * self.mask / (1.0 - self.ratio)


def dropout_with(x, mask, keep):
    """Dropout with a mask that somebody else has drawn."""
    return x * mask / keep


def dropout_with_grad(g, x, mask, keep):
    return g * mask / keep
