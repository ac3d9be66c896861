"""One call of a primitive → one more node of the graph, its shape and dtype inferred.

The one place where a shape rule's bare fact gets the operation, the operands and their shapes.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli.autodiff.primitive import Primitive
from gradcheck_cli.autodiff.primitives.elementwise import CAST
from gradcheck_cli.autodiff.trace import Node
from gradcheck_cli.errors import BudgetError, FormulaShapeError, ShapeError
from gradcheck_cli.functions.parser import fault_at
from gradcheck_cli.functions.static import MAX_ENTRIES, check_parameter, has_too_many_entries, is_number
from gradcheck_cli.shapes import Shape, show
from gradcheck_cli.spec.axes import LARGEST, MAX_AXES

if TYPE_CHECKING:
    from typing_extensions import Self

    from gradcheck_cli.functions.elaborate import Scope

_OPERATORS = {
    "add": "+", "subtract": "-", "multiply": "*", "divide": "/", "power": "**", "matmul": "@", "mod": "%",
    "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==",
    "not_equal": "!=", "logical_and": "&", "logical_or": "|",
}  # fmt: skip
_LONGEST_TEXT = 40


@dataclass(frozen=True)
class Ref:
    """A value of the graph, with what is known of it before evaluation."""

    number: int
    shape: Shape
    dtype: np.dtype[Any]


class Results(tuple[Ref, ...]):
    """Several results of one call, which also go by names, as in ``linalg.eigh(a).eigenvalues``."""

    names: tuple[str, ...]

    def __new__(cls, refs: Iterable[Ref], names: tuple[str, ...]) -> Self:
        """Make a tuple of results, each with its name."""
        results = super().__new__(cls, refs)
        results.names = names
        return results


@dataclass(frozen=True)
class Operand:
    """An argument of a call: its value, a ``Ref`` or static, and the text that it came from."""

    value: Any
    node: ast.expr
    given: bool = True  # or it was left out, and a number stands in

    @property
    def text(self) -> str:
        """The argument as written, shortened."""
        text = ast.unparse(self.node)
        return text if len(text) <= _LONGEST_TEXT else f"{text[: _LONGEST_TEXT - 1]}…"


def apply(
    scope: Scope,
    primitive: Primitive,
    arguments: Sequence[Operand],
    named: Mapping[str, Operand],
    node: ast.expr,
) -> Any:
    """Call a primitive as a formula does; the result is a ``Ref``, or static if everything is static."""
    operands, static = _bind(primitive, arguments, named, node)
    values = [operand.value for operand in operands]
    if operands and not static and not primitive.packed and all(is_number(value) for value in values):
        return _fold(primitive, values, node)
    refs = [scope.ref(operand.value, operand.node) for operand in operands]
    refs = _cast(scope, primitive, refs, node)
    if "dtype" in static:
        static["dtype"] = _own_dtype(scope, primitive, static)
    try:
        return _results(scope, primitive, refs, static, node)
    except ShapeError as error:
        raise fault_at(
            node, _misfit(primitive, operands, refs, str(error), node), FormulaShapeError
        ) from None
    except (TypeError, ValueError, AttributeError, OverflowError):
        if any(ref.dtype == np.dtype(bool) for ref in refs):
            remedy = f"{primitive.name} does not work on masks; write where(mask, 1, 0)"
            raise fault_at(node, f"{ast.unparse(node)}: {remedy}") from None
        raise fault_at(node, f"{ast.unparse(node)}: wrong arguments; {_usage(primitive)}") from None


def _results(
    scope: Scope, primitive: Primitive, refs: Sequence[Ref], static: Mapping[str, Any], node: ast.expr
) -> Ref | Results:
    """Add the node of a call, or one for each of its results."""
    if primitive.parts is None:
        return append(scope, primitive, refs, static, node)
    names = primitive.parts(*(ref.shape for ref in refs), **static)
    parts = range(len(names))
    return Results((append(scope, primitive, refs, {**static, "part": part}, node) for part in parts), names)


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
    added = Node(
        shape=shape, dtype=dtype, primitive=primitive, args=tuple(ref.number for ref in refs), static=static
    )
    return _extend(scope, added, node)


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
    if isinstance(value, bool | int | float):
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
    if array.dtype.kind not in "bif":
        raise fault_at(
            node, f"{ast.unparse(node)} is no array; a list may hold numbers, use stack([…]) for arrays"
        )
    if array.dtype.kind == "f":
        array = array.astype(scope.dtype)
    return _extend(scope, Node(shape=array.shape, dtype=array.dtype, value=array), node)


def _extend(scope: Scope, added: Node, node: ast.AST) -> Ref:
    try:
        scope.graph, number = scope.graph.extended(added, max_memory=scope.max_memory)
    except BudgetError as error:
        raise fault_at(node, f"{ast.unparse(node)}: {error}") from None
    return Ref(number, added.shape, added.dtype)


def _bind(
    primitive: Primitive, arguments: Sequence[Operand], named: Mapping[str, Operand], node: ast.expr
) -> tuple[list[Operand], dict[str, Any]]:
    """Sort the arguments of a call into array operands and static parameters."""
    try:
        bound = primitive.parameters.bind(*arguments, **named)
    except TypeError as error:
        raise fault_at(node, f"{primitive.name}: {error}; {_usage(primitive)}") from None
    operands: list[Operand] = []
    static: dict[str, Any] = {
        name: parameter.default
        for name, parameter in primitive.parameters.parameters.items()
        if name not in primitive.operand_names
    }
    for name in primitive.parameters.parameters:
        given = bound.arguments.get(name)
        if name in primitive.optional and (given is None or given.value is None):
            operands.append(Operand(primitive.optional[name], node, given=False))
        elif given is None:
            continue
        elif name in primitive.operand_names:
            operands.extend(_operands(primitive, given, node))
        else:
            static[name] = _static(given.value, primitive, name, given.node)
            default = primitive.parameters.parameters[name].default
            check_parameter(primitive.name, name, given.value, default, given.node)
    return operands, static


def _operands(primitive: Primitive, given: Any, node: ast.expr) -> Iterable[Operand]:
    if isinstance(given, tuple):  # any number of operands, as in einsum
        return given
    if not primitive.packed:
        return (given,)
    if not isinstance(given.value, tuple) or not given.value:
        raise fault_at(node, f"{primitive.name} takes a list of arrays: {primitive.name}([x, y])")
    is_list = isinstance(given.node, ast.List | ast.Tuple)
    nodes = given.node.elts if is_list else [given.node] * len(given.value)
    return [Operand(value, one) for value, one in zip(given.value, nodes, strict=True)]


def _static(value: Any, primitive: Primitive, name: str, node: ast.expr) -> Any:
    parts = value if isinstance(value, tuple) else (value,)
    if any(isinstance(part, Ref) for part in parts):
        raise fault_at(
            node, f"{primitive.name}: {name} must be known before evaluation, it cannot be an array"
        )
    return value


def _fold(primitive: Primitive, values: Sequence[float], node: ast.expr) -> Any:
    """Evaluate a function of numbers now, as in sqrt(D): the result stays a number that widens no dtype."""
    with np.errstate(all="ignore"):
        try:
            result: Any = np.asarray(primitive.forward(*values))
        except (ArithmeticError, LookupError, TypeError, ValueError):
            raise fault_at(node, f"{ast.unparse(node)}: wrong arguments; {_usage(primitive)}") from None
    return result.item() if result.ndim == 0 else tuple(result.tolist())


def _cast(scope: Scope, primitive: Primitive, refs: list[Ref], node: ast.expr) -> list[Ref]:
    """Give Python numbers, and integer arrays that meet floating ones, the dtype of these.

    So float32 formulas stay float32, and derivative rules see arrays only. Operands that the output does
    not vary with, such as a condition, stay as they are.
    """
    varying = [place for place in range(len(refs)) if primitive.vjps and primitive.vjps[place]]
    kinds = {place: scope.graph.nodes[refs[place].number].kind for place in varying}
    weak = {place for place, kind in kinds.items() if not isinstance(kind, np.dtype)}
    floats = [kinds[place] for place in varying if place not in weak and _is_inexact(kinds[place])]
    if not floats and not primitive.inexact and not any(_is_inexact(kinds[place]) for place in weak):
        return refs
    target = np.result_type(*floats) if floats else scope.dtype
    cast = {
        place for place in varying if place in weak or (primitive.casts and not _is_inexact(kinds[place]))
    }
    return [
        append(scope, CAST, [ref], {"dtype": target}, node) if place in cast else ref
        for place, ref in enumerate(refs)
    ]


def _is_inexact(kind: Any) -> bool:
    return np.issubdtype(np.result_type(kind), np.inexact)


def _own_dtype(scope: Scope, primitive: Primitive, static: Mapping[str, Any]) -> np.dtype[Any]:
    """Dtype of an array made from sizes: as asked for, integer for a range of them, else the formula's."""
    if isinstance(static["dtype"], str):
        return np.dtype(static["dtype"])
    numbers = [static.get(name) for name in ("start", "stop", "step")]
    if primitive.name == "arange" and not any(isinstance(number, float) for number in numbers):
        return np.dtype(np.int64)
    return scope.dtype


def _misfit(
    primitive: Primitive, operands: Sequence[Operand], refs: Sequence[Ref], fact: str, node: ast.expr
) -> str:
    """Say which operation does not fit, with its operands and their shapes, and why."""
    pairs = zip(operands, refs, strict=True)
    shown = [f"{operand.text} {show(ref.shape)}" for operand, ref in pairs if operand.given]
    for place, operand in enumerate(operands):
        fact = fact.replace(f"{{{place}}}", operand.text)
    fact = fact.replace(".T.T", "")  # of a remedy that transposes what is transposed already
    if not operands:
        return f"{ast.unparse(node)}: {fact}"
    if primitive.name in _OPERATORS:
        return f"{f' {_OPERATORS[primitive.name]} '.join(shown)} does not fit: {fact}"
    return f"{primitive.name}({', '.join(shown)}) does not fit: {fact}"


def _usage(primitive: Primitive) -> str:
    return f"call it as {primitive.name}({primitive.signature})"
