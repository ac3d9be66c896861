"""Every row of the derivative table: value, shape, dtype, VJP, JVP."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from derivative_laws import Call, check_derivatives, check_single_precision, sample
from primitive_cases import CASES

from gradcheck_cli.autodiff.primitives import PRIMITIVES

ALL = [
    pytest.param(PRIMITIVES[name], call, id=f"{name}-{place}")
    for name, calls in CASES.items()
    for place, call in enumerate(calls)
]
DERIVED = [param for param in ALL if param.values[0].differentiable]


def test_every_primitive_has_cases_here():
    assert set(CASES) == set(PRIMITIVES)
    assert all(CASES.values())


@pytest.mark.parametrize(("primitive", "call"), ALL)
def test_value_shape_and_dtype_are_those_of_numpy(primitive, call):
    out = np.asarray(primitive.forward(*call.operands, **call.static))
    np.testing.assert_allclose(out, call.value, rtol=1e-13, atol=1e-14)
    assert out.dtype == np.asarray(call.value).dtype
    operands = [np.asarray(one) for one in call.operands]
    shape = primitive.shape(*(one.shape for one in operands), **call.static)
    assert (tuple(map(int, shape)), all(isinstance(size, int) for size in shape)) == (out.shape, True)
    named = {"dtype": call.static["dtype"]} if "dtype" in call.static else {}
    assert primitive.dtype(*(one.dtype for one in operands), **named) == out.dtype


@pytest.mark.parametrize(("primitive", "call"), DERIVED)
def test_derivatives_obey_the_laws(primitive, call):
    check_derivatives(primitive, call)


@pytest.mark.parametrize(("primitive", "call"), DERIVED)
def test_single_precision_stays(primitive, call):
    check_single_precision(primitive, call)


SQUARE = Call(sample(2, 3) ** 2, (sample(2, 3),))
PRODUCT = Call(None, (sample(2, 3), sample(3, seed=1)))


@pytest.mark.parametrize(
    ("name", "call", "change"),
    [
        pytest.param("square", SQUARE, {"vjps": (lambda g, out, x: g * 2.001 * x,)}, id="2.001 for 2"),
        pytest.param("square", SQUARE, {"jvps": (lambda t, out, x: t * 2.001 * x,)}, id="2.001 in the JVP"),
        pytest.param(
            "softmax",
            Call(None, (sample(2, 3),), {"axis": 1}),
            {"jvps": (lambda t, out, x, axis: out * t,)},
            id="JVP that lost a term",
        ),
        pytest.param(
            "multiply",
            PRODUCT,
            {"vjps": (PRIMITIVES["multiply"].vjps[0], lambda g, out, x, y: g * x)},
            id="VJP that is not summed",
        ),
        pytest.param("square", SQUARE, {"vjps": (lambda g, out, x: 2 * x,)}, id="VJP that ignores g"),
        pytest.param(
            "square", SQUARE, {"vjps": (lambda g, out, x: g * abs(g) * x,)}, id="VJP not linear in g"
        ),
        pytest.param(
            "transpose",
            Call(None, (sample(2, 3, 4),), {"axes": (1, 2, 0)}),
            {"vjps": (lambda g, out, x, axes: np.transpose(g, axes).reshape(x.shape),)},
            id="axes not inverted",
        ),
    ],
)
def test_a_wrong_rule_is_caught(name, call, change):
    check_derivatives(PRIMITIVES[name], call)
    with pytest.raises(AssertionError):
        check_derivatives(replace(PRIMITIVES[name], **change), call)


def test_a_rule_that_widens_float32_is_caught():
    wide = replace(PRIMITIVES["square"], vjps=(lambda g, out, x: g * np.float64(2) * x,))
    with pytest.raises(AssertionError):
        check_single_precision(wide, SQUARE)


@pytest.mark.parametrize(
    ("name", "operands", "static", "gradients"),
    [
        ("maximum", (1.0, 1.0), {}, (0.5, 0.5)),
        ("minimum", (1.0, 1.0), {}, (0.5, 0.5)),
        ("power", (0.0, 2.0), {}, (0.0, 0.0)),
        ("power", (0.0, 1.0), {}, (1.0, 0.0)),
        ("power", (0.0, 0.0), {}, (0.0, 0.0)),
        ("power", (-2.0, 3.0), {}, (12.0, math.nan)),
        ("power", (math.inf, 0.0), {}, (0.0, math.inf)),
        ("tanh", (20.0,), {}, (1.6993417021166355e-17,)),
        ("tanh", (-400.0,), {}, (0.0,)),
        ("tanh", (1000.0,), {}, (0.0,)),
        ("tanh", (-math.inf,), {}, (0.0,)),
        ("hardswish", (math.inf,), {}, (1.0,)),
        ("hardswish", (-math.inf,), {}, (0.0,)),
        ("hardswish", (3.0,), {}, (1.0,)),
        ("hardswish", (-3.0,), {}, (0.0,)),
        ("relu", (0.0,), {}, (0.0,)),
        ("abs", (0.0,), {}, (0.0,)),
        ("sigmoid", (-1000.0,), {}, (0.0,)),
        ("softplus", (1000.0,), {}, (1.0,)),
        ("max", ([2.0, 1.0, 2.0],), {"axis": None, "keepdims": False}, ([0.5, 0.0, 0.5],)),
        ("min", ([2.0, 1.0, 1.0],), {"axis": 0, "keepdims": True}, ([0.0, 0.5, 0.5],)),
        ("std", ([2.0, 2.0],), {"axis": 0, "ddof": 0, "keepdims": False}, ([0.0, 0.0],)),
        ("std", ([2.0],), {"axis": None, "ddof": 0, "keepdims": False}, ([0.0],)),
        ("logsumexp", ([1000.0, 1000.0],), {"axis": 0, "keepdims": False}, ([0.5, 0.5],)),
        ("softmax", ([1000.0, -1000.0],), {"axis": 0}, ([0.0, 0.0],)),
    ],
)
def test_special_values_have_the_documented_gradient(name, operands, static, gradients):
    operands = [np.array(one) for one in operands]
    with np.errstate(all="ignore"):
        out = PRIMITIVES[name].forward(*operands, **static)
        found = [rule(np.ones_like(out), out, *operands, **static) for rule in PRIMITIVES[name].vjps]
    for analytic, wanted in zip(found, gradients, strict=True):
        np.testing.assert_allclose(analytic, wanted, rtol=1e-12)


def test_scipy_agrees():
    special = pytest.importorskip("scipy.special")
    x = sample(2, 3, 4)
    for name, function in (
        ("softmax", special.softmax),
        ("log_softmax", special.log_softmax),
        ("logsumexp", special.logsumexp),
    ):
        for axis in (None, 0, -1, (0, 2)):
            np.testing.assert_allclose(
                PRIMITIVES[name].forward(x, axis=axis), function(x, axis=axis), rtol=1e-13
            )
    np.testing.assert_allclose(PRIMITIVES["sigmoid"].forward(x), special.expit(x), rtol=1e-13)
