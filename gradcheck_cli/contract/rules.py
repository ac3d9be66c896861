"""The table of the contract: one row for each thing that a derivative or its code owes its callers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from gradcheck_cli.contract import calls, drift, layouts, linear
from gradcheck_cli.contract.arrays import Broken
from gradcheck_cli.contract.case import Case
from gradcheck_cli.result import Contract, Verdict


@dataclass(frozen=True)
class Rule:
    """One thing to keep: ``applies`` says of what it can be asked, ``broken`` what does not keep it."""

    name: str  # as reports call it
    code: str
    applies: Callable[[Case], bool]
    broken: Callable[[Case], Broken]
    warns: bool = False  # breaking it is no failure


RULES: Final = (
    Rule("shape", "wrong-shape", calls.is_code, calls.shapes),
    Rule("dtype", "wrong-dtype", calls.is_code, calls.kinds),
    Rule("precision", "reduced-precision", calls.is_code, calls.precision, warns=True),
    Rule("uses its cotangent", "ignores-cotangent", linear.has_value, linear.uses_seed),
    Rule("linear", "nonlinear-cotangent", linear.has_seed, linear.linear),
    Rule("zero", "nonlinear-cotangent", linear.has_seed, linear.zero),
    Rule("adjoint", "unknown", linear.has_adjoint, linear.adjoint),
    Rule("drift", "stale-state", drift.is_unsteady, drift.drift),
    Rule("forward repeats", "nondeterministic", drift.is_still, calls.forward_repeats),
    Rule("backward repeats", "nondeterministic", drift.is_still, calls.backward_repeats),
    Rule("forward keeps inputs", "mutates-input", calls.is_code, calls.forward_keeps_inputs),
    Rule("backward keeps inputs", "mutates-input", calls.is_code, calls.backward_keeps_inputs),
    Rule("keeps cotangent", "mutates-cotangent", calls.is_code, calls.backward_keeps_cotangents),
    *(
        Rule(layout, "layout-dependent", layouts.has_layout(layout), layouts.accepts(layout))
        for layout in layouts.LAYOUTS
    ),
    Rule("second call", "stale-state", calls.is_repeatable, calls.same_again),
    Rule("interleaved", "stale-state", calls.is_steady, calls.same_after_other),
    Rule("own memory", "stale-state", calls.has_memory, calls.keeps_own_memory),
    Rule("unused input", "unknown", calls.can_be_unused, calls.unused),
)


def inspect(case: Case) -> Iterator[Contract]:
    """Ask all that can be asked of a claim: one result for each rule, or each way of breaking it."""
    for rule in RULES:
        with np.errstate(all="ignore"):
            broken = rule.broken(case) if rule.applies(case) else None
        if broken is None:
            continue
        if not broken:
            yield Contract(name=rule.name, code=rule.code, claim=case.claim.label, verdict=Verdict.PASS)
        for name, message in broken.items():
            yield Contract(
                name=rule.name,
                code=rule.code,
                claim=case.claim.label,
                verdict=Verdict.FAIL,
                message=message,
                input=name if name in case.problem.function.inputs else None,
                allowed=rule.warns,
            )
