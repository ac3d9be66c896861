"""All of ``specs/`` at many seeds: a verdict must not depend on the luck of the draw.

Runs every spec once for each seed, whatever seed it declares, prints each verdict that is not as expected
or could not be decided, and ends with a summary. Exits with 1 if there was any such verdict.

    python tests/benchmarks/seeds.py                        # seeds 0 to 199
    python tests/benchmarks/seeds.py 50 --from 1000 --jobs 2 specs/layers
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gradcheck_cli.result import CheckResult, Verdict
from gradcheck_cli.run import RunOptions, run_paths

SPECS = Path(__file__).parents[2] / "specs"


@dataclass(frozen=True)
class Odd:
    """A verdict that should not be."""

    kind: str
    line: str


@dataclass(frozen=True)
class Outcome:
    """All checks at one seed: how many there were, and what was odd about them."""

    seed: int
    checks: int
    odd: tuple[Odd, ...]


def run_seed(paths: list[str], seed: int) -> Outcome:
    """Run all specs at one seed."""
    report = run_paths(paths, RunOptions(seed=seed))
    odd = [Odd("faulty spec", f"seed {seed}: {fault}") for fault in report.faults]
    odd += [Odd(kind(check), describe(seed, check)) for check in report.checks if is_odd(check)]
    return Outcome(seed, len(report.checks), tuple(odd))


def is_odd(check: CheckResult) -> bool:
    """Whether a check came out otherwise than expected, or was left undecided."""
    return not check.as_expected or check.verdict is Verdict.INCONCLUSIVE


def kind(check: CheckResult) -> str:
    """Name what is odd: a missed mistake, a false alarm, a wrong diagnosis, inconclusive or an error."""
    if check.verdict is Verdict.PASS:
        return "missed mistake"
    if check.verdict is Verdict.FAIL:
        return "false alarm" if check.expect == "pass" else "wrong diagnosis"
    return check.verdict.word


def describe(seed: int, check: CheckResult) -> str:
    """One line: seed, spec, check, verdict, and the gravest entry or the message."""
    where = f"seed {seed}: {check.spec}:{check.line}: {check.name}: {kind(check)}"
    reasons = [check.message, *(f"{remark.code}: {remark.message}" for remark in check.diagnoses)]
    worst = [
        f"∂{pair.output}{list(entry.output_index)}/∂{pair.input}{list(entry.input_index)} at the "
        f"{entry.point} point: analytic {entry.analytic:.9g}, numeric {entry.numeric:.9g} ± {entry.bound:.1e}"
        for pair in check.pairs
        for entry in pair.shown[:1]
    ]
    return "\n    ".join(filter(None, [where, *reasons, *worst]))


def outcomes(paths: list[str], seeds: Iterable[int], jobs: int) -> Iterator[Outcome]:
    """Run the seeds, ``jobs`` at a time, and yield their outcomes in order."""
    one = partial(run_seed, paths)
    if jobs == 1:
        yield from map(one, seeds)
        return
    with ProcessPoolExecutor(jobs) as workers:
        yield from workers.map(one, seeds)


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("count", type=int, nargs="?", default=200, help="number of seeds (200)")
    parser.add_argument("paths", nargs="*", default=[str(SPECS)], help="specs or directories (specs/)")
    parser.add_argument("--from", type=int, default=0, dest="first", help="first seed (0)")
    parser.add_argument("--jobs", type=int, default=2, help="seeds run side by side (2)")
    return parser.parse_args()


def main() -> int:
    """Run all seeds, print what is odd as it comes, then the summary."""
    chosen, started = options(), time.monotonic()
    found: Counter[str] = Counter()
    checks = seeds = 0
    for outcome in outcomes(chosen.paths, range(chosen.first, chosen.first + chosen.count), chosen.jobs):
        seeds, checks = seeds + 1, checks + outcome.checks
        found.update(odd.kind for odd in outcome.odd)
        for odd in outcome.odd:
            print(odd.line, flush=True)  # noqa: T201
    kinds = ", ".join(f"{number} {name}" for name, number in found.most_common()) or "nothing odd"
    took = time.monotonic() - started
    print(f"{checks} checks at {seeds} seeds in {took:.0f} s: {kinds}")  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
