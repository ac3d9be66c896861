"""The numeric witness: derivatives by finite differences, each with a bound on its error.

Two kinds of estimate, after the funnel of "agree cheaply, refine what disagrees": one central pair per
column, D = (f(x + h e) - f(x - h e)) / 2h with h = eps^(1/3) · scale; and ``ladder``s of steps.

The step is always the one really taken, (x + h) - x. Shares nothing with the analytic witness.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.ladder import RESOLUTION, Refined, refine, round_off, scale
from gradcheck_cli.noise import Noise, measure
from gradcheck_cli.problem import View, symmetric_part
from gradcheck_cli.ridders import Estimate

BEND = 200  # second difference over first, in units of the relative step, that calls for a closer look
WIDE = 3e-2  # step, in units of the scale, at which what stands still at a small one may move


@dataclass(frozen=True)
class Differences:
    """All columns estimated: the numeric Jacobian of the joined outputs by one input, as matrices.

    Where one-sided derivatives differ (``kink``), every value from ``low`` to ``high`` is a right one;
    elsewhere both are ``value``. Before refinement ``kink`` marks the entries that may turn out so.
    """

    value: Array
    bound: Array
    low: Array
    high: Array
    kink: Array
    resolution: Array  # the finest bound that the function's own noise allows, about 10³ eps |y| / |x|
    precision: Array  # unit of round-off in which each output seems to be computed, M × 1; 0 if not known
    second: Array  # another estimate, from the steps with the tightest bound, and that bound
    second_bound: Array

    @property
    def alternative(self) -> Differences:
        """The same with the second estimates for the first."""
        second, none = self.second, np.zeros_like(self.kink)
        return replace(self, value=second, low=second, high=second, bound=self.second_bound, kink=none)

    def rows(self, rows: slice) -> Differences:
        """Return the part that belongs to one output."""
        return Differences(**{one.name: getattr(self, one.name)[rows] for one in fields(self)})


def difference_jacobian(view: View) -> Differences:
    """Estimate every column by one central pair."""
    shape = (view.center.size, view.primal.size)
    value, bound, bent = np.empty(shape), np.empty(shape), np.empty(shape, dtype=bool)
    for column in range(view.primal.size):
        estimate, bent[:, column] = view.once(f"pair {column}", partial(central_pair, view, column))
        value[:, column], bound[:, column] = estimate.value, estimate.bound
    units = np.array([scale(view, column) for column in range(view.primal.size)])
    resolution = RESOLUTION * view.eps * np.abs(view.center)[:, np.newaxis] / units
    bent |= _wakes(view)[:, np.newaxis]
    precision = np.zeros((view.center.size, 1))
    return Differences(
        value=value,
        bound=bound,
        low=value.copy(),
        high=value.copy(),
        kink=bent,
        resolution=resolution,
        precision=precision,
        second=value.copy(),
        second_bound=bound.copy(),
    )


def refine_columns(view: View, differences: Differences, columns: Array) -> Noise | None:
    """Replace the given columns by refined estimates, in place, and find the kinks in them.

    Returns the function's noise, which is measured if there is any column to refine.
    """
    if not len(columns):
        return None
    noise = view.once("noise", lambda: measure(view))
    differences.precision[:] = noise.precision[:, np.newaxis]
    for column in columns:
        least = RESOLUTION * round_off(view, noise)
        differences.resolution[:, column] = least / scale(view, column)
        refined = view.once(f"column {column}", partial(refine, view, int(column), noise))
        _enter(differences, int(column), refined)
    return noise


def _enter(differences: Differences, column: int, refined: Refined) -> None:
    """Write a refined column down: at a kink, the range between its two sides."""
    central, left, right = refined.central, refined.left, refined.right
    kink = refined.kink
    differences.value[:, column] = central.value
    differences.bound[:, column] = np.where(kink, left.bound + right.bound, central.bound)
    differences.kink[:, column] = kink
    ranged = kink & ~refined.lopsided
    differences.low[:, column] = np.where(ranged, np.minimum(left.value, right.value), central.value)
    differences.high[:, column] = np.where(ranged, np.maximum(left.value, right.value), central.value)
    differences.second[:, column] = refined.tightest.value
    differences.second_bound[:, column] = refined.tightest.bound


def _wakes(view: View) -> Array:
    """Outputs that stand still when all entries take a small step, and move when they take a wide one.

    They may be rounded on the way, and their zero differences an accident of a coarse grid.
    """
    units = np.array([scale(view, column) for column in range(view.primal.size)]).reshape(view.primal.shape)
    units = units * np.random.default_rng(view.primal.size).uniform(0.5, 1.0, view.primal.shape)
    signs = np.where(view.primal - view.domain[0] < view.domain[1] - view.primal, 1.0, -1.0)
    values = []
    for size in (view.eps ** (1 / 3), WIDE):
        moved = np.clip(view.primal + size * signs * units, *view.domain).astype(view.primal.dtype)
        values.append(view.function(symmetric_part(moved) if view.symmetric else moved))
    small, wide = values
    return np.asarray((small == view.center) & (wide != small) & np.isfinite(wide))


def central_pair(view: View, column: int) -> tuple[Estimate, Array]:
    """Estimate a column by one central pair, and tell which outputs may have a kink there.

    The bound is the round-off floor alone. At a kink the second difference f(x + h) + f(x - h) - 2 f(x)
    is of the order of h, where a smooth function has h².
    """
    step = view.eps ** (1 / 3) * scale(view, column)
    if min(view.room(column)) < step:
        return _unknown(view.center), np.zeros(view.center.shape, dtype=bool)
    (above, up), (below, down) = view.shifted(column, step), view.shifted(column, -step)
    high, low = view.function(above), view.function(below)
    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(high), np.abs(low))
        value = (high - low) / (up - down)
        bound = 2 * view.eps * size / (up - down)
        bend = np.abs(high + low - 2 * view.center)
        smooth = min(BEND * view.eps ** (1 / 3), 0.5) * np.abs(high - low) + 8 * view.eps * size
    return Estimate(value, np.where(np.isfinite(value), bound, np.inf)), bend > smooth


def _unknown(like: Array) -> Estimate:
    return Estimate(np.full(like.shape, np.nan), np.full(like.shape, np.inf))
