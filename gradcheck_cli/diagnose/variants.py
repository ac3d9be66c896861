"""Wrong rules that people write for one step of reverse mode, each with the code and sentence for it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array, Rule
from gradcheck_cli.autodiff.primitives import GROUPS
from gradcheck_cli.diagnose.reverse import Altered, Backward, Edge, rule_of
from gradcheck_cli.shapes import unbroadcast

ENTRYWISE: Final = frozenset(
    one.name for group in ("entry by entry", "activations") for one in GROUPS[group]
) - {"add", "subtract", "negative", "where"}
MATRICES: Final = frozenset({"matmul", "dot", "linalg.solve", "inner", "tensordot", "linalg.inv"})

Variant = tuple[str, float, str, Altered]  # code, rank, sentence, rules


def other_rules(backward: Backward, group: tuple[Edge, ...]) -> Iterator[Variant]:
    """Yield wrong rules that people write for a step, each with its code, rank and sentence."""
    yield from _without_slope(backward, group)
    yield from _transposed(backward, group)
    yield from _other_axes(backward, group)


def _without_slope(backward: Backward, group: tuple[Edge, ...]) -> Iterator[Variant]:
    """Yield what hands the cotangent on as it is."""
    edge = group[0]
    node, text = backward.node(edge), backward.text(edge[0])
    name = node.primitive.name if node.primitive else ""
    rules = {one: _slopeless(one[1]) for one in group}
    if name in ENTRYWISE and len(node.args) == 1:
        yield "missing-term", 4.2, f"the slope of {text} is left out", rules
    elif name in {"multiply", "divide"}:
        other = backward.text(node.args[1 - edge[1]])
        yield "scaled", 4.2, f"the factor {other} is left out, of the term through {text}", rules


def _transposed(backward: Backward, group: tuple[Edge, ...]) -> Iterator[Variant]:
    """Yield products with a matrix for its transpose."""
    edge = group[0]
    node, text = backward.node(edge), backward.text(edge[0])
    name = node.primitive.name if node.primitive else ""
    if name not in MATRICES:
        return
    where = f"in the term through {text}"
    for place in range(len(node.args)):
        if place != edge[1] or name in {"linalg.inv", "linalg.solve"}:
            message = f"{where}, {backward.text(node.args[place])} has to be transposed (or must not be)"
            yield "transposed", 4.1, message, _each(group, partial(_transposing, backward, place))
    message = f"{where}, the cotangent has to be transposed (or must not be)"
    yield "transposed", 4.11, message, _each(group, partial(_seed_transposed, backward))
    message = f"{where}, the gradient for {backward.text(node.args[edge[1]])} is transposed"
    yield "transposed", 4.12, message, _each(group, partial(_share_transposed, backward))


def with_other_operands(backward: Backward, edge: Edge) -> Iterator[tuple[str, str, Rule]]:
    """Yield rules that take an input's or output's value for another operand of its shape."""
    node, rule = backward.node(edge), rule_of(backward, edge)
    if node.primitive is None or node.primitive.name not in ENTRYWISE | MATRICES or len(node.args) < 2:
        return
    for place, arg in enumerate(node.args):
        for name, value in backward.case.values().items():
            same = np.shape(backward.tape[arg]) == value.shape and not np.array_equal(
                backward.tape[arg], value
            )
            if place != edge[1] and same:

                def altered(
                    g: Any, out: Any, *arrays: Any, at: int = place, by: Array = value, **static: Any
                ) -> Any:
                    return rule(
                        g, out, *(by if here == at else one for here, one in enumerate(arrays)), **static
                    )

                yield backward.text(arg), name, altered


def _each(group: tuple[Edge, ...], make: Callable[[Edge], Rule]) -> Altered:
    return {edge: make(edge) for edge in group}


def _slopeless(place: int) -> Rule:
    return lambda g, _out, *arrays, **_static: unbroadcast(np.asarray(g), np.shape(arrays[place]))


def _square(array: Any) -> bool:
    shape = np.shape(array)
    return len(shape) >= 2 and shape[-1] == shape[-2] > 1


def _turned(array: Any) -> Array:
    if not _square(array):
        raise ValueError("only square matrices can be taken for their transposes")
    return np.swapaxes(array, -1, -2)


def _transposing(backward: Backward, place: int, edge: Edge) -> Rule:
    rule = rule_of(backward, edge)

    def altered(g: Any, out: Any, *arrays: Any, **static: Any) -> Any:
        given = [_turned(one) if at == place else one for at, one in enumerate(arrays)]
        return rule(g, _turned(out) if len(arrays) == 1 else out, *given, **static)

    return altered


def _seed_transposed(backward: Backward, edge: Edge) -> Rule:
    rule = rule_of(backward, edge)
    return lambda g, out, *arrays, **static: rule(_turned(g), out, *arrays, **static)


def _share_transposed(backward: Backward, edge: Edge) -> Rule:
    rule = rule_of(backward, edge)
    return lambda *arrays, **static: _turned(rule(*arrays, **static))


def _other_axes(backward: Backward, group: tuple[Edge, ...]) -> Iterator[Variant]:
    """Yield sums over another axis of the same size than the one that an operand was broadcast along."""
    edge = group[0]
    node = backward.node(edge)
    shape, full = np.shape(backward.tape[node.args[edge[1]]]), np.shape(backward.tape[edge[0]])
    if node.primitive is None or node.primitive.name not in ENTRYWISE | {"add", "subtract"} or shape == full:
        return
    padded = (1,) * (len(full) - len(shape)) + shape
    summed = [axis for axis, size in enumerate(padded) if size == 1 < full[axis]]
    for axis, other in itertools.product(summed, range(len(full))):
        if padded[other] == full[axis] == full[other] and other not in summed:
            message = (
                f"in the term through {backward.text(edge[0])}, the gradient for "
                f"{backward.text(node.args[edge[1]])} is summed over axis {other} instead of axis {axis}"
            )
            rules = _each(group, partial(_summing, backward, len(shape) < len(full), other))
            yield "permuted", 4.1, message, rules


def _summing(backward: Backward, shorter: bool, other: int, edge: Edge) -> Rule:  # noqa: FBT001  # one call
    """Sum over another axis; an operand that had fewer axes loses it, any other keeps it."""
    rule = rule_of(backward, edge)

    def altered(g: Any, out: Any, *arrays: Any, **static: Any) -> Any:
        own = np.asarray(arrays[edge[1]])
        wide = [
            np.broadcast_to(one, np.shape(out)) if at == edge[1] else one for at, one in enumerate(arrays)
        ]
        share = np.sum(rule(g, out, *wide, **static), axis=other, keepdims=not shorter)
        return share.reshape(own.shape) if shorter else share

    return altered
