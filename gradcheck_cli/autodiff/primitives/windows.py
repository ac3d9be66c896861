"""Windows that sweep over the last axes of an array: what convolution, pooling and im2col share.

Two linear maps, each the other's adjoint: ``columns`` reads every window, ``images`` adds windows up where
they were read. Both look the entries up in one table for each axis. So stride, padding and dilation, entries
that no window reaches and a last window that hangs over the edge need no cases of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape, Size

Integers = int | Sequence[int]
SIZES = {1: "L", 2: "H, W"}  # names of the axes swept over
COUNTS = {1: "L'", 2: "H', W'"}  # and of those that count the windows
KERNELS = {1: ("K",), 2: ("KH", "KW")}  # how long a window is along each


@dataclass(frozen=True)
class Window:
    """How windows lie along one axis: entry k of window l at l * stride + k * dilation - padding."""

    kernel: int
    stride: int
    padding: int
    dilation: int

    @property
    def span(self) -> int:
        """Entries from a window's first to its last."""
        return self.dilation * (self.kernel - 1) + 1

    def number(self, size: int, *, ceil_mode: bool = False) -> int:
        """(size + 2 padding - dilation (kernel - 1) - 1) / stride + 1, rounded down, or up in ``ceil_mode``.

        Rounded up, a last window that would start in the padding behind the axis is left out.
        """
        rest = 2 * self.padding + self.dilation - 1 + (self.stride - 1 if ceil_mode else 0)
        if self.stride == 1:
            return _combined(size, -self.dilation, self.kernel, rest + 1)
        windows = _combined(size, -self.dilation, self.kernel, rest) // self.stride + 1
        starts_behind = ceil_mode and (windows - 1) * self.stride >= size + self.padding
        return windows - 1 if starts_behind else windows

    def reach(self, windows: int, extra: int) -> int:
        """(windows - 1) stride + dilation (kernel - 1) + 1 - 2 padding + extra: the size of the transpose."""
        rest = 1 - self.stride - self.dilation - 2 * self.padding + extra
        return _combined(self.stride * windows, self.dilation, self.kernel, rest)


@dataclass(frozen=True)
class Sweep:
    """So many windows along an axis of this size."""

    window: Window
    size: int
    windows: int

    def positions(self) -> Array:
        """Position of entry k of window l, be it in the axis or outside. Shape (kernel, windows)."""
        starts = np.arange(self.windows) * self.window.stride - self.window.padding
        return np.arange(self.window.kernel)[:, np.newaxis] * self.window.dilation + starts

    def reads(self) -> Array:
        """What entry k of window l reads: a position, or ``size`` for outside. Shape (kernel, windows)."""
        positions = self.positions()
        return np.where((positions >= 0) & (positions < self.size), positions, self.size)

    def readers(self) -> Array:
        """The window that has position i as its entry k, ``windows`` for none. Shape (kernel, size)."""
        offsets = np.arange(self.window.kernel)[:, np.newaxis] * self.window.dilation - self.window.padding
        window, rest = np.divmod(np.arange(self.size) - offsets, self.window.stride)
        return np.where((rest == 0) & (window >= 0) & (window < self.windows), window, self.windows)


def _combined(size: int, factor: int, kernel: int, number: int) -> int:
    """Work out size + factor * kernel + number, plain numbers first: its text reads ``H - K + 1``."""
    if not isinstance(kernel, Size):
        return _plus(size, factor * kernel + number)
    return _plus(size + factor * kernel if factor > 0 else size - -factor * kernel, number)


def _plus(size: int, number: int) -> int:
    return size + number if number >= 0 else size - -number


def with_sizes(text: str, rank: int, formula: str) -> str:
    """Add to a shape rule in words what the primed sizes are; ``formula`` is over size L and kernel K."""
    (size, *others), kernel = SIZES[rank].split(", "), KERNELS[rank][0]
    told = re.sub(r"\b[LK]\b", lambda found: {"L": size, "K": kernel}[found[0]], formula)
    likewise = "".join(f",  {one}' likewise" for one in others)
    return f"{text};  N may be missing;  {size}' = {told}{likewise}"


def check_sample(x: Shape, rank: int) -> None:
    """Refuse what is neither (N, C, *sizes) nor, as torch takes it too, (C, *sizes)."""
    if len(x) not in {rank + 1, rank + 2}:
        raise ShapeError(f"{{0}} must have the axes (N, C, {SIZES[rank]}), where N may be left out")


def per_axis(name: str, value: Integers, rank: int, *, least: int) -> tuple[int, ...]:
    """One integer for each axis, from torch's arguments: an integer, which goes for all, or a tuple."""
    values = (value,) if isinstance(value, int) else tuple(value)
    if len(values) == 1:
        values *= rank
    if len(values) != rank:
        several = f" or a tuple of {rank}" if rank > 1 else ""
        raise ShapeError(f"{name} must be one integer{several}, not {value}")
    if any(one < least for one in values):
        raise ShapeError(f"{name} must be at least {least}, not {value}")
    return values


def windows_along(
    rank: int, kernel_size: Integers, stride: Integers, padding: Integers, dilation: Integers
) -> tuple[Window, ...]:
    """Windows along each of the axes, from torch's arguments."""
    each = (
        per_axis("kernel_size", kernel_size, rank, least=1),
        per_axis("stride", stride, rank, least=1),
        per_axis("padding", padding, rank, least=0),
        per_axis("dilation", dilation, rank, least=1),
    )
    return tuple(Window(*axis) for axis in zip(*each, strict=True))


def sweep_axes(sizes: Shape, *, ceil_mode: bool = False, **arguments: Any) -> tuple[Sweep, ...]:
    """Sweep as many windows over axes of these sizes as fit.

    Raises
    ------
    ShapeError
        For arguments that no window can have, and if not even one window fits.
    """
    sweeps = []
    windows = windows_along(len(sizes), **arguments)
    for axis, (size, window) in enumerate(zip(sizes, windows, strict=True), start=-len(sizes)):
        number = window.number(size, ceil_mode=ceil_mode)
        if size < 1:
            raise ShapeError(f"axis {axis} is empty: there is nothing to read")
        if number < 1:
            room = f"{int(size + 2 * window.padding)}{' with padding' if window.padding else ''}"
            raise ShapeError(f"a window spans {int(window.span)} entries, and axis {axis} has {room}")
        sweeps.append(Sweep(window, size, number))
    return tuple(sweeps)


def columns(x: Array, sweeps: Sequence[Sweep], *, fill: float = 0) -> Array:
    """Read every window of the last axes: (…, *sizes) → (…, *kernels, *windows); ``fill`` is outside."""
    rank = len(sweeps)
    for axis, sweep in enumerate(sweeps, start=-rank):
        x = np.take(_with_spare(x, axis, fill), sweep.reads(), axis=axis)
    # Each axis has become a pair, kernel and windows.
    return np.moveaxis(x, range(1 - 2 * rank, 0, 2), range(-rank, 0))


def images(windows: Array, sweeps: Sequence[Sweep]) -> Array:
    """Add windows up where ``columns`` reads them, of which this is the adjoint."""
    rank = len(sweeps)
    x = np.moveaxis(windows, range(-rank, 0), range(1 - 2 * rank, 0, 2))
    for axis, sweep in zip(range(-1, -1 - rank, -1), reversed(sweeps), strict=True):
        entries = np.arange(sweep.window.kernel)[:, np.newaxis]
        index: tuple[Any, ...] = (..., entries, sweep.readers(), *(slice(None),) * (-1 - axis))
        x = np.sum(_with_spare(x, axis, 0)[index], axis=axis - 1)
    return x


def _with_spare(x: Array, axis: int, fill: float) -> Array:
    """Append one entry along an axis: what is read where there is nothing."""
    shape = list(x.shape)
    shape[axis] = 1
    return np.concatenate((x, np.full(shape, fill, x.dtype)), axis=axis)


def kernel_axes(rank: int) -> tuple[int, ...]:
    """Axes of ``columns`` that run over the entries of a window."""
    return tuple(range(-2 * rank, -rank))


def kernel_sizes(sweeps: Iterable[Sweep]) -> Shape:
    """Sizes of the axes that run over the entries of a window."""
    return tuple(one.window.kernel for one in sweeps)


def window_counts(sweeps: Iterable[Sweep]) -> Shape:
    """Sizes of the axes that run over the windows."""
    return tuple(one.windows for one in sweeps)
