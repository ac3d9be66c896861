"""Names the likely cause of a mismatch: a table of hypotheses, each with a test on the two Jacobians.

Every hypothesis is checked against the numbers before it is uttered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.compare import State
from gradcheck_cli.result import Remark
from gradcheck_cli.shapes import Shape, Size, show
from gradcheck_cli.tally import Tally

CLOSE = 1e-4  # relative difference at which a corrected Jacobian counts as the right one


@dataclass(frozen=True)
class Case:
    """A wrong claim about one pair, as its hypotheses see it."""

    tally: Tally
    analytic: Array  # M × N
    numeric: Array
    dims: Mapping[str, Size]

    @property
    def name(self) -> str:
        """The input, as messages call it."""
        return self.tally.pair[1]

    def explains(self, corrected: Array) -> bool:
        """Whether a corrected Jacobian agrees with the numeric one everywhere."""
        scale = np.max(np.abs(self.numeric), initial=0.0)
        with np.errstate(invalid="ignore"):
            close = np.abs(corrected - self.numeric) <= CLOSE * (np.abs(self.numeric) + 1e-3 * scale)
        return bool(np.all(close))


def diagnose(tally: Tally, dims: Mapping[str, Size]) -> list[Remark]:
    """Return the likely causes of a failure, the likeliest first; empty if the pair did not fail."""
    if tally.evidence is None:
        return []
    if tally.claim.misfit is not None:
        return list(_misfit(tally))
    if tally.claim.ignores_seed and np.any(tally.evidence.analytic):
        return [_ignores_cotangent(tally)]
    case = Case(tally, tally.evidence.analytic, tally.evidence.numeric, dims)
    found = [
        Remark(code=code, input=case.name, message=f"{_where(tally)}: {message}")
        for code, hypothesis in HYPOTHESES
        if (message := hypothesis(case)) is not None
    ]
    if tally.failed_at == ["edge"]:
        message = "wrong at the edge point only: at exact zeros, ties, repeated, negative or integer values"
        found.insert(0, Remark(code="domain", input=case.name, message=f"{_where(tally)}: {message}"))
    if not found:
        message = "the claim differs from the numeric derivative in no simple way"
        found.append(Remark(code="unknown", input=case.name, message=f"{_where(tally)}: {message}"))
    return found


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
    seed = f"d{output}" if tally.claim.kind == "vjp" else f"{name}_dot"
    message = (
        f"{_where(tally)}: the claim does not vary with {seed}: multiply by it, or write "
        "'allow: [ignores-cotangent]' to check the gradient of a loss for the cotangent 1 only"
    )
    return Remark(code="ignores-cotangent", input=name, message=message)


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
    if abs(factor) < CLOSE or abs(factor + 1) < CLOSE or not case.explains(case.analytic / factor):
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
    evidence = case.tally.evidence
    assert evidence is not None
    wrong = np.argwhere(evidence.state == State.FAIL)
    if len(wrong) != 1 or evidence.state.size == 1:
        return None
    entry = case.tally.entries[0][1]
    return f"one entry alone is wrong: output {show(entry.output_index)}, input {show(entry.input_index)}"


HYPOTHESES: tuple[tuple[str, Callable[[Case], str | None]], ...] = (
    ("zero", _zero),
    ("sign-flipped", _sign_flipped),
    ("scaled", _scaled),
    ("transposed", _transposed),
    ("single-entry", _single_entry),
)
