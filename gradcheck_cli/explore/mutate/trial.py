"""A check that passes, carried out again with a corruption in it, as far as it takes to find it wrong."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gradcheck_cli.check import run_check
from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.explore.mutate.behaviour import behaviours
from gradcheck_cli.explore.mutate.corruption import Corruption, array_corruptions
from gradcheck_cli.explore.mutate.plant import Planted, into
from gradcheck_cli.explore.mutate.reason import NO_EDGE, shows_at_edge, usual_rtol, why
from gradcheck_cli.explore.mutate.site import Site
from gradcheck_cli.functions.base import Claim, Subject
from gradcheck_cli.mutations import Mutation, Outcome
from gradcheck_cli.result import CheckResult, Verdict
from gradcheck_cli.spec.sample import EDGE, has_samples
from gradcheck_cli.spec.types import CheckSpec

MORE: Final = ("generic-2", "generic-3")  # points that may show what a check's own do not
LEAST: Final = 1e-3  # seconds that a try is given in any case
OUTCOMES: Final = {
    Verdict.FAIL: Outcome.CAUGHT,
    Verdict.PASS: Outcome.MISSED,
    Verdict.INCONCLUSIVE: Outcome.UNDECIDED,
    Verdict.ERROR: Outcome.UNDECIDED,
}


@dataclass(frozen=True)
class Trial:
    """A check that passes, as it is corrupted."""

    check: CheckSpec
    subject: Subject
    result: CheckResult
    deadline: float
    order: int = 1  # 2: of the derivative of the VJP

    def planned(self) -> Iterator[tuple[Site, Corruption]]:
        """Yield every corruption of every site, but for what the spec allows."""
        for claim in self.subject.claims:
            for site in self._sites(claim):
                for corruption in (*array_corruptions(site), *behaviours(site)):
                    if not self.check.allow & set(corruption.codes):
                        yield site, corruption

    def _sites(self, claim: Claim) -> Iterator[Site]:
        function = self.subject.function
        for about in claim.outputs if claim.kind == "jvp" else claim.inputs:
            type_ = (function.outputs if claim.kind == "jvp" else function.inputs)[about]
            shape = tuple(map(int, type_.shape))
            if claim.kind == "jacobian":
                shape = (*map(int, function.outputs[claim.outputs[0]].shape), *shape)
            limits = [
                pair.detectable
                for pair in self.result.pairs
                if pair.claim == claim.label and about in {pair.input, pair.output}
            ]
            yield Site(
                check=self.check,
                subject=self.subject,
                claim=claim,
                about=about,
                shape=shape,
                type_=type_,
                detectable=max(limits, default=0.0),
                order=self.order,
            )

    def tried(self, site: Site, corruption: Corruption) -> Mutation:
        """Plant a corruption and see what becomes of the check."""
        outcome, found = Outcome.UNTRIED, tuple[str, ...]()
        if time.monotonic() < self.deadline:
            outcome, found = self._judged(site, corruption)
        note = self._remedy(site, corruption) if outcome is Outcome.MISSED else ""
        if outcome is Outcome.UNCHANGED and shows_at_edge(site, corruption):
            outcome, note = Outcome.MISSED, NO_EDGE
        return Mutation(
            claim=site.claim.label,
            about=site.about,
            name=corruption.name,
            codes=corruption.codes,
            outcome=outcome,
            found=found,
            note=note,
            counts=corruption.counts and corruption.within > usual_rtol(site),
        )

    def _remedy(self, site: Site, corruption: Corruption) -> str:
        """Say why a corruption is missed: that further points show it is tried."""
        known = why(site, corruption)
        fresh = tuple(point for point in MORE if point not in self.check.points)
        if known or not fresh or not has_samples(self.check.inputs) or time.monotonic() > self.deadline:
            return known
        check, subject = into(Planted(site, corruption), self._within_time(), self.subject, alone=True)
        for point in fresh:
            result = run_check(replace(check, points=(point,)), subject, stay=True, explain=False)
            if result.verdict is Verdict.FAIL:
                return f"no point of this check shows it: add {point} to its points"
        return known

    def _judged(self, site: Site, corruption: Corruption) -> tuple[Outcome, tuple[str, ...]]:
        """Judge a corrupted claim at one point, then alone, then among all others, until it is found wrong.

        What is found wrong by less would be found wrong by more.
        """
        outcome, found = Outcome.UNTRIED, tuple[str, ...]()
        for extent in self._extents:
            planted = Planted(site, corruption)
            try:
                check, subject = into(planted, self._within_time(), self.subject, alone=extent != "whole")
                first = check.points[:1] if extent == "point" else check.points
                result = run_check(replace(check, points=first), subject, stay=extent == "point")
            except EvaluationError:  # what is planted makes the backward raise: it would not be missed
                return Outcome.CAUGHT, ()
            found = tuple(dict.fromkeys(one.code for one in result.diagnoses))
            outcome = OUTCOMES[result.verdict]
            if outcome is Outcome.CAUGHT:
                break
            if time.monotonic() > self.deadline:
                return Outcome.UNTRIED, ()
        return (outcome, found) if planted.difference.is_any else (Outcome.UNCHANGED, ())

    @property
    def _extents(self) -> Sequence[str]:
        """How much of the check is carried out, by and by."""
        return ("point", "alone", "whole") if self.check.points[0] != EDGE else ("alone", "whole")

    def _within_time(self) -> CheckSpec:
        """Let the next try take no more than the time that is left."""
        left = self.deadline - time.monotonic()
        return self.check if math.isinf(left) else replace(self.check, timeout=max(left, LEAST))
