"""Symbols of axes → distinct sizes, and arrays of them."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from gradcheck_cli.explore.init.guesses import Axes, Guess

# Distinct, so that a mistaken axis shows; halves of H and W exist, for pooling.
_PREFERRED: Final[Mapping[str, tuple[int, ...]]] = {
    "N": (2, 4), "B": (2, 4), "D": (3, 5), "C": (3, 5), "M": (5, 7), "F": (5, 7), "H": (4, 8), "W": (6, 10),
    "T": (4, 6), "S": (6, 5), "V": (7, 8), "G": (2, 3),
}  # fmt: skip
_KERNEL: Final[Mapping[str, int]] = {"HH": 3, "WW": 2, "K": 3, "KH": 3, "KW": 2}  # must fit into the image


def symbols_of(axes: Iterable[str]) -> list[str]:
    """Names in axes, each once."""
    return list(dict.fromkeys(name for axis in axes for name in re.findall(r"[A-Za-z_]\w*", axis)))


def give_sizes(guesses: Iterable[Guess], fixed: Mapping[str, int]) -> dict[str, int]:
    """Give each symbol a size that no other one has, as long as there are any."""
    sizes = dict(fixed)
    for name in symbols_of([axis for guess in guesses for axis in (*guess.axes, guess.high)]):
        if name not in sizes:
            if name in _KERNEL:
                sizes[name] = _KERNEL[name]
                continue
            wanted = (*_PREFERRED.get(name, ()), *range(2, 40))
            sizes[name] = next(size for size in wanted if size not in sizes.values())
    return sizes


def size(axis: str, sizes: Mapping[str, int]) -> int:
    """Work out an axis: a symbol, a number, or a product of both.

    >>> size("4*H", {"H": 2})
    8
    """
    result = 1
    for factor in axis.split("*"):
        result *= int(factor) if factor.strip().isdigit() else sizes[factor.strip()]
    return result


def shape_of(axes: Axes, sizes: Mapping[str, int]) -> tuple[int, ...]:
    """Axes as numbers."""
    return tuple(size(axis, sizes) for axis in axes)


def array(name: str, guess: Guess, sizes: Mapping[str, int]) -> Any:
    """Draw an input: standard normal, or integers below the guess's bound."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    shape = shape_of(guess.axes, sizes)
    if guess.integer:
        return rng.integers(0, size(guess.high, sizes), shape)
    return np.array(rng.normal(size=shape))


def named_axes(shape: Iterable[int], sizes: Mapping[str, int]) -> Axes:
    """Write the shape of an array that was met, by symbols where they fit.

    >>> named_axes((3, 5, 1), {"N": 2, "D": 3, "M": 5})
    ('D', 'M', '1')
    """
    by_size = {number: name for name, number in reversed(list(sizes.items()))}
    return tuple(by_size.get(number, str(number)) for number in shape)
