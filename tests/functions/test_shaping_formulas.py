"""Formulas that move, join, copy, cut, read and make entries: their values, gradients and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from formula_checks import assert_adjoint, assert_value, compiled, faults_of, primals, value_of

# Formula → the same in NumPy over x (2, 3), w (3, 4), b (3,), k (4 integers from 0 to 2), m (a mask like x).
ACCEPTED = {
    "moveaxis(x[None], -1, 0)": lambda x, w, b, k, m: np.moveaxis(x[None], -1, 0),
    "flip(x, axis=1) + flip(x)": lambda x, w, b, k, m: np.flip(x, 1) + np.flip(x),
    "roll(x, (1, -1), axis=(0, 1)) * roll(x, N)": lambda x, w, b, k, m: (
        np.roll(x, (1, -1), (0, 1)) * np.roll(x, 2)
    ),
    "rot90(x) + rot90(x, k=-1, axes=(0, -1))": lambda x, w, b, k, m: np.rot90(x) + np.rot90(x, -1, (0, 1)),
    "hstack([x, b[:N, None], k[:2, None]])": lambda x, w, b, k, m: np.hstack([x, b[:2, None], k[:2, None]]),
    "hstack((1.5, b, 2))": lambda x, w, b, k, m: np.hstack((1.5, b, 2)),
    "vstack([x, b, m])": lambda x, w, b, k, m: np.vstack([x, b, m]),
    "x + vstack([1, 2]) + hstack([1, 2, 3])": lambda x, w, b, k, m: np.add(x, [[2, 3, 4], [3, 4, 5]]),
    "concatenate([x, b, w], axis=None)": lambda x, w, b, k, m: np.concatenate([x, b, w], axis=None),
    "p, q = split(w, 2, axis=1)\ny = p - 2 * q": lambda x, w, b, k, m: w[:, :2] - 2 * w[:, 2:],
    "split(w, (1, N), axis=-1)[2] ** 2": lambda x, w, b, k, m: w[:, 2:] ** 2,
    "concatenate(array_split(x, 2, axis=1)[::-1], 1)": lambda x, w, b, k, m: x[:, [2, 0, 1]],
    "tile(x, (N, 1, 2))": lambda x, w, b, k, m: np.tile(x, (2, 1, 2)),
    "tile(2.5, 3) * x": lambda x, w, b, k, m: 2.5 * x,
    "x.repeat(2, axis=1) + repeat(x, 2).reshape(2, 6)": lambda x, w, b, k, m: (
        x.repeat(2, 1) + x.repeat(2).reshape(2, 6)
    ),
    "repeat(x, [2, 0, D], axis=1)": lambda x, w, b, k, m: np.repeat(x, [2, 0, 3], 1),
    "pad(x, 1)": lambda x, w, b, k, m: np.pad(x, 1),
    "pad(x, (1, N), 'constant', -1.5)": lambda x, w, b, k, m: np.pad(x, (1, 2), constant_values=-1.5),
    "pad(x, [[0, 0], [N, 1]], mode='reflect')": lambda x, w, b, k, m: np.pad(x, ((0, 0), (2, 1)), "reflect"),
    "pad(x, ((1,), (4,)), mode='wrap')": lambda x, w, b, k, m: np.pad(x, ((1,), (4,)), "wrap"),
    "pad(x, 1, 'edge') * pad(k, (0, 1), constant_values=7)": lambda x, w, b, k, m: (
        np.pad(x, 1, "edge") * np.pad(k, (0, 1), constant_values=7)
    ),
    "pad(b * (pad(k, 1, constant_values=inf)[1:4] > 0), 1, 'symmetric')": lambda x, w, b, k, m: (
        np.pad(b * (k[:3] > 0), 1, "symmetric")
    ),
    "take(w, k, axis=0)": lambda x, w, b, k, m: w[k],
    "x.take([[0, -1], [5, 5]]) * take(b, 1)": lambda x, w, b, k, m: x.take([[0, -1], [5, 5]]) * b[1],
    "take_along_axis(w, k[None] * (b[:, None] < 9), axis=0)": lambda x, w, b, k, m: (
        np.take_along_axis(w, np.tile(k, (3, 1)), 0)
    ),
    "take_along_axis(x, [[1], [0]])": lambda x, w, b, k, m: np.take_along_axis(x, np.array([[1], [0]]), 1),
    "take_along_axis(x, k, axis=None)": lambda x, w, b, k, m: x.ravel()[k],
    "scatter_add(b, k, 0.5 * k)": lambda x, w, b, k, m: b + 0.5 * np.bincount(k, k, 3),
    "scatter_add(zeros((D, D)), k, w.T)": lambda x, w, b, k, m: np.eye(3)[k].T @ w.T,
    "scatter_add(x, [2, 2], [[1, 2], [3, 4]], axis=-1)": lambda x, w, b, k, m: (
        np.add(x, [[0, 0, 3], [0, 0, 7]])
    ),
    "one_hot(k, D) @ w": lambda x, w, b, k, m: w[k],
    "x * one_hot([2, 0], 3) + one_hot(1, 3)": lambda x, w, b, k, m: x * np.eye(3)[[2, 0]] + [0, 1, 0],
    "x @ tri(D, N, k=-1) + tri(N)": lambda x, w, b, k, m: x @ np.tri(3, 2, -1) + np.tri(2),
    "x * linspace(-1, 1, D) + linspace(0, 1, 3, endpoint=False)": lambda x, w, b, k, m: (
        x * [-1, 0, 1] + np.arange(3) / 3
    ),
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


# Function, input, and its gradient as one would write it.
GRADIENTS = [
    ("y = take(w, k, axis=0)", "w", "scatter_add(zeros_like(w), k, dy)"),
    ("y = w[k]", "w", "one_hot(k, D).T @ dy"),
    ("y = w[:, k]", "w", "scatter_add(zeros_like(w), k, dy, axis=1)"),
    ("y = take(x, k)", "x", "scatter_add(zeros(x.size), k, dy).reshape(N, D)"),
    ("y = take_along_axis(w.T, k[:, None], axis=1)", "w", "(one_hot(k, D) * dy).T"),
    ("y = scatter_add(zeros((4, D)), [3, 0], x)", "x", "take(dy, [3, 0], axis=0)"),
    ("y = scatter_add(zeros((4, D)), [3, 0], b)", "b", "dy[3] + dy[0]"),
    ("y = pad(x, ((0, 0), (1, 2)))", "x", "dy[:, 1:1 + D]"),
    ("y = pad(b, 1, 'edge')", "b", "dy[1:-1] + hstack([dy[0], 0, dy[-1]])"),
    ("y = roll(x, 1, axis=1)", "x", "roll(dy, -1, axis=1)"),
    ("y = flip(x, axis=0)", "x", "flip(dy, axis=0)"),
    ("y = repeat(x, 2, axis=1)", "x", "dy.reshape(N, D, 2).sum(axis=2)"),
    ("y = tile(x, (1, 2))", "x", "sum(stack(split(dy, 2, axis=1)), axis=0)"),
    ("p, q = split(w, 2, axis=1)\ny = p * q", "w", "hstack([dy * q, dy * p])"),
    ("y = vstack([b, x])", "b", "dy[0]"),
]


def claimed_and_engines(function: str, name: str, claim: str) -> tuple[np.ndarray, np.ndarray]:
    subject = compiled(function, vjp={name: claim})
    given = primals(subject)
    g = {"y": np.random.default_rng(2).normal(size=subject.function.outputs["y"].shape)}
    return tuple(one.linearize(given)(g)[name] for one in (subject.claims[0], subject.engine[0]))


@pytest.mark.parametrize(("function", "name", "claim"), GRADIENTS)
def test_a_gradient_as_one_writes_it_is_the_engines(function, name, claim):
    claimed, engines = claimed_and_engines(function, name, claim)
    np.testing.assert_allclose(claimed, engines, rtol=1e-12)


def test_a_gradient_that_overwrites_is_not():
    claimed, engines = claimed_and_engines("y = b[[0, 0]]", "b", "hstack([dy[1], 0, 0])")
    assert not np.allclose(claimed, engines)


WIDTHS = "pad_width must be an integer, a pair, or one pair for each of 2 axes"
MODES = "mode must be one of constant, edge, reflect, symmetric, wrap"
# Call → what is wrong with it; all are about their first column unless it is said.
REFUSED = {
    "reshape(x[:, :0], (0, -1))": (
        "reshape(x[:, :0] (2, 0)) does not fit: beside a size of 0, -1 may be any size; write it out"
    ),
    "moveaxis(x, 0, 5)": "moveaxis(x (2, 3)) does not fit: axis 5 is out of range: x has 2 axes",
    "moveaxis(x, (0, 1), 0)": "moveaxis(x (2, 3)) does not fit: source names 2 axes, destination 1",
    "moveaxis(x, (0, 0), (0, 1))": ("moveaxis(x (2, 3)) does not fit: axis (0, 0) names one axis twice"),
    "flip(x, 2)": "flip(x (2, 3)) does not fit: axis 2 is out of range: x has 2 axes",
    "roll(x, 1, -3)": "roll(x (2, 3)) does not fit: axis -3 is out of range: x has 2 axes",
    "roll(x, (1, 2), (0, 1, 1))": "roll(x (2, 3)) does not fit: shift has 2 entries, axis has 3",
    "roll(x[0, 0], 1, ())": "roll(x[0, 0] ()) does not fit: x[0, 0] has no axes; leave axis out",
    "rot90(x, 1, (0, 1, 1))": "rot90(x (2, 3)) does not fit: axes must name two axes, not 3",
    "rot90(x, 1, (0, -2))": "rot90(x (2, 3)) does not fit: axis (0, -2) names one axis twice",
    "rot90(x, 1, 0)": "13: rot90: axes must be a tuple of integers, not 0",
    "hstack([x, b])": "hstack(x (2, 3), b (3,)) does not fit: x and b differ in more than axis 1",
    "vstack([x, w])": "vstack(x (2, 3), w (3, 4)) does not fit: x and w differ in more than axis 0",
    "vstack(x)": "vstack takes a list of arrays: vstack([x, y])",
    "split(x, 2, axis=1)[0]": (
        "split(x (2, 3)) does not fit: axis 1 of x has length 3, no multiple of 2; "
        "array_split makes uneven parts"
    ),
    "split(x, 0)[0]": "split(x (2, 3)) does not fit: indices_or_sections must be at least 1, not 0",
    "array_split(x, -2)[0]": (
        "array_split(x (2, 3)) does not fit: indices_or_sections must be at least 1, not -2"
    ),
    "array_split(x, 5000)[0]": (
        "array_split(x (2, 3)) does not fit: there would be 5000 parts; at most 1000 are made"
    ),
    "split(x, (1,), axis=2)[0]": "split(x (2, 3)) does not fit: axis 2 is out of range: x has 2 axes",
    "split(x, 1.5)[0]": ("10: split: indices_or_sections must be an integer or a tuple of integers, not 1.5"),
    "split(x, 2)[2]": "split(x, 2) has 2 entries, there is no 2",
    "tile(x, (1, -1))": "tile(x (2, 3)) does not fit: reps cannot be negative",
    "repeat(x, -1)": "repeat(x (2, 3)) does not fit: repeats cannot be negative",
    "repeat(x, (1, 2), axis=1)": ("repeat(x (2, 3)) does not fit: repeats has 2 entries, x has 3 to repeat"),
    "repeat(x, k)": "11: repeat: repeats must be known before evaluation, it cannot be an array",
    "pad(x, -1)": "pad(x (2, 3)) does not fit: pad_width cannot be negative; cut with a slice",
    "pad(x, (1, 2, 3))": f"pad(x (2, 3)) does not fit: {WIDTHS}",
    "pad(x, ((1, 2), (3,)))": f"pad(x (2, 3)) does not fit: {WIDTHS}",
    "pad(x, 1, 'mean')": f"pad(x (2, 3)) does not fit: {MODES}, not 'mean'",
    "pad(x, 1, 'edge', 2)": ("pad(x (2, 3)) does not fit: constant_values has no meaning with mode='edge'"),
    "pad(x[:0], 1, 'wrap')": (
        "pad(x[:0] (0, 3)) does not fit: axis 0 of x[:0] is empty: mode='wrap' has nothing to copy"
    ),
    "take(x, b)": "take(x (2, 3), b (3,)) does not fit: indices must be integers, b is float64",
    "take(x, m, 1)": "take(x (2, 3), m (2, 3)) does not fit: indices must be integers, m is bool",
    "take(x, k, axis=2)": "take(x (2, 3), k (4,)) does not fit: axis 2 is out of range: x has 2 axes",
    "take(x[:0], k)": "take(x[:0] (0, 3), k (4,)) does not fit: x[:0] is empty: there is nothing to index",
    "take_along_axis(x, k)": (
        "take_along_axis(x (2, 3), k (4,)) does not fit: x is indexed along one of 2 axes, k has 1"
    ),
    "take_along_axis(x, x > 0)": (
        "take_along_axis(x (2, 3), x > 0 (2, 3)) does not fit: indices must be integers, x > 0 is bool"
    ),
    "take_along_axis(x, k[:, None])": (
        "take_along_axis(x (2, 3), k[:, None] (4, 1)) does not fit: axis -2 is 2 in one and 4 in the other"
    ),
    "scatter_add(x, k, w)": (
        "scatter_add(x (2, 3), k (4,), w (3, 4)) does not fit: "
        "w cannot be stretched to the entries it is added to, (4, 3)"
    ),
    "scatter_add(x, b, x[0])": (
        "scatter_add(x (2, 3), b (3,), x[0] (3,)) does not fit: indices must be integers, b is float64"
    ),
    "scatter_add(b, 0, 1, axis=1)": (
        "scatter_add(b (3,), 0 (), 1 ()) does not fit: axis 1 is out of range: b has 1 axis"
    ),
    "one_hot(x, 3) * x": "one_hot(x (2, 3)) does not fit: indices must be integers, x is float64",
    "one_hot(k, 0)": "one_hot(k (4,)) does not fit: num_classes must be at least 1, not 0",
    "one_hot(k)": (
        "one_hot: missing a required argument: 'num_classes'; call it as one_hot(indices, num_classes)"
    ),
    "one_hot([0, 5], 3) @ w": (
        "one_hot([0, 5] (2,)) does not fit: index 5 is out of range: it may be 0 to 2"
    ),
    "one_hot(arange(4, 6), 3) @ w": (
        "a part that depends on no input cannot be computed: "
        "IndexError: class 4 is out of bounds: there are 3 classes"
    ),
    "tri(-1)": "tri(-1): a size cannot be negative",
    "linspace(0, 1, -1)": "linspace(0, 1, -1): a size cannot be negative",
    "linspace(0, 1, 2.5)": "16: linspace: num must be an integer, not 2.5",
    "linspace(0, b)": "13: linspace: stop must be known before evaluation, it cannot be an array",
}


@pytest.mark.parametrize("formula", REFUSED)
def test_a_wrong_call_is_refused_with(formula):
    fault = REFUSED[formula]
    assert faults_of(formula) == [f"1:{fault}" if fault[0].isdigit() else f"1:1: {fault}"]


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("take(x, 2 + k)", "index 6 is out of bounds for axis 0 with size 6"),
        ("take(w, k - 4, axis=0)", "index -4 is out of bounds for axis 0 with size 3"),
        ("take_along_axis(b, 3 + k, axis=0)", "index 3 is out of bounds for axis 0 with size 3"),
        ("scatter_add(b, k[1:2] + 3, x[:1, 0])", "index 7 is out of bounds for axis 0 with size 3"),
        ("x[0, 0] * one_hot(k - 1, 3)", "class -1 is out of bounds: there are 3 classes"),
    ],
)
def test_an_index_out_of_range_is_found_on_evaluation(formula, message):
    subject = compiled(formula)
    (output,) = subject.function.outputs
    given = {**primals(subject), "k": np.array([0, 4, 1, 2])}
    with pytest.raises(IndexError) as caught:
        value_of(subject, given, output)
    assert str(caught.value) == message
