"""Hypotheses about one step of the right backward: which single mistake in it gives the very numbers claimed.

Reverse mode is run over the function's graph with one operation's rule altered: its share dropped, counted
with another factor, its slope left out, a matrix taken for its transpose, the sum over a broadcast axis taken
along another one. What equals the claim names the step. Dropping is linear: with r = uᵀJ for a random u and
r_k the share of step k in it, a claim that counts the step c times has uᵀA = r + (c − 1) r_k.
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.diagnose.case import Case, Found
from gradcheck_cli.diagnose.likeness import CLOSE, times_text
from gradcheck_cli.diagnose.reverse import Altered, Backward, Edge, nothing, times
from gradcheck_cli.diagnose.variants import other_rules, with_other_operands
from gradcheck_cli.functions.base import NO_VALUE

SECONDS: Final = 1.0  # that the search may take
MOST_WHOLE: Final = 10  # whole numbers below are factors that people forget
MOST_PAIRS: Final = 60  # steps of which two at a time are tried


def one_step(case: Case) -> Iterator[Found]:
    """Find the step of the right backward whose mistake explains the claim."""
    backward = Backward.of(case)
    if backward is None or not backward.edges:
        return
    search = Search(backward, min(time.monotonic() + SECONDS, case.deadline))
    if search.sound:
        yield from itertools.islice(search.explanations(), 1)


@dataclass(frozen=True)
class Search:
    """The search for one altered step, along one random seed; what it finds is checked with all rows."""

    backward: Backward
    deadline: float

    @cached_property
    def seed(self) -> Array:
        """A random combination of the output's entries."""
        return np.random.default_rng(7).standard_normal(len(self.backward.case.evidence.analytic))

    @cached_property
    def room(self) -> Array:
        """How near two combinations have to be."""
        room: Array = np.abs(self.seed) @ self.backward.case.evidence.room
        return room

    @cached_property
    def right(self) -> Array:
        """What is right, by reverse mode."""
        return self.backward.pull(self.seed)

    @cached_property
    def claimed(self) -> Array:
        """What is claimed."""
        return np.asarray(self.seed @ self.backward.case.evidence.analytic)

    @property
    def sound(self) -> bool:
        """Whether reverse mode agrees with the numeric derivative here, and the claim does not."""
        numeric = self.seed @ self.backward.case.evidence.numeric
        return bool(np.all(np.abs(self.right - numeric) <= self.room)) and not self.near(self.right)

    def near(self, given: Array) -> bool:
        """Whether this is what is claimed."""
        return bool(np.all(np.abs(given - self.claimed) <= self.room))

    def without(self, edges: Sequence[Edge]) -> Array:
        """What some steps contribute."""
        with np.errstate(all="ignore"):
            left = self.backward.pull(self.seed, {edge: nothing(edge[1]) for edge in edges})
        return self.right - left

    def explanations(self) -> Iterator[Found]:
        """Yield what explains the claim, the simplest first."""
        for attempt in (
            self._counted,
            self._transformed,
            self._elsewhere,
            self._uses,
            self._replaced,
            self._pairs,
        ):
            yield from attempt()
            if time.monotonic() > self.deadline:
                return

    @cached_property
    def groups(self) -> list[tuple[Edge, ...]]:
        """Steps that a mistake may touch: each alone, all of an operation, all that are alike in a loop."""
        edges = self.backward.edges
        alike: dict[tuple[Any, ...], list[Edge]] = {}
        for edge in edges:
            node = self.backward.node(edge)
            others = tuple(arg for place, arg in enumerate(node.args) if place != edge[1])
            name = node.primitive.name if node.primitive else ""
            alike.setdefault((name, edge[1], others or (edge[0],)), []).append(edge)
            if name != "getitem":  # the steps of a loop are written alike
                alike.setdefault((self.backward.text(edge[0]), edge[1], node.shape), []).append(edge)
        whole: dict[int, list[Edge]] = {}
        for edge in edges:
            whole.setdefault(edge[0], []).append(edge)
        several = [tuple(one) for one in (*whole.values(), *alike.values()) if len(one) > 1]
        return list(dict.fromkeys([*((edge,) for edge in edges), *several]))

    @cached_property
    def shares(self) -> list[tuple[tuple[Edge, ...], Array]]:
        """What each of the steps contributes, as far as time allows."""
        found = []
        for group in self.groups:
            found.append((group, self.without(group)))
            if time.monotonic() > self.deadline:
                break
        return found

    def _counted(self) -> Iterator[Found]:
        """Find a step that is dropped, negated, or counted with another factor."""
        rest = self.right - self.claimed
        fits = []
        for group, share in self.shares:
            size = float(share @ share)
            factor = float(share @ rest) / size if size else 0.0
            parallel = size and abs(share @ self.right) >= (1 - CLOSE) * np.sqrt(
                size * (self.right @ self.right)
            )
            if not factor or parallel or not self.near(self.right - factor * share):
                continue
            fits.append((_simplicity(factor), len(self.backward.step(group)), group, factor))
        for _, _, group, factor in sorted(fits, key=lambda one: one[:2]):
            if self._explained_by({edge: times(self.backward, edge, 1 - factor) for edge in group}):
                yield _recounted(self.backward, group, 1 - factor)
                return

    def _explained_by(self, rules: Altered) -> bool:
        """Whether altered rules give the claim; rules that fit no shapes do not."""
        with contextlib.suppress(*NO_VALUE, ValueError, IndexError), np.errstate(all="ignore"):
            return self.near(self.backward.pull(self.seed, rules)) and self.backward.gives_the_claim(rules)
        return False

    def _transformed(self) -> Iterator[Found]:
        """Find a step whose rule is another one than it should be."""
        for group in self.groups:
            for code, rank, message, rules in other_rules(self.backward, group):
                if self._explained_by(rules):
                    yield Found(code, message, rank)
                    return
            if time.monotonic() > self.deadline:
                return

    def _elsewhere(self) -> Iterator[Found]:
        """Find that the derivative is taken at another place: at −x, or at the output."""
        case, name = self.backward.case, self.backward.case.tally.pair[1]
        own = case.evidence.primals[name]
        values = {f"-{name}": -own, f"|{name}|": np.abs(own)}
        values |= {key: one for key, one in case.values().items() if one.shape == own.shape and key != name}
        for text, value in values.items():
            with contextlib.suppress(*NO_VALUE, ValueError), np.errstate(all="ignore"):
                there = self.backward.at(value)
                if self.near(there.pull(self.seed)) and there.gives_the_claim({}):
                    code = "sign-flipped" if text.startswith("-") else "swapped-inputs"
                    yield Found(code, f"the derivative is taken at {text} in place of {name}", 4.1)
                    return

    def _replaced(self) -> Iterator[Found]:
        """Find that an input or output stands where another value of its shape belongs."""
        for edge in self.backward.edges:
            for text, wrong, rule in with_other_operands(self.backward, edge):
                if self._explained_by({edge: rule}):
                    step = self.backward.text(edge[0])
                    message = f"in the term through {step}, {wrong} stands where {text} belongs"
                    yield Found("swapped-inputs", message, 4.13)
                    return
            if time.monotonic() > self.deadline:
                return

    def _uses(self) -> Iterator[Found]:
        """Find that only some of the uses of a value count."""
        uses: dict[int, list[tuple[tuple[Edge, ...], Array]]] = {}
        for group, share in self.shares:
            if len(group) == 1:
                arg = self.backward.node(group[0]).args[group[0][1]]
                uses.setdefault(arg, []).append((group, share))
        for arg, found in uses.items():
            factors = self._weighed(found) if len(found) > 1 else None
            if factors is None or 0.0 not in factors.values():
                continue
            if self._explained_by({edge: times(self.backward, edge, one) for edge, one in factors.items()}):
                yield _used(self.backward, arg, factors)
                return

    def _weighed(self, uses: list[tuple[tuple[Edge, ...], Array]]) -> dict[Edge, float] | None:
        """How often each use of a value counts: one alone once, or all of them never, once or twice."""
        edges = [group[0] for group, _ in uses]
        shares = np.array([share for _, share in uses])
        rest = self.right - self.claimed
        for place, edge in enumerate(edges):
            if np.all(np.abs(np.sum(shares, axis=0) - shares[place] - rest) <= self.room):
                return {other: float(other == edge) for other in edges}
        if len(edges) >= len(rest):
            return None
        fitted: Array = np.linalg.lstsq(shares.T, rest, rcond=None)[0]
        factors = {edge: 1 - round(float(one), 6) for edge, one in zip(edges, fitted, strict=True)}
        return factors if set(factors.values()) <= {0.0, 1.0, 2.0} else None

    def _pairs(self) -> Iterator[Found]:
        """Find two steps that are both dropped."""
        rest = self.right - self.claimed
        singles = self.shares[:MOST_PAIRS]
        for (one, share), (other, further) in itertools.combinations(singles, 2):
            if np.all(np.abs(share + further - rest) <= self.room):
                edges = (*one, *other)
                if self.backward.gives_the_claim({edge: nothing(edge[1]) for edge in edges}):
                    texts = [self.backward.step(group) for group in (one, other)]
                    yield Found(
                        "missing-term",
                        _lacking(self.backward, " and through ".join(dict.fromkeys(texts))),
                        4.2,
                    )
                    return


def _used(backward: Backward, arg: int, factors: Mapping[Edge, float]) -> Found:
    """Word which uses of a value count, and how often."""
    name = backward.text(arg)
    twice, lost = (
        [backward.text(edge[0]) for edge, factor in factors.items() if factor == times] for times in (2, 0)
    )
    noun, verb = ("use", "does") if len(lost) == 1 else ("uses", "do")
    message = f"the {noun} of {name} in {_listed(lost)} {verb} not count: all of them add up (= for +=?)"
    if twice:
        message = f"the use of {name} in {_listed(twice)} counts twice, that in {_listed(lost)} not at all"
    return Found("missing-term", message, 4.12)


def _listed(texts: Sequence[str]) -> str:
    return " and ".join(dict.fromkeys(texts))


def _simplicity(factor: float) -> int:
    return (1.0, 2.0).index(round(factor, 6)) if round(factor, 6) in {1.0, 2.0} else 2


def _lacking(backward: Backward, text: str) -> str:
    return f"{backward.case.result} lacks the term through {text}"


def _recounted(backward: Backward, group: tuple[Edge, ...], factor: float) -> Found:
    """Word a step that counts another number of times than once."""
    text, case = backward.step(group), backward.case
    if abs(factor) < CLOSE:
        return Found("missing-term", f"{_lacking(backward, text)}: it is treated as a constant", 4.05)
    if abs(factor + 1) < CLOSE:
        return Found("sign-flipped", f"the term through {text} has the wrong sign", 4.05)
    if not _is_simple(factor, case):
        message = f"the term through {text} has the wrong size: {factor:.6g} times what it should be, here"
        return Found("scaled", message, 4.3)
    written = times_text(factor, case, f"what it should be, that through {text}")
    return Found("scaled", f"one term is {written}", 4.15)


def _is_simple(factor: float, case: Case) -> bool:
    """Whether a factor is a small whole number, the inverse of one, or made of sizes."""
    whole = any(abs(one - round(one)) < CLOSE and abs(one) < MOST_WHOLE for one in (factor, 1 / factor))
    return whole or "(" in times_text(factor, case)
