"""Two Jacobians and a tolerance → a verdict for every entry, and what the comparison could have caught.

An entry (i, j) with analytic value a and numeric value n ± b

* fails if |a - n| > t + 10 b, where t = rtol |n| + atol + 32 eps · (scale of row i and column j);
* passes if |a - n| ≤ t + b and b is narrow enough to tell: no wider than t, than rtol at the scale of row
  and column, or than rtol² of the largest entry; or as narrow as the function's own noise allows, if the
  entry stands out of it or both values are zero to within b;
* is undecided otherwise.

Entries that pass although an error of their own size would have passed too are marked ``blind``.
Nothing is multiplied by the array's size and there is no fixed absolute tolerance (see NumPy's
``allclose`` and what it costs: a gradient scaled by 1e-6 passes whatever its sign).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, fields, replace

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.numeric import Differences

ROUND_OFF = 32  # units of round-off, at the scale of an entry's row and column, that count as equal
SEVERAL = 10  # bounds: beyond this many an error cannot be the numeric derivative's own
NOTHING = 0.2  # of its bound: a claim that is smaller, or mere round-off, says zero
NEGLIGIBLE = 1e-10  # of the scale: an entry as small is round-off, and so is its error
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
        """|a - n| / |n|; relative to |a| where n is 0, to the scale where round-off or bound explain it."""
        size = np.abs(self.numeric)
        itself = np.where(size > SEVERAL * self.bound, size, np.abs(self.analytic))
        explained = (self.error <= SEVERAL * self.bound) | (
            (self.state == State.PASS) & (itself <= NEGLIGIBLE * self.scale)
        )
        with np.errstate(all="ignore"):
            relative = self.error / np.where(explained, self.scale, itself)
        return np.where(self.error == 0, 0.0, np.where(np.isnan(relative), np.inf, relative))


def default_rtol(eps: Array | float) -> Array:
    """Relative tolerance for dtypes with these units of round-off."""
    return np.select([eps <= limit for limit, _ in RTOL], [rtol for _, rtol in RTOL])


def scales(numeric: Array) -> Array:
    """Scale of each entry: the largest finite magnitude in its row or its column."""
    size = np.where(np.isfinite(numeric), np.abs(numeric), 0.0)
    rows = np.max(size, axis=1, initial=0.0, keepdims=True)
    columns = np.max(size, axis=0, initial=0.0, keepdims=True)
    return np.maximum(rows, columns)


def judge(  # noqa: PLR0913  # what one verdict depends on
    analytic: Array,
    differences: Differences,
    *,
    eps: float,
    rtol: float | None,
    atol: float,
    rounding: Array | float = 0.0,
) -> Comparison:
    """Compare a claimed Jacobian with the numeric one, entry by entry; nan means that nothing is claimed.

    ``rounding`` is the claim's own round-off where that has been measured. Where steps of different sizes
    contradict one another, agreement with the sharpest of them is agreement: nobody errs into it.
    """
    unit = np.maximum(eps, differences.precision)
    relative = default_rtol(unit) if rtol is None else np.asarray(rtol)
    least = np.maximum(ROUND_OFF * unit * scales(differences.value), rounding)
    first = _judge(analytic, differences, relative, atol, least)
    if np.all(first.state == State.PASS):
        return first
    second = _judge(analytic, differences.alternative, relative, atol, least)
    sharp = second.bound <= np.maximum(second.tolerance, differences.resolution)
    better = (first.state != State.PASS) & ~first.kink & (second.state == State.PASS) & sharp
    return mixed(first, second, better)


def _judge(
    analytic: Array, differences: Differences, relative: Array, atol: float, least: Array
) -> Comparison:
    """Compare with one estimate; ``least`` is the round-off that always counts as equal."""
    bound, scale = differences.bound, scales(differences.value)
    with np.errstate(all="ignore"):
        numeric = np.clip(analytic, differences.low, differences.high)
        numeric = np.where(np.isnan(analytic), differences.value, numeric)
        error = np.where(analytic == numeric, 0.0, np.abs(analytic - numeric))
        error = np.where(np.isnan(error), np.inf, error)
        tolerance = np.nan_to_num(relative * np.abs(numeric), posinf=0.0) + atol + least
        # A bound that is nothing beside the largest entry's own tolerance takes no power from the check.
        useful = np.maximum(relative * scale, relative * relative * np.max(scale, initial=0.0))
        useful = np.maximum(useful, tolerance)
        size = np.maximum(np.abs(analytic), np.abs(differences.value))
        # Where the function's own noise allows no better, an entry must still stand out of its bound, or both
        # values must be zero to within it: an agreement that says nothing of its size.
        nothing = (np.abs(analytic) <= np.maximum(NOTHING * bound, least)) & (
            np.abs(numeric) <= SEVERAL * bound
        )
        told = nothing | ((bound <= differences.resolution) & (2 * bound <= size))
        state = _states(error, tolerance, bound, np.isfinite(bound) & ((bound <= useful) | told))
        threshold = tolerance + SEVERAL * bound + np.nan_to_num(differences.high - differences.low)
        passes = state == State.PASS
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
        approximate=passes & (error > least + SEVERAL * bound + AGREES * np.abs(numeric)),
        scale=scale,
        threshold=threshold,
        blind=passes & (bound > useful) & (size > 0) & (size <= threshold),
    )


def mixed(comparison: Comparison, other: Comparison, where: Array) -> Comparison:
    """Take one comparison with another's entries in some places."""
    chosen = {
        one.name: np.where(where, getattr(other, one.name), getattr(comparison, one.name))
        for one in fields(Comparison)
    }
    return Comparison(**chosen)


def gravest(own: Comparison, precise: Comparison) -> Comparison:
    """Judge a claim as it is rounded and as it is meant: the graver verdict counts.

    An error of the formula shows in the precise one, which also says what would have been detected.
    """
    worst = mixed(own, precise, precise.state > own.state)
    return replace(worst, threshold=precise.threshold, approximate=precise.approximate, blind=precise.blind)


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
