"""Per-entry verdicts: what passes, what fails, what is left open."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from gradcheck_cli.compare import Comparison, State, default_rtol, judge, suspects
from gradcheck_cli.numeric import Differences

EPS = 2.0**-52


def differences(value, bound=1e-12, low=None, high=None) -> Differences:
    value = np.atleast_2d(np.asarray(value, float))
    low = value if low is None else np.atleast_2d(np.asarray(low, float))
    high = value if high is None else np.atleast_2d(np.asarray(high, float))
    bounds = np.broadcast_to(np.asarray(bound, float), value.shape)
    return Differences(
        value=value,
        bound=bounds,
        low=low,
        high=high,
        kink=low != high,
        resolution=np.zeros(value.shape),
        precision=np.zeros((len(value), 1)),
        second=value,
        second_bound=bounds,
    )


def compared(claimed, numeric: Differences, **options) -> Comparison:
    settings = {"eps": EPS, "rtol": None, "atol": 0.0} | options
    return judge(np.atleast_2d(np.asarray(claimed, float)), numeric, **settings)


def state(claimed, numeric: Differences, **options) -> State:
    return State(int(compared(claimed, numeric, **options).state[0, 0]))


@pytest.mark.parametrize(
    ("claimed", "expected"),
    [
        (1.0, State.PASS),
        (1.0 + 0.9e-5, State.PASS),
        (1.0 + 1.1e-5, State.FAIL),
        (-1.0, State.FAIL),
        (0.0, State.FAIL),
        (np.nan, State.FAIL),
        (np.inf, State.FAIL),
    ],
)
def test_an_entry_is_judged_relative_to_itself(claimed: float, expected: State) -> None:
    assert state(claimed, differences(1.0)) is expected


@pytest.mark.parametrize("size", [1e-300, 1e-12, 1e-6, 1.0, 1e12])
def test_no_scale_hides_a_wrong_sign(size: float) -> None:
    numeric = differences(size, bound=1e-10 * size)
    assert state(size, numeric) is State.PASS
    assert state(-3 * size, numeric) is State.FAIL


def test_a_small_entry_beside_large_ones_is_judged_by_itself() -> None:
    numeric = differences([[1.0, 1e-6]], bound=1e-13)
    assert list(compared([[1.0, 1e-6]], numeric).state[0]) == [State.PASS, State.PASS]
    assert list(compared([[1.0, 5e-6]], numeric).state[0]) == [State.PASS, State.FAIL]


def test_an_absolute_tolerance_is_added_only_where_asked_for() -> None:
    assert state(1.01, differences(1.0)) is State.FAIL
    assert state(1.01, differences(1.0), atol=0.02) is State.PASS
    assert state(1.01, differences(1.0), rtol=0.02) is State.PASS


def test_between_one_bound_and_ten_nothing_is_decided() -> None:
    numeric = differences(1.0, bound=1e-6)
    assert [state(1 + 1e-5 + excess, numeric) for excess in (0.5e-6, 5e-6, 11e-6)] == [
        State.PASS,
        State.UNDECIDED,
        State.FAIL,
    ]


def test_an_entry_lost_in_its_bound_is_marked_blind() -> None:
    numeric = dataclasses.replace(differences(1.0, bound=20.0), resolution=np.array([[1e3]]))
    comparison = compared(-0.7, numeric)
    assert comparison.state[0, 0] == State.PASS
    assert comparison.blind[0, 0]
    assert not compared(1.0, differences(1.0)).blind.any()
    assert not compared(0.0, differences(0.0)).blind.any()


def test_an_enormous_tolerance_does_not_overflow() -> None:
    compared(1.0, differences(1.0), rtol=1e308)


def test_round_off_at_the_scale_of_row_and_column_passes() -> None:
    numeric = differences([[1.0, 0.0]], bound=1e-16)
    assert list(compared([[1.0, 1e-15]], numeric).state[0]) == [State.PASS, State.PASS]


def test_tolerance_does_not_grow_with_the_array() -> None:
    many = np.ones((1, 10_000))
    claimed = many.copy()
    claimed[0, 77] += 1e-4
    assert np.flatnonzero(compared(claimed, differences(many)).state == State.FAIL).tolist() == [77]


def test_a_bound_wider_than_what_it_bounds_decides_nothing() -> None:
    assert state(1.0, differences(1.0, bound=0.5)) is State.UNDECIDED
    assert state(1.3, differences(1.0, bound=0.1)) is State.UNDECIDED
    assert state(1.0, differences(np.nan, bound=np.inf)) is State.UNDECIDED


def test_a_bound_as_narrow_as_round_off_allows_decides() -> None:
    numeric = dataclasses.replace(differences(1.0, bound=1e-3), resolution=np.array([[1e-2]]))
    assert state(1.0, numeric) is State.PASS
    assert state(1.1, numeric) is State.FAIL


def test_far_beyond_a_wide_bound_is_wrong_all_the_same() -> None:
    assert state(10.0, differences(1.0, bound=0.1)) is State.FAIL


def test_two_zeros_agree_however_wide_the_bound() -> None:
    assert state(0.0, differences(0.0, bound=1e-3)) is State.PASS


@pytest.mark.parametrize(
    ("claimed", "expected"),
    [(0.0, State.PASS), (0.4, State.PASS), (1.0, State.PASS), (1.1, State.FAIL), (-0.1, State.FAIL)],
)
def test_at_a_kink_any_value_between_is_right(claimed: float, expected: State) -> None:
    assert state(claimed, differences(0.5, low=0.0, high=1.0)) is expected


def test_agreement_worse_than_the_bound_explains_is_approximate() -> None:
    assert compared(1 + 2e-6, differences(1.0, bound=1e-11)).approximate.all()
    assert not compared(1 + 5e-9, differences(1.0, bound=1e-11)).approximate.any()
    assert not compared(1 + 2e-6, differences(1.0, bound=1e-6)).approximate.any()


def test_what_exceeds_detectable_is_caught_wherever_it_stands() -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(size=(4, 5))
    numeric = differences(true, bound=1e-11)
    smallest = np.max(compared(true, numeric).threshold)
    for row, column in np.ndindex(true.shape):
        claimed = true.copy()
        claimed[row, column] += 1.01 * smallest
        assert compared(claimed, numeric).state[row, column] == State.FAIL


def test_relative_error_refers_to_the_true_entry() -> None:
    assert compared(-3.0, differences(1.0)).relative_error == pytest.approx(4.0)
    assert compared(2.0, differences(0.0)).relative_error == pytest.approx(1.0)


def test_the_default_tolerance_follows_the_dtype() -> None:
    assert [default_rtol(float(np.finfo(name).eps)) for name in ("f8", "f4", "f2")] == [1e-5, 1e-3, 1e-2]


def test_only_columns_in_doubt_are_refined() -> None:
    numeric = differences([[1.0, 2.0, 3.0]], bound=[[1e-11, 1e-11, np.inf]])
    assert suspects(compared([[1.0, 2.1, 3.0]], numeric)).tolist() == [1, 2]
    assert suspects(compared([[1.0, 2.0 + 1e-6, 3.0]], numeric)).tolist() == [1, 2]
