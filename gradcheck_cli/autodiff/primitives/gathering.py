"""Reading and adding to entries along one axis, at the places that an integer array names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import HOLOMORPHIC, Array, Primitive, integer, promoted
from gradcheck_cli.autodiff.primitives.indexing import add_at, refuse_fractions, refuse_outside
from gradcheck_cli.autodiff.primitives.shaping import along, stretches
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape, broadcast_shapes, count, show, unbroadcast


def _dtype_of_entries(x: Any, indices: Any, *values: Any) -> np.dtype[Any]:
    """Result type of what reads entries of x, or adds values to them."""
    refuse_fractions(1, indices)
    return promoted(x, *values)


def _dtype_of_classes(indices: Any) -> np.dtype[Any]:
    """Result type of ``one_hot``, torch's."""
    refuse_fractions(0, indices)
    return integer()


def _lined_up(x: Shape, indices: Shape, axis: int | None) -> tuple[Shape, int]:
    """Shape that is indexed, and along which axis; ``axis=None`` means x flattened."""
    shape, place = along(x, axis)
    if not shape[place] and count(indices):
        where = "{0}" if axis is None else f"axis {axis} of {{0}}"
        raise ShapeError(f"{where} is empty: there is nothing to index")
    return shape, place


def _positions(x: Shape, indices: Shape, *_values: Shape, axis: int | None) -> range:
    """Positions along the axis that is indexed; negative ones count from the end."""
    shape, place = along(x, axis)
    return range(-shape[place], shape[place])


def taken_shape(x: Shape, indices: Shape, axis: int | None = None) -> Shape:
    """Shape rule of ``take``: the axes of the indices in place of the one they run along."""
    shape, place = _lined_up(x, indices, axis)
    return (*shape[:place], *indices, *shape[place + 1 :])


def taken_along_shape(x: Shape, indices: Shape, axis: int | None = -1) -> Shape:
    """Shape rule of ``take_along_axis``: the indices', broadcast against the other axes of x."""
    shape, place = _lined_up(x, indices, axis)
    if len(indices) != len(shape):
        raise ShapeError(f"{{0}} is indexed along one of {len(shape)} axes, {{1}} has {len(indices)}")
    return broadcast_shapes((*shape[:place], 1, *shape[place + 1 :]), indices)


def added_shape(x: Shape, indices: Shape, values: Shape, axis: int = 0) -> Shape:
    """Shape rule of ``scatter_add``: x's; the values are stretched to the entries that they are added to."""
    entries = taken_shape(x, indices, axis)
    if not stretches(values, entries):
        raise ShapeError(f"{{2}} cannot be stretched to the entries it is added to, {show(entries)}")
    return x


def one_hot_shape(indices: Shape, num_classes: int) -> Shape:
    """Shape rule of ``one_hot``: one more axis, of the classes."""
    if num_classes < 1:
        raise ShapeError(f"num_classes must be at least 1, not {int(num_classes)}")
    return (*indices, num_classes)


Indexing = Callable[[Shape, Array, int], tuple[Any, ...]]


def _slices(shape: Shape, indices: Array, place: int) -> tuple[Any, ...]:
    """Index of the slices that ``take`` reads from an array of this shape."""
    return (*[slice(None)] * place, indices)


def _entries(shape: Shape, indices: Array, place: int) -> tuple[Any, ...]:
    """Index of the entries that ``take_along_axis`` reads: an open mesh over the other axes."""
    mesh = np.ix_(*(np.arange(size) for size in shape))
    return (*mesh[:place], indices, *mesh[place + 1 :])


def _reading(name: str, indexing: Indexing, **options: Any) -> Primitive:
    """Build the row of x[indexing(x.shape, indices, axis)], where ``axis=None`` reads x flattened."""

    def read(x: Array, indices: Array, axis: int | None) -> Array:
        shape, place = along(np.shape(x), axis)
        return np.reshape(x, shape)[indexing(shape, indices, place)]

    def put_back(g: Array, out: Array, x: Array, indices: Array, axis: int | None) -> Array:
        shape, place = along(x.shape, axis)
        gradient = add_at(np.zeros(shape, x.dtype), indexing(shape, indices, place), g)
        return np.reshape(gradient, x.shape)

    return Primitive(
        name=name,
        operands=("x", "indices"),
        positions={"indices": _positions},
        forward=read,
        dtype=_dtype_of_entries,
        on_complex=HOLOMORPHIC,
        vjps=(put_back, None),
        jvps=(lambda t, out, x, indices, axis: read(t, indices, axis), None),
        **options,
    )


def add_slices(x: Array, indices: Array, values: Array, axis: int) -> Array:
    """Copy x and add values to its slices at these indices along one axis.

    JAX's ``x.at[indices].add(values)``, torch's ``x.index_add(axis, indices, values)``, and in NumPy
    ``np.add.at`` on a copy. What torch calls ``scatter_add`` is the adjoint of ``take_along_axis``.
    """
    # np.add.at does not always stretch values itself: it may read beyond them.
    full = np.broadcast_to(values, taken_shape(x.shape, np.shape(indices), axis))
    return add_at(x, _slices(x.shape, indices, axis % x.ndim), full)


def one_hot(indices: Array, num_classes: int) -> Array:
    """1 at the place of each class, 0 elsewhere, as in torch.nn.functional.

    Raises
    ------
    IndexError
        For a class that there is not; negative ones do not count from the end.
    """
    classes = np.ravel(indices)
    refuse_outside(classes, num_classes, "class", "classes")
    zeros = np.zeros((classes.size, num_classes), np.int64)
    hot = add_at(zeros, (np.arange(classes.size), classes), np.ones(classes.shape, np.int64))
    return np.reshape(hot, (*np.shape(indices), num_classes))


TAKE = _reading(
    "take",
    _slices,
    shapes="(…, N, …), (K, …) → (…, K, …, …), with axis=None (K, …)",
    formula="dL/dx = scatter_add(zeros_like(x), indices, g, axis);  "
    "with axis=None that of ravel(x), reshaped as x",
    signature="x, indices, axis=None",
    shape=taken_shape,
)
TAKE_ALONG_AXIS = _reading(
    "take_along_axis",
    _entries,
    shapes="(…, N), (…, K) → (…, K)",
    formula="dL/dx = zeros with g added at the entries read, once for each time they were",
    signature="x, indices, axis=-1",
    shape=taken_along_shape,
)
SCATTER_ADD = Primitive(
    name="scatter_add",
    shapes="(…, N, …), (K, …), (…, K, …, …) → (…, N, …)",
    formula="dL/dx = g,  dL/dvalues = take(g, indices, axis)",
    signature="x, indices, values, axis=0",
    positions={"indices": _positions},
    shape=added_shape,
    forward=add_slices,
    dtype=_dtype_of_entries,
    casts=True,
    vjps=(
        lambda g, out, x, indices, values, axis: g,
        None,
        lambda g, out, x, indices, values, axis: unbroadcast(np.take(g, indices, axis), values.shape),
    ),
    jvps=(
        lambda t, out, x, indices, values, axis: t,
        None,
        lambda t, out, x, indices, values, axis: add_slices(np.zeros_like(x), indices, t, axis),
    ),
    on_complex=HOLOMORPHIC,
)
ONE_HOT = Primitive(
    name="one_hot",
    shapes="(…) → (…, num_classes)",
    signature="indices, num_classes",
    positions={"indices": lambda indices, num_classes: range(num_classes)},
    operands=("indices",),
    shape=one_hot_shape,
    forward=one_hot,
    dtype=_dtype_of_classes,
)

TABLE = (TAKE, TAKE_ALONG_AXIS, SCATTER_ADD, ONE_HOT)
