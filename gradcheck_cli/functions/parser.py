"""Formula text → checked assignments: Python's grammar, cut down to what a formula may hold.

The text is parsed by ``ast`` and never executed. What the grammar refuses is refused here, with the
remedy; what names and shapes mean is the business of ``elaborate``.
"""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass

from gradcheck_cli.errors import FormulaError

MAX_CHARACTERS = 100_000
MAX_NODES = 20_000
MAX_DEPTH = 100
LARGEST = 2**63 - 1

_EXPRESSIONS = (
    ast.Attribute, ast.BinOp, ast.Call, ast.Compare, ast.Constant, ast.List, ast.Name, ast.Slice,
    ast.Starred, ast.Subscript, ast.Tuple, ast.UnaryOp,
)  # fmt: skip
_REMEDIES: dict[type[ast.AST], str] = {
    ast.BoolOp: "'and' and 'or' do not work on arrays; write & and |, with brackets around comparisons",
    ast.IfExp: "'if … else' is not part of formulas; write where(condition, x, y)",
    ast.Lambda: "'lambda' is not part of formulas",
    ast.ListComp: "comprehensions are not part of formulas; use indexing, stack or einsum",
    ast.GeneratorExp: "comprehensions are not part of formulas; use indexing, stack or einsum",
    ast.JoinedStr: "f-strings are not part of formulas",
    ast.NamedExpr: "':=' is not part of formulas; give the value a line of its own",
    ast.AugAssign: "'+=' and its like are not part of formulas; write y = y + b",
    ast.Import: "'import' is not part of formulas; all functions are there under their NumPy names",
    ast.ImportFrom: "'import' is not part of formulas; all functions are there under their NumPy names",
    ast.FunctionDef: "'def' is not part of formulas; write the assignments themselves",
    ast.Return: "'return' is not part of formulas; the value of the last line counts",
    ast.For: "loops are not part of formulas; write the operations on whole arrays",
    ast.While: "loops are not part of formulas; write the operations on whole arrays",
}


@dataclass(frozen=True)
class Assignment:
    """``target = value`` or ``a, b = values``; a last line that only has a value has no target."""

    targets: tuple[str, ...]
    value: ast.expr
    line: int
    column: int
    unpacks: bool = False  # also a, = values


def parse(text: str) -> list[Assignment]:
    """Split a formula into its assignments, in order.

    Raises
    ------
    FormulaError
        With line and column, for what is not part of the language.
    """
    if len(text) > MAX_CHARACTERS:
        raise FormulaError(f"the formula has {len(text)} characters; at most {MAX_CHARACTERS} are read")
    if "\0" in text:
        raise FormulaError("the formula holds a null character")
    tree = _parse_python(text)
    _check_size(tree)
    if not tree.body:
        raise FormulaError("the formula is empty")
    found = [_assignment(statement, last=statement is tree.body[-1]) for statement in tree.body]
    for statement in tree.body:
        for node in ast.walk(statement):
            _check_node(node)
    return found


def _parse_python(text: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's advice on odd code is not for formulas
            return ast.parse(text)
    except SyntaxError as error:
        line, column = error.lineno or 1, max(error.offset or 1, 1)
        before = (error.text or "")[: column - 1]  # counted in characters here, in bytes in all nodes
        column += len(before.encode()) - len(before)
        raise FormulaError(f"this is no formula: {error.msg}", line=line, column=column) from None
    except UnicodeEncodeError:
        raise FormulaError("the formula holds half of a surrogate pair, which is no character") from None
    except (RecursionError, MemoryError, ValueError):
        raise FormulaError("this is no formula: it is nested too deeply") from None


def _check_size(tree: ast.Module) -> None:
    level: list[ast.AST] = [tree]
    nodes = depth = 0
    while level:
        nodes, depth = nodes + len(level), depth + 1
        if nodes > MAX_NODES or depth > MAX_DEPTH:
            raise FormulaError("the formula is too long or nested too deeply; split it into several lines")
        level = [child for node in level for child in ast.iter_child_nodes(node)]


def _assignment(statement: ast.stmt, *, last: bool) -> Assignment:
    line, column = statement.lineno, statement.col_offset + 1
    if isinstance(statement, ast.Assign):
        names = _target_names(statement.targets)
        if not names:
            message = "assign to a name, such as y = x @ w, or to several, as in a, b = split(x, 2)"
            raise FormulaError(message, line=line, column=column)
        unpacks = isinstance(statement.targets[0], ast.Tuple)
        return Assignment(names, statement.value, line, column, unpacks)
    if isinstance(statement, ast.Expr):
        if not last:
            raise FormulaError(
                "this line's value is lost: assign it to a name, such as h = …", line=line, column=column
            )
        return Assignment((), statement.value, line, column)
    raise FormulaError(_remedy(statement), line=line, column=column)


def _target_names(targets: list[ast.expr]) -> tuple[str, ...]:
    """Names that a line assigns to: one, or those of one tuple, each once; none if it is anything else."""
    target = targets[0]
    parts = target.elts if isinstance(target, ast.Tuple) else [target]
    names = tuple(part.id for part in parts if isinstance(part, ast.Name))
    sound = len(targets) == 1 and len(names) == len(parts) == len(set(names))
    return names if sound else ()


def _check_node(node: ast.AST) -> None:
    if isinstance(node, ast.Name | ast.Attribute):
        name = node.id if isinstance(node, ast.Name) else node.attr
        if name.startswith("__"):
            raise fault_at(node, f"{name!r}: names with two underscores in front are not part of formulas")
    if isinstance(node, ast.Constant) and isinstance(node.value, bytes):
        raise fault_at(node, f"{ast.unparse(node)} is not part of formulas: write a number")
    if isinstance(node, ast.Constant) and isinstance(node.value, int) and node.value > LARGEST:
        raise fault_at(node, f"a whole number may be at most {LARGEST}; write a larger one as 1e20")
    if isinstance(node, ast.Call):
        _check_keywords(node)
    if isinstance(node, ast.expr) and not isinstance(node, _EXPRESSIONS):
        raise fault_at(node, _remedy(node))
    if isinstance(node, ast.Starred):
        raise fault_at(node, "'*' in front of a value is not part of formulas")


def _check_keywords(node: ast.Call) -> None:
    names = [keyword.arg for keyword in node.keywords]
    for place, keyword in enumerate(node.keywords):
        if keyword.arg is None:
            raise fault_at(keyword, "'**' in a call is not part of formulas")
        if keyword.arg in names[:place]:
            raise fault_at(keyword, f"{keyword.arg} is given twice")


def _remedy(node: ast.AST) -> str:
    if (
        isinstance(node, ast.AugAssign)
        and isinstance(node.op, ast.Add)
        and isinstance(node.target, ast.Subscript)
    ):
        array, index, value = map(ast.unparse, (node.target.value, node.target.slice, node.value))
        fact = f"assigning to entries is not part of formulas; write scatter_add({array}, {index}, {value})"
        return f"{fact}, or scatter_add(zeros((V, D)), {index}, {value}) for a gradient of the shape (V, D)"
    return _REMEDIES.get(type(node), f"{type(node).__name__.lower()!r} is not part of formulas")


def fault_at(node: ast.AST, message: str, kind: type[FormulaError] = FormulaError) -> FormulaError:
    """Make an error that points to a node of the formula."""
    return kind(message, line=getattr(node, "lineno", 1), column=getattr(node, "col_offset", 0) + 1)
