import torch
from torch.autograd import Function


class Clamp(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(-1, 1)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * (x.abs() <= 1)


class ClampStraightThrough(Clamp):
    @staticmethod
    def backward(ctx, g):
        return g


class SoftSquare(Function):
    """Mean over the batch of log(1 + x²)."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.log1p(x * x).mean(dim=0)

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 2 * x / (1 + x * x) / len(x)


class SoftSquareSummed(SoftSquare):
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 2 * x / (1 + x * x)


clamp, clamp_straight_through = Clamp.apply, ClampStraightThrough.apply
soft_square, soft_square_summed = SoftSquare.apply, SoftSquareSummed.apply


def center(x):
    return torch.tanh(x - x.mean(dim=1, keepdim=True))


class CenterDetached(Function):
    """tanh of what is left of the mean, whose gradient was taken with the mean detached."""

    @staticmethod
    def forward(ctx, x):
        y = center(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * (1 - y * y)


center_detached = CenterDetached.apply
