"""Products and diagonals over drawn shapes, axes and arguments: NumPy's values, exact derivatives."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from derivative_laws import sample
from hypothesis import given, settings
from hypothesis import strategies as st
from linalg_checks import SIZES, broadcastable, check_call, check_like_torch

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.autodiff.primitives import PRIMITIVES
from gradcheck_cli.errors import ShapeError

EINSUM = PRIMITIVES["einsum"]


@st.composite
def einsums(draw: Any) -> tuple[str, tuple[Array, ...]]:
    """Subscripts with repeated labels, axes that are stretched, and '...', and operands to them."""
    sizes = {label: draw(SIZES) for label in "ijK"}
    broadcast = draw(st.lists(SIZES, max_size=2))
    terms, arrays = [], []
    for place in range(draw(st.integers(1, 3))):
        labels = draw(st.lists(st.sampled_from("ijK"), max_size=3))
        unnamed = broadcast[draw(st.integers(0, len(broadcast))) :]
        at = draw(st.integers(0, len(labels)))
        dots = ["..."] if unnamed or draw(st.booleans()) else []
        stretched = {label for label in "ijK" if labels.count(label) == 1 and draw(st.booleans())}
        named = [1 if label in stretched else sizes[label] for label in labels]
        unnamed = [1 if draw(st.booleans()) else size for size in unnamed]
        terms.append("".join([*labels[:at], *dots, *labels[at:]]))
        arrays.append(sample(*named[:at], *unnamed, *named[at:], seed=place))
    subscripts = ",".join(terms)
    if draw(st.booleans()):
        known = sorted(set(subscripts) & set("ijK"))
        output = draw(st.permutations(known))[: draw(st.integers(0, len(known)))]
        subscripts += "->" + "".join(draw(st.permutations([*output, "..."])))
    return subscripts, tuple(arrays)


@settings(max_examples=250, deadline=None)
@given(einsums())
def test_einsum(drawn):
    subscripts, operands = drawn
    check_call(
        PRIMITIVES["einsum"], lambda *arrays, subscripts: np.einsum(subscripts, *arrays), *operands,
        subscripts=subscripts,
    )  # fmt: skip


@pytest.mark.torch
@settings(max_examples=100, deadline=None)
@given(einsums().filter(lambda drawn: all(array.size for array in drawn[1])))
def test_einsum_is_like_torch(drawn):
    subscripts, operands = drawn
    check_like_torch(
        PRIMITIVES["einsum"], lambda torch, *x: torch.einsum(subscripts, *x), *operands, subscripts=subscripts
    )


@st.composite
def products(draw: Any) -> tuple[str, Array, Array, dict[str, Any]]:
    """A product, two operands that fit, and its static arguments."""
    name = draw(st.sampled_from(["matmul", "dot", "inner", "vdot", "outer", "kron", "cross", "tensordot"]))
    first, second = draw(st.lists(SIZES, max_size=2)), draw(st.lists(SIZES, max_size=2))
    shared, static = draw(SIZES), {}
    if name == "matmul":
        left, right = broadcastable(draw)
        first = [*left, draw(SIZES), shared] if left or draw(st.booleans()) else [shared]
        second = [*right, shared, draw(SIZES)] if right or draw(st.booleans()) else [shared]
    elif name == "dot":
        first, second = [*first, shared], [*second[:-1], shared, *second[-1:]]
    elif name == "inner":
        first, second = [*first, shared], [*second, shared]
    elif name == "vdot":
        second = draw(st.permutations([*first, 1]))
    elif name == "cross":
        axis = draw(st.integers(-3, -1))
        left, right = ((*(1,) * (-axis - 1 - len(one)), *one) for one in broadcastable(draw))
        places = [len(one) + axis + 1 for one in (left, right)]
        first, second = ([*one[:at], 3, *one[at:]] for one, at in zip((left, right), places, strict=True))
        static = {"axis": axis}
    elif name == "tensordot":
        paired = draw(st.permutations(range(len(first))))[: draw(st.integers(0, len(first)))]
        second = [*(first[axis] for axis in paired), *second]
        order = draw(st.permutations(range(len(second))))
        second = [second[at] for at in order]
        static = {"axes": (tuple(paired), tuple(order.index(at) for at in range(len(paired))))}
    return name, sample(*first), sample(*second, seed=1), static


@settings(max_examples=200, deadline=None)
@given(products())
def test_products(drawn):
    name, x, y, static = drawn
    check_call(PRIMITIVES[name], getattr(np, name), x, y, **static)


TORCH_PRODUCTS = {
    "matmul": lambda torch, x, y: torch.matmul(x, y),
    "inner": lambda torch, x, y: torch.inner(x, y),
    "kron": lambda torch, x, y: torch.kron(x, y),
    "cross": lambda torch, x, y, axis: torch.linalg.cross(x, y, dim=axis),
    "tensordot": lambda torch, x, y, axes: torch.tensordot(x, y, dims=[list(one) for one in axes]),
}


@pytest.mark.torch
@settings(max_examples=100, deadline=None)
@given(products().filter(lambda drawn: drawn[0] in TORCH_PRODUCTS and drawn[1].size and drawn[2].size))
def test_products_are_like_torch(drawn):
    name, x, y, static = drawn
    if name != "cross" or x.ndim == y.ndim:  # torch's own wants equal ranks
        check_like_torch(
            PRIMITIVES[name], lambda torch, x, y: TORCH_PRODUCTS[name](torch, x, y, **static), x, y, **static
        )


@st.composite
def diagonals(draw: Any) -> tuple[Array, dict[str, int]]:
    """An array of two to four axes, two of them, and a diagonal."""
    x = sample(*draw(st.lists(SIZES, min_size=2, max_size=4)))
    axis1, axis2 = draw(st.permutations(range(x.ndim)))[:2]
    axes = [axis - x.ndim if draw(st.booleans()) else axis for axis in (axis1, axis2)]
    return x, {"offset": draw(st.integers(-4, 4)), "axis1": axes[0], "axis2": axes[1]}


@settings(max_examples=150, deadline=None)
@given(diagonals())
def test_diagonals(drawn):
    x, static = drawn
    for name in ("diagonal", "trace"):
        check_call(PRIMITIVES[name], getattr(np, name), x, **static)
    for name in ("triu", "tril"):
        check_call(PRIMITIVES[name], getattr(np, name), x, k=static["offset"])
    if x.ndim == 2:
        check_call(PRIMITIVES["diag"], np.diag, x, k=static["offset"])


@pytest.mark.torch
@settings(max_examples=50, deadline=None)
@given(diagonals())
def test_diagonals_are_like_torch(drawn):
    x, static = drawn
    offset, axis1, axis2 = static.values()
    if -x.shape[axis1] <= offset <= x.shape[axis2]:  # torch refuses what is further out
        check_like_torch(
            PRIMITIVES["diagonal"], lambda torch, x: torch.diagonal(x, offset, axis1, axis2), x, **static
        )
    check_like_torch(PRIMITIVES["triu"], lambda torch, x: torch.triu(x, offset), x, k=offset)
    check_like_torch(PRIMITIVES["tril"], lambda torch, x: torch.tril(x, offset), x, k=offset)


MISSED = {
    "axes that are stretched are not summed": (
        "einsum",
        (sample(1, 3), sample(2, 3)),
        {"subscripts": "...i,...i->...i"},
        {"vjps": (lambda g, out, x, y, subscripts: np.einsum("ij,ij->ij", g, y), EINSUM.vjps[1])},
    ),
    "a diagonal with its axes exchanged": (
        "diagonal",
        (sample(3, 3),),
        {"offset": 1, "axis1": 0, "axis2": 1},
        {"vjps": (lambda g, out, x, **which: np.diag(g, -1),)},
    ),
    "the sign of a cross product": (
        "cross",
        (sample(3), sample(3, seed=1)),
        {"axis": -1},
        {"vjps": (lambda g, out, x, y, axis: np.cross(g, y), PRIMITIVES["cross"].vjps[1])},
    ),
    "a wider dtype": (
        "kron",
        (sample(2), sample(3)),
        {},
        {"jvps": (lambda t, out, x, y: np.kron(t, y.astype(float)), PRIMITIVES["kron"].jvps[1])},
    ),
    "another shape": ("triu", (sample(2, 3),), {"k": 0}, {"shape": lambda x, k: x[::-1]}),
    "another value": ("inner", (sample(3), sample(3)), {}, {"forward": lambda x, y: np.vdot(x, y) + 1e-9}),
}


@pytest.mark.parametrize(("name", "operands", "static", "wrong"), MISSED.values(), ids=MISSED)
def test_a_wrong_rule_is_caught(name, operands, static, wrong):
    def numpy(*arrays: Array, subscripts: str | None = None, **named: Any) -> Any:
        return np.einsum(subscripts, *arrays) if subscripts else getattr(np, name)(*arrays, **named)

    check_call(PRIMITIVES[name], numpy, *operands, **static)
    with pytest.raises(AssertionError):
        check_call(replace(PRIMITIVES[name], **wrong), numpy, *operands, **static)


@pytest.mark.torch
def test_a_rule_that_torch_does_not_have_is_caught():
    wrong = replace(PRIMITIVES["kron"], vjps=PRIMITIVES["kron"].vjps[::-1])
    operands = sample(2, 2), sample(2, 2, seed=1)
    check_like_torch(PRIMITIVES["kron"], TORCH_PRODUCTS["kron"], *operands)
    with pytest.raises(AssertionError):
        check_like_torch(wrong, TORCH_PRODUCTS["kron"], *operands)


def test_what_numpy_refuses_is_refused_by_the_shape_rule():
    for subscripts, shapes in (
        ("...i->i", [(2, 3)]),
        ("ii", [(1, 3)]),
        ("...i,...i", [(2, 3), (3, 3)]),
        ("ij,jk", [(2, 3), (2, 3)]),
        ("i...j...", [(2, 3)]),
        ("i.", [(2,)]),
        ("ij", [(2,)]),
        ("i->ij", [(2,)]),
        ("i->ii", [(2,)]),
        ("i->j->i", [(2,)]),
        (",".join("i" * 64), [(2,)] * 64),
    ):
        with pytest.raises(ValueError, match=r"einsum|einstein|operand"):
            np.einsum(subscripts, *map(np.ones, shapes))
        with pytest.raises(ShapeError):
            EINSUM.shape(*shapes, subscripts=subscripts)


def test_einsum_takes_as_many_operands_as_numpy():
    check_call(
        EINSUM, lambda *arrays, subscripts: np.einsum(subscripts, *arrays), *[np.array([1.0, -1.0])] * 63,
        subscripts=",".join("i" * 63) + "->i",
    )  # fmt: skip
