"""The numeric witness alone: its error stays within ten of its own bounds, on functions chosen to hurt."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from gradcheck_cli.numeric import Differences, central_pair, difference_jacobian, refine_columns
from gradcheck_cli.problem import View
from gradcheck_cli.ridders import Estimate

SMOOTH = {
    "sin": (np.sin, np.cos, (0.3, 2.0, -1.7)),
    "exp": (np.exp, np.exp, (0.3, 2.0, -1.7)),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2, (0.3, 2.0, -1.7)),
    "cube": (lambda x: x**3, lambda x: 3 * x**2, (0.3, 2.0, -1.7, 0.0)),
    "sin(50x)": (lambda x: np.sin(50 * x), lambda x: 50 * np.cos(50 * x), (0.3, 2.0, -1.7)),
    "sin(1000x)": (lambda x: np.sin(1000 * x), lambda x: 1000 * np.cos(1000 * x), (0.3, 2.0, -1.7)),
    "1e8 + sin": (lambda x: 1e8 + np.sin(x), np.cos, (0.3, 2.0, -1.7)),
    "log": (np.log, lambda x: 1 / x, (1e-6, 1e-3, 1.0, 1e3, 1e6)),
    "sqrt": (np.sqrt, lambda x: 0.5 / np.sqrt(x), (1e-6, 1e-3, 1.0, 1e3, 1e6)),
    "1/x": (lambda x: 1 / x, lambda x: -1 / x**2, (1e-6, 1e-3, 1.0, 1e3, 1e6)),
    "1e-12 x": (lambda x: 1e-12 * x, lambda x: 1e-12 + 0 * x, (1e-6, 1.0, 1e6)),
    "1e12 x": (lambda x: 1e12 * x, lambda x: 1e12 + 0 * x, (1e-6, 1.0, 1e6)),
    "sharp step": (
        lambda x: x / np.sqrt(x * x + 1e-5),
        lambda x: 1e-5 / (x * x + 1e-5) ** 1.5,
        (0.0, 1e-6, 1e-3, 1.0),
    ),
    "exp(10x)": (lambda x: np.exp(10 * x), lambda x: 10 * np.exp(10 * x), (3.0,)),
    "cancelling": (lambda x: (x + 3) ** 2 - 9 - 6 * x, lambda x: 2 * x, (0.0, 1e-3, 1.0)),
}
CASES = [(name, place) for name, (_, _, places) in SMOOTH.items() for place in places]


def view(function: Callable, place: float, dtype: type = np.float64, domain=(-np.inf, np.inf)) -> View:
    primal = np.array([place], dtype)

    def evaluate(array: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return np.asarray(function(array), np.float64)

    return View(
        primal=primal,
        domain=domain,
        symmetric=False,
        eps=float(np.finfo(dtype).eps),
        function=evaluate,
        center=evaluate(primal),
        magnitude=np.abs(evaluate(primal)),
    )


def refined(looked_at: View) -> Differences:
    differences = difference_jacobian(looked_at)
    refine_columns(looked_at, differences, np.arange(looked_at.primal.size))
    return differences


@pytest.mark.parametrize(("name", "place"), CASES)
def test_the_error_is_within_ten_bounds(name: str, place: float) -> None:
    function, derivative, _ = SMOOTH[name]
    found = refined(view(function, place))
    assert abs(found.value[0, 0] - derivative(place)) <= 10 * found.bound[0, 0]
    assert not found.kink[0, 0]


@pytest.mark.parametrize(
    ("name", "place"), [case for case in CASES if case[0] not in {"1e8 + sin", "cancelling"}]
)
def test_the_bound_is_narrow_enough_to_be_of_use(name: str, place: float) -> None:
    function, derivative, _ = SMOOTH[name]
    found = refined(view(function, place))
    assert found.bound[0, 0] <= 1e-7 * max(abs(derivative(place)), abs(found.value[0, 0]), 1e-6)


@pytest.mark.parametrize(("name", "place"), CASES)
def test_float32_functions_have_honest_bounds_too(name: str, place: float) -> None:
    function, derivative, _ = SMOOTH[name]
    found = refined(view(lambda x: function(x).astype(np.float32), place, np.float32))
    exact = derivative(float(np.float32(place)))
    assert found.low[0, 0] - 10 * found.bound[0, 0] <= exact <= found.high[0, 0] + 10 * found.bound[0, 0]


def test_one_central_pair_alone_would_be_wrong_on_a_fast_oscillation() -> None:
    function, derivative, _ = SMOOTH["sin(1000x)"]
    cheap, _ = central_pair(view(function, -1.7), 0)
    assert abs(cheap.value[0] - derivative(-1.7)) > 10 * cheap.bound[0]


@pytest.mark.parametrize(
    ("function", "low", "high"),
    [
        (np.abs, -1, 1),
        (lambda x: np.maximum(x, 0), 0, 1),
        (lambda x: np.minimum(2 * x, 5 * x), 2, 5),
        (lambda x: np.maximum(x, 0) + np.sin(x), 1, 2),
    ],
    ids=["abs", "relu", "min", "relu + sin"],
)
def test_a_kink_has_the_one_sided_derivatives_as_its_range(function, low: float, high: float) -> None:
    found = refined(view(function, 0.0))
    assert found.kink[0, 0]
    assert found.low[0, 0] == pytest.approx(low, abs=1e-9)
    assert found.high[0, 0] == pytest.approx(high, abs=1e-9)


@pytest.mark.parametrize(
    ("function", "bent"),
    [(np.abs, True), (lambda x: np.maximum(x, 0), True), (np.sin, False), (np.exp, False)],
    ids=["abs", "relu", "sin", "exp"],
)
def test_one_central_pair_tells_where_a_kink_may_be(function, bent: bool) -> None:
    _, found = central_pair(view(function, 0.0), 0)
    assert found[0] == bent


def test_where_two_ladders_contradict_one_another_the_smaller_step_is_right() -> None:
    coarse = Estimate(np.array([1.0, 1.0]), np.array([1e-9, 1e-6]))
    fine = Estimate(np.array([2.0, 1.0]), np.array([1e-6, 1e-9]))
    best = coarse.better_of(fine)
    assert best.value.tolist() == [2.0, 1.0]
    assert best.bound.tolist() == [1e-6, 1e-9]


def test_a_tiny_entry_beside_large_ones_gets_steps_of_its_own_size() -> None:
    primal = np.array([1e-12, 1.0, 1e8])
    template = view(np.log, 1.0)
    looked_at = dataclasses.replace(
        template,
        primal=primal,
        domain=(0.0, np.inf),
        center=template.function(primal),
        magnitude=np.full(3, 27.0),
    )
    found = refined(looked_at)
    assert np.diag(found.value) == pytest.approx(1 / primal, rel=1e-7)


@pytest.mark.parametrize("place", [1e-9, 1e-5, 0.003])
def test_beside_a_kink_there_is_none(place: float) -> None:
    found = refined(view(lambda x: np.maximum(x, 0), place))
    assert found.value[0, 0] == pytest.approx(1, abs=10 * found.bound[0, 0])
    assert not found.kink[0, 0]


@pytest.mark.parametrize(
    "function",
    [np.sqrt, np.cbrt, lambda x: np.where(x > 0, 1.0, 0.0)],
    ids=["sqrt", "cbrt", "step"],
)
def test_where_there_is_no_derivative_the_bound_says_so(function) -> None:
    found = refined(view(function, 0.0))
    assert found.bound[0, 0] > 0.1 * abs(found.value[0, 0])


@pytest.mark.parametrize("place", [0.0, 1e-7, 0.3, 1.0])
def test_nothing_outside_the_domain_is_evaluated(place: float) -> None:
    def function(x: np.ndarray) -> np.ndarray:
        assert x.min() >= 0
        assert x.max() <= 1
        return np.exp(x)

    found = refined(view(function, place, domain=(0.0, 1.0)))
    assert found.value[0, 0] == pytest.approx(np.exp(place), abs=10 * found.bound[0, 0])
    assert found.bound[0, 0] < 1e-6


def test_the_flat_stretches_of_a_staircase_are_not_its_slope() -> None:
    staircase = view(lambda x: np.log(1 + np.exp(-x)), 28.0)
    found = refined(dataclasses.replace(staircase, magnitude=np.array([1.0])))
    assert abs(found.value[0, 0] + np.exp(-28.0)) <= 10 * found.bound[0, 0]


def test_a_function_that_leaves_its_domain_at_large_steps_is_seen_at_small_ones() -> None:
    found = refined(view(lambda x: np.log(1 - x), 1 - 1e-7))
    assert found.value[0, 0] == pytest.approx(-1 / (1 - (1 - 1e-7)), abs=10 * found.bound[0, 0])


def test_symmetric_inputs_move_both_entries_by_half() -> None:
    primal = np.array([[2.0, 1.0], [1.0, 3.0]])
    looked_at = View(
        primal=primal,
        domain=(-np.inf, np.inf),
        symmetric=True,
        eps=2**-52,
        function=lambda x: np.array([x[0, 1]]),
        center=np.array([1.0]),
        magnitude=np.array([1.0]),
    )
    found = refined(looked_at)
    assert found.value == pytest.approx(np.array([[0, 0.5, 0.5, 0]]), abs=1e-10)
    moved, step = looked_at.shifted(1, 0.25)
    assert np.array_equal(moved, moved.T)
    assert step == 0.25
