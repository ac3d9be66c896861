"""Taylor tests: whole screens of reports made by hand, so that no digit depends on the machine."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from rich.console import Console
from screen_files import assert_screen

from gradcheck_cli.remainder import Outcome, TaylorCheck, TaylorReport, TaylorRow, TaylorStep
from gradcheck_cli.report.plain import plain
from gradcheck_cli.report.taylor_text import write_taylor
from gradcheck_cli.result import ExitCode, Fault

SCREENS = Path(__file__).parent / "screens_taylor"
WIDTHS = (60, 80, 140)
FLOOR = 3.2e-15


def steps(remainder: Callable[[float], float], counts: range = range(0)) -> tuple[TaylorStep, ...]:
    ladder = [0.1 * 0.5**place for place in range(26)]
    values = [remainder(step) for step in ladder]
    orders = [
        math.log2(here / there) if min(here, there) > FLOOR else math.nan for here, there in pairwise(values)
    ]
    return tuple(
        TaylorStep(step=step, remainder=value, order=order, counts=place in counts)
        for place, (step, value, order) in enumerate(zip(ladder, values, orders, strict=False))
    )


def row(outcome: Outcome, **other) -> TaylorRow:
    settings = {"claim": "vjp", "outputs": ("y",), "input": "x", "floor": FLOOR}
    return TaylorRow(outcome=outcome, **(settings | other))


def check(name: str, *rows: TaylorRow, **other) -> TaylorCheck:
    return TaylorCheck(name=name, rows=rows, **({"spec": "layers/dense.yaml", "line": 12} | other))


SECOND = row(
    Outcome.SECOND,
    steps=steps(lambda t: max(0.375 * t**2, 4e-16), range(21)),
    order=1.9998,
    error=3.21e-7,
    change=4.5,
)
FIRST = row(
    Outcome.FIRST,
    claim="jvp",
    steps=steps(lambda t: 0.002 * t + t**2, range(9, 25)),
    order=1.0123,
    error=0.002,
    change=12.5,
)
EXACT = row(
    Outcome.EXACT, claim="engine jvp", input="w", steps=steps(lambda t: 1.25e-16), error=3.9e-12, change=1.0
)
BEHIND = row(
    Outcome.EXACT,
    claim="jacobian",
    steps=steps(lambda t: max(t - 0.002, 0) or 2.5e-16, range(6, 25)),
    error=1e-11,
    change=2.25,
    note="this holds from t = 0.00156 down; larger steps cross a kink",
)
JUMP = row(
    Outcome.UNCLEAR,
    steps=steps(lambda t: 0.421),
    change=1.0,
    note="it settles at neither order: there is a kink, a jump or noise; try another --seed",
)
LEAVES = row(
    Outcome.SECOND,
    outputs=("loss", "probabilities"),
    steps=steps(lambda t: math.nan if t > 0.02 else 100 * t**2, range(3, 25)),
    order=2.0,
    error=2e-7,
    change=1e3,
)
NOWHERE = row(Outcome.UNCLEAR, steps=steps(lambda t: math.nan), note="the claim's own value is not finite")
MISFIT = row(
    Outcome.MISFIT,
    input="b",
    note="layers/dense.yaml:20:6: vjp.b: the derivative for b has the shape (4, 2), it must be (2,)",
)
RAISES = row(Outcome.ERROR, note="the vjp claim raised LinAlgError: Singular matrix")

REPORTS = {
    "right": TaylorReport(checks=(check("dense layer", SECOND, EXACT),)),
    "wrong": TaylorReport(checks=(check("dense layer", FIRST, MISFIT),)),
    "unclear": TaylorReport(
        checks=(
            check("a step function", JUMP, NOWHERE),
            check("an inverse", RAISES, LEAVES),
            check("a logarithm", message="the function is not finite at the generic point: y[0] = nan"),
        )
    ),
    "kinked": TaylorReport(checks=(check("relu", BEHIND),)),
    "expected": TaylorReport(
        checks=(
            check("the wrong sign", FIRST, expects_failure=True),
            check(
                "one entry of many is wrong, and nothing shows of it",
                SECOND,
                expects_failure=True,
                point="edge",
            ),
        ),
    ),
    "faults": TaylorReport(
        checks=(check("dense layer", EXACT),),
        faults=(Fault(spec="bad.yaml", line=7, column=9, path="vjp.x", message="unknown name 'dz'"),),
    ),
    "only_faults": TaylorReport(faults=(Fault(spec="bad.yaml", message="there is no such file"),)),
}
CASES = {
    **{f"{name}_{width}": (name, width, 0) for name in REPORTS for width in WIDTHS},
    "right_80_verbose": ("right", 80, 1),
}


@pytest.mark.parametrize("name", CASES)
def test_screen(name: str) -> None:
    report, width, verbosity = CASES[name]
    shown = plain(lambda console: write_taylor(REPORTS[report], console, verbosity=verbosity), width)
    assert max(map(len, shown.splitlines())) <= width
    assert_screen(shown, SCREENS / f"{name}.txt")


def test_a_terminal_without_our_signs() -> None:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii", newline="\n")
    write_taylor(REPORTS["wrong"], Console(file=file, width=80, legacy_windows=False))
    file.flush()
    assert_screen(raw.getvalue().decode("ascii"), SCREENS / "wrong_80_ascii.txt")


def test_no_screen_is_left_over() -> None:
    assert {file.stem for file in SCREENS.iterdir()} == {*CASES, "wrong_80_ascii"}


@pytest.mark.parametrize("width", [40, 50])
def test_narrow_terminals_cut_no_number(width: int) -> None:
    shown = plain(lambda console: write_taylor(REPORTS["right"], console), width)
    assert max(map(len, shown.splitlines())) <= width
    assert "…" not in shown
    assert "2.24e-10" in shown


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("right", ExitCode.OK),
        ("wrong", ExitCode.WRONG),
        ("unclear", ExitCode.UNDECIDED),
        ("kinked", ExitCode.OK),
        ("expected", ExitCode.OK),
        ("faults", ExitCode.USAGE),
        ("only_faults", ExitCode.USAGE),
    ],
)
def test_exit_codes(name: str, code: ExitCode) -> None:
    assert REPORTS[name].exit_code is code


def test_the_gravest_exit_code_counts() -> None:
    wrong, unclear = REPORTS["wrong"].checks, REPORTS["unclear"].checks
    assert TaylorReport(checks=(*unclear, *wrong)).exit_code is ExitCode.WRONG
    expected = check("expected", JUMP, FIRST, expects_failure=True)
    assert expected.exit_code is ExitCode.OK
    assert check("expected", JUMP, expects_failure=True).exit_code is ExitCode.UNDECIDED
