"""Between which values the result of an operation lies, whatever its operands: exp(x) is never below 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Final

import numpy as np

from gradcheck_cli.autodiff.trace import Graph, Node

Range = tuple[float, float]

_KNOWN: Final[Mapping[str, Range]] = {
    **dict.fromkeys(
        ("abs", "square", "sqrt", "exp", "exp2", "cosh", "softplus", "relu", "hypot"), (0.0, inf)
    ),
    **dict.fromkeys(("var", "std", "linalg.norm", "linalg.svdvals", "count_nonzero"), (0.0, inf)),
    **dict.fromkeys(("sigmoid", "softmax", "hardsigmoid"), (0.0, 1.0)),
    **dict.fromkeys(("tanh", "erf", "sin", "cos", "sign", "softsign", "cosine_similarity"), (-1.0, 1.0)),
    **dict.fromkeys(("log_softmax", "logsigmoid"), (-inf, 0.0)),
    "relu6": (0.0, 6.0),
}
# Results that are entries of the operand, or lie between them.
_KEPT: Final = frozenset({
    "identity", "astype", "reshape", "ravel", "transpose", "swapaxes", "moveaxis", "expand_dims", "squeeze",
    "broadcast_to", "flip", "roll", "getitem", "max", "min", "mean", "median", "sort", "take",
})  # fmt: skip
# Of these only the sign is kept.
_SIGNED: Final = frozenset({"sum", "cumsum", "prod", "cumprod", "trace"})


def ranges(graph: Graph, targets: Sequence[int]) -> dict[int, Range]:
    """Return for every node that the targets are computed from the least and the largest value it can have.

    They are found where one operation, or a few that keep or add its values, determine them; elsewhere all
    that the dtype holds is taken to be possible. In the order of evaluation.
    """
    result: dict[int, Range] = {}
    for number in sorted(graph.ancestors(targets)):
        node = graph.nodes[number]
        low, high = _range(node, [result[arg] for arg in node.args])
        if np.issubdtype(node.dtype, np.floating):
            largest = float(np.finfo(node.dtype).max)
            low, high = max(low, -largest), min(high, largest)
        result[number] = low, high
    return result


def _range(node: Node, operands: list[Range]) -> Range:
    if node.value is not None and np.size(node.value) and not np.iscomplexobj(node.value):
        return float(np.min(node.value)), float(np.max(node.value))
    name = node.primitive.name if node.primitive else ""
    if name in _KEPT:
        return operands[0]
    if name in _SIGNED:
        return (0.0 if operands[0][0] >= 0 else -inf), inf
    return _RULES[name](node.args, *operands) if name in _RULES else _KNOWN.get(name, (-inf, inf))


def _product(args: tuple[int, ...], x: Range, y: Range) -> Range:
    return (0.0 if args[0] == args[1] or (x[0] >= 0 and y[0] >= 0) else -inf), inf


_RULES: Final[Mapping[str, Callable[..., Range]]] = {
    "add": lambda _, x, y: (x[0] + y[0], x[1] + y[1]),
    "multiply": _product,
    "power": lambda _, x, y: (0.0 if x[0] >= 0 or (y[0] == y[1] and y[0] % 2 == 0) else -inf, inf),
    "negative": lambda _, x: (-x[1], -x[0]),
    "maximum": lambda _, x, y: (max(x[0], y[0]), max(x[1], y[1])),
    "minimum": lambda _, x, y: (min(x[0], y[0]), min(x[1], y[1])),
    "clip": lambda _, x, low, high: (max(x[0], low[0]), min(x[1], high[1])),
}
