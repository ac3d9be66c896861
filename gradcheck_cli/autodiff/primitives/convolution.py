"""Convolution and its transpose, by torch.nn.functional's names and arguments.

⟨g, conv(x, weight)⟩ is linear in each of its three arrays. Its derivatives by these are all that the rules
need: by g, which is the convolution (``correlate``); by x, the transposed convolution
(``correlate_transposed``); by the weight (``weigh``). Each is one product of matrices for each group.

In shapes, C channels come in and O go out, in G groups; a window has K entries, and there are L windows.
The axis of samples, N, may be left out as in torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import Array, Primitive, Rule
from gradcheck_cli.autodiff.primitives.shaping import along_channels
from gradcheck_cli.autodiff.primitives.windows import (
    COUNTS,
    KERNELS,
    SIZES,
    Integers,
    Sweep,
    check_sample,
    columns,
    images,
    kernel_sizes,
    per_axis,
    sweep_axes,
    window_counts,
    windows_along,
    with_sizes,
)
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape, count, unbroadcast

_KERNEL = {rank: ", ".join(names) for rank, names in KERNELS.items()}
_COUNT = "(L + 2*padding - dilation*(K - 1) - 1)//stride + 1"
_TRANSPOSED_COUNT = "(L - 1)*stride - 2*padding + dilation*(K - 1) + output_padding + 1"


def correlate(x: Array, weight: Array, sweeps: Sequence[Sweep], groups: int) -> Array:
    """Convolution: (…, C, *sizes), (O, C/G, *kernels) → (…, O, *windows)."""
    out = np.matmul(_filter_matrix(weight, groups), _column_matrix(x, sweeps, groups))
    return np.reshape(out, (*x.shape[: -1 - len(sweeps)], weight.shape[0], *window_counts(sweeps)))


def correlate_transposed(g: Array, weight: Array, sweeps: Sequence[Sweep], groups: int) -> Array:
    """Transposed convolution: (…, O, *windows), (O, C/G, *kernels) → (…, C, *sizes)."""
    rank = len(sweeps)
    filters = np.swapaxes(_filter_matrix(weight, groups), -1, -2)
    found = np.matmul(filters, _channel_matrix(g, rank, groups))
    channels, kernels = weight.shape[1] * groups, weight.shape[2:]
    return images(np.reshape(found, (*g.shape[: -1 - rank], channels, *kernels, *g.shape[-rank:])), sweeps)


def weigh(g: Array, x: Array, weight: Array, sweeps: Sequence[Sweep], groups: int) -> Array:
    """Cotangent against the windows of x: (…, O, *windows), (…, C, *sizes) → (O, C/G, *kernels)."""
    windows = np.swapaxes(_column_matrix(x, sweeps, groups), -1, -2)
    found = np.matmul(_channel_matrix(g, len(sweeps), groups), windows)
    return np.reshape(unbroadcast(found, _filter_matrix(weight, groups).shape), weight.shape)


def _filter_matrix(weight: Array, groups: int) -> Array:
    """(O, C/G, *kernels) → (G, O/G, C/G·K)."""
    return np.reshape(weight, (groups, weight.shape[0] // groups, count(weight.shape[1:])))


def _channel_matrix(g: Array, rank: int, groups: int) -> Array:
    """(…, O, *windows) → (…, G, O/G, L)."""
    lead, channels, windows = g.shape[: -1 - rank], g.shape[-1 - rank], g.shape[-rank:]
    return np.reshape(g, (*lead, groups, channels // groups, count(windows)))


def _column_matrix(x: Array, sweeps: Sequence[Sweep], groups: int) -> Array:
    """(…, C, *sizes) → (…, G, C/G·K, L)."""
    lead, channels = x.shape[: -1 - len(sweeps)], x.shape[-1 - len(sweeps)]
    rows = channels // groups * count(kernel_sizes(sweeps))
    return np.reshape(columns(x, sweeps), (*lead, groups, rows, count(window_counts(sweeps))))


def conv_sweeps(x: Shape, weight: Shape, **arguments: Any) -> tuple[Sweep, ...]:
    """Windows of a convolution, which reads x."""
    return sweep_axes(x[2 - len(weight) :], kernel_size=weight[2:], **arguments)


def transposed_sweeps(
    x: Shape, weight: Shape, *, output_padding: Integers, **arguments: Any
) -> tuple[Sweep, ...]:
    """Windows of a transposed convolution, one for each entry of x, into which the result is written."""
    rank = len(weight) - 2
    windows = windows_along(rank, weight[2:], **arguments)
    extras = per_axis("output_padding", output_padding, rank, least=0)
    if any(extra >= max(one.stride, one.dilation) for extra, one in zip(extras, windows, strict=True)):
        raise ShapeError(f"output_padding={output_padding} must be less than stride or dilation")
    found = tuple(
        Sweep(one, one.reach(number, extra), number)
        for one, number, extra in zip(windows, x[-rank:], extras, strict=True)
    )
    if any(one.size < 1 for one in found):
        raise ShapeError(f"padding={arguments['padding']} leaves nothing of the result")
    return found


def conv_shape(rank: int, x: Shape, weight: Shape, bias: Shape, *, groups: int, **static: Any) -> Shape:
    """Shape rule of a convolution: (…, C, *sizes), (O, C/groups, *kernels), (O) → (…, O, *windows)."""
    _check_ranks(rank, x, weight, "O, C/groups")
    _check_groups(groups, weight[0], "output channels")
    if x[-1 - rank] != weight[1] * groups:
        each = f" in each of {groups} groups" if groups > 1 else ""
        raise ShapeError(f"{{0}} has {int(x[-1 - rank])} channels, {{1}} takes {int(weight[1])}{each}")
    _check_bias(bias, weight[0])
    return (*x[: -1 - rank], weight[0], *window_counts(conv_sweeps(x, weight, **static)))


def conv_transposed_shape(
    rank: int, x: Shape, weight: Shape, bias: Shape, *, groups: int, **static: Any
) -> Shape:
    """Shape rule of its transpose: (…, C, *windows), (C, O/groups, *kernels), (O) → (…, O, *sizes)."""
    _check_ranks(rank, x, weight, "C, O/groups")
    if x[-1 - rank] != weight[0]:
        raise ShapeError(f"{{0}} has {int(x[-1 - rank])} channels, {{1}} takes {int(weight[0])}")
    _check_groups(groups, weight[0], "channels of {0}")
    _check_bias(bias, weight[1] * groups)
    sizes = (one.size for one in transposed_sweeps(x, weight, **static))
    return (*x[: -1 - rank], weight[1] * groups, *sizes)


def _check_ranks(rank: int, x: Shape, weight: Shape, channels: str) -> None:
    check_sample(x, rank)
    if len(weight) != rank + 2:
        raise ShapeError(f"{{1}} must have the axes ({channels}, {_KERNEL[rank]})")


def _check_groups(groups: int, channels: int, whose: str) -> None:
    if groups < 1 or channels % groups:
        raise ShapeError(f"groups={groups} must divide the {int(channels)} {whose}")


def _check_bias(bias: Shape, channels: int) -> None:
    if bias not in {(), (channels,)}:
        raise ShapeError(f"{{2}} must have the shape ({int(channels)},), one entry for each output channel")


def layer(
    name: str,
    rank: int,
    sweeps: Callable[..., Sequence[Sweep]],
    forward: Rule,
    slopes: tuple[Rule, Rule],
    **options: Any,
) -> Primitive:
    """Build the row of forward(x, weight) + bias.

    ``slopes`` are its adjoints by x and by the weight, as (g, x, weight) → gradient. All three are told the
    windows, which ``sweeps`` finds from both shapes, and the groups.
    """
    product, by_x, by_weight = (_told_windows(sweeps, rule) for rule in (forward, *slopes))
    return Primitive(
        name=name,
        operands=("x", "weight", "bias"),
        optional={"bias": 0.0},
        forward=lambda x, weight, bias, **at: (
            product((x, weight), x, weight, **at) + along_channels(bias, rank)
        ),
        vjps=(
            lambda g, out, x, weight, bias, **at: by_x((x, weight), g, x, weight, **at),
            lambda g, out, x, weight, bias, **at: by_weight((x, weight), g, x, weight, **at),
            lambda g, out, x, weight, bias, **at: _sum_over_channels(g, bias, rank),
        ),
        jvps=(
            lambda t, out, x, weight, bias, **at: product((x, weight), t, weight, **at),
            lambda t, out, x, weight, bias, **at: product((x, weight), x, t, **at),
            lambda t, out, x, weight, bias, **at: along_channels(t, rank),
        ),
        casts=True,
        **options,
    )


def _told_windows(sweeps: Callable[..., Sequence[Sweep]], rule: Rule) -> Rule:
    """Give a rule the windows in place of the arguments that they follow from, given x and the weight too."""

    def told(pair: tuple[Array, Array], *arrays: Array, groups: int, **static: Any) -> Array:
        x, weight = pair
        return rule(*arrays, sweeps=sweeps(x.shape, weight.shape, **static), groups=groups)

    return told


def _sum_over_channels(g: Array, bias: Array, rank: int) -> Array:
    return np.reshape(unbroadcast(g, along_channels(bias, rank).shape), bias.shape)


def convolution(rank: int) -> Primitive:
    """Build the row of ``conv1d`` or ``conv2d``."""
    return layer(
        f"conv{rank}d",
        rank,
        conv_sweeps,
        correlate,
        (lambda g, x, weight, **at: correlate_transposed(g, weight, **at), weigh),
        formula=f"dL/dx = conv_transpose{rank}d(g, weight, …),  dL/dweight = g against the windows of x,  "
        "dL/dbias = sum of g over all axes but the channels",
        signature="x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1",
        shapes=with_sizes(
            f"(N, C, {SIZES[rank]}), (O, C/groups, {_KERNEL[rank]}), (O) → (N, O, {COUNTS[rank]})",
            rank,
            _COUNT,
        ),
        shape=lambda x, weight, bias, **static: conv_shape(rank, x, weight, bias, **static),
        working=lambda x, weight, bias, *, groups, **static: (
            *x[:-rank],
            *weight[2:],
            *window_counts(conv_sweeps(x, weight, **static)),
        ),
    )


def transposed(rank: int) -> Primitive:
    """Build the row of ``conv_transpose1d`` or ``conv_transpose2d``."""
    return layer(
        f"conv_transpose{rank}d",
        rank,
        transposed_sweeps,
        correlate_transposed,
        (
            lambda g, x, weight, **at: correlate(g, weight, **at),
            lambda g, x, weight, **at: weigh(x, g, weight, **at),
        ),
        formula=f"dL/dx = conv{rank}d(g, weight, …),  dL/dweight = x against the windows of g,  "
        "dL/dbias = sum of g over all axes but the channels",
        signature="x, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1",
        shapes=with_sizes(
            f"(N, C, {SIZES[rank]}), (C, O/groups, {_KERNEL[rank]}), (O) → (N, O, {COUNTS[rank]})",
            rank,
            _TRANSPOSED_COUNT,
        ),
        shape=lambda x, weight, bias, **static: conv_transposed_shape(rank, x, weight, bias, **static),
        working=lambda x, weight, bias, *, groups, **static: (
            *x[: -1 - rank],
            weight[1] * groups,
            *weight[2:],
            *x[-rank:],
        ),
    )


TABLE = (convolution(1), convolution(2), transposed(1), transposed(2))
