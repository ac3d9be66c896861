"""Where several entries are at a kink at once, each may be right alone and all of them wrong together.

A max-pool that hands the full gradient to each of two tied maxima is within [0, 1] twice. So J d must lie
between the one-sided derivatives of f along d as well, for d over the kinked entries: all ones and random.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.compare import SEVERAL
from gradcheck_cli.ladder import refine, scale
from gradcheck_cli.noise import Noise
from gradcheck_cli.numeric import Differences
from gradcheck_cli.problem import View
from gradcheck_cli.ridders import Estimate

Line = tuple[Array, Estimate, Estimate]  # a direction, the derivative along it from below and from above

RANDOM = 3  # random directions beside the one of ones


def probes(view: View, differences: Differences, noise: Noise | None) -> list[Line]:
    """Directions over the kinked entries of an input, with the derivatives from below and from above.

    Empty where fewer than two entries are at a kink: one alone is judged by its own range.
    """
    columns = np.flatnonzero(differences.kink.any(axis=0))
    if len(columns) < 2 or noise is None:
        return []
    found = []
    for direction in _directions(view, columns):
        refined = refine(view.toward(direction.reshape(view.primal.shape)), 0, noise)
        found.append((direction, refined.left, refined.right))
    return found


def _directions(view: View, columns: Array) -> Iterator[Array]:
    """Yield directions in units of the entries' own scale."""
    rng = np.random.default_rng(len(columns))
    units = np.array([scale(view, int(column)) for column in columns])
    weights = [np.ones(len(columns)), *rng.uniform(-2.0, 2.0, (RANDOM, len(columns)))]
    for weight in weights:
        direction = np.zeros(view.primal.size)
        direction[columns] = weight * units
        yield direction


def outside(matrix: Array, tolerance: Array, direction: Array, left: Estimate, right: Estimate) -> Array:
    """Rows of a claimed Jacobian whose product with the direction is no derivative along it."""
    with np.errstate(invalid="ignore"):
        product = matrix @ direction
        slack = tolerance @ np.abs(direction) + SEVERAL * (left.bound + right.bound)
        low, high = np.minimum(left.value, right.value), np.maximum(left.value, right.value)
        return np.asarray((product < low - slack) | (product > high + slack))
