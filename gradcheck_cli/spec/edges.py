"""Values at an edge point: exact zeros, ties, repeated indices, negative and whole numbers, in the domain."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from gradcheck_cli.shapes import Shape, count
from gradcheck_cli.spec.types import Sample

Draw = Callable[[np.random.Generator, Shape], np.ndarray]

# Dealt out in turn: a zero, then the largest value twice, so that a maximum is tied. The second choice is
# for domains that end before 2.
_WHOLE: Final = ((0, 2, 2, -1, 0, -1), (0, 1, 1, -1, 0, -1))


def edge_values(
    rng: np.random.Generator, sample: Sample, dtype: str, shape: Shape, generic: Draw
) -> np.ndarray:
    """Special values of an input; ``generic`` draws ordinary ones for where no special one fits."""
    if sample.kind in _MATRICES:
        return _MATRICES[sample.kind](rng, shape, dtype)
    number = count(shape)
    if dtype == "bool" and sample.kind == "normal":
        return np.ones(shape) if shape else np.zeros(shape)
    if sample.kind in {"integers", "choice"}:
        values = _repeated(sample, number)
    else:
        values = _whole_numbers(rng, sample, number, generic)
    return rng.permutation(values).reshape(shape)


def _repeated(sample: Sample, number: int) -> np.ndarray:
    """Few values, repeated, so that others stay unused; the last, the first, then those between."""
    if sample.kind == "choice":
        pool = np.array(list(dict.fromkeys(sample.arguments)))
    else:
        low, high = (int(bound) for bound in sample.arguments)
        pool = np.arange(low, min(high, low + number + 1))
        pool = np.array(list(dict.fromkeys([high - 1, *pool.tolist()])))
    if number == 1:
        return pool[[int(np.argmin(np.abs(pool)))]]
    nonzero_first = pool[np.argsort(pool == 0, kind="stable")] if number > 2 and len(pool) <= 2 else pool
    used = max(1, min(len(pool) - 1, (number + 1) // 2))
    return nonzero_first[np.arange(number) % used]


def _whole_numbers(rng: np.random.Generator, sample: Sample, number: int, generic: Draw) -> np.ndarray:
    """Deal out whole numbers of the open domain; where none or only 0 fits, ties of generic values."""
    low, high = sample.domain
    wanted = _WHOLE[0] if high > 2 else _WHOLE[1]
    pool = [float(value) for value in wanted if low < value < high]
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
