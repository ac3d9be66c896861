"""Which style a plain function and its backward have, found by trying each."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from gradcheck_cli.explore.init.losses import derivative, fixed_choices, gradient, is_scalar, with_loss
from gradcheck_cli.explore.init.parameters import parameters
from gradcheck_cli.explore.init.plain import COTANGENT, PlainFunction, by_names, keys_of, unpack
from gradcheck_cli.explore.init.plan import Arrays, Draft, Plan, Pull, best, copied, make_draft, search


def draft_function(one: PlainFunction) -> tuple[list[Draft], str]:
    """Find shapes and plans for a function; what does best comes first."""
    options = {parameter.name: parameter.guesses for parameter in one.parameters if parameter.is_input}
    trial, error = search(options, lambda arrays, _: list(_plans(one, arrays)), {})
    if trial is None:
        return [], error
    first = best(trial)
    rest = sorted(
        (pair for pair in trial.scored if pair[1] is not first and pair[0] >= 1), key=lambda pair: -pair[0]
    )
    plans = [first, *(plan for _, plan in rest)]
    return [make_draft(one.label, trial, plan) for plan in plans], ""


def _plans(one: PlainFunction, arrays: Arrays) -> Iterator[Plan]:
    """List the ways of calling a function, from what it returned once."""
    floats = [name for name in one.inputs if arrays[name].dtype.kind == "f"]
    np.random.seed(0)  # noqa: NPY002  # the user's code may use it
    result = one.call(copied(arrays))
    values = result if isinstance(result, tuple) else (result,)
    if callable(values[-1]):
        yield from _pullback(one, floats, len(values) - 1)
    for backward, function in one.partners.items():
        if len(values) > 1:
            yield from _cached(one, backward, function, arrays, len(values) - 1)
        yield from _stateless(one, backward, function, floats, len(values))
        yield from derivative(one, backward, function, floats)
        if len(values) == 1 and is_scalar(values[0]):
            yield from gradient(one, backward, function, floats)
    if len(values) > 1 and is_scalar(values[0]):
        yield from with_loss(one, values, floats)
    if not one.partners and len(values) == 1 and (isinstance(values[0], np.ndarray) or is_scalar(values[0])):
        yield _pure(one, floats)


def _variants(
    lines: tuple[str, ...],
    call: Callable[..., tuple[list[Any], Pull]],
    how: str,
    floats: Sequence[str],
    outputs: tuple[str, ...] = (),
) -> Iterator[Plan]:
    """Offer a plan with gradients for all inputs, and for the first ones only."""
    for fixed in fixed_choices(floats, 3):
        wanted = [name for name in floats if name not in fixed]
        yield Plan(lines, partial(call, wanted=wanted), how, outputs, fixed)


def _pullback(one: PlainFunction, floats: Sequence[str], count: int) -> Iterator[Plan]:
    def call(arrays: Arrays, wanted: Sequence[str]) -> tuple[list[Any], Pull]:
        *outputs, pull = one.call(arrays)
        return outputs, lambda given: by_names(pull(*given), one.inputs, wanted)

    if one.short:
        yield from _variants(
            one.short_lines("", "pullback"),
            call,
            "the function returns its pullback",
            floats,
            _unless_y(one.outs(count)),
        )
    else:
        lines = one.recipe(
            [f"{one.out}, pullback = {one.text()}"], [f"{unpack(floats)} = pullback(d{one.out})"]
        )
        yield from _variants(lines, call, "the function returns its pullback", floats)


def _unless_y(outs: Sequence[str]) -> tuple[str, ...]:
    """Names that a spec has to give, since they are not the ones it would choose."""
    return () if outs[0] in {"y", "y0"} else tuple(outs)


def _cached(
    one: PlainFunction, backward: str, function: Callable[..., Any], arrays: Arrays, count: int
) -> Iterator[Plan]:
    floats = [name for name in one.inputs if arrays[name].dtype.kind == "f"]

    def call(arrays: Arrays, wanted: Sequence[str]) -> tuple[list[Any], Pull]:
        *outputs, cache = one.call(arrays)
        return outputs, lambda given: by_names(function(*given, cache), one.inputs, wanted)

    def turned(arrays: Arrays, wanted: Sequence[str]) -> tuple[list[Any], Pull]:
        *outputs, cache = one.call(arrays)
        return outputs, lambda given: by_names(function(cache, *given), one.inputs, wanted)

    def keyed(arrays: Arrays, wanted: Sequence[str]) -> tuple[list[Any], Pull]:
        *outputs, cache = one.call(arrays)

        def pull(given: list[Any]) -> Mapping[str, Any]:
            found = function(*given, cache)
            keys = keys_of(found, wanted)
            return {name: found[key] for name, key in keys.items()}

        return outputs, pull

    outs = tuple(one.outs(count))
    forward, given = [f"{', '.join(outs)}, cache = {one.text()}"], unpack(outs)
    if one.short:
        yield from _variants(
            one.short_lines(backward, "cache"),
            call,
            f"{backward} takes what {one.label} returns last",
            floats,
            _unless_y(outs),
        )
    else:
        lines = one.recipe(forward, [f"{unpack(floats)} = {backward}({given}, cache)"])
        yield from _variants(lines, call, f"{backward} takes what {one.label} returns last", floats, outs)
    lines = one.recipe(forward, [f"{unpack(floats)} = {backward}(cache, {given})"])
    yield Plan(
        lines, lambda arrays: turned(arrays, floats), f"{backward} takes what {one.label} returns last", outs
    )
    found = _keys_once(one, function, arrays, floats)
    if found:
        body = [
            f"grads = {backward}({given}, cache)",
            *(f"d{name} = grads[{key!r}]" for name, key in found.items()),
        ]
        yield Plan(
            one.recipe(forward, body),
            lambda arrays: keyed(arrays, list(found)),
            f"{backward} returns a dictionary",
            outs,
        )


def _keys_once(
    one: PlainFunction, function: Callable[..., Any], arrays: Arrays, floats: Sequence[str]
) -> dict[str, str]:
    """Which keys a backward's dictionary has for the inputs; empty if it is none, or they are the names."""
    try:
        *outputs, cache = one.call(copied(arrays))
        found = keys_of(function(*(np.ones_like(value) for value in outputs), cache), floats)
    except Exception:  # noqa: BLE001  # the user's code may raise anything
        return {}
    return {} if all(name == key for name, key in found.items()) else found


def _stateless(
    one: PlainFunction, backward: str, function: Callable[..., Any], floats: Sequence[str], count: int
) -> Iterator[Plan]:
    def call(arrays: Arrays, wanted: Sequence[str]) -> tuple[list[Any], Pull]:
        result = one.call(arrays)
        outputs = list(result) if isinstance(result, tuple) else [result]
        inputs = [arrays[name] for name in one.inputs]
        settings = copy.deepcopy(one.settings)
        return outputs, lambda given: by_names(function(*given, *inputs, **settings), one.inputs, wanted)

    if one.short:
        how = f"{backward} takes the cotangent and the inputs"
        yield from _variants(
            one.short_lines(backward, "stateless"), call, how, floats, _unless_y(one.outs(count))
        )
    if count == 1:
        yield from _bound(one, backward, function, floats)


def _bound(
    one: PlainFunction, backward: str, function: Callable[..., Any], floats: Sequence[str]
) -> Iterator[Plan]:
    """Give each parameter of backward what its name says: the cotangent, an input, the output, a setting."""
    needed = [parameter.name for parameter in parameters(function)]
    places: list[str] = []
    for name in needed:
        if name in one.inputs or name in one.settings:
            places.append(name)
        elif COTANGENT.fullmatch(name) and f"d{one.out}" not in places:
            places.append(f"d{one.out}")
        else:
            places.append(one.out)
    if f"d{one.out}" not in places:
        return
    settings = one.settings

    def call(arrays: Arrays, wanted: Sequence[str]) -> tuple[list[Any], Pull]:
        y = one.call(arrays)
        scope = {**copy.deepcopy(settings), **arrays, one.out: y}

        def pull(given: list[Any]) -> Mapping[str, Any]:
            known = {**scope, f"d{one.out}": given[0]}
            return by_names(function(*(known[place] for place in places)), one.inputs, wanted)

        return [y], pull

    written = ", ".join(repr(settings[place]) if place in settings else place for place in places)
    for fixed in fixed_choices(floats, 3):
        wanted = [name for name in floats if name not in fixed]
        lines = one.recipe([f"{one.out} = {one.text()}"], [f"{unpack(wanted)} = {backward}({written})"])
        yield Plan(
            lines,
            partial(call, wanted=wanted),
            f"by the names of {backward}'s parameters",
            (one.out,),
            fixed,
        )


def _pure(one: PlainFunction, floats: Sequence[str]) -> Plan:
    """A function alone: its user has to say what the gradient is."""

    def call(arrays: Arrays) -> tuple[list[Any], Pull]:
        return [one.call(arrays)], lambda _: {name: np.zeros_like(arrays[name]) for name in floats}

    claims = tuple(
        f"{name}: TODO  # the gradient of {name}, a formula of d{one.out} and the inputs" for name in floats
    )
    lines = one.short_lines("", "pure") if one.short else one.recipe([f"{one.out} = {one.text()}"], [])
    return Plan(lines, call, "no backward was found", _unless_y(one.outs()), claims=claims)
