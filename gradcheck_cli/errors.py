"""What can go wrong through the user's doing, as exceptions that carry the bare fact.

The place that catches one adds the file, the line and the operands; nothing here knows of files.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One line of a traceback through the user's code; the file is named as reports show it."""

    file: str
    line: int
    function: str
    source: str = ""


class GradcheckError(Exception):
    """Base of every error that is the user's to mend; anything else is a bug of ours."""


class ShapeError(GradcheckError):
    """Shapes that do not fit; the text may name the operands as ``{0}``, ``{1}``."""


class FormulaError(GradcheckError):
    """A formula that cannot be understood; ``line`` and ``column`` count from 1 within the formula."""

    def __init__(self, message: str, *, line: int = 1, column: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


class FormulaShapeError(FormulaError):
    """A formula that is well formed but whose shapes do not fit one another."""


class BudgetError(GradcheckError):
    """An array larger than the memory budget; raised before anything is allocated."""


class EvaluationError(GradcheckError):
    """The function under test raised, or returned something that is no array.

    ``frames`` are those of the user's code, the call that raised last.
    """

    def __init__(self, message: str = "", *, frames: tuple[Frame, ...] = ()) -> None:
        super().__init__(message)
        self.frames = frames


class LostError(GradcheckError):
    """The process in which the user's code ran has ended before its work was done."""


class TimeUpError(EvaluationError):
    """A check has taken longer than it may."""
