"""A wrong claim about one pair as its hypotheses see it, and what a hypothesis comes to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.evidence import Evidence
from gradcheck_cli.functions.base import ArrayType
from gradcheck_cli.shapes import Shape
from gradcheck_cli.spec.types import CheckSpec
from gradcheck_cli.tally import Tally

Side = Literal["seed", "result"]
SIDES: Final[tuple[Side, Side]] = ("seed", "result")


@dataclass(frozen=True)
class Found:
    """A hypothesis that the numbers bear out: its code, the sentence for it, how likely it is (0 is best)."""

    code: str
    message: str
    rank: float
    correction: str = ""  # a formula in place of the claim's that agrees


@dataclass(frozen=True)
class Case:
    """A claim that is wrong about one pair, at one point, among all that the check found out.

    A claim turns a *seed* (a VJP the cotangent of the output) into a *result* (the gradient for the input).
    Matrices here have a row for each entry of the seed and a column for each entry of the result: those of
    a JVP, whose seed is a tangent and whose result is the output's, are transposed.
    """

    tally: Tally
    evidence: Evidence
    check: CheckSpec
    others: tuple[Tally, ...] = ()  # all claims about all pairs of the check, this one included
    deadline: float = math.inf  # for what takes long, in the seconds of ``time.monotonic``

    @property
    def kind(self) -> str:
        """``vjp``, ``jvp`` or ``jacobian``."""
        return self.tally.claim.kind

    @property
    def forwards(self) -> bool:
        """Whether the claim turns tangents into tangents."""
        return self.kind == "jvp"

    def oriented(self, matrix: Array) -> Array:
        """Turn a Jacobian, M × N, so that its columns belong to the result, or such a matrix back."""
        return matrix.T if self.forwards else matrix

    @cached_property
    def analytic(self) -> Array:
        """What is claimed."""
        return self.oriented(self.evidence.analytic)

    @cached_property
    def numeric(self) -> Array:
        """What is right."""
        return self.oriented(self.evidence.numeric)

    @cached_property
    def wrong(self) -> Array:
        """Which entries are wrong."""
        return self.oriented(self.evidence.wrong)

    @cached_property
    def room(self) -> Array:
        """How far from the right value an entry may be."""
        return self.oriented(self.evidence.room)

    @cached_property
    def claimed(self) -> Array:
        """Which entries the claim has that are not zero."""
        size = np.abs(self.numeric)
        least = np.where(size > self.room, np.minimum(self.room, size / 2), self.room)
        return np.abs(self.analytic) > least

    @cached_property
    def present(self) -> Array:
        """Which entries the derivative has that are not zero."""
        return np.abs(self.numeric) > self.room

    @cached_property
    def relevant(self) -> Array:
        """Which entries have something to say: those that are not zero on both sides."""
        return self.present | self.wrong | (np.abs(self.analytic) > self.room)

    @property
    def names(self) -> tuple[str, str]:
        """Names of seed and result."""
        output, given = self.tally.pair
        return (given, output) if self.forwards else (output, given)

    @property
    def types(self) -> tuple[ArrayType, ArrayType]:
        """Types of seed and result."""
        output, given = self.tally.types
        return (given, output) if self.forwards else (output, given)

    @cached_property
    def shapes(self) -> tuple[Shape, Shape]:
        """Shapes of the parts of seed and result, as plain numbers."""
        seed, result = (tuple(map(int, one.parts.shape)) for one in self.types)
        return seed, result

    @property
    def result(self) -> str:
        """What the claim computes, as messages call it."""
        nouns = {"vjp": f"the gradient for {self.names[1]}", "jvp": f"the derivative of {self.names[1]}"}
        return nouns.get(self.kind, "the Jacobian")

    @property
    def seed(self) -> str:
        """Name of what the claim is multiplied by; empty for an explicit Jacobian."""
        return {"vjp": f"d{self.names[0]}", "jvp": f"{self.names[0]}_dot"}.get(self.kind, "")

    def value(self, name: str) -> Array | None:
        """Parts of an input's or output's value at the point, if it is floating and real."""
        array = self.evidence.outputs.get(name, self.evidence.primals.get(name))
        return array if array is not None and array.dtype.kind == "f" else None

    def values(self) -> Mapping[str, Array]:
        """All floating inputs and outputs at the point."""
        names = [*self.evidence.primals, *self.evidence.outputs]
        found = {name: self.value(name) for name in names}
        return {name: array for name, array in found.items() if array is not None}

    def entry(self, side: Side, place: int) -> str:
        """Write one entry of the seed or result by its flat index: ``x[0, 2]``, ``z[1].real``."""
        index, part = self.types[SIDES.index(side)].entry(place)
        written = f"[{', '.join(map(str, index))}]" if index else ""
        return f"{self.names[SIDES.index(side)]}{written}{'.' + part if part else ''}"

    def close(self, corrected: Array) -> Array:
        """Which entries of a corrected matrix would have passed."""
        return self.oriented(self.evidence.close(self.oriented(corrected)))

    def explains(self, corrected: Array, where: Array | None = None) -> bool:
        """Whether a corrected matrix would have passed, everywhere or in some of its entries."""
        close = self.close(corrected)
        return bool(np.all(close if where is None else close[where]))

    def siblings(self) -> Iterable[Tally]:
        """The same claim about other pairs."""
        own = self.tally
        return (one for one in self.others if one.claim.label == own.claim.label and one.pair != own.pair)
