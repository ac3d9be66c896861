"""Reductions, scans and norms at drawn shapes and arguments: NumPy's values, the laws, torch's gradients."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from derivative_laws import Call, check_derivatives, check_single_precision, sample
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from reduction_calls import (
    MATRIX_ORDERS,
    ROWS,
    VECTOR_ORDERS,
    Row,
    along,
    calls,
    norm_arguments,
    one,
    reducing,
    whole,
)

from gradcheck_cli.autodiff.primitive import Primitive
from gradcheck_cli.autodiff.primitives import PRIMITIVES
from gradcheck_cli.errors import ShapeError

ANY_AXIS = st.none() | st.integers(-4, 3) | st.lists(st.integers(-4, 3), max_size=3).map(tuple)
EVERY_ROW = pytest.mark.parametrize("name", ROWS)


def fits(primitive: Primitive, call: Call) -> bool:
    """Whether the shape rule takes the call."""
    try:
        primitive.shape(*(one.shape for one in call.operands), **call.static)
    except ShapeError:
        return False
    return True


def has_slope(name: str, call: Call) -> bool:
    """Whether the gradient is finite, which that of a standard deviation of 0 is not."""
    return name != "std" or bool(np.all(np.std(*call.operands, **call.static) > 0))


def check_against_numpy(primitive: Primitive, numpy: Callable[..., Any], call: Call) -> None:
    """Value, shape and dtype; a shape rule may refuse only what NumPy refuses or warns of."""
    (x,) = call.operands
    if not fits(primitive, call):
        with pytest.raises((ValueError, TypeError, RuntimeWarning)):
            numpy(x, **call.static)
        return
    value, out = np.asarray(numpy(x, **call.static)), np.asarray(primitive.forward(x, **call.static))
    np.testing.assert_allclose(out, value, rtol=1e-13, atol=1e-14)
    assert (out.shape, out.dtype) == (value.shape, value.dtype)
    assert primitive.shape(x.shape, **call.static) == value.shape


@EVERY_ROW
@settings(max_examples=50, deadline=None)
@given(st.data())
def test_values_are_numpys_and_derivatives_obey_the_laws(name, data):
    call = data.draw(calls(name))
    check_against_numpy(PRIMITIVES[name], ROWS[name].reference, call)
    if fits(PRIMITIVES[name], call) and has_slope(name, call):
        check_derivatives(PRIMITIVES[name], call)
        check_single_precision(PRIMITIVES[name], call)


@EVERY_ROW
@settings(max_examples=50, deadline=None)
@given(st.data())
def test_what_is_refused_numpy_refuses_too(name, data):
    call = data.draw(calls(name, smallest=1))
    assume(call.operands[0].ndim)  # of a number NumPy takes an axis 0
    assume(call.static.get("n") != 0)  # and no difference along any axis
    changed = {"axis": data.draw(ANY_AXIS)}
    if name == "linalg.norm":
        changed["ord"] = data.draw(st.sampled_from((*VECTOR_ORDERS, *MATRIX_ORDERS)))
    check_against_numpy(
        PRIMITIVES[name], ROWS[name].reference, replace(call, static={**call.static, **changed})
    )


@pytest.mark.parametrize(
    ("name", "static", "change"),
    [
        ("max", {"axis": 0, "keepdims": True}, {"shape": lambda x, axis, keepdims: x[1:]}),
        ("sum", {"axis": (0, 1), "keepdims": True}, {"shape": PRIMITIVES["argmax"].shape}),
        ("cumsum", {"axis": 2}, {"shape": lambda x, axis: x}),
        ("sum", {"axis": 0, "keepdims": True}, {"forward": lambda x, axis, keepdims: np.sum(x, axis)}),
        ("argmin", {"axis": 0, "keepdims": False}, {"forward": np.argmax}),
    ],
    ids=["shape without keepdims", "axes refused", "axis not checked", "keepdims ignored", "other value"],
)
def test_a_row_that_is_not_numpys_is_caught(name, static, change):
    planted, call = replace(PRIMITIVES[name], **change), Call(None, (sample(2, 3),), static)
    with pytest.raises((AssertionError, pytest.fail.Exception, np.exceptions.AxisError)):
        check_against_numpy(planted, ROWS[name].reference, call)


def torch_rows() -> dict[str, Row]:
    """The same functions in torch, by axis and keepdims too; without axis where torch knows one axis only."""
    torch = pytest.importorskip("torch")
    names = {"axis": "dim", "keepdims": "keepdim", "ddof": "correction"}

    def row(function: Any, arguments: Any) -> Row:
        return Row(
            lambda x, **static: function(x, **{names.get(k, k): v for k, v in static.items()}), arguments
        )

    over = reducing(lambda rank: one(rank) | st.permutations(range(rank)).map(tuple))
    ddof = {"ddof": st.sampled_from((0, 1))}
    return {
        **{name: row(getattr(torch, name), over) for name in ("sum", "mean", "logsumexp")},
        "max": row(torch.amax, over),
        "min": row(torch.amin, over),
        "prod": row(torch.prod, reducing(one)),
        "median": row(lambda x, dim, keepdim: torch.quantile(x, 0.5, dim, keepdim=keepdim), reducing(one)),
        **{name: row(getattr(torch, name), reducing(one, **ddof)) for name in ("var", "std")},
        **{name: row(getattr(torch, name), along(one)) for name in ("softmax", "log_softmax")},
        **{name: row(getattr(torch, name), along(one)) for name in ("cumsum", "cumprod")},
        "diff": row(torch.diff, along(one, n=st.integers(0, 4))),
        "sort": row(lambda x, dim: torch.sort(x, dim=dim, stable=True).values, along(one)),
        "linalg.norm": row(torch.linalg.norm, norm_arguments),
    }


def check_against_torch(primitive: Primitive, row: Row, call: Call) -> None:
    """Value and gradient."""
    torch = pytest.importorskip("torch")
    (x,) = call.operands
    tensor = torch.from_numpy(x.copy()).requires_grad_()
    value = row.reference(tensor, **call.static)
    g = np.cos(np.arange(value.numel(), dtype=float)).reshape(tuple(value.shape))
    value.backward(torch.from_numpy(g))
    with np.errstate(all="ignore"):  # as where the engine runs
        out = primitive.forward(x, **call.static)
        gradient = primitive.vjps[0](g, out, x, **call.static)
    np.testing.assert_allclose(out, value.detach().numpy(), rtol=1e-12, atol=1e-14)
    wanted = np.zeros_like(x) if tensor.grad is None else tensor.grad.numpy()
    np.testing.assert_allclose(gradient, wanted, rtol=1e-11, atol=1e-13)


@pytest.mark.torch
@pytest.mark.parametrize("name", [name for name in ROWS if PRIMITIVES[name].differentiable])
@settings(max_examples=30, deadline=None)
@given(st.data())
def test_torch_agrees(name, data):
    row = torch_rows()[name]
    shape = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    distinct = sample(*shape, seed=data.draw(st.integers(0, 9)))
    static = data.draw(row.arguments(len(shape)))
    # At ties torch's median and singular vectors are one choice of several, which depends on rounding.
    smooth_only = name in {"median", "std"} or static.get("ord") in {"nuc", 2, -2}
    x = data.draw(st.just(distinct) if smooth_only else st.just(distinct) | whole(*shape))
    call = Call(None, (x,), static)
    assume(fits(PRIMITIVES[name], call) and has_slope(name, call))
    check_against_torch(PRIMITIVES[name], row, call)


@pytest.mark.torch
def test_a_gradient_that_is_not_torchs_is_caught():
    call = Call(None, (sample(2, 3),), {"axis": 0, "ddof": 1, "keepdims": False})
    biased = replace(
        PRIMITIVES["var"],
        vjps=(lambda g, out, x, axis, ddof, keepdims: g * 2 * (x - np.mean(x, axis)) / len(x),),
    )
    check_against_torch(PRIMITIVES["var"], torch_rows()["var"], call)
    with pytest.raises(AssertionError):
        check_against_torch(biased, torch_rows()["var"], call)
