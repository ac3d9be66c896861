"""Reductions, scans and norms where slopes are easily wrong: zeros, ties, infinities, very large entries."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reduction_calls import VECTOR_ORDERS, whole

from gradcheck_cli.autodiff.primitive import Array, Primitive
from gradcheck_cli.autodiff.primitives import PRIMITIVES

ALL = {"axis": None, "keepdims": False}
VECTORS = st.integers(1, 5).flatmap(whole)
MATRICES = st.tuples(st.integers(1, 4), st.integers(1, 4)).flatmap(lambda shape: whole(*shape))
CONVEX_ORDERS = (None, "fro", "nuc", 1, 2, math.inf)


def pulled(primitive: Primitive, x: Array, g: Any = None, **static: Any) -> Array:
    """VJP at x of g, by default of ones, with warnings off as where the engine runs."""
    with np.errstate(all="ignore"):
        out = primitive.forward(x, **static)
        return primitive.vjps[0](np.ones_like(out) if g is None else g, out, x, **static)


def check_product_rule(primitive: Primitive, x: Array) -> None:
    """The derivative of a product by one factor is the product with 1 in its place, exactly."""
    static = ALL if primitive.name == "prod" else {"axis": None}
    count = np.size(primitive.forward(x, **static))
    for row, unit in enumerate(np.eye(count)):
        gradient = pulled(primitive, x, unit.reshape(np.shape(primitive.forward(x, **static))), **static)
        for place in range(x.size):
            others = np.where(np.arange(x.size) == place, 1, x)
            is_factor = primitive.name == "prod" or place <= row
            wanted = np.ravel(primitive.forward(others, **static))[row] if is_factor else 0
            assert gradient[place] == wanted


@pytest.mark.parametrize("name", ["prod", "cumprod"])
@settings(max_examples=60, deadline=None)
@given(VECTORS)
def test_products_are_exact_at_zeros(name, x):
    check_product_rule(PRIMITIVES[name], x)


def test_a_product_rule_that_divides_is_caught():
    divides = replace(PRIMITIVES["prod"], vjps=(lambda g, out, x, axis, keepdims: g * out / x,))
    check_product_rule(divides, np.array([1.0, 2.0, 4.0]))
    with pytest.raises(AssertionError):
        check_product_rule(divides, np.array([1.0, 0.0, 4.0]))


def check_choice(primitive: Primitive, x: Array) -> None:
    """Weights of the entries chosen: even at ties, in sum 1, their weighted mean the value chosen."""
    weights = pulled(primitive, x, **ALL)
    assert np.all(weights >= 0)
    assert all(np.ptp(weights[x == value]) == 0 for value in x)
    np.testing.assert_allclose(np.sum(weights), 1, rtol=1e-15)
    np.testing.assert_allclose(np.sum(weights * x), primitive.forward(x, **ALL), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("name", ["max", "min", "median"])
@given(VECTORS)
def test_ties_share_the_gradient(name, x):
    check_choice(PRIMITIVES[name], x)


def test_a_tie_that_counts_twice_is_caught():
    twice = replace(PRIMITIVES["max"], vjps=(lambda g, out, x, axis, keepdims: g * (x == out),))
    check_choice(twice, np.array([1.0, 3.0, 2.0]))
    with pytest.raises(AssertionError):
        check_choice(twice, np.array([3.0, 3.0, 2.0]))


def check_subgradient(primitive: Primitive, x: Array, other: Array, **static: Any) -> None:
    """f(y) ≥ f(x) + ⟨slope, y - x⟩ for a convex f, at its kinks too."""
    gradient = pulled(primitive, x, **static)
    start, end = primitive.forward(x, **static), primitive.forward(other, **static)
    assert end - start - np.sum(gradient * (other - x)) >= -1e-12


@pytest.mark.parametrize("order", CONVEX_ORDERS)
@given(st.data())
def test_matrix_norms_have_a_subgradient_at_zeros_and_ties(order, data):
    x = data.draw(MATRICES)
    other = data.draw(whole(*x.shape))
    check_subgradient(PRIMITIVES["linalg.norm"], x, other, ord=order, **ALL)


@pytest.mark.parametrize("order", [None, 1, 1.5, 2, 3, math.inf])
@given(st.data())
def test_vector_norms_have_a_subgradient_at_zeros_and_ties(order, data):
    x = data.draw(VECTORS)
    other = data.draw(whole(*x.shape))
    check_subgradient(PRIMITIVES["linalg.norm"], x, other, ord=order, **ALL)


def test_a_slope_that_is_no_subgradient_is_caught():
    norm = PRIMITIVES["linalg.norm"]
    too_steep = replace(norm, vjps=(lambda g, out, x, **_static: g * np.where(x < 0, -1.5, 1.5),))
    x, other = np.zeros(3), np.ones(3)
    check_subgradient(norm, x, other, ord=1, **ALL)
    with pytest.raises(AssertionError):
        check_subgradient(too_steep, x, other, ord=1, **ALL)


@pytest.mark.parametrize("order", VECTOR_ORDERS)
@given(VECTORS)
def test_norms_grow_with_their_argument(order, x):
    """Σ x_k ∂‖x‖/∂x_k = ‖x‖ (Euler): so it is for all orders but 0, whatever is zero or tied."""
    norm = PRIMITIVES["linalg.norm"]
    static = {"ord": order, **ALL}
    with np.errstate(all="ignore"):
        out = norm.forward(x, **static)
    slope = pulled(norm, x, **static)
    np.testing.assert_allclose(np.sum(x * slope), out if order != 0 else 0, rtol=1e-13)
    assert np.all(slope[x == 0] == 0)


def check_scale(primitive: Primitive, x: Array, scale: float, **static: Any) -> None:
    """‖s x‖ = s ‖x‖ and equal slopes, for s that no square or power of it could be held."""
    with np.errstate(over="raise", divide="ignore"):
        small, large = primitive.forward(x, **static), primitive.forward(x * x.dtype.type(scale), **static)
    rtol = 1e-13 if x.dtype == np.float64 else 1e-5
    np.testing.assert_allclose(large, small * scale, rtol=rtol)
    np.testing.assert_allclose(
        pulled(primitive, x * x.dtype.type(scale), **static), pulled(primitive, x, **static), rtol=rtol
    )


SCALES = [(1e200, "float64"), (1e-200, "float64"), (1e30, "float32"), (1e-30, "float32")]
SPREAD = np.array([[0.5, -2.0, 0.25], [3.0, 1.25, -0.75]])


@pytest.mark.parametrize(("scale", "dtype"), SCALES)
@pytest.mark.parametrize("order", [order for order in VECTOR_ORDERS if order != 0])
def test_vector_norms_neither_overflow_nor_vanish(order, scale, dtype):
    check_scale(PRIMITIVES["linalg.norm"], SPREAD.astype(dtype), scale, ord=order, axis=1, keepdims=False)


@pytest.mark.parametrize(("scale", "dtype"), SCALES)
@pytest.mark.parametrize("order", [*CONVEX_ORDERS, -1, -2, -math.inf])
def test_matrix_norms_neither_overflow_nor_vanish(order, scale, dtype):
    check_scale(PRIMITIVES["linalg.norm"], SPREAD.astype(dtype), scale, ord=order, **ALL)


def test_a_norm_that_overflows_is_caught():
    plain = replace(PRIMITIVES["linalg.norm"], forward=np.linalg.norm)
    check_scale(plain, SPREAD, 10.0, ord=3, axis=1, keepdims=False)
    with pytest.raises(FloatingPointError):
        check_scale(plain, SPREAD, 1e200, ord=3, axis=1, keepdims=False)


@pytest.mark.parametrize("order", [200.0, -200.0, 10**6, 1e300])
def test_high_orders_tend_to_the_extreme_entry(order):
    norm = PRIMITIVES["linalg.norm"]
    with np.errstate(all="ignore"):
        near = norm.forward(SPREAD, ord=order, axis=1)
    extreme = norm.forward(SPREAD, ord=math.copysign(math.inf, order), axis=1)
    np.testing.assert_allclose(near, extreme, rtol=1e-13)


def test_half_precision_has_all_norms():
    x = SPREAD.astype(np.float16)
    for order in (*CONVEX_ORDERS, -2):
        out = PRIMITIVES["linalg.norm"].forward(x, ord=order, **ALL)
        slope = pulled(PRIMITIVES["linalg.norm"], x, ord=order, **ALL)
        assert (out.dtype, slope.dtype) == (np.float16, np.float16)
        np.testing.assert_allclose(out, np.linalg.norm(SPREAD, order), rtol=2e-3)


def check_permutation(primitive: Primitive, x: Array, axis: int | None) -> None:
    """The derivative of sorting is the permutation that sorts: it sorts x, and its transpose undoes it."""
    out = primitive.forward(x, axis=axis)
    t = np.cos(np.arange(x.size)).reshape(x.shape)
    pushed = primitive.jvps[0](t, out, x, axis=axis)
    np.testing.assert_array_equal(primitive.jvps[0](x, out, x, axis=axis), out)
    np.testing.assert_array_equal(primitive.vjps[0](pushed, out, x, axis=axis), t)


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@given(MATRICES)
def test_sorting_is_a_permutation_at_ties_too(axis, x):
    check_permutation(PRIMITIVES["sort"], x, axis)


def test_a_sort_that_goes_back_the_wrong_way_is_caught():
    forth = replace(
        PRIMITIVES["sort"], vjps=(lambda g, out, x, axis: np.take_along_axis(g, np.argsort(x, axis), axis),)
    )
    with pytest.raises(AssertionError):
        check_permutation(forth, np.array([3.0, 1.0, 2.0]), 0)


EXTREME = st.lists(
    st.sampled_from([math.inf, -math.inf, math.nan, 1000.0, 1000.5, -1000.0, 0.0, 1e8, 1e8 + 1, 1.5]),
    min_size=1,
    max_size=4,
).map(np.array)


def check_against_scipy(primitive: Primitive, x: Array) -> None:
    """SciPy's value, which neither overflows nor loses digits, NaN and infinities included."""
    special = pytest.importorskip("scipy.special")
    with np.errstate(all="ignore"):
        out, value = primitive.forward(x, axis=0), getattr(special, primitive.name)(x, axis=0)
    np.testing.assert_allclose(out, value, rtol=4e-15, atol=1e-15)


@pytest.mark.parametrize("name", ["logsumexp", "softmax", "log_softmax"])
@given(EXTREME)
def test_extreme_entries_are_taken_as_scipy_does(name, x):
    check_against_scipy(PRIMITIVES[name], x)


@pytest.mark.parametrize(
    "forward",
    [
        lambda x, axis: x - np.log(np.sum(np.exp(x), axis)),
        lambda x, axis: x - PRIMITIVES["logsumexp"].forward(x, axis),
    ],
    ids=["overflows", "loses digits"],
)
def test_a_log_softmax_that_is_not_stable_is_caught(forward):
    planted = replace(PRIMITIVES["log_softmax"], forward=forward)
    check_against_scipy(PRIMITIVES["log_softmax"], np.array([1e8, 1e8 + 1]))
    with pytest.raises(AssertionError):
        check_against_scipy(planted, np.array([1e8, 1e8 + 1]))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_gradients_of_the_softmax_family_do_not_overflow(dtype):
    x = np.array([1000, 1000.5, -1000, -np.inf], dtype)
    weights = PRIMITIVES["softmax"].forward(x, axis=0)
    g = np.array([1, 2, 3, 4], dtype)
    rtol = 4 * np.finfo(dtype).eps
    found = {
        "logsumexp": (pulled(PRIMITIVES["logsumexp"], x, **ALL), weights),
        "softmax": (pulled(PRIMITIVES["softmax"], x, g, axis=0), weights * (g - np.sum(g * weights))),
        "log_softmax": (pulled(PRIMITIVES["log_softmax"], x, g, axis=0), g - weights * np.sum(g)),
    }
    for gradient, wanted in found.values():
        assert gradient.dtype == dtype
        np.testing.assert_allclose(gradient, wanted, rtol=rtol)


def test_a_log_softmax_close_to_0_keeps_its_digits():
    out = PRIMITIVES["log_softmax"].forward(np.array([0.0, -50.0]), axis=0)
    np.testing.assert_allclose(out, [-math.exp(-50), -50], rtol=1e-15)


def test_a_deviation_of_0_has_the_subgradient_0():
    np.testing.assert_array_equal(pulled(PRIMITIVES["std"], np.ones(3), ddof=0, **ALL), np.zeros(3))
    np.testing.assert_array_equal(pulled(PRIMITIVES["var"], np.ones(3), ddof=0, **ALL), np.zeros(3))
