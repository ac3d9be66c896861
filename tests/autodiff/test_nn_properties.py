"""Layers of neural networks on random shapes and arguments: the laws, NumPy, SciPy, torch."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from derivative_laws import Call, check_derivatives, check_single_precision, sample
from hypothesis import assume, given, settings
from nn_calls import compared, convolved, embedded, lengths, normalized, pooled, unfolded

from gradcheck_cli.autodiff.primitive import Array, Primitive
from gradcheck_cli.autodiff.primitives import convolution, embedding, normalization, pooling, unfolding
from gradcheck_cli.autodiff.primitives.windows import columns, sweep_axes
from gradcheck_cli.errors import ShapeError

CALLS = {
    **{row.name: convolved for row in convolution.TABLE},
    **{row.name: unfolded for row in unfolding.TABLE},
    **{row.name: pooled for row in pooling.TABLE},
    **{row.name: normalized for row in normalization.TABLE},
    "embedding": embedded,
    "cosine_similarity": compared,
}
TABLES = (convolution, unfolding, pooling, normalization, embedding)
ROWS = {row.name: row for module in TABLES for row in module.TABLE}
LAWS = settings(max_examples=8, deadline=None)
ORACLE = settings(max_examples=30, deadline=None)


def defaults(row: Primitive) -> dict[str, Any]:
    """Static arguments of a call that names none."""
    named = row.parameters.parameters.values()
    return {one.name: one.default for one in named if one.name not in row.operand_names}


def shape_of(row: Primitive, call: Call) -> tuple[int, ...] | None:
    """Shape as the rule foresees it, None if it refuses the call."""
    try:
        return row.shape(*(one.shape for one in call.operands), **call.static)
    except ShapeError:
        return None


def gradient(row: Primitive, place: int, g: Array, call: Call) -> Array:
    out = row.forward(*call.operands, **call.static)
    return row.vjps[place](g, out, *call.operands, **call.static)


@pytest.mark.parametrize("name", CALLS)
def test_derivatives_obey_the_laws(name):
    @LAWS
    @given(CALLS[name](name))
    def check(call):
        shape = shape_of(ROWS[name], call)
        assume(shape is not None)
        out = ROWS[name].forward(*call.operands, **call.static)
        assert out.shape == shape
        assume(np.isfinite(out).all())  # else a window lies in the padding alone
        check_derivatives(ROWS[name], call)
        check_single_precision(ROWS[name], call)

    check()


CONV = Call(
    None,
    (sample(1, 4, 3), sample(2, 1, 2, 2, seed=1), np.array(0.0)),
    {"stride": 2, "padding": 0, "dilation": 1, "groups": 1},
)
LAYER = Call(None, (sample(2, 3), np.array(1.0), np.array(0.0)), {"normalized_shape": 3, "eps": 0.1})


def kernel_turned(g, out, x, weight, bias, **static):
    return ROWS["conv2d"].vjps[0](g, out, x, weight[..., ::-1], bias, **static)


def moments_held(g, out, x, weight, bias, normalized_shape, eps):
    return g * weight / np.sqrt(np.var(x, axis=-1, keepdims=True) + eps)


@pytest.mark.parametrize(
    ("name", "call", "wrong"), [("conv2d", CONV, kernel_turned), ("layer_norm", LAYER, moments_held)]
)
def test_a_wrong_rule_breaks_the_laws(name, call, wrong):
    with pytest.raises(AssertionError, match="VJP and differences"):
        check_derivatives(replace(ROWS[name], vjps=(wrong, *ROWS[name].vjps[1:])), call)


@ORACLE
@given(lengths(2, 1, 6), lengths(2, 1, 3), lengths(2, 1, 3), lengths(2, 1, 2))
def test_windows_are_numpys(sizes, kernel, stride, dilation):
    spans = [by * (size - 1) + 1 for size, by in zip(kernel, dilation, strict=True)]
    assume(all(span <= size for span, size in zip(spans, sizes, strict=True)))
    x = sample(2, *sizes)
    windows = np.lib.stride_tricks.sliding_window_view(x, spans, axis=(1, 2))
    windows = windows[:, :: stride[0], :: stride[1], :: dilation[0], :: dilation[1]]
    sweeps = sweep_axes(sizes, kernel_size=kernel, stride=stride, padding=0, dilation=dilation)
    np.testing.assert_array_equal(columns(x, sweeps), np.moveaxis(windows, (1, 2), (3, 4)))


@ORACLE
@given(lengths(2, 1, 6), lengths(2, 1, 6))
def test_convolution_is_scipys(sizes, kernel):
    signal = pytest.importorskip("scipy.signal")
    assume(all(span <= size for span, size in zip(kernel, sizes, strict=True)))
    x, weight = sample(1, *sizes), sample(1, 1, *kernel, seed=1)
    y = ROWS["conv2d"].forward(x, weight, np.array(0.0), stride=1, padding=0, dilation=1, groups=1)
    np.testing.assert_allclose(
        y[0], signal.correlate2d(x[0], weight[0, 0], mode="valid"), rtol=1e-12, atol=1e-13
    )


def check_torch(row: Primitive, call: Call) -> None:
    """torch refuses the same calls; else value and every gradient are those of its function."""
    torch = pytest.importorskip("torch")
    fixed = {"running_mean", "running_var"}  # torch has no gradient by them
    tensors = {
        name: None
        if one.shape == () and name in row.optional
        else torch.tensor(one, requires_grad=one.dtype.kind == "f" and name not in fixed)
        for name, one in zip(row.operand_names, call.operands, strict=True)
    }
    first, *others = tensors
    function = getattr(torch.nn.functional, row.name)
    try:
        y = function(tensors[first], **{name: tensors[name] for name in others}, **call.static)
    except (RuntimeError, ValueError) as error:
        assert shape_of(row, call) is None, error  # noqa: PT017  # most calls are accepted
        return
    assert shape_of(row, call) == tuple(y.shape)
    value = y.detach().numpy()
    np.testing.assert_allclose(row.forward(*call.operands, **call.static), value, rtol=1e-12, atol=1e-13)
    # Where a window lies in the padding alone, torch's gradient goes astray.
    g = np.where(np.isfinite(value), np.cos(np.arange(value.size)).reshape(value.shape), 0)
    moving = {name: one for name, one in tensors.items() if one is not None and one.requires_grad}
    wanted = torch.autograd.grad(y, list(moving.values()), torch.tensor(g))
    for name, one in zip(moving, wanted, strict=True):
        found = gradient(row, row.operand_names.index(name), g, call)
        np.testing.assert_allclose(found, one.numpy(), rtol=1e-11, atol=1e-12, err_msg=name)


@pytest.mark.torch
@pytest.mark.parametrize("name", CALLS)
def test_values_gradients_and_refusals_are_torchs(name):
    @ORACLE
    @given(CALLS[name](name))
    def check(call):
        # Below eps, torch's gradient is not that of its value.
        assume(name != "cosine_similarity" or call.static["eps"] < 1)
        check_torch(ROWS[name], call)

    check()


@pytest.mark.torch
@pytest.mark.parametrize(
    "wrong",
    [
        {"forward": lambda x, weight, bias, **_: np.zeros((2, 2, 1))},
        {"vjps": (kernel_turned, *ROWS["conv2d"].vjps[1:])},
        {"shape": lambda *_, **static: None},
    ],
)
def test_what_differs_from_torch_is_caught(wrong):
    with pytest.raises(AssertionError):
        check_torch(replace(ROWS["conv2d"], **wrong), CONV)


def check_shares(row: Primitive, call: Call) -> None:
    """Where all entries tie, the gradient of each window is still shared out in full."""
    flat = Call(None, (np.zeros_like(call.operands[0]),), call.static)
    out = row.forward(*flat.operands, **flat.static)
    found = gradient(row, 0, np.ones_like(out), flat)
    read = np.isfinite(out)  # by windows that do not lie in the padding alone
    np.testing.assert_allclose(np.sum(found), np.sum(read), rtol=1e-12)


@LAWS
@given(pooled("max_pool2d"))
def test_ties_share_the_gradient(call):
    assume(shape_of(ROWS["max_pool2d"], call) is not None)
    check_shares(ROWS["max_pool2d"], call)


def test_ties_that_each_take_the_gradient_are_caught():
    of_all = replace(ROWS["max_pool1d"], vjps=(lambda g, out, x, **_: np.repeat(g, 2, axis=-1),))
    call = Call(None, (sample(1, 4),), {**defaults(of_all), "kernel_size": 2})
    check_shares(ROWS["max_pool1d"], call)
    with pytest.raises(AssertionError):
        check_shares(of_all, call)


@pytest.mark.parametrize(
    ("name", "x", "static", "wanted"),
    [
        ("max_pool1d", [[1.0, 1.0, 0.0]], {"kernel_size": 2, "stride": 1}, [[0.5, 1.5, 0.0]]),
        ("max_pool1d", [[-np.inf]], {"kernel_size": 2, "stride": 1, "padding": 1}, [[2.0]]),
        ("max_pool1d", [[3.0, 1.0, 9.0]], {"kernel_size": 2}, [[1.0, 0.0, 0.0]]),
        ("max_pool1d", [[3.0, 1.0]], {"kernel_size": 2, "dilation": 3, "padding": 1}, [[0.0, 0.0]]),
        ("avg_pool1d", [[3.0, 1.0, 9.0]], {"kernel_size": 2}, [[0.5, 0.5, 0.0]]),
        ("avg_pool1d", [[3.0]], {"kernel_size": 3, "padding": 1, "count_include_pad": False}, [[1.0]]),
        ("unfold", [[[3.0, 1.0, 9.0]]], {"kernel_size": (1, 2), "stride": 2}, [[[1.0, 1.0, 0.0]]]),
    ],
)  # fmt: skip
def test_gradient_at_ties_edges_and_entries_that_no_window_reads(name, x, static, wanted):
    call = Call(None, (np.array(x),), {**defaults(ROWS[name]), **static})
    out = ROWS[name].forward(*call.operands, **call.static)
    np.testing.assert_allclose(gradient(ROWS[name], 0, np.ones_like(out), call), wanted, rtol=1e-15)


def check_far_from_zero(row: Primitive, **static: Any) -> None:
    """Nothing is lost to a large mean."""
    x = np.array([[1.0, 2, 4, 3, 7, 5]])
    near, far = (
        row.forward(x + shift, np.array(1.0), np.array(0.0), eps=1e-5, **static) for shift in (0, 2.0**30)
    )
    np.testing.assert_allclose(far, near, rtol=1e-6)


def test_normalization_is_exact_far_from_zero():
    check_far_from_zero(ROWS["layer_norm"], normalized_shape=6)
    check_far_from_zero(ROWS["group_norm"], num_groups=2)


def test_a_variance_that_cancels_is_caught():
    def cancelling(x, weight, bias, normalized_shape, eps):
        return (x - np.mean(x)) / np.sqrt(np.abs(np.mean(x * x) - np.mean(x) ** 2) + eps)

    with pytest.raises(AssertionError):
        check_far_from_zero(replace(ROWS["layer_norm"], forward=cancelling), normalized_shape=6)


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_without_a_row_is_refused(index):
    with pytest.raises(IndexError, match=f"index {index} is out of bounds: there are 3 rows"):
        ROWS["embedding"].forward(np.array([0, index]), sample(3, 2))
