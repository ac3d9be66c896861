"""What is read from remainders that are made by hand: R(t) = |a t + b t² + c t³| with round-off."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradcheck_cli.explore.order import observed_orders, read
from gradcheck_cli.remainder import Outcome

STEPS = 0.1 * 0.5 ** np.arange(25)
FLOOR = 1e-15

coefficients = st.floats(1e-9, 10).flatmap(lambda size: st.sampled_from([size, -size, 0.0]))


def remainders(a: float = 0.0, b: float = 0.0, c: float = 0.0, noise: float = FLOOR / 16, seed: int = 0):
    rounded = noise * np.random.default_rng(seed).uniform(-1, 1, STEPS.shape)
    return np.abs(a * STEPS + b * STEPS**2 + c * STEPS**3 + rounded)


@given(a=coefficients, b=coefficients, c=coefficients, seed=st.integers(0, 99))
def test_no_reading_is_false(a: float, b: float, c: float, seed: int) -> None:
    """The error stays within what is said of it, and is that where the order is 1."""
    reading = read(STEPS, remainders(a, b, c, seed=seed), FLOOR)
    if reading.outcome is Outcome.FIRST:
        assert reading.error == pytest.approx(abs(a), rel=0.35)
    elif reading.outcome is not Outcome.UNCLEAR:
        assert abs(a) <= reading.error


@pytest.mark.parametrize("seed", range(50))
@pytest.mark.parametrize(
    ("a", "b", "c", "outcome", "order"),
    [
        (1, 0, 0, Outcome.FIRST, 1),
        (1e-3, -1, 0, Outcome.FIRST, 1),  # the terms cancel at one step
        (1e-6, 1, 1, Outcome.FIRST, 1),  # the order bends
        (0, 1, 0, Outcome.SECOND, 2),
        (0, 1, -30, Outcome.SECOND, 2),
        (0, 1e-4, 1, Outcome.SECOND, 2),
        (0, 0, 1, Outcome.SECOND, 3),
    ],
)
def test_orders(a: float, b: float, c: float, outcome: Outcome, order: int, seed: int) -> None:
    reading = read(STEPS, remainders(a, b, c, seed=seed), FLOOR)
    assert reading.outcome is outcome
    assert reading.order == pytest.approx(order, abs=0.2)
    assert reading.first < reading.last


@pytest.mark.parametrize("noise", [0.0, FLOOR / 16, FLOOR])
def test_nothing_but_round_off(noise: float) -> None:
    reading = read(STEPS, remainders(noise=noise), FLOOR)
    assert (reading.outcome, reading.first, reading.last) == (Outcome.EXACT, 0, 24)
    assert reading.error == pytest.approx(50 * FLOOR)


@pytest.mark.parametrize("seed", range(50))
def test_noise_raises_the_floor(seed: int) -> None:
    noisy = read(STEPS, remainders(noise=1e-11, seed=seed), FLOOR)
    assert noisy.outcome is Outcome.EXACT
    assert noisy.floor >= 1e-11
    assert read(STEPS, remainders(b=1, noise=1e-11, seed=seed), FLOOR).outcome is Outcome.SECOND
    assert read(STEPS, remainders(a=1, noise=1e-11, seed=seed), FLOOR).outcome is Outcome.FIRST


def test_a_cliff_is_a_kink_and_what_is_below_it_counts() -> None:
    kinked = np.where(STEPS > 1e-3, STEPS - 1e-3, 0.0)
    reading = read(STEPS, kinked, FLOOR)
    assert (reading.outcome, reading.first) == (Outcome.EXACT, 7)
    assert reading.note == "this holds from t = 0.000781 down; larger steps cross a kink"
    curved = np.where(STEPS > 1e-3, STEPS - 1e-3, 0.0) + STEPS**2
    assert read(STEPS, curved, FLOOR).outcome is Outcome.SECOND


def test_a_cliff_at_the_last_steps_tells_nothing() -> None:
    kinked = np.where(STEPS > 1e-7, STEPS, 0.0)
    assert read(STEPS, kinked, FLOOR).outcome is Outcome.UNCLEAR


@pytest.mark.parametrize("order", [0.0, 0.5, 1.5])
def test_other_orders_tell_nothing(order: float) -> None:
    assert read(STEPS, STEPS**order, FLOOR).outcome is Outcome.UNCLEAR


@pytest.mark.parametrize(("holes", "outcome"), [([0, 1, 2], Outcome.SECOND), ([9], Outcome.UNCLEAR)])
def test_only_the_largest_steps_may_lack_a_value(holes: list[int], outcome: Outcome) -> None:
    values = remainders(b=1)
    values[holes] = np.nan
    assert read(STEPS, values, FLOOR).outcome is outcome


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_no_value_at_all_tells_nothing(value: float) -> None:
    assert read(STEPS, np.full(STEPS.shape, value), FLOOR).outcome is Outcome.UNCLEAR


def test_orders_are_observed_between_remainders_that_are_clear() -> None:
    orders = observed_orders(np.array([8.0, 2.0, 1.0, 0.5]), 0.6)
    np.testing.assert_allclose(orders, [2, 1, np.nan])
