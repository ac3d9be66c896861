from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

from gradcheck_cli.shapes import Size
from gradcheck_cli.spec.axes import LARGEST, AxisError, axis_length, integer

DIMS = {"N": Size(7, "N"), "D": Size(3, "D")}


@pytest.mark.parametrize(
    ("text", "value"),
    [("N", 7), ("2*D", 6), ("N+1", 8), ("N//2", 3), ("N % D", 1), ("D**2", 9), ("-(D - N)", 4), ("+N", 7)],
)
def test_an_expression_is_worked_out_and_remembers_its_text(text, value):
    size = axis_length(text, DIMS)
    assert isinstance(size, Size)
    assert (int(size), size.text) == (value, text)


def test_a_plain_number_has_no_symbol():
    assert axis_length(3, DIMS) == 3
    assert not isinstance(axis_length(3, DIMS), Size)


@pytest.mark.parametrize(
    "text",
    ["D - N", "N / 2", "N // 0", "N % 0", "2 ** 65", "2 ** -1", "9 ** 40", "len(N)", "N.x", "n", "2N",
     "1_000_0x",
     "N and D", "(N", "", "N" * 300, "(" * 190, "lambda: 1", "N; D", "99999999999999999999"]
)  # fmt: skip
def test_anything_else_is_refused(text):
    with pytest.raises(AxisError):
        axis_length(text, DIMS)


@given(st.text("ND0123456789+-*/%() ", max_size=30))
def test_every_text_gives_a_bounded_integer_or_a_fault(text):
    try:
        assert abs(integer(text, DIMS)) <= LARGEST
    except AxisError:
        return
