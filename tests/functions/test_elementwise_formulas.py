"""Entry-by-entry functions and activations as formulas write them: values, types, gradients, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from formula_checks import compiled, faults_of, primals, value_of

from gradcheck_cli.autodiff.primitives import PRIMITIVES
from gradcheck_cli.shapes import Size, show_symbols


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


# Formula → the same in Python over x (2, 3), b (3,), k (4 integers), m (a mask like x).
ACCEPTED = {
    "clip(x, -0.5, 1)": lambda x, b, k, m: np.clip(x, -0.5, 1),
    "clip(x, 0)": lambda x, b, k, m: np.maximum(x, 0),
    "clip(x, None, b)": lambda x, b, k, m: np.minimum(x, b),
    "clip(b, max=x, min=-abs(x))": lambda x, b, k, m: np.clip(b, -np.abs(x), x),
    "x.clip(min=b) + clip(x)": lambda x, b, k, m: np.maximum(x, b) + x,
    "clip(0.5, x, k[0])": lambda x, b, k, m: np.clip(0.5, x, k[0]),
    "x * clip(3, 1, 2)": lambda x, b, k, m: x * 2,
    "x[clip(k, 0, 1)]": lambda x, b, k, m: x[np.clip(k, 0, 1)],
    "x % 0.7 + mod(b, x)": lambda x, b, k, m: np.mod(x, 0.7) + np.mod(b, x),
    "2 % x * (7 % 4)": lambda x, b, k, m: np.mod(2, x) * 3,
    "x[:, (k + 1) % 3]": lambda x, b, k, m: x[:, (k + 1) % 3],
    "x[round(k) % N] + trunc(b)": lambda x, b, k, m: x[k % 2] + np.trunc(b),
    "round(x, 1) + x.round(decimals=-1) + x * round(2.5)": lambda x, b, k, m: (
        np.round(x, 1) + np.round(x, -1) + 2 * x
    ),
    "x + round(k, -1)[0]": lambda x, b, k, m: x + np.round(k, -1)[0],
    "x * floor(D / N) + ceil(x)": lambda x, b, k, m: x + np.ceil(x),
    "x * reciprocal(2) + reciprocal(x)": lambda x, b, k, m: x / 2 + 1 / x,
    "x + reciprocal(k + 2)[0]": lambda x, b, k, m: x + 1 / (k[0] + 2),
    "hypot(x, 1) + arctan2(x, b) + logaddexp(x, 0)": lambda x, b, k, m: (
        np.hypot(x, 1) + np.arctan2(x, b) + np.log(np.exp(x) + 1)
    ),
    "x + hypot(k, 2)[0] * arctan2(y=1, x=D)": lambda x, b, k, m: x + np.hypot(k[0], 2) * np.arctan2(1, 3),
    "sinh(x) - cosh(x) + exp2(x)": lambda x, b, k, m: -np.exp(-x) + 2**x,
    "log2(abs(x)) + log10(x**2) + cbrt(x)": lambda x, b, k, m: (
        np.log2(np.abs(x)) + np.log10(x**2) + np.cbrt(x)
    ),
    "arcsin(x / 3) + arccos(x / 3) + arctan(x)": lambda x, b, k, m: math.pi / 2 + np.arctan(x),
    "arcsinh(x) + arccosh(x**2 + 1) + arctanh(x / 3)": lambda x, b, k, m: (
        np.arcsinh(x) + np.arccosh(x**2 + 1) + np.arctanh(x / 3)
    ),
    "erf(x) + erfc(x) + x * erf(1) + erf(k)[0]": lambda x, b, k, m: 1 + x * math.erf(1) + math.erf(k[0]),
    "x * logical_xor(x > 0, m)": lambda x, b, k, m: x * ((x > 0) ^ m),
    "where(isfinite(1 / floor(x)), x, isnan(b))": lambda x, b, k, m: np.where(np.floor(x) != 0, x, 0),
    "softplus(x, beta=2) + softplus(1) * x": lambda x, b, k, m: (
        np.log(1 + np.exp(2 * x)) / 2 + np.log(1 + math.e) * x
    ),
    "leaky_relu(x) + leaky_relu(k, 0.5)[0]": lambda x, b, k, m: x * np.where(x > 0, 1, 0.01) + k[0],
    "elu(x, 2) + celu(x, alpha=2) + selu(x)": lambda x, b, k, m: (
        np.where(x > 0, x, 2 * np.exp(x) - 2)
        + np.where(x > 0, x, 2 * np.exp(x / 2) - 2)
        + 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * (np.exp(x) - 1))
    ),
    "gelu(x) - x / 2 * (1 + erf(x / sqrt(2)))": lambda x, b, k, m: 0 * x,
    "gelu(x, approximate='tanh')": lambda x, b, k, m: (
        x * sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))
    ),
    "silu(x) + mish(x)": lambda x, b, k, m: x * sigmoid(x) + x * np.tanh(np.log(1 + np.exp(x))),
    "relu6(8 * x) + relu6(m) + relu(k)[0]": lambda x, b, k, m: np.clip(8 * x, 0, 6) + m + k[0],
    "hardtanh(x, -0.5, max_val=1) + hardtanh(x)": lambda x, b, k, m: np.clip(x, -0.5, 1) + np.clip(x, -1, 1),
    "hardsigmoid(x) + hardswish(x)": lambda x, b, k, m: (1 + x) * np.clip((x + 3) / 6, 0, 1),
    "softsign(x) + tanhshrink(x) + logsigmoid(x)": lambda x, b, k, m: (
        x / (1 + np.abs(x)) + x - np.tanh(x) + np.log(sigmoid(x))
    ),
    "glu(x, dim=0) + glu(x.T)[:, 0]": lambda x, b, k, m: (x[0] * sigmoid(x[1]) * 2)[None],
}


@pytest.fixture(params=["float64", "float32"])
def dtype(request):
    return request.param


@pytest.mark.parametrize("formula", ACCEPTED)
def test_value_is_numpys_and_its_type_foreseen(formula, dtype):
    subject = compiled(formula, shapes={"x": (2, 3), "b": (3,)}, dtype=dtype)
    given = primals(subject)
    wide = {name: one.astype(float) if one.dtype.kind == "f" else one for name, one in given.items()}
    (output,) = subject.function.outputs
    y = value_of(subject, given, output)
    rtol, atol = (1e-13, 1e-15) if dtype == "float64" else (1e-5, 1e-6)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(y, ACCEPTED[formula](**wide), rtol=rtol, atol=atol)
    type_ = subject.function.outputs[output]
    assert (y.shape, y.dtype) == (type_.shape, type_.dtype)
    assert y.dtype == dtype


@pytest.mark.parametrize("formula", ACCEPTED)
def test_engine_gradients_are_those_of_differences(formula):
    subject = compiled(formula, shapes={"x": (2, 3), "b": (3,)})
    given = primals(subject)
    (output,) = subject.function.outputs
    type_ = subject.function.outputs[output]
    g = np.cos(np.arange(math.prod(type_.shape))).reshape(type_.shape)
    gradients = subject.engine[0].linearize(given)({output: g})
    for name, gradient in gradients.items():
        t = np.sin(1.0 + np.arange(given[name].size)).reshape(given[name].shape)
        ends = [value_of(subject, {**given, name: given[name] + step * t}, output) for step in (1e-6, -1e-6)]
        numeric = np.sum(g * (ends[0] - ends[1])) / 2e-6
        np.testing.assert_allclose(np.sum(gradient * t), numeric, rtol=1e-6, atol=1e-7)


def test_a_mask_may_have_a_second_name():
    subject = compiled("mask = m\nwhere(mask, x, -x)")
    given = primals(subject)
    np.testing.assert_array_equal(value_of(subject, given), np.where(given["m"], given["x"], -given["x"]))


def test_float32_gradients_stay_float32():
    for formula in ACCEPTED:
        subject = compiled(formula, shapes={"x": (2, 3), "b": (3,)}, dtype="float32")
        (output,) = subject.function.outputs
        g = np.ones(subject.function.outputs[output].shape, np.float32)
        gradients = subject.engine[0].linearize(primals(subject))({output: g})
        assert {one.dtype for one in gradients.values()} == {np.dtype(np.float32)}


def test_a_half_keeps_its_symbols():
    assert show_symbols(PRIMITIVES["glu"].shape((Size(2, "N"), Size(6, "M")), dim=-1)) == "(N, M//2)"
    assert show_symbols(PRIMITIVES["glu"].shape((Size(2, "N"), Size(6, "M")), dim=0)) == "(N//2, M)"


_ROWS = "axis -2 is 2 in one and 3 in the other"
REFUSED = {
    "gelu(x, approximate='erf')": "1:1: gelu(x (2, 3)) does not fit: approximate must be 'none' or 'tanh'",
    "gelu(x, 1)": "1:9: gelu: approximate must be text in quotes, not 1",
    "glu(x)": "1:1: glu(x (2, 3)) does not fit: axis 1 of x has length 3, which has no half",
    "glu(x, 2)": "1:1: glu(x (2, 3)) does not fit: axis 2 is out of range: x has 2 axes",
    "glu(x[0, 0])": "1:1: glu(x[0, 0] ()) does not fit: axis -1 is out of range: x[0, 0] has 0 axes",
    "glu(x, dim=(0,))": "1:12: glu: dim must be an integer, not (0,)",
    "softplus(x, 0)": "1:1: softplus(x (2, 3)) does not fit: beta must not be 0",
    "softplus(x, threshold=20)": (
        "1:1: softplus: got an unexpected keyword argument 'threshold'; call it as softplus(x, beta=1.0)"
    ),
    "celu(x, alpha=0.0)": "1:1: celu(x (2, 3)) does not fit: alpha must not be 0",
    "elu(x, b)": "1:8: elu: alpha must be known before evaluation, it cannot be an array",
    "leaky_relu(x, '0.1')": "1:15: leaky_relu: negative_slope must be a number, not '0.1'",
    "leaky_relu(x, negative_slope=None)": "1:30: leaky_relu: negative_slope must be a number, not None",
    "hardtanh(x, 2)": "1:1: hardtanh(x (2, 3)) does not fit: min_val = 2 is above max_val = 1.0",
    "hardtanh(x, min_val=True)": "1:21: hardtanh: min_val must be a number, not True",
    "clip(x, w)": f"1:1: clip(x (2, 3), w (3, 4)) does not fit: {_ROWS}",
    "clip(x, 0, w)": f"1:1: clip(x (2, 3), 0 (), w (3, 4)) does not fit: {_ROWS}",
    "clip(x, a_min=0)": (
        "1:1: clip: got an unexpected keyword argument 'a_min'; call it as clip(x, min=None, max=None)"
    ),
    "clip(x, '0')": "1:9: '0' is no array; a list may hold numbers, use stack([…]) for arrays",
    "clip()": "1:1: clip: missing a required argument: 'x'; call it as clip(x, min=None, max=None)",
    "round(x, 400)": "1:1: round(x (2, 3)) does not fit: decimals must lie between -300 and 300",
    "round(x, 1.0)": "1:10: round: decimals must be an integer, not 1.0",
    "round(m)": "1:1: round(m): round does not work on masks; write where(mask, 1, 0)",
    "hypot(x, w)": f"1:1: hypot(x (2, 3), w (3, 4)) does not fit: {_ROWS}",
    "hypot(x)": "1:1: hypot: missing a required argument: 'y'; call it as hypot(x, y)",
    "arctan2(x)": "1:1: arctan2: missing a required argument: 'x'; call it as arctan2(y, x)",
    "x % w": f"1:1: x (2, 3) % w (3, 4) does not fit: {_ROWS}",
    "x // 2": "1:1: 'x // 2': this operator does not work on arrays",
    "logical_xor(x, w)": f"1:1: logical_xor(x (2, 3), w (3, 4)) does not fit: {_ROWS}",
    "isfinite(x, x)": "1:1: isfinite: too many positional arguments; call it as isfinite(x)",
    "erf()": "1:1: erf: missing a required argument: 'x'; call it as erf(x)",
    "floor(None)": "1:7: None is no array; a list may hold numbers, use stack([…]) for arrays",
}


@pytest.mark.parametrize("formula", REFUSED)
def test_a_wrong_call_is_refused_with(formula):
    assert faults_of(formula) == [REFUSED[formula]]
