"""What a tool says of a case."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from judgement_cases.case import Case


class Answer(enum.Enum):
    """The answer to "is this backward right?"."""

    RIGHT = "right"
    WRONG = "wrong"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Outcome:
    """One tool's answer to one case, with what it says for its reason."""

    case: Case
    answer: Answer
    reason: str = ""
    codes: tuple[str, ...] = ()  # diagnoses, likeliest first
    seconds: float = 0.0

    @property
    def missed(self) -> bool:
        """Whether a wrong backward passed."""
        return self.answer is Answer.RIGHT and not self.case.right

    @property
    def false_alarm(self) -> bool:
        """Whether a right backward failed."""
        return self.answer is Answer.WRONG and self.case.right

    @property
    def undecided(self) -> bool:
        """Whether there was no answer."""
        return self.answer is Answer.UNDECIDED
