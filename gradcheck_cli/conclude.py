"""All tallies of a check → its result: verdict, diagnoses, warnings, and whether it came out as expected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from gradcheck_cli.cautions import cautions
from gradcheck_cli.compare import State
from gradcheck_cli.diagnose import diagnose
from gradcheck_cli.diagnose.where import groups
from gradcheck_cli.errors import EvaluationError, Frame
from gradcheck_cli.examine import Finding
from gradcheck_cli.functions.base import Pair, Subject
from gradcheck_cli.points import is_special
from gradcheck_cli.result import CheckResult, Contract, PairResult, Remark, Verdict, worst_verdict
from gradcheck_cli.spec.types import CheckSpec
from gradcheck_cli.tally import Tally

# What a reader should know but cannot mend; --strict does not fail a check for these.
HARMLESS = frozenset({"skipped-point", "degenerate-point", "dense-mode"})


@dataclass
class Notes:
    """Remarks gathered while a check runs."""

    warnings: list[Remark] = field(default_factory=list)
    contracts: dict[tuple[str, str, str | None], Contract] = field(default_factory=dict)
    stopped: str = ""  # why the check could not be carried to its end
    traceback: tuple[Frame, ...] = ()  # of what stopped it
    engine_at_fault: bool = False  # and a claim agrees with it: neither can be judged

    def stop(self, error: EvaluationError) -> None:
        """Say why the check ends here."""
        self.stopped, self.traceback = str(error), error.frames

    def warn(self, code: str, message: str, name: str | None = None) -> None:
        """Add a warning, once; ``name`` is the input that it is about."""
        remark = Remark(code=code, message=message, input=name)
        if remark not in self.warnings:
            self.warnings.append(remark)

    def skip(self, point: str, reason: str) -> None:
        """Say that a point was left out."""
        self.warn("skipped-point", f"the {point} point was skipped: {reason}")

    def contract(self, contracts: Iterable[Contract], allowed: frozenset[str]) -> None:
        """Take in what came of the contract at a point; a rule once broken stays so."""
        for one in contracts:
            key = one.claim, one.name, one.input
            known = self.contracts.get(key)
            if one.broken and not (known and known.broken):
                self.contracts.pop((one.claim, one.name, None), None)
                self.contracts[key] = replace(one, allowed=one.allowed or one.code in allowed)
            elif not one.broken and not self._known(one):
                self.contracts[key] = one

    def _known(self, contract: Contract) -> bool:
        return any(key[:2] == (contract.claim, contract.name) for key in self.contracts)

    @property
    def broken(self) -> list[Contract]:
        """The contracts that are broken and must not be."""
        return [one for one in self.contracts.values() if one.broken and not one.allowed]

    def engine(self, point: str, finding: Finding, *, special: bool) -> None:
        """Say what was left out, and where the engine's own derivative contradicts the numeric one.

        At a special point, where kinks may meet, that is no fault of the engine's.
        """
        where, state = f"∂{finding.pair[0]}/∂{finding.pair[1]}", finding.comparison.state
        left_out = int(np.sum(state == State.SKIPPED))
        if left_out:
            self.warn(
                "degenerate-point",
                f"{where}: {left_out} of {state.size} entries are not judged at the {point} point, where "
                "kinks meet or the derivative is not finite",
                finding.pair[1],
            )
        if finding.engine is not None and not special:
            self._engine_at_fault(finding, where)

    def _engine_at_fault(self, finding: Finding, where: str) -> None:
        """Say that the engine contradicts the numeric derivative, or has no finite value beside it."""
        assert finding.engine is not None
        wrong = finding.engine.state == State.FAIL
        if not wrong.any():
            return
        shared = wrong & (finding.comparison.state == State.UNDECIDED)
        self.engine_at_fault |= bool(shared.any())
        number, name = f"{int(np.sum(wrong))} of {wrong.size} entries", finding.pair[1]
        if np.isfinite(finding.engine.analytic[wrong]).all():
            fact = f"the engine's own derivative contradicts the numeric one in {number}"
            remedy = "the engine is at fault; please report it with this spec"
            self.warn("engine-fault", f"{where}: {fact}: {remedy}", name)
        else:
            fact = (
                f"gradcheck's own rules give no finite derivative in {number}, and the numeric one is finite"
            )
            self.warn("degenerate-point", f"{where}: {fact}", name)


def conclude(  # noqa: PLR0913  # all that a check has found out, and how it is to be told
    check: CheckSpec, subject: Subject, tallies: list[Tally], notes: Notes, *, strict: bool, explain: bool
) -> CheckResult:
    """Put the result of a check together; the causes of a wrong derivative are named to ``explain`` it."""
    found = diagnose(check, tallies) if explain else []
    diagnoses = _diagnoses(check, subject, tallies, notes, found)
    for remark in dict.fromkeys([*_allowed(notes), *cautions(check, subject, tallies)]):
        notes.warn(remark.code, remark.message, remark.input)
    verdict = worst_verdict([tally.verdict for tally in tallies]) if tallies else Verdict.INCONCLUSIVE
    if notes.broken:
        verdict = Verdict.FAIL
    elif notes.stopped and verdict is not Verdict.FAIL:
        verdict = Verdict.ERROR
    grave = [remark.code for remark in notes.warnings if remark.code not in HARMLESS]
    strictly = strict and bool(grave) and check.expect == "pass" and verdict is Verdict.PASS
    if strictly:
        verdict = Verdict.FAIL
    if notes.engine_at_fault and verdict is not Verdict.FAIL:
        verdict = Verdict.ERROR
    as_expected, message = expectation(check, verdict, diagnoses)
    if strictly:
        message = f"--strict: the warning {grave[0]} fails the check"
    return CheckResult(
        name=check.name,
        spec=check.spec,
        line=check.position[0],
        expect=check.expect,
        verdict=verdict,
        as_expected=as_expected,
        pairs=_results(check, tallies, explain=explain),
        contracts=tuple(notes.contracts.values()),
        diagnoses=tuple(diagnoses),
        warnings=tuple(notes.warnings),
        message="; ".join(filter(None, (notes.stopped, message))) or _inconclusive(check, tallies, verdict),
        traceback=notes.traceback,
    )


def _results(check: CheckSpec, tallies: list[Tally], *, explain: bool) -> tuple[PairResult, ...]:
    """Freeze the tallies; a small Jacobian is written out once, unless another claim's is wrong."""
    written: set[Pair] = set()
    results = []
    for tally in tallies:
        result = tally.result()
        if explain:
            result = replace(result, groups=groups(tally, check, tallies))
        if tally.pair in written and result.verdict is Verdict.PASS:
            result = replace(result, values=None)
        written.add(tally.pair)
        results.append(result)
    return tuple(results)


def _diagnoses(
    check: CheckSpec, subject: Subject, tallies: list[Tally], notes: Notes, found: list[Remark]
) -> list[Remark]:
    """Join what the comparison tells with what is told by the chain and by the rules that are broken."""
    chained = [tally for tally in tallies if tally.claim.label == "chain product" and tally.evidence]
    for link in subject.links if chained and subject.whole else ():
        if link.bypass:
            start, end = check.chain[0], check.chain[-1]
            message = (
                f"{end} is also computed from {start} on a way around {link.source}: the product along the "
                "chain lacks that path's term"
            )
            found.insert(0, Remark(code="missing-term", input=start, message=message))
    named = {(remark.code, remark.input) for remark in found}
    # The comparison has more to say of the shapes.
    broken = [_of_contract(one, found) for one in notes.broken if (one.code, one.input) not in named]
    crooked = {one.input for one in notes.broken if one.code == "nonlinear-cotangent"}
    # What is not linear has no Jacobian that could be told apart from the right one.
    found = [remark for remark in found if crooked.isdisjoint({remark.input, None})]
    remarks = list(dict.fromkeys([*broken, *found]))
    known = [remark for remark in remarks if remark.code != "unknown"]
    return known if broken and known else remarks


def _of_contract(broken: Contract, found: list[Remark]) -> Remark:
    """Restate a broken rule, with the correction that the comparison has found for the same claim."""
    corrections = [one.correction for one in found if broken.input in {one.input, None} and one.correction]
    text = corrections[0] if corrections and broken.code == "nonlinear-cotangent" else ""
    return Remark(code=broken.code, input=broken.input, message=broken.message, correction=text)


def _allowed(notes: Notes) -> Iterator[Remark]:
    """Broken contracts that are warnings; of a cotangent that is ignored ``cautions`` speaks."""
    for one in notes.contracts.values():
        if one.broken and one.allowed and one.code != "ignores-cotangent":
            yield Remark(code=one.code, message=one.message, input=one.input)


def expectation(check: CheckSpec, verdict: Verdict, diagnoses: list[Remark]) -> tuple[bool, str]:
    """Whether the verdict is the one that the spec expects, and if not, what it expects."""
    if check.expect == "pass":
        return verdict is Verdict.PASS, ""
    codes = [remark.code for remark in diagnoses]
    if verdict is Verdict.FAIL and check.expect_code not in {None, *codes}:
        found = ", ".join(codes) or "no diagnosis"
        return False, f"the spec expects it to fail with {check.expect_code}; found {found}"
    if verdict is Verdict.PASS:
        return False, "the spec expects this check to fail, but it passes"
    return verdict is Verdict.FAIL, ""


def _inconclusive(check: CheckSpec, tallies: list[Tally], verdict: Verdict) -> str:
    if verdict is not Verdict.INCONCLUSIVE:
        return ""
    if not tallies:
        return "no point was left to check at"
    number = sum(tally.result().inconclusive for tally in tallies)
    entries = "1 entry" if number == 1 else f"{number} entries"
    fact = f"{entries} could not be decided: the numeric derivative is too uncertain there"
    fixed = [one.name for one in check.inputs if one.value is not None and one.differentiable]
    if fixed and is_special(check, check.points[0]):
        remedy = f"at other values of {', '.join(fixed)}, or of a sample, there may be none"
        return f"{fact} (a kink, a tie or a singularity at the very point); {remedy}"
    return (
        f"{fact} (noise, a kink, a singularity or a jump nearby); try another seed, other sample ranges or a "
        "higher precision"
    )
