"""Ladders of halved steps: a derivative by one entry, estimated with care.

Each ladder is extrapolated to step 0 (``ridders``), from both sides together and from each alone; its bound
is the tableau's own error estimate plus a floor of 2 eps max|f| / 2h or of the measured ``noise``, whichever
is larger. Several ladders from large to tiny steps see a function at several scales. The one-sided values
tell a kink from a wrong gradient.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.noise import Noise
from gradcheck_cli.problem import View
from gradcheck_cli.ridders import Estimate, extrapolate

LEVELS = 9  # steps in a ladder, each half of the one before
# First steps of the ladders, in units of the entry's scale, for dtypes with eps up to the first number.
FIRST_STEPS = (
    (1e-10, (3e-2, 1e-4, 3e-3, 0.3, 1e-6, 1e-8)),
    (1e-4, (0.3, 3e-2, 3e-3)),
    (1.0, (1.0, 0.3, 0.1)),
)
NOISE = 4  # standard deviations of the noise that the difference of two values may hold
RESOLUTION = 1e3  # units of round-off |y| / |x| below which no difference quotient tells anything
ENDLESS = 100  # units of round-off or noise: the least change that may be a jump or a vertical slope
ENDLESS_LEVELS = 4  # smallest steps of a ladder, over which difference quotients grow without end
GROWTH = 1.2  # from one of these steps to the next, at a jump 2 and at a square root 1.4
FINEST = 1e-10  # first step of one more, where what looks like noise from afar may be an oscillation
LOCAL = 3e-8  # first step, in units of the entry's scale, from which on only the local noise matters
KINK = 3  # one-sided derivatives that differ by more than this many bounds make a kink
TINY = 1e-3  # an entry this much smaller than the rest of its array does not set the scale


@dataclass(frozen=True)
class Refined:
    """One column estimated with care: from both sides together, from below and from above.

    ``first`` is the largest step, ``flat`` tells which outputs did not change at all on the way, and
    ``endless`` of which the difference quotients grow without end, from below and from above (2 × M), as at a
    jump or a cusp.
    """

    first: float
    central: Estimate
    left: Estimate
    right: Estimate
    flat: Array
    endless: Array
    tightest: Estimate  # from both sides, whatever smaller steps say

    @property
    def kink(self) -> Array:
        """Where the derivatives from below and from above differ by more than their bounds."""
        jump = np.abs(self.left.value - self.right.value) > KINK * (self.left.bound + self.right.bound)
        both = np.isfinite(self.left.bound) & np.isfinite(self.right.bound)
        return np.asarray((jump & both) | self.lopsided)

    @property
    def lopsided(self) -> Array:
        """Where one side has a derivative and the other none, as at a jump."""
        one = self.endless[0] != self.endless[1]
        return np.asarray(one & (np.isfinite(self.left.bound) | np.isfinite(self.right.bound)))

    def joined(self, finer: Refined) -> Refined:
        """Combine with a ladder of smaller steps."""
        return Refined(
            finer.first,
            self.central.better_of(finer.central),
            self.left.better_of(finer.left),
            self.right.better_of(finer.right),
            self.flat & finer.flat,
            finer.endless,
            self.tightest.tighter(finer.tightest),
        )


def scale(view: View, column: int) -> float:
    """Return the natural unit for steps of one entry: its own size, or its array's if it is tiny or zero."""
    own = abs(float(view.primal.reshape(-1)[column]))
    return own if own > TINY * view.typical else view.typical


def first_steps(view: View, column: int, noise: Noise) -> list[float]:
    """List the first steps of the ladders to try, most promising first.

    An entry near a singularity needs steps in units of its own size, a small one beside large ones in
    units of the whole array's.
    """
    units_of_round_off = {view.eps, *np.maximum(noise.precision, view.eps).tolist()}
    coarsest_first = sorted(units_of_round_off, reverse=True)
    relative = [step for eps in coarsest_first for step in _relative_steps(eps)]
    itself = abs(float(view.primal.reshape(-1)[column]))
    units = (scale(view, column), view.typical, itself)
    wanted = [unit * step for step in relative for unit in units if unit * step]
    chosen: list[float] = []
    for step in wanted:
        if all(not 0.3 < step / other < 3 for other in chosen):
            chosen.append(step)
    return chosen


def _relative_steps(eps: float) -> tuple[float, ...]:
    return next(steps for limit, steps in FIRST_STEPS if eps <= limit)


def refine(view: View, column: int, noise: Noise) -> Refined:
    """Estimate a column over several ladders of steps, until two of them agree closely."""
    tried: list[Refined] = []
    plain = not np.any(noise.level > ENDLESS * np.maximum(noise.local, view.eps * view.magnitude))
    for first in first_steps(view, column, noise):
        found = _ladder(view, column, first, noise)
        settled = bool(tried) and _agree(_joined(tried).central, found.central, view, column, noise)
        tried.append(found)
        if settled:
            break
    joined = _joined(tried)
    if not plain:
        finest = _ladder(view, column, FINEST * scale(view, column), noise)
        joined = replace(joined, tightest=joined.tightest.tighter(finest.tightest))
    # What does not move at all may have been lost in round-off of something larger inside.
    lost = np.where(joined.flat, view.eps * view.magnitude / max(ladder.first for ladder in tried), 0.0)
    # At the border of the domain there is one side only, and it is the derivative.
    central = _or_sides(_or_side(joined.central, joined.left, joined.right), joined).widened(lost)
    never = np.where(joined.endless, np.inf, 0.0)  # no derivative on that side, and so none at all
    return replace(
        joined,
        central=central.widened(np.max(never, axis=0)),
        left=joined.left.widened(never[0]),
        right=joined.right.widened(never[1]),
        tightest=joined.tightest.widened(np.maximum(lost, np.max(never, axis=0))),
    )


def _agree(one: Estimate, other: Estimate, view: View, column: int, noise: Noise) -> bool:
    """Whether two ladders confirm one another to about the precision that the function allows."""
    bound = np.minimum(one.bound, other.bound)
    unit = max(scale(view, column), view.typical)
    resolution = RESOLUTION / 10 * round_off(view, noise) / unit
    close = np.abs(one.value - other.value) <= one.bound + other.bound
    size = np.minimum(np.abs(one.value), np.abs(other.value))
    return bool(np.all(close & (bound <= 1e-7 * size + resolution)))


def round_off(view: View, noise: Noise) -> Array:
    """Round-off or noise of each output, whichever is larger."""
    return np.maximum(np.maximum(view.eps, noise.precision) * np.abs(view.center), noise.level)


def _joined(ladders: list[Refined]) -> Refined:
    """Combine ladders, from the largest first step to the smallest."""
    return reduce(Refined.joined, sorted(ladders, key=lambda ladder: -ladder.first))


def _or_side(central: Estimate, left: Estimate, right: Estimate) -> Estimate:
    lonely = np.isinf(central.bound) & (np.isinf(left.bound) != np.isinf(right.bound))
    side = Estimate(
        np.where(np.isinf(left.bound), right.value, left.value), np.minimum(left.bound, right.bound)
    )
    return Estimate(np.where(lonely, side.value, central.value), np.where(lonely, side.bound, central.bound))


def _or_sides(central: Estimate, joined: Refined) -> Estimate:
    """Let the sides have a say in what is no kink.

    Where they agree and are sharper, as where a slope is bent but whole, their mean is the derivative. Where
    they contradict one another, what both together give may be mere symmetry: so far apart, so uncertain.
    """
    left, right = joined.left, joined.right
    with np.errstate(invalid="ignore"):
        middle = Estimate((left.value + right.value) / 2, left.bound + right.bound)
        apart = np.abs(left.value - right.value)
        agree = apart <= middle.bound
        take = agree & (middle.bound < central.bound)
        least = np.where(agree | joined.kink | ~np.isfinite(middle.bound), 0.0, apart)
    found = Estimate(np.where(take, middle.value, central.value), np.where(take, middle.bound, central.bound))
    return found.widened(least)


def _ladder(view: View, column: int, first: float, noise: Noise) -> Refined:
    """Evaluate both sides at halved steps, inside the domain, and extrapolate each way."""
    down, up = view.room(column)
    if min(down, up) >= TINY * first:
        down = up = min(first, down, up)
    else:  # too near to one border for steps on both sides
        down, up = (min(first, down), 0.0) if down > up else (0.0, min(first, up))
    steps_up, above = _probe(view, column, up)
    steps_down, below = _probe(view, column, -down)
    with np.errstate(all="ignore"):
        both = steps_up - steps_down
        floor = _floor(view, noise, both, np.maximum(np.abs(above), np.abs(below)))
        central = extrapolate((above - below) / both[:, np.newaxis], floor, both, ratio=4)
        right = _one_sided(steps_up, above, view, noise)
        left = _one_sided(steps_down, below, view, noise)
        # What cancels to (nearly) nothing on the way was as large as the input, or as 1.
        inside = np.maximum(view.magnitude, min(1.0, view.typical))
        least = ENDLESS * np.maximum(round_off(view, noise), view.eps * inside)
        endless = np.stack([_grows(steps_down, below, view, least), _grows(steps_up, above, view, least)])
        still = np.all((above == view.center) & (below == view.center), axis=0)
        tightest = central
        if first <= LOCAL * scale(view, column):
            local = replace(noise, level=noise.local)
            floor = _floor(view, local, both, np.maximum(np.abs(above), np.abs(below)))
            tightest = extrapolate((above - below) / both[:, np.newaxis], floor, both, ratio=4)
    return Refined(first, central, left, right, still, endless, tightest)


def _grows(steps: Array, values: Array, view: View, least: Array) -> Array:
    """Whether the difference quotients of a side grow from step to step, with changes beyond noise."""
    changes = np.abs(values[-ENDLESS_LEVELS:] - view.center)
    quotients = changes / np.abs(steps[-ENDLESS_LEVELS:])[:, np.newaxis]
    growing = np.all(quotients[1:] >= GROWTH * quotients[:-1], axis=0)
    return np.asarray(growing & (changes[-1] > least))


def _floor(view: View, noise: Noise, steps: Array, size: Array) -> Array:
    """What round-off and noise of two values leave in the quotient of their difference and the step."""
    round_off = 2 * np.maximum(view.eps, noise.precision) * size
    return np.maximum(round_off, NOISE * noise.level) / np.abs(steps)[:, np.newaxis]


def _probe(view: View, column: int, first: float) -> tuple[Array, Array]:
    """Evaluate at steps first, first/2, …; return the steps taken and the values, a row each."""
    if first == 0:
        return np.full(LEVELS, np.nan), np.full((LEVELS, *view.center.shape), np.nan)
    moved = [view.shifted(column, first / 2**level) for level in range(LEVELS)]
    steps = np.array([step for _, step in moved])
    steps[steps == 0] = np.nan  # lost to round-off
    return steps, np.stack([view.function(array) for array, _ in moved])


def _one_sided(steps: Array, values: Array, view: View, noise: Noise) -> Estimate:
    size = np.maximum(np.abs(values), np.abs(view.center))
    quotients = (values - view.center) / steps[:, np.newaxis]
    return extrapolate(quotients, _floor(view, noise, steps, size), steps, ratio=2)
