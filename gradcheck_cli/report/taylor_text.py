"""Taylor tests for people: the remainder at each step, the order in which it shrinks, what follows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console, RenderableType
from rich.text import Text

from gradcheck_cli.remainder import Outcome, TaylorCheck, TaylorReport, TaylorRow, TaylorStep
from gradcheck_cli.report.faults import write_faults
from gradcheck_cli.report.notation import fraction_name, plural, size_of_error
from gradcheck_cli.report.page import INDENT, Justify, Page
from gradcheck_cli.result import ExitCode

SHOWN: Final = 13  # steps of a table at most, unless all are asked for
SHOWN_EXACT: Final = 4  # of one in which there is nothing but round-off
RIGHT, WRONG, OPEN = "green", "bold red", "bold yellow"
# Outcome → style of its sentence, words of the summary.
OUTCOMES: Final = {
    Outcome.SECOND: (RIGHT, "of order t²"),
    Outcome.EXACT: (RIGHT, "round-off"),
    Outcome.FIRST: (WRONG, "of order t (wrong)"),
    Outcome.MISFIT: (WRONG, "of the wrong shape"),
    Outcome.UNCLEAR: (OPEN, "unclear"),
    Outcome.ERROR: (WRONG, "not computed"),
}
HEADLINES: Final = {
    ExitCode.OK: ("ok", RIGHT),
    ExitCode.WRONG: ("FAIL", WRONG),
    ExitCode.UNDECIDED: ("UNCLEAR", OPEN),
}
LEGEND: Final = "R(t) is what is left of the change of f when the claimed one is taken away:"
FORMULAS: Final = {
    "jvp": "R(t) = ‖f(x + t v) − f(x) − t jvp(v)‖",
    "jacobian": "R(t) = ‖f(x + t v) − f(x) − t J v‖",
    "vjp": "R(t) = |⟨u, f(x + t v) − f(x)⟩ − t ⟨vjp(u), v⟩|",
}
ORDERS: Final = "It shrinks as t² where the claim is the derivative, and as t where it is not."


def _order(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}" if math.isfinite(value) else ""


def _short(value: float) -> str:
    return f"{value:.2g}"


@dataclass(frozen=True)
class Column:
    """A column of numbers: its head and its cell for a step."""

    header: str
    cell: Callable[[TaylorStep], str]


COLUMNS: Final = {
    "t": Column("step t", lambda step: f"{step.step:.3g}"),
    "R": Column("R(t)", lambda step: size_of_error(step.remainder)),
    "order": Column("order", lambda step: _order(step.order)),
    "R/t": Column("R/t", lambda step: _short(step.remainder / step.step)),
    "R/t²": Column("R/t²", lambda step: _short(step.remainder / step.step / step.step)),
}
MEASURED: Final = {"t", "R"}
# From the widest. Nothing shrinks where there is nothing but round-off.
LAYOUTS: Final = (("t", "R", "order", "R/t", "R/t²"), ("t", "R", "order", "R/t"), ("t", "R", "order"))
LAYOUTS_EXACT: Final = (("t", "R"),)


def write_taylor(report: TaylorReport, console: Console, *, verbosity: int = 0) -> None:
    """Print every test, then the faults, then the line that counts."""
    page = Page(console)
    _write_legend(page, report)
    for check in report.checks:
        _write_check(page, check, verbosity)
        page.write()
    write_faults(page, report.faults)
    page.write(_summary(page, report))


def _write_legend(page: Page, report: TaylorReport) -> None:
    """Say what is shown, by the formulas of the claims that there are."""
    kinds = {row.claim.split()[-1] for check in report.checks for row in check.rows if row.steps}
    if not kinds:
        return
    page.write(page.text(LEGEND))
    for kind, formula in FORMULAS.items():
        if kind in kinds:
            page.write(page.text(formula), INDENT)
    random = "Directions v and cotangents u are" if "vjp" in kinds else "Directions v are"
    page.write(page.text(f"{random} random. {ORDERS}"))
    page.write()


def _write_check(page: Page, check: TaylorCheck, verbosity: int) -> None:
    word, style = HEADLINES[check.exit_code]
    title = Text.assemble(page.text(f"{word:<4}", style), "  ", page.text(check.name, "bold"))
    where = page.text(f"{check.spec}:{check.line}", "dim")
    if title.cell_len + 2 + where.cell_len <= page.width:
        page.write(Text.assemble(title, "  ", where))
    else:
        page.write(title)
        page.write(where, INDENT)
    if check.expects_failure:
        page.write(page.text(_expectation(check)), INDENT)
    for row in check.rows:
        page.write()
        _write_row(page, check, row, verbosity)
    if check.message:
        page.write()
        page.write(page.lines(check.message, WRONG), INDENT)


def _expectation(check: TaylorCheck) -> str:
    if check.wrong:
        return "wrong, as its spec expects"
    return (
        "its spec expects a failure, and none shows along this direction; a wrong entry may hide from it, "
        "and not from gradcheck run"
    )


def _write_row(page: Page, check: TaylorCheck, row: TaylorRow, verbosity: int) -> None:
    output = row.outputs[0] if len(row.outputs) == 1 else f"({', '.join(row.outputs)})"
    page.write(
        page.text(f"{fraction_name(output, row.input)} ({row.claim}) at {check.point}", "bold"), INDENT
    )
    if any(math.isfinite(step.remainder) for step in row.steps):
        _write_steps(page, row, verbosity)
    style, _ = OUTCOMES[row.outcome]
    page.write(page.text(row.outcome.value, style), 2 * INDENT)
    for line in _facts(row):
        page.write(page.lines(line), 2 * INDENT)


def _facts(row: TaylorRow) -> Iterator[str]:
    """Say why, how sure the outcome is, and by how much the claim is off."""
    if row.note:
        yield row.note
    if math.isfinite(row.error):
        bound = "" if row.outcome is Outcome.FIRST else "less than "
        yield f"along v the claim says {_short(row.change)}, and is off by {bound}{_short(row.error)}"


def _write_steps(page: Page, row: TaylorRow, verbosity: int) -> None:
    exact = row.outcome is Outcome.EXACT and not row.note
    most = len(row.steps) if verbosity else SHOWN_EXACT if exact else SHOWN
    stride = math.ceil((len(row.steps) - 1) / (most - 1))
    layouts = LAYOUTS_EXACT if exact else LAYOUTS
    tables = [lambda names=names: _table(page, row, row.steps[::stride], names) for names in layouts]
    page.write_first_that_fits(tables, 2 * INDENT)
    if stride > 1:
        order = "" if exact else "; order is that from t to t/2"
        remark = f"1 step in {stride} is shown{order}; -v shows all {len(row.steps)}"
        page.write(page.text(remark, "dim"), 2 * INDENT)
    if math.isfinite(row.order):
        counted = [step.step for step in row.steps if step.counts]
        fit = f"fitted order {row.order:.2f}, from t = {counted[0]:.3g} to {counted[-1]:.3g}"
        page.write(page.text(fit), 2 * INDENT)


def _table(page: Page, row: TaylorRow, steps: Sequence[TaylorStep], names: Sequence[str]) -> RenderableType:
    marks = [_mark(row, step) for step in steps]
    heads: list[tuple[str, Justify]] = [(COLUMNS[name].header, "right") for name in names]
    table = page.table([*heads, ("", "left")] if any(marks) else heads)
    for step, mark in zip(steps, marks, strict=True):
        style = "dim" if mark else ""
        # What follows from a remainder means nothing where it is round-off.
        cells = ["" if mark and name not in MEASURED else COLUMNS[name].cell(step) for name in names]
        table.add_row(*(page.text(cell, style) for cell in [*cells, mark][: len(table.columns)]))
    return table


def _mark(row: TaylorRow, step: TaylorStep) -> str:
    """Say why the order of a step means nothing."""
    if not math.isfinite(step.remainder):
        return "not finite"
    return "round-off" if step.remainder <= row.floor else ""


def _summary(page: Page, report: TaylorReport) -> Text:
    tests = [row for check in report.checks for row in check.rows]
    line = page.text(f"{plural(len(report.checks), 'check')}, {plural(len(tests), 'Taylor test')}")
    found = Counter(row.outcome for row in tests)
    parts = [
        page.text(f"{found[outcome]} {words}", style)
        for outcome, (style, words) in OUTCOMES.items()
        if found[outcome]
    ]
    if parts:
        line.append_text(Text(": ")).append_text(Text(", ").join(parts))
    if report.faults:
        specs = plural(len({fault.spec for fault in report.faults}), "spec")
        line.append_text(page.text(f"; {plural(len(report.faults), 'fault')} in {specs} not run", WRONG))
    return line
