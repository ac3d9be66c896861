"""Values of a graph as a formula would write them, for messages."""

from __future__ import annotations

from typing import Final

import numpy as np

from gradcheck_cli.autodiff.trace import Node
from gradcheck_cli.functions.formula import FormulaFunction
from gradcheck_cli.functions.texts import shortened

DEPTH: Final = 3  # operations within one another that are written out
INFIX: Final = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**", "matmul": "@",
    "greater": ">", "less": "<", "greater_equal": ">=", "less_equal": "<=", "equal": "==", "not_equal": "!=",
}  # fmt: skip
UNSEEN: Final = frozenset({"cast", "identity"})
GAP: Final = "…"


def node_text(graph: FormulaFunction, number: int) -> str:
    """Write a value as the formula does, or as one would that does the same."""
    return shortened(_written(graph, number, DEPTH))


def _written(graph: FormulaFunction, number: int, depth: int) -> str:
    node = graph.graph.nodes[number]
    names = {place: name for name, place in graph.input_nodes.items()}
    if number in names:
        return names[number]
    if number in graph.names or number in graph.texts:
        return graph.names.get(number, graph.texts.get(number, GAP))
    if node.primitive is None:
        return _constant(node)
    if node.primitive.name in UNSEEN:
        return _written(graph, node.args[0], depth)
    if depth == 0:
        return GAP
    return _operation(node, [_written(graph, arg, depth - 1) for arg in node.args])


def _constant(node: Node) -> str:
    value = np.asarray(node.value)
    return f"{value.item():g}" if value.ndim == 0 and value.dtype.kind in "iuf" else GAP


def _operation(node: Node, parts: list[str]) -> str:
    assert node.primitive is not None
    name = node.primitive.name
    if name in INFIX and len(parts) == 2:
        return f" {INFIX[name]} ".join(_bracketed(part) for part in parts)
    if name == "negative":
        return f"-{_bracketed(parts[0])}"
    if name == "getitem":
        return f"{_bracketed(parts[0])}[{GAP}]"
    options = [f"{key}={value}" for key, value in node.static.items() if key == "axis" and value is not None]
    return f"{name.removeprefix('linalg.')}({', '.join([*parts, *options])})"


def _bracketed(text: str) -> str:
    depth = 0
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        if letter == " " and depth == 0:
            return f"({text})"
    return text
