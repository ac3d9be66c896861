"""Functions, autograd.Functions and modules of PyTorch, right and wrong, as tests check them."""

from __future__ import annotations

import torch
from torch import nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.utils.checkpoint import checkpoint


def affine(x, w, b, *, scale=1.0):
    return scale * (x @ w + b)


def two(x):
    return torch.sin(x), (x**2).sum()


def nested(x):
    return {"a": x * 2, "b": [x.exp(), (x.sin(), None)]}


def detached(x):
    return x.detach() * 2 + x


def unused(x, w):
    return x.sin()


def gathered(table, index):
    return table[index]


def dropped(x):
    return nn.functional.dropout(x, 0.5)


def half(x):
    return x.bfloat16()


def not_a_tensor(x):
    return "nothing"


def makes_constants(x):
    return x @ torch.linspace(0.1, 0.9, x.shape[-1])


def written_into(x):
    return x.mul_(2).sin()


def squared_modulus(z):
    return z.abs() ** 2


def holomorphic(z):
    return z.exp() * z


class Cube(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 3 * grad * x**2

    @staticmethod
    def jvp(ctx, tangent):
        raise NotImplementedError


class CubeTwice(Cube):
    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 3.01 * grad * x**2


class OnceCube(Cube):
    @staticmethod
    @once_differentiable
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 3 * grad * x**2


class DetachedCube(Cube):
    """The first derivative is right; the second is not, since backward leaves the graph."""

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 3 * grad * x.detach() ** 2


class Power(Function):
    """In the newer style, with an argument that is no tensor, and forward mode."""

    @staticmethod
    def forward(x, p):
        return x**p

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, ctx.p = inputs
        ctx.save_for_backward(x)
        ctx.save_for_forward(x)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * ctx.p * x ** (ctx.p - 1), None

    @staticmethod
    def jvp(ctx, tangent, _):
        (x,) = ctx.saved_tensors
        return tangent * ctx.p * x ** (ctx.p - 1)


class WrongForwardMode(Power):
    @staticmethod
    def jvp(ctx, tangent, _):
        (x,) = ctx.saved_tensors
        return tangent * ctx.p * x**ctx.p


class MutatesCotangent(Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad.mul_(x.cos())


class Block(nn.Module):
    def __init__(self, width=3, hidden=4):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.into = nn.Linear(width, hidden)
        self.out = nn.Linear(hidden, width, bias=False)
        self.out.weight.requires_grad_(False)

    def forward(self, x):
        return x + self.out(torch.tanh(self.into(self.norm(x))))


class Scale(nn.Module):
    def __init__(self, function=Cube):
        super().__init__()
        self.log = nn.Parameter(torch.ones(3))
        self.register_buffer("shift", torch.arange(3.0))
        self.function = function

    def forward(self, x):
        return self.function.apply(x * self.log.log() + self.shift)


class WrongScale(Scale):
    def __init__(self):
        super().__init__(CubeTwice)


class Lazy(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.LazyLinear(2)

    def forward(self, x):
        return self.inner(x)


class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(5, 2)

    def forward(self, index):
        return self.table(index).sum(1)


ready = Block()


class NoLayer:
    pass


class Hooked(nn.Module):
    """Its weight has a hook that doubles the gradient: wrong."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))
        self.weight.register_hook(lambda gradient: 2 * gradient)

    def forward(self, x):
        return x * self.weight


hooked = Hooked()


class Listed(nn.Module):
    """Uses its weights through a list of its own, with Functions of whose forward mode one is wrong."""

    def __init__(self, function=None):
        super().__init__()
        self.first, self.second = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
        self.weights = [self.first, self.second]
        self.function = function

    def forward(self, x):
        y = x.exp() * self.weights[0] ** 2 * self.weights[1]
        return y if self.function is None else self.function.apply(y.abs() + 1, 2.5)


class ListedPower(Listed):
    def __init__(self):
        super().__init__(Power)


class ListedWrongForwardMode(Listed):
    def __init__(self):
        super().__init__(WrongForwardMode)


class ListedBranches(Listed):
    """Detaches one of the weights in its list: wrong."""

    def forward(self, x):
        return x.exp() * self.weights[0] * self.weights[1].detach()


class Checkpointed(Block):
    def forward(self, x):
        return checkpoint(super().forward, x, use_reentrant=False)


class Clamped(nn.Module):
    """Writes into its weights, as ``nn.Embedding(max_norm=…)`` does."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))

    def forward(self, x):
        with torch.no_grad():
            self.weight.clamp_(-0.8, 0.8)
        return x * self.weight


class Unmovable(Block):
    def to(self, *arguments, **kwargs):
        raise RuntimeError("stays")


class Meta(Block):
    def __init__(self):
        super().__init__()
        self.to("meta")
