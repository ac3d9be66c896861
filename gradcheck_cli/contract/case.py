"""One claim at one point, as the rules of the contract see it: what they may ask, and what counts as equal.

With u a dense cotangent (or tangent), J the claim's explicit Jacobian and y, x an output and an input, two
gradients are equal if no entry differs by more than

    max(1e-4, 32 eps) |u|ᵀ|J| + 10³ eps |y| |u| / |x| :

a gradient rounded to float32 leaves 6e-8 of the first term, one that is nothing but round-off the second.
What breaks the contract is off by as much as the gradient itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

import numpy as np

from gradcheck_cli.analytic import vector
from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.contract.arrays import Broken, changed, copies, dense, differing
from gradcheck_cli.errors import EvaluationError, TimeUpError
from gradcheck_cli.functions.base import Arrays, Claim, Layer, Pair, Run
from gradcheck_cli.jacobian import Jacobian
from gradcheck_cli.parts import parts_of
from gradcheck_cli.problem import Problem, symmetric_part, typical_size

Gradients = Mapping[str, Array | None]
T = TypeVar("T")

RESIDUAL = 1e-4  # relative: up to this it is rounding
ROUND_OFF = 1e3  # units of round-off, at the scale |y| / |x|, left by gradients that are nothing else
REPEATS = 1e-6  # relative: how closely a call has to repeat itself, unless the dtype is coarser
UNITS = 100  # units of round-off within which it always may


@dataclass(frozen=True, kw_only=True)
class Case:
    """A claim and what else is known at its point."""

    problem: Problem
    claim: Claim
    jacobians: Mapping[Pair, Jacobian]
    rng: np.random.Generator
    layer: Layer | None = None  # only in the first of the claims that one backward makes
    inputs: tuple[str, ...] = ()  # all inputs that these are about
    elsewhere: Arrays = field(default_factory=dict)  # another point
    smooth: bool = True  # nothing about the point is special
    others: tuple[Claim, ...] = ()  # the claims of the other kind: jvp for a vjp

    @property
    def code(self) -> Layer:
        """The layer of a case that has one."""
        assert self.layer is not None, "a rule about code is asked of code only"
        return self.layer

    def run(self, primals: Arrays | None = None, *, layer: Layer | None = None) -> Run:
        """Call forward, at the point itself unless another one is given."""
        self.problem.count("forward")
        return (layer or self.code).run(self.problem.primals if primals is None else primals)

    def pull(self, run: Run, cotangents: Arrays | None = None) -> Gradients:
        """Call backward; with fresh copies of the case's own cotangents unless others are given."""
        self.problem.count("vjp")
        return run.pull(copies(self.cotangents) if cotangents is None else cotangents)

    @cached_property
    def cotangents(self) -> dict[str, Array]:
        """Dense cotangents of all outputs."""
        return {name: dense(self.rng, self.problem.function.outputs[name]) for name in self.problem.outputs}

    @cached_property
    def reference(self) -> Gradients:
        """The gradients for these cotangents after one forward call at the point."""
        return self.pull(self.run())

    def values(self, primals: Arrays | None = None) -> Arrays:
        """Call forward for its outputs alone, as copies: a layer may use its buffers again."""
        return copies(self.run(primals).outputs)

    @cached_property
    def unsteady_forward(self) -> Broken:
        """Outputs that differ from one forward call to the next by more than round-off of their size."""
        found: dict[str, str] = {}
        first, second = self.values(), self.values()
        for name, array in first.items():
            size = np.max(np.abs(array[np.isfinite(array)], dtype=np.float64), initial=0.0)
            found |= differing(name, second[name], array, self.repeatable * size)
        return found

    @cached_property
    def unsteady_backward(self) -> Broken:
        """Gradients that differ from one call of both to the next."""
        return self.differences(self.pull(self.run()), relative=self.repeatable)

    @property
    def repeats(self) -> bool:
        """Whether forward and backward give the same twice: if not, nothing else can be told by comparing."""
        return not self.unsteady_forward and not self.unsteady_backward

    @property
    def repeatable(self) -> float:
        """Relative difference that two equal calls may have."""
        return max(REPEATS, UNITS * self.eps)

    @cached_property
    def overwritten(self) -> list[str]:
        """Outputs whose cotangents backward writes into."""
        given = copies(self.cotangents)
        self.pull(self.run(), given)
        return changed(self.cotangents, given)

    @property
    def eps(self) -> float:
        """Round-off unit of the coarsest dtype that the claim is about, or in which it gives its numbers."""
        given = max((one.eps for one in self.jacobians.values()), default=0.0)
        return max(given, *(self.problem.eps(*pair) for pair in self.claim.pairs))

    def differences(
        self,
        gradients: Gradients,
        reference: Gradients | None = None,
        *,
        cotangents: Arrays | None = None,
        relative: float | None = None,
    ) -> Broken:
        """Gradients that are not those of the reference, to within rounding."""
        reference = self.reference if reference is None else reference
        found: dict[str, str] = {}
        for name in self.inputs:
            one, other = gradients[name], reference[name]
            shapes = {array.shape for array in (one, other) if array is not None}
            if len(shapes) > 1:
                found[name] = f"its shape is {one.shape} instead of {other.shape}"  # type: ignore[union-attr]
            for shape in shapes if len(shapes) == 1 else ():
                given, wanted = (
                    np.zeros(shape) if array is None else self._meant(name, array) for array in (one, other)
                )
                slack = self._slack(cotangents or self.cotangents, name, wanted, relative)
                found |= differing(name, given, wanted, slack)
        return found

    def _meant(self, name: str, gradient: Array) -> Array:
        """Take the part of a gradient that means anything: within symmetric matrices the symmetric one."""
        fits = gradient.shape == self.problem.primals[name].shape
        return symmetric_part(gradient) if fits and name in self.problem.symmetric else gradient

    def _slack(self, seeds: Arrays, target: str, like: Array, relative: float | None) -> Array | float:
        """What an entry of a gradient may differ by; see the module's text."""
        relative = max(RESIDUAL, 32 * self.eps) if relative is None else relative
        if not all((output, target) in self.jacobians for output in seeds):  # a gradient of the wrong shape
            return relative * float(np.max(np.abs(like), initial=0.0))
        _, size, floor = products(self.problem, self.claim, self.jacobians, seeds, target)
        slack = relative * size + floor * UNITS / ROUND_OFF  # between calls of the same code less is left
        # Of a complex gradient both parts together may differ as much as either.
        parts = 2 if self.problem.function.inputs[target].is_complex else 1
        return np.asarray(slack.reshape(*like.shape, parts).sum(axis=-1))


def attempt(call: Callable[[], T]) -> T | EvaluationError:
    """Return what a call gives, or the error that the code raises; that the time is up is none."""
    try:
        return call()
    except TimeUpError:
        raise
    except EvaluationError as error:
        return error


def products(
    problem: Problem, claim: Claim, jacobians: Mapping[Pair, Jacobian], seeds: Arrays, target: str
) -> tuple[Array, Array, Array]:
    """Sum the seeds' products with the explicit Jacobians.

    Also the sum of magnitudes, and what is left by gradients that are nothing but round-off:
    10³ eps |y| |u| / |x|.
    """
    vjp = claim.kind == "vjp"
    types, multiply = (
        (problem.function.outputs, Jacobian.pull) if vjp else (problem.function.inputs, Jacobian.apply)
    )
    sums: list[Array] = [np.zeros(()), np.zeros(()), np.zeros(())]
    for owner, seed in seeds.items():
        pair = (owner, target) if vjp else (target, owner)
        jacobian, weight = jacobians[pair], vector(seed, types[owner])
        magnitude = replace(jacobian, matrix=np.abs(jacobian.matrix))
        sums[0] = sums[0] + multiply(jacobian, weight).reshape(-1)
        sums[1] = sums[1] + multiply(magnitude, np.abs(weight)).reshape(-1)
        sums[2] = sums[2] + _round_off(problem, pair, np.abs(weight), vjp=vjp)
    return sums[0], sums[1], sums[2]


def _round_off(problem: Problem, pair: Pair, weight: Array, *, vjp: bool) -> Array:
    output, name = pair
    typical = typical_size(problem.primals[name])
    # What cancels to (nearly) nothing on the way was as large as the input, or as 1.
    values = np.maximum(np.abs(problem.values[problem.rows[output]]), min(1.0, typical))
    spread = values @ weight if vjp else values * np.max(weight, initial=0)
    return np.asarray(ROUND_OFF * problem.eps(output, name) * spread / typical)


def numbers(case: Case, target: str, array: Array) -> Array:
    """Parts of a gradient, or of an output's tangent; within symmetric matrices the symmetric part."""
    function, vjp = case.problem.function, case.claim.kind == "vjp"
    type_ = (function.inputs if vjp else function.outputs)[target]
    found = parts_of(array, type_.dtype).astype(np.float64)
    return symmetric_part(found) if vjp and target in case.problem.symmetric else found
