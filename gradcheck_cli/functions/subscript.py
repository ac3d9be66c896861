"""Indexing: ``x[0, :, k]`` → a template with holes for its integer arrays, and one node of the graph."""

from __future__ import annotations

import ast
from types import EllipsisType
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli.autodiff.primitives import PRIMITIVES
from gradcheck_cli.autodiff.primitives.indexing import Hole, Part
from gradcheck_cli.errors import FormulaShapeError, ShapeError
from gradcheck_cli.functions.nodes import append, outside
from gradcheck_cli.functions.parser import fault_at
from gradcheck_cli.functions.values import Ref

if TYPE_CHECKING:
    from gradcheck_cli.functions.elaborate import Scope


def item(scope: Scope, node: ast.Subscript) -> Any:
    """Read entries of an array, or one of a static tuple."""
    value = scope.value(node.value)
    indices = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    parts = [(scope.value(one), one) for one in indices]
    if not isinstance(value, Ref):
        return _static_item(value, parts, node)
    arrays: list[Ref] = []
    template = tuple(_index_part(scope, part, one, arrays) for part, one in parts)
    try:
        found = append(scope, PRIMITIVES["getitem"], [value, *arrays], {"template": template}, node)
        _check_bounds(scope, value, arrays, template)
    except ShapeError as error:
        text = str(error).replace("{0}", ast.unparse(node.value))
        raise fault_at(node, f"{ast.unparse(node)}: {text}", FormulaShapeError) from None
    return found


def _check_bounds(scope: Scope, value: Ref, arrays: list[Ref], template: tuple[Part, ...]) -> None:
    """Refuse lists of indices that the axes do not have; indices that are computed are seen on evaluation."""
    axis = 0
    for part in template:
        if part is Ellipsis:
            axis += len(value.shape) - sum(one is not None and one is not Ellipsis for one in template)
        elif part is not None:
            if isinstance(part, Hole):
                indices = scope.graph.nodes[arrays[part.number].number].value
                _check_indices(indices, axis, value.shape[axis])
            axis += 1


def _check_indices(indices: Any, axis: int, size: int) -> None:
    index = outside(indices, range(-size, size))
    if index is not None:
        fact = f"index {index} is out of range for axis {axis} of {{0}}, which has length {int(size)}"
        raise ShapeError(fact)


def _static_item(value: Any, parts: list[tuple[Any, ast.expr]], node: ast.Subscript) -> Any:
    index = parts[0][0]
    if not isinstance(value, tuple) or len(parts) != 1 or not isinstance(index, int | slice):
        raise fault_at(node, f"{ast.unparse(node.value)} cannot be indexed so")
    try:
        return value[index]
    except IndexError:
        raise fault_at(
            node, f"{ast.unparse(node.value)} has {len(value)} entries, there is no {index}"
        ) from None


def _index_part(scope: Scope, part: Any, node: ast.expr, arrays: list[Ref]) -> Any:
    """Take a static part of an index as it is, put an integer array aside and leave a hole."""
    if isinstance(part, bool):
        raise fault_at(node, "True and False are no indices")
    if part is None or isinstance(part, int | slice | EllipsisType):
        return int(part) if isinstance(part, int) else part
    array = scope.ref(part, node)
    if array.dtype == np.dtype(bool):
        raise fault_at(
            node, "indexing by a mask gives a shape that depends on values; write where(mask, x, 0) instead"
        )
    if not np.issubdtype(array.dtype, np.integer):
        fact = f"an index must be an integer array, {ast.unparse(node)} is {array.dtype}"
        remedy = "; an input is one with dtype: int64" if isinstance(node, ast.Name) else ""
        raise fault_at(node, f"{fact}{remedy}")
    arrays.append(array)
    return Hole(len(arrays) - 1)


def slice_value(scope: Scope, node: ast.Slice) -> slice:
    """Make the slice of bounds that are known now."""
    bounds = [None if part is None else scope.value(part) for part in (node.lower, node.upper, node.step)]
    for part in bounds:
        if part is not None and not isinstance(part, int):
            raise fault_at(node, "the bounds of a slice must be integers that are known before evaluation")
    if bounds[2] == 0:
        raise fault_at(node, "the step of a slice cannot be 0")
    return slice(*(None if part is None else int(part) for part in bounds))
