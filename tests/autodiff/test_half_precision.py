"""Every row in float16: what float64 gives and float16 can hold comes out, within a few roundings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from derivative_laws import Call, moving
from primitive_cases import CASES

from gradcheck_cli.autodiff.primitive import Array, Primitive
from gradcheck_cli.autodiff.primitives import GROUPS, PRIMITIVES
from gradcheck_cli.errors import ShapeError

HALF = np.finfo(np.float16)
ROUNDINGS = 24  # sums of a few terms, each of several factors
LARGEST = 2.0**13  # beyond, the partial sums of a sum that fits may not
BY_ENTRY = {row.name for group in ("entry by entry", "activations") for row in GROUPS[group]}
# Where a few roundings change more than a few digits.
EXCEPTIONS = {
    ("cumprod", 100): "the product of all entries is infinite, and its derivative inf * 0",
    ("linalg.norm", 1e-3): "column sums that differ by less than a rounding tie, and share the gradient",
}


def in_half(call: Call, scale: float) -> Call:
    """The same call with floating operands scaled and rounded to float16."""
    return replace(call, operands=tuple(_half(one, scale) for one in call.operands))


def _half(operand: Array, scale: float) -> Array:
    array = np.asarray(operand)
    return np.asarray((array * scale).astype(np.float16)) if array.dtype.kind == "f" else array


def widened(call: Call) -> Call:
    """The same call in float64; the eps that follows from a dtype is float32's for half precision."""
    static = dict(call.static)
    if static.get("eps", 0) is None:
        static["eps"] = float(np.finfo(np.float32).eps)
    wide = (one.astype(np.float64) if one.dtype == np.float16 else one for one in call.operands)
    return replace(call, operands=tuple(wide), static=static)


def wave(shape: tuple[int, ...], dtype: type) -> Array:
    """Seeds that float16 holds exactly and that add up to nothing simple."""
    return (((np.arange(np.prod(shape, dtype=int)) * 5) % 7 - 2.5) / 2).reshape(shape).astype(dtype)


def results(primitive: Primitive, call: Call, dtype: type) -> dict[str, Array]:
    """Value, VJPs and JVPs."""
    with np.errstate(all="ignore"):
        out = np.asarray(primitive.forward(*call.operands, **call.static))
        found = {"value": out}
        for place in moving(primitive, call.operands):
            rules, rest = (primitive.vjps[place], primitive.jvps[place]), (out, *call.operands)
            found[f"VJP {place}"] = rules[0](wave(out.shape, dtype), *rest, **call.static)
            moved = rules[1](wave(call.operands[place].shape, dtype), *rest, **call.static)
            found[f"JVP {place}"] = np.broadcast_to(moved, out.shape)
    return {name: np.asarray(one) for name, one in found.items()}


def check_half(primitive: Primitive, call: Call) -> None:
    """Entry by entry where no entries are added up, else relative to the largest entry of a result."""
    wide = results(primitive, widened(call), np.float64)
    apart = primitive.name in BY_ENTRY and len({one.shape for one in call.operands}) == 1
    for name, half in results(primitive, call, np.float16).items():
        wanted = wide[name]
        if wanted.dtype.kind != "f":
            continue
        assert half.dtype == np.float16, name
        fits = np.abs(wanted) <= LARGEST
        sizes = np.abs(wanted) if apart else np.max(np.abs(wanted), where=fits, initial=0)
        near = np.abs(half - wanted) <= ROUNDINGS * (HALF.eps * sizes + HALF.smallest_subnormal)
        bad = fits & ~near
        assert not bad.any(), f"{name}: {half[bad][:3]} for {wanted[bad][:3]}"


def works_in_half(primitive: Primitive, call: Call) -> bool:
    """NumPy's LAPACK does not, and nothing is asked of what needs none."""
    static = {"dtype": call.static["dtype"]} if "dtype" in call.static else {}
    try:
        return primitive.dtype(*(one.dtype for one in call.operands), **static) == np.float16
    except ShapeError:
        return False


ROWS = [
    name
    for name, calls in CASES.items()
    if PRIMITIVES[name].differentiable and any(works_in_half(PRIMITIVES[name], in_half(c, 1)) for c in calls)
]


POINTS = [(name, scale) for name in ROWS for scale in (1e-3, 1, 100) if (name, scale) not in EXCEPTIONS]


@pytest.mark.parametrize(("name", "scale"), POINTS)
def test_half_precision_is_float64_rounded(name, scale):
    for call in CASES[name]:
        if works_in_half(PRIMITIVES[name], in_half(call, scale)):
            check_half(PRIMITIVES[name], in_half(call, scale))


@pytest.mark.parametrize(("name", "scale"), EXCEPTIONS)
def test_exceptions_are_needed(name, scale):
    with pytest.raises(AssertionError):
        test_half_precision_is_float64_rounded(name, scale)


def test_most_rows_are_tried():
    assert len(ROWS) > 120


NAIVE = {
    "arctan": lambda g, out, x: g / (1 + x * x),
    "softsign": lambda g, out, x: g / (1 + np.abs(x)) ** 2,
    "tanh": lambda g, out, x: g * (1 - out * out),
}


@pytest.mark.parametrize("name", NAIVE)
def test_a_square_that_overflows_or_cancels_is_caught(name):
    call = Call(None, (np.array([3, 5, 300], np.float16),))
    check_half(PRIMITIVES[name], call)
    with pytest.raises(AssertionError, match="VJP 0"):
        check_half(replace(PRIMITIVES[name], vjps=(NAIVE[name],)), call)


def test_a_row_that_squares_in_half_precision_is_caught():
    call = Call(None, (np.array([300, -300, 100], np.float16),), {"axis": 0, "ddof": 0, "keepdims": False})
    check_half(PRIMITIVES["std"], call)
    with pytest.raises(AssertionError, match="value"):
        check_half(replace(PRIMITIVES["std"], forward=np.std), call)


ONE, ZERO = np.array(1, np.float16), np.array(0, np.float16)
IN_A_ROW = {"normalized_shape": 3, "eps": 1e-5}


@pytest.mark.parametrize(
    ("name", "rest", "static"),
    [
        ("layer_norm", (ONE, ZERO), IN_A_ROW),
        ("rms_norm", (ONE,), IN_A_ROW),
        ("rms_norm", (ONE,), {**IN_A_ROW, "eps": None}),
        ("group_norm", (ONE, ZERO), {"num_groups": 1, "eps": 1e-5}),
        ("batch_norm", (ZERO, ONE, ONE, ZERO), {"training": True, "momentum": 0.1, "eps": 1e-5}),
        ("batch_norm", (ZERO, ONE, ONE, ZERO), {"training": False, "momentum": 0.1, "eps": 1e-5}),
    ],
)
@pytest.mark.parametrize("x", [[300, -300, 100], [0.002, 0.001, -0.001]])
def test_normalizations_square_in_single_precision(name, rest, static, x):
    rows = np.array([x, x[::-1]], np.float16)
    call = Call(None, (rows, *rest), static)
    check_half(PRIMITIVES[name], call)
    assert np.all(PRIMITIVES[name].forward(*call.operands, **static) != 0) or name == "batch_norm"


@pytest.mark.parametrize("size", [1e-4, 1, 300, 60000])
def test_cosine_similarity_with_itself_is_one(size):
    x = np.array([size, -size, size / 2], np.float16)
    assert PRIMITIVES["cosine_similarity"].forward(x, x, dim=0, eps=1e-8) == 1
    check_half(PRIMITIVES["cosine_similarity"], Call(None, (x, x[::-1]), {"dim": 0, "eps": 1e-8}))


@pytest.mark.torch
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_eps_of_rms_norm_is_torchs(dtype):
    torch = pytest.importorskip("torch")
    x = np.array([3e-4, -2e-4, 1e-4], dtype)
    wanted = torch.nn.functional.rms_norm(torch.tensor(x), (3,)).numpy()
    weight = np.array(1, dtype)
    found = PRIMITIVES["rms_norm"].forward(x, weight, normalized_shape=3, eps=None)
    np.testing.assert_allclose(found, wanted, rtol=4 * np.finfo(dtype).eps)
