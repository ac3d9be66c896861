"""Layer classes: how one is made, connected and called, and what is to be checked of it.

Nothing is taken from names alone: a weight is an array that the output follows when it is replaced, and its
gradient the array of its shape that agrees with a difference.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from gradcheck_cli.explore.init import methods
from gradcheck_cli.explore.init.gradients import with_gradients
from gradcheck_cli.explore.init.guesses import Guess, by_name
from gradcheck_cli.explore.init.layer import Layer
from gradcheck_cli.explore.init.methods import BACKWARD, FORWARD, SIZE_OF
from gradcheck_cli.explore.init.parameters import parameters
from gradcheck_cli.explore.init.plain import COTANGENT, recipe
from gradcheck_cli.explore.init.plan import Arrays, Draft, Plan, best, copied, make_draft, search
from gradcheck_cli.explore.init.sizes import give_sizes
from gradcheck_cli.explore.init.target import Target
from gradcheck_cli.explore.init.weights import find_weights

_INPUT_NAMES: Final = re.compile(
    r"_?(x|inputs?|inp|bottom|data|last_input|input_data|in_data)_?", re.IGNORECASE
)
_OUTPUT_NAMES: Final = re.compile(
    r"_?(y|outputs?|out|top|z|activations?|value|result|last_output|a)_?", re.IGNORECASE
)


def is_layer(cls: type) -> bool:
    """Whether a class has a forward and a backward."""
    return bool(methods.first_method(cls, FORWARD) and methods.first_method(cls, BACKWARD))


def draft_class(target: Target, name: str, owner: Any) -> Sequence[Draft]:
    """Find out how a class is to be called, and write that down."""
    cls = owner if inspect.isclass(owner) else type(owner)
    forward, backward = methods.first_method(cls, FORWARD), methods.first_method(cls, BACKWARD)
    if not forward or not backward:
        return []
    if isinstance(inspect.getattr_static(cls, forward), staticmethod):
        from gradcheck_cli.explore.init.static import draft_static  # noqa: PLC0415  # builds on this module

        return draft_static(target, name, owner, forward, backward)
    layer = _read(target, name, owner, forward, backward)
    options = _options(layer)
    trial, error = search(
        options, lambda arrays, sizes: list(_plans(replace(layer, sizes=sizes), arrays, sizes)), _axes(layer)
    )
    if trial is None:
        inputs = {one: guesses[0] for one, guesses in options.items()}
        lines = recipe(
            target.source,
            [*layer.make_text(), *layer.run_text(["y"])],
            [f"d{layer.data[0]} = {layer.pull_text(['y'])[1]}"],
        )
        plan = Plan(lines, lambda arrays: ([], lambda _: {}), "the calls are a guess")
        return [Draft(name, inputs, give_sizes(inputs.values(), _axes(layer)), plan, error)]
    first = best(trial)
    others = [
        plan
        for value, plan in sorted(trial.scored, key=lambda one: -one[0])
        if plan is not first and value >= 1
    ]
    return [make_draft(name, trial, plan) for plan in (first, *others)]


def _read(target: Target, name: str, owner: Any, forward: str, backward: str) -> Layer:
    cls = owner if inspect.isclass(owner) else type(owner)
    made = () if owner is not cls else tuple(methods.constructor(cls))
    given = tuple(parameters(getattr(cls, forward), skip=("self",), text=inspect.getdoc(cls) or ""))
    pulled = tuple(parameters(getattr(cls, backward), skip=("self",)))
    layer = Layer(target, name, owner, made, forward, backward, given, pulled)
    return replace(layer, attributes=_attributes(layer))


def _attributes(layer: Layer) -> tuple[str, str, str]:
    """Find the attributes that stand for input, output and cotangent of methods that take nothing."""
    forward, backward = getattr(layer.cls, layer.forward), getattr(layer.cls, layer.backward)
    read, kept = (
        methods.attributes_of_self(forward, stored=False),
        methods.attributes_of_self(forward, stored=True),
    )
    asked = methods.attributes_of_self(backward, stored=False)
    takes = any(one.is_input for one in layer.given)
    x = "" if takes else next((one for one in read if _INPUT_NAMES.fullmatch(one)), "")
    y = next((one for one in kept if _OUTPUT_NAMES.fullmatch(one)), "")
    dy = (
        next((one for one in asked if COTANGENT.fullmatch(one) and one not in (x, y)), "")
        if not layer.pulled
        else ""
    )
    return x, y, dy


def _options(layer: Layer) -> dict[str, Sequence[Guess]]:
    """Guesses for the arrays of constructor and forward; an image comes first where there is a kernel."""
    options: dict[str, Sequence[Guess]] = {one.name: one.guesses for one in layer.made if one.is_input}
    windowed = any(re.search("kernel|pool|stride|pad|filter_size|field", one.name) for one in layer.made)
    for one in layer.given:
        if one.is_input:
            options[one.name] = _as_data(
                one.guesses,
                windowed=windowed,
                sized=any(isinstance(made.value, SIZE_OF) for made in layer.made),
            )
    return (
        options if any(name in options for name in layer.data) else {**options, layer.data[0]: by_name("x")}
    )


def _as_data(guesses: Sequence[Guess], *, windowed: bool, sized: bool) -> Sequence[Guess]:
    """Let the channels of an image be the size that the constructor is given."""
    swapped = [_resized(one) for one in guesses] if sized else list(guesses)
    if sized:
        swapped += [Guess(("D", "N")), Guess(("N", "T"), "V")]
    return sorted(swapped, key=lambda one: len(one.axes) != 4) if windowed else swapped


def _resized(guess: Guess) -> Guess:
    """Write an image so that its channels are D, and its height no hidden size."""
    names = {"C": "D", **({"H": "HI"} if len(guess.axes) == 4 else {})}
    return replace(guess, axes=tuple(names.get(axis, axis) for axis in guess.axes))


def _axes(layer: Layer) -> dict[str, int]:
    """Sizes that the constructor is given."""
    return methods.sizes_of(layer.made)


def _plans(layer: Layer, arrays: Arrays, sizes: Mapping[str, int]) -> Iterator[Plan]:
    """List ways to call a layer at these shapes.

    Raises
    ------
    Exception
        Whatever its forward raises, connected or not.
    """
    layer = _connected(layer, arrays)
    subject = layer.make(copied(arrays))
    if layer.attributes[0]:
        setattr(subject, layer.attributes[0], arrays[layer.data[0]])
    if layer.raw(subject, copied(arrays)) is not None:
        layer = replace(layer, attributes=(layer.attributes[0], "", layer.attributes[2]))
    weights, layer = find_weights(layer, arrays)
    yield from with_gradients(layer, arrays, sizes, weights)


def _connected(layer: Layer, arrays: Arrays) -> Layer:
    """Find what has to be called before forward runs."""
    try:
        layer.run(layer.make(copied(arrays)), copied(arrays))
    except Exception as error:
        for calls in methods.connections(layer.cls, arrays[layer.data[0]], layer.data[0]):
            candidate = replace(layer, connected=tuple((name, tuple(arguments)) for name, arguments in calls))
            try:
                candidate.run(candidate.make(copied(arrays)), copied(arrays))
            except Exception:  # noqa: BLE001, S112  # the next way
                continue
            return candidate
        raise error from None
    return layer
