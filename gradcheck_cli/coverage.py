"""Which sides of a formula's operations the points of a check have taken, and which none has.

``clip(x, -3, 3)`` at values between the bounds says nothing of a claim beyond them. Where a side is
missing, a few further points are tried; what is missing still becomes a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from gradcheck_cli.autodiff.branches import Branch, branches
from gradcheck_cli.autodiff.trace import Plan
from gradcheck_cli.functions.base import NO_VALUE, Arrays, Subject
from gradcheck_cli.functions.formula import FormulaFunction
from gradcheck_cli.points import formulas, has_ties
from gradcheck_cli.result import Remark
from gradcheck_cli.shapes import count
from gradcheck_cli.spec.types import CheckSpec, InputSpec

Side = tuple[str, int, str]  # whose formula, node of its graph, what a point does that takes this side of it

SHOWN = 4  # sides named in warnings


@dataclass(frozen=True)
class _Formula:
    """One formula's operations with sides; ``plan`` computes them from the inputs ``names``."""

    whose: str
    function: FormulaFunction
    branches: tuple[Branch, ...]
    names: tuple[str, ...]
    plan: Plan

    @property
    def sides(self) -> set[Side]:
        """All sides of all operations."""
        return {(self.whose, branch.number, side.words) for branch in self.branches for side in branch.sides}

    def taken(self, primals: Arrays, *, on_bounds: bool) -> set[Side]:
        """Return the sides that a point takes; none where the formula has no value.

        Where values stand ``on_bounds`` on purpose, entries with equal numbers have taken no side: the
        derivative there may be that of either.
        """
        try:
            values = self.plan.run([primals[name] for name in self.names])
        except NO_VALUE:
            return set()
        found = set()
        for branch in self.branches:
            operands = [np.asarray(values[arg]) for arg in self.function.graph.nodes[branch.number].args]
            told = operands[0] != operands[1] if on_bounds and branch.compares else True
            out = values[branch.number]
            taken = [side for side in branch.sides if np.any(side.taken(out, *operands) & told)]
            found |= {(self.whose, branch.number, side.words) for side in taken}
        return found


@dataclass
class Coverage:
    """The sides of all operations of a check's function and of its claims, and those taken so far."""

    inputs: tuple[InputSpec, ...]
    formulas: tuple[_Formula, ...]
    seen: set[Side] = field(default_factory=set)

    def see(self, point: str, primals: Arrays) -> None:
        """Take note of the sides that a point takes at which the claims are judged."""
        self.seen |= self.taken(point, primals)

    def taken(self, point: str, primals: Arrays) -> set[Side]:
        """Return the sides that a point takes."""
        tied = has_ties(point)
        return set().union(*(formula.taken(primals, on_bounds=tied) for formula in self.formulas))

    @property
    def missing(self) -> set[Side]:
        """Sides that no point has taken."""
        return set().union(*(formula.sides for formula in self.formulas)) - self.seen

    def remarks(self) -> Iterator[Remark]:
        """Warn of the sides that are missing: those of the function, or else those of a claim's own."""
        formulas = {formula.whose: formula for formula in self.formulas}
        missing = sorted(self.missing)
        missing = [side for side in missing if not side[0]] or missing
        for whose, number, side in missing[:SHOWN]:
            text = f"{formulas[whose].function.texts[number]}{f' in the {whose}' if whose else ''}"
            message = f"{text}: no point {side}, so nothing checks that side"
            remedy = self._remedy(formulas[whose].function, number)
            yield Remark(code="uncovered", message=f"{message}; {remedy}")
        if len(missing) > SHOWN:
            message = f"{len(missing) - SHOWN} more sides of operations are taken at no point"
            yield Remark(code="uncovered", message=message)

    def _remedy(self, function: FormulaFunction, number: int) -> str:
        """Say which inputs have to take other values."""
        above = function.graph.ancestors([number])
        known = [one for one in self.inputs if function.input_nodes[one.name] in above]
        drawn = [one.name for one in known if one.value is None]
        if drawn:
            return f"widen the sample{'s' * (len(drawn) > 1)} of {', '.join(drawn)}"
        return f"give {', '.join(one.name for one in known)} other values"


def coverage_of(check: CheckSpec, subject: Subject) -> Coverage:
    """Find the operations with sides that depend on what a check draws or differentiates, and on that alone.

    A function whose inside is not known has none that are known.
    """
    found: list[_Formula] = []
    known = 0  # nodes of the function's own graph, which those of the claims continue
    for whose, function in formulas(subject).items():
        found += _formula(check, whose, function, first=known if whose else 0)
        known = known if whose else len(function.graph.nodes)
    return Coverage(check.inputs, tuple(found))


def _formula(check: CheckSpec, whose: str, function: FormulaFunction, *, first: int) -> Iterator[_Formula]:
    """Yield a formula if any of its nodes from the ``first`` on has sides."""
    graph, nodes = function.graph, function.input_nodes
    own = {nodes[one.name] for one in check.inputs}
    moving = {nodes[one.name] for one in check.inputs if one.value is None or one.differentiable}
    fed = {number for number in nodes.values() if number not in own}  # cotangents
    kept = []
    for branch in branches(graph, tuple(function.output_nodes.values())):
        above, number = graph.ancestors([branch.number]), branch.number
        if number not in function.texts:  # what a rule of ours has added to a gradient
            continue
        if number >= first and count(graph.nodes[number].shape) and moving & above and not fed & above:
            kept.append(branch)
    if kept:
        names = tuple(one.name for one in check.inputs)
        plan = Plan.make(graph, [nodes[name] for name in names], [branch.number for branch in kept])
        yield _Formula(whose, function, tuple(kept), names, plan)
