"""Values of the inputs at a point: random but readable, repeatable, and inside the declared domain.

Every input has a stream of random numbers of its own, so that adding an input changes no other.
Generic values sit on a lattice of short numbers (decimals in float64; in float32 and float16 binary
fractions, which those hold exactly), shifted by a part of its step that depends on the input's name:
so they are never 0 or ±1, never equal in absolute value, and seldom equal to those of another input.
That holds as long as the dtype has room: float16 has 11 bits, and few of its numbers lie in a narrow
distribution far from 0; where there are fewer than about eight for each value, some values are equal.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from gradcheck_cli.parts import is_complex, part_dtype, whole_of
from gradcheck_cli.shapes import PARTS, Shape, count
from gradcheck_cli.spec.edges import Omitted, edge_values
from gradcheck_cli.spec.edges_complex import complex_edge_values
from gradcheck_cli.spec.types import InputSpec, PointName, Sample

EDGE: Final = "edge"

# Lattice by dtype: base of the step, shifts in parts of a step, parts, bits that the dtype holds exactly.
_LATTICES: Final[Mapping[str, tuple[int, tuple[int, ...], int, int]]] = {
    "float64": (10, (1, 2, 3, 4, 6, 7, 8, 9), 10, 53),
    "float32": (2, (1, 3, 5, 7), 8, 24),
    "float16": (2, (1,), 2, 11),
}
_FINEST: Final = 306  # exponent of the smallest step, whose inverse is still a float64
_MARGIN: Final = 0.05  # of the domain's width, that generic values keep from its ends
_NEAREST: Final = 0.1  # of the standard deviation, that generic normal values keep from 0
FARTHEST: Final = 3.0  # standard deviations
_NEAR: Final = 0.25  # of the root mean square of the values around which it is drawn


def draw(
    inputs: Sequence[InputSpec],
    *,
    seed: int,
    point: PointName,
    attempt: int = 0,
    omitted: Omitted = frozenset(),
) -> dict[str, np.ndarray]:
    """Draw all inputs at a point; ``attempt`` draws the same point anew.

    ``omitted`` says which special values the edge point does without.
    """
    own = {one.name: point if one.edges or point != EDGE else f"beside {EDGE}" for one in inputs}
    drawn = {one.name: _draw_one(one, seed, own[one.name], attempt, omitted) for one in inputs}
    return _tied_to_one_another(inputs, drawn, seed) if point == EDGE else drawn


def _tied_to_one_another(
    inputs: Sequence[InputSpec], drawn: dict[str, np.ndarray], seed: int
) -> dict[str, np.ndarray]:
    """Give inputs that are drawn alike one entry in common, where each may be the larger one."""
    first: dict[tuple[object, ...], np.ndarray] = {}
    for given in inputs:
        array = drawn[given.name]
        alike = (array.shape, given.dtype, given.sample)
        free = given.value is None and given.edges
        free = free and given.sample.kind in _LINES and not given.sample.symmetric
        if free and array.size and alike in first:
            place = seed % array.size
            array.reshape(-1)[place] = first[alike].reshape(-1)[place]
        elif free:
            first[alike] = array
    return drawn


def has_samples(inputs: Sequence[InputSpec]) -> bool:
    """Tell whether anything is drawn at all: without it every point is the same."""
    return any(given.value is None for given in inputs)


def _draw_one(given: InputSpec, seed: int, point: PointName, attempt: int, omitted: Omitted) -> np.ndarray:
    if given.value is not None:
        return given.value.copy()
    if given.center is not None:
        return _around(given, seed, point, attempt, omitted)
    if is_complex(given.dtype):
        return _draw_complex(given, seed, point, attempt, omitted)
    name = zlib.crc32(given.name.encode())
    rng = _stream(given.name, seed, point, attempt)
    shape = tuple(int(size) for size in given.shape)
    if not count(shape):
        return np.empty(shape, given.dtype)
    draw_generic = _generic(given.sample, given.dtype, shape, name)
    with np.errstate(all="ignore"):  # arguments near the ends of a dtype's range
        if point == EDGE:
            values = edge_values(rng, given.sample, given.dtype, shape, draw_generic, omitted)
        else:
            values = draw_generic(rng, shape)
        if given.sample.symmetric and given.sample.kind != "spd":
            values = _symmetric(values)
        return _inside(values.astype(given.dtype), given.sample)


def _around(given: InputSpec, seed: int, point: PointName, attempt: int, omitted: Omitted) -> np.ndarray:
    """Draw near the values that an input has by itself; at an edge point take these, often zeros and ones."""
    center = given.center
    assert center is not None
    if point == EDGE:
        return center.copy()
    size = float(np.sqrt(np.mean(np.square(np.abs(center))))) if np.any(center) else 1.0
    step = _draw_one(replace(given, center=None), seed, point, attempt, omitted)
    return (center + _NEAR * size * step).astype(given.dtype)


def _draw_complex(
    given: InputSpec, seed: int, point: PointName, attempt: int, omitted: Omitted
) -> np.ndarray:
    """Draw the real and the imaginary part as two real inputs would be, but for special values."""
    if point == EDGE:
        rng = _stream(given.name, seed, point, attempt)
        values = complex_edge_values(rng, given.sample, given.shape, omitted)
        if values is not None:
            return values.astype(given.dtype)
    real = str(part_dtype(given.dtype))
    parts = [
        _draw_one(replace(given, name=f"{given.name}.{part}", dtype=real), seed, point, attempt, omitted)
        for part in PARTS
    ]
    return whole_of(np.stack(parts, axis=-1), given.dtype)


def _stream(name: str, seed: int, point: PointName, attempt: int) -> np.random.Generator:
    """Random numbers of one input's own."""
    return np.random.default_rng([seed, zlib.crc32(point.encode()), attempt, zlib.crc32(name.encode())])


def _generic(
    sample: Sample, dtype: str, whole: Shape, name: int
) -> Callable[[np.random.Generator, Shape], np.ndarray]:
    """Make the function that draws generic values of any shape for this input."""

    def values(rng: np.random.Generator, shape: Shape) -> np.ndarray:
        if dtype == "bool" and sample.kind == "normal":
            return spread_indices(rng, count(shape), 2).reshape(shape)
        if sample.kind in _MATRICES:
            return _MATRICES[sample.kind](rng, whole, dtype)
        if sample.kind == "integers":
            low, high = (int(bound) for bound in sample.arguments)
            return np.asarray(low + spread_indices(rng, count(shape), high - low).reshape(shape))
        if sample.kind == "choice":
            chosen = spread_indices(rng, count(shape), len(sample.arguments))
            return np.array(sample.arguments)[chosen].reshape(shape)
        return _LINES[sample.kind](rng, sample, dtype, count(shape), name).reshape(shape)

    return values


def spread_indices(rng: np.random.Generator, number: int, choices: int) -> np.ndarray:
    """Draw indices below ``choices`` in random order, none twice before each was drawn."""
    if choices >= 2 * number:
        # One out of each of `number` equal stretches; the upper half of a stretch stays free.
        stretch = choices / max(number, 1)
        drawn = np.floor((np.arange(number) + rng.uniform(0, 0.5, number)) * stretch).astype(np.int64)
        return rng.permutation(np.minimum(drawn, choices - 1))
    rounds = -(-number // choices)
    return np.concatenate([rng.permutation(choices) for _ in range(rounds)])[:number]


@dataclass(frozen=True)
class _Lattice:
    """The points (whole + shift / parts) · base^-exponent, for all whole numbers."""

    base: int
    exponent: int
    shift: int
    parts: int

    @property
    def step(self) -> float:
        return float(self.base) ** -self.exponent

    def points(self, whole: np.ndarray) -> np.ndarray:
        """Compute the points, rounded once: short numbers stay short."""
        numerator = whole * self.parts + self.shift
        power = float(self.base) ** abs(self.exponent)
        points: np.ndarray = numerator / (power * self.parts)
        return points if self.exponent >= 0 else numerator * (power / self.parts)


def _lattice(dtype: str, number: int, width: float, largest: float, name: int) -> _Lattice:
    """Choose a step of about a quarter of each value's share, that the dtype still holds exactly."""
    base, shifts, parts, bits = _LATTICES[dtype]
    wanted = math.ceil(math.log(4 * max(number, 5), base) - math.log(width, base))
    exact = math.floor(math.log(2**bits / parts, base) - math.log(largest, base))
    return _Lattice(base, min(wanted, exact, _FINEST), shifts[name % len(shifts)], parts)


def _normal(rng: np.random.Generator, sample: Sample, dtype: str, number: int, name: int) -> np.ndarray:
    """Normal values, moved to the nearest free point of the lattice, away from 0."""
    mean, deviation = sample.arguments or (0.0, 1.0)
    targets = mean + deviation * np.clip(rng.standard_normal(number), -FARTHEST, FARTHEST)
    sizes = np.abs(targets)
    sizes = np.where(sizes < _NEAREST * deviation, sizes + _NEAREST * deviation, sizes)
    lattice = _lattice(dtype, number, deviation, abs(mean) + FARTHEST * deviation, name)
    order = np.argsort(sizes)
    whole = np.floor(sizes[order] / lattice.step)
    if 2 * number * lattice.step <= FARTHEST * deviation:  # otherwise the dtype has too few numbers
        steps = np.arange(number)
        whole = np.maximum.accumulate(whole - steps) + steps  # each at least one more than the one before
    values = np.empty(number)
    values[order] = lattice.points(whole)
    return np.where(targets < 0, -values, values)


def _positive(rng: np.random.Generator, _: Sample, dtype: str, number: int, name: int) -> np.ndarray:
    return _between(rng, (0.25, 2.5), dtype, number, name)


def _uniform(rng: np.random.Generator, sample: Sample, dtype: str, number: int, name: int) -> np.ndarray:
    low, high = sample.arguments
    margin = _MARGIN * (high - low)
    return _between(rng, (low + margin, high - margin), dtype, number, name)


def _between(
    rng: np.random.Generator, limits: tuple[float, float], dtype: str, number: int, name: int
) -> np.ndarray:
    """Absolute values out of all that lie between the limits, each once; signs as the limits allow."""
    low, high = limits
    smallest = 0.02 * max(-low, high) if low < 0 < high else min(abs(low), abs(high))
    largest = max(abs(low), abs(high))
    lattice = _lattice(dtype, number, largest - smallest, largest, name)
    first = math.ceil(smallest / lattice.step)
    choices = max(math.floor(largest / lattice.step) - first, 1)
    sizes = lattice.points(first + spread_indices(rng, number, choices))
    negative = np.where(sizes > high, True, np.where(sizes > -low, False, rng.random(number) < 0.5))  # noqa: FBT003
    return np.where(negative, -sizes, sizes)


def _symmetric(values: np.ndarray) -> np.ndarray:
    """Copy the upper triangle of the last two axes into the lower one."""
    upper = np.triu(values)
    mirrored: np.ndarray = upper + np.swapaxes(np.triu(values, 1), -1, -2)
    return mirrored


def _inside(values: np.ndarray, sample: Sample) -> np.ndarray:
    """Push values that rounding has put on or over the ends of an interval back inside."""
    if sample.kind not in {"uniform", "positive"}:
        return values
    low, high = (values.dtype.type(end) for end in sample.domain)
    inner = (np.nextafter(low, high), np.nextafter(high, low) if np.isfinite(high) else high)
    return np.asarray(np.clip(values, *inner))  # of a scalar it makes a number, which is no array


def _orthogonal(rng: np.random.Generator, shape: Shape, _: str) -> np.ndarray:
    """Random rotations and reflections: QR of a normal matrix, its signs made unique (Mezzadri 2007)."""
    factor, triangle = np.linalg.qr(rng.standard_normal(shape))
    signs = np.sign(np.diagonal(triangle, axis1=-2, axis2=-1))
    result: np.ndarray = factor * signs[..., None, :]
    return result


def _spd(rng: np.random.Generator, shape: Shape, dtype: str) -> np.ndarray:
    """Q diag(λ) Qᵀ with distinct eigenvalues λ between 0.6 and 2.6; small ones to three decimals."""
    size = shape[-1]
    gap = 2.0 / max(size, 1)
    eigenvalues = 0.6 + gap * (np.arange(size) + 0.5 * rng.random((*shape[:-2], size)))
    basis = _orthogonal(rng, shape, dtype)
    matrix = (basis * eigenvalues[..., None, :]) @ np.swapaxes(basis, -1, -2)
    matrix = (matrix + np.swapaxes(matrix, -1, -2)) / 2
    return np.round(matrix, 3) if size <= 16 else matrix


def _permutation(rng: np.random.Generator, shape: Shape, dtype: str) -> np.ndarray:
    """A permutation that is not the identity where there is another."""
    size = shape[-1]
    stack = np.broadcast_to(np.arange(size), shape[:-1] if dtype.startswith("float") else shape)
    orders = rng.permuted(stack, axis=-1)
    same = (orders == np.arange(size)).all(axis=-1, keepdims=True)
    orders = np.where(same, np.roll(orders, 1, axis=-1), orders)
    return np.eye(size)[orders] if dtype.startswith("float") else orders


_MATRICES: Final = {"orthogonal": _orthogonal, "spd": _spd, "permutation": _permutation}
_LINES: Final = {"normal": _normal, "uniform": _uniform, "positive": _positive}
