"""What one claim about one pair came to over all points: merged verdicts, worst entries, sizes.

An entry is wrong if it is wrong at any point. At the edge point an entry that could not be decided does
not count if another point decided it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.compare import Comparison, State
from gradcheck_cli.functions.base import Claim, Pair
from gradcheck_cli.result import Entry, Index, PairResult, Values, Verdict
from gradcheck_cli.shapes import Shape, count

Rank = tuple[int, float]  # state, then size of the error
SHOWN = 6  # worst entries kept for the report
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
    output_shape: Shape
    input_shape: Shape
    itemsizes: tuple[int, int]
    state: Array | None = None
    failed_at: list[str] = field(default_factory=list)
    evidence: Comparison | None = None  # of the first point at which it failed
    max_abs_error: float = 0.0
    max_rel_error: float = 0.0
    threshold: Array = field(default_factory=lambda: np.zeros(0))
    blind: Array = field(default_factory=lambda: np.zeros(0, dtype=bool))
    left_out: int = 0  # undecided at the edge point, decided elsewhere
    kinks: int = 0
    approximate: bool = False
    informed: bool = False
    entries: list[tuple[Rank, Entry]] = field(default_factory=list)
    values: Values | None = None

    def add(self, point: str, comparison: Comparison) -> None:
        """Take in the comparison at one more point; the edge point comes last."""
        state = comparison.state
        if (state == State.FAIL).any():
            self.failed_at.append(point)
            self.evidence = self.evidence or comparison
        self.kinks += int(np.sum(comparison.kink))
        self.approximate |= bool(comparison.approximate.any())
        self._merge(point, comparison)
        self._measure(comparison)
        self._keep_worst(point, comparison)
        if self.values is None and state.size <= SMALL:
            self.values = Values(
                point=point,
                analytic=tuple(map(tuple, comparison.analytic.tolist())),
                numeric=tuple(map(tuple, comparison.numeric.tolist())),
            )

    def _merge(self, point: str, comparison: Comparison) -> None:
        """Merge verdicts entry by entry: the gravest counts, and the widest threshold of a generic point.

        At the edge point an error that vanishes with x would seem detectable at any size, and at a kink
        none; its thresholds count only for entries that no generic point judged.
        """
        state = comparison.state
        judged = np.isin(state, (State.PASS, State.FAIL))
        threshold = np.where(judged, comparison.threshold, np.nan)
        if self.state is None:
            self.state, self.threshold, self.blind = state.copy(), threshold, comparison.blind | ~judged
            return
        if point == "edge":
            open_here = (state == State.UNDECIDED) & (self.state == State.PASS)
            self.left_out += int(np.sum(open_here))
            state = np.where(open_here, State.SKIPPED, state)
        self.state = np.maximum(self.state, state)
        merged = np.fmax(self.threshold, threshold)
        known = np.isfinite(self.threshold) & (point == "edge")
        self.threshold = np.where(known, self.threshold, merged)
        self.blind = self.blind & (comparison.blind | ~judged)

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
        worst: dict[tuple[Index, Index], tuple[Rank, Entry]] = {}
        for rank, entry in sorted(self.entries, key=lambda ranked: ranked[0], reverse=True):
            # Once, although it may be wrong at several points.
            worst.setdefault((entry.output_index, entry.input_index), (rank, entry))
        self.entries = list(worst.values())[:SHOWN]

    def _entry(self, point: str, comparison: Comparison, place: int) -> Entry:
        row, column = divmod(place, comparison.state.shape[1])
        return Entry(
            point=point,
            output_index=_index(row, self.output_shape),
            input_index=_index(column, self.input_shape),
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
        size = count(self.output_shape) * count(self.input_shape)
        out_size, in_size = self.itemsizes
        return PairResult(
            output=self.pair[0],
            input=self.pair[1],
            claim=self.claim.label,
            output_shape=self.output_shape,
            input_shape=self.input_shape,
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
            bytes_dense=size * max(out_size, in_size),
            bytes_vjp=count(self.output_shape) * out_size + count(self.input_shape) * in_size,
        )


def _index(place: int, shape: Shape) -> tuple[int, ...]:
    return tuple(int(axis) for axis in np.unravel_index(place, shape)) if shape else ()
