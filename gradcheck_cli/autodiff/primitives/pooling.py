"""Pooling: the largest entry or the mean of every window, by torch.nn.functional's names and arguments.

Windows of ``kernel_size`` entries step by as much, unless ``stride`` says otherwise. The axis of samples, N,
may be left out as in torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import Array, Primitive
from gradcheck_cli.autodiff.primitives.windows import (
    COUNTS,
    KERNELS,
    SIZES,
    Sweep,
    check_sample,
    columns,
    images,
    kernel_axes,
    kernel_sizes,
    sweep_axes,
    window_counts,
    with_sizes,
)
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape


def pool_sweeps(rank: int, x: Shape, **static: Any) -> tuple[Sweep, ...]:
    """Windows of a pooling over the last axes of x."""
    kernel_size, stride, padding = static["kernel_size"], static["stride"], static["padding"]
    sweeps = sweep_axes(
        x[-rank:],
        ceil_mode=static["ceil_mode"],
        kernel_size=kernel_size,
        stride=kernel_size if stride is None else stride,
        padding=padding,
        dilation=static.get("dilation", 1),  # averages have none
    )
    if any(2 * one.window.padding > one.window.kernel for one in sweeps):
        raise ShapeError(f"padding={padding} is more than half of kernel_size={kernel_size}")
    return sweeps


def pool_shape(rank: int, x: Shape, **static: Any) -> Shape:
    """Shape rule of a pooling: (…, C, *sizes) → (…, C, *windows)."""
    check_sample(x, rank)
    return (*x[:-rank], *window_counts(pool_sweeps(rank, x, **static)))


def read_windows(rank: int, x: Shape, **static: Any) -> Shape:
    """Shape of all windows, written out: what a pooling makes on its way."""
    sweeps = pool_sweeps(rank, x, **static)
    return (*x[:-rank], *kernel_sizes(sweeps), *window_counts(sweeps))


def _max_pool(rank: int, x: Array, **static: Any) -> Array:
    windows = columns(x, pool_sweeps(rank, x.shape, **static), fill=-np.inf)
    return np.max(windows, axis=kernel_axes(rank))


def _chosen(rank: int, out: Array, x: Array, sweeps: Sequence[Sweep]) -> Array:
    """Weights of the entries of each window: 1 for the largest, 1/k each for k that tie."""
    axes = kernel_axes(rank)
    largest = columns(x, sweeps) == np.expand_dims(out, axes)
    hits = largest * columns(np.ones_like(x), sweeps)  # what is read outside is no entry of x
    return hits / np.maximum(np.sum(hits, axis=axes, keepdims=True), 1)


def _max_pool_vjp(rank: int, g: Array, out: Array, x: Array, **static: Any) -> Array:
    sweeps = pool_sweeps(rank, x.shape, **static)
    return images(np.expand_dims(g, kernel_axes(rank)) * _chosen(rank, out, x, sweeps), sweeps)


def _max_pool_jvp(rank: int, t: Array, out: Array, x: Array, **static: Any) -> Array:
    sweeps = pool_sweeps(rank, x.shape, **static)
    return np.sum(columns(t, sweeps) * _chosen(rank, out, x, sweeps), axis=kernel_axes(rank))


def avg_pool_shape(rank: int, x: Shape, *, divisor_override: int | None = None, **static: Any) -> Shape:
    """Shape rule of an average."""
    if divisor_override == 0:
        raise ShapeError("divisor_override must not be 0")
    return pool_shape(rank, x, **static)


def _avg_pool(rank: int, x: Array, **static: Any) -> Array:
    sweeps = pool_sweeps(rank, x.shape, **static)
    return np.sum(columns(x, sweeps), axis=kernel_axes(rank)) / _divisor(x, sweeps, **static)


def _avg_pool_vjp(rank: int, g: Array, x: Array, **static: Any) -> Array:
    sweeps = pool_sweeps(rank, x.shape, **static)
    share = np.expand_dims(g / _divisor(x, sweeps, **static), kernel_axes(rank))
    return images(np.broadcast_to(share, read_windows(rank, x.shape, **static)), sweeps)


def _divisor(
    x: Array,
    sweeps: Sequence[Sweep],
    *,
    count_include_pad: bool,
    divisor_override: int | None = None,
    **_other: object,
) -> Array:
    """What each window's sum is divided by: how many entries it reads, in x alone or in its padding too."""
    if divisor_override is not None:
        return np.asarray(divisor_override, x.dtype)
    counts = [_entries(one, one.window.padding if count_include_pad else 0) for one in sweeps]
    return reduce(np.multiply.outer, counts).astype(x.dtype)


def _entries(sweep: Sweep, margin: int) -> Array:
    """How many positions each window reads that are in the axis or at most ``margin`` outside."""
    positions = sweep.positions()
    return np.sum((positions >= -margin) & (positions < sweep.size + margin), axis=0)


def _shapes(rank: int, windows: str) -> str:
    text = with_sizes(f"(N, C, {SIZES[rank]}) → (N, C, {COUNTS[rank]})", rank, windows)
    kernels = ", ".join(KERNELS[rank])
    return f"{text};  {kernels} = kernel_size,  stride = kernel_size by default,  // rounds up with ceil_mode"


def max_pool(rank: int) -> Primitive:
    """Build the row of ``max_pool1d`` or ``max_pool2d``."""
    return Primitive(
        name=f"max_pool{rank}d",
        formula="dL/dx = g, added at the largest entry of each window, shared evenly at ties",
        signature="x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False",
        operands=("x",),
        shapes=_shapes(rank, "(L + 2*padding - dilation*(K - 1) - 1)//stride + 1"),
        shape=lambda x, **static: pool_shape(rank, x, **static),
        forward=lambda x, **static: _max_pool(rank, x, **static),
        vjps=(lambda g, out, x, **static: _max_pool_vjp(rank, g, out, x, **static),),
        jvps=(lambda t, out, x, **static: _max_pool_jvp(rank, t, out, x, **static),),
        casts=True,
        inexact=True,
        working=lambda x, **static: read_windows(rank, x, **static),
    )


def avg_pool(rank: int) -> Primitive:
    """Build the row of ``avg_pool1d`` or ``avg_pool2d``; only the latter has a ``divisor_override``."""
    signature = "x, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True"
    return Primitive(
        name=f"avg_pool{rank}d",
        formula="dL/dx = g / n, added at all n entries of each window",
        signature=signature if rank == 1 else f"{signature}, divisor_override=None",
        operands=("x",),
        shapes=_shapes(rank, "(L + 2*padding - K)//stride + 1"),
        shape=lambda x, **static: avg_pool_shape(rank, x, **static),
        forward=lambda x, **static: _avg_pool(rank, x, **static),
        vjps=(lambda g, out, x, **static: _avg_pool_vjp(rank, g, x, **static),),
        jvps=(lambda t, out, x, **static: _avg_pool(rank, t, **static),),
        casts=True,
        inexact=True,
        working=lambda x, **static: read_windows(rank, x, **static),
    )


TABLE = (max_pool(1), max_pool(2), avg_pool(1), avg_pool(2))
