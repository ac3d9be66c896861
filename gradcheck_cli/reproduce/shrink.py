"""The search for a small spec that fails of the same cause: first sizes, then what it can do without.

Small sizes are tried first, since they cost least, different ones before equal ones and none below 2: at 1,
or where two are equal, many a mistake hides or looks like another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from gradcheck_cli.reproduce.form import (
    CLAIMS,
    SPARE,
    Sizes,
    only_claim,
    only_input,
    resized,
    sizes_of,
    without,
    without_idle_dims,
)
from gradcheck_cli.reproduce.trial import Judge, Trial
from gradcheck_cli.spec.form import Form

SMALLEST: Final = 2
TRIED: Final = 8  # sizes up to which each is tried; beyond, only half of what it is
PASSES: Final = 2  # times that each size is looked at


class Shrinker:
    """Makes a form smaller as long as a judge finds the same failure in it."""

    def __init__(self, judge: Judge, form: Form) -> None:
        self.judge, self.form = judge, form
        self.trial: Trial | None = None  # of the form as it is, once that has been run

    def shrink(self, points: Sequence[str]) -> None:
        """Take away what can be; ``points`` are those at which the failure may show."""
        self._shrink_sizes(points)
        self._shrink_keys(points)
        self._try(without_idle_dims(self.form))
        for name in list(self.form["inputs"]):
            if name != self.judge.target.input and len(self.form["inputs"]) > 1:
                inputs = {key: one for key, one in self.form["inputs"].items() if key != name}
                self._try({**self.form, "inputs": inputs})

    def _try(self, *forms: Form) -> bool:
        found = self.judge.first([form for form in forms if form != self.form])
        if found is None:
            return False
        self.form, self.trial = found.form, found
        return True

    def _shrink_sizes(self, points: Sequence[str]) -> None:
        lean = [at_point(only_claim(self.form, self.judge.target), point) for point in points]
        small = ranked(sizes_of(self.form))
        if not self._try(*(resized(form, sizes) for sizes in small for form in (*lean, self.form))):
            self._try(*lean)
        for _ in range(PASSES):
            before, sizes = self.form, sizes_of(self.form)
            for name in sorted(sizes, key=lambda one: -sizes[one]):
                self._shrink_size(name)
            if self.form == before:
                return

    def _shrink_size(self, name: str | int) -> None:
        sizes = sizes_of(self.form)
        if name in sizes:  # a number that stands for itself has another name once it has changed
            self._try(*(resized(self.form, {name: size}) for size in smaller(sizes, name)))

    def _shrink_keys(self, points: Sequence[str]) -> None:
        target = self.judge.target
        narrow = [at_point(self.form, point) for point in points]
        bare = [without(only_claim(form, target), *SPARE) for form in narrow]
        if self._try(*bare) or (self.form in bare and self.trial is not None):
            return
        self._try(*narrow)
        self._try(only_claim(self.form, target))
        for key in (*CLAIMS, *SPARE):
            self._try(without(self.form, key))
        self._try(only_input(self.form, target))


def at_point(form: Form, point: str) -> Form:
    """Check at the one kind of point at which the failure shows."""
    return {**form, "points": ["edge" if point.startswith("edge") else "generic"]}


def ranked(sizes: Sizes) -> Iterator[Sizes]:
    """Yield the smallest sizes from 2, and from 3, that are all different and none larger than it was.

    >>> list(ranked({"N": 8, "D": 1, "M": 5}))
    [{'N': 3, 'D': 1, 'M': 2}, {'N': 4, 'D': 1, 'M': 3}]
    """
    order = sorted((name for name in sizes if sizes[name] >= SMALLEST), key=lambda name: sizes[name])
    for least in (SMALLEST, SMALLEST + 1):
        new = {name: min(sizes[name], rank) for rank, name in enumerate(order, start=least)}
        yield {**sizes, **new}


def smaller(sizes: Sizes, name: str | int) -> list[int]:
    """Sizes to try for one of several, those that no other one has first.

    >>> smaller({"N": 5, "D": 3}, "N")
    [2, 4, 3]
    """
    size, others = sizes[name], {one for key, one in sizes.items() if key != name}
    found = [*range(SMALLEST, min(size, TRIED)), *([size // 2] if size > 2 * TRIED else ())]
    return sorted(found, key=lambda one: (one in others, one))
