"""Evidence by brute force that the mistake that a wrong case names is really there.

Independent of the tool: everything is computed in float64 with plain one-sided differences, and the
contract's codes are shown by doing what they speak of.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from judgement_cases.case import Array, Case, Gradients, Pullback
from judgement_cases.points import Point, in_double, points

STEP = 1e-6
RELATIVE, ABSOLUTE = 3e-4, 1e-6  # of the entry and of the largest one: more than round-off leaves


def evaluate(case: Case, inputs: Sequence[Array]) -> tuple[tuple[Array, ...], Pullback]:
    """Call a case as the tool does: the same seed each time."""
    np.random.seed(0)  # noqa: NPY002  # layers that use the global generator
    return case.evaluate(list(inputs))


def gradients(case: Case, point: Point, cotangents: Sequence[Array]) -> Gradients:
    """Forward and backward on copies of everything."""
    _, pullback = evaluate(case, point.copies())
    found = pullback([cotangent.copy() for cotangent in cotangents])
    return [found[place] for place in point.places]


def random_cotangents(case: Case, point: Point, size: float = 10.0) -> list[Array]:
    """Draw cotangents that are neither small nor of one sign."""
    rng = np.random.default_rng(1)
    outputs, _ = evaluate(case, point.copies())
    return [size * normal(rng, output) for output in outputs]


def normal(rng: np.random.Generator, like: Array) -> Array:
    """Draw real or complex numbers, as an array has them."""
    real, imaginary = np.asarray(rng.standard_normal((2, *like.shape)))
    return real + 1j * imaginary if like.dtype.kind == "c" else real


def unit_cotangents(case: Case, point: Point) -> Iterator[list[Array]]:
    """Yield a cotangent for every entry of every output."""
    outputs, _ = evaluate(case, point.copies())
    for place, output in enumerate(outputs):
        for entry in range(output.size):
            cotangents = [np.zeros(one.shape) for one in outputs]
            cotangents[place].reshape(-1)[entry] = 1.0
            yield cotangents


def same(one: Gradients, other: Gradients) -> bool:
    """Whether gradients are equal up to round-off; None is zero."""
    return all(
        np.allclose(0 if a is None else a, 0 if b is None else b, rtol=1e-9, atol=1e-12, equal_nan=True)
        for a, b in zip(one, other, strict=True)
    )


def values_differ(case: Case, point: Point) -> bool:
    """Whether gradients lie outside what the one-sided derivatives allow."""
    point = in_double(point)
    seeds = unit_cotangents(case, point) if case.code == "domain" else [random_cotangents(case, point)]
    return any(_outside(case, point, cotangents) for cotangents in seeds)


def _outside(case: Case, point: Point, cotangents: Sequence[Array]) -> bool:
    found = gradients(case, point, cotangents)
    zeros = [np.zeros(point.inputs[place].shape) for place in point.places]
    claimed = [zero if one is None else np.asarray(one) for one, zero in zip(found, zeros, strict=True)]
    slopes = np.array(list(_slopes(case, point, cotangents, claimed)))
    claim, low, high = slopes.T
    usual = np.isfinite(low) & np.isfinite(high)
    size = np.maximum(np.abs(low), np.abs(high))
    room = RELATIVE * size + ABSOLUTE * np.max(size[usual], initial=0.0)
    inside = (low - room <= claim) & (claim <= high + room)
    return bool(np.any(usual & ~inside))


def _slopes(
    case: Case, point: Point, cotangents: Sequence[Array], claimed: Sequence[Array]
) -> Iterator[tuple[float, float, float]]:
    """Yield, per direction, the claimed slope of Σ cotangent · output and the two one-sided ones."""

    def value(inputs: Sequence[Array]) -> float:
        outputs, _ = evaluate(case, inputs)
        return product(cotangents, outputs)

    center = value(point.copies())
    for direction in directions(point):
        slope = product(claimed, direction)
        ends = []
        for step in (STEP, -STEP):
            moved = point.copies()
            for place, part in zip(point.places, direction, strict=True):
                moved[place] = moved[place] + step * part
            ends.append((value(moved) - center) / step)
        yield slope, min(ends), max(ends)


def product(one: Sequence[Array], other: Sequence[Array]) -> float:
    """Sum of Re conj(a) b over all entries of all arrays."""
    return sum(float(np.vdot(a, b).real) for a, b in zip(one, other, strict=True))


def directions(point: Point) -> Iterator[list[Array]]:
    """Yield unit directions: every entry, part by part, then all together, alike and at random."""
    given = [point.inputs[place] for place in point.places]
    for place, one in enumerate(given):
        parts = (1.0, 1j) if one.dtype.kind == "c" else (1.0,)
        for entry, unit in itertools.product(np.ndindex(one.shape), parts):
            direction = [np.zeros_like(other) for other in given]
            direction[place][entry] = unit
            yield direction
    rng = np.random.default_rng(2)
    for together in ([np.ones_like(one) for one in given], [normal(rng, one) for one in given]):
        size = np.sqrt(product(together, together))
        yield [part / size for part in together]


def wrong_shape(case: Case, point: Point) -> bool:
    found = gradients(case, point, random_cotangents(case, point))
    return any(one.shape != point.inputs[place].shape for one, place in zip(found, point.places, strict=True))


def wrong_dtype(case: Case, point: Point) -> bool:
    return any(one.dtype.kind != "f" for one in gradients(case, point, random_cotangents(case, point)))


def mutates_input(case: Case, point: Point) -> bool:
    inputs = point.copies()
    _, pullback = evaluate(case, inputs)
    pullback(random_cotangents(case, point))
    return not same(inputs, point.inputs)


def mutates_cotangent(case: Case, point: Point) -> bool:
    _, pullback = evaluate(case, point.copies())
    before = random_cotangents(case, point)
    given = [one.copy() for one in before]
    pullback(given)
    return not same(given, before)


def ignores_cotangent(case: Case, point: Point) -> bool:
    cotangents = random_cotangents(case, point)
    return same(gradients(case, point, cotangents), gradients(case, point, [2 * one for one in cotangents]))


def nonlinear(case: Case, point: Point) -> bool:
    cotangents = random_cotangents(case, point)
    found = gradients(case, point, cotangents)
    return any(
        not same(gradients(case, point, [factor * u for u in cotangents]), [factor * one for one in found])
        for factor in (-1, 2)
    )


def layout_dependent(case: Case, point: Point) -> bool:
    cotangents = random_cotangents(case, point)
    plain = gradients(case, point, cotangents)
    for layout in (np.asfortranarray, _strided):
        _, pullback = evaluate(case, point.copies())
        try:
            if not same(pullback([layout(one) for one in cotangents]), plain):
                return True
        except (TypeError, ValueError):
            return True
    return False


def _strided(array: Array) -> Array:
    return np.repeat(array, 2, axis=-1)[..., ::2]


def stale_state(case: Case, point: Point) -> bool:
    cotangents = random_cotangents(case, point)
    _, pullback = evaluate(case, point.copies())
    first, second = pullback(cotangents), pullback(cotangents)
    _, pullback = evaluate(case, point.copies())
    evaluate(case, [one[::-1].copy() for one in point.inputs])
    return not (same(first, second) and same(first, pullback(cotangents))) or values_differ(case, point)


def nondeterministic(case: Case, point: Point) -> bool:
    cotangents = random_cotangents(case, point)
    return not same(gradients(case, point, cotangents), gradients(case, point, cotangents))


EVIDENCE: dict[str, Callable[[Case, Point], bool]] = {
    "wrong-shape": wrong_shape,
    "not-summed": wrong_shape,
    "wrong-dtype": wrong_dtype,
    "mutates-input": mutates_input,
    "mutates-cotangent": mutates_cotangent,
    "ignores-cotangent": ignores_cotangent,
    "nonlinear-cotangent": nonlinear,
    "layout-dependent": layout_dependent,
    "stale-state": stale_state,
    "nondeterministic": nondeterministic,
}


def shown(case: Case) -> bool:
    """Whether the mistake that a case names shows at one of its points."""
    show = EVIDENCE.get(case.code, values_differ)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return any(show(case, point) for point in points(case))
