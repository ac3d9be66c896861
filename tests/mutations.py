"""Mistakes that people make in a derivation, planted one at a time into a formula.

A wrong sign, a transpose too few or too many, a missing sum, a missing term, a missing conjugate:
everywhere in the text where one can stand. ``mutants`` knows nothing of the formula's meaning, so a mutant
may be right by accident (where a term is zero): whether it is, its value tells.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

Planted = Iterator[tuple[str, ast.expr]]

REDUCTIONS = {"sum", "mean"}
TRANSPOSES = {"transpose", "swapaxes", "moveaxis"}


def mutants(text: str) -> Iterator[tuple[str, str]]:
    """Yield each mutant of a formula, with the name of its mistake."""
    tree = ast.parse(text)
    seen = {ast.unparse(tree)}
    for place, node in enumerate(ast.walk(tree)):
        for mistake, changed in _mistakes(node):
            mutant = ast.unparse(_with(tree, place, changed))
            if mutant not in seen:
                seen.add(mutant)
                yield mistake, mutant


def _with(tree: ast.Module, place: int, changed: ast.expr) -> ast.Module:
    """Copy a tree with another node at a place, counted as ``ast.walk`` does."""
    twin = copy.deepcopy(tree)
    target = list(ast.walk(twin))[place]

    class Replace(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            return changed if node is target else self.generic_visit(node)

    return Replace().visit(twin)


def _mistakes(node: ast.AST) -> Planted:
    for mistake in (_sign, _transpose, _missing_sum, _missing_term, _missing_conjugate):
        yield from mistake(node)


def _sign(node: ast.AST) -> Planted:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        other = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
        yield "wrong sign", ast.BinOp(node.left, other, node.right)
    is_number = isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant)  # as in axis=-1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and not is_number:
        yield "wrong sign", node.operand
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        yield "wrong sign", ast.UnaryOp(ast.USub(), node)


def _transpose(node: ast.AST) -> Planted:
    if isinstance(node, ast.Attribute) and node.attr == "T":
        yield "missing transpose", node.value
    if isinstance(node, ast.Call) and _called(node) in TRANSPOSES:
        yield "missing transpose", _argument(node)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        yield "transposed", ast.BinOp(_transposed(node.left), node.op, node.right)
        yield "transposed", ast.BinOp(node.left, node.op, _transposed(node.right))


def _transposed(node: ast.expr) -> ast.expr:
    return ast.Attribute(node, "T", ast.Load())


def _missing_sum(node: ast.AST) -> Planted:
    if isinstance(node, ast.Call) and _called(node) in REDUCTIONS:
        yield "missing sum", _argument(node)


def _missing_term(node: ast.AST) -> Planted:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield "missing term", node.left
        right = node.right
        yield "missing term", right if isinstance(node.op, ast.Add) else ast.UnaryOp(ast.USub(), right)


def _missing_conjugate(node: ast.AST) -> Planted:
    if isinstance(node, ast.Attribute) and node.attr == "mH":
        yield "missing conjugate", ast.Attribute(node.value, "mT", ast.Load())
    if isinstance(node, ast.Call) and _called(node) == "conj":
        yield "missing conjugate", _argument(node)
    if isinstance(node, ast.Constant) and isinstance(node.value, complex):
        yield "the other i", ast.UnaryOp(ast.USub(), node)


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else ast.unparse(node.func)


def _argument(node: ast.Call) -> ast.expr:
    """The array of ``sum(x, axis=0)`` and of ``x.sum(axis=0)``."""
    is_method = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value) != "linalg"
    return node.func.value if is_method else node.args[0]  # type: ignore[attr-defined]  # it is an Attribute
