"""Calls of pooling: each argument by axis, windows that hang over the edge, single and no samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from cases_convolution import axes, inside, reads
from derivative_laws import Call, sample

from gradcheck_cli.autodiff.primitive import Array

DEFAULTS = {"stride": None, "padding": 0, "ceil_mode": False}


def windows(size: int, kernel: int, step: int, margin: int, spacing: int, ceil_mode: bool) -> range:
    """Count the windows that fit; in ``ceil_mode`` one more if they leave entries, and if it starts early."""
    room = size + 2 * margin - spacing * (kernel - 1) - 1
    places = range(size + 2 * margin)
    if ceil_mode:
        number = sum((place - 1) * step < room and place * step < size + margin for place in places)
    else:
        number = sum(place * step <= room for place in places)
    return range(number)


def pooled(reduce: Any, x: Array, rank: int, kernel_size: Any, stride: Any, ceil_mode: bool, **static: Any):
    """Reduce, window by window, the list of positions that it reads in x."""
    moves = {"stride": kernel_size if stride is None else stride, "dilation": 1, **static}
    sizes, kernel = x.shape[-rank:], axes(kernel_size, rank)
    each = (axes(moves[name], rank) for name in ("stride", "padding", "dilation"))
    counts = [windows(*axis, ceil_mode) for axis in zip(sizes, kernel, *each, strict=True)]
    out = np.zeros((*x.shape[:-rank], *map(len, counts)))
    for window in np.ndindex(*map(len, counts)):
        positions = [reads(window, entry, moves) for entry in np.ndindex(*kernel)]
        out[(..., *window)] = reduce(x, positions)
    return out


def max_pool(x: Array, rank: int, **static: Any) -> Array:
    def largest(x: Array, positions: list[tuple[int, ...]]) -> Array:
        read = [x[(..., *at)] for at in positions if inside(at, x.shape[-rank:])]
        return np.max(read, axis=0) if read else -np.inf

    return pooled(largest, x, rank, **static)


def avg_pool(
    x: Array, rank: int, count_include_pad: bool, divisor_override: int | None = None, **static: Any
) -> Array:
    def mean(x: Array, positions: list[tuple[int, ...]]) -> Array:
        sizes, margins = x.shape[-rank:], axes(static["padding"], rank)
        shifted = [tuple(at + by for at, by in zip(one, margins, strict=True)) for one in positions]
        padded = [size + 2 * by for size, by in zip(sizes, margins, strict=True)]
        read = [x[(..., *at)] for at in positions if inside(at, sizes)]
        number = sum(inside(at, padded) for at in shifted) if count_include_pad else len(read)
        return sum(read) / (divisor_override or number)

    return pooled(mean, x, rank, **static)


def largest(*shape: int, rank: int, **named: Any) -> Call:
    x, static = sample(*shape), {**DEFAULTS, "dilation": 1, **named}
    return Call(max_pool(x, rank, **static), (x,), static)


def average(*shape: int, rank: int, **named: Any) -> Call:
    x, static = sample(*shape), {**DEFAULTS, "count_include_pad": True, **named}
    return Call(avg_pool(x, rank, **static), (x,), static)


CASES: dict[str, list[Call]] = {
    "max_pool1d": [
        largest(2, 3, 5, rank=1, kernel_size=2),
        largest(3, 7, rank=1, kernel_size=(3,), stride=2, padding=1),
        largest(1, 2, 6, rank=1, kernel_size=2, stride=3, dilation=2, ceil_mode=True),
        largest(0, 3, 5, rank=1, kernel_size=2),
    ],
    "max_pool2d": [
        largest(2, 3, 4, 5, rank=2, kernel_size=2),
        largest(3, 5, 4, rank=2, kernel_size=(3, 2), stride=(1, 2), padding=(1, 0)),
        largest(1, 2, 6, 5, rank=2, kernel_size=(2, 3), stride=(3, 1), dilation=(1, 2), padding=(0, 1)),
        largest(1, 1, 6, 5, rank=2, kernel_size=3, stride=2, padding=1, ceil_mode=True),
        largest(2, 0, 4, 3, rank=2, kernel_size=2),
    ],
    "avg_pool1d": [
        average(2, 3, 5, rank=1, kernel_size=2),
        average(3, 7, rank=1, kernel_size=(3,), stride=2, padding=1, count_include_pad=False),
        average(1, 2, 6, rank=1, kernel_size=3, stride=2, padding=1, ceil_mode=True),
        average(0, 3, 5, rank=1, kernel_size=2),
    ],
    "avg_pool2d": [
        average(2, 3, 4, 5, rank=2, kernel_size=2, divisor_override=None),
        average(3, 5, 4, rank=2, kernel_size=(3, 2), stride=(1, 2), padding=(1, 0), divisor_override=None),
        average(
            1, 2, 6, 5, rank=2, kernel_size=(2, 3), stride=3, padding=(0, 1), ceil_mode=True,
            count_include_pad=False, divisor_override=None,
        ),
        average(1, 1, 6, 5, rank=2, kernel_size=3, stride=2, padding=1, divisor_override=-4),
        average(2, 0, 4, 3, rank=2, kernel_size=2, divisor_override=None),
    ],
}  # fmt: skip
