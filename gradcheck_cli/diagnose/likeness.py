"""Hypotheses about the claim as a whole: right but for a sign, a factor, an exchange of axes."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.diagnose.case import Case, Found
from gradcheck_cli.functions.base import ArrayType
from gradcheck_cli.shapes import count
from gradcheck_cli.tally import Tally

CLOSE: Final = 1e-6  # a factor as near as this to 1 or -1 explains nothing of its own
MOST_AXES: Final = 5  # of an array whose axes are exchanged in every way


def zero(case: Case) -> Iterator[Found]:
    """Recognise a claim that is zero; of one of several outputs, a term of the gradient that is missing."""
    if np.any(case.claimed) or not np.any(case.present):
        return
    if case.kind == "vjp" and any(
        one.claims_something for one in case.siblings() if one.pair[1] == case.names[1]
    ):
        yield Found("missing-term", f"{case.result} does not use {case.seed}: that term is missing", 0.0)
    yield Found("zero", "the claim is zero, the derivative is not", 0.1)


def sign_flipped(case: Case) -> Iterator[Found]:
    """Recognise minus the derivative."""
    if case.explains(-case.analytic):
        yield Found("sign-flipped", "the claim is minus the derivative: change its sign", 1.0)


def scaled(case: Case) -> Iterator[Found]:
    """Recognise a constant factor, and name it where it is made of sizes of the spec."""
    factor = _factor(case.analytic, case.numeric)
    yield from _turned(case)
    if factor is None or min(abs(factor - 1), abs(factor + 1)) < CLOSE:
        return
    simple = any(np.isclose(abs(one), round(abs(one))) for one in (factor, 1 / factor))
    if np.count_nonzero(case.numeric) < 2 and not simple:  # any two numbers have a ratio
        return
    if case.explains(case.analytic / factor):
        yield Found("scaled", f"the claim is {times_text(factor, case)}", 2.0)


def _factor(analytic: Array, numeric: Array) -> float | None:
    """Fit analytic = factor · numeric; None where there is nothing to fit."""
    largest = float(np.max(np.abs(numeric), initial=0.0))
    if not 0 < largest < np.inf or not np.all(np.isfinite(analytic)):
        return None
    right, given = numeric / largest, analytic / largest  # squares may overflow
    factor = float(np.sum(given * right) / np.sum(right**2))
    return factor or None


def _turned(case: Case) -> Iterator[Found]:
    """Recognise a complex factor: every entry of the result is turned by the same angle."""
    if not case.types[1].is_complex or case.kind == "jacobian":
        return
    given, right = (one.reshape(-1, 2) @ np.array([1, 1j]) for one in (case.analytic, case.numeric))
    factor = complex(np.vdot(right, given) / max(np.vdot(right, right).real, np.finfo(float).tiny))
    if abs(factor.imag) <= CLOSE * abs(factor) or not factor:
        return
    corrected = given / factor
    if case.explains(np.stack([corrected.real, corrected.imag], -1).reshape(case.analytic.shape)):
        yield Found("scaled", f"the claim is {factor:.6g} times the derivative", 2.0)


def sizes(case: Case) -> dict[str, int]:
    """Sizes by which a factor may be named: the dims, else those of the axes, and their products."""
    found = {name: int(size) for name, size in case.check.dims.items()}
    known = set(found.values())
    for name, shape in zip(case.names, case.shapes, strict=True):
        for axis, size in enumerate(shape):
            if size not in known:
                found[f"{name}.shape[{axis}]"] = size
        if count(shape) not in {*known, *shape, 1}:
            found[f"{name}.size"] = count(shape)
    return {name: size for name, size in found.items() if size > 1}


def times_text(factor: float, case: Case, what: str = "the derivative") -> str:
    """Write a multiple, and what its factor is made of: ``4 times the derivative (N: a sum for a mean?)``."""
    return f"{factor:.6g} times {what}{_origin(factor, sizes(case))}"


def _origin(factor: float, named: Mapping[str, int]) -> str:
    if any(math.isclose(abs(factor), one, rel_tol=CLOSE) for one in (1, 2, 0.5)):
        return ""  # has likelier causes than a size
    for written, value, hint in _made_of(named):
        for sign, minus in ((1, ""), (-1, "-")):
            if math.isclose(factor, sign * value, rel_tol=CLOSE):
                return f" ({minus}{written}{': ' if hint else ''}{hint})"
    return ""


def _made_of(named: Mapping[str, int]) -> Iterator[tuple[str, float, str]]:
    """Yield what factors are made of, the likelier first: texts, values, and what they suggest."""
    single = {name: int(size) for name, size in named.items()}
    for name, size in single.items():
        yield name, size, "a sum where the function takes a mean?"
        yield f"1/{name}", 1 / size, "a mean where the function takes a sum?"
    pairs = list(itertools.combinations(named.items(), 2))
    for (one, size), (other, width) in pairs:
        yield f"{one}·{other}", int(size) * int(width), "a sum where the function takes a mean?"
        yield f"1/({one}·{other})", 1 / (int(size) * int(width)), "a mean where the function takes a sum?"
    for name, size in single.items():
        yield f"√{name}", math.sqrt(size), "the scale is forgotten?"
        yield f"1/√{name}", 1 / math.sqrt(size), "the scale is applied twice?"
        yield f"{name}/({name}-1)", size / (size - 1), f"divided by {name} - 1 for {name}?"
        yield f"({name}-1)/{name}", (size - 1) / size, f"divided by {name} for {name} - 1?"
        yield f"2/{name}", 2 / size, ""
        yield f"{name}/2", size / 2, ""
    for (one, size), (other, width) in pairs:
        if size != width:
            yield f"{one}/{other}", int(size) / int(width), f"divided by {other} for {one}?"
            yield f"{other}/{one}", int(width) / int(size), f"divided by {one} for {other}?"


def conjugated(case: Case) -> Iterator[Found]:
    """Recognise a conjugate too many or missing: of the value, or of what multiplies the seed."""
    if not any(one.is_complex for one in case.types):
        return
    rows, columns = (_signs(one) for one in case.types)
    message = ""
    if case.kind != "jacobian" and case.explains(case.analytic * columns):
        gradient = f"∂L/∂Re {case.names[1]} + i ∂L/∂Im {case.names[1]}, as JAX's grad is"
        of = f"gradient {gradient}" if case.kind == "vjp" else "derivative"
        message = f"the claim is the conjugate of the {of}: write conj(…)"
    elif case.explains(case.analytic * rows[:, np.newaxis] * columns):
        message = "the claim is the conjugate of the Jacobian: write conj(…)"
        if case.seed:
            message = f"what the claim multiplies {case.seed} by has to be conjugated"
    if message:
        yield Found("conjugated", message, 3.0)


def _signs(type_: ArrayType) -> Array:
    """-1 for every imaginary part of an array, 1 for all other numbers in it."""
    return np.tile([1.0, -1.0] if type_.is_complex else [1.0], count(type_.shape))


def exchanged_axes(case: Case) -> Iterator[Found]:
    """Recognise axes of the result in another order: its transpose, or another permutation of equal axes."""
    shape = case.shapes[1]
    rank = len(shape) - case.types[1].is_complex
    if not 2 <= rank <= MOST_AXES:
        return
    blocks, name = case.analytic.reshape((-1, *shape)), case.names[1]
    swap = (*range(rank - 2), rank - 1, rank - 2)
    rest = tuple(range(rank, len(shape)))
    for order in [swap, *itertools.permutations(range(rank))]:
        if order == tuple(range(rank)) or any(shape[one] != shape[axis] for axis, one in enumerate(order)):
            continue
        moved = blocks.transpose(0, *(1 + one for one in (*order, *rest))).reshape(case.analytic.shape)
        if case.explains(moved):
            if order == swap:
                yield Found("transposed", f"the claim for {name} is transposed: swap its last two axes", 3.1)
            else:
                yield Found(
                    "permuted", f"the axes of {case.result} are in the wrong order: {_order(order)}", 3.2
                )
            return


def _order(order: tuple[int, ...]) -> str:
    return f"write transpose(…, {order})"


def transposed_factor(case: Case) -> Iterator[Found]:
    """Recognise a matrix for its transpose: an axis of the seed and one of the result are exchanged."""
    seed, result = case.shapes
    full = case.analytic.reshape((*seed, *result))
    for one in range(len(seed) - case.types[0].is_complex):
        for other in range(len(result) - case.types[1].is_complex):
            if seed[one] != result[other] or seed[one] < 2:
                continue
            moved = np.swapaxes(full, one, len(seed) + other).reshape(case.analytic.shape)
            if case.explains(moved):
                flipped = np.flip(full, (one, len(seed) + other)).reshape(case.analytic.shape)
                # A kernel that is not flipped explains it as well, and is likelier.
                yield Found(
                    "transposed", _multiplied(case, one, other), 4.05 if case.explains(flipped) else 3.3
                )
                return


def _multiplied(case: Case, one: int, other: int) -> str:
    fact = f"axis {one} of {case.names[0]} and axis {other} of {case.names[1]} have changed places"
    if case.kind == "jacobian":
        return fact
    return f"{fact}: what the claim multiplies {case.seed} by has to be transposed"


def whole_transposed(case: Case) -> Iterator[Found]:
    """Recognise J for Jᵀ; where J only moves entries, it is the permutation that has to be inverted."""
    seed, result = case.shapes
    if seed != result or np.array_equal(case.analytic, case.analytic.T) or not case.explains(case.analytic.T):
        return
    if _moves(case.analytic):
        remedy = "put every entry back where it came from (of an order, argsort gives the inverse)"
        message = "the entries are moved on as the function moves them, not back"
        yield Found("permuted", f"{message}: {remedy}", 3.25)
    if case.kind == "jacobian":
        yield Found("transposed", "output and input axes are exchanged: the output's come first", 3.5)
        return
    kinds = "Jacobian, not by its transpose: it is a JVP"
    if case.forwards:
        kinds = "Jacobian's transpose: it is a VJP"
    yield Found("transposed", f"the claim multiplies {case.seed} by the {kinds}", 3.5)


def _moves(matrix: Array) -> bool:
    """Whether a matrix has one entry in each row and column at most, and these are alike."""
    filled = matrix != 0
    alike = np.ptp(np.abs(matrix[filled])) <= CLOSE * np.max(np.abs(matrix))
    return bool(alike and np.all(filled.sum(0) <= 1) and np.all(filled.sum(1) <= 1))


def swapped_inputs(case: Case) -> Iterator[Found]:
    """Recognise the gradient of another input, or an exchange with it."""
    if case.kind == "jacobian":
        return
    for other in case.siblings():
        if other.types[not case.forwards].parts.shape != case.types[1].parts.shape:
            continue
        if (
            other.pair[case.forwards] != case.tally.pair[case.forwards]
            or (right := _numeric_of(case, other)) is None
        ):
            continue
        name = other.pair[not case.forwards]
        for sign, minus in ((1, ""), (-1, "minus ")):
            if np.any(case.claimed) and _alike(case, sign * case.analytic, right):
                back = other.evidence is not None and case.explains(
                    sign * case.oriented(other.evidence.analytic)
                )
                yield Found("swapped-inputs", _swapped(case, name, minus, back=back), 2.5)
                return


def _numeric_of(case: Case, other: Tally) -> Array | None:
    """Return the numeric Jacobian of another pair at the same point, if it has been kept."""
    kept = other.numeric_at.get(case.evidence.point)
    return None if kept is None else case.oriented(kept)


def _alike(case: Case, claimed: Array, right: Array) -> bool:
    """Whether the claim would have been right for another pair."""
    room = np.maximum(case.room, CLOSE * np.abs(right))
    return bool(np.all(np.abs(claimed - right) <= room))


def _swapped(case: Case, name: str, minus: str, *, back: bool) -> str:
    mine = case.names[1]
    if back:
        return f"the claims for {mine} and {name} are exchanged{', and both negated' if minus else ''}"
    noun = "gradient for" if case.kind == "vjp" else "derivative of"
    return f"{case.result} is {minus}the {noun} {name}"
