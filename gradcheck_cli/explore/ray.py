"""The way on which one input leaves its point: x + t v for a random direction v and halved steps t."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.problem import Problem, View, symmetric_part, typical_size
from gradcheck_cli.shapes import Shape

# First step, in units of the input's size, and number of halvings, for dtypes with eps up to the first
# number. At √eps, where float64 ends, a remainder of order 2 has sunk into the round-off; the coarser the
# dtype, the larger the steps that it takes to rise above it.
LADDERS: Final = ((1e-10, 0.1, 24), (1e-4, 0.1, 16), (1.0, 0.8, 8))


@dataclass(frozen=True)
class Ray:
    """f(x + t v) as a function of t, for one input x, all others fixed."""

    problem: Problem
    name: str
    seed: int
    turn: int = 0  # other directions than 0 move about half of the entries only

    @cached_property
    def view(self) -> View:
        """The function of this input alone."""
        return self.problem.view(self.name)

    @cached_property
    def tangent(self) -> Array:
        """Random v of the size of x, within symmetric matrices where x is.

        An entry that the first step would carry out of the declared domain goes to the side with more
        room; one without room on either side stays.
        """
        primal, (low, high) = self.view.primal.astype(np.float64), self.view.domain
        rng = np.random.default_rng([self.seed, self.turn, zlib.crc32(self.name.encode())])
        tangent = _random(rng, primal.shape) * typical_size(primal)
        if self.turn:
            tangent = tangent * rng.integers(0, 2, primal.shape)
        if self.view.symmetric:
            tangent = symmetric_part(tangent)
        up, down = high - primal, primal - low
        ahead, behind = np.where(tangent > 0, up, down), np.where(tangent > 0, down, up)
        leaves = (ahead < self._ladder[0] * np.abs(tangent)) & (ahead < behind)
        tangent = np.where(leaves, -tangent, tangent)
        return np.asarray(np.where(np.maximum(up, down) > 0, tangent, 0.0), self.view.primal.dtype)

    @cached_property
    def cotangents(self) -> dict[str, Array]:
        """Random u for each output, the smaller the larger the output, so that none drowns another.

        As everything here they are ``parts``.
        """
        seeds = {}
        for output, rows in self.problem.rows.items():
            type_ = self.problem.function.outputs[output].parts
            rng = np.random.default_rng([self.seed, zlib.crc32(output.encode())])
            seed = _random(rng, type_.shape) / typical_size(self.problem.values[rows])
            largest = np.finfo(type_.dtype).max
            seeds[output] = np.clip(seed, -largest, largest).astype(type_.dtype)
        return seeds

    @cached_property
    def line(self) -> View:
        """The function of t alone, over the t for which x + t v is in the declared domain."""
        return self.view.toward(self.tangent.astype(np.float64))

    @cached_property
    def steps(self) -> Array:
        """The steps t, the largest first, halved until x + t v is in the domain and then as often again."""
        room, (first, halvings) = self.line.domain[1], self._ladder
        outside = math.ceil(math.log2(first / room)) if first > room else 0
        return first * 0.5 ** np.arange(outside, outside + halvings + 1)

    def change(self, step: float) -> Array:
        """f(x + t v) − f(x), all outputs joined; nan where the function has no value."""
        with np.errstate(all="ignore"):
            return self.line.function(np.array([step])) - self.view.center

    @property
    def _ladder(self) -> tuple[float, int]:
        return next((first, halvings) for eps, first, halvings in LADDERS if self.view.eps <= eps)


def _random(rng: np.random.Generator, shape: Shape) -> Array:
    """Draw numbers of both signs between 1/2 and 2 in size, so that every entry counts."""
    return np.asarray(rng.uniform(0.5, 2.0, shape) * rng.choice([-1.0, 1.0], shape))
