"""Products of arrays: matmul, dot, outer, tensordot, einsum, and the diagonal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import Array, Each, Primitive, summed
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape, broadcast_shapes, normalize_axes, unbroadcast

Axes = int | Sequence[int | Sequence[int]]


def matmul_shape(x: Shape, y: Shape) -> Shape:
    """Shape rule of ``x @ y``: last axis of x against the last but one of y, leading axes broadcast."""
    if not x or not y:
        raise ShapeError("a matrix product needs at least one axis on either side; use * for scalars")
    inner = y[-2] if len(y) > 1 else y[0]
    if x[-1] != inner:
        raise ShapeError(f"{{0}} ends in {int(x[-1])}, {{1}} starts with {int(inner)}{_matmul_hint(x, y)}")
    rows = x[-2:-1]
    columns = y[-1:] if len(y) > 1 else ()
    return (*broadcast_shapes(x[:-2], y[:-2]), *rows, *columns)


def _matmul_hint(x: Shape, y: Shape) -> str:
    """Say which transpose would make a product of matrices fit, if one does."""
    if len(x) == len(y) == 2:
        if x[1] == y[1]:
            return "; {0} @ {1}.T would fit"
        if x[0] == y[0]:
            return "; {0}.T @ {1} would fit"
    return f"; for example {{1}}: {[int(x[-1]), *map(int, y[-1:])] if len(y) > 1 else [int(x[-1])]}"


def _as_matrices(x: Array, y: Array) -> tuple[Array, Array]:
    """View a vector on the left as a row, one on the right as a column, as matmul does."""
    return x[np.newaxis, :] if x.ndim == 1 else x, y[:, np.newaxis] if y.ndim == 1 else y


def _as_matrix_product(g: Array, x: Array, y: Array) -> Array:
    """Put back into g the axes that matmul dropped for vectors."""
    g = np.expand_dims(g, -1) if y.ndim == 1 else g
    return np.expand_dims(g, -2) if x.ndim == 1 else g


def _matmul_vjp_x(g: Array, out: Array, x: Array, y: Array) -> Array:
    rows, columns = _as_matrices(x, y)
    full = np.matmul(_as_matrix_product(g, x, y), np.swapaxes(columns, -1, -2))
    return np.reshape(unbroadcast(full, rows.shape), x.shape)


def _matmul_vjp_y(g: Array, out: Array, x: Array, y: Array) -> Array:
    rows, columns = _as_matrices(x, y)
    full = np.matmul(np.swapaxes(rows, -1, -2), _as_matrix_product(g, x, y))
    return np.reshape(unbroadcast(full, columns.shape), y.shape)


def tensordot_axes(x: Shape, y: Shape, axes: Axes) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Contracted axes of both operands, in pairs, from NumPy's ``axes`` argument."""
    if isinstance(axes, int):
        if axes > min(len(x), len(y)):
            raise ShapeError(f"{{0}} and {{1}} do not both have {axes} axes")
        return tuple(range(len(x) - axes, len(x))), tuple(range(axes))
    first, second = ((one,) if isinstance(one, int) else tuple(one) for one in axes)
    normalize_axes(first, len(x)), normalize_axes(second, len(y), whose="{1}")
    return tuple(axis % len(x) for axis in first), tuple(axis % len(y) for axis in second)


def tensordot_shape(x: Shape, y: Shape, axes: Axes = 2) -> Shape:
    """Shape rule of ``tensordot``: the free axes of x, then those of y."""
    first, second = tensordot_axes(x, y, axes)
    if len(first) != len(second) or [x[a] for a in first if a >= 0] != [y[a] for a in second if a < len(y)]:
        raise ShapeError(f"axes {first} of {{0}} do not match axes {second} of {{1}}")
    return (
        *(size for axis, size in enumerate(x) if axis not in first),
        *(size for axis, size in enumerate(y) if axis not in second),
    )


def _letters(x: Array, y: Array, axes: Axes) -> tuple[list[int], list[int], list[int]]:
    """Write a tensordot as an einsum over numbered axes: labels of x, of y and of the result."""
    first, second = tensordot_axes(x.shape, y.shape, axes)
    labels_x = list(range(x.ndim))
    labels_y = list(range(x.ndim, x.ndim + y.ndim))
    for a, b in zip(first, second, strict=True):
        labels_y[b] = labels_x[a]
    free = [label for axis, label in enumerate(labels_x) if axis not in first]
    return labels_x, labels_y, free + [label for axis, label in enumerate(labels_y) if axis not in second]


def _tensordot_vjp_x(g: Array, out: Array, x: Array, y: Array, axes: Axes) -> Array:
    labels_x, labels_y, labels_out = _letters(x, y, axes)
    return np.einsum(g, labels_out, y, labels_y, labels_x)


def _tensordot_vjp_y(g: Array, out: Array, x: Array, y: Array, axes: Axes) -> Array:
    labels_x, labels_y, labels_out = _letters(x, y, axes)
    return np.einsum(g, labels_out, x, labels_x, labels_y)


def _dot_axes(x: Array, y: Array) -> Axes:
    """Contraction of ``dot``: last axis of x with the last but one of y (none for scalars)."""
    return ((-1,), (max(y.ndim - 2, 0),)) if x.ndim and y.ndim else 0


def dot_shape(x: Shape, y: Shape) -> Shape:
    """Shape rule of ``dot``: last axis of x against the last but one of y; scalars multiply."""
    if not x or not y:
        return x + y
    inner = max(len(y) - 2, 0)
    if x[-1] != y[inner]:
        raise ShapeError(f"{{0}} ends in {int(x[-1])}, axis {inner} of {{1}} is {int(y[inner])}")
    return (*x[:-1], *y[:inner], *y[inner + 1 :])


def parse_subscripts(subscripts: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """Split ``"ij,jk->ik"`` into the operands' labels and the output's (sorted single ones if not given).

    Raises
    ------
    ShapeError
        Where the labels do not go with the operands' axes.
    """
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if "." in subscripts:
        raise ShapeError("'...' in einsum subscripts is not supported; write the axes out")
    if not all(label.isalpha() and label.isascii() for label in left.replace(",", "") + right):
        raise ShapeError(f"subscripts {subscripts!r} may hold letters, ',' and '->' only")
    if len(terms) != len(ranks):
        raise ShapeError(f"subscripts {subscripts!r} name {len(terms)} operands, {len(ranks)} are given")
    for place, (term, rank) in enumerate(zip(terms, ranks, strict=True)):
        if len(term) != rank:
            raise ShapeError(f"subscripts {term!r} name {len(term)} axes, {{{place}}} has {rank}")
    joined = "".join(terms)
    if not arrow:
        right = "".join(sorted(label for label in set(joined) if joined.count(label) == 1))
    if len(set(right)) != len(right) or not set(right) <= set(joined):
        raise ShapeError(f"the output {right!r} must name axes of the operands, each once")
    return terms, right


def einsum_shape(*shapes: Shape, subscripts: str) -> Shape:
    """Shape rule of ``einsum``: one size a label, the output's labels in order."""
    terms, right = parse_subscripts(subscripts, [len(shape) for shape in shapes])
    sizes: dict[str, int] = {}
    for place, (term, shape) in enumerate(zip(terms, shapes, strict=True)):
        for label, size in zip(term, shape, strict=True):
            if sizes.setdefault(label, size) != size:
                raise ShapeError(
                    f"axis {label!r} is {int(size)} in {{{place}}} and {int(sizes[label])} before"
                )
    return tuple(sizes[label] for label in right)


def einsum(*arrays: Array, subscripts: str) -> Array:
    """Sum of products; more than two operands are contracted in an order found by NumPy."""
    result: Array = np.einsum(subscripts, *arrays, optimize=len(arrays) > 2)
    return result


def _einsum_vjp(place: int) -> Any:
    """Rule for operand ``place``: contract g with the other operands down to this one's labels.

    A label that only this operand has was summed over: g is copied along it (an operand of ones). A label
    that it repeats was a diagonal: the gradient lives on that diagonal (an operand that is the identity).
    """

    def rule(g: Array, out: Array, *arrays: Array, subscripts: str) -> Array:
        terms, right = parse_subscripts(subscripts, [array.ndim for array in arrays])
        parts = [
            (g, right),
            *((a, t) for other, (a, t) in enumerate(zip(arrays, terms, strict=True)) if other != place),
        ]
        spare = iter(set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") - set("".join(terms)))
        known, labels = set("".join(term for _, term in parts)), ""
        for label, size in zip(terms[place], arrays[place].shape, strict=True):
            own = next(spare) if label in labels else label
            if own != label:
                parts.append((np.eye(size, dtype=g.dtype), label + own))
            elif label not in known:
                parts.append((np.ones(size, dtype=g.dtype), label))
            labels += own
        return einsum(
            *(part for part, _ in parts), subscripts=f"{','.join(term for _, term in parts)}->{labels}"
        )

    return rule


def _einsum_jvp(place: int) -> Any:
    return lambda t, out, *arrays, subscripts: einsum(
        *(t if other == place else array for other, array in enumerate(arrays)), subscripts=subscripts
    )


def diag_shape(x: Shape, k: int = 0) -> Shape:
    """Shape rule of ``diag``: a vector becomes a square matrix, a matrix its k-th diagonal."""
    if len(x) == 1:
        return (x[0] + abs(k), x[0] + abs(k)) if k else (x[0], x[0])
    if len(x) != 2:
        raise ShapeError("{0} must be a vector or a matrix")
    rows, columns = x
    return (rows if not k and rows == columns else max(0, min(rows + min(k, 0), columns - max(k, 0))),)


def _diag_vjp(g: Array, out: Array, x: Array, k: int) -> Array:
    if x.ndim == 1:
        return np.diagonal(g, k)
    rows, columns = np.indices(x.shape)
    on_diagonal = columns - rows == k
    along = np.clip(np.minimum(rows, columns), 0, max(g.size - 1, 0))
    return np.where(on_diagonal, g[along], 0) if g.size else np.zeros_like(x)


def trace_shape(x: Shape) -> Shape:
    """Shape rule of ``trace`` of a matrix."""
    if len(x) != 2:
        raise ShapeError("{0} must be a matrix")
    return ()


MATMUL = Primitive(
    name="matmul",
    formula="dL/dx = g @ y.T,  dL/dy = x.T @ g",
    signature="x, y",
    shape=matmul_shape,
    forward=np.matmul,
    vjps=(_matmul_vjp_x, _matmul_vjp_y),
    jvps=(lambda t, out, x, y: np.matmul(t, y), lambda t, out, x, y: np.matmul(x, t)),
    casts=True,
)
DOT = Primitive(
    name="dot",
    formula="dL/dx = tensordot(g, y) over the free axes of y,  dL/dy likewise",
    signature="x, y",
    shape=dot_shape,
    forward=np.dot,
    vjps=(
        lambda g, out, x, y: _tensordot_vjp_x(g, out, x, y, _dot_axes(x, y)),
        lambda g, out, x, y: _tensordot_vjp_y(g, out, x, y, _dot_axes(x, y)),
    ),
    jvps=(lambda t, out, x, y: np.dot(t, y), lambda t, out, x, y: np.dot(x, t)),
    casts=True,
)
OUTER = Primitive(
    name="outer",
    formula="dL/dx = g @ y,  dL/dy = x @ g",
    signature="x, y",
    shape=lambda x, y: (
        int(np.prod(x, dtype=int)) if len(x) != 1 else x[0],
        int(np.prod(y, dtype=int)) if len(y) != 1 else y[0],
    ),
    forward=np.outer,
    vjps=(
        lambda g, out, x, y: np.reshape(np.matmul(g, np.ravel(y)), x.shape),
        lambda g, out, x, y: np.reshape(np.matmul(np.ravel(x), g), y.shape),
    ),
    jvps=(lambda t, out, x, y: np.outer(t, y), lambda t, out, x, y: np.outer(x, t)),
    casts=True,
)
TENSORDOT = Primitive(
    name="tensordot",
    formula="dL/dx = tensordot(g, y) over the free axes of y,  dL/dy likewise",
    signature="x, y, axes=2",
    shape=tensordot_shape,
    forward=np.tensordot,
    vjps=(_tensordot_vjp_x, _tensordot_vjp_y),
    jvps=(
        lambda t, out, x, y, axes: np.tensordot(t, y, axes),
        lambda t, out, x, y, axes: np.tensordot(x, t, axes),
    ),
    casts=True,
)
EINSUM = Primitive(
    name="einsum",
    formula="dL/d(operand) = einsum of g and the other operands, down to this operand's labels",
    signature="subscripts, *operands",
    operands=("operands",),
    shape=einsum_shape,
    forward=einsum,
    vjps=Each(_einsum_vjp),
    jvps=Each(_einsum_jvp),
    casts=True,
)
DIAG = Primitive(
    name="diag",
    formula="dL/dx = diag(g, k)",
    signature="x, k=0",
    shape=diag_shape,
    forward=np.diag,
    vjps=(_diag_vjp,),
    jvps=(lambda t, out, x, k: np.diag(t, k),),
)
TRACE = Primitive(
    name="trace",
    formula="dL/dx = g * eye(n)",
    shape=trace_shape,
    forward=np.trace,
    dtype=summed,
    vjps=(lambda g, out, x: g * np.eye(*x.shape, dtype=x.dtype),),
    jvps=(lambda t, out, x: np.trace(t),),
)

TABLE = (MATMUL, DOT, OUTER, TENSORDOT, EINSUM, DIAG, TRACE)
