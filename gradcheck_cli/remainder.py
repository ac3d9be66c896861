"""What Taylor tests found out, as frozen values: remainders, the order in which they shrink, outcomes.

As in ``result``, this is all that a report may read.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from math import nan

from gradcheck_cli.result import ExitCode, Fault


class Outcome(enum.Enum):
    """What the remainders of one claim say; the value is the sentence the user reads."""

    SECOND = "the remainder shrinks as t²: the claim is the derivative along this direction"
    FIRST = "the remainder shrinks only as t: the claim is not the derivative"
    EXACT = "the remainder is round-off: the function is linear here and the claim exact"
    UNCLEAR = "nothing follows from the remainder"
    MISFIT = "the claim does not fit: it is not the derivative"
    ERROR = "the remainder could not be computed"

    @property
    def wrong(self) -> bool:
        """Tell whether the claim is known not to be the derivative."""
        return self in {Outcome.FIRST, Outcome.MISFIT}

    @property
    def undecided(self) -> bool:
        """Tell whether the claim may be the derivative or not."""
        return self in {Outcome.UNCLEAR, Outcome.ERROR}


@dataclass(frozen=True, kw_only=True)
class TaylorStep:
    """The remainder R(t) at one step t.

    ``order`` is the observed one, log2(R(t) / R(t/2)); nan where either is round-off.
    """

    step: float
    remainder: float
    order: float = nan
    counts: bool = False  # whether the outcome, and the fitted order if there is one, is read from it


@dataclass(frozen=True, kw_only=True)
class TaylorRow:
    """One claim about one input, along one direction v, at steps t of which each is half the one before.

    ``error`` bounds how far the claim is from the derivative along v; where it is wrong, it is that far
    off. ``change`` is what the claim says of the change along v, |⟨vjp(u), v⟩| or ‖J v‖.
    """

    claim: str  # vjp, jvp, jacobian, engine vjp, engine jvp
    outputs: tuple[str, ...]
    input: str
    outcome: Outcome
    steps: tuple[TaylorStep, ...] = ()
    order: float = nan  # fitted by least squares
    floor: float = nan  # remainders up to this one are round-off
    error: float = nan
    change: float = nan
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class TaylorCheck:
    """The Taylor tests of one check; ``message`` says what kept it from being carried out."""

    name: str
    spec: str
    line: int = 1
    expects_failure: bool = False
    point: str = "generic"
    rows: tuple[TaylorRow, ...] = ()
    message: str = ""

    @property
    def wrong(self) -> bool:
        """Tell whether some claim is known not to be the derivative."""
        return any(row.outcome.wrong for row in self.rows)

    @property
    def exit_code(self) -> ExitCode:
        """1 for a wrong claim, unless the check expects one; else 3 if anything is undecided; else 0.

        A check that expects a failure may show none: its mistake need not lie along the direction.
        """
        if self.wrong:
            return ExitCode.OK if self.expects_failure else ExitCode.WRONG
        undecided = bool(self.message) or any(row.outcome.undecided for row in self.rows)
        return ExitCode.UNDECIDED if undecided else ExitCode.OK


@dataclass(frozen=True, kw_only=True)
class TaylorReport:
    """All Taylor tests and all faults of the specs."""

    checks: tuple[TaylorCheck, ...] = ()
    faults: tuple[Fault, ...] = ()

    @property
    def exit_code(self) -> ExitCode:
        """2 for faulty specs, else 1 for a wrong claim, else 3 for an undecided one, else 0."""
        if self.faults:
            return ExitCode.USAGE
        codes = {check.exit_code for check in self.checks}
        return next((code for code in (ExitCode.WRONG, ExitCode.UNDECIDED) if code in codes), ExitCode.OK)
