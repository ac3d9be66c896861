"""The graph of a computation, how to run it, and the chain rule in both directions over it.

Knows mechanism only: what each primitive's derivative is stands in the tables of ``primitives``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import Array, OnComplex, Primitive, Rule, rounded
from gradcheck_cli.errors import BudgetError
from gradcheck_cli.shapes import Shape, count, show, show_bytes

Values = dict[int, Any]  # node → array (or Python number, for a weak constant)


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One value of a graph: an input (no primitive, no value), a constant, or an operation."""

    shape: Shape
    dtype: np.dtype[Any]
    primitive: Primitive | None = None
    args: tuple[int, ...] = ()
    static: Mapping[str, Any] = field(default_factory=dict)
    value: complex | Array | None = None  # constants; a Python number is weak: it takes on others' dtype

    @property
    def kind(self) -> Any:
        """What the node contributes to a result type."""
        return self.value if isinstance(self.value, int | float | complex) else self.dtype


@dataclass(frozen=True)
class Graph:
    """Nodes in an order in which they can be computed; immutable, extended by making a longer one."""

    nodes: tuple[Node, ...] = ()

    def extended(self, node: Node, *, max_memory: int) -> tuple[Graph, int]:
        """Return a graph with one more node, and its number.

        Raises
        ------
        BudgetError
            If the node's array alone would exceed ``max_memory`` bytes.
        """
        needed = count(node.shape) * node.dtype.itemsize
        if needed > max_memory:
            raise BudgetError(
                f"an array of shape {show(node.shape)} takes {show_bytes(needed)}, "
                f"the memory budget is {show_bytes(max_memory)}"
            )
        return Graph((*self.nodes, node)), len(self.nodes)

    def relabelled(self, number: int, shape: Shape) -> Graph:
        """Return the same graph with the same shape of one node under other symbols."""
        node = replace(self.nodes[number], shape=shape)
        return Graph((*self.nodes[:number], node, *self.nodes[number + 1 :]))

    def ancestors(self, targets: Iterable[int], cut: Iterable[int] = ()) -> set[int]:
        """All nodes that the targets are computed from, themselves included; nothing behind a cut node."""
        stop, seen, stack = set(cut), set[int](), list(targets)
        while stack:
            number = stack.pop()
            if number not in seen:
                seen.add(number)
                if number not in stop:
                    stack.extend(self.nodes[number].args)
        return seen

    def depends(self, target: int, source: int, cut: Iterable[int] = ()) -> bool:
        """Whether ``target`` is computed from ``source`` on a way that avoids the cut nodes."""
        return source in self.ancestors([target], cut)


@dataclass(frozen=True)
class Plan:
    """The steps that compute ``targets`` from ``feeds``, constants already folded."""

    graph: Graph
    feeds: tuple[int, ...]
    targets: tuple[int, ...]
    steps: tuple[int, ...]
    constants: Values

    @classmethod
    def make(
        cls, graph: Graph, feeds: Sequence[int], targets: Sequence[int], known: Values | None = None
    ) -> Plan:
        """Find which nodes are needed and evaluate once what depends on no feed.

        ``known`` are values of nodes that stay as they are, such as the inputs that do not vary.
        """
        constants = dict(known or {})
        varying, steps = set(feeds), list[int]()
        with np.errstate(all="ignore"):
            for number in sorted(
                graph.ancestors(targets, cut={*feeds, *constants}) - varying - set(constants)
            ):
                node = graph.nodes[number]
                if node.primitive is None:
                    assert node.value is not None, "an input is neither fed nor known"
                    constants[number] = node.value
                elif varying.isdisjoint(node.args):
                    constants[number] = _apply(node, constants)
                else:
                    varying.add(number)
                    steps.append(number)
        return cls(graph, tuple(feeds), tuple(targets), tuple(steps), constants)

    def run(self, fed: Sequence[Any], fixed: Values | None = None) -> Values:
        """Compute every step; the result is the tape that ``pullback`` and ``pushforward`` read.

        Nodes that are ``fixed`` have the value given.
        """
        values = dict(self.constants)
        values.update(zip(self.feeds, fed, strict=True))
        nodes, given = self.graph.nodes, fixed or {}
        with np.errstate(all="ignore"):
            for number in self.steps:
                values[number] = given[number] if number in given else _apply(nodes[number], values)
        return values

    def pullback(
        self,
        tape: Values,
        cotangents: Mapping[int, Array],
        wrt: Sequence[int],
        beside: Mapping[int, tuple[Any, Sequence[Any]]] | None = None,
        altered: Mapping[tuple[int, int], Rule] | None = None,
    ) -> list[Array]:
        """Reverse mode: dL/d(node) for each node of ``wrt``, given dL/d(target) in ``cotangents``.

        One sweep from the last step to the first; where a value is used twice, its gradients add up.
        The derivatives of nodes in ``beside`` are taken at another value and other operands; ``altered`` has
        other rules for some operations, by node and place of the operand.
        """
        gradients: dict[int, Any] = dict(cotangents)
        active = self.active(wrt)
        with np.errstate(all="ignore"):
            for number in reversed(self.steps):
                node = self.graph.nodes[number]
                if number not in active or number not in gradients or node.primitive is None:
                    continue
                out, arrays = tape[number], [tape[arg] for arg in node.args]
                if beside is not None and number in beside:
                    out, arrays = beside[number][0], list(beside[number][1])
                for place, arg in enumerate(node.args):
                    rule = node.primitive.vjps[place] if node.primitive.differentiable else None
                    if arg not in active or rule is None:
                        continue
                    rule = (altered or {}).get((number, place), rule)
                    share = _like(tape[arg], pulled(node, rule, gradients[number], out, arrays))
                    gradients[arg] = gradients[arg] + share if arg in gradients else share
        return [self._gradient(gradients, number, tape) for number in wrt]

    def pushforward(self, tape: Values, tangents: Mapping[int, Array]) -> list[Array]:
        """Forward mode: d(target) for each target, given d(feed) in ``tangents``."""
        moved: dict[int, Any] = dict(tangents)
        with np.errstate(all="ignore"):
            for number in self.steps:
                node = self.graph.nodes[number]
                if node.primitive is None or not node.primitive.differentiable:
                    continue
                arrays = [tape[arg] for arg in node.args]
                for place, arg in enumerate(node.args):
                    rule = node.primitive.jvps[place]
                    if arg not in moved or rule is None:
                        continue
                    share = _like(tape[number], rule(moved[arg], tape[number], *arrays, **node.static))
                    share = np.broadcast_to(share, np.shape(tape[number]))
                    moved[number] = moved[number] + share if number in moved else share
        return [self._gradient(moved, number, tape) for number in self.targets]

    def active(self, wrt: Sequence[int]) -> set[int]:
        """Steps that are computed from nodes of ``wrt``, and these nodes themselves."""
        active = set(wrt)
        for number in self.steps:
            if not active.isdisjoint(self.graph.nodes[number].args):
                active.add(number)
        return active

    def _gradient(self, found: Mapping[int, Any], number: int, tape: Values) -> Array:
        """Look up a derivative; what nothing flowed to has the derivative zero."""
        primal = np.asarray(tape[number])
        return np.asarray(found[number]) if number in found else np.zeros(primal.shape, primal.dtype)


def pulled(node: Node, rule: Rule, g: Any, out: Any, arrays: Sequence[Any]) -> Any:
    """Apply a VJP rule; that of a holomorphic function with a complex value is Jᴴ g = conj(Jᵀ conj(g))."""
    assert node.primitive is not None
    if node.primitive.on_complex is OnComplex.HOLOMORPHIC and np.iscomplexobj(out):
        return np.conj(rule(np.conj(g), out, *arrays, **node.static))
    return rule(g, out, *arrays, **node.static)


def _like(primal: Any, derivative: Any) -> Array:
    """Round a derivative to the dtype of what it is about; operands of several dtypes widen it."""
    return rounded(derivative, np.asarray(primal).dtype)


def _apply(node: Node, values: Values) -> Any:
    assert node.primitive is not None
    return node.primitive.forward(*[values[arg] for arg in node.args], **node.static)
