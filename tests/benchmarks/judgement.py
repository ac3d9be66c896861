"""The benchmark of judgement: wrong backwards that a tool misses, and right ones that it calls wrong.

Puts the cases of ``judgement_cases`` to this project and to its peers, all with their default settings, and
prints for each how many of the wrong backwards passed (missed), how many of the right ones failed (false
alarms) and how many cases it left undecided. A peer that is not installed gets dashes.

    python tests/benchmarks/judgement.py                # the table
    python tests/benchmarks/judgement.py -v             # and which cases
    python tests/benchmarks/judgement.py --markdown     # the table for the README
    python tests/benchmarks/judgement.py --json         # everything
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from judgement_cases import ALL
from judgement_cases.ours import gradcheck_cli
from judgement_cases.outcome import Outcome
from judgement_cases.peers import PEERS, ask

Answers = list[Outcome] | None  # None: the tool is not installed
OURS = "gradcheck-cli"
WRONG = sum(not case.right for case in ALL)
HEADER = (
    "tool",
    f"missed of {WRONG} wrong",
    f"false alarms of {len(ALL) - WRONG} right",
    "undecided",
    "seconds",
)
FAULTS: dict[str, Callable[[Outcome], bool]] = {
    "missed": lambda outcome: outcome.missed,
    "false alarm": lambda outcome: outcome.false_alarm,
    "undecided": lambda outcome: outcome.undecided,
}


def tools(only: str) -> Iterator[tuple[str, Answers]]:
    """Ask the tools whose names contain ``only``, one after the other."""
    questions = {OURS: partial(gradcheck_cli, ALL), **{name: partial(ask, name, ALL) for name in PEERS}}
    for name, question in questions.items():
        if only in name:
            # In a new process each: some of the cases keep a state, which is to be nobody else's.
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
                yield name, process.submit(question).result()


def row(name: str, answers: Answers) -> list[str]:
    """Count what went wrong."""
    if answers is None:
        return [name, *["-"] * (len(HEADER) - 1)]
    counts = [str(sum(map(fault, answers))) for fault in FAULTS.values()]
    return [name, *counts, f"{sum(outcome.seconds for outcome in answers):.1f}"]


def table(rows: list[list[str]], *, markdown: bool) -> str:
    """Align the rows, the first column to the left and numbers to the right."""
    widths = [max(map(len, column)) for column in zip(HEADER, *rows, strict=True)]
    lines = [
        [
            cells[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(cells[1:], widths[1:], strict=True)),
        ]
        for cells in [list(HEADER), *rows]
    ]
    if not markdown:
        return "\n".join("  ".join(line) for line in lines)
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join("| " + " | ".join(line) + " |" for line in [lines[0], rule, *lines[1:]])


def details(answers: list[Outcome]) -> Iterator[str]:
    """Name the cases that a tool got wrong."""
    for fault, holds in FAULTS.items():
        for outcome in filter(holds, answers):
            case = outcome.case
            label = f"{case.area}: {case.name}" + (f" ({case.code})" if case.code else "")
            yield f"    {fault:12} {label}" + (f": {outcome.reason}" if outcome.reason else "")


def diagnosed(answers: list[Outcome]) -> str:
    """Count the planted mistakes that are named; a peer names none."""
    caught = [outcome for outcome in answers if outcome.codes and not outcome.case.right]
    first = sum(outcome.codes[0] == outcome.case.code for outcome in caught)
    among = sum(outcome.case.code in outcome.codes[:3] for outcome in caught)
    unknown = sum(outcome.codes[0] == "unknown" for outcome in caught)
    likeliest = f"{first} of {WRONG} as the likeliest, {among} among the first three"
    return f"mistakes named: {likeliest}; {unknown} called unknown"


def as_json(found: dict[str, Answers]) -> str:
    """Write every answer."""
    return json.dumps(
        {
            name: answers
            and [
                {
                    "area": outcome.case.area,
                    "case": outcome.case.name,
                    "planted": outcome.case.code,
                    "answer": outcome.answer.value,
                    "codes": outcome.codes,
                    "reason": outcome.reason,
                    "seconds": round(outcome.seconds, 3),
                }
                for outcome in answers
            ]
            for name, answers in found.items()
        },
        indent=1,
    )


def options() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("-v", "--verbose", action="store_true", help="name the cases that went wrong")
    parser.add_argument("--json", action="store_true", help="print every answer as JSON")
    parser.add_argument("--markdown", action="store_true", help="print the table in Markdown")
    parser.add_argument("--only", default="", help="only the tools whose names contain this")
    return parser.parse_args()


def main() -> None:
    """Ask all tools and print."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    chosen = options()
    found = dict(tools(chosen.only))
    if chosen.json:
        print(as_json(found))  # noqa: T201
        return
    print(table([row(*one) for one in found.items()], markdown=chosen.markdown))  # noqa: T201
    if found.get(OURS):
        print(f"\n{OURS}: {diagnosed(found[OURS] or [])}")  # noqa: T201
    for name, answers in found.items() if chosen.verbose else ():
        print("\n".join([f"\n{name}", *details(answers or [])]))  # noqa: T201


if __name__ == "__main__":
    main()
