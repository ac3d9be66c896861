"""Products of arrays: matmul, dot, inner, vdot, outer, tensordot, kron, cross."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import HOLOMORPHIC, Array, OnComplex, Primitive, Rule, resolved
from gradcheck_cli.autodiff.primitives.shaping import one_axis
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape, broadcast_shapes, count, normalize_axes, unbroadcast

Axes = int | Sequence[int | Sequence[int]]
# Axes of kron's operands: they become twice as many on the way, and an array has at most 64.
_MOST_PAIRED = 32


def bilinear(
    name: str, forward: Callable[..., Any], vjps: tuple[Rule, Rule], formula: str, **options: Any
) -> Primitive:
    """Build the row of an f(x, y) that is linear in either: its JVP is itself, with t in place of one."""
    return Primitive(
        name=name,
        formula=formula,
        forward=forward,
        vjps=vjps,
        jvps=(
            lambda t, out, x, y, **static: forward(t, y, **static),
            lambda t, out, x, y, **static: forward(x, t, **static),
        ),
        casts=True,
        **{"signature": "x, y", "on_complex": HOLOMORPHIC, **options},
    )


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
        if not 0 <= axes <= min(len(x), len(y)):
            raise ShapeError(f"{{0}} and {{1}} do not both have {axes} axes")
        return tuple(range(len(x) - axes, len(x))), tuple(range(axes))
    first, second = ((one,) if isinstance(one, int) else tuple(one) for one in axes)
    normalize_axes(first, len(x)), normalize_axes(second, len(y), whose="{1}")
    return tuple(axis % len(x) for axis in first), tuple(axis % len(y) for axis in second)


def tensordot_shape(x: Shape, y: Shape, axes: Axes = 2) -> Shape:
    """Shape rule of ``tensordot``: the free axes of x, then those of y."""
    first, second = tensordot_axes(x, y, axes)
    if [x[axis] for axis in first] != [y[axis] for axis in second]:
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


def contraction(
    name: str, forward: Callable[..., Any], axes: Callable[[Array, Array], Axes], **options: Any
) -> Primitive:
    """Build the row of a tensordot whose ``axes`` follow from the operands."""
    return bilinear(
        name,
        forward,
        (
            lambda g, out, x, y: _tensordot_vjp_x(g, out, x, y, axes(x, y)),
            lambda g, out, x, y: _tensordot_vjp_y(g, out, x, y, axes(x, y)),
        ),
        "dL/dx = tensordot(g, y) over the free axes of y,  dL/dy likewise",
        **options,
    )


def _dot_axes(x: Array, y: Array) -> Axes:
    """Contraction of ``dot``: last axis of x with the last but one of y (none for scalars)."""
    return ((-1,), (max(y.ndim - 2, 0),)) if x.ndim and y.ndim else 0


def _inner_axes(x: Array, y: Array) -> Axes:
    """Contraction of ``inner``: last axis with last axis (none for scalars)."""
    return ((-1,), (-1,)) if x.ndim and y.ndim else 0


def dot_shape(x: Shape, y: Shape) -> Shape:
    """Shape rule of ``dot``: last axis of x against the last but one of y; scalars multiply."""
    if not x or not y:
        return x + y
    inner = max(len(y) - 2, 0)
    if x[-1] != y[inner]:
        raise ShapeError(f"{{0}} ends in {int(x[-1])}, axis {inner} of {{1}} is {int(y[inner])}")
    return (*x[:-1], *y[:inner], *y[inner + 1 :])


def inner_shape(x: Shape, y: Shape) -> Shape:
    """Shape rule of ``inner``: last axis against last axis; scalars multiply."""
    if not x or not y:
        return x + y
    if x[-1] != y[-1]:
        raise ShapeError(f"{{0}} ends in {int(x[-1])}, {{1}} in {int(y[-1])}")
    return (*x[:-1], *y[:-1])


def vdot_shape(x: Shape, y: Shape) -> Shape:
    """Shape rule of ``vdot``: as many entries on either side, whatever the shapes."""
    if count(x) != count(y):
        raise ShapeError(f"{{0}} has {count(x)} entries, {{1}} has {count(y)}")
    return ()


def kron_shape(x: Shape, y: Shape) -> Shape:
    """Shape rule of ``kron``: sizes multiply, aligned at the last axis."""
    rank = max(len(x), len(y))
    if rank > _MOST_PAIRED:
        raise ShapeError(f"at most {_MOST_PAIRED} axes are possible")
    return tuple(one * other for one, other in zip(_padded(x, rank), _padded(y, rank), strict=True))


def _padded(shape: Shape, rank: int) -> Shape:
    return (*(1,) * (rank - len(shape)), *shape)


def _kron_factors(x: Array, y: Array) -> tuple[Array, Array]:
    """View x and y so that kron(x, y) is their product, reshaped: x along even axes, y along odd ones."""
    rank = max(x.ndim, y.ndim)
    return (
        np.reshape(x, [length for size in _padded(x.shape, rank) for length in (size, 1)]),
        np.reshape(y, [length for size in _padded(y.shape, rank) for length in (1, size)]),
    )


def _kron_vjp_x(g: Array, out: Array, x: Array, y: Array) -> Array:
    left, right = _kron_factors(x, y)
    split = np.reshape(g, broadcast_shapes(left.shape, right.shape))
    return np.reshape(unbroadcast(split * right, left.shape), x.shape)


def _kron_vjp_y(g: Array, out: Array, x: Array, y: Array) -> Array:
    left, right = _kron_factors(x, y)
    split = np.reshape(g, broadcast_shapes(left.shape, right.shape))
    return np.reshape(unbroadcast(split * left, right.shape), y.shape)


def cross_shape(x: Shape, y: Shape, axis: int = -1) -> Shape:
    """Shape rule of ``cross``: vectors of three along one axis, the other axes broadcast."""
    moved = [_axis_last(shape, axis, place) for place, shape in enumerate((x, y))]
    for place, shape in enumerate(moved):
        if shape[-1] != 3:
            raise ShapeError(
                f"axis {axis} of {{{place}}} has length {int(shape[-1])}, vectors have 3 entries"
            )
    *others, three = broadcast_shapes(*moved)
    others.insert(axis % (len(others) + 1), three)
    return tuple(others)


def _axis_last(shape: Shape, axis: int, place: int) -> Shape:
    at = one_axis(axis, len(shape), whose=f"{{{place}}}")
    return (*shape[:at], *shape[at + 1 :], shape[at])


def _cross_vjp(left: Array, right: Array, moving: Array, axis: int) -> Array:
    """Cross product of both, summed over the axes along which the moving operand was stretched."""
    full = np.cross(np.moveaxis(left, axis, -1), np.moveaxis(right, axis, -1))
    return np.moveaxis(unbroadcast(full, np.moveaxis(moving, axis, -1).shape), -1, axis)


MATMUL = bilinear(
    "matmul",
    np.matmul,
    (_matmul_vjp_x, _matmul_vjp_y),
    "dL/dx = g @ y.mT,  dL/dy = x.mT @ g",
    shapes="(…, N, K), (…, K, M) → (…, N, M)",
    shape=matmul_shape,
)
DOT = contraction("dot", np.dot, _dot_axes, shapes="(A…, K), (B…, K, M) → (A…, B…, M)", shape=dot_shape)
INNER = contraction("inner", np.inner, _inner_axes, shapes="(A…, K), (B…, K) → (A…, B…)", shape=inner_shape)
VDOT = bilinear(
    "vdot",
    np.vdot,
    (
        lambda g, out, x, y: np.conj(g) * np.reshape(y, x.shape),
        lambda g, out, x, y: g * np.reshape(x, y.shape),
    ),
    "dL/dx = conj(g) * y,  dL/dy = g * x",
    on_complex=OnComplex.OWN,  # it conjugates x
    shapes="(…), (…) → (), of as many entries",
    shape=vdot_shape,
)
OUTER = bilinear(
    "outer",
    np.outer,
    (
        lambda g, out, x, y: np.reshape(np.matmul(g, np.ravel(y)), x.shape),
        lambda g, out, x, y: np.reshape(np.matmul(np.ravel(x), g), y.shape),
    ),
    "dL/dx = g @ y,  dL/dy = x @ g",
    shapes="(N,), (M,) → (N, M)",
    shape=lambda x, y: (math.prod(x), math.prod(y)),
)
TENSORDOT = bilinear(
    "tensordot",
    np.tensordot,
    (_tensordot_vjp_x, _tensordot_vjp_y),
    "dL/dx = tensordot(g, y) over the free axes of y,  dL/dy likewise",
    signature="x, y, axes=2",
    shapes="(A…, K…), (K…, B…) → (A…, B…)",
    shape=tensordot_shape,
)
KRON = bilinear(
    "kron",
    np.kron,
    (_kron_vjp_x, _kron_vjp_y),
    "dL/dx[i, j] = sum of y times block (i, j) of g,  dL/dy = sum of x[i, j] times block (i, j) of g",
    shapes="(N, M), (P, Q) → (N*P, M*Q)",
    shape=kron_shape,
)
CROSS = bilinear(
    "cross",
    np.cross,
    (
        lambda g, out, x, y, axis: _cross_vjp(y, g, x, axis),
        lambda g, out, x, y, axis: _cross_vjp(g, x, y, axis),
    ),
    "dL/dx = cross(y, g, axis),  dL/dy = cross(g, x, axis)",
    signature="x, y, axis=-1",
    operands=("x", "y"),
    shapes="(…, 3), (…, 3) → (…, 3)",
    shape=cross_shape,
    dtype=resolved(np.subtract),  # there is none of masks
)

TABLE = (MATMUL, DOT, INNER, VDOT, OUTER, TENSORDOT, KRON, CROSS)
