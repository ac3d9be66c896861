"""What the rules of the contract do with arrays: draw them, copy them, tell them apart."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.functions.base import Arrays, ArrayType
from gradcheck_cli.parts import whole_of

Broken = Mapping[str, str]  # by what is wrong, an input (of a jvp an output) or "" for all: how


def dense(rng: np.random.Generator, type_: ArrayType) -> Array:
    """Random numbers of both signs between 1/2 and 2 in size, in C order."""
    shape = type_.parts.shape
    return whole_of(rng.uniform(0.5, 2.0, shape) * rng.choice([-1.0, 1.0], shape), type_.dtype)


def copies(arrays: Arrays) -> dict[str, Array]:
    """Fresh copies in C order, which nobody else writes into."""
    return {name: np.array(array, order="C") for name, array in arrays.items()}


def changed(before: Arrays, now: Arrays) -> list[str]:
    """Names of the arrays that are not what they were, entry by entry and without tolerance."""
    return [
        name
        for name, array in before.items()
        if not np.array_equal(array, now[name], equal_nan=array.dtype.kind in "fc")
    ]


def differing(name: str, one: Array, other: Array, slack: Array | float) -> Broken:
    """Say by how much two arrays of one name differ, if by more than ``slack``; nan is nan."""
    one, other = (np.asarray(array, np.result_type(array, np.float64)) for array in (one, other))
    with np.errstate(all="ignore"):
        distance = np.abs(one - other)
        both = (np.isnan(one) & np.isnan(other)) | (one == other)
        wrong = ~both & ~(distance <= slack)
    if not np.any(wrong):
        return {}
    place = int(np.argmax(np.where(wrong, np.nan_to_num(distance, nan=np.inf), -1.0)))
    shape = np.shape(distance)
    index = [int(axis) for axis in np.unravel_index(place, shape)] if shape else ""
    values = [np.broadcast_to(array, shape).reshape(-1)[place] for array in (one, other)]
    return {name: f"{name}{index} is {values[0]:.6g} instead of {values[1]:.6g}"}
