"""How noisy a function's values are: what sets the step and the bound of a numeric derivative.

Round-off of the result is the least. A function that cancels, iterates until a tolerance is met, computes in
float32 inside or is slightly random carries more, and its own values tell how much.

J. J. Moré and S. M. Wild, "Estimating computational noise", SIAM J. Sci. Comput. 33 (2011), algorithm
ECnoise: differences of high order of equally spaced values take away all that is smooth, and leave the noise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.problem import View, symmetric_part

POINTS = 7  # values along the line, so differences up to order 6
SPREAD = 4  # three levels in a row that differ by no more than this factor are one level
FIRST = 1e-12  # smallest spacing, in units of the input's scale
FINE = 2e-8  # up to this spacing a fast oscillation still looks smooth
LAST = 0.2  # spacing up to which grains are looked for
ODD = 45 / 64  # a short number far from a power of two
OFF = 0.0123  # of the input's size: a point beside, whose numbers are not short
STAIRS = math.sqrt(12)  # the height of stairs over the standard deviation of rounding to them
EPS = float(np.finfo(np.float64).eps)
STEPS = 1e-2  # of the values: higher stairs are the function itself
FEW = 4  # units of round-off that a value moves by at least once, if it has no finer grain
ULPS = 4  # steps of a grain's own rounding
WHOLE = 1e-3  # multiples of a grain are whole numbers to within this


@dataclass(frozen=True)
class Noise:
    """Noise of every output entry: standard deviation of its values about the smooth function beneath.

    ``local`` is what shows at the finest spacing alone, where a fast oscillation is no noise yet.
    ``precision`` is the unit of round-off in which each seems to be computed: that of float32 where all its
    values are exact in float32, whatever its dtype.
    """

    level: Array
    local: Array
    precision: Array


def measure(view: View) -> Noise:
    """Measure the noise of the function along a random line through the point, inside the domain.

    The largest level of all fine spacings counts. What shows none at them may be computed in coarse grains,
    which are looked for at wider spacings.
    """
    direction = _direction(view)
    level = local = np.zeros(view.center.shape)
    flat = np.ones(view.center.shape, dtype=bool)  # at all fine spacings
    seen = []
    for spacing in _spacings(view):
        unknown = level == 0
        if spacing > FINE and not unknown.any():
            break
        values = _values(view, direction, spacing)
        seen.append(values)
        grain = _grain(values, 0 if spacing <= FINE else ULPS)
        if spacing <= FINE:
            level = np.fmax(level, np.fmax(grain / STAIRS, _settled(values)))
            local = level if len(seen) == 1 else local
            flat &= np.all(values == values[0], axis=0)
        else:  # a grain must explain why nothing moved before
            slope = np.max(np.abs(np.diff(values, axis=0)), axis=0) / spacing
            explains = (slope * FINE <= 2 * grain) & (grain <= STEPS * np.max(np.abs(values), axis=0))
            level = np.where(unknown & (~flat | explains), grain / STAIRS, level)
    level = _lent(level, view.magnitude)
    values = _precision(np.concatenate(seen), view.center)
    return Noise(level, local, np.maximum(values, _input_precision(view, direction, level)))


def _lent(level: Array, magnitude: Array) -> Array:
    """Values that happen to stand still, as those that cancel to 0 do, are no better than their neighbours.

    Neighbours are the entries of one output, which share its magnitude.
    """
    lent = level.copy()
    for one in np.unique(magnitude[level == 0]):
        output = magnitude == one
        least = np.min(level, where=output & (level > 0), initial=np.inf)
        if np.isfinite(least):
            lent[output & (level == 0)] = least
    return lent


def _input_precision(view: View, direction: Array, level: Array) -> Array:
    """Unit of round-off of the coarsest dtype to which each output seems to round its input; 0 if to none.

    Then it has the same value at a point and at that point rounded, although it would have changed visibly,
    and another one a few numbers of that dtype away, unlike a function of higher steps.
    """
    eps = np.zeros(view.center.shape)
    if view.primal.dtype != np.float64:
        return eps
    there, further = (np.clip(view.primal + size * direction, *view.domain) for size in (OFF, 2 * OFF))
    value = view.function(there)
    with np.errstate(all="ignore"):
        slope = np.abs(view.function(further) - value) / OFF
        visible = ULPS * np.maximum(level, EPS * np.abs(value))
        for dtype in (np.float32, np.float16):
            unit, largest = float(np.finfo(dtype).eps), float(np.finfo(dtype).max)
            if np.max(np.abs(there), initial=0.0) < largest and np.any(slope * unit / 4 > visible):
                rounded = np.clip(there.astype(dtype).astype(np.float64), *view.domain)
                same = (view.function(rounded) == value) & (slope * unit / 4 > visible)
                beside = np.clip(rounded * (1 + 3 * unit), *view.domain)
                same &= view.function(beside) != value
                eps = np.where(same, unit, eps)
    return eps


def _spacings(view: View) -> Iterator[float]:
    """Spacings to try: nothing finer than the input's own grid allows."""
    spacing = max(FIRST, 8 * float(np.finfo(view.primal.dtype).eps))
    while spacing <= LAST:
        yield spacing
        spacing *= 100 if spacing < FINE / 10 else 10


def _direction(view: View) -> Array:
    """Random signs in units of each entry's size, away from the nearer border of the domain."""
    rng = np.random.default_rng(POINTS)
    size = np.abs(view.primal, dtype=np.float64)
    size = np.where(size > 1e-3 * view.typical, size, view.typical)
    signs = rng.choice([-1.0, 1.0], size.shape)
    low, high = view.domain
    if math.isfinite(low) or math.isfinite(high):
        signs = np.where(view.primal - low < high - view.primal, 1.0, -1.0)
    direction = signs * size * rng.uniform(0.5, 1.0, size.shape)
    return symmetric_part(direction) if view.symmetric else direction


def _values(view: View, direction: Array, spacing: float) -> Array:
    """Evaluate at equally spaced points, a row each.

    Steps are odd multiples of powers of two: short enough to round nothing, and not in step with grains
    that are powers of two themselves. From 0 every step is exact.
    """
    with np.errstate(divide="ignore"):
        short = np.sign(direction) * np.exp2(np.round(np.log2(np.abs(spacing * direction)))) * ODD
    step = np.where(view.primal == 0, spacing * direction, short)
    # Not at the point itself: a kink or a jump there would stand in the middle of the line.
    points = (np.clip(view.primal + place * step, *view.domain) for place in range(1, POINTS + 1))
    return np.stack([view.function(point.astype(view.primal.dtype)) for point in points])


def _settled(values: Array) -> Array:
    """Estimate the noise from the differences of equally spaced values; nan where their levels do not settle.

    σ_k² = γ_k mean((Δᵏf)²) with γ_k = (k!)² / (2k)!; settled are the first three in a row within a factor
    whose differences change sign.
    """
    levels, signs = [], []
    with np.errstate(all="ignore"):
        # In units of a power of two, which rounds nothing: squares of the values may overflow.
        size = np.exp2(np.floor(np.log2(np.max(np.abs(values), axis=0))))
        table = np.where(size > 0, values / size, 0.0)
        for order in range(1, POINTS):
            table = np.diff(table, axis=0)
            gamma = math.factorial(order) ** 2 / math.factorial(2 * order)
            levels.append(np.sqrt(gamma * np.mean(table**2, axis=0)))
            signs.append((table.min(axis=0) < 0) & (table.max(axis=0) > 0))
    found = np.full(values.shape[1:], np.nan)
    for order in reversed(range(POINTS - 3)):
        three = np.stack(levels[order : order + 3])
        settled = (three.max(axis=0) <= SPREAD * three.min(axis=0)) & signs[order]
        found = np.where(settled, levels[order], found)
    return found * size


def _grain(values: Array, ulps: int) -> Array:
    """Height of the stairs of a function that is rounded on its way, as (1 + x) - 1 is; 0 without stairs.

    Then all changes, or all second differences, are few and different multiples of one grain. A mere kink
    shows in one change and in two second differences of the same sign. What is less than so many ``ulps`` of
    the values counts as nothing.
    """
    least = ulps * EPS * np.max(np.abs(values), axis=0)
    with np.errstate(all="ignore"):
        changes, bends = (_without(np.diff(values, order, axis=0), least) for order in (1, 2))
        several = np.count_nonzero(changes, axis=0) > 1
        both = (bends.min(axis=0) < 0) & (bends.max(axis=0) > 0)
        spread = both | (np.count_nonzero(bends, axis=0) > 2)
        return np.fmax(
            np.where(several, _common_unit(changes), 0.0), np.where(spread, _common_unit(bends), 0.0)
        )


def _without(changes: Array, least: Array) -> Array:
    return np.where(np.abs(changes) > least, changes, 0.0)


def _common_unit(changes: Array) -> Array:
    """Smallest change, if all are whole multiples of it and not all the same one; else 0."""
    size = np.abs(changes)
    unit = np.min(np.where(size > 0, size, np.inf), axis=0)
    multiples = np.round(size / unit)
    whole = np.all(np.abs(size / unit - multiples) <= WHOLE, axis=0)
    return np.where(whole & (multiples.max(axis=0) > multiples.min(axis=0)), unit, 0.0)


def _precision(values: Array, center: Array) -> Array:
    """Unit of round-off of the coarsest dtype that holds every value exactly; 0 if there is none.

    Its grain must show in the values: those that never move tell nothing, nor do those that move by more.
    """
    eps = np.zeros(center.shape)
    with np.errstate(all="ignore"):
        changes = np.abs(np.diff(values, axis=0))
        least = np.min(np.where(changes > 0, changes, np.inf), axis=0)
        for dtype in (np.float32, np.float16):
            unit = float(np.finfo(dtype).eps)
            exact = np.all((values.astype(dtype) == values) | ~np.isfinite(values), axis=0)
            fine = least <= FEW * unit * np.max(np.abs(values), axis=0)
            eps = np.where(exact & fine, unit, eps)
    return eps
