"""Kinks that meet: at the zero of several hidden units at once, no one-sided derivative is the measure.

Each backward picks a subgradient for each unit: 0, 1/2 or 1. All are right, and their sums need not lie
between the one-sided derivatives. Two things tell such a claim from a wrong one: the engine's own derivative
under every convention about ties, and the derivatives beside the point, where every unit is on or off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.compare import SEVERAL, Comparison, State
from gradcheck_cli.directions import Line
from gradcheck_cli.examine import Finding
from gradcheck_cli.functions.base import Claim, Pair, Subject
from gradcheck_cli.functions.conventions import conventions
from gradcheck_cli.functions.formula import FormulaFunction
from gradcheck_cli.jacobian import assemble
from gradcheck_cli.ladder import refine, scale
from gradcheck_cli.noise import measure
from gradcheck_cli.problem import Problem, symmetric_part, typical_size
from gradcheck_cli.shapes import count
from gradcheck_cli.wide import in_double

SAMPLES = 24
DISTANCE = 1e-6  # relative to the size of each input
ASKED = 20_000  # calls of the engine that are spent on conventions
MOST = 243  # conventions that are tried
ENTRIES = 2_000_000  # of all their Jacobians together
STEP = 1e-3  # of that distance: differences beside the point stay on one side of its kinks
ROUGHLY = 1e-4  # to which such differences confirm a derivative
UNITS = 64  # of round-off that they may hold
CROSSINGS = 2  # of the samples whose step may have crossed a kink after all
NEARLY = 1e-6  # of the scale, to which a convention's derivative is that of the point itself
NOTICEABLE = 1e-3  # of the scale: derivatives that differ by less beside the point are one and the same


def excused(problem: Problem, subject: Subject, finding: Finding) -> Finding:
    """Look beside the point, and at other conventions, before a claim is called wrong at it."""
    comparison, claim = finding.comparison, finding.claim
    own = problem.function is subject.function
    if not own or claim.misfit or not np.any(_open(comparison)):
        return finding
    engine = subject.engine[0] if subject.engine else None
    if engine and isinstance(problem.function, FormulaFunction) and np.any(comparison.state == State.FAIL):
        comparison = _by_convention(problem, problem.function, engine, finding.pair, comparison)
    if np.any(_open(comparison)) and len(comparison.state) * SAMPLES <= ASKED:
        directions = [direction for direction, _, _ in finding.lines]
        there, known = _sharpest(problem, subject, claim)
        asked = np.any(_open(comparison), axis=1)
        beside = span(there, known, finding.pair, directions, asked)
        if np.any(beside.trusted & asked):
            crooked = _crooked(problem, finding.pair, comparison)
            comparison = _by_span(comparison, beside, finding.lines, crooked, engine=engine is not None)
    return replace(finding, comparison=comparison)


def _sharpest(problem: Problem, subject: Subject, claim: Claim) -> tuple[Problem, Claim]:
    """Whom to ask for derivatives beside a point: the engine if there is one, if possible in double."""
    wide = in_double(problem, subject)
    if wide is None or subject.wide is None:
        return problem, subject.engine[0] if subject.engine else claim
    if subject.wide.engine:
        return wide, subject.wide.engine[0]
    return wide, subject.wide.claims[subject.claims.index(claim)]


def _open(comparison: Comparison) -> Array:
    """Entries that are wrong or left out, though both derivatives are finite."""
    finite = np.isfinite(comparison.analytic) & np.isfinite(comparison.bound)
    return np.asarray((comparison.state == State.FAIL) | ((comparison.state == State.SKIPPED) & finite))


def _by_convention(
    problem: Problem, function: FormulaFunction, engine: Claim, pair: Pair, comparison: Comparison
) -> Comparison:
    """Pass wrong rows that are what the engine says under some convention about ties."""
    for matrix in candidates(problem, function, engine, [pair]):
        with np.errstate(invalid="ignore"):
            error = np.abs(matrix - comparison.analytic)
            same = np.all(error <= nearly(comparison), axis=1, keepdims=True)
        found = (comparison.state == State.FAIL) & same
        comparison = replace(
            comparison,
            state=np.where(found, State.PASS, comparison.state).astype(np.uint8),
            numeric=np.where(found, matrix, comparison.numeric),
            error=np.where(found, error, comparison.error),
        )
        if not np.any(comparison.state == State.FAIL):
            break
    return comparison


def nearly(comparison: Comparison) -> Array:
    """Difference up to which a convention's derivative is the claimed one."""
    return comparison.tolerance + NEARLY * comparison.scale


def candidates(problem: Problem, function: FormulaFunction, engine: Claim, pairs: Sequence[Pair]) -> Array:
    """Jacobians of one output by some inputs, side by side, under every convention.

    At each tie the engine's own, one side, the other, and half of each: the derivative is linear in each
    operation's share, so halves are means of the two sides.
    """
    engine = replace(engine, pairs=tuple(pairs))
    rows = max(count(problem.output_shape(pairs[0][0])), 1)
    columns = max(sum(count(problem.input_shape(name)) for _, name in pairs), 1)
    most = min(MOST, ASKED // rows, ENTRIES // (rows * columns))
    if most < 3:
        return np.empty((0, rows, columns))
    claims, grid = conventions(function, engine, problem.primals, most)
    matrices = [assemble(problem, claim) for claim in claims]
    found = np.stack([np.concatenate([one[pair].matrix for pair in pairs], axis=1) for one in matrices])
    if set(grid) != {3}:
        return found
    found = found.reshape(*grid, *found.shape[1:])
    for axis in range(len(grid)):
        half = np.take(found, [1, 2], axis=axis).mean(axis=axis, keepdims=True)
        found = np.concatenate([found, half], axis=axis)
    return found.reshape(-1, *found.shape[-2:])


@dataclass(frozen=True)
class Span:
    """Smallest and largest derivatives beside a point: of each entry, and along given directions."""

    low: Array  # M × N
    high: Array
    along_low: Array  # M × directions
    along_high: Array
    pieces: Array  # for each row, in how many different ways it continues beside the point
    trusted: Array  # rows whose derivatives beside the point agree with differences of the function there


def span(problem: Problem, known: Claim, pair: Pair, directions: Sequence[Array], asked: Array) -> Span:
    """Span of a claim's derivatives at random points beside this one: the engine's, or the user's own.

    The user's own are no measure unless they are right there, so each is tried along one direction, and
    there is no more to learn once none of the rows that are ``asked`` for can be trusted.
    """
    rng = np.random.default_rng(SAMPLES)
    low = high = along_low = along_high = np.asarray(np.nan)
    marks, wrong, unit = [], np.zeros(asked.shape, dtype=int), problem.view(pair[1]).typical
    for _ in range(SAMPLES):
        there = _beside(problem, rng)
        matrix = assemble(there, known)[pair].matrix
        along = np.stack([matrix @ one for one in directions], axis=1) if directions else matrix[:, :0]
        low, high = np.fmin(low, matrix), np.fmax(high, matrix)
        along_low, along_high = np.fmin(along_low, along), np.fmax(along_high, along)
        marks.append(_mark(matrix))
        wrong += _contradicted(there, pair, matrix, unit, rng)
        if np.all(wrong[asked] > CROSSINGS):
            break
    pieces_ = _different(np.sort(marks, axis=0))
    return Span(low, high, along_low, along_high, pieces_, trusted=wrong <= CROSSINGS)


def pieces(problem: Problem, subject: Subject, claims: Mapping[Pair, Claim]) -> Array:
    """In how many different ways the rows of several Jacobians together continue beside a point.

    One where they are not right there.
    """
    asked = {pair: _sharpest(problem, subject, claim) for pair, claim in claims.items()}
    units = {pair: problem.view(pair[1]).typical for pair in claims}
    rng = np.random.default_rng(SAMPLES)
    marks, wrong = [], []
    for _ in range(SAMPLES):
        there = _beside(next(iter(asked.values()))[0], rng)
        matrices = {pair: assemble(there, claim)[pair].matrix for pair, (_, claim) in asked.items()}
        marks.append(np.sum([_mark(matrix) for matrix in matrices.values()], axis=0))
        wrong.append(
            np.any([_contradicted(there, *one, units[one[0]], rng) for one in matrices.items()], axis=0)
        )
    return np.where(np.sum(wrong, axis=0) <= CROSSINGS, _different(np.sort(marks, axis=0)), 1)


def _contradicted(
    problem: Problem, pair: Pair, matrix: Array, unit: float, rng: np.random.Generator
) -> Array:
    """Rows whose derivative along a random direction is not what the function's values say."""
    view, rows = problem.view(pair[1]), problem.rows[pair[0]]
    step = rng.choice([-1.0, 1.0], view.primal.shape) * STEP * DISTANCE * unit
    step = symmetric_part(step) if view.symmetric else step
    ends = [np.clip(view.primal + sign * step, *view.domain).astype(view.primal.dtype) for sign in (-1, 1)]
    before, after = (view.function(end)[rows] for end in ends)
    moved = (ends[1] - ends[0]).reshape(-1).astype(np.float64)
    with np.errstate(all="ignore"):
        slack = ROUGHLY * (np.abs(matrix) @ np.abs(moved)) + UNITS * view.eps * np.abs(view.center[rows])
        return np.asarray(~(np.abs(after - before - matrix @ moved) <= slack))


def _beside(problem: Problem, rng: np.random.Generator) -> Problem:
    return replace(problem, primals={name: _moved(problem, name, rng) for name in problem.primals})


def _mark(matrix: Array) -> Array:
    """A number for each row that tells different rows apart."""
    return matrix @ np.random.default_rng(matrix.shape[1]).uniform(0.5, 1.5, matrix.shape[1])


def _different(marks: Array) -> Array:
    """Count the different numbers in every sorted column."""
    with np.errstate(all="ignore"):
        gaps = np.diff(marks, axis=0) > NOTICEABLE * np.max(np.abs(marks), axis=0, initial=0.0)
    return 1 + np.count_nonzero(gaps, axis=0)


def _moved(problem: Problem, name: str, rng: np.random.Generator) -> Array:
    def step(parts: Array) -> Array:
        distance = max(DISTANCE, 64 * float(np.finfo(parts.dtype).eps)) * typical_size(parts)
        return rng.uniform(0.5, 1.0, parts.shape) * rng.choice([-1.0, 1.0], parts.shape) * distance

    return problem.moved(name, step)


def _crooked(problem: Problem, pair: Pair, comparison: Comparison) -> Array:
    """Rows whose derivative along a random direction is not the sum of those by the entries.

    So it is with the median of three equal values, which none of them moves alone.
    """
    view, rows = problem.view(pair[1]), problem.rows[pair[0]]
    units = np.array([scale(view, column) for column in range(view.primal.size)])
    direction = units * np.random.default_rng(view.primal.size).uniform(-1.0, 1.0, view.primal.size)
    if view.symmetric:
        direction = symmetric_part(direction.reshape(view.primal.shape)).reshape(-1)
    line = view.toward(direction.reshape(view.primal.shape))
    found = refine(line, 0, measure(line)).central.rows(rows)
    with np.errstate(all="ignore"):
        apart = np.abs(comparison.numeric @ direction - found.value)
        return np.asarray(apart > NOTICEABLE * (comparison.scale @ np.abs(direction)) + SEVERAL * found.bound)


def _by_span(
    comparison: Comparison, beside: Span, lines: Sequence[Line], crooked: Array, *, engine: bool
) -> Comparison:
    """Judge by the derivatives beside the point where those reach beyond the one-sided ones: kinks meet.

    There a claim among them is right. One within twice their span is not judged, since another choice of
    subgradients could give it; one further off is wrong by any choice. Entries that are wrong together only
    are left out where their products with the directions are among those beside the point. Without an
    ``engine`` to tell what conventions give, nothing is said of rows that continue in more than two ways.
    """
    slack = NOTICEABLE * comparison.scale
    kinked = np.any(comparison.kink, axis=1, keepdims=True)  # the function's values say so, not the claim
    kinked = kinked | np.any(comparison.kink, axis=0, keepdims=True) | crooked[:, np.newaxis]
    meet = kinked & ((beside.low < comparison.low - slack) | (beside.high > comparison.high + slack))
    along = (_possible_along(comparison, beside, lines) & beside.trusted)[:, np.newaxis]
    with np.errstate(invalid="ignore"):
        width, claimed = beside.high - beside.low, comparison.analytic
        possible = (claimed >= beside.low - width) & (claimed <= beside.high + width)
        between = (claimed >= comparison.low - slack) & (claimed <= comparison.high + slack)
        among = (claimed >= beside.low - slack) & (claimed <= beside.high + slack)
    together = between & comparison.kink & along & bool(lines)
    bent = kinked & (comparison.kink | (width > slack))
    crowd = bent & along & ((beside.pieces > 2) & (not engine))[:, np.newaxis]
    skip = (comparison.state == State.FAIL) & (
        (possible & meet & beside.trusted[:, np.newaxis]) | together | crowd
    )
    state = np.where(skip, State.SKIPPED, comparison.state)
    right = _open(comparison) & among & meet & along
    return replace(
        comparison,
        state=np.where(right, State.PASS, state).astype(np.uint8),
        numeric=np.where(right, claimed, comparison.numeric),
        error=np.where(right, 0.0, comparison.error),
    )


def _possible_along(comparison: Comparison, beside: Span, lines: Sequence[Line]) -> Array:
    """Rows whose product with every direction is one-sided there, or within twice the span beside the point.

    A tie whose shares do not add up has no span along the direction of ones.
    """
    fine = np.ones(len(comparison.state), dtype=bool)
    for place, (direction, left, right) in enumerate(lines):
        with np.errstate(invalid="ignore"):
            product = comparison.analytic @ direction
            slack = NOTICEABLE * (comparison.scale @ np.abs(direction))
            width = beside.along_high[:, place] - beside.along_low[:, place]
            lowest, highest = beside.along_low[:, place] - width, beside.along_high[:, place] + width
            low = np.minimum(np.minimum(left.value, right.value), lowest) - slack
            high = np.maximum(np.maximum(left.value, right.value), highest) + slack
            fine &= (product >= low) & (product <= high)
    return fine
