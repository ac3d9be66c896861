"""What a sequence of remainders says: whether it shrinks as t, as t², or is nothing but round-off.

Knows numbers only. R(t) = |a t + b t² + …| and round-off, where a is the error of the claim along the
direction. At large steps b and what follows may hide a; at small ones round-off hides everything. So what
counts is the last stretch of steps, on the way down into the round-off, over which the order is 1 or 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Final, NamedTuple

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.remainder import Outcome


class Band(NamedTuple):
    """Observed orders that count as ``order``; over ``needed`` of them |a| t ≤ ``share`` R(t)."""

    order: int
    low: float
    high: float
    needed: int
    share: float


FIRST: Final = Band(1, 0.75, 1.25, needed=3, share=1)
# If a t and b t² have opposite signs, R(2t)/R(t) = 2 (2 b t - a) / (b t - a) ≤ 2^2.25 gives R ≥ 2.6 a t.
SECOND: Final = Band(2, 1.75, 2.25, needed=2, share=2)
# Faster than t², if not as fast as off a cliff. R(t/2) ≤ R(t)/4 + floor (see _goes_on) gives R ≥ a t / 6.
FASTER: Final = Band(2, 1.75, 4.25, needed=2, share=6)

CLIFF: Final = 4.0  # floors: what falls into the round-off from further above falls off a kink
HARDLY_CLEAR: Final = {0: 1.0, 1: 16.0, 2: 4.0}  # floors: no more in so few clear steps is no trend yet
LONG: Final = 6  # steps in a row that say something by themselves
NOISE: Final = 8.0  # times the function's own noise, as it shows in a few steps, is a floor
NOISE_FLOORS: Final = 1e5  # more than so many floors is no noise

IRREGULAR: Final = (
    "it settles at neither order: there is a kink, a jump or noise, or an error of the claim that hardly "
    "stands out from round-off; try another --seed, or compare every entry by gradcheck run"
)
HOLES: Final = (
    "the function is not finite at some of the steps; declare the inputs' domains, as in 'sample: positive'"
)


@dataclass(frozen=True)
class Reading:
    """What the remainders say, and the steps (``first`` to ``last``) that say it.

    ``floor`` includes the function's own noise; ``error`` bounds |a|, or is |a| where the order is 1.
    """

    outcome: Outcome
    floor: float
    first: int = 0
    last: int = -1
    order: float = nan
    error: float = nan
    note: str = ""


def read(steps: Array, remainders: Array, floor: float) -> Reading:
    """Read the order of remainders at steps of which each is half the one before.

    Large steps at which the remainder is not finite are passed over: they left the function's domain.
    """
    finite = np.isfinite(remainders)
    start = int(np.argmax(finite))
    if not finite[start:].all() or len(steps) - start < LONG:
        return Reading(Outcome.UNCLEAR, floor, note=HOLES)
    noise = _noise(remainders[start:])
    if noise <= NOISE_FLOORS * floor:
        floor = max(floor, NOISE * noise)
    clear = int(np.count_nonzero(remainders[start:] > floor))
    if np.max(remainders[start:]) <= HARDLY_CLEAR.get(clear, 0.0) * floor:
        return _round_off(steps, floor, start + clear)
    return _shrinking(steps, remainders, floor, start)


def _noise(remainders: Array) -> float:
    """Size of the function's own noise: the largest remainder that is no smaller than the one before it.

    Only among the smallest third of the steps, and only if there are two: once, a t and b t² may cancel.
    """
    tail = remainders[-(len(remainders) // 3) :]
    grown = tail[1:][np.diff(tail) >= 0]
    return float(np.max(grown)) if len(grown) > 1 else 0.0


def _round_off(steps: Array, floor: float, start: int, note: str = "") -> Reading:
    """Read what is round-off from a step on: there |a| t = |4 (a t/2 + b t²/4) - (a t + b t²)| ≤ 5 floor."""
    error = 5 * floor / float(steps[start])
    return Reading(Outcome.EXACT, floor, start, len(steps) - 1, error=error, note=note)


def _shrinking(steps: Array, remainders: Array, floor: float, start: int) -> Reading:
    """Read the order in which remainders shrink that are clear of the round-off."""
    orders = observed_orders(remainders, floor)
    found = _last_stretch(orders, remainders, floor, start)
    clear = int(np.flatnonzero(remainders > floor)[-1])
    expected = remainders[clear] / 2.0 ** (found[0].order if found else 0)
    if clear < len(orders) and expected > CLIFF * floor:
        return _behind_a_kink(steps, floor, clear)
    if found is None:
        return Reading(Outcome.UNCLEAR, floor, note=IRREGULAR)
    band, first, last = found
    window = slice(first, last + 1)
    order = float(np.polyfit(np.log(steps[window]), np.log(remainders[window]), 1)[0])
    error = band.share * float(remainders[last] / steps[last])
    return Reading(Outcome.FIRST if band is FIRST else Outcome.SECOND, floor, first, last, order, error)


def observed_orders(remainders: Array, floor: float) -> Array:
    """Return log2(R(t) / R(t/2)) for all steps but the last; nan unless both are clear of the round-off."""
    clear = np.where(remainders > floor, remainders, nan)
    return np.asarray(np.log2(clear[:-1] / clear[1:]))


def _last_stretch(orders: Array, remainders: Array, floor: float, start: int) -> tuple[Band, int, int] | None:
    """Find the last steps, from the first to the last one, that are in one band and not contradicted.

    A remainder that does not get down to the round-off has to show an order for longer. Of one that is
    there after two steps, which are then the first ones, these two are enough.
    """
    sinks = bool(remainders[-1] <= floor)
    for last in range(len(orders), start, -1):
        for band in (FIRST, SECOND, FASTER) if sinks else (FIRST, SECOND):
            first = last
            while first > start and band.low <= orders[first - 1] <= band.high:
                first -= 1
            needed = band.needed if sinks or band is FIRST else 2 * band.needed
            if first == start and band is not FIRST:
                needed = 1
            if last - first >= needed and _goes_on(band.order, remainders[last:], floor):
                return band, first, last
    return None


def _goes_on(order: int, later: Array, floor: float) -> bool:
    """Tell whether later remainders follow the trend of the first; to fall below t² does not harm it."""
    beyond = later - later[0] / 2.0 ** (order * np.arange(len(later)))
    return bool(np.all((np.abs(beyond) if order == 1 else beyond) <= floor))


def _behind_a_kink(steps: Array, floor: float, clear: int) -> Reading:
    """Read remainders that fall at once to round-off: from the step on at which they do, f is linear."""
    if len(steps) - 1 - clear < LONG:
        return Reading(Outcome.UNCLEAR, floor, note=IRREGULAR)
    note = f"this holds from t = {steps[clear + 1]:.3g} down; larger steps cross a kink"
    return _round_off(steps, floor, clear + 1, note)
