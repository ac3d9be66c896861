"""``gradcheck functions``: what a formula may call, with shape rule and VJP."""

from __future__ import annotations

from collections.abc import Sequence

from gradcheck_cli.autodiff.primitives import ALIASES, GROUPS
from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.functions.hints import did_you_mean
from gradcheck_cli.functions.operators import in_words
from gradcheck_cli.views import FunctionRow

# Rows that formulas write as operators: how, instead of a call.
OPERATORS = {**in_words(), "getitem": "x[…]"}


def function_rows(names: Sequence[str] = ()) -> list[FunctionRow]:
    """List the functions called so, or whose name contains one of ``names``; all of them without any.

    Raises
    ------
    GradcheckError
        For a name that is in none.
    """
    rows = [
        FunctionRow(
            group=group,
            name=one.name,
            signature="" if one.name == "getitem" else one.signature,
            operator=OPERATORS.get(one.name, ""),
            aliases=tuple(alias for alias, name in ALIASES.items() if name == one.name),
            shapes=one.shapes,
            vjp=one.formula,
        )
        for group, primitives in GROUPS.items()
        for one in primitives
    ]
    if not names:
        return rows
    found = {name: _called(rows, name) for name in names}
    for name, some in found.items():
        if not some:
            hint = did_you_mean(name, [*(row.name for row in rows), *ALIASES])
            raise GradcheckError(f"there is no function {name!r}{hint}")
    return [row for row in rows if any(row in some for some in found.values())]


def _called(rows: Sequence[FunctionRow], name: str) -> list[FunctionRow]:
    exact = [row for row in rows if name in {row.name, row.name.rpartition(".")[2], *row.aliases}]
    return exact or [row for row in rows if name in row.name]
