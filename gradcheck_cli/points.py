"""Which points a check visits, what each of them holds, and how leniently it is judged there.

A point's name says all about it:

* ``generic``, ``generic-2``, …: random values that are never 0, ±1, equal or symmetric;
* ``edge``: exact zeros, ties, repeated indices, negative and whole numbers;
* ``edge-2``, …: generic values among which stand those that a formula compares an input with, on the bound
  and beyond it on both sides;
* ``generic*10``: the generic point times 10, as far as the declared domains reach.
"""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from gradcheck_cli.autodiff.bounds import bounds, sources
from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.functions.base import Subject
from gradcheck_cli.functions.formula import FormulaFunction
from gradcheck_cli.parts import parts_of, whole_of
from gradcheck_cli.problem import EVERYWHERE, Problem
from gradcheck_cli.shapes import count
from gradcheck_cli.spec.edges import Omitted
from gradcheck_cli.spec.sample import EDGE, draw, has_samples
from gradcheck_cli.spec.types import CheckSpec, InputSpec

MOST_AT_BOUNDS: Final = 3  # edge points beside the first
FURTHER: Final = tuple(f"generic*{factor}" for factor in (-1, 3, -3, 0.1, 10, -10, 30, -30, 100, -100, 0))
FAR_OUT: Final = "generic*-10"
_ORDINARY: Final = re.compile(r"generic(-\d+)?")
_CONTINUOUS: Final = frozenset({"normal", "uniform", "positive", "spd"})
_SHIFTED: Final = frozenset({"normal", "uniform", "positive"})  # samples whose entries may be set one by one


def point_names(check: CheckSpec, subject: Subject) -> tuple[str, ...]:
    """Points to visit, the edge points last; one is enough where every input is fixed."""
    points = sorted(check.points, key=lambda point: point == EDGE)
    if not has_samples(check.inputs):
        return tuple(points[:1])
    more = _rounds(check, subject)[0] if subject.engine else len(_by_turns(check)) - 1
    more = more if EDGE in points else 0
    return (*points, *(f"{EDGE}-{number}" for number in range(2, more + 2)))


def is_special(check: CheckSpec, point: str) -> bool:
    """Whether a point may lie on kinks, ties or singularities, or so far out that nothing can be told.

    So it is at every point where values are not drawn from a continuous range: fixed ones, whole numbers.
    """
    if not _ORDINARY.fullmatch(point):
        return True
    return any(
        one.value is not None or one.sample.kind not in {*_CONTINUOUS, "orthogonal"}
        for one in check.inputs
        if one.differentiable and (check.wrt is None or one.name in check.wrt)
    )


def is_far(point: str) -> bool:
    """Whether a point lies outside of what the spec has drawn."""
    return "*" in point


def has_ties(point: str) -> bool:
    """Whether values are equal to one another, or to a bound, on purpose."""
    return point.startswith(EDGE) or point.endswith("*0")


def bind(  # noqa: PLR0913  # what a point depends on
    check: CheckSpec,
    subject: Subject,
    point: str,
    *,
    attempt: int = 0,
    evaluations: Counter[str] | None = None,
    omitted: Omitted = frozenset(),
) -> Problem:
    """Draw a point and bind the function to it; another ``attempt`` draws another one.

    ``omitted`` says which special values an edge point does without.
    """
    base, _, factor = point.partition("*")
    primals = draw(check.inputs, seed=check.seed, point=base, attempt=attempt, omitted=omitted)
    if factor:
        primals = {one.name: _scaled(one, primals[one.name], float(factor)) for one in check.inputs}
    elif point.startswith(EDGE) and not subject.engine:
        primals |= _ordinary_but(check, point, attempt, omitted)
    elif point.startswith(f"{EDGE}-"):
        rounds = int(point.removeprefix(f"{EDGE}-")) - 2
        special = special_values(check, subject)
        primals |= {name: values.dealt_into(primals[name], rounds) for name, values in special.items()}
    return Problem(
        function=subject.function,
        primals=primals,
        wrt=tuple(dict.fromkeys(name for _, name in subject.pairs)),
        domains={one.name: one.sample.domain for one in check.inputs},
        symmetric=frozenset(one.name for one in check.inputs if one.sample.symmetric),
        evaluations=Counter() if evaluations is None else evaluations,
        known=subject.known,
    )


def _by_turns(check: CheckSpec) -> list[frozenset[str]]:
    """Inputs that are special by turns: those of the first one's shape, which may tie with it, and the rest.

    Whole numbers in all inputs of a layer at once make its hidden values meet at kinks where each convention
    about ties gives another derivative; for a formula they are all known, for code they are not.
    """
    drawn = [one for one in check.inputs if one.value is None and one.edges]
    drawn = [one for one in drawn if one.sample.kind in _CONTINUOUS]
    first = frozenset(one.name for one in drawn if one.shape == drawn[0].shape)
    others = frozenset(one.name for one in drawn) - first
    return [first, others] if others else [first]


def _ordinary_but(check: CheckSpec, point: str, attempt: int, omitted: Omitted) -> dict[str, Array]:
    """Ordinary values for the inputs whose turn it is not at an edge point, special ones for all others."""
    turns = _by_turns(check)
    turn = int(point.removeprefix(f"{EDGE}-")) - 1 if point != EDGE else 0
    ordinary = tuple(one for one in check.inputs if len(turns) > 1 and one.name in turns[1 - turn])
    others = tuple(one for one in check.inputs if one not in ordinary)
    special = draw(others, seed=check.seed, point=EDGE, attempt=attempt, omitted=omitted)
    return {**special, **draw(ordinary, seed=check.seed, point=f"beside {point}", attempt=attempt)}


def _scaled(given: InputSpec, array: Array, factor: float) -> Array:
    """Multiply what is drawn from a continuous range; entries that would leave the domain stay."""
    if given.value is not None or given.sample.kind not in _CONTINUOUS:
        return array
    if given.sample.kind == "spd":
        factor = abs(factor) or 1.0
    low, high = given.sample.domain
    parts = parts_of(array, array.dtype)
    with np.errstate(over="ignore"):
        moved = parts * parts.dtype.type(factor)
    inside = np.isfinite(moved) & (moved > low) & (moved < high)
    return whole_of(np.where(inside, moved, parts), array.dtype)


@dataclass(frozen=True)
class Special:
    """Values of an input at which a formula changes, and values on both sides of each."""

    bounds: tuple[float, ...]
    beside: tuple[float, ...]

    @property
    def values(self) -> tuple[float, ...]:
        """All of them, the bounds first."""
        return (*self.bounds, *self.beside)

    def dealt_into(self, array: Array, rounds: int) -> Array:
        """Set entries of an array; each round begins where the last one ended."""
        places = np.random.default_rng(zlib.crc32(array.tobytes())).permutation(array.size)
        first = rounds * array.size % len(self.values)
        dealt = (*self.values[first:], *self.values[:first])[: array.size]
        result = np.array(array)
        result.reshape(-1)[places[: len(dealt)]] = dealt
        return result


def further_names(check: CheckSpec, subject: Subject) -> tuple[str, ...]:
    """Points that may take a side which no other point takes, the mildest first; for code, one far out."""
    if not has_samples(check.inputs):
        return ()
    first, last = _rounds(check, subject)
    edges = [f"{EDGE}-{number}" for number in range(first + 2, last + 2)] if EDGE in check.points else []
    if "generic" not in check.points:
        return tuple(edges)
    return (*edges, *FURTHER) if subject.engine else (FAR_OUT, *edges, *FURTHER)


def _rounds(check: CheckSpec, subject: Subject) -> tuple[int, int]:
    """Count the edge points that it takes to hold every bound of every input, and every special value."""
    special = special_values(check, subject)
    sizes = {one.name: count(one.shape) for one in check.inputs}
    first = [math.ceil(len(one.bounds) / sizes[name]) for name, one in special.items()]
    all_ = [math.ceil(len(one.values) / sizes[name]) for name, one in special.items()]
    return min(max(first, default=0), MOST_AT_BOUNDS), min(max(all_, default=0), 2 * MOST_AT_BOUNDS)


def special_values(check: CheckSpec, subject: Subject) -> dict[str, Special]:
    """Return the special values of every input that is drawn entry by entry, inside the open domain.

    Zero alone is none: the edge point holds it, and values on both sides of it. A spec that wants no kinks
    is not led to them.
    """
    found = _bounds(subject) if check.kinks == "subgradient" else {}
    result = {}
    for one in check.inputs:
        low, high = one.sample.domain
        known = [bound for bound in found.get(one.name, ()) if low < bound < high]
        free = one.value is None and one.edges and one.sample.kind in _SHIFTED and not one.sample.symmetric
        if free and any(known) and count(one.shape):
            beside = [value for bound in known for value in _beside(bound, low, high)]
            result[one.name] = Special(tuple(known), tuple(dict.fromkeys(beside)))
    return result


def _beside(bound: float, low: float, high: float) -> tuple[float, float]:
    """Return a value on either side of a bound, half of its size away or halfway to the domain's end."""
    away = max(abs(bound), 1.0) / 2
    below = bound - away if bound - away > low else (bound + low) / 2
    above = bound + away if bound + away < high else (bound + high) / 2
    return below, above


def formulas(subject: Subject) -> dict[str, FormulaFunction]:
    """Return the formulas whose inside is known, by whose they are: the function's (no name), the claims'."""
    claims = {f"{one.label} claim for {', '.join(one.inputs)}": one.inside for one in subject.claims}
    found = {"": subject.function, **claims}
    return {whose: one for whose, one in found.items() if isinstance(one, FormulaFunction)}


def _bounds(subject: Subject) -> Mapping[str, list[float]]:
    """Values of each floating input at which an operation of a formula changes sides."""
    result: dict[str, list[float]] = {}
    for formula in formulas(subject).values():
        graph, names = formula.graph, {number: name for name, number in formula.input_nodes.items()}
        for number, bound in bounds(graph, tuple(formula.output_nodes.values())):
            for source, value in sources(graph, number, bound):
                dtype = graph.nodes[source].dtype
                if np.issubdtype(dtype, np.floating) and abs(value) < float(np.finfo(dtype).max) / 4:
                    result.setdefault(names[source], []).append(value)
    return {name: list(dict.fromkeys(values)) for name, values in result.items()}


def not_finite(check: CheckSpec, problem: Problem) -> str:
    """Name the entries of the function's value that are not finite, and the remedy if there is one."""
    wrong = []
    for output, rows in problem.rows.items():
        type_, values = problem.function.outputs[output], problem.values[rows]
        for place in np.flatnonzero(~np.isfinite(values)):
            index, part = type_.entry(int(place))
            entry = f"{output}{list(index)}" if index else output
            wrong.append(f"{entry}.{part} = {values[place]}" if part else f"{entry} = {values[place]}")
    shown = ", ".join(wrong[:5]) + (f" and {len(wrong) - 5} more" if len(wrong) > 5 else "")
    free = any(one.value is None and one.sample.domain == EVERYWHERE for one in check.inputs)
    remedy = "; declare the inputs' domains, as in 'sample: positive' or 'uniform: [0.1, 2]'" if free else ""
    return f"{shown}{remedy}"
