"""At which values operations change their formula, and which values of the inputs lead there.

A claim that is wrong at a bound alone, such as twice the slope of ``clip`` at 3, shows only on the bound.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import numpy as np

from gradcheck_cli.autodiff.trace import Graph

Bounds = Callable[..., tuple[float, ...]]

MOST_LITERALS: Final = 4  # of a constant array that values are compared with


def _at(*values: float) -> Bounds:
    return lambda **_static: values


# Functions of one array: the values of it at which they bend, by their static arguments.
BENDS: Final[Mapping[str, Bounds]] = {
    **dict.fromkeys(("abs", "relu", "leaky_relu", "elu", "celu", "selu"), _at(0.0)),
    "relu6": _at(0.0, 6.0),
    "hardtanh": lambda min_val, max_val: (min_val, max_val),
    **dict.fromkeys(("hardsigmoid", "hardswish"), _at(-3.0, 3.0)),
}
# Likewise, where they jump.
_JUMPS: Final[Mapping[str, Bounds]] = {
    **dict.fromkeys(("sign", "floor", "ceil", "trunc"), _at(0.0)),
    "round": lambda decimals=0: (0.5 * 10.0**-decimals,),
}
LESS: Final = frozenset({"less", "less_equal"})
GREATER: Final = frozenset({"greater", "greater_equal"})
TIES: Final = frozenset({"equal", "not_equal"})
CHOICES: Final = frozenset({"maximum", "minimum"})


def literals(graph: Graph, number: int) -> tuple[float, ...]:
    """Distinct numbers in a value that the formula spells out; none if it does not, or if they are many."""
    node = graph.nodes[number]
    while node.primitive is not None and node.primitive.name == "astype":
        node = graph.nodes[node.args[0]]
    if node.value is None or np.iscomplexobj(node.value):
        return ()
    found = np.unique(np.asarray(node.value, dtype=np.float64))
    return tuple(found.tolist()) if found.size <= MOST_LITERALS else ()


def bounds(graph: Graph, targets: Sequence[int]) -> Iterator[tuple[int, float]]:
    """Yield pairs of a node and a number at which an operation on it changes its formula."""
    for number in sorted(graph.ancestors(targets)):
        node = graph.nodes[number]
        name = node.primitive.name if node.primitive else ""
        fixed = BENDS.get(name) or _JUMPS.get(name)
        if fixed:
            yield from ((node.args[0], bound) for bound in fixed(**node.static))
        elif name == "clip":
            yield from ((node.args[0], bound) for arg in node.args[1:] for bound in literals(graph, arg))
        elif name in LESS | GREATER | TIES | CHOICES:
            for one, other in (node.args, node.args[::-1]):
                yield from ((one, bound) for bound in literals(graph, other))


# Values of one operand that make an operation's result ``b``, beside an operand ``c`` that is a number.
_SOURCES: Final[Mapping[tuple[str, int], Callable[..., Sequence[float]]]] = {
    ("negative", 0): lambda b: (-b,),
    ("abs", 0): lambda b: (b, -b) if b >= 0 else (),
    ("square", 0): lambda b: (b**0.5, -(b**0.5)) if b >= 0 else (),
    ("add", 0): lambda b, c: (b - c,),
    ("add", 1): lambda b, c: (b - c,),
    ("subtract", 0): lambda b, c: (b + c,),
    ("subtract", 1): lambda b, c: (c - b,),
    ("multiply", 0): lambda b, c: (b / c,) if c else (),
    ("multiply", 1): lambda b, c: (b / c,) if c else (),
    ("divide", 0): lambda b, c: (b * c,),
}
_MOVES: Final = frozenset({
    "astype", "identity", "reshape", "ravel", "transpose", "swapaxes", "moveaxis", "expand_dims", "squeeze",
    "broadcast_to", "flip", "roll", "rot90", "getitem", "take", "diag", "diagonal", "repeat", "tile",
})  # fmt: skip


def sources(graph: Graph, number: int, bound: float) -> Iterator[tuple[int, float]]:
    """Yield the inputs, and values of theirs, that make some entry of a node equal to ``bound``.

    Followed as far back as one entry of the node depends on one entry of one input alone.
    """
    node = graph.nodes[number]
    if node.primitive is None:
        if node.value is None:
            yield number, bound
        return
    name, known = node.primitive.name, [literals(graph, arg) for arg in node.args]
    if name in _MOVES:
        yield from sources(graph, node.args[0], bound)
    for place, arg in enumerate(node.args):
        others = known[:place] + known[place + 1 :]
        if (name, place) in _SOURCES and all(len(one) == 1 for one in others):
            for value in _SOURCES[name, place](bound, *(one[0] for one in others)):
                yield from sources(graph, arg, value)
