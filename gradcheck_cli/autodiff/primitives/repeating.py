"""Operations that fill a larger array with copies of a smaller one's entries: tile, repeat, pad."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import HOLOMORPHIC, Array, Primitive
from gradcheck_cli.autodiff.primitives.gathering import add_slices
from gradcheck_cli.autodiff.primitives.indexing import add_at
from gradcheck_cli.autodiff.primitives.shaping import along
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape

Integers = int | Sequence[int]
MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


def _blocks(x: Shape, reps: Integers) -> tuple[Shape, Shape]:
    """Sizes of x and how often each axis is repeated by ``tile``, both with as many axes as the result."""
    counts = (reps,) if isinstance(reps, int) else tuple(reps)
    rank = max(len(x), len(counts))
    return (1,) * (rank - len(x)) + x, (1,) * (rank - len(counts)) + counts


def tiled_shape(x: Shape, reps: Integers) -> Shape:
    """Shape rule of ``tile``: every size times its number of copies."""
    sizes, counts = _blocks(x, reps)
    if any(number < 0 for number in counts):
        raise ShapeError("reps cannot be negative")
    return tuple(number * size for number, size in zip(counts, sizes, strict=True))


def _sum_of_tiles(g: Array, out: Array, x: Array, reps: Integers) -> Array:
    """Adjoint of ``tile``: axis by axis, split into copies and entries, the sum over the copies."""
    for axis, (size, number) in enumerate(zip(*_blocks(x.shape, reps), strict=True)):
        g = np.sum(np.reshape(g, (*g.shape[:axis], number, size, *g.shape[axis + 1 :])), axis=axis)
    return np.reshape(g, x.shape)


def repeated_shape(x: Shape, repeats: Integers, axis: int | None = None) -> Shape:
    """Shape rule of ``repeat``: one number of copies for all entries along the axis, or one each."""
    shape, place = along(x, axis)
    counts = (repeats,) if isinstance(repeats, int) else tuple(repeats)
    if any(number < 0 for number in counts):
        raise ShapeError("repeats cannot be negative")
    if len(counts) not in (1, shape[place]):
        raise ShapeError(f"repeats has {len(counts)} entries, {{0}} has {int(shape[place])} to repeat")
    length = counts[0] * shape[place] if len(counts) == 1 else sum(counts)
    return (*shape[:place], length, *shape[place + 1 :])


def _repeat(x: Array, repeats: Integers, axis: int | None) -> Array:
    return np.repeat(x, np.asarray(repeats, np.int64), axis)  # NumPy takes an empty tuple for floats


def _sum_of_copies(g: Array, out: Array, x: Array, repeats: Integers, axis: int | None) -> Array:
    """Adjoint of ``repeat``: each entry collects from where its copies went."""
    shape, place = along(x.shape, axis)
    origins = _repeat(np.arange(shape[place]), repeats, 0)
    return np.reshape(add_slices(np.zeros(shape, x.dtype), origins, g, place), x.shape)


def pad_pairs(pad_width: Any, rank: int) -> list[tuple[int, int]]:
    """Widths before and after each axis: one integer or pair for all, or one for each, as in NumPy."""
    widths = np.array(pad_width, dtype=object)  # so that sizes keep their symbols
    try:
        pairs = np.broadcast_to(widths, (rank, 2)).tolist()
    except ValueError:
        pairs = None
    if pairs is None or not all(isinstance(width, int) for width in widths.flat):
        raise ShapeError(f"pad_width must be an integer, a pair, or one pair for each of {rank} axes")
    if any(width < 0 for width in widths.flat):
        raise ShapeError("pad_width cannot be negative; cut with a slice")
    return [(before, after) for before, after in pairs]


def padded_shape(x: Shape, pad_width: Any, mode: str = "constant", constant_values: float = 0) -> Shape:
    """Shape rule of ``pad``: every size and its two widths."""
    if mode not in MODES:
        raise ShapeError(f"mode must be one of {', '.join(MODES)}, not {mode!r}")
    if mode != "constant" and constant_values != 0:
        raise ShapeError(f"constant_values has no meaning with mode={mode!r}")
    pairs = pad_pairs(pad_width, len(x))
    for axis, widths in enumerate(pairs):
        if mode != "constant" and not x[axis] and any(widths):
            raise ShapeError(f"axis {axis} of {{0}} is empty: mode={mode!r} has nothing to copy")
    return tuple(size + (before + after) for size, (before, after) in zip(x, pairs, strict=True))


def _pad(x: Array, pad_width: Any, mode: Any, constant_values: float) -> Array:
    if mode != "constant":
        return np.pad(x, pad_width, mode)
    fill = np.asarray(constant_values).astype(np.asarray(x).dtype)  # NumPy stops at an infinite integer
    return np.pad(x, pad_width, constant_values=fill)


def _unpad(g: Array, out: Array, x: Array, pad_width: Any, mode: Any, **_constant: Any) -> Array:
    """Adjoint of ``pad``: each entry collects from itself and from its images in the border."""
    pairs = list(zip(x.shape, pad_pairs(pad_width, x.ndim), strict=True))
    if mode == "constant":
        return g[tuple(slice(before, before + size) for size, (before, _) in pairs)]
    origins = np.ix_(*(np.pad(np.arange(size), widths, mode) for size, widths in pairs))
    return add_at(np.zeros_like(x), origins, g)


TILE = Primitive(
    name="tile",
    shapes="(…, N, M) → (…, 2*N, 3*M), for reps=(2, 3)",
    formula="dL/dx = sum of g over the copies",
    signature="x, reps",
    operands=("x",),
    shape=tiled_shape,
    forward=np.tile,
    vjps=(_sum_of_tiles,),
    jvps=(lambda t, out, x, reps: np.tile(t, reps),),
    on_complex=HOLOMORPHIC,
)
REPEAT = Primitive(
    name="repeat",
    shapes="(…, N, …) → (…, 2*N, …), with axis=None (2*size,), for repeats=2",
    formula="dL/dx = sum of g over the copies of each entry,  reshaped as x with axis=None",
    signature="x, repeats, axis=None",
    operands=("x",),
    shape=repeated_shape,
    forward=_repeat,
    vjps=(_sum_of_copies,),
    jvps=(lambda t, out, x, repeats, axis: _repeat(t, repeats, axis),),
    on_complex=HOLOMORPHIC,
)
PAD = Primitive(
    name="pad",
    shapes="(N, …) → (N + 2, …), for pad_width=1",
    formula="dL/dx = g without its border, plus g at the copies in the border unless that is constant",
    signature="x, pad_width, mode='constant', constant_values=0",
    operands=("x",),
    shape=padded_shape,
    forward=_pad,
    vjps=(_unpad,),
    jvps=(lambda t, out, x, pad_width, mode, constant_values: _pad(t, pad_width, mode, 0),),
    on_complex=HOLOMORPHIC,
)

TABLE = (TILE, REPEAT, PAD)
