"""The report for people: which checks are shown in full, and in what order their parts are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from rich.console import Console
from rich.text import Text

from gradcheck_cli.report.breakdown import write_breakdown
from gradcheck_cli.report.comparison import write_errors
from gradcheck_cli.report.contracts import contract_rows, write_contracts
from gradcheck_cli.report.entries import write_entries, write_values, write_worst
from gradcheck_cli.report.faults import write_faults
from gradcheck_cli.report.notation import (
    headline,
    is_misfit,
    largest,
    location,
    outcome,
    plural,
    reason,
    size_of_error,
)
from gradcheck_cli.report.outbursts import write_output, write_traceback
from gradcheck_cli.report.page import INDENT, Page
from gradcheck_cli.report.plain import WIDTH, plain
from gradcheck_cli.result import CheckResult, PairResult, Remark, RunReport, Verdict

QUIET: Final = -1
_NAME_START: Final = 6
_FACTS_WIDTH: Final = 51
_FACTS_START: Final = 60
_COUNT_WIDTH: Final = 8

# How a check came out and was expected to → the words of the summary; every check counts once.
SUMMARY: Final = {
    (Verdict.PASS, True): ("passed", "green"),
    (Verdict.FAIL, True): ("failed as expected", "green"),
    (Verdict.INCONCLUSIVE, True): ("inconclusive as expected", "green"),
    (Verdict.ERROR, True): ("with an error as expected", "green"),
    (Verdict.FAIL, False): ("failed", "bold red"),
    (Verdict.PASS, False): ("passed unexpectedly", "bold red"),
    (Verdict.INCONCLUSIVE, False): ("inconclusive", "bold yellow"),
    (Verdict.ERROR, False): ("with an error", "bold red"),
}


def render_text(report: RunReport, console: Console, *, verbosity: int = 0) -> None:
    """Print a whole report: its checks, its faults, its summary."""
    for check in report.checks:
        render_check(check, console, verbosity)
    render_summary(report, console, verbosity)


def render_string(report: RunReport, *, width: int = WIDTH, verbosity: int = 0) -> str:
    """Write the report as plain text without colours or trailing blanks."""
    return plain(lambda console: render_text(report, console, verbosity=verbosity), width)


def render_check(check: CheckResult, console: Console, verbosity: int = 0) -> None:
    """Print one check: in one line where all is in order, else with everything that is known."""
    page = Page(console)
    if verbosity <= QUIET:
        if not check.as_expected:
            _write_line(page, check)
    elif _is_full(check, verbosity):
        _write_full(page, check, verbosity)
    else:
        _write_short(page, check)


def render_summary(report: RunReport, console: Console, verbosity: int = 0) -> None:
    """Print the faults, one a line, and the line that counts everything."""
    page = Page(console)
    shown = [check for check in report.checks if verbosity > QUIET or not check.as_expected]
    if shown and not _is_full(shown[-1], verbosity):
        page.write()
    write_faults(page, report.faults)
    page.write(_summary_line(page, report))


def _summary_line(page: Page, report: RunReport) -> Text:
    line = page.text(f"{plural(len(report.checks), 'check')}: " if report.checks else "no checks")
    kinds = Counter((check.verdict, check.as_expected) for check in report.checks)
    parts = [
        page.text(f"{kinds[kind]} {words}", style) for kind, (words, style) in SUMMARY.items() if kinds[kind]
    ]
    line.append_text(Text(", ").join(parts))
    if report.faults:
        specs = plural(len({fault.spec for fault in report.faults}), "spec")
        line.append_text(page.text(f"; {plural(len(report.faults), 'fault')} in {specs} not run", "bold red"))
    line.append_text(page.text(f" ({report.seconds:.2f} s)"))
    return line


def _is_full(check: CheckResult, verbosity: int) -> bool:
    return verbosity > QUIET and (verbosity > 0 or not check.as_expected)


def _write_line(page: Page, check: CheckResult) -> None:
    word, style = headline(check)
    text = "".join(f"  {part}" for part in (check.name, location(check), reason(check)) if part)
    page.write_unbroken(Text.assemble(page.text(f"{word:<{_NAME_START - 2}}", style), page.text(text)))


def _write_short(page: Page, check: CheckResult) -> None:
    """Print ``ok    name   facts``; the facts move to the next line where they have no room."""
    # A long count begins further left, so that the errors stay in their columns.
    start = min(page.width - _FACTS_WIDTH, _FACTS_START) - max(0, len(_count(check)) - _COUNT_WIDTH)
    word, style = headline(check)
    name, facts = page.text(check.name), page.text(_facts(check))
    line = Text.assemble(page.text(f"{word:<{_NAME_START}}", style), name)
    has_room = line.cell_len + 2 <= start and start + facts.cell_len <= page.width
    if start > 3 * _NAME_START and has_room:
        line.pad_right(start - line.cell_len)
        page.write(line.append_text(facts))
    else:
        page.write(line)
        page.write(facts, _NAME_START)
    _write_remarks(page, check, _NAME_START)


def _facts(check: CheckResult) -> str:
    if check.verdict is not Verdict.PASS:
        return outcome(check)
    error = size_of_error(largest(pair.max_abs_error for pair in check.pairs))
    detectable = size_of_error(largest(pair.detectable for pair in check.pairs))
    return f"{_count(check):<{_COUNT_WIDTH}}  max error {error:<8}  detectable {detectable}"


def _count(check: CheckResult) -> str:
    if check.verdict is not Verdict.PASS:
        return ""
    pairs = len({(pair.output, pair.input) for pair in check.pairs})
    return plural(pairs, "pair") if pairs == len(check.pairs) else plural(len(check.pairs), "comparison")


def _write_title(page: Page, check: CheckResult) -> None:
    word, style = headline(check)
    name = page.text(check.name, "bold")
    title = Text.assemble(page.text(f"{word:<{_NAME_START - 2}}", style), "  ", name)
    where = page.text(location(check), "dim")
    if title.cell_len + 2 + where.cell_len <= page.width:
        page.write(Text.assemble(title, "  ", where))
    else:
        page.write(title)
        page.write(where, INDENT)
    page.write(page.text(outcome(check)), INDENT)


def _write_full(page: Page, check: CheckResult, verbosity: int) -> None:
    _write_title(page, check)
    if check.pairs:
        write_breakdown(page, check.pairs if verbosity > 0 else _of_interest(check))
        write_errors(page, check)
    for pair in check.pairs:
        _write_pair(page, pair, verbosity, misfit=is_misfit(check, pair))
    if verbosity > 0:
        write_contracts(page, check)
    _write_remarks(page, check, INDENT, complete=True, contracts=verbosity <= 0)
    write_traceback(page, check)
    write_output(page, check, verbosity)
    if verbosity > 0:
        page.write()
        page.write(page.text(_effort(check), "dim"), INDENT)
    page.write()


def _of_interest(check: CheckResult) -> tuple[PairResult, ...]:
    """Pairs that are not in order; all where every one is, or where that is what was not expected."""
    return tuple(pair for pair in check.pairs if pair.verdict is not Verdict.PASS) or check.pairs


def _write_pair(page: Page, pair: PairResult, verbosity: int, *, misfit: bool) -> None:
    if pair.verdict is not Verdict.PASS:
        write_entries(page, pair, misfit=misfit)
    elif verbosity > 0:
        write_worst(page, pair)
    if verbosity > 0 and pair.values is not None:
        write_values(page, pair, pair.values)


def _write_remarks(
    page: Page, check: CheckResult, indent: int, *, complete: bool = False, contracts: bool = False
) -> None:
    rows = [*(contract_rows(check) if contracts else ()), *_remarks(check, complete=complete)]
    if rows and complete and check.pairs:
        page.write()
    if rows:
        page.write(page.labelled(rows), indent)


def _remarks(check: CheckResult, *, complete: bool) -> Iterator[tuple[str, str, str]]:
    """Label, style and text of what is said about a check; a short report has its warnings only."""
    if complete:
        for diagnosis in _by_derivative(check.diagnoses):
            label = "or" if diagnosis.rank else "likely cause"
            remedy = f"; this agrees: {diagnosis.correction}" if diagnosis.correction else ""
            yield label, "bold", f"{diagnosis.code}: {diagnosis.message}{remedy}"
    for warning in check.warnings:
        yield "warning", "yellow", f"{warning.code}: {warning.message}"
    if complete and check.message:
        yield "message", "bold", check.message


def _by_derivative(diagnoses: tuple[Remark, ...]) -> list[Remark]:
    """Let what else may be the cause stand below the likeliest, for each derivative."""
    order: dict[tuple[str | None, str], int] = {}
    for one in diagnoses:
        order.setdefault((one.input, one.message.partition(":")[0]), len(order))
    return sorted(diagnoses, key=lambda one: (order[one.input, one.message.partition(":")[0]], one.rank))


def _effort(check: CheckResult) -> str:
    evaluations = ", ".join(f"{number} {kind}" for kind, number in check.evaluations.items())
    return f"evaluations: {evaluations or 'none'}; {check.seconds:.2f} s"
