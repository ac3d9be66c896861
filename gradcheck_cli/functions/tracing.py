"""Python code as a graph, as far as it can be had: a layer's forward is run with tracers for its inputs.

Only what the code does with NumPy's functions is seen, and only if no value decides what comes next; the
graph counts only if it gives the very numbers that the code gives. It serves to explain, never to judge.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any, Protocol

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.autodiff.retrace import Recorder, Tracer
from gradcheck_cli.autodiff.trace import Graph, Node, Plan
from gradcheck_cli.functions.base import Arrays, Function
from gradcheck_cli.functions.formula import FormulaFunction
from gradcheck_cli.functions.stand_in import standing_in

BUDGET = 2**28  # bytes that an array of the graph may take
MOST_NODES = 4000
CLOSE = 1e-6  # relative difference of the graph's values and the code's


class Traceable(Protocol):
    """A layer whose forward can be called with anything that behaves like arrays."""

    def renewed(self) -> Traceable | None:
        """Return the layer as if nobody had called it yet."""

    @property
    def spaces(self) -> list[MutableMapping[str, Any]]:
        """The namespaces that its code looks names up in."""

    def trace(self, arrays: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call forward with tracers; return what it gave, by output."""


def traced(function: Function, primals: Arrays) -> FormulaFunction | None:
    """Return a function as a graph of its real floating inputs, the others fixed; None if there is none."""
    if isinstance(function, FormulaFunction):
        return function
    layer = getattr(function, "layer", None)
    fresh = layer.renewed() if layer is not None and hasattr(layer, "trace") else None
    if fresh is None:
        return None
    recorder = Recorder(Graph(), BUDGET)
    nodes = {
        name: recorder.add(Node(shape=array.shape, dtype=array.dtype))
        for name, array in primals.items()
        if np.issubdtype(array.dtype, np.floating)
    }
    numbers = {name: one.number for name, one in nodes.items()}
    given = {name: nodes.get(name, np.array(array)) for name, array in primals.items()}
    try:
        with standing_in(recorder, fresh.spaces):
            results = fresh.trace(given)
    except Exception:  # noqa: BLE001  # code may do anything with what is no array; there is no graph then
        return None
    outputs = {name: one.number for name, one in results.items() if isinstance(one, Tracer)}
    if not outputs or not outputs.keys() <= function.outputs.keys() or len(recorder.nodes) > MOST_NODES:
        return None
    graph = FormulaFunction(recorder.graph, numbers, outputs)
    return graph if _same(graph, function, primals) else None


def _same(graph: FormulaFunction, function: Function, primals: Arrays) -> bool:
    """Whether a graph gives the values that the code gives."""
    feeds, targets = tuple(graph.input_nodes.values()), tuple(graph.output_nodes.values())
    name = next(iter(graph.input_nodes))
    try:
        tape = Plan.make(graph.graph, feeds, targets).run([primals[one] for one in graph.input_nodes])
        right = function.along(name, primals)(primals[name])
    except Exception:  # noqa: BLE001  # likewise
        return False
    pairs = [(np.asarray(tape[number]), right[name]) for name, number in graph.output_nodes.items()]
    return all(one.shape == two.shape and _near(one, two) for one, two in pairs)


def _near(one: Array, two: Array) -> bool:
    scale = float(np.max(np.abs(two), initial=0.0))
    return bool(np.allclose(one, two, rtol=CLOSE, atol=CLOSE * scale))
