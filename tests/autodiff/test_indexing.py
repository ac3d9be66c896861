"""Shapes, gathers and scatters of indexing and broadcasting, against NumPy on random templates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gradcheck_cli.autodiff.primitives import PRIMITIVES
from gradcheck_cli.autodiff.primitives.indexing import Hole, fill, indexed_shape, scatter_add, take
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import broadcast_shapes, unbroadcast

LAWS = settings(max_examples=200, deadline=None)
SHAPES = hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4)


def numbered(shape: tuple[int, ...]) -> np.ndarray:
    return np.arange(1.0, 1 + np.prod(shape, dtype=int)).reshape(shape)


@st.composite
def indexings(draw):
    """An array and a template with slices, integers, None, ... and integer arrays in any order."""
    shape = draw(hnp.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4))
    common = draw(hnp.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=3))
    template, arrays = [], []
    for size in shape[: draw(st.integers(0, len(shape)))]:
        kind = draw(st.sampled_from(["slice", "integer", "array", "array"]))
        if kind == "slice":
            template.append(draw(st.slices(size)))
        elif kind == "integer":
            template.append(draw(st.integers(-size, size - 1)))
        else:
            template.append(Hole(len(arrays)))
            squeezed = tuple(draw(st.sampled_from([1, side])) for side in common)
            arrays.append(draw(hnp.arrays(np.int64, squeezed, elements=st.integers(-size, size - 1))))
    for _ in range(draw(st.integers(0, 2))):
        template.insert(draw(st.integers(0, len(template))), None)
    if draw(st.booleans()):
        place = draw(st.integers(0, len(template)))
        rest = sum(part is not None for part in template[place:])
        template.insert(place, Ellipsis)
        # What stands behind the ellipsis indexes the last axes: only sizes that all axes have are safe.
        assume(not rest or len(set(shape)) == 1 or len(shape) == sum(p is not None for p in template) - 1)
    return numbered(shape), tuple(template), arrays


@LAWS
@given(indexings())
def test_shape_of_an_index_is_numpys(case):
    x, template, arrays = case
    assert (
        indexed_shape(x.shape, *(a.shape for a in arrays), template=template)
        == x[fill(template, arrays)].shape
    )


@LAWS
@given(indexings())
def test_scatter_is_the_adjoint_of_take(case):
    x, template, arrays = case
    taken = np.asarray(take(x, *arrays, template=template))
    g = np.cos(numbered(taken.shape))
    scattered = scatter_add(g, taken, x, *arrays, template=template)
    assert scattered.shape == x.shape
    np.testing.assert_allclose(np.sum(g * taken), np.sum(scattered * x), rtol=1e-12, atol=1e-12)


@LAWS
@given(st.data(), SHAPES)
def test_shape_of_a_basic_index_is_numpys(data, shape):
    index = data.draw(hnp.basic_indices(shape, allow_newaxis=True, max_dims=6))
    template = index if isinstance(index, tuple) else (index,)
    assert indexed_shape(shape, template=template) == numbered(shape)[index].shape


@LAWS
@given(hnp.mutually_broadcastable_shapes(num_shapes=3, min_side=0, max_dims=4))
def test_broadcast_shape_is_numpys_and_unbroadcast_its_adjoint(case):
    assert broadcast_shapes(*case.input_shapes) == case.result_shape
    for shape in case.input_shapes:
        x, array = np.sin(numbered(shape)), np.cos(numbered(case.result_shape))
        back = unbroadcast(array, shape)
        assert back.shape == shape
        stretched = np.broadcast_to(x, case.result_shape)
        np.testing.assert_allclose(np.sum(array * stretched), np.sum(back * x), rtol=1e-12, atol=1e-12)


@LAWS
@given(SHAPES, SHAPES)
def test_shapes_that_numpy_does_not_broadcast_are_refused(left, right):
    try:
        wanted = np.broadcast_shapes(left, right)
    except ValueError:
        with pytest.raises(ShapeError):
            broadcast_shapes(left, right)
    else:
        assert broadcast_shapes(left, right) == wanted


@LAWS
@given(st.data())
def test_random_reductions_have_numpys_shape(data):
    shape = data.draw(hnp.array_shapes(max_dims=4, max_side=4))
    axis = data.draw(st.none() | hnp.valid_tuple_axes(len(shape)))
    keepdims = data.draw(st.booleans())
    wanted = np.sum(np.zeros(shape), axis=axis, keepdims=keepdims).shape
    assert PRIMITIVES["sum"].shape(shape, axis=axis, keepdims=keepdims) == wanted


@pytest.mark.parametrize(
    ("shape", "template", "message"),
    [
        ((2, 3), (0, 0, 0), "{0} has 2 axes, the index names 3"),
        ((2, 3), (..., ...), "an index may hold one '...'"),
        ((2, 3), (2,), "index 2 is out of range for axis 0 of {0}, which has length 2"),
        ((2, 3), (slice(None), -4), "index -4 is out of range for axis 1 of {0}, which has length 3"),
    ],
)
def test_an_index_that_does_not_fit_is_refused(shape, template, message):
    with pytest.raises(ShapeError) as caught:
        indexed_shape(shape, template=template)
    assert str(caught.value) == message
