"""Which arrays of a layer are its weights: those that the output follows when they are replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gradcheck_cli.explore.init.layer import Layer
from gradcheck_cli.explore.init.plan import Arrays, copied
from gradcheck_cli.explore.init.probe import Place, arrays_in


@dataclass(frozen=True)
class Weight:
    """An array of a layer that the output follows: an input of the check."""

    name: str
    place: Place | None  # None: it is an argument of the constructor
    value: Any
    keys: frozenset[str]  # what its gradient may be called
    in_place: bool = False


def find_weights(layer: Layer, arrays: Arrays) -> tuple[list[Weight], Layer]:
    """Find the arrays that the output follows; those of the constructor are inputs already."""
    given = {one.name: arrays[one.name] for one in layer.made if one.is_input}
    own = _own_weights(layer, arrays, given)
    if not own and not given:
        lazy = replace(layer, lazy=True)
        own = _own_weights(lazy, arrays, given)
        layer = lazy if own else layer
    made = layer.make(copied(arrays))
    passed = [
        Weight(name, None, value, _keys(made, value) | {name.lower()})
        for name, value in given.items()
        if value.dtype.kind == "f"
    ]
    return [*passed, *own], layer


def _keys(layer: Any, value: Any) -> frozenset[str]:
    """Names under which an object keeps an array, or one that equals it."""
    return frozenset(
        place.key
        for place, one in arrays_in(layer)
        if one.shape == value.shape and np.array_equal(one, value)
    )


def _own_weights(layer: Layer, arrays: Arrays, given: Mapping[str, Any]) -> list[Weight]:
    subject = fresh(layer, arrays)
    taken: list[Any] = []
    weights: list[Weight] = []
    for place, value in list(arrays_in(subject)):
        known = [*given.values(), *(arrays[name] for name in layer.data if name in arrays)]
        if any(value is one for one in taken) or any(
            value.shape == one.shape and np.array_equal(value, one) for one in known
        ):
            continue
        taken.append(value)
        mode = _followed(layer, arrays, place, value)
        if mode:
            name = _free_name(place.label, {*arrays, *(one.name for one in weights)})
            weights.append(
                Weight(name, place, np.array(value, float), _keys(subject, value), mode == "in place")
            )
    return weights


def fresh(layer: Layer, arrays: Arrays) -> Any:
    """Make an object; if its weights are lazy, call it once."""
    subject = layer.make(copied(arrays))
    if layer.lazy:
        layer.run(subject, copied(arrays))
    return subject


def _free_name(name: str, taken: set[str]) -> str:
    name = name if name.isidentifier() and name not in {"y", "layer", "np"} else f"w_{name}"
    return name if name not in taken else _free_name(f"{name}_", taken)


def _followed(layer: Layer, arrays: Arrays, place: Place, value: Any) -> str:
    """Tell whether the output follows an array: when another one is assigned, or is written into it."""
    try:
        before = layer.run(fresh(layer, arrays), copied(arrays))
        other = np.random.default_rng(3).normal(size=value.shape)
        for mode in ("assign", "in place"):
            subject = fresh(layer, arrays)
            put(subject, place, other, in_place=mode == "in place")
            after = layer.run(subject, copied(arrays))
            kept = np.array_equal(place.get(subject), other)
            if kept and any(not np.array_equal(one, two) for one, two in zip(before, after, strict=True)):
                return mode
    except Exception:  # noqa: BLE001  # an array that must not be replaced
        return ""
    return ""


def put(subject: Any, place: Place, value: Any, *, in_place: bool) -> None:
    """Give a layer another array: assign it, or write it into the one that is there."""
    if in_place:
        place.get(subject)[...] = value
    else:
        place.put(subject, np.array(value))
