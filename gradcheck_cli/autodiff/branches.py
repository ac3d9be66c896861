"""The sides that operations have: ``clip(x, -3, 3)`` has three, ``where(mask, x, y)`` two.

A claim that forgets one of them shows only at a point that takes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np

from gradcheck_cli.autodiff.bounds import BENDS, CHOICES, GREATER, LESS, TIES, literals
from gradcheck_cli.autodiff.ranges import Range, ranges
from gradcheck_cli.autodiff.trace import Graph, Node

Ranges = Mapping[int, Range]
Taken = Callable[..., Any]  # (out, *operands) → a mask of the entries that are on a side

_ORDERS: Final = LESS | GREATER


@dataclass(frozen=True)
class Side:
    """One side of an operation: what a point does that takes it, and how to tell."""

    words: str
    taken: Taken
    possible: bool = True  # as far as the ranges of the operands tell


@dataclass(frozen=True)
class Branch:
    """One operation with sides, by its number in a graph."""

    number: int
    sides: tuple[Side, ...]
    compares: bool = False  # floating numbers, which on the bound itself show neither side


def branches(graph: Graph, targets: Sequence[int]) -> Iterator[Branch]:
    """Yield every operation with sides that the targets are computed with, in the order of evaluation.

    Sides that no values whatever can take are left out.
    """
    known = ranges(graph, targets)
    for number in known:
        node = graph.nodes[number]
        if node.primitive is None or any(graph.nodes[arg].dtype.kind == "c" for arg in node.args):
            continue
        sides = tuple(side for side in _sides(graph, known, node, node.primitive.name) if side.possible)
        if sides:
            yield Branch(number, sides, node.primitive.name in _ORDERS and _is_float(graph, node))


def _sides(graph: Graph, known: Ranges, node: Node, name: str) -> Iterator[Side]:
    if name in BENDS:
        yield from _pieces(BENDS[name](**node.static), known[node.args[0]])
    elif name == "clip":
        yield from _clipped(graph, known, node)
    elif name in CHOICES:
        yield from _chosen(graph, known, node)
    elif name in _ORDERS or (name in TIES and not _is_float(graph, node)):
        yield from _compared(known, node, name)
    elif name == "where" and not _is_comparison(graph.nodes[node.args[0]]):
        yield Side("takes its first value", lambda _, mask, *__: mask)
        yield Side("takes its second value", lambda _, mask, *__: np.logical_not(mask))


def _is_float(graph: Graph, node: Node) -> bool:
    """Whether numbers are compared that are equal on a set without volume only: no point need lie on it."""
    return any(np.issubdtype(graph.nodes[arg].dtype, np.inexact) for arg in node.args)


def _is_comparison(node: Node) -> bool:
    """Whether a mask is one comparison, whose sides are the mask's own."""
    return node.primitive is not None and node.primitive.name in _ORDERS | TIES


def _pieces(bounds: tuple[float, ...], within: Range) -> Iterator[Side]:
    """Cut the line at bounds."""
    inner = [f"lies between {low:g} and {high:g}" for low, high in pairwise(bounds)]
    words = (f"lies below {bounds[0]:g}", *inner, f"lies above {bounds[-1]:g}")
    for text, (low, high) in zip(words, pairwise((-np.inf, *bounds, np.inf)), strict=True):
        possible = max(low, within[0]) < min(high, within[1])
        yield Side(text, lambda _, x, low=low, high=high: (low < x) & (x < high), possible)


def _clipped(graph: Graph, known: Ranges, node: Node) -> Iterator[Side]:
    """Yield the sides of ``clip``; there is none beyond an infinite bound."""
    x, low, high = (known[arg] for arg in node.args)
    below, above = (
        _named(graph, arg, name) for arg, name in zip(node.args[1:], ("lower", "upper"), strict=True)
    )
    yield Side(f"lies below {below}", lambda _, x, low, __: x < low, x[0] < low[1])
    yield Side("lies between the bounds", lambda _, x, low, high: (low < x) & (x < high), low[0] < high[1])
    yield Side(f"lies above {above}", lambda _, x, __, high: x > high, x[1] > high[0])


def _chosen(graph: Graph, known: Ranges, node: Node) -> Iterator[Side]:
    """Yield the sides of ``maximum`` and ``minimum``: either operand may be the larger."""
    first, second = (known[arg] for arg in node.args)
    larger, smaller = "makes its first operand the larger", "makes its second operand the larger"
    one, other = (literals(graph, arg) for arg in node.args)
    if len(other) == 1:
        larger, smaller = f"lies above {other[0]:g}", f"lies below {other[0]:g}"
    elif len(one) == 1:
        larger, smaller = f"lies below {one[0]:g}", f"lies above {one[0]:g}"
    yield Side(larger, lambda _, x, y: x > y, first[1] > second[0])
    yield Side(smaller, lambda _, x, y: x < y, first[0] < second[1])


def _compared(known: Ranges, node: Node, name: str) -> Iterator[Side]:
    """Yield the sides of a comparison."""
    first, second = (known[arg] for arg in node.args)
    greater, less = first[1] > second[0], first[0] < second[1]
    true, false = (less, greater) if name in LESS else (greater, less)
    yield Side("makes it true", lambda out, *_: out, true or name in TIES)
    yield Side("makes it false", lambda out, *_: np.logical_not(out), false or name in TIES)


def _named(graph: Graph, number: int, name: str) -> str:
    known = literals(graph, number)
    return f"{known[0]:g}" if len(known) == 1 else f"the {name} bound"
