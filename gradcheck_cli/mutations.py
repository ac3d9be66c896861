"""What ``gradcheck mutate`` found out, as frozen values: which corruptions of a claim a check catches."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import dataclass, fields

from gradcheck_cli.result import CheckResult, ExitCode, Fault, RunReport


class Outcome(enum.Enum):
    """What became of one corruption; the value is the sentence the user reads."""

    CAUGHT = "the check fails"
    MISSED = "the check passes all the same"
    UNDECIDED = "the check neither passes nor fails"
    UNCHANGED = "it changes no derivative that this check looks at"
    UNTRIED = "the time was up before it was tried"


@dataclass(frozen=True, kw_only=True)
class Mutation:
    """One corruption of one claim: what was planted and what came of it.

    ``codes`` are the diagnoses that name it rightly, the planted one first; ``found`` are those that the
    check gave. One that ``counts`` not is there for information: the check need not catch it.
    """

    claim: str  # its label, such as "vjp" or "backward"
    about: str  # the input, of a jvp the output
    name: str
    codes: tuple[str, ...]
    outcome: Outcome
    found: tuple[str, ...] = ()
    note: str = ""  # why it is missed, and what would catch it
    counts: bool = True

    @property
    def code(self) -> str:
        """The planted diagnosis."""
        return self.codes[0]

    @property
    def is_named(self) -> bool:
        """Whether the likeliest diagnosis is a right one."""
        return self.outcome is Outcome.CAUGHT and self.found[:1] != () and self.found[0] in self.codes


@dataclass(frozen=True, kw_only=True)
class MutationResult(CheckResult):
    """A check as it came out by itself, and its corruptions if it passed."""

    mutations: tuple[Mutation, ...] = ()

    def of(self, outcome: Outcome) -> tuple[Mutation, ...]:
        """Those that count and came out so."""
        return tuple(one for one in self.mutations if one.counts and one.outcome is outcome)

    @property
    def tried(self) -> int:
        """Count those that changed something and were tried, and count."""
        return sum(len(self.of(one)) for one in (Outcome.CAUGHT, Outcome.MISSED, Outcome.UNDECIDED))

    @property
    def is_skipped(self) -> bool:
        """Whether there is nothing to corrupt: the check fails, as its spec expects."""
        return self.expect == "fail" and self.as_expected


@dataclass(frozen=True, kw_only=True)
class MutationReport:
    """All checks of a run with their corruptions, and all faults of its specs."""

    checks: tuple[MutationResult, ...] = ()
    faults: tuple[Fault, ...] = ()
    seconds: float = 0.0

    def of(self, outcome: Outcome) -> tuple[Mutation, ...]:
        """All that count and came out so."""
        return tuple(one for check in self.checks for one in check.of(outcome))

    @property
    def exit_code(self) -> ExitCode:
        """2 for faulty specs, else 1 for a corruption that is missed, else 3 for what could not be told."""
        if self.faults:
            return ExitCode.USAGE
        if self.of(Outcome.MISSED):
            return ExitCode.WRONG
        unsound = any(not check.as_expected for check in self.checks)
        open_ = unsound or self.of(Outcome.UNDECIDED) or self.of(Outcome.UNTRIED)
        return ExitCode.UNDECIDED if open_ else ExitCode.OK


def gathered(report: RunReport) -> MutationReport:
    """Make the report of a run whose checks were corrupted."""
    checks = tuple(map(with_mutations, report.checks))
    return MutationReport(checks=checks, faults=report.faults, seconds=report.seconds)


def with_mutations(check: CheckResult, mutations: Iterable[Mutation] = ()) -> MutationResult:
    """Add the corruptions to a check's result, or leave those that it has."""
    if isinstance(check, MutationResult):
        return check
    values = {one.name: getattr(check, one.name) for one in fields(CheckResult)}
    return MutationResult(**values, mutations=tuple(mutations))
