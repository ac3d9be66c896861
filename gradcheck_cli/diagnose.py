"""Names the likely cause of a mismatch: a table of hypotheses, each with a test on the two Jacobians.

Every hypothesis is checked against the numbers before it is uttered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.compare import SEVERAL, Comparison, State
from gradcheck_cli.result import Remark
from gradcheck_cli.shapes import Shape, Size, show
from gradcheck_cli.spec.types import CheckSpec
from gradcheck_cli.tally import Tally

CLOSE = 1e-6  # a factor as near as this to 1 or -1 explains nothing of its own


KINKED = "wrong only at kinks: outside the one-sided derivatives, or shares of a tie that do not add up"


@dataclass(frozen=True)
class Case:
    """A wrong claim about one pair, as its hypotheses see it."""

    tally: Tally
    evidence: Comparison  # at the first point that showed it
    dims: Mapping[str, Size]

    @property
    def analytic(self) -> Array:
        """The claimed Jacobian, M × N."""
        return self.evidence.analytic

    @property
    def numeric(self) -> Array:
        """The numeric Jacobian, M × N."""
        return self.evidence.numeric

    @property
    def name(self) -> str:
        """The input, as messages call it."""
        return self.tally.pair[1]

    def explains(self, corrected: Array) -> bool:
        """Whether a corrected Jacobian would have passed everywhere; at a kink several values are right."""
        evidence = self.evidence
        with np.errstate(invalid="ignore"):
            close = np.abs(corrected - self.numeric) <= evidence.tolerance + SEVERAL * evidence.bound
        return bool(np.all(close | (evidence.kink & (evidence.state != State.FAIL))))


def diagnose(tally: Tally, check: CheckSpec) -> list[Remark]:
    """Return the likely causes of a failure, the likeliest first; empty if the pair did not fail."""
    if tally.evidence is None:
        return []
    if tally.claim.misfit is not None:
        return list(_misfit(tally))
    refused = tally.claim.ignores_seed and "ignores-cotangent" not in check.allow
    if refused and np.any(tally.evidence.analytic):
        return [_ignores_cotangent(tally)]
    failed = tally.evidence.state == State.FAIL
    if check.kinks == "fail" and not np.any(failed & (tally.evidence.error > 0)):
        return [_remark(tally, "domain", "one-sided derivatives differ, and the spec says 'kinks: fail'")]
    if np.all(tally.evidence.kink[failed]):
        return [_remark(tally, "domain", KINKED)]
    case = Case(tally, tally.evidence, check.dims)
    found = [
        _remark(tally, code, message)
        for code, hypothesis in HYPOTHESES
        if (message := hypothesis(case)) is not None
    ]
    if tally.failed_at == ["edge"] and "generic" in check.points:
        message = "wrong at the edge point only: at exact zeros, ties, repeated, negative or integer values"
        found.insert(0, _remark(tally, "domain", message))
    return found or [_remark(tally, "unknown", "the claim differs from the derivative in no simple way")]


def _remark(tally: Tally, code: str, message: str) -> Remark:
    return Remark(code=code, input=tally.pair[1], message=f"{_where(tally)}: {message}")


def _where(tally: Tally) -> str:
    return f"∂{tally.pair[0]}/∂{tally.pair[1]}"


def _misfit(tally: Tally) -> Iterator[Remark]:
    misfit, name = tally.claim.misfit, tally.pair[1]
    assert misfit is not None
    wanted, given = tally.input_shape, misfit.shape
    if tally.claim.kind == "vjp" and given is not None and _stretches(wanted, given):
        lead = len(given) - len(wanted)
        axes = [
            *range(lead),
            *(lead + axis for axis, size in enumerate(wanted) if given[lead + axis] != size),
        ]
        written = axes[0] if len(axes) == 1 else tuple(axes)
        message = f"{misfit.message}; sum it over axis {written}: {name} was broadcast along it"
        yield Remark(code="not-summed", input=name, message=message)
    yield Remark(code="wrong-shape", input=name, message=misfit.message)
    if tally.claim.kind == "vjp" and given is not None and given == wanted[::-1] != wanted:
        yield Remark(
            code="transposed", input=name, message=f"{misfit.message}; its transpose has the right shape"
        )


def _stretches(shape: Shape, wider: Shape) -> bool:
    """Whether broadcasting stretches ``shape`` to ``wider``."""
    tail = wider[len(wider) - len(shape) :]
    return len(wider) >= len(shape) and all(one in (1, two) for one, two in zip(shape, tail, strict=True))


def _ignores_cotangent(tally: Tally) -> Remark:
    output, name = tally.pair
    if tally.claim.kind == "jvp":
        return _remark(tally, "ignores-cotangent", f"the claim does not vary with {name}_dot: multiply by it")
    message = f"the claim does not vary with d{output}: multiply by it"
    if not tally.output_shape:
        message += "; or, for the gradient of a loss, write 'allow: [ignores-cotangent]'"
    return _remark(tally, "ignores-cotangent", message)


def _zero(case: Case) -> str | None:
    if np.any(case.analytic) or not np.any(case.numeric):
        return None
    return "the claim is zero, the derivative is not"


def _sign_flipped(case: Case) -> str | None:
    return "the claim is minus the derivative" if case.explains(-case.analytic) else None


def _scaled(case: Case) -> str | None:
    """Recognise a constant factor, and name it where it is a size of the spec or made of them."""
    weight = float(np.sum(case.numeric**2))
    if not weight or not np.all(np.isfinite(case.analytic)):
        return None
    factor = float(np.sum(case.analytic * case.numeric)) / weight
    simple = any(np.isclose(abs(one), round(abs(one))) for one in (factor, 1 / factor)) if factor else False
    if np.count_nonzero(case.numeric) < 2 and not simple:  # any two numbers have a ratio
        return None
    trivial = factor == 0 or min(abs(factor - 1), abs(factor + 1)) < CLOSE
    if trivial or not case.explains(case.analytic / factor):
        return None
    return f"the claim is {factor:.6g} times the derivative{_name_factor(factor, case.dims)}"


def _name_factor(factor: float, dims: Mapping[str, Size]) -> str:
    for name, size in dims.items():
        if size > 2:  # a factor of 2 has likelier causes than a size
            if np.isclose(factor, size):
                return f", and {name} = {int(size)}: a sum where the function takes a mean?"
            if np.isclose(factor, 1 / size):
                return f", and 1/{name} = 1/{int(size)}: a mean where the function takes a sum?"
    return ""


def _transposed(case: Case) -> str | None:
    shape = case.tally.input_shape
    rank = len(shape)
    if rank >= 2 and shape[-1] == shape[-2] > 1:
        rows = case.analytic.reshape(-1, *shape)
        if case.explains(np.swapaxes(rows, -1, -2).reshape(case.analytic.shape)):
            return f"the claim for {case.name} is transposed: swap its last two axes"
    square = case.tally.output_shape == shape
    if square and case.tally.claim.kind != "vjp" and case.explains(case.analytic.T):
        return "output and input axes are exchanged: the Jacobian's output axes come first"
    if square and case.tally.claim.kind == "vjp" and case.explains(case.analytic.T):
        return "the claim multiplies by the Jacobian, not by its transpose: it is a JVP"
    return None


def _single_entry(case: Case) -> str | None:
    state = case.tally.state
    if state is None or state.size == 1 or np.sum(state == State.FAIL) != 1:
        return None
    entry = case.tally.entries[0][1]  # the gravest comes first
    return f"one entry alone is wrong: output {show(entry.output_index)}, input {show(entry.input_index)}"


HYPOTHESES: tuple[tuple[str, Callable[[Case], str | None]], ...] = (
    ("zero", _zero),
    ("sign-flipped", _sign_flipped),
    ("scaled", _scaled),
    ("transposed", _transposed),
    ("single-entry", _single_entry),
)
