"""What makes two failures the same: the pair that is wrong or the contract that is broken, and the cause."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from gradcheck_cli.result import CheckResult, PairResult, Verdict


class Likeness(enum.IntEnum):
    """How much of a failure another check shows; more is larger."""

    NONE = 0  # it does not fail
    FAILS = 1  # of something else
    SAME_PLACE = 2  # the same pair is wrong, or the same contract broken
    SAME_CAUSE = 3  # and the likeliest diagnosis is the same


@dataclass(frozen=True, kw_only=True)
class Target:
    """The failure to keep. Without a pair and without a contract it is warnings that fail the check."""

    code: str = ""  # of the likeliest diagnosis
    claim: str = ""
    output: str = ""
    input: str = ""
    contract: str = ""  # code of the broken contract, where that is the cause

    def likeness(self, result: CheckResult) -> Likeness:
        """Say how much of this failure a result shows."""
        if result.verdict is not Verdict.FAIL:
            return Likeness.NONE
        here = Target.of(result, like=self)
        if (here.claim, here.output, here.input, here.contract) != (
            self.claim,
            self.output,
            self.input,
            self.contract,
        ):
            return Likeness.FAILS
        return Likeness.SAME_CAUSE if here.code == self.code else Likeness.SAME_PLACE

    @staticmethod
    def of(result: CheckResult, *, like: Target | None = None) -> Target:
        """Name the failure of a result: if it shows the place of ``like``, that one."""
        code, about = next(((one.code, one.input) for one in result.diagnoses), ("", None))
        broken = [one.code for one in result.contracts if one.broken and not one.allowed]
        wrong = failing(result)
        if like is not None and like.contract in broken:
            return Target(code=code, contract=like.contract)
        if code in broken or (broken and not wrong):
            return Target(code=code, contract=code if code in broken else broken[0])
        if not wrong:
            return Target(code=code or _warning(result))
        same = (one for one in wrong if like and like.is_about(one))
        pair = next(same, None) or next((one for one in wrong if one.input == about), wrong[0])
        return Target(code=code, claim=pair.claim, output=pair.output, input=pair.input)

    def is_about(self, pair: PairResult) -> bool:
        """Tell whether a comparison is the one that this failure shows in."""
        return (self.claim, self.output, self.input) == (pair.claim, pair.output, pair.input)

    def points(self, result: CheckResult) -> list[str]:
        """Where a result may show this failure, the likeliest to be readable first."""
        worst = next((one.worst for one in failing(result) if self.is_about(one)), None)
        return list(dict.fromkeys(["generic", *([worst.point] if worst else ["edge"])]))


def failing(result: CheckResult) -> Sequence[PairResult]:
    """Return the comparisons that are wrong."""
    return [one for one in result.pairs if one.verdict is Verdict.FAIL]


def _warning(result: CheckResult) -> str:
    """What ``--strict`` says of a check that fails of nothing else."""
    return result.message
