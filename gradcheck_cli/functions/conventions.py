"""The engine's derivative under every convention about kinks: at a tie, each operation has a choice.

At 0 the derivative of relu is taken as 0 by some, as 1 or 1/2 by others, and a tie of a maximum goes to the
first, to the last or to all in equal parts. All are right. Where several such operations meet, only trying
the choices tells which derivatives are.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.autodiff.trace import Node, Plan, Values
from gradcheck_cli.functions.base import Arrays, Claim, Linear
from gradcheck_cli.functions.formula import FormulaFunction

NUDGE = 1e-9  # of the size of an operand; in a coarser dtype, so many units of its round-off:
UNITS = 64
SIDES = (-1, 1)
DIFFERENT = 1e-3  # derivatives on the two sides that differ by less are one


@dataclass(frozen=True)
class Kink:
    """An operation at a tie, with its operands and value a little to one side."""

    number: int
    arrays: tuple[Any, ...]
    out: Any


def conventions(
    function: FormulaFunction, engine: Claim, primals: Arrays, most: int
) -> tuple[list[Claim], tuple[int, ...]]:
    """Return the engine's VJP under all combinations of choices, or under ``most`` of them.

    Also the shape of their grid: three choices for each operation (its own, one side, the other side), or
    one long axis where they are not all there.
    """
    outputs = [function.output_nodes[name] for name in engine.outputs]
    plan = Plan.make(function.graph, tuple(function.input_nodes.values()), outputs)
    tape = plan.run([primals[name] for name in function.input_nodes])
    choices = list(_choices(plan, tape).values())
    whole = 3 ** len(choices) <= most
    combinations = list(itertools.product(*choices)) if whole else _some(choices, most)
    claims = [
        replace(engine, linearize=_linearize(function, engine, plan, [one for one in kinks if one]))
        for kinks in combinations
    ]
    return claims, (3,) * len(choices) if whole else (len(claims),)


def _some(choices: list[list[Kink | None]], most: int) -> list[tuple[Kink | None, ...]]:
    """The uniform combinations, then random ones."""
    rng = np.random.default_rng(len(choices))
    drawn = [tuple(one[rng.integers(3)] for one in choices) for _ in range(most - 3)]
    return [*zip(*choices, strict=True), *drawn]


def _choices(plan: Plan, tape: Values) -> dict[int, list[Kink | None]]:
    """For every operation at a tie: its own convention (None) and both sides."""
    found: dict[int, list[Kink | None]] = {}
    with np.errstate(all="ignore"):
        for number in plan.steps:
            sides = [_beside(plan.graph.nodes[number], number, tape, side) for side in SIDES]
            if any(_differs(plan.graph.nodes[number], tape, number, side) for side in sides):
                found[number] = [None, *sides]
    return found


def _beside(node: Node, number: int, tape: Values, side: int) -> Kink:
    """Move the first operand that varies, all of it to one side and the more the later an entry stands.

    So one side of a tie between entries goes to the last of them and the other to the first.
    """
    assert node.primitive is not None
    arrays = [tape[arg] for arg in node.args]
    place = next((i for i, one in enumerate(arrays) if np.asarray(one).dtype.kind == "f"), None)
    if place is not None:
        array = np.asarray(arrays[place])
        size = float(np.max(np.abs(array), initial=0.0, where=np.isfinite(array))) or 1.0
        nudge = side * size * max(NUDGE, UNITS * float(np.finfo(array.dtype).eps))
        ramp = 1 + np.arange(array.size).reshape(array.shape) / max(array.size, 1)
        arrays[place] = (array + nudge * ramp).astype(array.dtype)
    return Kink(number, tuple(arrays), node.primitive.forward(*arrays, **node.static))


def _differs(node: Node, tape: Values, number: int, kink: Kink) -> bool:
    """Whether a nudge changes a mask, or a derivative by more than it should."""
    assert node.primitive is not None
    out = np.asarray(tape[number])
    if out.dtype.kind in "bi":
        return not np.array_equal(out, kink.out)
    if not node.primitive.differentiable or out.dtype.kind != "f":
        return False
    g = np.random.default_rng(number).uniform(0.5, 1.5, out.shape).astype(out.dtype)
    for place, arg in enumerate(node.args):
        rule = node.primitive.vjps[place]
        if rule is not None and np.asarray(tape[arg]).dtype.kind == "f":
            here = rule(g, tape[number], *[tape[one] for one in node.args], **node.static)
            there = rule(g, kink.out, *kink.arrays, **node.static)
            size = np.max(np.abs(here), initial=0.0) + np.max(np.abs(there), initial=0.0)
            if np.any(np.abs(here - there) > DIFFERENT * size):
                return True
    return False


def _linearize(
    function: FormulaFunction, engine: Claim, plan: Plan, kinks: Sequence[Kink]
) -> Callable[[Arrays], Linear]:
    wrt = [function.input_nodes[name] for name in engine.inputs]
    masks = {kink.number: kink.out for kink in kinks if np.asarray(kink.out).dtype.kind in "bi"}
    others = {kink.number: (kink.out, kink.arrays) for kink in kinks if kink.number not in masks}

    def reverse(primals: Arrays) -> Linear:
        tape = plan.run([primals[name] for name in function.input_nodes], masks)

        def pullback(cotangents: Arrays) -> dict[str, Array]:
            seeds = {function.output_nodes[name]: seed for name, seed in cotangents.items()}
            gradients = plan.pullback(tape, seeds, wrt, others)
            return dict(zip(engine.inputs, gradients, strict=True))

        return pullback

    return reverse
