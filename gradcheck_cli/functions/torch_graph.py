"""What the graph that autograd has recorded tells of a function."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Node = Any  # torch is not imported before it is needed


def defines_forward_mode(last: Iterable[Node]) -> bool:
    """Whether a Function in the graph that ends in some nodes has a ``jvp``; torch's own are not in doubt."""
    functions = [getattr(node, "_forward_cls", None) for node in _nodes(last)]
    bases = [base for one in functions for base in getattr(one, "__mro__", ())]
    return any("jvp" in vars(one) for one in bases if not one.__module__.startswith("torch."))


def ends_in_error(node: Node) -> bool:
    """Whether torch would refuse to go through a gradient's graph, which it does not say by itself."""
    return any(one.name().endswith("Error") for one in _nodes([node]))


def _nodes(last: Iterable[Node]) -> set[Node]:
    seen, stack = {None}, list(last)
    while stack:
        one = stack.pop()
        if one not in seen:
            seen.add(one)
            stack += [following for following, _ in one.next_functions]
    return seen - {None}
