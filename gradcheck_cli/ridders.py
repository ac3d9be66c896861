"""Extrapolation of difference quotients to step 0, with a bound: Ridders' method.

C. J. F. Ridders, "Accurate computation of F'(x) and F'(x) F''(x)", Advances in Engineering Software 4
(1982); Press et al., Numerical Recipes, section 5.7. Works on all outputs of a function at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gradcheck_cli.autodiff.primitive import Array

DEPTH = 5  # extrapolations that a value goes through at most
NOISE_LEVELS = 5  # smallest steps of a ladder, at which jumps are noise and no longer truncation


@dataclass(frozen=True)
class Estimate:
    """A value for every output entry and a bound on its error; an unknown one is nan with bound inf."""

    value: Array
    bound: Array

    def rows(self, rows: slice) -> Estimate:
        """Return the part that belongs to one output."""
        return Estimate(self.value[rows], self.bound[rows])

    def widened(self, bound: Array) -> Estimate:
        """Return the same estimate with at least this bound."""
        return Estimate(self.value, np.maximum(self.bound, bound))

    def tighter(self, other: Estimate) -> Estimate:
        """Combine with another estimate: the one whose bound is smaller beside its value wins."""
        with np.errstate(invalid="ignore"):
            own, theirs = self.bound * np.abs(other.value), other.bound * np.abs(self.value)
            take = (theirs < own) | ((other.bound == 0) & (self.bound > 0))
            take &= (self.bound > 0) | (other.bound == 0)
        return Estimate(np.where(take, other.value, self.value), np.where(take, other.bound, self.bound))

    def better_of(self, finer: Estimate) -> Estimate:
        """Combine with an estimate from smaller steps.

        Where the two contradict one another beyond their bounds, the smaller step is right: its
        round-off floor is honest, while aliasing at a large step is invisible. Else the tighter wins.
        """
        contradicts = np.abs(self.value - finer.value) > self.bound + finer.bound
        take = (finer.bound < self.bound) | (contradicts & np.isfinite(finer.bound))
        return Estimate(np.where(take, finer.value, self.value), np.where(take, finer.bound, self.bound))


def extrapolate(differences: Array, floor: Array, steps: Array, *, ratio: int) -> Estimate:
    """Extrapolate difference quotients at steps h, h/2, h/4, … to h = 0.

    T[i, 0] = D(h / 2ⁱ) and T[i, k] = T[i, k-1] + (T[i, k-1] - T[i-1, k-1]) / (ratioᵏ - 1), with ratio 4
    for central differences (errors in even powers of h) and 2 for one-sided ones. Of all T[i, k] the one
    with the smallest estimate, max(|T[i,k] - T[i,k-1]|, |T[i,k] - T[i-1,k-1]|) + floor[i], is returned.
    """
    rows = [[differences[0]]]
    for level in range(1, len(differences)):
        row = [differences[level]]
        for depth in range(1, min(level, DEPTH) + 1):
            row.append(row[-1] + (row[-1] - rows[-1][depth - 1]) / (ratio**depth - 1))
        rows.append(row)
    floor = np.fmax(floor, _noise(rows, steps) / np.abs(steps)[:, np.newaxis])
    best = Estimate(np.full(differences.shape[1:], np.nan), np.full(differences.shape[1:], np.inf))
    for level in range(1, len(rows)):
        for depth in range(1, len(rows[level])):
            value, before = rows[level][depth], rows[level][depth - 1]
            bound = (
                np.maximum(np.abs(value - before), np.abs(value - rows[level - 1][depth - 1])) + floor[level]
            )
            smaller = bound < best.bound
            best = Estimate(np.where(smaller, value, best.value), np.where(smaller, bound, best.bound))
    return best


def _noise(rows: list[list[Array]], steps: Array) -> Array:
    """Noise that a ladder itself shows: how much extrapolated quotients still jump at the smallest steps.

    There truncation is gone and what is left is noise divided by the step.
    """
    jumps = [
        np.abs(rows[level][2] - rows[level - 1][2]) * abs(steps[level])
        for level in range(len(rows) - NOISE_LEVELS, len(rows))
    ]
    return np.fmax.reduce(jumps)
