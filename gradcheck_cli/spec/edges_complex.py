"""Complex values at an edge point: exact zeros, real and imaginary numbers, ties of modulus."""

from __future__ import annotations

from typing import Final

import numpy as np

from gradcheck_cli.shapes import Shape, count
from gradcheck_cli.spec.edges import Omitted
from gradcheck_cli.spec.types import Sample

# Dealt out in turn: a zero, then three of one modulus, of which one is imaginary and one has both parts.
_POOL: Final = np.array([0, 5j, 3 - 4j, -5, 2, -1j])
_SCALES: Final = (1.0, 0.125)  # the smaller one for domains that end before 5


def complex_edge_values(
    rng: np.random.Generator, sample: Sample, shape: Shape, omitted: Omitted
) -> np.ndarray | None:
    """Special values inside the domain; None where that holds too few, or the sample names its values."""
    if sample.kind == "choice":
        return None
    low, high = sample.domain
    for scale in _SCALES:
        pool = scale * _POOL
        smallest, largest = np.minimum(pool.real, pool.imag), np.maximum(pool.real, pool.imag)
        pool = pool[(low < smallest) & (largest < high)]
        if "zeros" in omitted:
            pool = pool[pool != 0]
        if "negative values" in omitted:
            pool = pool[pool.real >= 0]
        if len(pool) > 2:
            values = pool[np.arange(count(shape)) % len(pool)]
            return rng.permutation(values).reshape(shape)
    return None
