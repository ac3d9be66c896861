"""A scope's graph grows by a node: an operation, its shape and dtype inferred, or a constant."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli.autodiff.primitive import Primitive
from gradcheck_cli.autodiff.trace import Node
from gradcheck_cli.errors import BudgetError, ShapeError
from gradcheck_cli.functions.parser import fault_at
from gradcheck_cli.functions.static import MAX_ENTRIES, has_too_many_entries
from gradcheck_cli.functions.values import Ref, Results
from gradcheck_cli.parts import is_complex
from gradcheck_cli.shapes import Shape, count, show, show_bytes
from gradcheck_cli.spec.axes import LARGEST, MAX_AXES

if TYPE_CHECKING:
    from gradcheck_cli.functions.elaborate import Scope


def append(
    scope: Scope, primitive: Primitive, refs: Sequence[Ref], static: Mapping[str, Any], node: ast.AST
) -> Ref:
    """Infer shape and dtype and add the node; the caller, who knows the operands, catches ``ShapeError``."""
    shape = primitive.shape(*(ref.shape for ref in refs), **static)
    kinds = [scope.graph.nodes[ref.number].kind for ref in refs]
    dtype = primitive.dtype(*kinds, **static) if static.keys() & {"dtype"} else primitive.dtype(*kinds)
    if primitive.inexact and not np.issubdtype(dtype, np.inexact):
        dtype = scope.dtype
    _check_shape(shape, dtype)
    if primitive.working is not None:
        _check_working(scope, primitive.working(*(ref.shape for ref in refs), **static), dtype, node)
    added = Node(
        shape=shape, dtype=dtype, primitive=primitive, args=tuple(ref.number for ref in refs), static=static
    )
    return _extend(scope, added, node)


def _check_working(scope: Scope, shape: Shape, dtype: np.dtype[Any], node: ast.AST) -> None:
    """Refuse what would take more memory on its way than the budget has."""
    needed = count(shape) * dtype.itemsize
    if needed > scope.max_memory:
        fact = f"on its way it makes an array of shape {show(shape)}, which takes {show_bytes(needed)}"
        budget = f"the memory budget is {show_bytes(scope.max_memory)}"
        raise fault_at(node, f"{ast.unparse(node)}: {fact}; {budget}")


def _check_shape(shape: Shape, dtype: np.dtype[Any]) -> None:
    """Refuse what NumPy could not make, of whatever size."""
    if len(shape) > MAX_AXES:
        raise ShapeError(f"the result would have {len(shape)} axes, and an array has at most {MAX_AXES}")
    if any(size < 0 for size in shape):
        raise ShapeError("a size cannot be negative")
    # NumPy counts an empty array as if its empty axes were not there; others have the memory budget.
    size = math.prod(int(size) for size in shape if size) * dtype.itemsize
    if 0 in shape and size > LARGEST:
        raise ShapeError(f"no array can have the shape {show(shape)}")


def constant(scope: Scope, value: Any, node: ast.AST) -> Ref:
    """Make a constant of a number or of nested lists of numbers."""
    if isinstance(value, bool | int | float | complex):
        return _extend(scope, Node(shape=(), dtype=np.result_type(type(value)), value=value), node)
    if isinstance(value, Results):
        text, number = ast.unparse(node), len(value)
        raise fault_at(node, f"{text} has {number} results; take one, as in {text}[0], or assign them all")
    if has_too_many_entries(value):
        raise fault_at(node, f"{ast.unparse(node)} has more than {MAX_ENTRIES} entries")
    try:
        array = np.array(value)
    except (TypeError, ValueError):
        array = np.array(None)
    if array.dtype.kind not in "bifc":
        raise fault_at(
            node, f"{ast.unparse(node)} is no array; a list may hold numbers, use stack([…]) for arrays"
        )
    if array.dtype.kind in "fc":
        array = array.astype(floating(scope.dtype, array.dtype))
    return _extend(scope, Node(shape=array.shape, dtype=array.dtype, value=array), node)


def floating(precision: np.dtype[Any], *kinds: Any) -> np.dtype[Any]:
    """Floating dtype of a precision: the complex one if any of the kinds is complex."""
    wide = any(is_complex(np.result_type(kind)) for kind in kinds)
    return np.result_type(precision, 1j) if wide else precision


def outside(indices: Any, allowed: range) -> int | None:
    """Return the first of some indices, if these are known, that is not among those allowed."""
    known = () if indices is None else np.ravel(indices).tolist()
    return next((index for index in known if index not in allowed), None)


def _extend(scope: Scope, added: Node, node: ast.AST) -> Ref:
    try:
        scope.graph, number = scope.graph.extended(added, max_memory=scope.max_memory)
    except BudgetError as error:
        raise fault_at(node, f"{ast.unparse(node)}: {error}") from None
    return Ref(number, added.shape, added.dtype)
