"""Sizes: what one prints as, read as arithmetic over the dims, is the length that it is."""

from __future__ import annotations

import operator

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gradcheck_cli.shapes import Size

N, M, K = Size(3, "N"), Size(2, "M"), Size(2, "K")
DIMS = {"N": 3, "M": 2, "K": 2}


def value_of(text: str) -> int:
    return eval(text, {"__builtins__": {}}, dict(DIMS))


SIZES = st.recursive(
    st.sampled_from([N, M, K, Size(2, "N-1"), Size(1, "N % K"), Size(9, "N**2"), 1, 2, 5]),
    lambda inner: st.tuples(
        inner, st.sampled_from([operator.add, operator.sub, operator.mul, operator.floordiv]), inner
    ).map(
        lambda parts: 0 if parts[1] is operator.floordiv and not parts[2] else parts[1](parts[0], parts[2])
    ),
    max_leaves=6,
)


@given(SIZES)
def test_the_text_of_a_size_is_true(size):
    assume(isinstance(size, Size))
    assert value_of(size.text) == size


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (M * (N // 2), "M*(N//2)"),
        (M * Size(1, "N%K"), "M*(N%K)"),
        (M * (N * K), "M*N*K"),
        (N // 2 * M, "N//2*M"),
        (Size(2, "N-1") * 2, "(N-1)*2"),
        (N - Size(2, "K"), "N - K"),
        (2 * N // 2, "N"),
        (2 * N // K, "2*N//K"),
        (2 * N // 3, "2*N//3"),
        (N - (M - 1), "N - (M - 1)"),
    ],
)
def test_text(size, text):
    assert size.text == text


def test_a_text_does_not_grow_without_end():
    doubled, other = N, N
    for _ in range(60):
        doubled, other = doubled + doubled, (other - 1) * 3
    assert doubled.text == f"{2**60}*N"
    assert not isinstance(other, Size)
