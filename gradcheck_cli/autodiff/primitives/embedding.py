"""Embedding and cosine similarity, by torch.nn.functional's names and arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import Array, Primitive, promoted
from gradcheck_cli.autodiff.primitives.indexing import Hole, scatter_add
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape, broadcast_shapes, normalize_axes, unbroadcast


def embedding_shape(indices: Shape, weight: Shape) -> Shape:
    """Shape rule of ``embedding``: a row of weight (V, D) for every index."""
    if len(weight) != 2:
        raise ShapeError("{1} must have 2 axes, (V, D): a row for each index")
    return (*indices, weight[1])


def _embedding_dtype(indices: Any, weight: Any) -> np.dtype[Any]:
    if not np.issubdtype(np.result_type(indices), np.integer):
        raise ShapeError(f"{{0}} must be an integer array, not {np.result_type(indices)}")
    return promoted(weight)


def _embedding(indices: Array, weight: Array) -> Array:
    """Rows of weight; unlike in NumPy, negative indices do not count from the end."""
    indices = np.asarray(indices)
    outside = indices[(indices < 0) | (indices >= len(weight))]
    if outside.size:
        raise IndexError(f"index {outside[0]} is out of bounds: there are {len(weight)} rows")
    return np.take(weight, indices, axis=0)


def similarity_shape(x1: Shape, x2: Shape, *, dim: int, eps: float) -> Shape:
    """Shape rule of ``cosine_similarity``: both broadcast, without the axis ``dim``."""
    shape = broadcast_shapes(x1, x2)
    (axis,) = normalize_axes(dim, len(shape), whose="the broadcast of {0} and {1}")
    return (*shape[:axis], *shape[axis + 1 :])


def _directions(x1: Array, x2: Array, dim: int, eps: float) -> list[tuple[Array, Array]]:
    """Both operands, broadcast and divided by max(‖x‖, eps), each with that length."""
    both = np.broadcast_arrays(x1, x2)
    lengths = [np.sqrt(np.sum(x * x, axis=dim, keepdims=True)) for x in both]
    return [(x / np.maximum(length, eps), length) for x, length in zip(both, lengths, strict=True)]


def _cosine(x1: Array, x2: Array, dim: int, eps: float) -> Array:
    (u1, _), (u2, _) = _directions(x1, x2, dim, eps)
    return np.sum(u1 * u2, axis=dim)


def _cosine_slope(out: Array, x1: Array, x2: Array, dim: int, eps: float) -> Array:
    """∂out/∂x1 = (u2 - out u1) / ‖x1‖, of directions u; below eps the length is constant: u2 / eps."""
    (u1, length), (u2, _) = _directions(x1, x2, dim, eps)
    return (u2 - (length > eps) * np.expand_dims(out, dim) * u1) / np.maximum(length, eps)


EMBEDDING = Primitive(
    name="embedding",
    formula="dL/dweight = zeros with the rows of g added at their indices",
    signature="input, weight",
    shapes="(…), (V, D) → (…, D)",
    shape=embedding_shape,
    forward=_embedding,
    dtype=_embedding_dtype,
    vjps=(
        None,
        lambda g, out, indices, weight: scatter_add(g, out, weight, indices, template=(Hole(0),)),
    ),
    jvps=(None, lambda t, out, indices, weight: _embedding(indices, t)),
)
COSINE_SIMILARITY = Primitive(
    name="cosine_similarity",
    formula="dL/dx1 = g * (u2 - out * u1) / norm(x1),  u = x / norm(x),  dL/dx2 likewise",
    signature="x1, x2, dim=1, eps=1e-08",
    operands=("x1", "x2"),
    shapes="(…, N, …), (…, N, …) → broadcast without the axis dim",
    shape=similarity_shape,
    forward=_cosine,
    vjps=(
        lambda g, out, x1, x2, dim, eps: unbroadcast(
            np.expand_dims(g, dim) * _cosine_slope(out, x1, x2, dim, eps), x1.shape
        ),
        lambda g, out, x1, x2, dim, eps: unbroadcast(
            np.expand_dims(g, dim) * _cosine_slope(out, x2, x1, dim, eps), x2.shape
        ),
    ),
    jvps=(
        lambda t, out, x1, x2, dim, eps: np.sum(t * _cosine_slope(out, x1, x2, dim, eps), axis=dim),
        lambda t, out, x1, x2, dim, eps: np.sum(t * _cosine_slope(out, x2, x1, dim, eps), axis=dim),
    ),
    casts=True,
    inexact=True,
)

TABLE = (EMBEDDING, COSINE_SIMILARITY)
