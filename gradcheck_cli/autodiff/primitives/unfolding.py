"""``unfold`` (im2col) and ``fold`` (col2im), by torch.nn.functional's names and arguments.

With them a convolution can be written as a product of matrices. In shapes, a window has K = KH·KW entries,
and there are L windows. N may be left out as in torch.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import Array, Primitive, summed
from gradcheck_cli.autodiff.primitives.windows import (
    Integers,
    Sweep,
    check_sample,
    columns,
    images,
    kernel_sizes,
    per_axis,
    sweep_axes,
    window_counts,
    with_sizes,
)
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape, count

_COUNT = "(L + 2*padding - dilation*(K - 1) - 1)//stride + 1"


def unfold_shape(x: Shape, **static: Any) -> Shape:
    """Shape rule of ``unfold``: (…, C, H, W) → (…, C·K, L)."""
    check_sample(x, 2)
    sweeps = sweep_axes(x[-2:], **static)
    return (*x[:-3], math.prod((x[-3], *kernel_sizes(sweeps))), math.prod(window_counts(sweeps)))


def fold_shape(x: Shape, output_size: Integers, **static: Any) -> Shape:
    """Shape rule of ``fold``: (…, C·K, L) → (…, C, H, W)."""
    if len(x) not in {2, 3}:
        raise ShapeError("{0} must have the axes (N, C*KH*KW, L), where N may be left out")
    sweeps = _fold_sweeps(output_size, **static)
    entries, windows = count(kernel_sizes(sweeps)), count(window_counts(sweeps))
    if x[-2] % entries:
        raise ShapeError(f"{{0}} has {int(x[-2])} rows, no multiple of the {entries} entries of a window")
    if x[-1] != windows:
        raise ShapeError(f"{{0}} has {int(x[-1])} columns, and there are {windows} windows")
    return (*x[:-2], x[-2] // entries, *(one.size for one in sweeps))


def _fold_sweeps(output_size: Integers, **static: Any) -> tuple[Sweep, ...]:
    return sweep_axes(per_axis("output_size", output_size, 2, least=1), **static)


def unfold(x: Array, **static: Any) -> Array:
    """Return every window of x as a column: im2col."""
    return np.reshape(columns(x, sweep_axes(x.shape[-2:], **static)), unfold_shape(x.shape, **static))


def fold(x: Array, output_size: Integers, **static: Any) -> Array:
    """Add the columns up where ``unfold`` reads them: col2im."""
    sweeps = _fold_sweeps(output_size, **static)
    channels = fold_shape(x.shape, output_size, **static)[:-2]
    windows = np.reshape(x, (*channels, *kernel_sizes(sweeps), *window_counts(sweeps)))
    return images(windows, sweeps)


UNFOLD = Primitive(
    name="unfold",
    formula="dL/dx = fold(g, (H, W), …)",
    signature="x, kernel_size, dilation=1, padding=0, stride=1",
    operands=("x",),
    shapes=with_sizes("(N, C, H, W) → (N, C*KH*KW, L)", 2, _COUNT) + ",  L = H'*W'",
    shape=unfold_shape,
    forward=unfold,
    vjps=(lambda g, out, x, **static: fold(g, x.shape[-2:], **static),),
    jvps=(lambda t, out, x, **static: unfold(t, **static),),
)
FOLD = Primitive(
    name="fold",
    formula="dL/dx = unfold(g, …)",
    signature="x, output_size, kernel_size, dilation=1, padding=0, stride=1",
    operands=("x",),
    shapes=with_sizes("(N, C*KH*KW, L) → (N, C, H, W)", 2, _COUNT) + ",  L = H'*W'",
    shape=fold_shape,
    forward=fold,
    dtype=summed,
    vjps=(lambda g, out, x, output_size, **static: unfold(g, **static),),
    jvps=(lambda t, out, x, **static: fold(t, **static),),
)

TABLE = (UNFOLD, FOLD)
