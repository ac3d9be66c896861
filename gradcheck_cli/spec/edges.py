"""Values at an edge point: exact zeros, ties, repeated indices, negative and whole numbers, in the domain."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final, Literal

import numpy as np

from gradcheck_cli.shapes import Shape, count
from gradcheck_cli.spec.types import Sample

Draw = Callable[[np.random.Generator, Shape], np.ndarray]
Omitted = frozenset[Literal["zeros", "negative values"]]

# Dealt out in turn: a zero, then the largest value twice, so that a maximum is tied. The second choice is
# for domains that end before 2, the third for where only positive numbers may stand.
_WHOLE: Final = ((0, 2, 2, -1, 0, -1), (0, 1, 1, -1, 0, -1), (1, 3, 3, 2))
_OMITS: Final[Mapping[str, Callable[[np.ndarray], np.ndarray]]] = {
    "zeros": lambda values: values == 0,
    "negative values": lambda values: values < 0,
}


def edge_values(  # noqa: PLR0913, PLR0917  # what a draw depends on
    rng: np.random.Generator,
    sample: Sample,
    dtype: str,
    shape: Shape,
    generic: Draw,
    omitted: Omitted = frozenset(),
) -> np.ndarray:
    """Special values of an input; ``generic`` draws ordinary ones for where no special one fits.

    Floating inputs do without the ``omitted`` ones, as far as others are left.
    """
    if sample.kind in _MATRICES:
        return _MATRICES[sample.kind](rng, shape, dtype)
    number = count(shape)
    if dtype == "bool" and sample.kind == "normal":
        return np.ones(shape) if shape else np.zeros(shape)
    if sample.kind in {"integers", "choice"}:
        pool = _pool(sample, number)
        is_index = not dtype.startswith(("float", "complex"))
        values = _repeated(pool, number) if is_index else _mixed(_without(pool, omitted), number)
    else:
        values = _whole_numbers(rng, sample, number, generic, omitted)
        return _tied(rng.permutation(values).reshape(shape))
    return rng.permutation(values).reshape(shape)


def _tied(values: np.ndarray) -> np.ndarray:
    """Tie the largest of some row with another entry, and of some column likewise; no zero gets lost."""
    for axis in range(max(values.ndim - 2, 0), values.ndim):
        lines = np.moveaxis(values, axis, -1)  # a view
        if lines.shape[-1] < 2:
            continue
        order = np.sort(lines, axis=-1)
        gaps = order[..., -1] - order[..., -2]
        if np.all(gaps > 0):
            line = lines[np.unravel_index(int(np.argmin(gaps)), gaps.shape)]
            last, largest = np.argsort(line)[-2:]
            keep = line[last] == 0 and np.count_nonzero(values == 0) == 1
            line[last], line[largest] = (line[last],) * 2 if keep else (line[largest],) * 2
    return values


def _without(pool: np.ndarray, omitted: Omitted) -> np.ndarray:
    """Take the omitted values out of a pool, if any others stay."""
    for kind in omitted:
        left = pool[~_OMITS[kind](pool)]
        pool = left if left.size else pool
    return pool


def _pool(sample: Sample, number: int) -> np.ndarray:
    """Values to choose from: all choices, or the last whole number, the first, and some of those between."""
    if sample.kind == "choice":
        return np.array(list(dict.fromkeys(sample.arguments)))
    low, high = (int(bound) for bound in sample.arguments)
    first = np.arange(low, min(high, low + number + 1)).tolist()
    return np.array(list(dict.fromkeys([high - 1, *first])))


def _repeated(pool: np.ndarray, number: int) -> np.ndarray:
    """Few values, repeated, so that others stay unused."""
    if number == 1:
        return pool[[int(np.argmin(np.abs(pool)))]]
    nonzero_first = pool[np.argsort(pool == 0, kind="stable")] if number > 2 and len(pool) <= 2 else pool
    used = max(1, min(len(pool) - 1, (number + 1) // 2))
    return nonzero_first[np.arange(number) % used]


def _mixed(pool: np.ndarray, number: int) -> np.ndarray:
    """Numbers that are no indices: a zero if there is one, and at least one other value."""
    zero_first = pool[np.argsort(pool != 0, kind="stable")]
    used = min(max(len(pool) - 1, 2), max((number + 1) // 2, 2), len(pool))
    return zero_first[np.arange(number) % used]


def _whole_numbers(
    rng: np.random.Generator, sample: Sample, number: int, generic: Draw, omitted: Omitted
) -> np.ndarray:
    """Deal out whole numbers of the open domain; where none or only 0 fits, ties of generic values."""
    low, high = sample.domain
    unit = _unit(sample)
    wanted = _WHOLE[2] if len(omitted) == len(_OMITS) else _WHOLE[0] if high > 2 else _WHOLE[1]
    pool = [float(value) * unit for value in _without(np.array(wanted), omitted) if low < value * unit < high]
    if not pool and math.isfinite(low):
        first = math.floor(low) + 1
        pool = [float(value) for value in (first, first + 1, first + 1) if low < value < high]
    if len(set(pool)) > 1 or (pool and (number == 1 or pool[0] != 0)):
        if number == 1:
            pool.sort(key=abs)
        return np.array([pool[index % len(pool)] for index in range(number)])
    tied = generic(rng, (-(-number // 2),))
    if number == 1:
        return tied if not pool else np.array(pool[:1])
    values = np.concatenate([tied, tied])[:number]
    if pool and number > 2:
        values[len(tied) - 1] = 0.0
    return values


def _unit(sample: Sample) -> float:
    """Power of ten that makes whole numbers as large as what a normal sample draws, where that is far off."""
    deviation = sample.arguments[1] if sample.kind == "normal" and sample.arguments else 1.0
    return 1.0 if not deviation or 0.01 <= deviation <= 100 else 10.0 ** round(math.log10(deviation))


def _spd(rng: np.random.Generator, shape: Shape, _: str) -> np.ndarray:
    """Diagonal, with small distinct whole numbers."""
    size = shape[-1]
    diagonals = rng.permuted(np.broadcast_to(np.arange(1.0, size + 1), shape[:-1]), axis=-1)
    return diagonals[..., None] * np.eye(size)


def _orthogonal(rng: np.random.Generator, shape: Shape, _: str) -> np.ndarray:
    """Permutations with signs."""
    size = shape[-1]
    orders = rng.permuted(np.broadcast_to(np.arange(size), shape[:-1]), axis=-1)
    signs = rng.choice([-1.0, 1.0], size=(*shape[:-1], 1))
    matrices: np.ndarray = np.eye(size)[orders] * signs + 0.0  # no negative zeros
    return matrices


def _permutation(_: np.random.Generator, shape: Shape, dtype: str) -> np.ndarray:
    """The identity."""
    size = shape[-1]
    identity = np.eye(size) if dtype.startswith("float") else np.arange(size)
    return np.broadcast_to(identity, shape).copy()


_MATRICES: Final = {"spd": _spd, "orthogonal": _orthogonal, "permutation": _permutation}
