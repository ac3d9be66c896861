"""What a check that passes does not show: the warnings that follow from its tallies and its spec."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_cli.functions.base import Subject
from gradcheck_cli.result import Remark, Verdict
from gradcheck_cli.spec.types import CheckSpec
from gradcheck_cli.tally import Tally


def cautions(check: CheckSpec, subject: Subject, tallies: list[Tally]) -> Iterator[Remark]:
    """Yield every warning about a check."""
    yield from _uncovered(subject)
    yield from _left_out(subject)
    for tally in tallies:
        if tally.verdict is Verdict.PASS:
            if tally.pair not in subject.unrelated:
                yield from _uninformative(tally)
            yield from _approximate(tally)
        if tally.left_out:
            number, points = f"{tally.left_out} of {tally.blind.size} entries", " and ".join(tally.open_at)
            message = f"{_where(tally)}: {number} open at the {points} point only"
            yield Remark(code="degenerate-point", input=tally.pair[1], message=message)
    if "ignores-cotangent" in check.allow and any(tally.claim.ignores_seed for tally in tallies):
        message = "checked for the cotangent 1 only (allow: ignores-cotangent)"
        yield Remark(code="ignores-cotangent", message=message)
    if check.mode in {"structured", "probe"}:
        message = f"mode: {check.mode} is not available yet; the complete dense check was made"
        yield Remark(code="dense-mode", message=message)


def _where(tally: Tally) -> str:
    return f"∂{tally.pair[0]}/∂{tally.pair[1]} ({tally.claim.label})"


def _uncovered(subject: Subject) -> Iterator[Remark]:
    covered = {pair for claim in subject.claims for pair in claim.pairs}
    bare = [pair for pair in subject.pairs if pair not in covered]
    if bare:
        listed = ", ".join(f"∂{output}/∂{name}" for output, name in bare)
        names = {name for _, name in bare}
        yield Remark(
            code="uncovered",
            input=names.pop() if len(names) == 1 else None,
            message=f"no claim is about {listed}, so nothing checks it",
        )


def _left_out(subject: Subject) -> Iterator[Remark]:
    for name in dict.fromkeys(name for _, name in subject.unchecked):
        message = f"the claim about {name} is not checked: wrt leaves {name} out"
        yield Remark(code="uncovered", input=name, message=message)


def _uninformative(tally: Tally) -> Iterator[Remark]:
    if not tally.informed:
        output, name = tally.pair
        message = (
            f"∂{output}/∂{name}: nothing is larger than its error bound at any point: it is zero, or lost in "
            "round-off"
        )
        yield Remark(code="uninformative", input=name, message=message)
    elif tally.blind_entries:
        message = (
            f"{_where(tally)}: in {tally.blind_entries} of {tally.blind.size} entries the error bound is as "
            "large as the entry itself: nothing was told there"
        )
        yield Remark(code="uninformative", input=tally.pair[1], message=message)


def _approximate(tally: Tally) -> Iterator[Remark]:
    if tally.approximate:
        message = (
            f"{_where(tally)}: agrees within tolerance, but worse than round-off and error bound explain "
            f"(relative error up to {tally.max_rel_error:.2g})"
        )
        yield Remark(code="approximate", input=tally.pair[1], message=message)
