"""What one claim about one pair came to over all points: merged verdicts, worst entries, sizes.

An entry is wrong if it is wrong at any point. One that could not be decided at a special point, such as the
edge point, does not count if another point decided it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.compare import Comparison, State
from gradcheck_cli.evidence import Evidence
from gradcheck_cli.functions.base import ArrayType, Claim, Pair
from gradcheck_cli.problem import Problem
from gradcheck_cli.result import Entry, Index, PairResult, Values, Verdict
from gradcheck_cli.shapes import Shape, count

Rank = tuple[int, float]  # state, then size of the error
SHOWN = 6  # worst entries kept for the report
KEPT = 2**20  # entries up to which the derivative is kept to be compared with other claims
SMALL = 64  # entries up to which the whole Jacobian is kept for the report

_VERDICTS = {
    State.PASS: Verdict.PASS,
    State.SKIPPED: Verdict.INCONCLUSIVE,  # judged at no point
    State.UNDECIDED: Verdict.INCONCLUSIVE,
    State.FAIL: Verdict.FAIL,
}


@dataclass
class Tally:
    """One claim about one pair; filled point by point."""

    claim: Claim
    pair: Pair
    types: tuple[ArrayType, ArrayType]  # of output and input
    merged: Array | None = None  # the gravest state of each entry, but for those left open
    failed_at: list[str] = field(default_factory=list)
    evidences: list[Evidence] = field(default_factory=list)  # of the first ordinary and special points
    max_abs_error: float = 0.0
    max_rel_error: float = 0.0
    threshold: Array = field(default_factory=lambda: np.zeros(0))
    blind: Array = field(default_factory=lambda: np.zeros(0, dtype=bool))
    open: Array = field(default_factory=lambda: np.zeros(0, dtype=bool))  # undecided at a special point
    open_at: list[str] = field(default_factory=list)
    kinks: int = 0
    approximate: bool = False
    informed: bool = False
    claims_something: bool = False  # the claim is not zero everywhere
    numeric_at: dict[str, Array] = field(default_factory=dict)  # the derivative at the first point
    entries: list[tuple[Rank, Entry]] = field(default_factory=list)
    values: Values | None = None

    @property
    def output_shape(self) -> Shape:
        """Shape of the output; a complex one has twice as many rows in the comparison."""
        return self.types[0].shape

    @property
    def input_shape(self) -> Shape:
        """Shape of the input; a complex one has twice as many columns in the comparison."""
        return self.types[1].shape

    @property
    def evidence(self) -> Evidence | None:
        """Return what shows best that the claim is wrong, that of an ordinary point if there is one."""
        return min(self.evidences, key=lambda one: one.special, default=None)

    def add(self, point: str, problem: Problem, comparison: Comparison, *, special: bool) -> None:
        """Take in the comparison at one more point; ``special`` ones may lie on kinks or singularities."""
        state = comparison.state
        if (state == State.FAIL).any():
            self.failed_at.append(point)
            if all(one.special != special for one in self.evidences):
                self.evidences.append(Evidence(point, special, comparison, problem))
        self.claims_something |= bool(np.any(comparison.analytic))
        if not self.numeric_at and comparison.numeric.size <= KEPT:
            self.numeric_at[point] = comparison.numeric
        self.kinks += int(np.sum(comparison.kink))
        self.approximate |= bool(comparison.approximate.any())
        self._merge(point, comparison, special=special)
        self._measure(comparison)
        self._keep_worst(point, comparison)
        if self.values is None and state.size <= SMALL:
            self.values = Values(
                point=point,
                analytic=tuple(map(tuple, comparison.analytic.tolist())),
                numeric=tuple(map(tuple, comparison.numeric.tolist())),
            )

    def _merge(self, point: str, comparison: Comparison, *, special: bool) -> None:
        """Merge verdicts entry by entry: the gravest counts, and the widest threshold of a generic point.

        At the edge point an error that vanishes with x would seem detectable at any size, and at a kink
        none; its thresholds count only for entries that no point before it judged.
        """
        state = comparison.state
        judged = np.isin(state, (State.PASS, State.FAIL))
        threshold = np.where(judged, comparison.threshold, np.nan)
        unsettled = (state == State.UNDECIDED) & special
        if unsettled.any():
            self.open_at.append(point)
        state = np.where(unsettled, State.SKIPPED, state)
        if self.merged is None:
            self.merged, self.open = state.astype(np.uint8), unsettled
            self.threshold, self.blind = threshold, comparison.blind | ~judged
            return
        self.merged, self.open = np.maximum(self.merged, state), self.open | unsettled
        known = np.isfinite(self.threshold) & special
        self.threshold = np.where(known, self.threshold, np.fmax(self.threshold, threshold))
        self.blind = self.blind & (comparison.blind | ~judged)

    @property
    def state(self) -> Array | None:
        """State of each entry over all points."""
        if self.merged is None:
            return None
        return np.where(self.open & (self.merged == State.SKIPPED), State.UNDECIDED, self.merged)

    @property
    def left_out(self) -> int:
        """Count the entries that were undecided at a special point and decided at another."""
        return 0 if self.merged is None else int(np.sum(self.open & (self.merged == State.PASS)))

    def _measure(self, comparison: Comparison) -> None:
        judged = (comparison.state != State.SKIPPED) & np.isfinite(comparison.bound)
        absolute, relative = comparison.error[judged], comparison.relative_error[judged]
        self.max_abs_error = max(self.max_abs_error, float(np.max(absolute, initial=0.0)))
        self.max_rel_error = max(self.max_rel_error, float(np.max(relative, initial=0.0)))
        with np.errstate(invalid="ignore"):
            told = np.abs(comparison.numeric) > comparison.threshold
        self.informed |= bool(np.any(judged & told))

    @property
    def detectable(self) -> float:
        """Smallest error that would have been caught in whichever single entry it had stood."""
        return float(np.max(np.where(np.isnan(self.threshold), np.inf, self.threshold), initial=0.0))

    @property
    def blind_entries(self) -> int:
        """Entries that agree at no point but within a bound as large as themselves."""
        return int(np.sum(self.blind & (self.state == State.PASS))) if self.state is not None else 0

    def _keep_worst(self, point: str, comparison: Comparison) -> None:
        """Keep the gravest entries, of these the ones furthest off (or largest, where nothing is claimed)."""
        size = np.where(np.isfinite(comparison.error), comparison.error, np.abs(comparison.numeric)).reshape(
            -1
        )
        state = comparison.state.reshape(-1)
        for verdict in (State.FAIL, State.UNDECIDED, State.PASS):
            places = np.flatnonzero(state == verdict)
            for place in places[np.argsort(-size[places], kind="stable")[:SHOWN]]:
                rank = (int(verdict), float(size[place]))
                self.entries.append((rank, self._entry(point, comparison, int(place))))
        worst: dict[tuple[Index, str, Index, str], tuple[Rank, Entry]] = {}
        for rank, entry in sorted(self.entries, key=lambda ranked: ranked[0], reverse=True):
            # Once, although it may be wrong at several points.
            key = (entry.output_index, entry.output_part, entry.input_index, entry.input_part)
            worst.setdefault(key, (rank, entry))
        self.entries = list(worst.values())[:SHOWN]

    def _entry(self, point: str, comparison: Comparison, place: int) -> Entry:
        row, column = divmod(place, comparison.state.shape[1])
        output_index, output_part = self.types[0].entry(row)
        input_index, input_part = self.types[1].entry(column)
        return Entry(
            point=point,
            output_index=output_index,
            input_index=input_index,
            output_part=output_part,
            input_part=input_part,
            analytic=float(comparison.analytic[row, column]),
            numeric=float(comparison.numeric[row, column]),
            bound=float(comparison.bound[row, column]),
            verdict=_VERDICTS[State(int(comparison.state[row, column]))],
        )

    @property
    def verdict(self) -> Verdict:
        """Verdict over all points: the gravest entry's, and undecided where some entry was never judged."""
        if self.state is None or not self.state.size:
            return Verdict.PASS
        if (self.state == State.FAIL).any():
            return Verdict.FAIL
        undecided = np.isin(self.state, (State.UNDECIDED, State.SKIPPED)).any()
        return Verdict.INCONCLUSIVE if undecided else Verdict.PASS

    def result(self) -> PairResult:
        """Return the frozen summary that reports read."""
        state = np.zeros((0, 0)) if self.state is None else self.state
        wrong = {Verdict.FAIL, Verdict.INCONCLUSIVE}
        entries = tuple(entry for _, entry in self.entries)
        parts = [one.parts for one in self.types]
        size = count(parts[0].shape) * count(parts[1].shape)
        return PairResult(
            output=self.pair[0],
            input=self.pair[1],
            claim=self.claim.label,
            output_shape=self.output_shape,
            input_shape=self.input_shape,
            output_complex=self.types[0].is_complex,
            input_complex=self.types[1].is_complex,
            verdict=self.verdict,
            entries=size,
            mismatched=int(np.sum(state == State.FAIL)),
            inconclusive=int(np.isin(state, (State.UNDECIDED, State.SKIPPED)).sum()),
            kinks=self.kinks,
            max_abs_error=float(self.max_abs_error),
            max_rel_error=float(self.max_rel_error),
            detectable=self.detectable,
            worst=entries[0] if entries else None,
            shown=tuple(entry for entry in entries if entry.verdict in wrong),
            values=self.values,
            bytes_dense=size * max(one.dtype.itemsize for one in parts),
            bytes_vjp=sum(count(one.shape) * one.dtype.itemsize for one in parts),
        )
