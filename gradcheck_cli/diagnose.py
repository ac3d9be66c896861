"""Names the likely cause of a mismatch: a table of hypotheses, each with a test on the two Jacobians.

Every hypothesis is checked against the numbers before it is uttered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.compare import SEVERAL, Comparison, State
from gradcheck_cli.functions.base import ArrayType
from gradcheck_cli.result import Remark
from gradcheck_cli.shapes import Shape, Size, count, show
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
    if tally.claim.ignores_seed and tally.output_shape and "ignores-cotangent" not in check.allow:
        return []  # the contract names it, and no Jacobian of rows that are alike resembles the right one
    failed = tally.evidence.state == State.FAIL
    if check.kinks == "fail" and not np.any(failed & (tally.evidence.error > 0)):
        return [_remark(tally, "domain", "one-sided derivatives differ, and the spec says 'kinks: fail'")]
    infinite = [_remark(tally, "unknown", message) for message in _not_finite(tally.evidence)]
    if np.all(tally.evidence.kink[failed]):
        return [_remark(tally, "domain", KINKED), *infinite]
    found = [*infinite, *_likenesses(Case(tally, tally.evidence, check.dims))]
    if "generic" in check.points and "generic" not in tally.failed_at:
        found = [_remark(tally, "domain", message) for message in _only_at(tally.failed_at)] + found
    return found or [_remark(tally, "unknown", "the claim differs from the derivative in no simple way")]


def _not_finite(evidence: Comparison) -> Iterator[str]:
    """Say where the claim is no number although the derivative is one."""
    wrong = (evidence.state == State.FAIL) & ~np.isfinite(evidence.analytic)
    if wrong.any():
        # Not its sign: what says inf for a seed of -2 comes to -inf.
        kinds = " or ".join(dict.fromkeys(str(size) for size in np.sort(np.abs(evidence.analytic[wrong]))))
        yield f"the claim is not finite ({kinds}) in {np.sum(wrong)} of {wrong.size} entries"


def _likenesses(case: Case) -> Iterator[Remark]:
    """Yield every hypothesis that the numbers bear out."""
    for code, hypothesis in HYPOTHESES:
        if (message := hypothesis(case)) is not None:
            yield _remark(case.tally, code, message)


def _only_at(points: list[str]) -> Iterator[str]:
    """Say what is special about the only points at which a claim is wrong."""
    if points == ["edge"]:
        yield "wrong at the edge point only: at exact zeros, ties, repeated, negative or integer values"
    elif all(re.search(r"edge|\*", point) for point in points):
        listed = " and ".join(points)
        yield f"wrong at {listed} only: where an operation takes another side, or on the bound between two"


def _remark(tally: Tally, code: str, message: str) -> Remark:
    return Remark(code=code, input=tally.pair[1], message=f"{_where(tally)}: {message}")


def _where(tally: Tally) -> str:
    return f"∂{tally.pair[0]}/∂{tally.pair[1]}"


def _misfit(tally: Tally) -> Iterator[Remark]:
    misfit, name = tally.claim.misfit, tally.pair[1]
    assert misfit is not None
    if misfit.code != "wrong-shape":
        yield Remark(code=misfit.code, input=name, message=misfit.message)
        return
    if misfit.exchanged:
        yield Remark(code="swapped-inputs", input=name, message=f"{misfit.message}; {misfit.exchanged}")
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


def _zero(case: Case) -> str | None:
    if np.any(case.analytic) or not np.any(case.numeric):
        return None
    return "the claim is zero, the derivative is not"


def _sign_flipped(case: Case) -> str | None:
    return "the claim is minus the derivative" if case.explains(-case.analytic) else None


def _scaled(case: Case) -> str | None:
    """Recognise a constant factor, and name it where it is a size of the spec or made of them."""
    largest = float(np.max(np.abs(case.numeric), initial=0.0))
    if not 0 < largest < np.inf or not np.all(np.isfinite(case.analytic)):
        return None
    numeric, analytic = case.numeric / largest, case.analytic / largest  # squares may overflow
    factor = float(np.sum(analytic * numeric) / np.sum(numeric**2))
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
        rows = case.analytic.reshape(-1, *case.tally.types[1].parts.shape)
        if case.explains(np.swapaxes(rows, rank - 1, rank).reshape(case.analytic.shape)):
            return f"the claim for {case.name} is transposed: swap its last two axes"
    square = case.tally.types[0].parts.shape == case.tally.types[1].parts.shape
    if square and case.tally.claim.kind != "vjp" and case.explains(case.analytic.T):
        return "output and input axes are exchanged: the Jacobian's output axes come first"
    if square and case.tally.claim.kind == "vjp" and case.explains(case.analytic.T):
        return "the claim multiplies by the Jacobian, not by its transpose: it is a JVP"
    return None


def _conjugated(case: Case) -> str | None:
    """Recognise a conjugate too many or missing: of the value, or of what multiplies the cotangent."""
    kind, (output, given) = case.tally.claim.kind, case.tally.types
    rows, columns = _signs(output)[:, np.newaxis], _signs(given)
    value, multiplied = (columns, f"d{case.tally.pair[0]}") if kind == "vjp" else (rows, f"{case.name}_dot")
    if not (output.is_complex or given.is_complex):
        return None
    if kind == "vjp" and case.explains(case.analytic * value):
        gradient = f"∂L/∂Re {case.name} + i ∂L/∂Im {case.name}"
        return f"the claim is the conjugate of the gradient {gradient}, as JAX's grad is: write conj(…)"
    if kind == "jvp" and case.explains(case.analytic * value):
        return "the claim is the conjugate of the derivative: write conj(…)"
    if not case.explains(case.analytic * rows * columns):
        return None
    if kind == "jacobian":
        return "the claim is the conjugate of the Jacobian: write conj(…)"
    return f"what the claim multiplies {multiplied} by has to be conjugated"


def _signs(type_: ArrayType) -> Array:
    """-1 for every imaginary part of an array, 1 for all other numbers in it."""
    return np.tile([1.0, -1.0] if type_.is_complex else [1.0], count(type_.shape))


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
    ("conjugated", _conjugated),
    ("transposed", _transposed),
    ("single-entry", _single_entry),
)
