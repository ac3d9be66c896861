"""Formulas that are accepted: their values are NumPy's, their types known before evaluation."""

from __future__ import annotations

import numpy as np
import pytest
from formula_checks import DIMS, assert_adjoint, assert_value, check, compiled, primals, value_of
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck_cli.functions.claims import compile_check

N, D = DIMS["N"], DIMS["D"]
# Formula → the same in Python over x (2, 3), w (3, 4), b (3,), k (4 integers), m (a mask like x).
ACCEPTED = {
    "x + b": lambda x, w, b, k, m: x + b,
    "y = x @ w": lambda x, w, b, k, m: x @ w,
    "h = x @ w\n\n# comment\ny = h * h  # again": lambda x, w, b, k, m: (x @ w) ** 2,
    "y = x * 2 - b / N": lambda x, w, b, k, m: x * 2 - b / N,
    "-x ** 2": lambda x, w, b, k, m: -(x**2),
    "+x": lambda x, w, b, k, m: x,
    "2 ** x": lambda x, w, b, k, m: 2**x,
    "x ** -1": lambda x, w, b, k, m: 1 / x,
    "x / sqrt(D)": lambda x, w, b, k, m: x / np.sqrt(D),
    "x * (D // N + D % N)": lambda x, w, b, k, m: x * 2,
    "x * pi + e": lambda x, w, b, k, m: x * np.pi + np.e,
    "where(x > 0, x, -inf)": lambda x, w, b, k, m: np.where(x > 0, x, -np.inf),
    "where((x > 0) & (x < 1) | ~m, x, 0)": lambda x, w, b, k, m: np.where((x > 0) & (x < 1) | ~m, x, 0),
    "x * (x >= 0.5)": lambda x, w, b, k, m: x * (x >= 0.5),
    "x * (k[0] == 1) + (k[1] != 1)": lambda x, w, b, k, m: x * (k[0] == 1) + (k[1] != 1),
    "x.T @ x": lambda x, w, b, k, m: x.T @ x,
    "x.mT @ x": lambda x, w, b, k, m: x.T @ x,
    "x[None].mT @ stack([x, x])": lambda x, w, b, k, m: x.T @ np.stack([x, x]),
    "x * power(2, -1) + power(N, 2) * mod(-7, D) - negative(D)": lambda x, w, b, k, m: x / 2 + 4 * 2 + 3,
    "x.sum(axis=0)": lambda x, w, b, k, m: x.sum(axis=0),
    "x.sum(0, keepdims=True) * x.mean(-1, True)": lambda x, w, b, k, m: x.sum(0) * x.mean(1, keepdims=True),
    "sum(x, (0, 1)) * x.var(axis=1, ddof=1)": lambda x, w, b, k, m: x.sum() * x.var(1, ddof=1),
    "x.reshape(3, 2)": lambda x, w, b, k, m: x.reshape(3, 2),
    "x.reshape(-1)": lambda x, w, b, k, m: x.reshape(-1),
    "x.reshape((D, N))": lambda x, w, b, k, m: x.reshape(3, 2),
    "reshape(x, [6])": lambda x, w, b, k, m: x.reshape(6),
    "reshape(x, x.shape[::-1])": lambda x, w, b, k, m: x.reshape(3, 2),
    "reshape(x, (1,) + x.shape + (1, 1))": lambda x, w, b, k, m: x.reshape(1, 2, 3, 1, 1),
    "x.transpose(1, 0)": lambda x, w, b, k, m: x.T,
    "x * x.ndim / x.size * x.shape[-1]": lambda x, w, b, k, m: x * 2 / 6 * 3,
    "x[0]": lambda x, w, b, k, m: x[0],
    "x[:, -1]": lambda x, w, b, k, m: x[:, -1],
    "x[..., None, ::-2]": lambda x, w, b, k, m: x[..., None, ::-2],
    "x[:N - 1, 1:D]": lambda x, w, b, k, m: x[:1, 1:3],
    "w[[0, 2, 0]]": lambda x, w, b, k, m: w[[0, 2, 0]],
    "w[k]": lambda x, w, b, k, m: w[k],
    "w[k, arange(4)]": lambda x, w, b, k, m: w[k, np.arange(4)],
    "x[arange(N), argmax(x, axis=1)]": lambda x, w, b, k, m: x[np.arange(2), x.argmax(1)],
    "b[argmax(b)]": lambda x, w, b, k, m: b[b.argmax()],
    "x[:, [1, 1]] + x[:, k[0], None]": lambda x, w, b, k, m: x[:, [1, 1]] + x[:, k[0], None],
    "einsum('ij,jk->ik', x, w)": lambda x, w, b, k, m: x @ w,
    "einsum('ij,j', x, b)": lambda x, w, b, k, m: x @ b,
    "einsum(',i->i', 2.0, b)": lambda x, w, b, k, m: 2 * b,
    "tensordot(x, w, axes=((1,), (0,)))": lambda x, w, b, k, m: x @ w,
    "tensordot(x, w, 1) + dot(x, w)": lambda x, w, b, k, m: 2 * x @ w,
    "outer(b, 2.0) + outer(b, b)": lambda x, w, b, k, m: np.outer(b, 2) + np.outer(b, b),
    "concatenate([x, b[None]], axis=0)": lambda x, w, b, k, m: np.concatenate([x, b[None]]),
    "stack((x, 2 * x), -1)": lambda x, w, b, k, m: np.stack((x, 2 * x), -1),
    "stack([b[0], 2.0, 1])": lambda x, w, b, k, m: np.stack([b[0], 2, 1]),
    "concatenate([b, arange(3)])": lambda x, w, b, k, m: np.concatenate([b, np.arange(3)]),
    "x @ eye(D) + ones((N, D)) * full(D, 0.5)": lambda x, w, b, k, m: x + 0.5,
    "x + arange(D) + arange(0, 1.5, 0.5)": lambda x, w, b, k, m: x + np.arange(3) * 1.5,
    "x + zeros_like(x) + ones_like(k)[0]": lambda x, w, b, k, m: x + 1,
    "x + [1, 2, 3] + [[0.5], [1]]": lambda x, w, b, k, m: x + np.array([[1.5, 2.5, 3.5], [2, 3, 4]]),
    "x * k[0]": lambda x, w, b, k, m: x * k[0],
    "x * sum(m) + mean(m) + m.sum(axis=0)": lambda x, w, b, k, m: x * m.sum() + m.mean() + m.sum(0),
    "maximum(x, 0) + minimum(x, m)": lambda x, w, b, k, m: np.maximum(x, 0) + np.minimum(x, m),
    "x * where(x > 0, 1.0, 0.1)": lambda x, w, b, k, m: x * np.where(x > 0, 1, 0.1),
    "x * where(x > 0, 1, 0)": lambda x, w, b, k, m: x * (x > 0),
    "where(m, x, k[0])": lambda x, w, b, k, m: np.where(m, x, k[0]),
    "x + broadcast_to(0.5, (N, D))": lambda x, w, b, k, m: x + 0.5,
    "x * diag([1.0, 2.0, 3.0])[0, 0] * trace([[1, 2], [3, 4]])": lambda x, w, b, k, m: x * 5,
    "x / (N - 2)": lambda x, w, b, k, m: x / 0.0,
    "x * 1e400 * 0x10 * 1_000": lambda x, w, b, k, m: x * np.inf,
    "x * arange(3.0, dtype='int64') * ones(3, dtype='bool')": lambda x, w, b, k, m: x * np.arange(3),
    "y = (x +\n     b)": lambda x, w, b, k, m: x + b,
    "h = x; y = h": lambda x, w, b, k, m: x,
    "σ = exp(x)\ny = σ / (1 + σ)": lambda x, w, b, k, m: np.exp(x) / (1 + np.exp(x)),
    "sum = x\ny = sum(sum)": lambda x, w, b, k, m: x.sum(),
    "axis = None\ny = sum(x, axis)": lambda x, w, b, k, m: x.sum(),
    "x = relu(x)\ny = x": lambda x, w, b, k, m: np.maximum(x, 0),
    "softmax(x, axis=-1) + logsumexp(x)": lambda x, w, b, k, m: (
        np.exp(x) / np.exp(x).sum(1, keepdims=True) + np.log(np.exp(x).sum())
    ),
    "take(x, [-6, 5]) + take(x, 1, 0)[0]": lambda x, w, b, k, m: x.ravel()[[0, 5]] + x[1, 0],
    "take_along_axis(x, [[-3], [2]]) * embedding([2], w)[0, 0]": lambda x, w, b, k, m: (
        np.array([x[0, :1], x[1, 2:]]) * w[2, 0]
    ),
    "scatter_add(x, [-2, 1], 1.0)": lambda x, w, b, k, m: x + 1,
    "clip(x, b[0], 0.5) + clip(x, max=k[0])": lambda x, w, b, k, m: (
        np.clip(x, b[0], 0.5) + np.minimum(x, k[0])
    ),
    "layer_norm(x, 3, None, b)": lambda x, w, b, k, m: (
        (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5) + b
    ),
    "softmax(x, dim=1) + sum(x, dim=-1, keepdim=True)": lambda x, w, b, k, m: (
        np.exp(x) / np.exp(x).sum(1, keepdims=True) + x.sum(1, keepdims=True)
    ),
    "linalg.inv(x @ x.T).sum() + linalg.inv(x @ x.T).T": lambda x, w, b, k, m: (
        np.linalg.inv(x @ x.T).sum() + np.linalg.inv(x @ x.T).T
    ),
    "a, = split(x, 1)\ny = a * 2": lambda x, w, b, k, m: 2 * x,
    "x[5:]": lambda x, w, b, k, m: x[5:],
    "x[5:].sum(axis=0) + x[:, :0].sum()": lambda x, w, b, k, m: np.zeros(3),
    "x + 9223372036854775807": lambda x, w, b, k, m: x + 2**63,
}  # fmt: skip


@pytest.fixture(params=["float64", "float32"])
def dtype(request):
    return request.param


@pytest.mark.parametrize("formula", ACCEPTED)
def test_value_is_numpys_and_its_type_foreseen(formula, dtype):
    assert_value(formula, ACCEPTED[formula], dtype)


@pytest.mark.parametrize("formula", ACCEPTED)
def test_engine_derivatives_are_adjoint_and_keep_the_dtype(formula, dtype):
    assert_adjoint(formula, dtype)


def test_a_formula_without_floating_inputs_has_nothing_to_check():
    _, faults = compile_check(check("k * 1.5", shapes={}), max_memory=2**20)
    assert [fault.message for fault in faults] == ["no input is differentiable: there is nothing to check"]


def test_two_names_of_one_value_are_two_outputs():
    subject = compiled("y = exp(x)\nz = +y\nu = (y, x)[0]", outputs={"y": None, "z": None, "u": None})
    given = primals(subject)
    ones = {name: np.ones((2, 3)) for name in "yzu"}
    gradient = subject.engine[0].linearize(given)(ones)["x"]
    np.testing.assert_allclose(gradient, 3 * np.exp(given["x"]))


def test_an_output_keeps_the_symbols_of_the_spec():
    subject = compiled("x @ w", outputs={"y": (2, 4)})
    assert subject.function.outputs["y"].shape == (2, 4)


WORDS = st.sampled_from(["x", "b", "2.0", "N", "arange(D)", "m", "eye(D)[0]", "where(m, 1.0, 2)", "sqrt(D)"])
EXPRESSIONS = st.recursive(
    WORDS,
    lambda inner: (
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/"]), inner).map(
            lambda parts: f"({' '.join(parts)})"
        )
        | st.tuples(st.sampled_from(["tanh", "relu", "square", "-", "abs", "exp"]), inner).map(
            "{0[0]}({0[1]})".format
        )
        | st.tuples(inner, inner).map("where(m, {0[0]}, {0[1]})".format)
        | st.tuples(inner, inner).map("maximum({0[0]}, {0[1]})".format)
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(EXPRESSIONS)
def test_float32_formulas_stay_float32(expression):
    subject, faults = compile_check(check(f"y = x * ({expression})", dtype="float32"), max_memory=2**20)
    if subject is None:
        assert all("does not work on masks" in fault.message or "zero" in fault.message for fault in faults)
        return
    given = primals(subject)
    assert value_of(subject, given).dtype == np.float32
    assert subject.function.outputs["y"].dtype == np.float32
    ones = {"y": np.ones((2, 3), np.float32)}
    assert {g.dtype for g in subject.engine[0].linearize(given)(ones).values()} == {np.dtype(np.float32)}
