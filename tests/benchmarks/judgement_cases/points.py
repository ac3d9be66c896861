"""The points at which a case is looked at: the ones that its spec visits by default."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import yaml

from gradcheck_cli.spec.load import load_specs
from gradcheck_cli.spec.sample import draw, has_samples
from gradcheck_cli.spec.types import CheckSpec
from judgement_cases.case import Array, Case

MEMORY = 2**30


@dataclass(frozen=True)
class Point:
    """Values of all inputs, in order, and which of them are to have gradients."""

    name: str
    inputs: list[Array]
    differentiable: list[bool]

    @property
    def places(self) -> list[int]:
        """Where the inputs with gradients stand."""
        return [place for place, wanted in enumerate(self.differentiable) if wanted]

    def copies(self) -> list[Array]:
        """Fresh copies of the inputs."""
        return [given.copy() for given in self.inputs]


def declared(case: Case) -> CheckSpec:
    """Read a case's inputs and points as its spec declares them."""
    text = yaml.safe_dump(case.spec, sort_keys=False)
    checks, faults = load_specs(f"{case.name}.yaml", text, max_memory=MEMORY)
    assert not faults, "\n".join(map(str, faults))
    return checks[0]


def points(case: Case) -> list[Point]:
    """Draw the points that a check of this case visits."""
    check = declared(case)
    names = check.points if has_samples(check.inputs) else check.points[:1]
    differentiable = [given.differentiable for given in check.inputs]
    return [
        Point(name, list(draw(check.inputs, seed=check.seed, point=name).values()), differentiable)
        for name in names
    ]


def in_double(point: Point) -> Point:
    """Return the same point, every floating input in double precision."""
    double = {"f": np.float64, "c": np.complex128}
    inputs = [one.astype(double.get(one.dtype.kind, one.dtype)) for one in point.inputs]
    return Point(point.name, inputs, point.differentiable)
