"""Where gradients are after backward: in its result, in an attribute, or in a step that was taken.

It is the array of the right shape that agrees with a difference; names only say what is tried first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from gradcheck_cli.explore.init.guesses import Guess
from gradcheck_cli.explore.init.layer import Layer
from gradcheck_cli.explore.init.plain import keys_of, recipe
from gradcheck_cli.explore.init.plan import Arrays, Plan, Pull, copied, score
from gradcheck_cli.explore.init.probe import Place, arrays_in, gradient_places, named_place
from gradcheck_cli.explore.init.sizes import named_axes
from gradcheck_cli.explore.init.weights import Weight, fresh, put

_DX_NAMES: Final = (
    r"_?(d_?(x|inputs?|inp|bottom|data|a_prev)|(grad|gradient|delta)_?(x|inputs?|inp|in)"
    r"|(input|x)_?(grad|gradient|delta)|gradInput|delta|grad)_?"
)
_GRADIENT_TRIES: Final = 4


@dataclass(frozen=True)
class Source:
    """Where a gradient is found after backward: an expression, and how to read it."""

    text: str
    read: Callable[[Any, Any, Arrays], Any]  # from the layer, backward's result and the inputs


def with_gradients(
    layer: Layer, arrays: Arrays, sizes: Mapping[str, int], weights: Sequence[Weight]
) -> Iterator[Plan]:
    """Find where the gradient of each input is; inputs whose gradient is nowhere are left out."""
    own = [one for one in weights if one.place is not None]
    run = Run(layer, tuple(own))
    values = {one.name: one.value for one in own}
    floats = [name for name in layer.data if arrays[name].dtype.kind == "f"]
    wanted = [*floats, *(one.name for one in weights)]
    candidates = {name: list(run.sources(name, {**arrays, **values}, wanted, weights)) for name in wanted}
    chosen: dict[str, Source] = {}
    for name, sources in candidates.items():
        tried = [
            (score(run.plan({name: one}, sizes, values, set(arrays) | set(values)), arrays), one)
            for one in sources
        ]
        right = [one for value, one in tried if value == 2]
        fits = [one for value, one in tried if value >= 1]
        if right or fits:
            chosen[name] = (*right, *fits)[0]
    if not chosen and not wanted:
        return
    yield run.final(chosen, sizes, values, arrays)


@dataclass(frozen=True)
class Run:
    """A layer with weights that are assigned before forward."""

    layer: Layer
    weights: tuple[Weight, ...]

    def call(self, arrays: Arrays) -> tuple[Any, list[Any], Callable[[list[Any]], Any]]:
        """Make, assign, call forward; return the object, the outputs and a call of backward."""
        subject = fresh(self.layer, arrays)
        for one in self.weights:
            assert one.place is not None
            put(subject, one.place, arrays[one.name], in_place=one.in_place)
        outputs = self.layer.run(subject, arrays)
        return subject, outputs, lambda given: self.layer.pull(subject, arrays, outputs, given)

    def plan(
        self,
        sources: Mapping[str, Source],
        sizes: Mapping[str, int],
        values: Mapping[str, Any],
        all_names: set[str],
    ) -> Plan:
        """Make a plan that reads these gradients only."""

        def call(arrays: Arrays) -> tuple[list[Any], Pull]:
            subject, outputs, backward = self.call(arrays)

            def pull(given: list[Any]) -> Mapping[str, Any]:
                result = backward(given)
                return {name: np.array(one.read(subject, result, arrays)) for name, one in sources.items()}

            return outputs, pull

        more = {
            one.name: Guess(named_axes(one.value.shape, sizes), how=f"the shape of {one.place.text('layer')}")
            for one in self.weights
            if one.place
        }
        return Plan((), call, "", (), frozenset(all_names) - set(sources), more, values)

    def sources(
        self, name: str, arrays: Arrays, wanted: Sequence[str], weights: Sequence[Weight]
    ) -> Iterator[Source]:
        """Where the gradient of an input may be: in what backward returns, in the object, or in its step."""
        given = copied(arrays)
        subject, outputs, backward = self.call(given)
        result = backward([np.ones_like(one) for one in outputs])
        yield from _in_result(result, name, wanted)
        weight = next((one for one in weights if one.name == name), None)
        avoid = [*given.values(), *outputs]
        if weight is None:
            places = named_place(subject, _DX_NAMES, arrays[name].shape, avoid) if result is None else []
        else:
            own = [place.get(subject) for place in _places_of(subject, weight)]
            places = gradient_places(subject, set(weight.keys), weight.value.shape, [*avoid, *own])
        for place in places[:_GRADIENT_TRIES]:
            yield Source(place.text("layer"), lambda layer, _result, _arrays, place=place: place.get(layer))  # type: ignore[misc]
        if weight is not None and weight.place is not None:
            place = weight.place
            yield Source(
                f"{name} - {place.text('layer')}",
                lambda layer, _result, arrays: arrays[name] - place.get(layer),
            )

    def final(
        self,
        sources: Mapping[str, Source],
        sizes: Mapping[str, int],
        values: Mapping[str, Any],
        arrays: Arrays,
    ) -> Plan:
        """Make the plan with all gradients that were found, and write it down."""
        lost = [one for one in self.weights if one.name not in sources]
        run = replace(self, weights=tuple(one for one in self.weights if one.name in sources))
        plan = run.plan(
            sources, sizes, {name: value for name, value in values.items() if name in sources}, set()
        )
        count = len(self.call(copied({**arrays, **values}))[1])
        word = "y" if "y" not in arrays else "out"
        outs = [word] if count == 1 else [f"{word}{place}" for place in range(count)]
        how = "the gradients are where calling the layer showed them"
        if lost:
            names = ", ".join(one.place.text("layer") for one in lost if one.place)
            how += f"; no gradient was found of {names}"
        fixed = frozenset(
            name
            for name in (*arrays, *values)
            if name not in sources and arrays.get(name, np.zeros(0)).dtype.kind == "f" and name in arrays
        )
        lines = recipe(
            self.layer.target.source,
            run.forward_text(outs, sources),
            run.backward_text(outs, sources),
        )
        return replace(plan, lines=lines, how=how, outputs=tuple(outs), fixed=fixed)

    def forward_text(self, outs: Sequence[str], sources: Mapping[str, Source]) -> list[str]:
        """Write forward."""
        layer = self.layer
        first = [f"{layer.call_text}  # makes its weights"] if layer.lazy else []
        assigned = [_assign_text(one, steps="- layer" in sources[one.name].text) for one in self.weights]
        return [*layer.make_text(), *first, *assigned, *layer.run_text(outs)]

    def backward_text(self, outs: Sequence[str], sources: Mapping[str, Source]) -> list[str]:
        """Write backward, and where each gradient is."""
        before, called = self.layer.pull_text(outs)
        given = {name: one.text for name, one in sources.items()}
        lines = [*before]
        if "result" in given.values():
            name = next(name for name, text in given.items() if text == "result")
            lines.append(f"d{name} = {called}")
        elif any("result" in text for text in given.values()):
            lines.append(f"result = {called}")
        else:
            lines.append(called)
        return [*lines, *(f"d{name} = {text}" for name, text in given.items() if text != "result")]


def _places_of(subject: Any, weight: Weight) -> list[Place]:
    if weight.place is not None:
        return [weight.place]
    return [
        place
        for place, value in arrays_in(subject)
        if value.shape == weight.value.shape and np.array_equal(value, weight.value)
    ]


def _assign_text(one: Weight, *, steps: bool) -> str:
    assert one.place is not None
    target = one.place.text("layer") + ("[...]" if one.in_place else "")
    return f"{target} = {one.name}.copy()" if steps else f"{target} = {one.name}"


def _in_result(result: Any, name: str, wanted: Sequence[str]) -> Iterator[Source]:
    """Where a gradient may be in what backward returned."""
    place = wanted.index(name)
    if isinstance(result, Mapping):
        try:
            key = keys_of(result, [name])[name]
        except KeyError:
            return
        yield Source(f"result[{key!r}]", lambda _layer, found, _arrays: found[key])
    elif isinstance(result, (tuple, list)):
        if place < len(result):
            yield Source(f"result[{place}]", lambda _layer, found, _arrays: found[place])
        if result and isinstance(result[-1], Mapping):
            try:
                inner = keys_of(result[-1], [name])[name]
            except KeyError:
                return
            yield Source(f"result[-1][{inner!r}]", lambda _layer, found, _arrays: found[-1][inner])
    elif result is not None and place == 0:
        yield Source("result", lambda _layer, found, _arrays: found)
