"""Ties between inputs: what is right in each input alone may be wrong in both together.

At maximum(x, y) with x = y, the full gradient for x and the full gradient for y are each within their
one-sided derivatives, and together twice what there is. So J_x u + J_y v must be the derivative along
(u, v) wherever the function has one: where both one-sided derivatives along it are the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.compare import SEVERAL, State
from gradcheck_cli.examine import Finding
from gradcheck_cli.functions.base import Subject
from gradcheck_cli.functions.formula import FormulaFunction
from gradcheck_cli.ladder import refine, scale
from gradcheck_cli.nearby import candidates, nearly, pieces
from gradcheck_cli.noise import measure
from gradcheck_cli.problem import Problem, View
from gradcheck_cli.ridders import Estimate

Located = tuple[Problem, Finding]
RANDOM = 2  # random directions beside the one of ones


@dataclass(frozen=True)
class Direction:
    """A direction in several inputs at once, and the derivative along it from below and from above."""

    parts: dict[str, Array]
    left: Estimate
    right: Estimate


def jointly(subject: Subject, findings: Iterable[Located]) -> Iterator[Located]:
    """Pass findings on, those at kinks after a look at all inputs together."""
    kinked: list[Located] = []
    for where, finding in findings:
        if (
            where.function is subject.function
            and np.any(finding.comparison.kink)
            and not finding.claim.misfit
        ):
            kinked.append((where, finding))
        else:
            yield where, finding
    groups: dict[tuple[str, str], list[Located]] = {}
    for where, finding in kinked:
        groups.setdefault((finding.claim.label, finding.pair[0]), []).append((where, finding))
    for group in groups.values():
        yield from _together(subject, group) if len(group) > 1 else group


def _together(subject: Subject, group: list[Located]) -> list[Located]:
    """Fail the kinked entries of rows whose product with a joint direction is not the derivative along it."""
    problem, output = group[0][0], group[0][1].pair[0]
    findings = [finding for _, finding in group]
    for direction in _directions(problem, findings):
        rows = problem.rows[output]
        wrong = _outside(findings, direction, rows)
        if np.any(wrong):
            wrong &= ~_by_convention(problem, subject, findings)
        findings = [_failed(finding, wrong) for finding in findings]
    return [(problem, finding) for finding in findings]


def _directions(problem: Problem, findings: list[Finding]) -> Iterator[Direction]:
    """Yield directions over the kinked entries of all inputs: all alike, and random ones in units of each."""
    rng = np.random.default_rng(len(findings))
    views = {one.pair[1]: problem.view(one.pair[1]) for one in findings}
    columns = {one.pair[1]: np.flatnonzero(one.comparison.kink.any(axis=0)) for one in findings}
    common = max(view.typical for view in views.values())
    for attempt in range(RANDOM + 1):
        parts = {}
        for name, view in views.items():
            number = len(columns[name])
            weights = np.ones(number) if attempt == 0 else rng.uniform(-2.0, 2.0, number)
            units = np.array([scale(view, int(column)) if attempt else common for column in columns[name]])
            parts[name] = np.zeros(view.primal.size)
            parts[name][columns[name]] = weights * units
        line = _line(problem, views, parts)
        found = refine(line, 0, measure(line))
        yield Direction(parts, found.left, found.right)


def _line(problem: Problem, views: dict[str, View], parts: dict[str, Array]) -> View:
    """Look at the function along a line through all inputs, t → f(x + t u, y + t v)."""
    lines = {name: view.toward(parts[name].reshape(view.primal.shape)) for name, view in views.items()}

    def function(t: Array) -> Array:
        moved = {name: problem.moved(name, partial(_along, part, t)) for name, part in parts.items()}
        return replace(problem, primals={**problem.primals, **moved}).values

    low = max(line.domain[0] for line in lines.values())
    high = min(line.domain[1] for line in lines.values())
    return replace(next(iter(lines.values())), domain=(low, high), function=function)


def _along(part: Array, t: Array, primal: Array) -> Array:
    return t[0] * part.reshape(primal.shape)


def _outside(findings: list[Finding], direction: Direction, rows: slice) -> Array:
    """Rows whose product is not the derivative along a direction in which there is one."""
    left, right = direction.left.rows(rows), direction.right.rows(rows)
    with np.errstate(invalid="ignore"):
        claimed = sum(one.comparison.analytic @ direction.parts[one.pair[1]] for one in findings)
        slack = sum(one.comparison.tolerance @ np.abs(direction.parts[one.pair[1]]) for one in findings)
        bound = SEVERAL * (left.bound + right.bound) + slack
        smooth = np.abs(left.value - right.value) <= bound
        return np.asarray(smooth & (np.abs(claimed - right.value) > bound))


def _by_convention(problem: Problem, subject: Subject, findings: list[Finding]) -> Array:
    """Rows that are what the engine says of all inputs under one convention about ties.

    Without an engine, rows that continue in more than two ways: what conventions give there is not known.
    """
    if not subject.engine or not isinstance(problem.function, FormulaFunction):
        return np.asarray(pieces(problem, subject, {one.pair: one.claim for one in findings}) > 2)
    claimed = np.concatenate([one.comparison.analytic for one in findings], axis=1)
    slack = np.concatenate([nearly(one.comparison) for one in findings], axis=1)
    pairs = [one.pair for one in findings]
    found = candidates(problem, problem.function, subject.engine[0], pairs)
    return np.asarray(np.any(np.all(np.abs(found - claimed) <= slack, axis=2), axis=0))


def _failed(finding: Finding, rows: Array) -> Finding:
    """Fail the kinked entries of some rows, beside the derivative from both sides together."""
    comparison = finding.comparison
    where = rows[:, np.newaxis] & comparison.kink & (comparison.state == State.PASS)
    if not np.any(where):
        return finding
    middle = (comparison.low + comparison.high) / 2
    numeric = np.where(where, middle, comparison.numeric)
    error = np.where(where, np.abs(comparison.analytic - middle), comparison.error)
    state = np.where(where, State.FAIL, comparison.state).astype(np.uint8)
    return replace(finding, comparison=replace(comparison, state=state, numeric=numeric, error=error))
