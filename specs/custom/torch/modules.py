import torch
from torch import nn
from torch.nn import functional as F


class GatedBlock(nn.Module):
    """Pre-norm gated feed-forward block with a residual connection."""

    def __init__(self, width=4, hidden=6):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, hidden)
        self.gate = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width)

    def forward(self, x):
        h = self.norm(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class _Swish(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, beta):
        s = torch.sigmoid(beta * x)
        ctx.save_for_backward(x, beta, s)
        return x * s

    @staticmethod
    def backward(ctx, g):
        x, beta, s = ctx.saved_tensors
        ds = s * (1 - s)
        return g * (s + beta * x * ds), (g * x * x * ds).sum()


class Swish(nn.Module):
    """x sigmoid(beta x) with one learnt beta and a backward of its own."""

    def __init__(self):
        super().__init__()
        self.beta = nn.Parameter(torch.tensor(1.5))

    def forward(self, x):
        return _Swish.apply(x, self.beta)
