"""The noise of a function, measured on functions whose noise is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gradcheck_cli.noise import measure
from gradcheck_cli.problem import EVERYWHERE, View

EPS = float(np.finfo(np.float64).eps)


def view(function: Callable[[np.ndarray], np.ndarray], primal: np.ndarray, domain=EVERYWHERE) -> View:
    center = function(primal)
    return View(
        primal=primal,
        domain=domain,
        symmetric=False,
        eps=max(EPS, float(np.finfo(primal.dtype).eps)),
        function=function,
        center=center,
        magnitude=np.abs(center),
    )


POINTS = np.array([0.37, -1.9, 2.3, 0.011])


@pytest.mark.parametrize("decimals", [4, 6, 8, 10, 12])
def test_rounding_to_decimals_is_found_with_its_size(decimals: int) -> None:
    level = measure(view(lambda x: np.round(np.sin(x), decimals), POINTS)).level
    assert level == pytest.approx(np.full(4, 10.0**-decimals / np.sqrt(12)), rel=2)
    assert np.all(level > 0.1 * 10.0**-decimals)


@pytest.mark.parametrize("size", [1e-12, 1e-9, 1e-6])
def test_random_noise_is_found_with_its_size(size: float) -> None:
    rng = np.random.default_rng(0)
    level = measure(view(lambda x: np.exp(x) + size * rng.standard_normal(x.shape), POINTS)).level
    assert np.all((level > 0.2 * size) & (level < 5 * size))


@pytest.mark.parametrize("function", [np.sin, np.exp, np.tanh, np.square, lambda x: 3 * x], ids=str)
def test_a_clean_function_has_the_noise_of_its_round_off(function) -> None:
    noise = measure(view(function, POINTS))
    assert np.all(noise.level <= 2 * EPS * np.maximum(np.abs(function(POINTS)), np.abs(POINTS)))
    assert np.all(noise.precision == 0)


def test_cancellation_leaves_the_noise_of_what_cancels() -> None:
    level = measure(view(lambda x: (x + 1e6) - 1e6, POINTS)).level
    assert np.all((level > 1e-11) & (level < 1e-9))  # the unit in the last place of 1e6 is 1.2e-10


@pytest.mark.parametrize("distance", [1e-7, 1e-5, 1e-3, 0.05])
def test_a_kink_nearby_is_no_noise(distance: float) -> None:
    assert measure(view(lambda x: np.maximum(x - 1, 0), np.array([1 - distance]))).level == 0
    assert measure(view(lambda x: np.maximum(x - 1, 0), np.array([1.0]))).level <= EPS


def test_a_fast_oscillation_is_no_noise() -> None:
    assert np.all(measure(view(lambda x: np.sin(1e6 * x), POINTS)).level < 1e-9)


@pytest.mark.parametrize(("dtype", "eps"), [(np.float32, 2.0**-23), (np.float16, 2.0**-10)])
def test_a_coarser_precision_inside_is_recognised_by_its_values(dtype: type, eps: float) -> None:
    inside = measure(view(lambda x: np.sin(x.astype(dtype)).astype(np.float64), POINTS))
    assert np.all(inside.precision == eps)
    mixed = measure(view(lambda x: 0.1 * np.sin(x.astype(dtype)).astype(np.float64), POINTS))
    assert np.all(mixed.precision == 0)
    assert np.all(mixed.level > 0.02 * eps * np.abs(0.1 * np.sin(POINTS)))


def test_values_that_stand_still_tell_no_precision() -> None:
    assert measure(view(np.sign, POINTS)).precision == pytest.approx(0)


def test_points_stay_in_the_domain() -> None:
    seen = []

    def function(x: np.ndarray) -> np.ndarray:
        seen.append(x.copy())
        return np.sqrt(x)

    measure(view(function, np.array([1e-9, 0.5, 1 - 1e-9]), domain=(0.0, 1.0)))
    assert np.min(seen) >= 0
    assert np.max(seen) <= 1
