"""Calls of convolutions: sizes that are not square, each argument by axis, groups, single and no samples."""

from __future__ import annotations

from typing import Any

import numpy as np
from derivative_laws import Call, sample

from gradcheck_cli.autodiff.primitive import Array

DEFAULTS = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1}
PLAIN, PLAIN_1D = ((2, 3, 4, 5), (4, 3, 2, 3)), ((2, 3, 5), (4, 3, 2))
GROUPED, GROUPED_1D = ((1, 4, 3, 4), (6, 2, 2, 2)), ((1, 4, 4), (6, 2, 2))


def axes(value: Any, rank: int) -> tuple[int, ...]:
    return (value,) * rank if isinstance(value, int) else tuple(value)


def reads(window: tuple[int, ...], entry: tuple[int, ...], static: dict[str, Any]) -> tuple[int, ...]:
    """Position that a window's entry reads, one axis after the other."""
    steps, padding, dilation = (axes(static[name], len(window)) for name in ("stride", "padding", "dilation"))
    return tuple(
        place * step + at * spacing - margin
        for place, at, step, margin, spacing in zip(window, entry, steps, padding, dilation, strict=True)
    )


def inside(position: tuple[int, ...], sizes: tuple[int, ...]) -> bool:
    return all(0 <= at < size for at, size in zip(position, sizes, strict=True))


def pairs(channels: int, wanted: int, groups: int) -> list[tuple[int, int, int]]:
    """Output channel, channel, and the latter's place in its group."""
    share, own = channels // groups, wanted // groups
    return [(out, out // own * share + place, place) for out in range(wanted) for place in range(share)]


def conv(x: Array, weight: Array, bias: Array, **static: Any) -> Array:
    """Convolution by its definition, entry by entry, in the windows that fit."""
    rank = weight.ndim - 2
    sizes, kernel = x.shape[-rank:], weight.shape[2:]
    spans = reads((0,) * rank, tuple(size - 1 for size in kernel), {**static, "padding": 0})
    margins, steps = axes(static["padding"], rank), axes(static["stride"], rank)
    counts = tuple(
        (size + 2 * margin - span - 1) // step + 1
        for size, margin, span, step in zip(sizes, margins, spans, steps, strict=True)
    )
    out = np.zeros((*x.shape[: -rank - 1], weight.shape[0], *counts))
    for o, c, place in pairs(x.shape[-rank - 1], weight.shape[0], static["groups"]):
        for window in np.ndindex(*counts):
            for entry in np.ndindex(*kernel):
                position = reads(window, entry, static)
                if inside(position, sizes):
                    out[(..., o, *window)] += x[(..., c, *position)] * weight[(o, place, *entry)]
    return out + bias.reshape(-1, *(1,) * rank)


def conv_transpose(x: Array, weight: Array, bias: Array, output_padding: Any, **static: Any) -> Array:
    """Every entry of x adds the kernel, scaled by it, to the window that it stands for."""
    rank, groups = weight.ndim - 2, static["groups"]
    ends = reads(
        tuple(size - 1 for size in x.shape[-rank:]), tuple(size - 1 for size in weight.shape[2:]), static
    )
    sizes = tuple(
        end + 1 - margin + extra
        for end, margin, extra in zip(
            ends, axes(static["padding"], rank), axes(output_padding, rank), strict=True
        )
    )
    out = np.zeros((*x.shape[: -rank - 1], weight.shape[1] * groups, *sizes))
    for c, o, place in pairs(weight.shape[1] * groups, x.shape[-rank - 1], groups):
        for window in np.ndindex(*x.shape[-rank:]):
            for entry in np.ndindex(*weight.shape[2:]):
                position = reads(window, entry, static)
                if inside(position, sizes):
                    out[(..., o, *position)] += x[(..., c, *window)] * weight[(c, place, *entry)]
    return out + bias.reshape(-1, *(1,) * rank)


def call(numpy: Any, shapes: tuple[tuple[int, ...], ...], outputs: int | None = None, **static: Any) -> Call:
    """A call with a bias of so many entries, or with the number that stands in where it is left out."""
    x, weight = (sample(*shape, seed=place) for place, shape in enumerate(shapes))
    bias = np.array(0.0) if outputs is None else sample(outputs, seed=5)
    named = {**DEFAULTS, **({"output_padding": 0} if numpy is conv_transpose else {}), **static}
    return Call(numpy(x, weight, bias, **named), (x, weight, bias), named)


CASES: dict[str, list[Call]] = {
    "conv1d": [
        call(conv, PLAIN_1D, 4),
        call(conv, ((3, 5), (4, 3, 2))),
        call(conv, ((2, 3, 7), (1, 3, 3)), 1, stride=2, padding=1),
        call(conv, ((2, 1, 6), (2, 1, 2)), stride=(3,), dilation=2),  # the last entry is never read
        call(conv, GROUPED_1D, 6, groups=2, padding=(2,)),
        call(conv, ((0, 3, 4), (2, 3, 2)), 2),
        call(conv, ((2, 0, 4), (2, 0, 2)), 2),
    ],
    "conv2d": [
        call(conv, PLAIN, 4),
        call(conv, PLAIN, stride=(2, 1)),
        call(conv, ((3, 4, 5), (2, 3, 1, 2)), 2, padding=(0, 2)),
        call(conv, ((1, 2, 7, 5), (2, 2, 2, 3)), dilation=(2, 1), stride=(3, 2), padding=(1, 0)),
        call(conv, GROUPED, 6, groups=2),
        call(conv, ((2, 3, 3, 2), (3, 1, 2, 1)), 3, groups=3, padding=1, stride=2),
        call(conv, ((1, 1, 2, 2), (1, 1, 4, 3)), padding=(1, 1)),
        call(conv, ((0, 1, 3, 2), (2, 1, 2, 2)), 2),
    ],
    "conv_transpose1d": [
        call(conv_transpose, ((2, 3, 4), (3, 2, 2)), 2),
        call(conv_transpose, ((3, 4), (3, 2, 3)), stride=3, padding=1, output_padding=(2,)),
        call(conv_transpose, ((1, 4, 3), (4, 3, 2)), 6, groups=2, dilation=3, output_padding=2),
        call(conv_transpose, ((0, 3, 4), (3, 2, 2)), 2),
    ],
    "conv_transpose2d": [
        call(conv_transpose, ((2, 3, 2, 3), (3, 2, 2, 3)), 2),
        call(conv_transpose, ((3, 2, 3), (3, 2, 2, 1)), stride=(1, 2), output_padding=(0, 1)),
        call(conv_transpose, ((1, 2, 3, 2), (2, 1, 3, 2)), 1, padding=(2, 0), dilation=(1, 2)),
        call(conv_transpose, ((4, 2, 3), (4, 1, 2, 2)), 2, groups=2, stride=2, padding=1, output_padding=1),
    ],
}  # fmt: skip
