"""Two Jacobians and a tolerance → a verdict for every entry, and what the comparison could have caught.

An entry (i, j) with analytic value a and numeric value n ± b

* fails if |a - n| > t + 10 b, where t = rtol |n| + atol + 32 eps · (scale of row i and column j);
* passes if |a - n| ≤ t + b and b is narrow enough to tell: no wider than t, than rtol at the scale of row
  and column, than rtol² of the largest entry, or than the function's own round-off makes it. Two values
  that are both zero to within b agree as well;
* is undecided otherwise.

Entries that pass although an error of their own size would have passed too are marked ``blind``.
Nothing is multiplied by the array's size and there is no fixed absolute tolerance (see NumPy's
``allclose`` and what it costs: a gradient scaled by 1e-6 passes whatever its sign).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.numeric import Differences

ROUND_OFF = 32  # units of round-off, at the scale of an entry's row and column, that count as equal
SEVERAL = 10  # bounds: beyond this many an error cannot be the numeric derivative's own
AGREES = 1e-8  # relative difference up to which one central pair needs no refinement
RTOL = ((1e-10, 1e-5), (1e-4, 1e-3), (1.0, 1e-2))  # default rtol for dtypes with eps up to the first number


class State(enum.IntEnum):
    """Verdict on one entry; larger is graver."""

    SKIPPED = 0
    PASS = 1
    UNDECIDED = 2
    FAIL = 3


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One claim about one pair at one point, entry by entry, as M × N matrices."""

    analytic: Array
    numeric: Array  # at a kink the value nearest to the analytic one that is right
    error: Array
    tolerance: Array
    bound: Array
    state: Array  # of State
    kink: Array
    low: Array  # smallest and largest right value; they differ at a kink
    high: Array
    approximate: Array  # agrees, but worse than round-off and bound explain
    scale: Array  # scale of each entry's row and column
    threshold: Array  # smallest error that would have been called wrong
    blind: Array  # passes, but so would a wrong value of its size have

    @property
    def relative_error(self) -> Array:
        """|a - n| / |n|; relative to |a| where n is zero, to the scale where the bound explains the error."""
        size = np.abs(self.numeric)
        itself = np.where(size > SEVERAL * self.bound, size, np.abs(self.analytic))
        with np.errstate(all="ignore"):
            relative = self.error / np.where(self.error > SEVERAL * self.bound, itself, self.scale)
        return np.where(self.error == 0, 0.0, np.where(np.isnan(relative), np.inf, relative))


def default_rtol(eps: float) -> float:
    """Relative tolerance for a dtype with this unit of round-off."""
    return next(rtol for limit, rtol in RTOL if eps <= limit)


def scales(numeric: Array) -> Array:
    """Scale of each entry: the largest finite magnitude in its row or its column."""
    size = np.where(np.isfinite(numeric), np.abs(numeric), 0.0)
    rows = np.max(size, axis=1, initial=0.0, keepdims=True)
    columns = np.max(size, axis=0, initial=0.0, keepdims=True)
    return np.maximum(rows, columns)


def judge(
    analytic: Array, differences: Differences, *, eps: float, rtol: float | None, atol: float
) -> Comparison:
    """Compare a claimed Jacobian with the numeric one, entry by entry; nan means that nothing is claimed."""
    bound = differences.bound
    with np.errstate(all="ignore"):
        numeric = np.clip(analytic, differences.low, differences.high)
        numeric = np.where(np.isnan(analytic), differences.value, numeric)
        error = np.where(analytic == numeric, 0.0, np.abs(analytic - numeric))
        error = np.where(np.isnan(error), np.inf, error)
        scale = scales(differences.value)
        relative = default_rtol(eps) if rtol is None else rtol
        round_off = ROUND_OFF * eps * scale
        tolerance = np.nan_to_num(relative * np.abs(numeric), posinf=0.0) + atol + round_off
        # Both zero to within the bound: an agreement, although the bound says nothing about its size.
        nothing = np.isfinite(bound) & (np.abs(analytic) <= bound) & (np.abs(numeric) <= SEVERAL * bound)
        # A bound that is nothing beside the largest entry's own tolerance takes no power from the check.
        useful = np.maximum(relative * scale, relative * relative * np.max(scale, initial=0.0))
        useful = np.maximum(useful, tolerance)
        informative = nothing | (bound <= np.maximum(useful, differences.resolution))
        state = _states(error, tolerance, bound, informative)
        approximate = (state == State.PASS) & (error > round_off + SEVERAL * bound + AGREES * np.abs(numeric))
        threshold = tolerance + SEVERAL * bound + np.nan_to_num(differences.high - differences.low)
        size = np.maximum(np.abs(analytic), np.abs(differences.value))
        blind = (state == State.PASS) & (bound > useful) & (size > 0) & (size <= threshold)
    return Comparison(
        analytic=analytic,
        numeric=numeric,
        error=error,
        tolerance=tolerance,
        bound=bound,
        state=state,
        kink=differences.kink,
        low=differences.low,
        high=differences.high,
        approximate=approximate,
        scale=scale,
        threshold=threshold,
        blind=blind,
    )


def _states(error: Array, tolerance: Array, bound: Array, informative: Array) -> Array:
    """Verdict per entry; ``informative`` says where the bound can tell right from wrong."""
    close = error <= tolerance + bound
    far = (error > tolerance + SEVERAL * bound) & np.isfinite(bound)
    state = np.where(close & informative, State.PASS, State.UNDECIDED)
    return np.where(far, State.FAIL, state).astype(np.uint8)


def suspects(comparison: Comparison) -> Array:
    """Columns in which one central pair does not settle the matter."""
    with np.errstate(invalid="ignore"):
        close = comparison.error <= AGREES * np.abs(comparison.numeric) + 2 * comparison.bound
        both_zero = (comparison.analytic == 0) & (comparison.numeric == 0)
    # A bound of the entry's own size hides an error of that size; exact zeros have nothing to hide.
    narrow = (comparison.bound <= comparison.tolerance) | both_zero
    settled = close & narrow & (comparison.state == State.PASS)
    return np.asarray(np.flatnonzero(~np.all(settled, axis=0)))
