"""The numeric witness: derivatives by finite differences, each with a bound on its error.

Two kinds of estimate, after the funnel of "agree cheaply, refine what disagrees":

* one central pair per column, D = (f(x + h e) - f(x - h e)) / 2h with h = eps^(1/3) · scale;
* ladders of halved steps, extrapolated to step 0 (``ridders``), central and one-sided, whose bound is the
  tableau's own error estimate plus the round-off floor 2 eps max|f| / 2h. The one-sided values tell a
  kink from a wrong gradient.

The step is always the one really taken, (x + h) - x. Shares nothing with the analytic witness.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import reduce

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.problem import View
from gradcheck_cli.ridders import Estimate, extrapolate

LEVELS = 9  # steps in a ladder, each half of the one before
# First steps of the ladders, in units of the entry's scale, for dtypes with eps up to the first number.
FIRST_STEPS = ((1e-10, (3e-2, 1e-4, 3e-3, 0.3, 1e-6)), (1e-4, (0.3, 3e-2, 3e-3)), (1.0, (1.0, 0.3, 0.1)))
RESOLUTION = 1e3  # units of round-off |y| / |x| below which no difference quotient tells anything
BEND = 200  # second difference over first, in units of the relative step, that calls for a closer look
KINK = 3  # one-sided derivatives that differ by more than this many bounds make a kink
TINY = 1e-3  # an entry this much smaller than the rest of its array does not set the scale


@dataclass(frozen=True)
class Refined:
    """One column estimated with care: from both sides together, from below and from above.

    ``first`` is the largest step; ``flat`` tells which outputs did not change at all on the way, and
    ``grain`` the smallest change seen of each, if it is of the size of round-off, else inf.
    """

    first: float
    central: Estimate
    left: Estimate
    right: Estimate
    flat: Array
    grain: Array

    def joined(self, finer: Refined) -> Refined:
        """Combine with a ladder of smaller steps.

        Where the function is flat over the smaller steps but moves in grains of round-off over the larger
        ones, it is a staircase, as (1 + x) - 1 is: the height of a stair limits what a flat stretch says.
        """
        hidden = np.where(finer.flat & np.isfinite(self.grain), self.grain / finer.first, 0.0)
        return Refined(
            finer.first,
            self.central.better_of(finer.central.widened(hidden)),
            self.left.better_of(finer.left.widened(hidden)),
            self.right.better_of(finer.right.widened(hidden)),
            self.flat & finer.flat,
            np.minimum(self.grain, finer.grain),
        )


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
    resolution: Array  # the finest bound that the function's own round-off allows, about 10³ eps |y| / |x|

    def rows(self, rows: slice) -> Differences:
        """Return the part that belongs to one output."""
        return Differences(*(getattr(self, one.name)[rows] for one in fields(self)))


def difference_jacobian(view: View) -> Differences:
    """Estimate every column by one central pair."""
    shape = (view.center.size, view.primal.size)
    value, bound, bent = np.empty(shape), np.empty(shape), np.empty(shape, dtype=bool)
    for column in range(view.primal.size):
        estimate, bent[:, column] = central_pair(view, column)
        value[:, column], bound[:, column] = estimate.value, estimate.bound
    units = np.array([scale(view, column) for column in range(view.primal.size)])
    resolution = RESOLUTION * view.eps * np.abs(view.center)[:, np.newaxis] / units
    return Differences(value, bound, value.copy(), value.copy(), bent, resolution)


def refine_columns(view: View, differences: Differences, columns: Array) -> None:
    """Replace the given columns by refined estimates, in place, and find the kinks in them."""
    for column in columns:
        refined = refine(view, int(column))
        left, right = refined.left, refined.right
        jump = np.abs(left.value - right.value) > KINK * (left.bound + right.bound)
        kink = jump & np.isfinite(left.bound) & np.isfinite(right.bound)
        central, sides = refined.central, left.bound + right.bound
        differences.value[:, column] = central.value
        differences.bound[:, column] = np.where(kink, sides, central.bound)
        differences.kink[:, column] = kink
        differences.low[:, column] = np.where(kink, np.minimum(left.value, right.value), central.value)
        differences.high[:, column] = np.where(kink, np.maximum(left.value, right.value), central.value)


def scale(view: View, column: int) -> float:
    """Return the natural unit for steps of one entry: its own size, or its array's if it is tiny or zero."""
    own = abs(float(view.primal.reshape(-1)[column]))
    return own if own > TINY * view.typical else view.typical


def first_steps(view: View, column: int) -> list[float]:
    """List the first steps of the ladders to try, most promising first.

    An entry near a singularity needs steps in units of its own size, a small one beside large ones in
    units of the whole array's.
    """
    relative = next(steps for limit, steps in FIRST_STEPS if view.eps <= limit)
    itself = abs(float(view.primal.reshape(-1)[column]))
    units = (scale(view, column), view.typical, itself)
    wanted = [unit * step for step in relative for unit in units if unit]
    chosen: list[float] = []
    for step in wanted:
        if all(not 0.3 < step / other < 3 for other in chosen):
            chosen.append(step)
    return chosen


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


def refine(view: View, column: int) -> Refined:
    """Estimate a column over several ladders of steps, until two of them agree closely."""
    tried: list[Refined] = []
    for first in first_steps(view, column):
        found = _ladder(view, column, first)
        settled = bool(tried) and _agree(_joined(tried).central, found.central, view, column)
        tried.append(found)
        if settled:
            break
    joined = _joined(tried)
    # What does not move at all may have been lost in round-off of something larger inside.
    lost = np.where(joined.flat, view.eps * view.magnitude / max(ladder.first for ladder in tried), 0.0)
    # At the border of the domain there is one side only, and it is the derivative.
    central = _or_side(joined.central, joined.left, joined.right)
    return replace(joined, central=central.widened(lost))


def _agree(one: Estimate, other: Estimate, view: View, column: int) -> bool:
    """Whether two ladders confirm one another to about the precision that the function allows."""
    bound = np.minimum(one.bound, other.bound)
    unit = max(scale(view, column), view.typical)
    resolution = RESOLUTION / 10 * view.eps * np.abs(view.center) / unit
    close = np.abs(one.value - other.value) <= one.bound + other.bound
    return bool(np.all(close & (bound <= 1e-7 * np.abs(other.value) + resolution)))


def _joined(ladders: list[Refined]) -> Refined:
    """Combine ladders, from the largest first step to the smallest."""
    return reduce(Refined.joined, sorted(ladders, key=lambda ladder: -ladder.first))


def _or_side(central: Estimate, left: Estimate, right: Estimate) -> Estimate:
    lonely = np.isinf(central.bound) & (np.isinf(left.bound) != np.isinf(right.bound))
    side = Estimate(
        np.where(np.isinf(left.bound), right.value, left.value), np.minimum(left.bound, right.bound)
    )
    return Estimate(np.where(lonely, side.value, central.value), np.where(lonely, side.bound, central.bound))


def _ladder(view: View, column: int, first: float) -> Refined:
    """Evaluate both sides at halved steps, inside the domain, and extrapolate each way."""
    down, up = view.room(column)
    if min(down, up) >= TINY * first:
        down = up = min(first, down, up)
    else:  # too near to one border for steps on both sides
        down, up = (min(first, down), 0.0) if down > up else (0.0, min(first, up))
    steps_up, above = _probe(view, column, up)
    steps_down, below = _probe(view, column, -down)
    with np.errstate(all="ignore"):
        size = np.maximum(np.abs(above), np.abs(below))
        both = (steps_up - steps_down)[:, np.newaxis]
        changes = np.abs(np.concatenate([above, below]) - view.center)
        grain = _grain(changes, view)
        central = extrapolate(
            (above - below) / both, 2 * view.eps * size / np.abs(both), both, grain, ratio=4
        )
        right = _one_sided(steps_up, above, view, grain)
        left = _one_sided(steps_down, below, view, grain)
    return Refined(first, central, left, right, ~np.any(changes > 0, axis=0), grain)


def _grain(changes: Array, view: View) -> Array:
    """Return the smallest change of each output, if it is no more than round-off of the largest output."""
    smallest = np.min(np.where(changes > 0, changes, np.inf), axis=0)
    round_off = RESOLUTION * view.eps * view.magnitude
    return np.where(smallest <= round_off, smallest, np.inf)


def _probe(view: View, column: int, first: float) -> tuple[Array, Array]:
    """Evaluate at steps first, first/2, …; return the steps taken and the values, a row each."""
    if first == 0:
        return np.full(LEVELS, np.nan), np.full((LEVELS, *view.center.shape), np.nan)
    moved = [view.shifted(column, first / 2**level) for level in range(LEVELS)]
    steps = np.array([step for _, step in moved])
    steps[steps == 0] = np.nan  # lost to round-off
    return steps, np.stack([view.function(array) for array, _ in moved])


def _one_sided(steps: Array, values: Array, view: View, grain: Array) -> Estimate:
    taken = steps[:, np.newaxis]
    floor = 2 * view.eps * np.maximum(np.abs(values), np.abs(view.center)) / np.abs(taken)
    return extrapolate((values - view.center) / taken, floor, taken, grain, ratio=2)


def _unknown(like: Array) -> Estimate:
    return Estimate(np.full(like.shape, np.nan), np.full(like.shape, np.inf))
