"""Embedding and cosine similarity, by torch.nn.functional's names and arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import Array, Primitive, Rule, at_least_single, promoted
from gradcheck_cli.autodiff.primitives.indexing import Hole, refuse_fractions, refuse_outside, scatter_add
from gradcheck_cli.autodiff.primitives.shaping import one_axis
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape, broadcast_shapes, unbroadcast


def embedding_shape(indices: Shape, weight: Shape) -> Shape:
    """Shape rule of ``embedding``: a row of weight (V, D) for every index."""
    if len(weight) != 2:
        raise ShapeError("{1} must have 2 axes, (V, D): a row for each index")
    return (*indices, weight[1])


def _embedding_dtype(indices: Any, weight: Any) -> np.dtype[Any]:
    refuse_fractions(0, indices)
    return promoted(weight)


def _embedding(indices: Array, weight: Array) -> Array:
    """Rows of weight; unlike in NumPy, negative indices do not count from the end."""
    refuse_outside(indices, len(weight), "index", "rows")
    return np.take(weight, indices, axis=0)


def similarity_shape(x1: Shape, x2: Shape, *, dim: int, eps: float) -> Shape:
    """Shape rule of ``cosine_similarity``: both broadcast, without the axis ``dim``."""
    shape = broadcast_shapes(x1, x2)
    axis = one_axis(dim, len(shape), whose="the broadcast of {0} and {1}")
    return (*shape[:axis], *shape[axis + 1 :])


def _directions(x1: Array, x2: Array, dim: int, eps: float) -> list[tuple[Array, Array]]:
    """Both operands, broadcast and divided by max(‖x‖, eps), each with that length."""
    both = np.broadcast_arrays(x1, x2)
    lengths = [np.sqrt(np.sum(x * x, axis=dim, keepdims=True)) for x in both]
    return [(x / np.maximum(length, eps), length) for x, length in zip(both, lengths, strict=True)]


def _cosine(x1: Array, x2: Array, dim: int, eps: float) -> Array:
    (u1, _), (u2, _) = _directions(x1, x2, dim, eps)
    return np.sum(u1 * u2, axis=dim)


def _cosine_slope(x1: Array, x2: Array, dim: int, eps: float) -> Array:
    """∂out/∂x1 = (u2 - out u1) / ‖x1‖, of directions u; below eps the length is constant: u2 / eps."""
    (u1, length), (u2, _) = _directions(x1, x2, dim, eps)
    out = np.sum(u1 * u2, axis=dim, keepdims=True)
    return (u2 - (length > eps) * out * u1) / np.maximum(length, eps)


def _cosine_vjp(place: int) -> Rule:
    def rule(g: Array, out: Array, *xs: Array, dim: int, eps: float) -> Array:
        slope = _cosine_slope(xs[place], xs[1 - place], dim, eps)
        return unbroadcast(np.expand_dims(g, dim) * slope, xs[place].shape)

    return rule


def _cosine_jvp(place: int) -> Rule:
    def rule(t: Array, out: Array, *xs: Array, dim: int, eps: float) -> Array:
        return np.sum(t * _cosine_slope(xs[place], xs[1 - place], dim, eps), axis=dim)

    return rule


EMBEDDING = Primitive(
    name="embedding",
    formula="dL/dweight = zeros with the rows of g added at their indices",
    signature="input, weight",
    positions={"input": lambda indices, weight: range(weight[0])},
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
    forward=at_least_single(_cosine),
    vjps=tuple(at_least_single(_cosine_vjp(place)) for place in (0, 1)),
    jvps=tuple(at_least_single(_cosine_jvp(place)) for place in (0, 1)),
    casts=True,
    inexact=True,
)

TABLE = (EMBEDDING, COSINE_SIMILARITY)
