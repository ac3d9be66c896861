"""Formulas with reductions, scans and norms: accepted ones are NumPy's, refused ones say why."""

from __future__ import annotations

import numpy as np
import pytest
from formula_checks import compiled, faults_of, primals, value_of

from gradcheck_cli.shapes import show_symbols

# Formula → the same in NumPy over x (2, 3), b (3,), k (4 integers), m (a mask like x), and its shape.
ACCEPTED = {
    "median(x, axis=0)": (lambda x, b, k, m: np.median(x, 0), "(D,)"),
    "median(x, -1, True) * median(k)": (lambda x, b, k, m: np.median(x, 1)[:, None] * np.median(k), "(N, 1)"),
    "amin(x, axis=(0, 1)) + x.max(axis=0)": (lambda x, b, k, m: x.min() + x.max(0), "(D,)"),
    "x[arange(N), x.argmin(axis=1)]": (lambda x, b, k, m: x.min(1), "(N,)"),
    "where(any(x > 1, axis=1, keepdims=True), x, 0)": (
        lambda x, b, k, m: np.where((x > 1).any(1, keepdims=True), x, 0), "(N, D)",
    ),
    "x * all(m, axis=0) * all(x)": (lambda x, b, k, m: x * m.all(0), "(N, D)"),
    "sum(x * m) / count_nonzero(m + 1)": (lambda x, b, k, m: (x * m).sum() / 6, "()"),
    "count_nonzero(k) * count_nonzero(x, axis=0) * b": (lambda x, b, k, m: np.sum(k != 0) * 2 * b, "(D,)"),
    "cumsum(x)": (lambda x, b, k, m: x.cumsum(), "(N*D,)"),
    "x.cumsum(axis=-1) * cumsum(m, axis=0)": (lambda x, b, k, m: x.cumsum(1) * m.cumsum(0), "(N, D)"),
    "cumsum(2.5) * b": (lambda x, b, k, m: 2.5 * b, "(D,)"),
    "cumprod(b)": (lambda x, b, k, m: b.cumprod(), "(D,)"),
    "x.cumprod(0)": (lambda x, b, k, m: x.cumprod(0), "(N, D)"),
    "prod(x, axis=(0, -1)) * prod(k)": (lambda x, b, k, m: x.prod() * k.prod(), "()"),
    "x.prod(axis=0, keepdims=True) + prod(2.0)": (lambda x, b, k, m: x.prod(0, keepdims=True) + 2, "(1, D)"),
    "diff(x)": (lambda x, b, k, m: np.diff(x), "(N, D - 1)"),
    "diff(x, 2, axis=1) * diff(x, axis=0)[0, 0]": (
        lambda x, b, k, m: np.diff(x, 2) * (x[1, 0] - x[0, 0]), "(N, D - 2)",
    ),
    "diff(x, n=1000000000000)": (lambda x, b, k, m: x[:, :0], "(N, 0)"),
    "sort(x)": (lambda x, b, k, m: np.sort(x), "(N, D)"),
    "sort(x, axis=None)": (lambda x, b, k, m: np.sort(x, None), "(N*D,)"),
    "b[argsort(-b)] + b[x.argsort()[0]]": (lambda x, b, k, m: -np.sort(-b) + b[x[0].argsort()], "(D,)"),
    "argsort(x, axis=None) * 1.0": (lambda x, b, k, m: x.argsort(None), "(N*D,)"),
    "linalg.norm(x)": (lambda x, b, k, m: np.linalg.norm(x), "()"),
    "x / norm(x, axis=1, keepdims=True)": (
        lambda x, b, k, m: x / np.sqrt((x**2).sum(1, keepdims=True)), "(N, D)",
    ),
    "linalg.norm(x, 'nuc') + linalg.norm(x, ord='fro')": (
        lambda x, b, k, m: np.linalg.norm(x, "nuc") + np.linalg.norm(x), "()",
    ),
    "linalg.norm(x, -inf) * norm(b, inf)": (
        lambda x, b, k, m: np.abs(x).sum(1).min() * np.abs(b).max(), "()",
    ),
    "linalg.norm(x, 1, (1, 0), True)": (
        lambda x, b, k, m: np.abs(x).sum(1).max().reshape(1, 1), "(1, 1)",
    ),
    "linalg.norm(x, 3, axis=0)": (lambda x, b, k, m: np.cbrt((np.abs(x) ** 3).sum(0)), "(D,)"),
    "norm(k, 1) * norm(m) * norm(-2) * b": (lambda x, b, k, m: k.sum() * np.sqrt(m.sum()) * 2 * b, "(D,)"),
}  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("formula", ACCEPTED)
def test_value_is_numpys_and_its_type_foreseen(formula, dtype):
    numpy, shape = ACCEPTED[formula]
    subject = compiled(formula, shapes={"x": (2, 3), "b": (3,)}, dtype=dtype)
    given = primals(subject)
    with np.errstate(all="ignore"):
        wanted = numpy(
            **{name: one.astype(float) if one.dtype == dtype else one for name, one in given.items()}
        )
    y = value_of(subject, given)
    np.testing.assert_allclose(y, wanted, rtol=1e-13 if dtype == "float64" else 1e-5)
    type_ = subject.function.outputs["y"]
    assert (show_symbols(type_.shape), type_.dtype) == (shape, dtype)
    assert (y.shape, y.dtype) == (type_.shape, dtype)


@pytest.mark.parametrize("formula", ACCEPTED)
def test_engine_derivatives_are_adjoint_and_keep_the_dtype(formula):
    subject = compiled(formula, shapes={"x": (2, 3), "b": (3,)}, dtype="float32")
    given = primals(subject)
    reverse, forward = (claim.linearize(given) for claim in subject.engine)
    g = np.cos(np.arange(value_of(subject, given).size, dtype="float32"))
    g = g.reshape(subject.function.outputs["y"].shape)
    t = {name: np.sin(np.arange(1, given[name].size + 1, dtype="float32")) for name in "xb"}
    t = {name: one.reshape(given[name].shape) for name, one in t.items()}
    gradients, tangent = reverse({"y": g}), forward(t)["y"]
    assert {one.dtype for one in [*gradients.values(), tangent]} == {np.dtype("float32")}
    assert {name: one.shape for name, one in gradients.items()} == {"x": (2, 3), "b": (3,)}
    left, right = np.sum(g * tangent), sum(np.sum(gradients[name] * t[name]) for name in t)
    scale = np.sum(np.abs(g * tangent)) + sum(np.sum(np.abs(gradients[name] * t[name])) for name in t)
    assert abs(left - right) <= 1e-5 * scale


REFUSED = {
    "median(x, axis=2)": "1:1: median(x (2, 3)) does not fit: axis 2 is out of range: x has 2 axes",
    "median(x[5:])": (
        "1:1: median(x[5:] (0, 3)) does not fit: there is nothing to reduce: an axis of x[5:] is empty"
    ),
    "x[argmin(x, (0, 1))]": (
        "1:3: argmin(x (2, 3)) does not fit: axis must be one integer or None, not (0, 1)"
    ),
    "x * any(m, axis='a')": "1:17: any: axis must be an integer or a tuple of integers or None, not 'a'",
    "x * all(m, keepdims=1)": "1:21: all: keepdims must be True or False, not 1",
    "x * count_nonzero(m, (0, -2))": (
        "1:5: count_nonzero(m (2, 3)) does not fit: axis (0, -2) names one axis twice"
    ),
    "cumsum(x, axis=(0, 1))": "1:1: cumsum(x (2, 3)) does not fit: axis must be one integer, not (0, 1)",
    "cumprod(x, -3)": "1:1: cumprod(x (2, 3)) does not fit: axis -3 is out of range: x has 2 axes",
    "prod(x, 1.5)": "1:9: prod: axis must be an integer or a tuple of integers or None, not 1.5",
    "diff(x, -1)": "1:1: diff(x (2, 3)) does not fit: n must not be negative, it is -1",
    "diff(x, 1.5)": "1:9: diff: n must be an integer, not 1.5",
    "diff(x, axis=(0,))": "1:14: diff: axis must be an integer, not (0,)",
    "diff(x, axis=None)": "1:14: diff: axis must be an integer, not None",
    "diff(b[0])": "1:1: diff(b[0] ()) does not fit: axis -1 is out of range: b[0] has 0 axes",
    "sort(x, axis=(0, 1))": "1:14: sort: axis must be an integer or None, not (0, 1)",
    "argsort(x, axis=True)": "1:17: argsort: axis must be an integer or None, not True",
    "sort(2.0) * x": "1:1: sort(2.0 ()) does not fit: axis -1 is out of range: 2.0 has 0 axes",
    "linalg.norm(x, True)": "1:16: linalg.norm: ord must be a number, 'fro' or 'nuc' or None, not True",
    "norm(b, 'nuc')": (
        "1:1: linalg.norm(b (3,)) does not fit: "
        "the ord of a norm of vectors must be a number or None, not 'nuc'"
    ),
    "norm(b, inf - inf)": (
        "1:1: linalg.norm(b (3,)) does not fit: "
        "the ord of a norm of vectors must be a number or None, not nan"
    ),
    "linalg.norm(x, 3)": (
        "1:1: linalg.norm(x (2, 3)) does not fit: "
        "the ord of a norm of matrices must be 'fro', 'nuc', ±1, ±2, ±inf or None, not 3"
    ),
    "linalg.norm(x[None], 2)": (
        "1:1: linalg.norm(x[None] (1, 2, 3)) does not fit: "
        "x[None] has 3 axes, and a norm of this ord takes one or two: say which by axis"
    ),
    "linalg.norm(x[None], axis=(0, 1, 2))": (
        "1:1: linalg.norm(x[None] (1, 2, 3)) does not fit: "
        "a norm takes one axis, or two for matrices, not axis=(0, 1, 2)"
    ),
    "linalg.norm(x, axis=(1, -1))": (
        "1:1: linalg.norm(x (2, 3)) does not fit: axis (1, -1) names one axis twice"
    ),
    "linalg.norm(x[5:], -inf)": (
        "1:1: linalg.norm(x[5:] (0, 3)) does not fit: "
        "there is nothing to take the smallest of: an axis of x[5:] is empty"
    ),
    "np.linalg.norm(x)": "1:1: functions go by their own name here: write linalg.norm(…)",
}


@pytest.mark.parametrize("formula", REFUSED)
def test_a_wrong_call_is_refused_in_one_message(formula):
    assert faults_of(formula) == [REFUSED[formula]]
