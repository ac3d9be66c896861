"""What can be corrupted, and what a corruption sees when it is asked to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.functions.base import Arrays, ArrayType, Claim, Subject
from gradcheck_cli.spec.types import CheckSpec

# Of the largest entry at any point, or units of round-off of it: what differs by less has not changed.
SLIGHT, UNITS = 1e-11, 100.0


@dataclass(frozen=True, kw_only=True)
class Site:
    """One array that a claim gives: the gradient of an input, the tangent of an output, a Jacobian.

    ``shape`` is the one that it must have.
    """

    check: CheckSpec
    subject: Subject
    claim: Claim
    about: str  # the input, of a jvp the output
    shape: tuple[int, ...]
    type_: ArrayType
    detectable: float  # smallest error in one entry that the check says it catches
    order: int = 1  # 2: of the derivative of the VJP

    @property
    def kind(self) -> str:
        """Kind of the claim."""
        return self.claim.kind

    @property
    def is_layer(self) -> bool:
        """Whether it is the backward of code, whose calls are corrupted as calls."""
        return self.claim.layer is not None and self.order == 1

    @property
    def symmetric(self) -> frozenset[str]:
        """Inputs of which only the symmetric part means anything."""
        return frozenset(one.name for one in self.check.inputs if one.sample.symmetric)

    @property
    def seeds(self) -> Mapping[str, ArrayType]:
        """Types of the cotangents or tangents, by output or input."""
        function = self.subject.function
        types = function.outputs if self.kind == "vjp" else function.inputs
        names = self.claim.outputs if self.kind == "vjp" else self.claim.inputs
        return {} if self.kind == "jacobian" else {name: types[name] for name in names}


@dataclass(frozen=True, kw_only=True)
class Moment:
    """One call of a claim: what went in, what it rightly gives, and how to ask it again.

    ``memory`` is carried from call to call; ``given`` are the arrays that forward was called with.
    """

    site: Site
    value: Array
    seeds: Arrays
    primals: Arrays
    ask: Callable[[Arrays], Array]
    memory: dict[str, Any] = field(default_factory=dict)
    given: Arrays = field(default_factory=dict)

    @property
    def primal(self) -> Array | None:
        """The input that the array is about, of a shape that goes with it; None for a jvp."""
        if self.site.kind == "jvp":
            return None
        found = self.primals.get(self.site.about)
        return None if found is None else np.asarray(found)

    def total(self) -> float:
        """Sum of all seeds: linear in them, and different from zero for each single entry."""
        return float(sum(np.sum(np.asarray(seed).real) for seed in self.seeds.values()))


@dataclass
class Difference:
    """How far arrays are from what they should be, over all calls."""

    distance: float = 0.0
    largest: float = 0.0  # entry that there should be
    otherwise: bool = False  # another shape, another kind of number, something else than the array
    eps: float = 0.0  # round-off unit of the coarsest of them

    @property
    def is_any(self) -> bool:
        """Whether there is any, beyond round-off."""
        return self.otherwise or self.distance > max(SLIGHT, UNITS * self.eps) * self.largest

    def see(self, one: Array, other: Array, *, symmetric: bool = False) -> None:
        """Compare an array with what it should be; nan where it should not be is far."""
        if one.shape != other.shape or one.dtype.kind != other.dtype.kind:
            self.otherwise = True
            return
        if other.dtype.kind in "fc":
            self.eps = max(self.eps, float(np.finfo(other.dtype).eps))
        if symmetric:
            one, other = one + np.swapaxes(one, -1, -2), other + np.swapaxes(other, -1, -2)
        with np.errstate(all="ignore"):
            same = (one == other) | (np.isnan(one) & np.isnan(other))
            distance = np.where(same, 0.0, np.nan_to_num(np.abs(one - other), nan=np.inf))
            size = np.where(np.isfinite(other), np.abs(other), 0.0)
        self.distance = max(self.distance, float(np.max(distance, initial=0.0)))
        self.largest = max(self.largest, float(np.max(size, initial=0.0)))
