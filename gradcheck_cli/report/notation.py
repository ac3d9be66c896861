"""How verdicts, numbers, entries and outcomes are written in a report for people."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import Final

from gradcheck_cli.result import CheckResult, Entry, Index, PairResult, Verdict
from gradcheck_cli.shapes import PARTS, Shape

# What is not in order stands in capitals: the eye finds it without colours too.
VERDICTS: Final = {
    Verdict.PASS: ("pass", "green"),
    Verdict.FAIL: ("FAIL", "bold red"),
    Verdict.INCONCLUSIVE: ("INCONCLUSIVE", "bold yellow"),
    Verdict.ERROR: ("ERROR", "bold red"),
}


def headline(check: CheckResult) -> tuple[str, str]:
    """Word and style that open a check's report."""
    if check.as_expected:
        return "ok", "green"
    if check.verdict is Verdict.PASS:
        return VERDICTS[Verdict.FAIL]
    return VERDICTS[check.verdict]


def outcome(check: CheckResult) -> str:
    """Say in one sentence how the check came out."""
    if check.verdict is Verdict.FAIL and check.expect != "pass":
        codes = ", ".join(diagnosis.code for diagnosis in check.diagnoses)
        how = " as expected" if check.as_expected else ", but not in the way its spec expects"
        return f"fails{how}: {codes}" if codes else f"fails{how}"
    if check.verdict is Verdict.PASS and not check.as_expected and check.expect != "pass":
        return "passes, but its spec expects it to fail"
    known_wrong = any(pair.verdict is Verdict.FAIL for pair in check.pairs)
    if headline(check) == VERDICTS[Verdict.FAIL] and not known_wrong:
        return "no entry is known to be wrong, but the check fails for the reason below"
    return check.verdict.value


def reason(check: CheckResult) -> str:
    """Say in a few words why a check is not in order."""
    if check.verdict is Verdict.PASS or check.expect != "pass":
        return outcome(check)
    if check.diagnoses:
        return ", ".join(diagnosis.code for diagnosis in check.diagnoses)
    return check.message.partition("\n")[0]


def location(check: CheckResult) -> str:
    """``linear.yaml:1``."""
    return f"{check.spec}:{check.line}"


def size_of_error(value: float) -> str:
    """Write an error, a bound or a difference: three digits.

    >>> size_of_error(1.2345e-7), size_of_error(500.0), size_of_error(-0.0), size_of_error(float("inf"))
    ('1.23e-07', '500', '0', 'inf')
    """
    return f"{value + 0.0:.3g}"


def derivative(value: float) -> str:
    """Write a derivative: six digits.

    >>> derivative(0.3), derivative(1 / 3), derivative(float("nan"))
    ('0.3', '0.333333', 'nan')
    """
    return f"{value + 0.0:.6g}"


def largest_error(pair: PairResult, value: float) -> str:
    """Write the largest error of a comparison; where nothing is claimed there is none."""
    return "none" if math.isinf(value) and is_unclaimed(pair) else size_of_error(value)


def is_unclaimed(pair: PairResult) -> bool:
    """Tell whether every entry is wrong or undecided and none of the worst has a claimed value."""
    nowhere_right = pair.mismatched + pair.inconclusive == pair.entries
    return nowhere_right and bool(pair.shown) and all(math.isnan(entry.analytic) for entry in pair.shown)


def is_misfit(check: CheckResult, pair: PairResult) -> bool:
    """Tell whether a claim has no value of the right shape, and so none for any entry."""
    named = any(remark.code == "wrong-shape" and remark.input == pair.input for remark in check.diagnoses)
    return named and is_unclaimed(pair)


def claimed(value: float) -> str:
    """Write the analytic side, which is nan where a claim has no value at all."""
    return "none" if math.isnan(value) else derivative(value)


def difference(entry: Entry) -> str:
    """Write claimed minus numeric."""
    if math.isnan(entry.analytic):
        return "none"
    return size_of_error(entry.analytic - entry.numeric)


def measured(entry: Entry) -> str:
    """``0.5 ± 1e-12``."""
    return f"{derivative(entry.numeric)} ± {size_of_error(entry.bound)}"


def plural(number: int, noun: str, nouns: str = "") -> str:
    """Count something.

    >>> plural(1, "entry", "entries"), plural(0, "pair")
    ('1 entry', '0 pairs')
    """
    return f"{number} {noun if number == 1 else nouns or noun + 's'}"


def pair_name(pair: PairResult) -> str:
    """``∂y/∂x``."""
    return fraction_name(pair.output, pair.input)


def fraction_name(output: str, name: str) -> str:
    """``∂y/∂x``."""
    return f"∂{output}/∂{name}"


def in_both(symbols: str, numbers: str) -> str:
    """``(N, M) = (4, 2)``, or once where the symbols are numbers."""
    return numbers if symbols == numbers else f"{symbols} = {numbers}"


def entry_name(pair: PairResult, entry: Entry) -> str:
    """``∂y[0, 1]/∂x[0, 0]``; a scalar has no brackets."""
    output = element(pair.output, entry.output_index, entry.output_part)
    return f"∂{output}/∂{element(pair.input, entry.input_index, entry.input_part)}"


def element(name: str, index: Index, part: str = "") -> str:
    """``y[0, 1]``, or of a complex array ``y[0, 1].imag``."""
    entry = f"{name}[{', '.join(map(str, index))}]" if index else name
    return f"{entry}.{part}" if part else entry


def elements(name: str, shape: Shape, *, is_complex: bool) -> list[str]:
    """Name all entries of an array in row-major order, of a complex one the parts of each."""
    return [
        element(name, index, part) for index in indices(shape) for part in (PARTS if is_complex else ("",))
    ]


def indices(shape: Shape) -> Iterator[Index]:
    """All multi-indices of an array in row-major order: one empty index for a scalar."""
    return itertools.product(*(range(size) for size in shape))


def largest(values: Iterable[float]) -> float:
    """Return the largest, where a nan outweighs every number; 0 of none."""
    return max(values, key=lambda value: (math.isnan(value), value), default=0.0)
