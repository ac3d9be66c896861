"""Ways to corrupt a derivative that need no more than its array: the first part of the table.

Each is a name, the diagnoses that name it rightly, and a change of the array that the claim gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.explore.mutate.site import Moment, Site
from gradcheck_cli.functions.base import Arrays

Change = Callable[[Moment], Array]
FAR = 3.0  # of what is added where a derivative is to be plainly wrong, beyond any subgradient


@dataclass(frozen=True, kw_only=True)
class Corruption:
    """One way to be wrong.

    ``fits`` says what a formula's text would show before any value is computed: another ``shape``, a complex
    ``dtype``, or no cotangent in it (``seed``).
    """

    name: str
    codes: tuple[str, ...]
    change: Change
    static: str = ""  # "shape", "dtype", "seed"
    exchanged: str = ""  # another input, whose claim is corrupted likewise
    counts: bool = True
    within: float = np.inf  # relative size of the error
    special: Callable[[Arrays], bool] | None = None  # primals at which it is wrong, if it is at few


def array_corruptions(site: Site) -> Iterator[Corruption]:
    """Yield all ways to corrupt an array of this shape."""
    for table in (_wholly, _by_factors, _by_axes, _misplaced, _in_part, _misshapen):
        yield from table(site)


def _simply(
    name: str, codes: str, change: Callable[[Array], Array], *, static: str = "", within: float = np.inf
) -> Corruption:
    return Corruption(
        name=name,
        codes=tuple(codes.split()),
        change=lambda moment: np.asarray(change(moment.value)),
        static=static,
        within=within,
    )


def _wholly(_site: Site) -> Iterator[Corruption]:
    yield _simply("sign flipped", "sign-flipped", np.negative)
    yield _simply("zero", "zero", np.zeros_like)


def _by_factors(site: Site) -> Iterator[Corruption]:
    sizes: dict[int, str] = {}
    for name, size in site.check.dims.items():
        sizes.setdefault(int(size), name)
    factors = {f"divided by {name} = {size}": 1 / size for size, name in sizes.items() if size > 1}
    for name, factor in {"times 2": 2.0, **factors, "times 1.01": 1.01, "times 1.0001": 1.0001}.items():
        yield _simply(name, "scaled", partial(_times, factor=factor), within=abs(factor - 1))


def _times(array: Array, *, factor: float) -> Array:
    return np.asarray(array * array.dtype.type(factor))


def _by_axes(site: Site) -> Iterator[Corruption]:
    """Transposes, axes in another order, entries in another order along an axis."""
    shape = site.shape
    for one, other in combinations(range(len(shape)), 2):
        if shape[one] == shape[other] > 1:
            last = (one, other) == (len(shape) - 2, len(shape) - 1)
            name, code = ("transposed", "transposed permuted") if last else ("", "permuted transposed")
            swap = partial(np.swapaxes, axis1=one, axis2=other)
            yield _simply(name or f"axes {one} and {other} swapped", code, swap)
    for axis, size in enumerate(shape):
        if size > 1:
            yield _simply(f"reversed along axis {axis}", "permuted", partial(np.flip, axis=axis))
        if size > 2:
            yield _simply(f"shifted along axis {axis}", "permuted", partial(np.roll, shift=1, axis=axis))


def _misplaced(site: Site) -> Iterator[Corruption]:
    """Terms too few or too many: the mean along an axis."""
    for axis, size in enumerate(site.shape):
        if size > 1:
            for word, sign in (("subtracted", -1), ("added", 1)):
                change = partial(_with_mean, axis=axis, sign=sign)
                yield _simply(f"its mean along axis {axis} {word}", "missing-term", change)


def _with_mean(array: Array, *, axis: int, sign: int) -> Array:
    return np.asarray(array + sign * np.mean(array, axis=axis, keepdims=True))


def _in_part(site: Site) -> Iterator[Corruption]:
    """Parts that have a name, set to zero."""
    for axis, size in enumerate(site.shape):
        if size > 1:
            for word, place in (("first", 0), ("last", size - 1)):
                change = partial(_without_place, axis=axis, place=place)
                yield _simply(f"zero in the {word} place of axis {axis}", "region single-entry", change)
    if site.kind != "jvp":
        signs: dict[str, Callable[[Array], Array]] = {
            "negative": lambda x: x.real < 0,
            "positive": lambda x: x.real > 0,
        }
        for word, where in signs.items():
            yield Corruption(
                name=f"zero where {site.about} is {word}",
                codes=("region", "single-entry", "zero", "domain"),  # where all are, or special ones only
                change=partial(_zero_where, where=where),
            )


def _without_place(array: Array, *, axis: int, place: int) -> Array:
    result = np.array(array)
    np.moveaxis(result, axis, 0)[place] = 0
    return result


def _zero_where(moment: Moment, *, where: Callable[[Array], Array]) -> Array:
    assert moment.primal is not None, "only gradients and Jacobians have an input"
    return np.where(where(moment.primal), moment.value.dtype.type(0), moment.value)


def _misshapen(site: Site) -> Iterator[Corruption]:
    """Arrays that are none of this input's: of another shape, of another kind of number."""
    summed = (site.shape[:1] or (2,)) if site.kind == "vjp" else (1,)
    stretch = partial(_stretched, size=max(int(summed[0]), 2))
    yield _simply("an axis too many", "not-summed wrong-shape", stretch, static="shape")
    if len(site.shape) != 1:
        yield _simply("flattened", "wrong-shape", np.ravel, static="shape")
    if not site.type_.is_complex:
        yield _simply("complex", "wrong-dtype", lambda array: array + 0.5j * array, static="dtype")
    if site.is_layer:
        whole = partial(np.asarray, dtype=np.int64)
        yield _simply("whole numbers", "wrong-dtype", lambda array: whole(np.nan_to_num(array.real)))


def _stretched(array: Array, *, size: int) -> Array:
    return np.stack([array / size] * size)
