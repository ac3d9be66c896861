"""Calls of im2col and col2im: each argument by axis, single and no samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from cases_convolution import axes, conv, conv_transpose
from derivative_laws import Call, sample

from gradcheck_cli.autodiff.primitive import Array

DEFAULTS = {"dilation": 1, "padding": 0, "stride": 1}


def identity(channels: int, kernel_size: Any) -> Array:
    """Filters that each copy one entry of a window."""
    entries = channels * int(np.prod(axes(kernel_size, 2)))
    return np.eye(entries).reshape(entries, channels, *axes(kernel_size, 2))


def unfold(x: Array, kernel_size: Any, **static: Any) -> Array:
    """Convolve with every filter that copies one entry."""
    out = conv(x, identity(x.shape[-3], kernel_size), np.zeros(1), groups=1, **static)
    return out.reshape(*out.shape[:-2], out.shape[-2] * out.shape[-1])


def fold(x: Array, output_size: Any, kernel_size: Any, windows: tuple[int, int], **static: Any) -> Array:
    """Transposed convolution with the same; ``windows`` are the columns' rows and columns."""
    filters = identity(x.shape[-2] // int(np.prod(axes(kernel_size, 2))), kernel_size)
    images = x.reshape(*x.shape[:-1], *windows)
    small = conv_transpose(images, filters, np.zeros(1), 0, groups=1, **static)
    sizes = axes(output_size, 2)
    missing = [wanted - size for wanted, size in zip(sizes, small.shape[-2:], strict=True)]
    return np.pad(small, [(0, 0)] * (small.ndim - 2) + [(0, one) for one in missing])


def unfolded(*shape: int, **named: Any) -> Call:
    x, static = sample(*shape), {**DEFAULTS, **named}
    return Call(unfold(x, **static), (x,), static)


def folded(*shape: int, windows: tuple[int, int], **named: Any) -> Call:
    x, static = sample(*shape), {**DEFAULTS, **named}
    return Call(fold(x, windows=windows, **static), (x,), static)


CASES: dict[str, list[Call]] = {
    "unfold": [
        unfolded(2, 3, 3, 4, kernel_size=2),
        unfolded(2, 4, 3, kernel_size=(3, 1), padding=(1, 0)),
        unfolded(1, 1, 6, 5, kernel_size=(2, 2), stride=(3, 2), dilation=(1, 2)),
        unfolded(0, 2, 3, 3, kernel_size=2),
    ],
    "fold": [
        folded(2, 12, 6, windows=(2, 3), output_size=(3, 4), kernel_size=2),
        folded(6, 12, windows=(4, 3), output_size=(4, 3), kernel_size=(3, 1), padding=(1, 0)),
        folded(
            1, 4, 4, windows=(2, 2), output_size=(6, 5), kernel_size=(2, 2), stride=(3, 2), dilation=(1, 2)
        ),
        folded(0, 4, 4, windows=(2, 2), output_size=3, kernel_size=2),
    ],
}  # fmt: skip
