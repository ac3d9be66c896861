"""Moving, joining, copying, cutting and reading entries, on random shapes and arguments, right or wrong.

What NumPy refuses the shape rules refuse; where it has a result, they foresee the result's shape.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from case_builders import X, reshape
from derivative_laws import Call, check_derivatives, check_single_precision, sample
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.lib.array_utils import normalize_axis_index

from gradcheck_cli.autodiff.primitive import Primitive
from gradcheck_cli.autodiff.primitives import PRIMITIVES
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Size, show_symbols

LAWS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
REFUSALS = (ValueError, TypeError, IndexError, ZeroDivisionError)  # of NumPy

SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
AXIS = st.integers(-3, 2)
SMALL = st.integers(0, 3)


def some(one: st.SearchStrategy[Any], size: int = 3) -> st.SearchStrategy[Any]:
    """One, or a tuple of them."""
    return one | st.lists(one, max_size=size).map(tuple)


def numpy_pad(x: Any, pad_width: Any, mode: Any, constant_values: float) -> Any:
    more = {"constant_values": constant_values} if mode == "constant" or constant_values else {}
    return np.pad(x, pad_width, mode, **more)


def strict(x: Any, axis: int | None) -> int | None:
    """Some of NumPy's functions take a scalar for a vector; ours do not."""
    return None if axis is None else normalize_axis_index(axis, x.ndim)


def numpy_repeat(x: Any, repeats: Any, axis: int | None) -> Any:
    return np.repeat(x, np.asarray(repeats, int), strict(x, axis))


def numpy_take(x: Any, indices: Any, axis: int | None) -> Any:
    return np.take(x, fitting(indices, x, axis), strict(x, axis))


def numpy_take_along(x: Any, indices: Any, axis: int | None) -> Any:
    return np.take_along_axis(x, fitting(indices, x, axis), axis)


def fitting(indices: Any, x: Any, axis: int | None) -> Any:
    """NumPy overlooks indices of an empty axis where another one is empty as well; the rules do not."""
    if indices.size and not (x.size if axis is None else x.shape[axis]):
        raise IndexError
    return indices


PAIR = st.tuples(SMALL, SMALL)
TUPLE = st.lists(AXIS, max_size=3).map(tuple)
# Functions of one array: what NumPy does, and static arguments that may be right.
MOVES: dict[str, tuple[Any, dict[str, st.SearchStrategy[Any]]]] = {
    "reshape": (reshape, {"shape": some(st.integers(-1, 6))}),
    "transpose": (np.transpose, {"axes": st.none() | TUPLE}),
    "swapaxes": (np.swapaxes, {"axis1": AXIS, "axis2": AXIS}),
    "expand_dims": (np.expand_dims, {"axis": some(AXIS)}),
    "broadcast_to": (np.broadcast_to, {"shape": some(SMALL, 4)}),
    "moveaxis": (np.moveaxis, {"source": some(AXIS), "destination": some(AXIS)}),
    "flip": (np.flip, {"axis": st.none() | some(AXIS)}),
    "roll": (np.roll, {"shift": some(st.integers(-7, 7)), "axis": st.none() | some(AXIS)}),
    "rot90": (np.rot90, {"k": st.integers(-5, 5), "axes": st.tuples(AXIS, AXIS) | TUPLE}),
    "tile": (np.tile, {"reps": some(SMALL, 4)}),
    "repeat": (numpy_repeat, {"repeats": some(SMALL, 4), "axis": st.none() | AXIS}),
    "pad": (
        numpy_pad,
        {
            "pad_width": some(st.integers(-1, 5)) | some(PAIR) | some(st.tuples(SMALL)),
            "mode": st.sampled_from(["constant", "edge", "reflect", "symmetric", "wrap"]),
            "constant_values": st.sampled_from([0, 0, 1.5]),
        },
    ),
}
JOINS: dict[str, tuple[Any, dict[str, st.SearchStrategy[Any]]]] = {
    "concatenate": (np.concatenate, {"axis": st.none() | AXIS}),
    "stack": (np.stack, {"axis": AXIS}),
    "hstack": (np.hstack, {}),
    "vstack": (np.vstack, {}),
}
SPLITS = {"split": np.split, "array_split": np.array_split}


@st.composite
def moves(draw: st.DrawFn, name: str) -> Call:
    """A call of a function of one array, and what NumPy makes of it: a value, or None for an error."""
    function, arguments = MOVES[name]
    x = sample(*draw(SHAPES))
    static = {key: draw(one) for key, one in arguments.items()}
    return Call(attempt(lambda: function(x, **static)), (x,), static)


@st.composite
def joins(draw: st.DrawFn, name: str) -> Call:
    """A call with up to three arrays that mostly fit."""
    function, arguments = JOINS[name]
    shape = draw(SHAPES)
    shapes = [shape, *(draw(st.just(shape) | alike(shape) | SHAPES) for _ in range(draw(st.integers(0, 2))))]
    arrays = tuple(sample(*one, seed=seed) for seed, one in enumerate(shapes))
    static = {key: draw(one) for key, one in arguments.items()}
    return Call(attempt(lambda: function(arrays, **static)), arrays, static)


@st.composite
def alike(draw: st.DrawFn, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Another length along one axis."""
    place = draw(st.integers(0, max(len(shape) - 1, 0)))
    return tuple(draw(SMALL) if axis == place else size for axis, size in enumerate(shape))


@st.composite
def splits(draw: st.DrawFn, name: str) -> Call:
    x = sample(*draw(SHAPES))
    cuts = draw(st.integers(0, 4) | st.lists(st.integers(-3, 4), max_size=3).map(tuple))
    static = {"indices_or_sections": cuts, "axis": draw(AXIS)}
    return Call(attempt(lambda: SPLITS[name](x, *static.values())), (x,), static)


def indices_below(size: int, shape: tuple[int, ...]) -> st.SearchStrategy[Any]:
    """Integer arrays that an axis of this length can be indexed by, if it has any entries."""
    return hnp.arrays(np.int64, shape, elements=st.integers(-max(size, 1), max(size, 1) - 1))


@st.composite
def takes(draw: st.DrawFn) -> Call:
    x, axis = sample(*draw(SHAPES)), draw(st.none() | AXIS)
    indices = draw(indices_below(length(x, axis), draw(hnp.array_shapes(min_dims=0, max_dims=2, max_side=3))))
    return Call(attempt(lambda: numpy_take(x, indices, axis)), (x, indices), {"axis": axis})


@st.composite
def takes_along(draw: st.DrawFn) -> Call:
    x, axis = sample(*draw(SHAPES)), draw(st.none() | AXIS)
    shape = tuple(
        draw(st.sampled_from([1, size, size, 2])) for size in (x.shape if axis is not None else (3,))
    )
    indices = draw(indices_below(length(x, axis), draw(st.just(shape) | SHAPES)))
    return Call(attempt(lambda: numpy_take_along(x, indices, axis)), (x, indices), {"axis": axis})


@st.composite
def additions(draw: st.DrawFn) -> Call:
    x, axis = sample(*draw(SHAPES)), draw(AXIS)
    indices = draw(indices_below(length(x, axis), draw(hnp.array_shapes(min_dims=0, max_dims=2, max_side=3))))
    entries = attempt(lambda: numpy_take(x, indices, axis))
    shape = () if entries is None else entries.shape
    shape = tuple(draw(st.sampled_from([1, size, size])) for size in shape)[draw(st.integers(0, 1)) :]
    values = sample(*draw(st.just(shape) | SHAPES), seed=1)
    return Call(attempt(lambda: numpy_add(x, indices, values, axis)), (x, indices, values), {"axis": axis})


def numpy_add(x: Any, indices: Any, values: Any, axis: int) -> Any:
    """Add slice by slice."""
    entries = np.broadcast_to(values, numpy_take(x, indices, axis).shape)
    total, place = np.moveaxis(x.copy(), axis, 0), axis % x.ndim
    for index in np.ndindex(indices.shape):
        total[indices[index]] += entries[(*[slice(None)] * place, *index)]
    return np.moveaxis(total, 0, axis)


def length(x: Any, axis: int | None) -> int:
    return x.size if axis is None else attempt(lambda: x.shape[axis]) or 0


def attempt(function: Any) -> Any:
    """What NumPy makes of it; None where it refuses."""
    try:
        return function()
    except REFUSALS:
        return None


CALLS = {
    **{name: moves(name) for name in MOVES},
    **{name: joins(name) for name in JOINS},
    "take": takes(),
    "take_along_axis": takes_along(),
    "scatter_add": additions(),
}


def check_agreement(primitive: Primitive, call: Call) -> None:
    """The shape and the value are NumPy's, or both refuse."""
    try:
        shape = primitive.shape(*(one.shape for one in call.operands), **call.static)
    except ShapeError:
        assert call.value is None, f"NumPy gives the shape {np.shape(call.value)}"
        return
    assert call.value is not None, "NumPy refuses"
    assert shape == np.shape(call.value)
    np.testing.assert_allclose(primitive.forward(*call.operands, **call.static), call.value, rtol=1e-14)


@pytest.mark.parametrize("name", CALLS)
@LAWS
@given(st.data())
def test_results_and_refusals_are_numpys(name, data):
    check_agreement(PRIMITIVES[name], data.draw(CALLS[name]))


@pytest.mark.parametrize("name", CALLS)
@LAWS
@given(st.data())
def test_derivatives_obey_the_laws(name, data):
    call = data.draw(CALLS[name])
    assume(call.value is not None)
    check_derivatives(PRIMITIVES[name], call)
    check_single_precision(PRIMITIVES[name], call)


def parts_of(primitive: Primitive, call: Call) -> list[Call]:
    """One call for each part that the primitive itself says there is."""
    (x,) = call.operands
    names = primitive.parts(x.shape, **call.static)
    return [replace(call, static={**call.static, "part": part}) for part in range(len(names))]


def check_parts(primitive: Primitive, call: Call) -> None:
    try:
        calls = parts_of(primitive, call)
        shapes = [primitive.shape(call.operands[0].shape, **one.static) for one in calls]
    except ShapeError:
        assert call.value is None
        return
    assert shapes == [value.shape for value in call.value]
    for one, value in zip(calls, call.value, strict=True):
        np.testing.assert_array_equal(primitive.forward(*one.operands, **one.static), value)
        check_derivatives(primitive, one)
        check_single_precision(primitive, one)


@pytest.mark.parametrize("name", SPLITS)
@LAWS
@given(st.data())
def test_parts_and_their_derivatives_are_those_of_a_split(name, data):
    check_parts(PRIMITIVES[name], data.draw(splits(name)))


@LAWS
@given(st.data(), hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3), st.integers(1, 4))
def test_one_hot_rows_are_those_of_the_identity(data, shape, num_classes):
    indices = data.draw(hnp.arrays(np.int64, shape, elements=st.integers(0, num_classes - 1)))
    static = {"num_classes": num_classes}
    check_agreement(PRIMITIVES["one_hot"], Call(np.eye(num_classes)[indices], (indices,), static))


# Each kind of check with a rule that is wrong in a way that one would get it wrong.
ROLL = Call(np.roll(X, 1, 1), (X,), {"shift": 1, "axis": 1})
REFLECT = {"pad_width": 1, "mode": "reflect", "constant_values": 0}
PAD = Call(np.pad(X, 1, "reflect"), (X,), REFLECT)
TAKE = Call(np.take(X, [1, 1], 0), (X, np.array([1, 1])), {"axis": 0})
SPLIT = Call(np.array_split(X, 2, 1), (X,), {"indices_or_sections": 2, "axis": 1})


def overwrite(g, out, x, indices, axis):
    gradient = np.zeros_like(x)
    gradient[indices] = g
    return gradient


@pytest.mark.parametrize(
    ("name", "call", "change"),
    [
        pytest.param(
            "roll",
            ROLL,
            {"vjps": (lambda g, out, x, shift, axis: np.roll(g, shift, axis),)},
            id="rolled on instead of back",
        ),
        pytest.param("pad", PAD, {"vjps": (lambda g, out, x, **_: g[1:-1, 1:-1],)}, id="border forgotten"),
        pytest.param("take", TAKE, {"vjps": (overwrite, None)}, id="repeated indices overwritten"),
    ],
)
def test_a_wrong_derivative_is_caught(name, call, change):
    check_derivatives(PRIMITIVES[name], call)
    with pytest.raises(AssertionError):
        check_derivatives(replace(PRIMITIVES[name], **change), call)


def test_a_derivative_that_widens_float32_is_caught():
    wide = replace(PRIMITIVES["pad"], jvps=(lambda t, out, x, **_: np.pad(t, 1, "reflect") * np.float64(1),))
    with pytest.raises(AssertionError, match="JVP"):
        check_single_precision(wide, PAD)


@pytest.mark.parametrize(
    ("change", "call"),
    [
        pytest.param({"shape": lambda x, shift, axis: x[::-1]}, ROLL, id="wrong shape"),
        pytest.param({"forward": lambda x, shift, axis: np.roll(x, -shift, axis)}, ROLL, id="wrong value"),
        pytest.param({"shape": lambda x, shift, axis: x}, replace(ROLL, value=None), id="nothing refused"),
    ],
)
def test_a_disagreement_with_numpy_is_caught(change, call):
    with pytest.raises(AssertionError):
        check_agreement(replace(PRIMITIVES["roll"], **change), call)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"parts": lambda x, **_: ("0",)}, id="a part too few"),
        pytest.param({"forward": lambda x, part, **_: x[:, 2:] if part else x[:, :2] + 1}, id="wrong value"),
        pytest.param({"vjps": (lambda g, out, x, **_: np.resize(g, x.shape),)}, id="wrong derivative"),
    ],
)
def test_a_wrong_part_is_caught(change):
    check_parts(PRIMITIVES["array_split"], SPLIT)
    with pytest.raises(AssertionError):
        check_parts(replace(PRIMITIVES["array_split"], **change), SPLIT)


N, D = Size(2, "N"), Size(3, "D")


@pytest.mark.parametrize(
    ("name", "shapes", "static", "symbols"),
    [
        ("ravel", [(N, D)], {}, "(N*D,)"),
        ("moveaxis", [(N, D)], {"source": 0, "destination": 1}, "(D, N)"),
        ("roll", [(N, D)], {"shift": 1}, "(N, D)"),
        ("rot90", [(N, D)], {}, "(D, N)"),
        ("concatenate", [(N, D), (N,)], {"axis": None}, "(N*D + N,)"),
        ("hstack", [(N, D), (N, N)], {}, "(N, D + N)"),
        ("vstack", [(D,), (D,), (N, D)], {}, "(2 + N, D)"),
        ("split", [(N, 2 * D)], {"indices_or_sections": 2, "axis": 1, "part": 0}, "(N, D)"),
        ("split", [(N, D)], {"indices_or_sections": 3, "axis": 1, "part": 0}, "(N, D//3)"),
        ("split", [(D,)], {"indices_or_sections": (N,), "axis": 0, "part": 0}, "(N,)"),
        ("split", [(D,)], {"indices_or_sections": (N,), "axis": 0, "part": 1}, "(D - N,)"),
        ("array_split", [(D,)], {"indices_or_sections": 2, "axis": 0, "part": 0}, "(D//2 + 1,)"),
        ("tile", [(N, D)], {"reps": (2, 1, 3)}, "(2, N, 3*D)"),
        ("repeat", [(N, D)], {"repeats": 2}, "(2*N*D,)"),
        ("repeat", [(N, D)], {"repeats": 2, "axis": 1}, "(N, 2*D)"),
        ("pad", [(N, D)], {"pad_width": ((1, 1), (0, 0))}, "(N + 2, D)"),
        ("pad", [(N, D)], {"pad_width": ((0, 0), (N, 0))}, "(N, D + N)"),
        ("take", [(N, D), (D, 4)], {"axis": 0}, "(D, 4, D)"),
        ("take_along_axis", [(N, D), (N, 1)], {}, "(N, 1)"),
        ("scatter_add", [(N, D), (4,), (4, D)], {}, "(N, D)"),
        ("one_hot", [(N,)], {"num_classes": D}, "(N, D)"),
        ("tri", [], {"N": N, "M": D}, "(N, D)"),
        ("linspace", [], {"start": 0, "stop": 1, "num": N}, "(N,)"),
    ],
)
def test_sizes_keep_their_symbols(name, shapes, static, symbols):
    assert show_symbols(PRIMITIVES[name].shape(*shapes, **static)) == symbols
