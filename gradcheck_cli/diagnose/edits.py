"""Texts that differ from a formula in one place, as people correct them: the likelier ones first.

Each edit carries the code of the mistake that it undoes.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from gradcheck_cli.shapes import Shape

SUMS: Final = ("sum", "mean")
AT: Final = "_place"  # attribute of a node that tells it from others, in copies as well
Expression = ast.expr


@dataclass(frozen=True)
class Edit:
    """Another text, and the code of the mistake if it is the right one."""

    text: str
    code: str


def edits(text: str, names: Mapping[str, Shape], dims: Mapping[str, int], rank: int) -> Iterator[Edit]:
    """Yield texts with one edit; ``rank`` is the number of axes of the right value."""
    try:
        module = ast.parse(text)
    except SyntaxError:
        return
    seen = {ast.unparse(module)}
    for code, edited in _edited(module, names, dims, rank):
        written = ast.unparse(edited)
        if written not in seen:
            seen.add(written)
            yield Edit(written, code)


def _edited(
    module: ast.Module, names: Mapping[str, Shape], dims: Mapping[str, int], rank: int
) -> Iterator[tuple[str, ast.Module]]:
    value = _value(module)
    if value is None:
        return
    for code, whole in _of_form(value):
        yield code, _with_value(module, whole)
    for node in [one for one in ast.walk(module) if isinstance(one, ast.expr)]:
        for code, other in _of_part(node, names, dims):
            yield code, _replaced(module, node, other)
    for code, whole in _of_whole(value, names, dims, rank):
        yield code, _with_value(module, whole)


def _value(module: ast.Module) -> Expression | None:
    last = module.body[-1] if module.body else None
    return last.value if isinstance(last, ast.Expr | ast.Assign) else None


def _with_value(module: ast.Module, value: Expression) -> ast.Module:
    old = _value(module)
    assert old is not None
    return _replaced(module, old, value)


class _Replacing(ast.NodeTransformer):
    """Puts one expression in the place of another."""

    def __init__(self, old: ast.AST, new: Expression) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        """Replace the one node."""
        if getattr(node, AT, None) == getattr(self.old, AT, -1):
            return self.new
        return self.generic_visit(node)


def _replaced(module: ast.Module, old: Expression, new: Expression) -> ast.Module:
    for number, node in enumerate(ast.walk(module)):
        setattr(node, AT, number)
    changed = _Replacing(old, copy.deepcopy(new)).visit(copy.deepcopy(module))
    assert isinstance(changed, ast.Module)
    return changed


def _name(name: str) -> Expression:
    return ast.Name(id=name, ctx=ast.Load())


def _number(value: float) -> Expression:
    return ast.Constant(value=value)


def _binary(left: Expression, operator: ast.operator, right: Expression) -> Expression:
    return ast.BinOp(left=left, op=operator, right=right)


def _transposed(value: Expression) -> Expression:
    """Write a transpose as one would: (A @ B).T as B.T @ A.T."""
    if isinstance(value, ast.Attribute) and value.attr == "T":
        return value.value
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.MatMult):
        return _binary(_transposed(value.right), ast.MatMult(), _transposed(value.left))
    return ast.Attribute(value=value, attr="T", ctx=ast.Load())


def _call(function: str, value: Expression, axis: int | tuple[int, ...], *, keep: bool = False) -> Expression:
    keywords = [ast.keyword(arg="axis", value=ast.parse(repr(axis), mode="eval").body)]
    if keep:
        keywords.append(ast.keyword(arg="keepdims", value=ast.Constant(value=True)))
    return ast.Call(func=_name(function), args=[value], keywords=keywords)


def _of_form(value: Expression) -> Iterator[tuple[str, Expression]]:
    """Yield edits of the whole that are likelier than those of its parts: its sign, a transpose, a sum."""
    inner = value.operand if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub) else None
    yield "sign-flipped", inner or ast.UnaryOp(op=ast.USub(), operand=value)
    yield "transposed", _transposed(value)
    for axis in (0, 1, 2, -1, (0, 1), (0, 2), (0, 2, 3)):
        yield "not-summed", _call("sum", value, axis)
        yield "not-summed", _call("sum", value, axis, keep=True)


def _of_whole(
    value: Expression, names: Mapping[str, Shape], dims: Mapping[str, int], rank: int
) -> Iterator[tuple[str, Expression]]:
    """Yield factors of the whole, and terms that are subtracted from it."""
    for factor in (2, 3, 4):
        yield "scaled", _binary(_number(factor), ast.Mult(), value)
        yield "scaled", _binary(value, ast.Div(), _number(factor))
    for size in dims:
        yield "scaled", _binary(value, ast.Mult(), _name(size))
        yield "scaled", _binary(value, ast.Div(), _name(size))
        root = ast.Call(func=_name("sqrt"), args=[_name(size)], keywords=[])
        yield "scaled", _binary(value, ast.Div(), root)
        yield "scaled", _binary(value, ast.Mult(), root)
    for name in names:
        yield "scaled", _binary(value, ast.Mult(), _name(name))
        yield "scaled", _binary(value, ast.Div(), _name(name))
    for axis in range(rank):
        yield "missing-term", _binary(value, ast.Sub(), _call("mean", value, axis, keep=True))
    yield "conjugated", ast.Call(func=_name("conj"), args=[value], keywords=[])


def _of_part(
    node: Expression, names: Mapping[str, Shape], dims: Mapping[str, int]
) -> Iterator[tuple[str, Expression]]:
    """Yield what may stand in the place of one part."""
    for kind, edit in PARTS.items():
        if isinstance(node, kind):
            yield from edit(node, names, dims)


Edited = Iterator[tuple[str, Expression]]


def _of_operation(node: ast.BinOp, _names: Mapping[str, Shape], dims: Mapping[str, int]) -> Edited:
    """Yield another operator, or one operand alone."""
    left, right = node.left, node.right
    if isinstance(node.op, ast.Add | ast.Sub):
        other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield "sign-flipped", _binary(left, other, right)
        yield "unknown", left
        yield "unknown", right if isinstance(node.op, ast.Add) else ast.UnaryOp(op=ast.USub(), operand=right)
    if isinstance(node.op, ast.Mult | ast.Div):
        other_way = ast.Div() if isinstance(node.op, ast.Mult) else ast.Mult()
        yield "scaled", _binary(left, other_way, right)
        yield "scaled", left
        if isinstance(node.op, ast.Mult):
            yield "scaled", right
    if isinstance(node.op, ast.MatMult):
        yield "transposed", _binary(_transposed(left), ast.MatMult(), right)
        yield "transposed", _binary(left, ast.MatMult(), _transposed(right))
        yield "transposed", _binary(_transposed(left), ast.MatMult(), _transposed(right))
        yield "transposed", _binary(right, ast.MatMult(), left)
        yield "transposed", _binary(_transposed(right), ast.MatMult(), left)
        yield "transposed", _binary(right, ast.MatMult(), _transposed(left))
    if isinstance(node.op, ast.Pow) and isinstance(right, ast.Constant):
        yield "unknown", left
    if isinstance(right, ast.Name) and right.id in dims:
        for size in dims:
            yield "scaled", _binary(left, node.op, _name(size))


def _of_call(node: ast.Call, _names: Mapping[str, Shape], _dims: Mapping[str, int]) -> Edited:
    """Yield a mean for a sum, another axis, and a function's slope at another sign."""
    if not isinstance(node.func, ast.Name):
        return
    if node.func.id in SUMS:
        other = copy.deepcopy(node)
        other.func = _name(SUMS[1 - SUMS.index(node.func.id)])
        yield "scaled", other
    for place, keyword in enumerate(node.keywords):
        if keyword.arg == "axis":
            for axis in (0, 1, 2, -1):
                moved = copy.deepcopy(node)
                moved.keywords[place].value = ast.Constant(value=axis)
                yield "permuted", moved
                yield "permuted", _keeping(moved)
    yield "permuted", _keeping(node)


def _keeping(node: ast.Call) -> ast.Call:
    """Write a sum that keeps its axis."""
    kept = copy.deepcopy(node)
    if all(keyword.arg != "keepdims" for keyword in kept.keywords):
        kept.keywords.append(ast.keyword(arg="keepdims", value=ast.Constant(value=True)))
    return kept


def _of_constant(node: ast.Constant, _names: Mapping[str, Shape], dims: Mapping[str, int]) -> Edited:
    """Yield other numbers: one more, one less, doubled, halved, a size."""
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        return
    for value in (node.value + 1, node.value - 1, 2 * node.value, node.value / 2, -node.value):
        yield "scaled", _number(int(value) if float(value).is_integer() else value)
    for size in dims:
        yield "scaled", _name(size)


def _of_name(node: ast.Name, names: Mapping[str, Shape], dims: Mapping[str, int]) -> Edited:
    """Yield another array of the same shape, another size, the transpose, the negative, the square."""
    if node.id in names:
        for name, shape in names.items():
            if name != node.id and shape == names[node.id]:
                yield "swapped-inputs", _name(name)
        yield "sign-flipped", ast.UnaryOp(op=ast.USub(), operand=_name(node.id))
        yield "unknown", _binary(_name(node.id), ast.Pow(), _number(2))
        yield "conjugated", ast.Call(func=_name("conj"), args=[_name(node.id)], keywords=[])
    elif node.id in dims:
        for name in dims:
            if name != node.id:
                yield "scaled", _name(name)
        yield "scaled", _binary(_name(node.id), ast.Sub(), _number(1))


def _of_comparison(node: ast.Compare, _names: Mapping[str, Shape], _dims: Mapping[str, int]) -> Edited:
    """Yield the other side of a bound."""
    swap = {ast.Lt: ast.Gt, ast.Gt: ast.Lt, ast.LtE: ast.GtE, ast.GtE: ast.LtE}
    if type(node.ops[0]) in swap:
        yield (
            "region",
            ast.Compare(left=node.left, ops=[swap[type(node.ops[0])]()], comparators=node.comparators),
        )


def _of_sign(node: ast.UnaryOp, _names: Mapping[str, Shape], _dims: Mapping[str, int]) -> Edited:
    """Yield what stands behind a minus."""
    if isinstance(node.op, ast.USub):
        yield "sign-flipped", node.operand


PARTS: Final[dict[type[ast.expr], Callable[..., Edited]]] = {
    ast.BinOp: _of_operation,
    ast.Call: _of_call,
    ast.Constant: _of_constant,
    ast.Name: _of_name,
    ast.Compare: _of_comparison,
    ast.UnaryOp: _of_sign,
}
