"""Gradients without a cotangent: derivatives of activations, and losses with their gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from gradcheck_cli.explore.init.plain import PlainFunction, by_names, keys_of, unpack
from gradcheck_cli.explore.init.plan import Arrays, Plan, Pull


def derivative(
    one: PlainFunction, backward: str, function: Callable[..., Any], floats: Sequence[str]
) -> Iterator[Plan]:
    """An activation with its derivative: dx = dy f'(x), or f' as a function of y."""
    x = floats[0] if floats else ""
    if len(one.inputs) != 1 or not x:
        return
    for of in (x, one.out):

        def call(arrays: Arrays, of: str = of) -> tuple[list[Any], Pull]:
            y = one.call(arrays)
            slope = function(arrays[x] if of == x else y)
            return [y], lambda given: {x: given[0] * slope}

        lines = one.recipe([f"{one.out} = {one.text()}"], [f"d{x} = d{one.out} * {backward}({of})"])
        yield Plan(
            lines,
            call,
            f"{backward} is the derivative, as a function of {'its input' if of == x else 'the output'}",
        )


def gradient(
    one: PlainFunction, backward: str, function: Callable[..., Any], floats: Sequence[str]
) -> Iterator[Plan]:
    """A loss with a function that gives its gradient: the recipe multiplies by the loss's own cotangent."""

    def call(arrays: Arrays, wanted: Sequence[str]) -> tuple[list[Any], Pull]:
        found = by_names(function(*(arrays[name] for name in one.inputs)), one.inputs, wanted)
        return [one.call(arrays)], lambda given: {name: given[0] * found[name] for name in wanted}

    arguments = ", ".join(one.inputs)
    for fixed in fixed_choices(floats, 3):
        wanted = [name for name in floats if name not in fixed]
        body = [
            f"{unpack(wanted)} = {backward}({arguments})",
            *(f"d{name} = dloss * d{name}" for name in wanted),
        ]
        body = [f"d{wanted[0]} = dloss * {backward}({arguments})"] if len(wanted) == 1 else body
        lines = one.recipe([f"loss = {one.text()}"], body)
        how = f"{backward} gives the gradient of the loss"
        yield Plan(lines, partial(call, wanted=wanted), how, ("loss",), fixed)


def with_loss(one: PlainFunction, values: Sequence[Any], floats: Sequence[str]) -> Iterator[Plan]:
    """A loss that returns its gradients: the recipe multiplies by the loss's own cotangent."""
    if len(values) == 2 and isinstance(values[1], Mapping):
        try:
            keys = keys_of(values[1], floats)
        except KeyError:
            return
        names, takes = ["grads"], {name: f"grads[{key!r}]" for name, key in keys.items()}
    else:
        flat = values[1] if len(values) == 2 and isinstance(values[1], (tuple, list)) else values[1:]
        takes = {name: f"d{name}" for name in floats[: len(flat)]}
        names = list(takes.values()) if flat is not values[1] else [f"({', '.join(takes.values())},)"]

    def call(arrays: Arrays) -> tuple[list[Any], Pull]:
        loss, *rest = one.call(arrays)
        found = rest[0] if isinstance(rest[0], Mapping) else None
        if found is not None:
            return [loss], lambda given: {
                name: given[0] * found[keys_of(found, floats)[name]] for name in takes
            }
        flat = rest[0] if len(rest) == 1 and isinstance(rest[0], (tuple, list)) else rest
        return [loss], lambda given: {name: given[0] * value for name, value in zip(takes, flat, strict=True)}

    lines = one.recipe(
        [f"loss, {', '.join(names)} = {one.text()}"],
        [f"d{name} = dloss * {text}" for name, text in takes.items()],
    )
    fixed = frozenset(floats) - frozenset(takes)
    yield Plan(lines, call, f"{one.label} returns the loss and its gradient", ("loss",), fixed)


def is_scalar(value: Any) -> bool:
    """Whether a value is one floating number."""
    """Whether a value is one floating number."""
    try:
        return np.asarray(value).dtype.kind == "f" and np.size(value) == 1
    except Exception:  # noqa: BLE001  # ragged
        return False


def fixed_choices(floats: Sequence[str], count: int) -> list[frozenset[str]]:
    """Inputs that a backward may leave out: none, or the later ones."""
    return [frozenset(), *(frozenset(floats[end:]) for end in range(len(floats) - 1, 0, -1))][:count]
