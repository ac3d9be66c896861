"""The gradient of a graph as a longer graph: what reverse mode computes, written down to be differentiated.

It mirrors ``Plan.pullback`` step by step, with nodes in place of arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from gradcheck_cli.autodiff.curvature import is_known, pull_of
from gradcheck_cli.autodiff.numpy_calls import Operand, UntraceableError
from gradcheck_cli.autodiff.primitive import OnComplex
from gradcheck_cli.autodiff.primitives.elementwise import STEPS
from gradcheck_cli.autodiff.retrace import Recorder, Tracer
from gradcheck_cli.autodiff.trace import Graph, Node
from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.parts import is_complex

_STEPS: Final = frozenset(row.name for row in STEPS)


class NoSecondDerivativeError(GradcheckError):
    """An operation whose VJP cannot be differentiated; ``node`` is its number in the graph."""

    def __init__(self, name: str, node: int, reason: str) -> None:
        super().__init__(f"there is no rule yet for the second derivative of {name} ({reason})")
        self.name, self.node, self.reason = name, node, reason


@dataclass(frozen=True)
class Gradient:
    """A graph that continues another with its gradient: the cotangents' input nodes, the results' nodes."""

    graph: Graph
    seeds: Mapping[str, int]  # output → the node that its cotangent is fed to
    results: tuple[int, ...]  # by the nodes of ``wrt``, in order


def gradient_of(graph: Graph, outputs: Mapping[str, int], wrt: Sequence[int], *, max_memory: int) -> Gradient:
    """Continue a graph with dL/d(node) for each node of ``wrt``, given dL/d(output) as further inputs.

    Raises
    ------
    NoSecondDerivativeError
        Where a rule on the way cannot be written down as a graph.
    BudgetError
        Where an array of it would exceed ``max_memory`` bytes.
    """
    recorder = Recorder(graph, max_memory)
    seeds = {
        name: recorder.add(Node(shape=graph.nodes[number].shape, dtype=graph.nodes[number].dtype))
        for name, number in outputs.items()
    }
    gradients: dict[int, Tracer] = {}
    for name, number in outputs.items():  # two outputs may be one node
        _add(recorder, gradients, number, seeds[name])
    active = _active(graph, wrt)
    for number in sorted(graph.ancestors(outputs.values()), reverse=True):
        if number in active and number in gradients:
            for place, arg in enumerate(graph.nodes[number].args):
                if arg in active:
                    _add(recorder, gradients, arg, _share(recorder, number, place, gradients[number]))
    results = [gradients[number] if number in gradients else _zeros(recorder, number) for number in wrt]
    return Gradient(
        recorder.graph,
        {name: seed.number for name, seed in seeds.items()},
        tuple(result.number for result in results),
    )


def varying(graph: Graph, target: int) -> set[int]:
    """Nodes that the target can vary with, as far as rules tell: not through masks, positions and steps."""
    seen, stack = set[int](), [target]
    while stack:
        number = stack.pop()
        if number not in seen:
            seen.add(number)
            node = graph.nodes[number]
            smooth = node.primitive is not None and node.primitive.name not in _STEPS
            rules = node.primitive.vjps if node.primitive and smooth else ()
            stack += [arg for place, arg in enumerate(node.args) if rules and rules[place] is not None]
    return seen


def _active(graph: Graph, wrt: Sequence[int]) -> set[int]:
    """Nodes that are computed from those of ``wrt``, themselves included."""
    active = set(wrt)
    for number, node in enumerate(graph.nodes):
        if not active.isdisjoint(node.args):
            active.add(number)
    return active


def _add(recorder: Recorder, gradients: dict[int, Tracer], number: int, share: Operand | None) -> None:
    if share is not None:
        total = gradients[number] + share if number in gradients else share
        gradients[number] = recorder.node_of(total)


def _zeros(recorder: Recorder, number: int) -> Tracer:
    node = recorder.nodes[number]
    return recorder.node_of(np.zeros(node.shape, node.dtype))


def _share(recorder: Recorder, number: int, place: int, g: Tracer) -> Operand | None:
    """Record what an operation hands on to one operand; None if its value does not vary with it."""
    node = recorder.nodes[number]
    primitive = node.primitive
    if primitive is None or not primitive.differentiable or primitive.vjps[place] is None:
        return None
    operands = [g, recorder.tracer(number), *map(recorder.tracer, node.args)]
    if is_known(primitive):
        return recorder.record(pull_of(node, place), operands, {})
    try:
        share = _traced(node, place, operands)
        return recorder.cast(share, recorder.nodes[node.args[place]].dtype)
    except UntraceableError as error:
        raise NoSecondDerivativeError(primitive.name, number, str(error)) from None


def _traced(node: Node, place: int, operands: Sequence[Tracer]) -> Operand:
    """Run a rule with tracers; that of a holomorphic function as ``Plan.pullback`` does."""
    primitive = node.primitive
    assert primitive is not None
    rule, (g, *rest) = primitive.vjps[place], operands
    assert rule is not None
    if primitive.on_complex is OnComplex.HOLOMORPHIC and is_complex(node.dtype):
        return np.conj(rule(np.conj(g), *rest, **node.static))
    return rule(g, *rest, **node.static)
