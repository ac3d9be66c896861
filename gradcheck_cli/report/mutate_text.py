"""Corruptions for people: which of them a check misses, why, and how many it catches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from rich.console import Console, RenderableType
from rich.text import Text

from gradcheck_cli.mutations import Mutation, MutationReport, MutationResult, Outcome
from gradcheck_cli.report.faults import write_faults
from gradcheck_cli.report.notation import plural, reason
from gradcheck_cli.report.page import INDENT, Page
from gradcheck_cli.result import Verdict

GOOD, BAD, OPEN = "green", "bold red", "bold yellow"
# Outcome → word in a table, its style; what is not in order stands in capitals.
WORDS: Final = {
    Outcome.CAUGHT: ("caught", GOOD),
    Outcome.MISSED: ("MISSED", BAD),
    Outcome.UNDECIDED: ("UNDECIDED", OPEN),
    Outcome.UNCHANGED: ("no change", "dim"),
    Outcome.UNTRIED: ("NOT TRIED", OPEN),
}
ROOM: Final = 76  # columns that a table with both codes needs
SHOWN: Final = (Outcome.MISSED, Outcome.UNDECIDED)


def write_mutations(report: MutationReport, console: Console, *, verbosity: int = 0) -> None:
    """Print every check, then the faults, then the line that counts."""
    page = Page(console)
    for check in report.checks:
        _write_check(page, check, verbosity)
    if report.checks:
        page.write()
    write_faults(page, report.faults)
    page.write(page.text(_summary(report)))


def _write_check(page: Page, check: MutationResult, verbosity: int) -> None:
    word, style = _headline(check)
    page.write(
        Text.assemble(
            page.text(f"{word:<4}", style),
            "  ",
            page.text(check.name, "bold"),
            "  ",
            page.text(f"{check.spec}:{check.line}", "dim"),
        )
    )
    page.write(page.lines(_sentence(check)), INDENT)
    if not check.mutations:
        return
    if verbosity:
        for whose, mutations in _by_site(check.mutations):
            page.write(page.text(whose, "bold"), INDENT)
            page.write(_table(page, mutations), 2 * INDENT)
    else:
        _write_open(page, [one for one in check.mutations if one.counts and one.outcome in SHOWN])
    page.write(page.labelled([("caught", "dim", _by_code(check.mutations))]), INDENT)


def _headline(check: MutationResult) -> tuple[str, str]:
    if check.is_skipped:
        return "skip", "dim"
    if check.verdict is not Verdict.PASS or not check.as_expected:
        return check.verdict.word.upper(), BAD
    if check.of(Outcome.MISSED):
        return WORDS[Outcome.MISSED]
    return ("OPEN", OPEN) if check.of(Outcome.UNDECIDED) or check.of(Outcome.UNTRIED) else ("ok", GOOD)


def _sentence(check: MutationResult) -> str:
    """``47 of 49 corruptions are caught; 2 missed; 3 more change nothing``."""
    if check.is_skipped:
        return "its spec expects it to fail: there is nothing to corrupt"
    if check.verdict is not Verdict.PASS or not check.as_expected:
        return f"nothing was corrupted, since the check itself does not pass: {reason(check)}"
    caught, missed, open_, unchanged, untried = (len(check.of(one)) for one in Outcome)
    parts = [f"{caught} of {plural(check.tried, 'corruption')} caught"]
    parts += [f"{missed} missed"] if missed else []
    parts += [f"{open_} undecided"] if open_ else []
    parts += (
        [f"{unchanged} more {'changes' if unchanged == 1 else 'change'} nothing here"] if unchanged else []
    )
    parts += [f"{untried} not tried: the time was up (--timeout)"] if untried else []
    return "; ".join(parts)


def _by_site(mutations: Sequence[Mutation]) -> Iterator[tuple[str, list[Mutation]]]:
    """Group by what is corrupted: ``backward x``."""
    for whose, group in groupby(mutations, key=lambda one: f"{one.claim} {one.about}"):
        yield whose, list(group)


def _write_open(page: Page, mutations: Sequence[Mutation]) -> None:
    """List what is not caught, and the reason once for all that have it."""
    for note in dict.fromkeys(one.note for one in mutations):
        rows = [
            (*WORDS[one.outcome], f"{one.claim} {one.about}: {one.name} ({one.code})")
            for one in mutations
            if one.note == note
        ]
        page.write(page.labelled([*rows, *([("", "", note)] if note else [])]), INDENT)


def _table(page: Page, mutations: Sequence[Mutation]) -> RenderableType:
    """Write a row for each: what was planted, what came of it and what it was taken for."""
    is_wide = page.width >= ROOM
    heads = ("corruption", "", "code", "diagnosis") if is_wide else ("corruption", "", "code: diagnosis")
    table = page.table([(head, "left") for head in heads])
    for one in mutations:
        word, style = WORDS[one.outcome]
        named = one.found[0] if one.outcome is Outcome.CAUGHT and one.found else ""
        both = f"{one.code}:\n{named}" if named and named != one.code else one.code
        codes = [one.code, named] if is_wide else [both]
        table.add_row(
            page.lines("\n".join(filter(None, (one.name, one.note)))),
            page.text(word if one.counts else word.lower(), style if one.counts else "dim"),
            *(page.lines(code, "" if one.is_named or not named else "yellow") for code in codes),
        )
    return table


def _by_code(mutations: Sequence[Mutation]) -> str:
    """``sign-flipped 3/3, zero 3/3``: how many of those that were tried are caught, by planted code."""
    caught, tried = Counter[str](), Counter[str]()
    for one in mutations:
        if one.counts and one.outcome not in {Outcome.UNCHANGED, Outcome.UNTRIED}:
            tried[one.code] += 1
            caught[one.code] += one.outcome is Outcome.CAUGHT
    return ", ".join(f"{code} {caught[code]}/{number}" for code, number in tried.items())


def _summary(report: MutationReport) -> str:
    caught, missed, open_, _, untried = (len(report.of(one)) for one in Outcome)
    tried = caught + missed + open_
    parts = [f"{caught} of {plural(tried, 'corruption')} caught"] if tried else ["nothing corrupted"]
    parts += [f"{missed} missed"] if missed else []
    parts += [f"{open_} undecided"] if open_ else []
    parts += [f"{untried} not tried"] if untried else []
    named = sum(one.is_named for one in report.of(Outcome.CAUGHT))
    parts += [f"the likeliest diagnosis is the planted one for {named} of {caught}"] if caught else []
    parts += [plural(len(report.faults), "fault")] if report.faults else []
    number = plural(len(report.checks), "check") if report.checks else "no checks"
    return f"{number}: {', '.join(parts)} ({report.seconds:.2f} s)"
