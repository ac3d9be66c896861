"""Layers of neural networks as formulas write them: values, types, hand-derived gradients, refusals.

``refused_nn.txt`` holds a call, marked by ``|``, above its fault; a new case is a new block.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from formula_checks import compiled, faults_of, primals, value_of

from gradcheck_cli.autodiff.primitives import PRIMITIVES
from gradcheck_cli.shapes import Size, show_symbols

SHAPES = {"x": (2, 4, 7, 7), "w": (3, 4, 3, 2), "b": (3,), "c": (4,)}


def windows(x: np.ndarray, kernel: tuple[int, ...], stride: int = 1, padding: int = 0) -> np.ndarray:
    """Windows of the last two axes, their entries behind: (…, H', W', KH, KW)."""
    x = np.pad(x, [(0, 0)] * (x.ndim - 2) + [(padding, padding)] * 2)
    found = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(-2, -1))
    return found[..., ::stride, ::stride, :, :]


def conv(x: np.ndarray, w: np.ndarray, stride: int = 1, padding: int = 0) -> np.ndarray:
    return np.einsum("...cijkl,ockl->...oij", windows(x, w.shape[2:], stride, padding), w)


def standardized(x: np.ndarray, *axes: int, eps: float = 1e-5) -> np.ndarray:
    return (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)


def over_channels(b: np.ndarray) -> np.ndarray:
    return b[:, None, None]


# Formula → the same in Python over x, w, b, c and k (4 integers).
ACCEPTED = {
    "conv2d(x, w)": lambda x, w, b, c, k: conv(x, w),
    "conv2d(x, w, b, 2, 1)": lambda x, w, b, c, k: conv(x, w, 2, 1) + over_channels(b),
    "conv2d(x[0], w, None, padding=(1, 1), stride=(2,))": lambda x, w, b, c, k: conv(x[0], w, 2, 1),
    "conv2d(x, concatenate([w, w])[:, :2], groups=1 + 1, bias=None)": lambda x, w, b, c, k: np.concatenate(
        [conv(x[:, :2], w[:, :2]), conv(x[:, 2:], w[:, :2])], axis=1
    ),
    "conv2d(x, w, 0.5 * ones(3))": lambda x, w, b, c, k: conv(x, w) + 0.5,
    "conv2d(arange(25).reshape(1, 5, 5), x[:1, :1, :2, :2])": lambda x, w, b, c, k: conv(
        np.arange(25).reshape(1, 5, 5), x[:1, :1, :2, :2]
    ),
    "conv1d(x[:, :, 0], w[:, :, 0], b, dilation=3)": lambda x, w, b, c, k: (
        np.einsum("ncit,oct->noi", windows(x[:, :, :1], (1, 4))[:, :, 0, :, 0, ::3], w[:, :, 0]) + b[:, None]
    ),
    "conv_transpose1d(w[:, 0], w[:, :, 0], stride=2)": lambda x, w, b, c, k: np.einsum(
        "ncl,cok->nolk", w[:, 0], w[:, :, 0]
    ).reshape(3, 4, 4),
    "unfold(x, (3, 2), stride=2)": lambda x, w, b, c, k: np.einsum(
        "ncijkl->ncklij", windows(x, (3, 2), 2)
    ).reshape(2, 24, -1),
    "fold(unfold(x, 2, stride=2), 7, 2, stride=2)": lambda x, w, b, c, k: np.pad(
        x[..., :6, :6], [(0, 0), (0, 0), (0, 1), (0, 1)]
    ),
    "max_pool2d(x, 2)": lambda x, w, b, c, k: windows(x, (2, 2), 2).max((-2, -1)),
    "max_pool2d(x[0], (3, 2), stride=1)": lambda x, w, b, c, k: windows(x[0], (3, 2)).max((-2, -1)),
    "avg_pool2d(x, 3, 2, padding=1)": lambda x, w, b, c, k: windows(x, (3, 3), 2, 1).mean((-2, -1)),
    "avg_pool2d(x, 2, divisor_override=3)": lambda x, w, b, c, k: windows(x, (2, 2), 2).sum((-2, -1)) / 3,
    "x[0, 0] + avg_pool1d(k[None], 3)[0, 0]": lambda x, w, b, c, k: x[0, 0] + k[:3].mean(),
    "layer_norm(x, 7)": lambda x, w, b, c, k: standardized(x, -1),
    "layer_norm(x, (7, 7), eps=0.1, bias=x[0, 0])": lambda x, w, b, c, k: (
        standardized(x, -2, -1, eps=0.1) + x[0, 0]
    ),
    "rms_norm(x, x.shape[3:], x[0, 0, 0])": lambda x, w, b, c, k: (
        x / np.sqrt(np.mean(x**2, -1, keepdims=True)) * x[0, 0, 0]
    ),
    "group_norm(x, 2, c)": lambda x, w, b, c, k: (
        standardized(x.reshape(2, 2, 2, 7, 7), 2, 3, 4).reshape(x.shape) * over_channels(c)
    ),
    "batch_norm(x, training=True, weight=c, bias=-c)": lambda x, w, b, c, k: (
        standardized(x, 0, 2, 3) * over_channels(c) - over_channels(c)
    ),
    "batch_norm(x, c, c**2)": lambda x, w, b, c, k: (
        (x - over_channels(c)) / np.sqrt(over_channels(c) ** 2 + 1e-5)
    ),
    "embedding(k, w[0, 0])": lambda x, w, b, c, k: w[0, 0][k],
    "embedding([[0, 2], [2, 2]], w[0, 0]) * embedding(1, w[0, 1])": lambda x, w, b, c, k: (
        w[0, 0][[[0, 2], [2, 2]]] * w[0, 1, 1]
    ),
    "cosine_similarity(x, x[:1] + 1, dim=-1)": lambda x, w, b, c, k: (
        np.sum(x * (x[:1] + 1), -1) / np.linalg.norm(x, axis=-1) / np.linalg.norm(x[:1] + 1, axis=-1)
    ),
}


def reference(formula: str, given: dict[str, np.ndarray]) -> np.ndarray:
    names = ("x", "w", "b", "c")
    return ACCEPTED[formula](*(given[name].astype(np.float64) for name in names), given["k"])


@pytest.fixture(params=["float64", "float32"])
def dtype(request):
    return request.param


@pytest.mark.parametrize("formula", ACCEPTED)
def test_value_is_numpys_and_its_type_foreseen(formula, dtype):
    subject = compiled(formula, shapes=SHAPES, dtype=dtype)
    given = primals(subject)
    (output,) = subject.function.outputs
    y = value_of(subject, given, output)
    rtol, atol = (1e-12, 1e-12) if dtype == "float64" else (1e-4, 1e-4)
    np.testing.assert_allclose(y, reference(formula, given), rtol=rtol, atol=atol)
    type_ = subject.function.outputs[output]
    assert (y.shape, y.dtype) == (type_.shape, type_.dtype)
    assert y.dtype == dtype


@pytest.mark.parametrize("formula", ACCEPTED)
def test_engine_gradients_are_those_of_differences_and_keep_the_dtype(formula, dtype):
    subject = compiled(formula, shapes=SHAPES, dtype=dtype)
    given = primals(subject)
    (output,) = subject.function.outputs
    type_ = subject.function.outputs[output]
    g = np.cos(np.arange(np.prod(type_.shape))).reshape(type_.shape).astype(dtype)
    gradients = subject.engine[0].linearize(given)({output: g})
    assert {one.dtype for one in gradients.values()} == {np.dtype(dtype)}
    wide = {name: one.astype(np.float64) if name in SHAPES else one for name, one in given.items()}
    for name, gradient in gradients.items():
        t = np.sin(1.0 + np.arange(given[name].size)).reshape(given[name].shape)
        ends = [reference(formula, {**wide, name: wide[name] + step * t}) for step in (1e-6, -1e-6)]
        numeric = np.sum(g * (ends[0] - ends[1])) / 2e-6
        rtol = 1e-6 if dtype == "float64" else 1e-3
        np.testing.assert_allclose(np.sum(gradient * t), numeric, rtol=rtol, atol=rtol)


PLAIN, STRIDED = "y = conv2d(x, w)", "y = conv2d(x, w, b, stride=2, padding=1)"
NORMS = {
    "y = layer_norm(x, 7, weight=d)": "axes, g = -1, dy * d",
    "y = batch_norm(x, weight=c, training=True)": "axes, g = (0, 2, 3), dy * c[:, None, None]",
}
THROUGH_NORM = (
    "s = sqrt(var(x, axes, keepdims=True) + 1e-5)\n"
    "h = (x - mean(x, axes, keepdims=True)) / s\n"
    "(g - mean(g, axes, keepdims=True) - h * mean(g * h, axes, keepdims=True)) / s"
)
UP = "conv_transpose2d({}, ones((4, 1, 2, 2)), stride=2, output_padding=1, groups=4)"
# Function, input, its gradient as derived by hand.
CLAIMS = [
    (PLAIN, "x", "conv2d(dy, swapaxes(w[:, :, ::-1, ::-1], 0, 1), padding=(2, 1))"),
    (PLAIN, "w", "swapaxes(conv2d(swapaxes(x, 0, 1), swapaxes(dy, 0, 1)), 0, 1)"),
    (STRIDED, "x", "conv_transpose2d(dy, w, stride=2, padding=1, output_padding=(0, 1))"),
    (
        STRIDED,
        "x",
        (
            "columns = einsum('ok,nol->nkl', w.reshape(3, 24), dy.reshape(2, 3, 16))\n"
            "fold(columns, (7, 7), (3, 2), padding=1, stride=2)"
        ),
    ),
    (
        STRIDED,
        "w",
        (
            "full = conv2d(swapaxes(x, 0, 1), swapaxes(dy, 0, 1), padding=1, dilation=2)\n"
            "swapaxes(full, 0, 1)[:, :, :3, :2]"
        ),
    ),
    (
        STRIDED,
        "w",
        (
            "columns = unfold(x, (3, 2), padding=1, stride=2)\n"
            "einsum('nol,nkl->ok', dy.reshape(2, 3, 16), columns).reshape(3, 4, 3, 2)"
        ),
    ),
    (STRIDED, "b", "sum(dy, axis=(0, 2, 3))"),
    ("y = avg_pool2d(x, 2)", "x", f"{UP.format('dy')} / 4"),
    ("y = max_pool2d(x, 2)", "x", f"{UP.format('dy')} * (x == {UP.format('y')})"),
    *((function, "x", f"{seed}\n{THROUGH_NORM}") for function, seed in NORMS.items()),
    ("y = embedding(k, e)", "e", "einsum('ik,ij->kj', (k[:, None] == arange(3)) * 1.0, dy)"),
]


def gradients(function: str, name: str, claim: str) -> tuple[np.ndarray, np.ndarray]:
    """What the claim says and what the engine finds."""
    shapes = {**SHAPES, "d": (7,), "e": (3, 5)}
    subject = compiled(function, shapes=shapes, vjp={name: claim})
    (found,) = subject.claims
    assert found.misfit is None, found.misfit
    given = primals(subject)
    shape = subject.function.outputs["y"].shape
    seed = {"y": np.cos(np.arange(np.prod(shape))).reshape(shape)}
    return found.linearize(given)(seed)[name], subject.engine[0].linearize(given)(seed)[name]


@pytest.mark.parametrize(("function", "name", "claim"), CLAIMS)
def test_gradients_can_be_written_by_hand(function, name, claim):
    claimed, found = gradients(function, name, claim)
    np.testing.assert_allclose(claimed, found, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(
    ("function", "name", "claim"),
    [
        (PLAIN, "x", "conv2d(dy, swapaxes(w, 0, 1), padding=(2, 1))"),
        (STRIDED, "x", "conv_transpose2d(dy, w[..., ::-1], stride=2, padding=1, output_padding=(0, 1))"),
        ("y = avg_pool2d(x, 2)", "x", UP.format("dy")),
    ],
)
def test_wrong_gradients_differ(function, name, claim):
    claimed, found = gradients(function, name, claim)
    assert not np.allclose(claimed, found, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("name", "shapes", "static", "symbols"),
    [
        ("conv2d", "NCHW OCKK O", {}, "(N, O, H - K + 1, W - K + 1)"),
        ("conv2d", "NCHW OC33", {"padding": 1, "stride": (1, 2)}, "(N, O, H, (W - 1)//2 + 1)"),
        ("conv2d", "NCHW OCKK", {"dilation": 2, "padding": 3}, "(N, O, H - 2*K + 8, W - 2*K + 8)"),
        ("conv1d", "NCW OC1", {"stride": 2, "groups": 1}, "(N, O, (W - 1)//2 + 1)"),
        ("conv_transpose2d", "NCHW CO2K", {}, "(N, O, H + 1, W + K - 1)"),
        ("conv_transpose1d", "NCH CO2", {"stride": 2, "padding": 1}, "(N, O, 2*H - 2)"),
        ("max_pool2d", "NCHW", {"kernel_size": 2}, "(N, C, (H - 2)//2 + 1, (W - 2)//2 + 1)"),
        ("avg_pool1d", "CH", {"kernel_size": 3, "stride": 1, "padding": 1}, "(C, H)"),
        ("unfold", "NCHW", {"kernel_size": (1, 2)}, "(N, C*2, H*(W - 1))"),
        ("layer_norm", "NCH H", {"normalized_shape": 8}, "(N, C, H)"),
        ("batch_norm", "NCH", {"training": True}, "(N, C, H)"),
        ("embedding", "N HW", {}, "(N, W)"),
        ("cosine_similarity", "NCH NCH", {}, "(N, H)"),
    ],
)
def test_shapes_keep_their_symbols(name, shapes, static, symbols):
    sizes = {"N": 2, "C": 4, "H": 8, "W": 9, "O": 5, "K": 3}
    operands = [
        tuple(Size(sizes[letter], letter) if letter in sizes else int(letter) for letter in word)
        for word in shapes.split()
    ]
    row = PRIMITIVES[name]
    operands += [()] * (len(row.operand_names) - len(operands))
    defaults = {
        key: one.default for key, one in row.parameters.parameters.items() if key not in row.operand_names
    }
    assert show_symbols(row.shape(*operands, **{**defaults, **static})) == symbols


BLOCKS = (Path(__file__).parent / "refused_nn.txt").read_text(encoding="utf-8").rstrip().split("\n\n")


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n")[0])
def test_a_wrong_call_is_refused_with(block):
    formula, *faults = block.split("\n")
    assert faults_of(formula.removeprefix("| "), shapes=SHAPES) == faults


@pytest.mark.parametrize(
    ("call", "windows"),
    [
        ("conv2d(x, w)", "(1, 1, 16, 16, 49, 49)"),
        ("conv_transpose2d(x, w)", "(1, 1, 16, 16, 64, 64)"),
        ("max_pool2d(x, 16, stride=1)", "(1, 1, 16, 16, 49, 49)"),
        ("avg_pool2d(x, 16, stride=1)", "(1, 1, 16, 16, 49, 49)"),
    ],
)
def test_windows_count_against_the_memory_budget(call, windows):
    (fault,) = faults_of(call, shapes={"x": (1, 1, 64, 64), "w": (1, 1, 16, 16)})
    assert f"{call}: on its way it makes an array of shape {windows}, which takes" in fault
    assert compiled(call, shapes={"x": (1, 1, 16, 16), "w": (1, 1, 16, 16)})
