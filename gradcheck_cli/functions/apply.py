"""One call of a primitive → one more node of the graph, or a number if all its operands are numbers.

The one place where a shape rule's bare fact gets the operation, the operands and their shapes.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Primitive
from gradcheck_cli.autodiff.primitives.elementwise import CAST
from gradcheck_cli.errors import FormulaError, FormulaShapeError, ShapeError
from gradcheck_cli.functions.binding import Bound, bind, usage
from gradcheck_cli.functions.nodes import append, floating, outside
from gradcheck_cli.functions.operators import OF_PRIMITIVE, static_operation
from gradcheck_cli.functions.parser import fault_at
from gradcheck_cli.functions.static import is_scalar
from gradcheck_cli.functions.texts import bracketed, written
from gradcheck_cli.functions.values import Operand, Ref, Results
from gradcheck_cli.parts import is_complex
from gradcheck_cli.shapes import Shape, show

if TYPE_CHECKING:
    from gradcheck_cli.functions.elaborate import Scope

NO_ARRAYS: Final[Shape] = (-1,)  # a shape that no array has, and every rule refuses


def apply(
    scope: Scope,
    primitive: Primitive,
    arguments: Sequence[Operand],
    named: Mapping[str, Operand],
    node: ast.expr,
) -> Any:
    """Call a primitive as a formula does; the result is a ``Ref``, or static if everything is static."""
    bound = bind(primitive, arguments, named, node)
    if _is_known(primitive, bound):
        _refuse_complex(primitive, bound.operands, [type(one.value) for one in bound.operands], node)
        return _fold(primitive, bound.operands, node)
    refs = [scope.ref(operand.value, operand.node) for operand in bound.operands]
    _refuse_complex(primitive, bound.operands, [ref.dtype for ref in refs], node)
    refs = _cast(scope, primitive, refs, node)
    if "dtype" in bound.static:
        bound.static["dtype"] = _own_dtype(scope, primitive, bound.static)
    try:
        _refuse_scalars(primitive, bound, refs)
        results = _results(scope, primitive, refs, bound.static, node)
        _check_positions(scope, primitive, refs, bound.static)
    except ShapeError as error:
        shapes = [ref.shape for ref in refs]
        raise _misfit(primitive, bound.operands, shapes, error, node) from None
    except (TypeError, ValueError, AttributeError, OverflowError):
        raise _wrong_types(primitive, refs, node) from None
    return results


def _is_known(primitive: Primitive, bound: Bound) -> bool:
    """Whether a call is one of numbers only, as in sqrt(D), and its result one as well."""
    if not bound.operands or bound.static or primitive.packed or primitive.parts:
        return False
    return all(is_scalar(operand.value) for operand in bound.operands)


def _refuse_complex(
    primitive: Primitive, operands: Sequence[Operand], kinds: Sequence[Any], node: ast.expr
) -> None:
    """Refuse complex operands of what has no derivative or no meaning for them."""
    for place, (operand, kind) in enumerate(zip(operands, kinds, strict=True)):
        if not is_complex(np.result_type(kind)):
            continue
        text = operand.text
        if primitive.on_complex.refused:
            fact = f"{primitive.name} {primitive.on_complex.value}"
            raise fault_at(node, f"{written(node)}: {fact}; take real({text}), imag({text}) or abs({text})")
        if primitive.vjps and primitive.vjps[place] is None:  # a mask or an index
            raise fault_at(node, f"{written(node)}: {text} cannot be complex here; write real({text})")


def _refuse_scalars(primitive: Primitive, bound: Bound, refs: Sequence[Ref]) -> None:
    """Have the shape rule refuse a scalar that is given where it lets one stand in for what is left out."""
    if not primitive.optional or primitive.scalars:
        return
    rows = zip(primitive.operand_names, bound.operands, refs, strict=True)
    shapes = [
        NO_ARRAYS if name in primitive.optional and operand.given and ref.shape == () else ref.shape
        for name, operand, ref in rows
    ]
    if NO_ARRAYS in shapes:
        primitive.shape(*shapes, **bound.static)


def _check_positions(
    scope: Scope, primitive: Primitive, refs: Sequence[Ref], static: Mapping[str, Any]
) -> None:
    """Refuse constants that index what is not there; indices that are computed are seen on evaluation."""
    for name, rule in primitive.positions.items():
        indices = refs[primitive.operand_names.index(name)]
        allowed = rule(*(ref.shape for ref in refs), **static)
        index = outside(scope.graph.nodes[indices.number].value, allowed)
        if index is not None:
            last = int(allowed.stop) - 1
            also = f" or, from the end, {int(allowed.start)} to -1" if allowed.start < 0 else ""
            raise ShapeError(f"index {index} is out of range: it may be 0 to {last}{also}")


def _results(
    scope: Scope, primitive: Primitive, refs: Sequence[Ref], static: Mapping[str, Any], node: ast.expr
) -> Ref | Results:
    """Add the node of a call, or one for each of its results."""
    if primitive.parts is None:
        return append(scope, primitive, refs, static, node)
    names = primitive.parts(*(ref.shape for ref in refs), **static)
    parts = range(len(names))
    return Results((append(scope, primitive, refs, {**static, "part": part}, node) for part in parts), names)


def _fold(primitive: Primitive, operands: Sequence[Operand], node: ast.expr) -> Any:
    """Evaluate a function of numbers now, as in sqrt(D): the result stays a number that widens no dtype.

    A function that is an operator does what the operator does: power(2, -1) is 2**-1.
    """
    values = [operand.value for operand in operands]
    shapes: list[Shape] = [()] * len(values)
    try:
        primitive.shape(*shapes)
    except ShapeError as error:
        raise _misfit(primitive, operands, shapes, error, node) from None
    row = OF_PRIMITIVE.get(primitive.name)
    if row and row.static:
        return static_operation(row.static, values, node)
    with np.errstate(all="ignore"):
        try:
            result: Any = np.asarray(primitive.forward(*values))
        except (ArithmeticError, LookupError, TypeError, ValueError):
            raise fault_at(node, f"{ast.unparse(node)}: wrong arguments; {usage(primitive)}") from None
    return result.item() if result.ndim == 0 else tuple(result.tolist())


def _cast(scope: Scope, primitive: Primitive, refs: list[Ref], node: ast.expr) -> list[Ref]:
    """Give Python numbers, and integer arrays that meet floating ones, the dtype of these.

    So float32 formulas stay float32, and derivative rules see arrays only. Real arrays that meet complex
    ones become complex, so that rules see one kind of number. Operands that the output does not vary with,
    such as a condition, stay as they are.
    """
    varying = [place for place in range(len(refs)) if primitive.vjps and primitive.vjps[place]]
    kinds = {place: scope.graph.nodes[refs[place].number].kind for place in varying}
    weak = {place for place, kind in kinds.items() if not isinstance(kind, np.dtype)}
    floats = [kinds[place] for place in varying if place not in weak and _is_inexact(kinds[place])]
    if not floats and not primitive.inexact and not any(_is_inexact(kinds[place]) for place in weak):
        return refs
    target = floating(np.result_type(*floats) if floats else scope.dtype, *kinds.values())
    mixed = is_complex(target)
    cast = {
        place
        for place in varying
        if place in weak
        or (primitive.casts and not _is_inexact(kinds[place]))
        or (mixed and np.issubdtype(kinds[place], np.floating))
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
    primitive: Primitive,
    operands: Sequence[Operand],
    shapes: Sequence[Shape],
    error: ShapeError,
    node: ast.expr,
) -> FormulaError:
    """Say which operation does not fit, with its operands and their shapes, and why."""
    fact = str(error)
    for place, operand in enumerate(operands):
        fact = fact.replace(f"{{{place}}}", operand.text)
    fact = fact.replace(".T.T", "")  # of a remedy that transposes what is transposed already
    pairs = zip(operands, shapes, strict=True)
    row = OF_PRIMITIVE.get(primitive.name)
    write = bracketed if row else written
    shown = [f"{write(operand.node)} {show(shape)}" for operand, shape in pairs if operand.given]
    if not operands:
        text = f"{ast.unparse(node)}: {fact}"
    elif row:
        text = f"{f' {row.sign} '.join(shown)} does not fit: {fact}"
    else:
        text = f"{primitive.name}({', '.join(shown)}) does not fit: {fact}"
    return fault_at(node, text, FormulaShapeError)


def _wrong_types(primitive: Primitive, refs: Sequence[Ref], node: ast.expr) -> FormulaError:
    """Say that values of such types cannot be operands, and what can."""
    if any(ref.dtype == np.dtype(bool) for ref in refs):
        fact = f"{primitive.name} does not work on masks; write where(mask, 1, 0)"
    else:
        fact = f"wrong arguments; {usage(primitive)}"
    return fault_at(node, f"{ast.unparse(node)}: {fact}")
