"""Functions that act entry by entry, on random shapes, values and arguments: laws, NumPy, SciPy, torch."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from derivative_laws import Call, check_derivatives, check_single_precision
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gradcheck_cli.autodiff.primitive import Primitive
from gradcheck_cli.autodiff.primitives import activation, elementwise, nonholomorphic

ROWS = {row.name: row for row in (*elementwise.TABLE, *nonholomorphic.TABLE, *activation.TABLE)}
DERIVED = [name for name, row in ROWS.items() if row.differentiable]
OF_NUMPY = [name for name in ROWS if hasattr(np, name)]
LAWS = settings(max_examples=15, deadline=None)

# Where each operand lies if not between -3 and 3: where the function exists and no derivative is huge.
DOMAINS: dict[str, tuple[tuple[float, float], ...]] = {
    "divide": ((-3, 3), (0.25, 3)),
    "power": ((0.25, 3), (-3, 3)),
    "mod": ((-3, 3), (0.5, 3)),
    "hypot": ((0.25, 3), (-3, 3)),
    "arctan2": ((0.25, 3), (-3, 3)),
    **dict.fromkeys(["log", "log2", "log10", "sqrt", "cbrt", "reciprocal"], ((0.25, 3),)),
    **dict.fromkeys(["arcsin", "arccos", "arctanh", "log1p"], ((-0.75, 0.75),)),
    "tan": ((-1, 1),),
    "arccosh": ((1.25, 3),),
    **dict.fromkeys(["hardswish", "hardsigmoid", "relu6"], ((-8, 8),)),
}
SLOPES = st.sampled_from([0, 1, 0.01, -0.5, 2])
ARGUMENTS: dict[str, dict[str, Any]] = {
    "round": {"decimals": st.integers(-1, 2)},
    "softplus": {"beta": st.sampled_from([1.0, 0.5, 3])},
    "leaky_relu": {"negative_slope": SLOPES},
    "elu": {"alpha": SLOPES},
    "celu": {"alpha": st.sampled_from([1.0, 0.5, -4])},  # torch's rule holds 1/alpha as a float32
    "gelu": {"approximate": st.sampled_from(["none", "tanh"])},
    "hardtanh": {"min_val": st.sampled_from([-1.0, -2, 0.5]), "max_val": st.sampled_from([1.0, 0.5])},
    "glu": {"dim": st.integers(-3, 2)},
}
FAR = np.array([-1e4, -800, -100, -40, -9, -1e-3, 1e-3, 9, 40, 100, 800, 1e4])


def points(shape: tuple[int, ...], low: float, high: float, place: int) -> st.SearchStrategy[np.ndarray]:
    """Odd multiples of 1/128, shifted for each operand: never at a kink, and no two operands equal."""
    steps = st.integers(math.ceil(64 * low), math.floor(64 * high) - 1)
    return hnp.arrays(np.int64, shape, elements=steps).map(
        lambda k: np.asarray((2 * k + 1) / 128 + place / 512)
    )


@st.composite
def calls(draw, name: str) -> Call:
    """Operands that broadcast, and static arguments."""
    static = draw(st.fixed_dictionaries(ARGUMENTS.get(name, {})))
    number = len(ROWS[name].operand_names)
    shapes = draw(hnp.mutually_broadcastable_shapes(num_shapes=number, min_side=0, max_side=3, max_dims=3))
    if name == "glu":
        shape = draw(hnp.array_shapes(min_dims=3, max_dims=3, min_side=0, max_side=2))
        doubled = [size * (1 + (axis == static["dim"] % 3)) for axis, size in enumerate(shape)]
        return Call(None, (draw(points(tuple(doubled), -3, 3, 0)),), static)
    domains = DOMAINS.get(name, ((-3, 3),) * number)
    operands = [
        draw(points(shape, *domain, place))
        for place, (shape, domain) in enumerate(zip(shapes.input_shapes, domains, strict=True))
    ]
    if name == "where":
        operands[0] = operands[0] > 0
    if name == "clip" and draw(st.booleans()):  # leave one bound out
        place, free = draw(st.sampled_from([(1, -np.inf), (2, np.inf)]))
        operands[place] = np.array(free)
    if name == "mod":
        quotient = operands[0] / operands[1]
        assume(np.all(np.abs(quotient - np.round(quotient)) > 1e-3))
    return Call(None, tuple(operands), static)


def defaults(row: Primitive) -> dict[str, Any]:
    """Static arguments of a call that names none."""
    named = row.parameters.parameters.values()
    return {one.name: one.default for one in named if one.name not in row.operand_names}


def gradients(row: Primitive, call: Call, g: Any = 1.0) -> list[np.ndarray]:
    out = row.forward(*call.operands, **call.static)
    g = np.broadcast_to(np.asarray(g), np.shape(out))
    return [rule(g, out, *call.operands, **call.static) for rule in row.vjps if rule is not None]


@pytest.mark.parametrize("name", DERIVED)
def test_derivatives_obey_the_laws(name):
    @LAWS
    @given(calls(name))
    def check(call):
        check_derivatives(ROWS[name], call)
        check_single_precision(ROWS[name], call)

    check()


def test_wrong_rules_break_the_laws():
    call = Call(None, (np.array([-2.5, 2.5]), np.array([[1.0], [2.0]])))
    towards_zero = replace(ROWS["mod"], vjps=(ROWS["mod"].vjps[0], lambda g, out, x, y: -g * np.trunc(x / y)))
    with pytest.raises(AssertionError):
        check_derivatives(towards_zero, call)
    slope = {"negative_slope": 0.01}
    wide = replace(
        ROWS["leaky_relu"], vjps=(lambda g, out, x, negative_slope: g * np.where(x > 0, 1, negative_slope),)
    )
    check_derivatives(wide, Call(None, (FAR,), slope))
    with pytest.raises(AssertionError):
        check_single_precision(wide, Call(None, (FAR,), slope))


def cast(x: np.ndarray, dtype: str) -> np.ndarray:
    """Change the dtype; integers become positive, as a negative one is no exponent."""
    if dtype == "int64":
        x = np.abs(np.nan_to_num(x, posinf=9, neginf=9)) + 1
    return np.asarray(x.astype(dtype))


def check_numpy(row: Primitive, operands: list[np.ndarray], static: dict[str, Any]) -> None:
    """The value, its shape and its dtype are those of NumPy's function of the same name."""
    with np.errstate(all="ignore"):
        out = np.asarray(row.forward(*operands, **static))
        value = np.asarray(getattr(np, row.name)(*operands, **static))
    np.testing.assert_array_equal(out, value)
    assert out.dtype == value.dtype == row.dtype(*(one.dtype for one in operands))
    assert row.shape(*(one.shape for one in operands), **static) == value.shape


@pytest.mark.parametrize("name", OF_NUMPY)
def test_values_shapes_and_dtypes_are_numpys(name):
    dtypes = ["float64", "float32", "int64"]

    @LAWS
    @given(calls(name), st.sampled_from(dtypes[:2] if name == "reciprocal" else dtypes))
    def check(call, dtype):
        check_numpy(ROWS[name], [cast(one, dtype) for one in call.operands], call.static)

    check()


def test_another_function_is_not_numpys():
    with pytest.raises(AssertionError):
        check_numpy(replace(ROWS["mod"], forward=np.fmod), [np.array([-5.0]), np.array([3.0])], {})


@LAWS
@given(hnp.arrays(np.float64, hnp.array_shapes(min_side=0), elements=st.floats(-30, 30)))
def test_values_are_scipys(x):
    special = pytest.importorskip("scipy.special")
    pairs = {"erf": "erf", "erfc": "erfc", "sigmoid": "expit", "logsigmoid": "log_expit"}
    for name, other in pairs.items():
        np.testing.assert_allclose(ROWS[name].forward(x), getattr(special, other)(x), rtol=1e-13, atol=1e-300)


def torch_function(torch: Any, name: str) -> Any:
    if name == "clip":  # torch's own has no gradient where the bounds differ in rank
        return lambda x, low, high: torch.minimum(torch.maximum(x, low), high)
    name = {"mod": "remainder", "power": "pow"}.get(name, name)
    return getattr(torch, name, None) or getattr(torch.nn.functional, name)


def check_torch(row: Primitive, call: Call) -> None:
    """Value and every gradient are those of torch's function, by autograd."""
    torch = pytest.importorskip("torch")
    function = torch_function(torch, row.name)
    tensors = [torch.tensor(one, requires_grad=one.dtype.kind == "f") for one in call.operands]
    moving = [one for one in tensors if one.requires_grad]
    y = function(*tensors, **call.static)
    np.testing.assert_allclose(
        row.forward(*call.operands, **call.static), y.detach().numpy(), rtol=1e-12, atol=1e-14
    )
    g = np.cos(np.arange(y.numel())).reshape(tuple(y.shape))
    wanted = torch.autograd.grad(y, moving, torch.tensor(g))
    rtol = 1e-7 if row.name == "hardsigmoid" else 1e-12  # where torch's rule holds 1/6 as a float32
    for found, one in zip(gradients(row, call, g), wanted, strict=True):
        np.testing.assert_allclose(found, one.numpy(), rtol=rtol, atol=1e-12)


@pytest.mark.torch
@pytest.mark.parametrize("name", sorted({*DERIVED} - {"cbrt", "imag"}))  # torch has none of real numbers
def test_values_and_gradients_are_torchs(name):
    @LAWS
    @given(calls(name))
    def check(call):
        check_torch(ROWS[name], call)

    check()


@pytest.mark.torch
def test_an_approximation_is_not_torchs_exact_function():
    rules = ROWS["gelu"]
    swapped = replace(
        rules, vjps=(lambda g, out, x, approximate: rules.vjps[0](g, out, x, approximate="tanh"),)
    )
    with pytest.raises(AssertionError):
        check_torch(swapped, Call(None, (np.array([-1.5, 2.5]),), {"approximate": "none"}))


def check_far_out(row: Primitive, static: dict[str, Any]) -> None:
    """Nothing overflows on the way, and value and gradient are finite."""
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        out = row.forward(FAR, **static)
        (slope,) = gradients(row, Call(None, (FAR,), static))
    assert np.isfinite(out).all()
    assert np.isfinite(slope).all()


EVERYWHERE = [
    pytest.param(row, {**defaults(row), **more}, id=f"{row.name}{more or ''}")
    for row in activation.TABLE
    for more in ({}, *([{"approximate": "tanh"}] if row.name == "gelu" else []))
]


@pytest.mark.parametrize(("row", "static"), EVERYWHERE)
def test_activations_do_not_overflow(row, static):
    check_far_out(row, static)


@pytest.mark.torch
@pytest.mark.parametrize(("row", "static"), EVERYWHERE)
def test_activations_far_out_are_torchs(row, static):
    check_torch(row, Call(None, (FAR,), static))


def test_an_overflow_is_caught():
    naive = replace(ROWS["softplus"], forward=lambda x, beta: np.log(1 + np.exp(beta * x)) / beta)
    with pytest.raises(FloatingPointError):
        check_far_out(naive, {"beta": 1.0})


def check_subgradient(row: Primitive, call: Call) -> None:
    """Each operand's slope lies between the one-sided ones."""
    h = 1e-6
    out = row.forward(*call.operands, **call.static)
    for place, slope in enumerate(gradients(row, call)):
        shifted = [
            row.forward(*(x + s * (at == place) for at, x in enumerate(call.operands)), **call.static)
            for s in (h, -h)
        ]
        sides = (shifted[0] - out) / h, (out - shifted[1]) / h
        assert min(sides) - 1e-5 <= slope <= max(sides) + 1e-5, (place, slope, sides)


KINKED = [
    "abs", "maximum", "minimum", "clip", "hypot", "relu", "relu6", "leaky_relu", "elu", "celu", "selu",
    "hardtanh", "hardsigmoid", "hardswish", "softsign",
]  # fmt: skip


@pytest.mark.parametrize("name", KINKED)
def test_at_kinks_the_gradient_is_a_subgradient(name):
    row = ROWS[name]
    static = {**defaults(row), **({"alpha": 0.5} if name == "elu" else {})}
    operand = st.integers(-3, 3).map(lambda k: np.array(float(k))) | st.sampled_from([np.array(6.0)])

    @settings(max_examples=40, deadline=None)
    @given(st.tuples(*[operand] * len(row.operand_names)))
    def check(operands):
        call = Call(None, operands, static)
        check_subgradient(row, call)
        if name in {"maximum", "minimum", "clip"}:
            assert sum(gradients(row, call)) == 1

    check()


def test_a_slope_beside_a_kinks_one_sided_ones_is_caught():
    to_both = replace(
        ROWS["clip"], vjps=(lambda g, out, x, low, high: g * ((low <= x) & (x <= high)), None, None)
    )
    with pytest.raises(AssertionError):
        check_subgradient(to_both, Call(None, (np.array(1.0),) * 3))


@LAWS
@given(
    hnp.arrays(np.float64, (2, 3), elements=st.integers(1, 12).map(lambda k: -k / 4)),
    hnp.arrays(np.float64, (3,), elements=st.integers(-3, 3).map(float)),
)
def test_negative_bases_with_integral_exponents_have_their_derivative(x, y):
    row = ROWS["power"]
    of_base = replace(row, vjps=(row.vjps[0], None), jvps=(row.jvps[0], None))
    check_derivatives(of_base, Call(None, (x, y)))
    check_single_precision(of_base, Call(None, (x, y)))
    (gradient,) = gradients(of_base, Call(None, (x, y)))
    np.testing.assert_allclose(gradient, y * x ** (y - 1), rtol=1e-13)


@pytest.mark.parametrize(
    ("name", "operands", "static", "wanted"),
    [
        ("clip", (1, 1, 2), {}, (1, 0, 0)),
        ("clip", (2, 1, 2), {}, (1, 0, 0)),
        ("clip", (1, 1, 1), {}, (0, 0, 1)),
        ("clip", (0, 1, 1), {}, (0, 0, 1)),
        ("clip", (1, 2, 0), {}, (0, 0, 1)),
        ("clip", (math.nan, 0, 1), {}, (0, 0, 0)),
        ("mod", (-5.5, 2), {}, (1, 3)),
        ("mod", (-5.5, -2), {}, (1, -2)),
        ("hypot", (0, 0), {}, (0, 0)),
        ("hypot", (1e200, 1e200), {}, (math.sqrt(0.5), math.sqrt(0.5))),
        ("arctan2", (0, 0), {}, (0, 0)),
        ("arctan2", (1e200, 1e200), {}, (5e-201, -5e-201)),
        ("arctan2", (-1e-200, 0), {}, (0, 1e200)),
        ("logaddexp", (1e8, 1e8), {}, (0.5, 0.5)),
        ("logaddexp", (-math.inf, 0), {}, (0, 1)),
        ("arccosh", (1e200,), {}, (1e-200,)),
        ("arcsinh", (-1e200,), {}, (1e-200,)),
        ("sigmoid", (40,), {}, (math.exp(-40),)),
        ("sigmoid", (-700,), {}, (math.exp(-700),)),
        ("logsigmoid", (-1000,), {}, (1,)),
        ("relu6", (0,), {}, (0,)),
        ("relu6", (6,), {}, (0,)),
        ("hardtanh", (1,), {}, (0,)),
        ("hardsigmoid", (-3,), {}, (0,)),
        ("hardswish", (-3,), {}, (0,)),
        ("leaky_relu", (0,), {}, (0.01,)),
        ("elu", (0,), {"alpha": 0.5}, (0.5,)),
        ("gelu", (-1e200,), {"approximate": "tanh"}, (0,)),
        ("gelu", (1e200,), {"approximate": "tanh"}, (1,)),
        ("round", (0.5,), {}, (0,)),
    ],
)
def test_special_values_have_the_documented_gradient(name, operands, static, wanted):
    call = Call(None, tuple(np.array(float(one)) for one in operands), {**defaults(ROWS[name]), **static})
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(gradients(ROWS[name], call), wanted, rtol=1e-15)
