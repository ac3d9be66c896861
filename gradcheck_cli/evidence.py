"""What is kept of a wrong claim for its diagnosis: both Jacobians at one point, and the point."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.compare import SEVERAL, Comparison, State
from gradcheck_cli.functions.base import Arrays
from gradcheck_cli.problem import Problem


@dataclass(frozen=True)
class Evidence:
    """One claim about one pair at a point at which it is wrong, as M × N matrices of the arrays' parts."""

    point: str
    special: bool  # the point may lie on kinks or singularities
    comparison: Comparison
    problem: Problem

    @property
    def primals(self) -> Arrays:
        """The inputs' values."""
        return self.problem.primals

    @cached_property
    def outputs(self) -> Mapping[str, Array]:
        """The function's values, as parts."""
        problem = self.problem
        return {
            name: problem.values[rows].reshape(problem.output_shape(name))
            for name, rows in problem.rows.items()
        }

    @property
    def analytic(self) -> Array:
        """The claimed Jacobian."""
        return self.comparison.analytic

    @property
    def numeric(self) -> Array:
        """The numeric Jacobian."""
        return self.comparison.numeric

    @cached_property
    def wrong(self) -> Array:
        """Which entries of the claim are wrong."""
        found: Array = self.comparison.state == State.FAIL
        return found

    @cached_property
    def room(self) -> Array:
        """How far from the numeric value an entry may lie that is not wrong."""
        found: Array = self.comparison.tolerance + SEVERAL * self.comparison.bound
        return found

    def close(self, corrected: Array) -> Array:
        """Which entries of another Jacobian would not have been wrong; at a kink several values are right."""
        with np.errstate(invalid="ignore"):
            near = np.abs(corrected - self.numeric) <= self.room
        found: Array = near | (self.comparison.kink & ~self.wrong)
        return found
