"""What a run found out, as frozen values: the only thing that a report may read.

Arrays do not live here: every number that a report shows has been taken out of them.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from gradcheck_cli.errors import Frame
from gradcheck_cli.shapes import Shape

Index = tuple[int, ...]


class Verdict(enum.Enum):
    """How one comparison or check ended; the value is the sentence the user reads."""

    PASS = "analytic and numeric derivatives agree"  # noqa: S105  # no password
    FAIL = "analytic and numeric derivatives differ by more than tolerance and error bound"
    INCONCLUSIVE = "the numeric derivative is too uncertain here to decide"
    ERROR = "the check could not be carried out"

    @property
    def word(self) -> str:
        """Name in reports: ``pass``, ``fail``, ``inconclusive``, ``error``."""
        return self.name.lower()


SEVERITY: Final = (Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.FAIL)


def worst_verdict(verdicts: list[Verdict]) -> Verdict:
    """Return the gravest: a known wrong gradient outweighs what could not be decided."""
    return max(verdicts, key=SEVERITY.index, default=Verdict.PASS)


class ExitCode(enum.IntEnum):
    """Exit codes of the command line (2 beats 1 beats 3)."""

    OK = 0
    WRONG = 1
    USAGE = 2
    UNDECIDED = 3


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something wrong in a spec: where it stands, what it is, what would be right."""

    spec: str
    message: str
    line: int = 1
    column: int = 1
    path: str = ""

    def __str__(self) -> str:
        """``linear.yaml:7:9: inputs.w: message``."""
        return ": ".join(filter(None, (f"{self.spec}:{self.line}:{self.column}", self.path, self.message)))


@dataclass(frozen=True, kw_only=True)
class Remark:
    """A diagnosis or a warning: a code of the fixed list and a sentence for people."""

    code: str
    message: str
    input: str | None = None
    rank: int = 0  # of a diagnosis, among those of the same derivative: 0 is the likeliest
    correction: str = ""  # a formula in place of the claim's that agrees


@dataclass(frozen=True, kw_only=True)
class Contract:
    """One thing that a derivative owes its callers whatever its values, and whether it keeps it.

    ``allowed`` says that breaking it is a warning only, because the spec says so or by its nature.
    """

    name: str  # of the rule, in a word or two
    code: str  # of the diagnosis if it is broken
    claim: str
    verdict: Verdict
    message: str = ""
    input: str | None = None
    allowed: bool = False

    @property
    def broken(self) -> bool:
        """Whether it is broken."""
        return self.verdict is Verdict.FAIL


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry ∂(output[output_index])/∂(input[input_index]) of a generalized Jacobian, both ways.

    Of a complex array an entry is a part: ``real`` or ``imag``.
    """

    point: str
    output_index: Index
    input_index: Index
    output_part: str = ""
    input_part: str = ""
    analytic: float
    numeric: float
    bound: float
    verdict: Verdict


EVERYWHERE: Final = "every entry"  # name of the set of all entries that are not zero on both sides


@dataclass(frozen=True, kw_only=True)
class Group:
    """A set of entries of a Jacobian that has a name, such as ``w[:, 3]``, and how many of it are wrong.

    ``entries`` counts those that are not zero on both sides; ``share`` is the part of all wrong entries.
    """

    where: str
    point: str
    mismatched: int
    entries: int
    share: float


@dataclass(frozen=True, kw_only=True)
class Values:
    """A small explicit Jacobian written out: rows are output entries, columns input entries."""

    point: str
    analytic: tuple[tuple[float, ...], ...]
    numeric: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, kw_only=True)
class PairResult:
    """The comparison of one claim about ∂output/∂input with the numeric derivative, over all points.

    ``claim`` says where the analytic side came from: ``vjp``, ``jvp``, ``jacobian``, ``engine vjp``,
    ``engine jvp``, ``chain`` for a link of a chain, ``chain product``. The explicit Jacobian has the shape
    ``output_shape + input_shape``; a VJP needs one cotangent and one gradient. A complex array counts as
    twice as many real numbers.
    """

    output: str
    input: str
    claim: str
    output_shape: Shape
    input_shape: Shape
    output_complex: bool = False
    input_complex: bool = False
    mode: str = "dense"
    verdict: Verdict
    entries: int
    mismatched: int
    inconclusive: int = 0
    kinks: int = 0
    max_abs_error: float
    max_rel_error: float
    detectable: float
    worst: Entry | None = None
    shown: tuple[Entry, ...] = ()
    groups: tuple[Group, ...] = ()
    values: Values | None = None
    bytes_dense: int = 0
    bytes_vjp: int = 0
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """One check of a spec, with everything a report shows of it.

    ``traceback`` leads through the user's code to what raised there; ``output`` is what that code printed,
    as far as it ran in a process of its own, or the end of it.
    """

    name: str
    spec: str
    line: int = 1
    expect: str = "pass"
    verdict: Verdict
    as_expected: bool
    seconds: float = 0.0
    evaluations: Mapping[str, int] = field(default_factory=dict)
    pairs: tuple[PairResult, ...] = ()
    contracts: tuple[Contract, ...] = ()
    diagnoses: tuple[Remark, ...] = ()
    warnings: tuple[Remark, ...] = ()
    message: str = ""
    traceback: tuple[Frame, ...] = ()
    output: str = ""


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """All checks of a run and all faults of its specs."""

    checks: tuple[CheckResult, ...] = ()
    faults: tuple[Fault, ...] = ()
    seconds: float = 0.0

    def count(self, verdict: Verdict) -> int:
        """Count the checks that ended with this verdict."""
        return sum(check.verdict is verdict for check in self.checks)

    @property
    def unexpected(self) -> tuple[CheckResult, ...]:
        """The checks that did not come out as their spec expects."""
        return tuple(check for check in self.checks if not check.as_expected)

    @property
    def exit_code(self) -> ExitCode:
        """2 for faulty specs, else 1 for a wrong gradient, else 3 for an undecided check, else 0."""
        if self.faults:
            return ExitCode.USAGE
        if any(check.verdict in {Verdict.FAIL, Verdict.PASS} for check in self.unexpected):
            return ExitCode.WRONG
        return ExitCode.UNDECIDED if self.unexpected else ExitCode.OK
