"""Hypotheses about a factor that is no number: it varies along an axis, or is an array with a name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.diagnose.case import Case, Found
from gradcheck_cli.diagnose.likeness import CLOSE, times_text
from gradcheck_cli.diagnose.regions import regions

MOST_AXES: Final = 2  # that a factor may vary along: one that varies along more says nothing
REGION: Final = 3.75  # rank of a part of the result in which the claim is simply related to the derivative
LEAST: Final = 3  # entries that a factor has to explain for each number that it is made of, at the least two
# What a claim may have too much of, or too little, as text and function.
POWERS: Final[tuple[tuple[str, Callable[[Array], Array]], ...]] = (
    ("{}", lambda v: v),
    ("{}**2", np.square),
    ("sqrt({})", np.sqrt),
    ("|{}|", np.abs),
    ("2*{}", lambda v: 2 * v),
    ("(1 - {})", lambda v: 1 - v),
    ("(1 - {}**2)", lambda v: 1 - v**2),
    ("sigmoid({})", lambda v: 1 / (1 + np.exp(-v))),
    ("tanh({})", np.tanh),
    ("exp({})", np.exp),
    ("{}**3", lambda v: v**3),
)


def varying_factor(case: Case) -> Iterator[Found]:
    """Recognise a factor that is the same along some axes, or an array of the spec."""
    ratio = _ratio(case)
    if ratio is None:
        return
    if (named := _named(case, ratio)) is not None:
        yield Found("scaled", named, 3.6 if "(" not in named else 4.3)
        return
    if (counted := _counted_once(case, ratio)) is not None:
        yield Found("overwritten", counted, 3.7)
        return
    axes = None if any(one.is_complex for one in case.types) else _axes(case, ratio)
    if axes is None:
        return
    with np.errstate(all="ignore"):
        values = np.unique(np.round(ratio[case.present], 12))
    shown = ", ".join(f"{one:.6g}" for one in _spread(values))
    yield Found(
        "scaled", f"the claim is the derivative times a factor that varies with {axes} only: {shown}", 4.65
    )


def _counted_once(case: Case, ratio: Array) -> str | None:
    """Recognise indices that are counted once however often they are repeated: the factor is 1 / count."""
    shape = case.shapes[1]
    for name, index in case.evidence.primals.items():
        if index.dtype.kind not in "iu" or not index.size or not shape or index.min() < 0:
            continue
        counts = np.bincount(index.reshape(-1), minlength=shape[0])
        if len(counts) > shape[0] or np.max(counts) < 2:
            continue
        once = 1 / np.maximum(counts, 1)
        laid = np.broadcast_to(once.reshape(-1, *[1] * (len(shape) - 1)), shape).reshape(1, -1)
        if _agrees(ratio, np.broadcast_to(laid, ratio.shape), case.present) and _fits(case, laid):
            return f"an index that {name} holds several times is counted once: add its contributions up"
    return None


def _spread(values: Array) -> list[float]:
    return [float(one) for one in (values if len(values) <= 3 else values[[0, len(values) // 2, -1]])]


def _ratio(case: Case) -> Array | None:
    """Claim over derivative; None where one of them is zero and the other is not."""
    if np.sum(case.present) < LEAST or np.any(case.wrong & ~case.present):
        return None
    with np.errstate(all="ignore"):
        ratio = np.where(case.present, case.analytic / case.numeric, np.nan)
    found = ratio[case.present]
    return ratio if np.all(np.isfinite(found)) and np.all(found) else None


def _fits(case: Case, factor: Array) -> bool:
    with np.errstate(all="ignore"):
        corrected = np.where(case.relevant, case.analytic / factor, case.analytic)
    return case.explains(corrected)


def _named(case: Case, ratio: Array) -> str | None:
    """Find an array whose values, laid along seed or result, are the factor or its inverse."""
    for name, values in case.values().items():
        for factor in _laid(case, values):
            for written, power in POWERS:
                with np.errstate(all="ignore"):
                    size = np.broadcast_to(power(factor), ratio.shape)
                if not np.all(np.isfinite(size[case.present])) or np.allclose(size[case.present], 1):
                    continue
                text = written.format(name)
                if _agrees(ratio, size, case.present) and _fits(case, size):
                    return f"the claim is {text} times the derivative: divide by it"
                with np.errstate(all="ignore"):
                    inverse = 1 / size
                if _agrees(ratio, inverse, case.present) and _fits(case, inverse):
                    return f"the claim lacks the factor {text}"
    return None


def _agrees(ratio: Array, size: Array, present: Array) -> bool:
    return bool(np.allclose(ratio[present], size[present], rtol=1e-3))


def _laid(case: Case, values: Array) -> Iterator[Array]:
    """Lay an array along the result's and the seed's entries, as broadcasting would."""
    for place, shape in enumerate(case.shapes):
        side = (slice(None), np.newaxis) if place == 0 else (np.newaxis, slice(None))
        try:
            laid = np.broadcast_to(values, shape)
        except ValueError:
            continue
        if values.ndim <= len(shape):
            yield laid.reshape(-1)[side]


def _axes(case: Case, ratio: Array) -> str | None:
    """Name the axes that the factor varies along, where it is the same along all others, which are many."""
    seed, result = case.shapes
    full = np.ma.masked_invalid(ratio).reshape((*seed, *result))
    kept = list(range(full.ndim))
    for axis in sorted(kept, key=lambda one: -full.shape[one]):
        trial = tuple(one for one in range(full.ndim) if one not in kept or one == axis)
        low, high = full.min(trial), full.max(trial)
        if np.ma.allclose(low, high, rtol=1e-3 * CLOSE**0.5, masked_equal=True):
            kept.remove(axis)
    merged = full.mean(tuple(one for one in range(full.ndim) if one not in kept), keepdims=True)
    numbers = int(np.ma.count(merged))
    if not 0 < len(kept) <= MOST_AXES or numbers * LEAST > int(np.sum(case.present)):
        return None
    if not _fits(case, np.broadcast_to(merged.filled(1.0), full.shape).reshape(ratio.shape)):
        return None
    names = [
        f"axis {one if one < len(seed) else one - len(seed)} of {case.names[one >= len(seed)]}"
        for one in kept
    ]
    return " and ".join(names)


def within_region(case: Case) -> Iterator[Found]:
    """Recognise a simple relation inside the part that is wrong, and say where that part is."""
    if np.all(case.wrong[case.relevant]):
        return
    for region in regions(case):
        relation, code = _relation(case, region.mask & case.relevant)
        yield _placed(case, region.kind, region.name, relation, code)
        return


def _relation(case: Case, inside: Array) -> tuple[str, str]:
    """Say what the claim is inside a part, and by which code: zero, minus the derivative, a multiple."""
    given, right = case.analytic[inside], case.numeric[inside]
    if not np.any(np.abs(given) > case.room[inside]):
        return "the claim is zero there, the derivative is not", "zero"
    if not np.any(case.present[inside]):
        return "the derivative is zero there, the claim is not", "excess"
    if case.explains(-case.analytic, inside):
        return "the claim is minus the derivative there", "sign-flipped"
    factor = float(given @ right / (right @ right)) if np.any(right) else 0.0
    if factor and case.explains(case.analytic / factor, inside):
        return f"the claim is {times_text(factor, case)} there", "scaled"
    rest = given - right
    if len(rest) > 1 and np.ptp(rest) <= CLOSE * np.max(np.abs(rest)):
        return f"the claim is {abs(rest[0]):.6g} too {'large' if rest[0] > 0 else 'small'} there", "offset"
    return "", ""


def _placed(case: Case, kind: str, name: str, relation: str, code: str) -> Found:
    """Word a region: of the result it is a part of the gradient, of the seed a term that is wrong."""
    tail = f": {relation}" if relation else ""
    if kind in {"result", "both"}:
        return Found("region", f"wrong only in {name}{tail}", REGION if relation else 4.7)
    if code == "zero" and kind == "seed":
        what = f"the terms with {case.seed or case.names[0]} for {name} are missing"
        return Found("missing-term", f"{what}{tail}", 4.0)
    if code == "zero":
        return Found("missing-term", f"the terms {name} are missing{tail}", 4.6)
    return Found(
        "region", f"wrong only for {name}{tail}", 4.6 if relation else 5.6 if kind == "seed" else 6.5
    )
