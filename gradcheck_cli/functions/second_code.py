"""The VJP of code as a function: a fresh forward, then its backward."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.functions.base import Arrays, ArrayType, Claim, Layer, Linear, Subject
from gradcheck_cli.functions.code import claim_names, with_outputs
from gradcheck_cli.functions.second_task import Task, claimed_pairs, second_claims, symmetric
from gradcheck_cli.result import Fault
from gradcheck_cli.shapes import show

OWN: Final = "double backward"
_REMEDY: Final = 'write "hvp: {x: …}", how the gradient of x moves when every input NAME moves by NAME_dot'


def second_of_code(task: Task) -> tuple[Subject | None, list[Fault]]:
    """Build the VJP of code as a function; its derivative is the code's own, if it has one, or claimed."""
    layer = next((claim.layer for claim in task.subject.claims if claim.layer), None)
    if layer is None:
        message = "2 checks the derivative of a backward, and this function brings none along; leave it out"
        return None, [task.check.fault(message, "order")]
    inputs, outputs = task.subject.function.inputs, task.subject.function.outputs
    names = claim_names(task.check, inputs, outputs, task.max_memory)
    claims, unchecked, faults = second_claims(task, names)
    if faults:
        return None, faults
    claims = tuple(replace(claim, linearize=with_outputs(layer, outputs, claim)) for claim in claims)
    twice = layer.second()
    if twice is None and not claims and not unchecked:
        message = "2 needs a claim about code that does not bring its second derivative along"
        return None, [task.check.fault(f"{message}; {_REMEDY}", "order")]
    own = () if twice is None else (_own_claim(task, twice),)
    pairs = own[0].pairs if own else claimed_pairs(task, claims)
    function = _Backward(task, layer) if twice is None else _Twice(task, twice)
    return Subject(
        function=function,
        claims=(*own, *claims),
        pairs=pairs,
        unchecked=unchecked,
        unrelated=frozenset(pairs),  # that a gradient does not vary is nothing to wonder at
    ), []


def _inputs(task: Task, primals: Arrays) -> Arrays:
    return {name: primals[name] for name in task.subject.function.inputs}


@dataclass(frozen=True)
class _Backward:
    """G by a layer's own backward: a fresh forward, then backward."""

    task: Task
    layer: Layer

    @property
    def inputs(self) -> Mapping[str, ArrayType]:
        """The layer's inputs and the cotangents."""
        return {**self.task.subject.function.inputs, **self.task.cotangents}

    @property
    def outputs(self) -> Mapping[str, ArrayType]:
        """The gradients."""
        return self.task.gradients

    def along(self, varying: str, primals: Arrays) -> Callable[[Array], Arrays]:
        """Return G as a function of one input, the others fixed."""

        def function(array: Array) -> Arrays:
            return self.value({**primals, varying: array})

        return function

    def value(self, primals: Arrays) -> Arrays:
        """Call forward and backward.

        Raises
        ------
        EvaluationError
            Where a gradient does not have its input's shape.
        """
        seeds = {name: np.array(primals[f"d{name}"], order="C") for name in self.task.outputs}
        found = self.layer.run(_inputs(self.task, primals)).pull(seeds)
        return {f"d{name}": self._gradient(name, found.get(name)) for name in self.task.wrt}

    def _gradient(self, name: str, found: Array | None) -> Array:
        type_ = self.outputs[f"d{name}"]
        if found is None:
            return np.zeros(type_.shape, type_.dtype)
        if found.shape != type_.shape:
            fact = f"backward gave {name} a gradient of the shape {show(found.shape)}"
            raise EvaluationError(f"{fact}, it must be {show(type_.shape)}")
        value = np.array(found)
        return symmetric(value) if f"d{name}" in self.task.symmetric else value


@dataclass(frozen=True)
class _Twice(_Backward):
    """G by a layer that is the backward of another."""

    def value(self, primals: Arrays) -> Arrays:
        """Call its forward."""
        found = self.layer.run(primals).outputs
        return {name: self._gradient(name[1:], np.asarray(found[name])) for name in self.outputs}


def _own_claim(task: Task, twice: Layer) -> Claim:
    """What the backward of a backward says."""
    inputs = (*task.wrt, *task.cotangents)

    def linearize(primals: Arrays) -> Linear:
        def pullback(seeds: Arrays) -> Arrays:
            fresh = {
                name: symmetric(seed) if name in task.symmetric else np.array(seed, order="C")
                for name, seed in seeds.items()
            }
            found = twice.run(primals).pull(fresh)
            return {name: _or_zero(found.get(name), primals[name]) for name in inputs}

        return pullback

    pairs = tuple((output, name) for output in task.gradients for name in inputs)
    return Claim(kind="vjp", label=OWN, pairs=pairs, linearize=linearize)


def _or_zero(found: Array | None, like: Array) -> Array:
    return np.zeros_like(like) if found is None else found
