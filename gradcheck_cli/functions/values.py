"""What the expressions of a formula stand for: values of the graph, and the arguments of a call."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gradcheck_cli.functions.texts import written
from gradcheck_cli.shapes import Shape

if TYPE_CHECKING:
    from typing_extensions import Self


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
        return written(self.node)
