"""The arguments of a call → array operands and static parameters, as the primitive's signature has them."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradcheck_cli.autodiff.primitive import Primitive
from gradcheck_cli.functions.parser import fault_at
from gradcheck_cli.functions.static import check_parameter
from gradcheck_cli.functions.values import Operand, Ref

TORCH = {"dim": "axis", "keepdim": "keepdims"}


@dataclass(frozen=True)
class Bound:
    """A call's operands, in the order in which the primitive's rules take them, and its static arguments."""

    operands: Sequence[Operand]
    static: dict[str, Any]


def bind(
    primitive: Primitive, arguments: Sequence[Operand], named: Mapping[str, Operand], node: ast.expr
) -> Bound:
    """Sort the arguments of a call; what it leaves out has its default or is stood in for."""
    try:
        bound = primitive.parameters.bind(*arguments, **_renamed(primitive, named))
    except TypeError as error:
        raise fault_at(node, f"{primitive.name}: {error}; {usage(primitive)}") from None
    operands: list[Operand] = []
    static: dict[str, Any] = {}
    for name, parameter in primitive.parameters.parameters.items():
        given = bound.arguments.get(name)
        if name in primitive.operand_names:
            operands.extend(_operands(primitive, name, given, node))
        elif given is None:
            static[name] = parameter.default
        else:
            static[name] = _static(primitive, name, parameter.default, given)
    return Bound(operands, static)


def _renamed(primitive: Primitive, named: Mapping[str, Operand]) -> dict[str, Operand]:
    """Take torch's names of arguments for NumPy's, in functions that do not have them."""
    known = primitive.parameters.parameters
    return {
        TORCH.get(name, name) if name not in known and TORCH.get(name) in known else name: one
        for name, one in named.items()
    }


def _operands(primitive: Primitive, name: str, given: Any, node: ast.expr) -> Iterable[Operand]:
    """Yield the operand of one parameter, or the several of one that takes several."""
    if name in primitive.optional and (given is None or given.value is None):
        return (Operand(primitive.optional[name], node, given=False),)
    if given is None:  # any number of operands, and there is none
        return ()
    if isinstance(given, tuple):  # any number of operands, as in einsum
        return given
    if not primitive.packed:
        return (given,)
    if not isinstance(given.value, tuple) or not given.value:
        raise fault_at(node, f"{primitive.name} takes a list of arrays: {primitive.name}([x, y])")
    is_list = isinstance(given.node, ast.List | ast.Tuple)
    nodes = given.node.elts if is_list else [given.node] * len(given.value)
    return [Operand(value, one) for value, one in zip(given.value, nodes, strict=True)]


def _static(primitive: Primitive, name: str, default: Any, given: Operand) -> Any:
    parts = given.value if isinstance(given.value, tuple) else (given.value,)
    if any(isinstance(part, Ref) for part in parts):
        fact = f"{primitive.name}: {name} must be known before evaluation, it cannot be an array"
        raise fault_at(given.node, fact)
    check_parameter(primitive.name, name, given.value, default, given.node)
    return given.value


def usage(primitive: Primitive) -> str:
    """Say how to call a primitive."""
    return f"call it as {primitive.name}({primitive.signature})"
