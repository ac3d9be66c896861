"""Sizes that hide a mistake, D = M a forgotten transpose and N = 1 a missing sum, and others that do not."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from gradcheck_cli.result import Fault
from gradcheck_cli.shapes import Size, count
from gradcheck_cli.spec.types import CheckSpec, Elsewhere

Sizes = Mapping[str, int]
Resolve = Callable[[Mapping[str, Size]], tuple[CheckSpec, list[Fault]]]

LARGEST: Final = 40  # size of a dim beyond which no other is tried
MOST_ENTRIES: Final = 2000  # likewise, of all inputs together


@dataclass(frozen=True)
class _Resized:
    """Resolves one check at other sizes."""

    resolve: Resolve

    def __call__(self, sizes: Sizes) -> CheckSpec | None:
        if max(sizes.values()) > LARGEST:
            return None
        check, faults = self.resolve({name: Size(size, name) for name, size in sizes.items()})
        large = sum(count(one.shape) for one in check.inputs) > MOST_ENTRIES
        return None if faults or large else check


def with_elsewhere(checks: list[CheckSpec], resolve: Resolve) -> list[CheckSpec]:
    """Give a check whose sizes may hide a mistake a way to be made at others.

    Checks of one sweep tell one another's sizes apart; for what they have in common the first one stands.
    """
    first, *rest = checks
    found = coincidences([check.dims for check in checks])
    if not found or first.expect == "fail" or 0 in first.dims.values():
        return checks
    return [replace(first, elsewhere=Elsewhere(coincidences=found, at=_Resized(resolve))), *rest]


def coincidences(sweep: Sequence[Sizes]) -> tuple[tuple[str, ...], ...]:
    """List the dims that are 1, and the pairs of dims that are equal, in all checks of a sweep.

    >>> coincidences([{"N": 1, "D": 3, "M": 3}, {"N": 1, "D": 4, "M": 4}])
    (('N',), ('D', 'M'))
    """
    ones = [(name,) for name in sweep[0] if all(sizes[name] == 1 for sizes in sweep)]
    equal = [
        (one, other)
        for one, other in itertools.combinations(sweep[0], 2)
        if all(sizes[one] == sizes[other] != 1 for sizes in sweep)
    ]
    return (*ones, *equal)


def apart(sizes: Sizes) -> Iterator[dict[str, int]]:
    """Yield sizes that are all different and none of them 1, the smallest first.

    >>> next(apart({"N": 1, "D": 7, "M": 7, "K": 5}))
    {'N': 2, 'D': 4, 'M': 5, 'K': 3}
    """
    order = sorted(sizes, key=lambda name: sizes[name])
    yield {name: order.index(name) + 2 for name in sizes}
    for step in STEPS:
        result = dict(sizes)
        for place, (name, size) in enumerate(sizes.items()):
            if size == 1 or size in list(sizes.values())[:place]:
                result[name] = _free(size, result.values(), step)
        yield result


def alike(sizes: Sizes) -> Iterator[dict[str, int]]:
    """Yield other sizes that are equal to one another, and 1, where the given ones are.

    >>> next(alike({"N": 1, "D": 7, "M": 7, "K": 5})), next(alike({"N": 1, "D": 2, "M": 3}))
    ({'N': 1, 'D': 3, 'M': 3, 'K': 2}, {'N': 1, 'D': 3, 'M': 4})
    """
    distinct = sorted({*sizes.values()} - {1})
    ranks = {size: rank for rank, size in enumerate(distinct, start=2)}
    if any(size == rank for size, rank in ranks.items()):
        ranks = {size: rank + 1 for size, rank in zip(distinct, ranks.values(), strict=True)}
    yield {name: ranks.get(size, 1) for name, size in sizes.items()}
    yield {name: 2 * size if size > 1 else 1 for name, size in sizes.items()}


def changed(sizes: Sizes, names: Sequence[str]) -> Iterator[dict[str, int]]:
    """Yield sizes of which only the named dims, equal so far, have another one.

    >>> list(changed({"D": 4, "M": 4, "K": 5}, ["M"]))
    [{'D': 4, 'M': 6, 'K': 5}, {'D': 4, 'M': 8, 'K': 5}]
    """
    for step in STEPS:
        free = _free(sizes[names[0]], sizes.values(), step)
        yield {**sizes, **dict.fromkeys(names, free)}


# By how much a size grows until it is free: by one; by itself, so that what divides it still does.
STEPS: Final[tuple[Callable[[int], int], ...]] = (lambda _: 1, lambda size: size)


def _free(size: int, taken: Iterable[int], step: Callable[[int], int]) -> int:
    used = set(taken)
    return next(one for one in itertools.count(size + step(size), step(size)) if one not in used)
