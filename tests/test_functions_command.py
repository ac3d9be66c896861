"""``gradcheck functions``: every function is listed, and what is said of its shapes is true."""

from __future__ import annotations

import itertools
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from gradcheck_cli.autodiff.primitives import ALIASES, FUNCTIONS, PRIMITIVES
from gradcheck_cli.cli import main
from gradcheck_cli.explore.functions import OPERATORS, function_rows

sys.path.append(str(Path(__file__).parent / "autodiff"))

from derivative_laws import Call
from primitive_cases import CASES


def call(*arguments: str, width: int = 80) -> Result:
    return CliRunner(env={"COLUMNS": str(width)}).invoke(main, ["functions", *arguments])


def test_every_function_is_listed_with_shape_rule_and_vjp() -> None:
    rows = {row.name: row for row in function_rows()}
    assert set(rows) == set(PRIMITIVES)
    assert all(row.shapes and row.vjp and row.call for row in rows.values())
    assert set(OPERATORS) <= set(rows)


def test_aliases_go_by_a_row_and_hide_none() -> None:
    assert set(ALIASES).isdisjoint(PRIMITIVES)
    assert set(ALIASES.values()) <= set(PRIMITIVES)
    assert {alias for row in function_rows() for alias in row.aliases} == set(ALIASES)
    assert set(FUNCTIONS) == (set(PRIMITIVES) | set(ALIASES)) - {"getitem"}


def test_one_function() -> None:
    ended = call("softmax")
    assert ended.exit_code == 0
    assert ended.stdout == (
        "along axes\n"
        "  softmax(x, axis=None)\n"
        "    shape  (…) → (…)\n"
        "    VJP    dL/dx = s * (g - sum(g * s)),  s = softmax(x)\n\n"
    )


def test_an_alias_an_operator_and_a_part_of_a_name() -> None:
    assert "matmul(x, y)  also x @ y\n" in call("matmul").stdout
    assert "also norm" in call("norm").stdout
    assert "layer_norm" not in call("norm").stdout
    assert "conv_transpose2d(" in call("conv").stdout
    assert "x[…]" in call("getitem").stdout


def test_an_unknown_function_is_one_message() -> None:
    ended = call("softmix")
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert ended.stderr == "Error: there is no function 'softmix'; did you mean 'softmax'?\n"


@pytest.mark.parametrize("width", [60, 80, 140])
def test_every_line_fits(width: int) -> None:
    assert max(map(len, call(width=width).stdout.splitlines())) <= width


# A text such as "(…, N, K), (…, K, M) → (…, N, M)" is tried on the calls of the primitive's own tests.
# It tells the rule at its plainest; other ranks, axes and broadcasting may go beyond it.
PATTERN = re.compile(r"\(([^()]*)\)")
SYMBOL = re.compile(r"[A-Z]+'?|\d+|…")


def patterns(text: str) -> tuple[list[list[str]], list[list[str]]] | None:
    """Operands' and results' axes; None for a text that is more than symbols."""
    left, arrow, right = text.partition("→")
    sides = [[one.replace(",", " ").split() for one in PATTERN.findall(side)] for side in (left, right)]
    rest = re.sub(r"[\s,]|\([^()]*\)", "", left + right)
    known = all(SYMBOL.fullmatch(axis) for side in sides for shape in side for axis in shape)
    return (sides[0], sides[1]) if arrow and not rest and known else None


def bindings(pattern: list[str], shape: tuple[int, ...], known: dict) -> list[dict]:
    """Every way in which a shape fits a pattern, given what the symbols stand for already."""
    gaps = pattern.count("…")
    free = len(shape) - (len(pattern) - gaps)
    if free < 0 or (free and not gaps):
        return []
    ways = [cut for cut in itertools.product(range(free + 1), repeat=gaps) if sum(cut) == free]
    found = []
    for way in ways:
        lengths, rest, bound, fits = iter(enumerate(way)), list(shape), dict(known), True
        for axis in pattern:
            if axis == "…":  # the first of one shape stands for the same axes as the first of another
                place, length = next(lengths)
                gap, rest = tuple(rest[:length]), rest[length:]
                fits = fits and bound.setdefault(place, gap) == gap
                continue
            size = rest.pop(0)
            fits = fits and bound.setdefault(axis, int(axis) if axis.isdigit() else size) == size
        if fits:
            found.append(bound)
    return found


def fits(text: str, shapes: list[tuple[int, ...]], results: list[tuple[int, ...]]) -> bool:
    """Whether operands and results of these shapes are what the text says."""
    found = patterns(text)
    assert found is not None
    operands, wanted = found
    if len(operands) != len(shapes):  # any number of operands is written as two
        return True
    known = [{}]
    for pattern, shape in zip([*operands, *wanted], [*shapes, *results], strict=False):
        known = [way for one in known for way in bindings(pattern, shape, one)]
    return bool(known)


def shapes_of(call: Call) -> list[tuple[int, ...]]:
    return [np.shape(operand) for operand in call.operands]


READABLE = [name for name, one in PRIMITIVES.items() if patterns(one.shapes) and one.operand_names]


def test_most_texts_can_be_tried() -> None:
    assert len(READABLE) > 80


@pytest.mark.parametrize("name", READABLE)
def test_the_shape_rule_in_words_is_the_one_that_holds(name: str) -> None:
    one = PRIMITIVES[name]
    tried = [(shapes_of(call), [np.shape(call.value)]) for call in CASES[name] if not call.static.get("part")]
    assert tried
    assert any(fits(one.shapes, *both) for both in tried), f"{one.shapes}: {tried[:5]}"


@pytest.mark.parametrize(
    ("text", "shapes", "result", "right"),
    [
        ("(…, N, K), (…, K, M) → (…, N, M)", [(5, 2, 3), (5, 3, 4)], (5, 2, 4), True),
        ("(…, N, K), (…, K, M) → (…, N, M)", [(2, 3), (3, 4)], (4, 2), False),
        ("(…, N, K), (…, K, M) → (…, N, M)", [(2, 3), (4, 3)], (2, 4), False),
        ("(…, N, N) → (…)", [(2, 3, 3)], (2,), True),
        ("(…, N, N) → (…)", [(2, 3)], (), False),
        ("(…) → (…)", [(2, 3)], (7, 7, 7), False),
        ("(…) → (…)", [(2, 3)], (2, 3), True),
        ("(…, N, …, M, …) → (…, M, …, N, …)", [(2, 3, 4)], (4, 3, 2), True),
    ],
)
def test_texts_are_read_as_people_do(text: str, shapes: list, result: tuple, right: bool) -> None:
    assert fits(text, shapes, [result]) is right
