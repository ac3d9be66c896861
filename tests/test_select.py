"""The language of ``-k``."""

from __future__ import annotations

import pytest

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.select import parse_selection

NAMES = ("linear layer[N=1]", "linear layer[N=2]", "Softmax", "not (this)")


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("linear", [0, 1]),
        ("LINEAR layer", [0, 1]),
        ("softmax or N=2", [1, 2]),
        ("layer and not N=2", [0]),
        ("not (layer or softmax)", [3]),
        ("not not softmax", [2]),
        ("softmax or layer and N=1", [0, 2]),
        ("(softmax or layer) and N=1", [0]),
        ("'not (this'", [3]),
        ('"layer[n"', [0, 1]),
    ],
)
def test_what_is_chosen(text: str, chosen: list[int]) -> None:
    matches = parse_selection(text)
    assert [place for place, name in enumerate(NAMES) if matches(name)] == chosen


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a name is missing"),
        ("a and", "a name is missing"),
        ("or a", "a name is missing"),
        ("(a", "a bracket is not closed"),
        ("a)", r"unexpected '\)'"),
        ("'a", "a quote is not closed"),
    ],
)
def test_what_is_no_expression(text: str, message: str) -> None:
    with pytest.raises(GradcheckError, match=message):
        parse_selection(text)


@pytest.mark.parametrize("text", ["not " * 3000 + "a", "(" * 3000 + "a" + ")" * 3000, "(not " * 2000])
def test_too_deep_is_said_in_one_short_line(text: str) -> None:
    with pytest.raises(
        GradcheckError, match="-k: more than 100 brackets or 'not' within one another"
    ) as caught:
        parse_selection(text)
    assert len(str(caught.value)) < 100


def test_deep_enough_and_long_enough() -> None:
    assert parse_selection("(" * 100 + "a" + ")" * 100)("a")
    assert parse_selection("not " * 100 + "a")("a")
    assert parse_selection("b or " * 3000 + "a")("a")
