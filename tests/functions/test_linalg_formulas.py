"""Linear algebra in formulas: calls under NumPy's names, several results, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from formula_checks import compiled, faults_of, primals, value_of

from gradcheck_cli.shapes import show_symbols

SHAPES = {"a": (3, 3), "s": (2, 3, 3), "x": (2, 3), "w": (3, 4), "b": (3,)}
# Formula → the same in Python over a (3, 3), s (2, 3, 3), x (2, 3), w (3, 4), b (3,), k (4), m (2, 3).
# The inputs are of size 0.1 … 2, so that 7 * eye(3) makes a matrix regular and a symmetric one definite.
ACCEPTED = {
    "inner(x, b) + vdot(x, x)": lambda a, s, x, w, b, k, m: x @ b + np.sum(x * x),
    "inner(x, 2) * inner(2, 3)": lambda a, s, x, w, b, k, m: 12 * x,
    "kron(x, w)": lambda a, s, x, w, b, k, m: np.kron(x, w),
    "kron(k, b)": lambda a, s, x, w, b, k, m: np.kron(k, b),
    "cross(x, b)": lambda a, s, x, w, b, k, m: np.cross(x, b),
    "cross(a, b[:, None], axis=0)": lambda a, s, x, w, b, k, m: np.cross(a, b[:, None], axis=0),
    "cross(b, [1, 2, 3])": lambda a, s, x, w, b, k, m: np.cross(b, [1, 2, 3]),
    "einsum('...ij,jk->...ik', s, w)": lambda a, s, x, w, b, k, m: s @ w,
    "einsum('...i', x) + einsum('i...', b)": lambda a, s, x, w, b, k, m: x + b,
    "einsum('...i,...i', s, x[:, None])": lambda a, s, x, w, b, k, m: (s * x[:, None]).sum(-1),
    "trace(s, axis1=1, axis2=2) + trace(a, 1)": lambda a, s, x, w, b, k, m: (
        np.trace(s, axis1=1, axis2=2) + np.trace(a, 1)
    ),
    "s.trace(0, -2, -1)": lambda a, s, x, w, b, k, m: np.trace(s, axis1=1, axis2=2),
    "diagonal(x, -1) + a.diagonal(2)": lambda a, s, x, w, b, k, m: np.diagonal(x, -1) + np.diagonal(a, 2),
    "s.diagonal(axis1=1, axis2=2)": lambda a, s, x, w, b, k, m: np.diagonal(s, axis1=1, axis2=2),
    "triu(s, k=1) + tril(a, -1)": lambda a, s, x, w, b, k, m: np.triu(s, 1) + np.tril(a, -1),
    "linalg.inv(s + 7 * eye(3))": lambda a, s, x, w, b, k, m: np.linalg.inv(s + 7 * np.eye(3)),
    "linalg.inv([[2, 0], [1, 4]]) @ x": lambda a, s, x, w, b, k, m: np.linalg.inv([[2, 0], [1, 4]]) @ x,
    "linalg.pinv(x)": lambda a, s, x, w, b, k, m: np.linalg.pinv(x),
    "linalg.solve(s + 7 * eye(3), b)": lambda a, s, x, w, b, k, m: np.linalg.solve(s + 7 * np.eye(3), b),
    "linalg.solve(s + 7 * eye(3), x[..., None])": lambda a, s, x, w, b, k, m: np.linalg.solve(
        s + 7 * np.eye(3), x[..., None]
    ),
    "linalg.det(s) * linalg.det(a)": lambda a, s, x, w, b, k, m: np.linalg.det(s) * np.linalg.det(a),
    "sign, log = linalg.slogdet(s)\ny = sign * exp(log)": lambda a, s, x, w, b, k, m: np.linalg.det(s),
    "slogdet(s).logabsdet * slogdet(a).sign": lambda a, s, x, w, b, k, m: (
        np.linalg.slogdet(s)[1] * np.linalg.slogdet(a)[0]
    ),
    "linalg.cholesky(a @ a.T + 7 * eye(3))": lambda a, s, x, w, b, k, m: np.linalg.cholesky(
        a @ a.T + 7 * np.eye(3)
    ),
    "linalg.cholesky(a @ a.T + 7 * eye(3), upper=True)": lambda a, s, x, w, b, k, m: (
        np.linalg.cholesky(a @ a.T + 7 * np.eye(3)).T
    ),
    "w, v = linalg.eigh(a)\ny = v * w @ v.T": lambda a, s, x, w, b, k, m: np.tril(a) + np.tril(a, -1).T,
    "linalg.eigh(s, UPLO='U').eigenvalues - linalg.eigvalsh(s)": lambda a, s, x, w, b, k, m: (
        np.linalg.eigvalsh(s, "U") - np.linalg.eigvalsh(s)
    ),
    "abs(linalg.eigh(a)[1])": lambda a, s, x, w, b, k, m: np.abs(np.linalg.eigh(a).eigenvectors),
    "linalg.svdvals(x) - linalg.svd(x, compute_uv=False) / 2": lambda a, s, x, w, b, k, m: (
        np.linalg.svd(x, compute_uv=False) / 2
    ),
    "linalg.matrix_power(a, 3) + linalg.matrix_power(a, n=0)": lambda a, s, x, w, b, k, m: (
        a @ a @ a + np.eye(3)
    ),
    "linalg.matrix_power(a + 7 * eye(3), -2)": lambda a, s, x, w, b, k, m: np.linalg.matrix_power(
        np.linalg.inv(a + 7 * np.eye(3)), 2
    ),
    "q, r = linalg.qr(w)\ny = q @ r": lambda a, s, x, w, b, k, m: w,
    "linalg.qr(x.T).R.T @ linalg.qr(x.T).R": lambda a, s, x, w, b, k, m: x @ x.T,
}


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 1e-3)])
@pytest.mark.parametrize("formula", ACCEPTED)
def test_value_is_numpys_and_derivatives_are_adjoint(formula, dtype, tolerance):
    subject = compiled(formula, shapes=SHAPES, dtype=dtype)
    (output,) = subject.function.outputs
    given, type_ = primals(subject), subject.function.outputs[output]
    y = value_of(subject, given, output)
    wanted = ACCEPTED[formula](**{name: array.astype(float) for name, array in given.items()})
    np.testing.assert_allclose(y, wanted, rtol=tolerance, atol=tolerance)
    assert (y.shape, y.dtype) == (type_.shape, type_.dtype) == (type_.shape, np.dtype(dtype))
    reverse, forward = (claim.linearize(given) for claim in subject.engine)
    rng = np.random.default_rng(1)
    g = rng.normal(size=y.shape).astype(dtype)
    t = {name: rng.normal(size=given[name].shape).astype(dtype) for name in subject.engine[0].inputs}
    gradients, tangent = reverse({output: g}), forward(t)[output]
    assert {array.dtype for array in [*gradients.values(), tangent]} == {np.dtype(dtype)}
    left, right = g * tangent, np.concatenate([np.ravel(gradients[name] * t[name]) for name in t])
    scale = np.sum(np.abs(left)) + np.sum(np.abs(right))
    assert abs(np.sum(left) - np.sum(right)) <= tolerance * scale


@pytest.mark.parametrize(
    ("formula", "shape"),
    [
        ("kron(x, w)", "(N*D, D*4)"),
        ("outer(x, b)", "(N*D, D)"),
        ("inner(x, w.T)", "(N, 4)"),
        ("cross(x, b)", "(N, D)"),
        ("diag(b, 1)", "(D + 1, D + 1)"),
        ("diagonal(a, 1)", "(D - 1,)"),
        ("trace(s, axis1=1, axis2=2)", "(N,)"),
        ("einsum('...ij,jk->k...i', s, w)", "(4, N, D)"),
        ("linalg.inv(s)", "(N, D, D)"),
        ("linalg.pinv(x)", "(D, N)"),
        ("linalg.solve(a, w)", "(D, 4)"),
        ("linalg.det(s)", "(N,)"),
        ("linalg.eigvalsh(s)", "(N, D)"),
        ("linalg.svdvals(x)", "(N,)"),
        ("linalg.qr(x)[1]", "(N, D)"),
    ],
)
def test_shapes_keep_the_symbols(formula, shape):
    (type_,) = compiled(formula, shapes=SHAPES).function.outputs.values()
    assert show_symbols(type_.shape) == shape


REFUSED = {
    "inner(x, w)": "1:1: inner(x (2, 3), w (3, 4)) does not fit: x ends in 3, w in 4",
    "vdot(x, w)": "1:1: vdot(x (2, 3), w (3, 4)) does not fit: x has 6 entries, w has 12",
    "cross(x, w)": (
        "1:1: cross(x (2, 3), w (3, 4)) does not fit: axis -1 of w has length 4, vectors have 3 entries"
    ),
    "cross(x, b, axis=1)": "1:1: cross(x (2, 3), b (3,)) does not fit: axis 1 is out of range: b has 1 axis",
    "cross(x, a, axis=(0, 1))": "1:18: cross: axis must be an integer, not (0, 1)",
    "cross(x > 0, x > 0)": "1:1: cross(x > 0, x > 0): cross does not work on masks; write where(mask, 1, 0)",
    "tensordot(x, w, -1)": (
        "1:1: tensordot(x (2, 3), w (3, 4)) does not fit: x and w do not both have -1 axes"
    ),
    "einsum('...i,...j', x, w)": (
        "1:1: einsum(x (2, 3), w (3, 4)) does not fit: an axis of '...' is 3 in w and 2 before"
    ),
    "triu(a, 2**31)": (
        "1:1: triu(a (3, 3)) does not fit: "
        "the diagonal 2147483648 is too far out: at most 2147483647 either way"
    ),
    "einsum('ii', x)": "1:1: einsum(x (2, 3)) does not fit: axis 'i' is 3 in x and 2 before",
    "trace(a, axis1=1)": "1:1: trace(a (3, 3)) does not fit: axis1=1 and axis2=1 are one axis",
    "diagonal(a, axis2=2)": "1:1: diagonal(a (3, 3)) does not fit: axis 2 is out of range: a has 2 axes",
    "trace(a, offset=1.5)": "1:17: trace: offset must be an integer, not 1.5",
    "diagonal(a, -2**31)": (
        "1:1: diagonal(a (3, 3)) does not fit: "
        "the diagonal -2147483648 is too far out: at most 2147483647 either way"
    ),
    "tril(b)": "1:1: tril(b (3,)) does not fit: b must be a matrix or a stack of matrices",
    "linalg.inv(x)": "1:1: linalg.inv(x (2, 3)) does not fit: x must be square, its matrices are 2 by 3",
    "linalg.det(b)": "1:1: linalg.det(b (3,)) does not fit: b must be a matrix or a stack of matrices",
    "linalg.inv(eye(3, dtype='float16')) @ b": (
        "1:1: linalg.inv(eye(3, dtype='float16') (3, 3)) does not fit: "
        "NumPy's linalg works in float64 and float32, not in float16"
    ),
    "linalg.solve(a, x)": (
        "1:1: linalg.solve(a (3, 3), x (2, 3)) does not fit: "
        "a has 3 rows, x has 2; write x[..., None] for a stack of vectors"
    ),
    "linalg.solve(a, x[:, :2])": (
        "1:1: linalg.solve(a (3, 3), x[:, :2] (2, 2)) does not fit: a has 3 rows, x[:, :2] has 2"
    ),
    "linalg.solve(a, 2.0)": (
        "1:1: linalg.solve(a (3, 3), 2.0 ()) does not fit: 2.0 must be a vector or a matrix"
    ),
    "linalg.cholesky(a, upper=1)": "1:26: linalg.cholesky: upper must be True or False, not 1",
    "linalg.eigvalsh(a, UPLO='X')": (
        "1:1: linalg.eigvalsh(a (3, 3)) does not fit: "
        "UPLO must be 'L' or 'U', for the triangle that is read, not 'X'"
    ),
    "linalg.eigh(a).vectors": (
        "1:1: no attribute 'vectors'; arrays have .T, .mT, .mH, .real, .imag, .shape, .ndim, .size"
    ),
    "u, s, v = linalg.svd(x)": (
        "1:11: linalg.svd(x (2, 3)) does not fit: "
        "only singular values are known here: write linalg.svdvals(x), or compute_uv=False"
    ),
    "linalg.qr(x, mode='complete')[0]": (
        "1:1: linalg.qr(x (2, 3)) does not fit: mode must be 'reduced', not 'complete'"
    ),
    "linalg.matrix_power(a, 0.5)": "1:24: linalg.matrix_power: n must be an integer, not 0.5",
    "linalg.matrix_power(a)": (
        "1:1: linalg.matrix_power: missing a required argument: 'n'; call it as linalg.matrix_power(a, n)"
    ),
    "linalg.inv(2.0)": "1:1: linalg.inv(2.0 ()) does not fit: 2.0 must be a matrix or a stack of matrices",
    "np.linalg.inv(a)": "1:1: functions go by their own name here: write linalg.inv(…)",
}


@pytest.mark.parametrize("formula", REFUSED)
def test_a_wrong_call_is_refused_with(formula):
    assert faults_of(formula, shapes=SHAPES) == [REFUSED[formula]]


def test_kron_of_more_axes_than_numpy_can_pair_is_refused():
    (fault,) = faults_of(f"kron(x{'[None]' * 31}, b)")
    assert fault.endswith("does not fit: at most 32 axes are possible")
