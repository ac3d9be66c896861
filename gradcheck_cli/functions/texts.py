"""Parts of a formula as messages and reports show them: as written, but short."""

from __future__ import annotations

import ast
from typing import Final

LONGEST: Final = 40  # characters


def shortened(text: str) -> str:
    """Cut a long text.

    >>> shortened("x + " * 12)
    'x + x + x + x + x + x + x + x + x + x +…'
    """
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def written(node: ast.AST) -> str:
    """Write an expression as Python would, shortened."""
    return shortened(ast.unparse(node))


def bracketed(node: ast.AST) -> str:
    """Write an expression so that something may stand behind it: ``(a + b)``, but ``exp(x)``."""
    is_open = isinstance(node, ast.BinOp | ast.UnaryOp | ast.Compare)
    return f"({written(node)})" if is_open else written(node)
