"""The numeric witness's bounds hold: on functions that are nasty to differentiate, 200 points of each.

"Covered": the true error is at most ten bounds (what a claim must differ by to be called wrong).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import special

from gradcheck_cli.compare import SEVERAL
from gradcheck_cli.ladder import refine
from gradcheck_cli.noise import measure
from gradcheck_cli.problem import EVERYWHERE, View

Elementwise = Callable[[np.ndarray], np.ndarray]
POINTS = 200


@dataclass(frozen=True)
class Nasty:
    name: str
    function: Elementwise
    derivative: Elementwise
    points: np.ndarray
    wide: float = 0.0  # share of the points whose bound may be wider than 1e-5 of the derivative


def between(low: float, high: float) -> np.ndarray:
    return np.random.default_rng(POINTS).uniform(low, high, POINTS)


def decades(low: float, high: float) -> np.ndarray:
    return 10 ** between(low, high)


def single(function: Elementwise) -> Elementwise:
    return lambda x: function(x.astype(np.float32)).astype(np.float64)


def heron(x: np.ndarray) -> np.ndarray:
    """Square root by an iteration that has converged to round-off."""
    y = np.ones_like(x)
    for _ in range(12):
        y = (y + x / y) / 2
    return y


def hashed(x: np.ndarray, size: float) -> np.ndarray:
    """Noise that repeats: as jagged as if it were random."""
    return size * np.sin(7.123 * x / size) * np.cos(30 * x / size)


SIGNS = np.random.default_rng(0).choice([-1, 1], POINTS)
TABLE = [
    Nasty("log near 0", np.log, lambda x: 1 / x, decades(-9, -3)),
    Nasty("sqrt near 0", np.sqrt, lambda x: 0.5 / np.sqrt(x), decades(-9, -3)),
    Nasty("1e8 + sin", lambda x: 1e8 + np.sin(x), np.cos, between(0.1, 3), wide=0.1),
    Nasty("sin(50 x)", lambda x: np.sin(50 * x), lambda x: 50 * np.cos(50 * x), between(0.1, 3)),
    Nasty("sin(1e3 x)", lambda x: np.sin(1e3 * x), lambda x: 1e3 * np.cos(1e3 * x), between(0.1, 3)),
    Nasty("sin(1e5 x)", lambda x: np.sin(1e5 * x), lambda x: 1e5 * np.cos(1e5 * x), between(0.1, 3)),
    Nasty("sin(1e7 x)", lambda x: np.sin(1e7 * x), lambda x: 1e7 * np.cos(1e7 * x), between(0.1, 3)),
    Nasty("1/x", lambda x: 1 / x, lambda x: -1 / x**2, decades(-4, -1)),
    Nasty("exp(20 x)", lambda x: np.exp(20 * x), lambda x: 20 * np.exp(20 * x), between(-2, 2)),
    Nasty(
        "tanh(100 x)", lambda x: np.tanh(100 * x), lambda x: 100 / np.cosh(100 * x) ** 2, between(-0.1, 0.1)
    ),
    Nasty(
        "narrow bell",
        lambda x: np.exp(-((30 * x) ** 2)),
        lambda x: -1800 * x * np.exp(-((30 * x) ** 2)),
        between(-0.2, 0.2),
    ),
    Nasty("1 - cos", lambda x: 1 - np.cos(x), np.sin, decades(-6, 0), wide=0.2),
    Nasty("(1 + x) - 1", lambda x: (1 + x) - 1, np.ones_like, decades(-8, 0)),
    Nasty(
        "small beside 1", lambda x: (1 + 4e-5 * x) - 1, lambda x: np.full_like(x, 4e-5), between(-2, 2)
    ),
    Nasty("variance", lambda x: (x**2 + 1e6) - 1e6, lambda x: 2 * x, between(0.1, 2), wide=0.02),
    Nasty("x to the 10", lambda x: x**10, lambda x: 10 * x**9, between(-2, 2)),
    Nasty("erf", special.erf, lambda x: 2 / np.sqrt(np.pi) * np.exp(-x * x), between(-4, 4)),
    Nasty("log gamma", special.gammaln, special.digamma, between(0.01, 5)),
    Nasty(
        "saturated sigmoid",
        special.expit,
        lambda x: special.expit(x) * special.expit(-x),
        between(-40, 40),
        wide=0.3,
    ),
    Nasty(
        "log-sum-exp beside 1000",
        lambda x: np.logaddexp(x, 1000.0),
        lambda x: np.exp(x - np.logaddexp(x, 1000.0)),
        between(980, 1020),
        wide=0.2,
    ),
    Nasty("float32 sin", single(np.sin), np.cos, np.float64(np.float32(between(0.2, 2))), wide=0.5),
    Nasty("float32 exp", single(np.exp), np.exp, np.float64(np.float32(between(-2, 2))), wide=0.3),
    Nasty("noise 1e-9", lambda x: np.sin(x) + hashed(x, 1e-9), np.cos, between(0.1, 3), wide=0.05),
    Nasty("noise 1e-12", lambda x: np.exp(x) + hashed(x, 1e-12), np.exp, between(0.1, 3)),
    Nasty("six decimals", lambda x: np.round(np.sin(x) * 1e6) / 1e6, np.cos, between(0.1, 3), wide=1.0),
    Nasty("iteration", heron, lambda x: 0.5 / np.sqrt(x), between(0.1, 3)),
    Nasty(
        "x sin(1/x)",
        lambda x: x * np.sin(1 / x),
        lambda x: np.sin(1 / x) - np.cos(1 / x) / x,
        between(0.02, 0.5),
    ),
    Nasty(
        "|x|^1.5",
        lambda x: np.abs(x) ** 1.5,
        lambda x: 1.5 * np.sign(x) * np.sqrt(np.abs(x)),
        decades(-6, 0) * SIGNS,
    ),
    Nasty(
        "1 + 1e-10 x", lambda x: 1 + 1e-10 * x, lambda x: np.full_like(x, 1e-10), between(0.1, 3), wide=0.8
    ),
    Nasty("near a pole", lambda x: 1 / (x - 1), lambda x: -1 / (x - 1) ** 2, 1 + decades(-5, -1)),
    Nasty("arcsin near 1", np.arcsin, lambda x: 1 / np.sqrt(1 - x * x), 1 - decades(-6, -1)),
    Nasty(
        "beside a kink", lambda x: np.maximum(x - 1, 0), lambda x: 1.0 * (x > 1), 1 + decades(-6, -1) * SIGNS
    ),
    Nasty("huge", lambda x: 1e12 * np.sin(x), lambda x: 1e12 * np.cos(x), between(0.1, 3)),
    Nasty("tiny", lambda x: 1e-12 * np.sin(x), lambda x: 1e-12 * np.cos(x), between(0.1, 3)),
]  # fmt: skip


def views(one: Nasty) -> View:
    """t → f(t x) at t = 1, for all points x at once: the derivative by t is x f'(x)."""

    def function(t: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return one.function(t[0] * one.points)

    center = function(np.ones(1))
    return View(
        primal=np.ones(1),
        domain=EVERYWHERE,
        symmetric=False,
        eps=float(np.finfo(np.float64).eps),
        function=function,
        center=center,
        magnitude=np.abs(center),
    )


@pytest.mark.parametrize("one", TABLE, ids=lambda one: one.name)
def test_the_error_is_within_the_bound(one: Nasty) -> None:
    view = views(one)
    found = refine(view, 0, measure(view)).central
    true = one.points * one.derivative(one.points)
    error = np.abs(found.value - true)
    assert np.all(error <= SEVERAL * found.bound + 4 * view.eps * np.abs(true))


@pytest.mark.parametrize("one", TABLE, ids=lambda one: one.name)
def test_the_bound_is_narrow(one: Nasty) -> None:
    """A bound that is always infinite would hold as well."""
    view = views(one)
    found = refine(view, 0, measure(view)).central
    true = np.abs(one.points * one.derivative(one.points))
    assert np.mean(found.bound > 1e-5 * true + 1e-9 * np.max(true)) <= one.wide


@pytest.mark.parametrize("one", TABLE, ids=lambda one: one.name)
def test_nothing_smooth_is_taken_for_a_kink(one: Nasty) -> None:
    view = views(one)
    found = refine(view, 0, measure(view))
    jump = np.abs(found.left.value - found.right.value)
    with np.errstate(invalid="ignore"):
        assert not np.any(jump > 3 * (found.left.bound + found.right.bound))
