"""VJPs as operations of a graph, with derivatives of their own.

Of a row f with the Jacobian J_i by operand i, the VJP is (g, xs) → J_i(xs)ᵀ g. It is linear in g, and its
derivative by g along u is itself; the adjoint of that is the row's JVP, u → J_i(xs) u. Where f is linear in
every operand (``STRAIGHT``), or made of linear pieces, J_i does not vary. Where f is linear in each of some
operands, the others held fixed (``FACTORS``), ⟨u, J_iᵀ g⟩ = ⟨f(xs with u for x_i), g⟩, whose gradient by
x_j is f's own VJP at these operands. So the rules of such rows are never looked into. Nor is that of the
determinant, whose VJP is found from singular vectors, though it is a polynomial. All other rules are traced.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array, OnComplex, Primitive, Rule, rounded
from gradcheck_cli.autodiff.primitives import (
    convolution,
    diagonal,
    elementwise,
    inverse,
    joining,
    pooling,
    repeating,
    shaping,
    unfolding,
)
from gradcheck_cli.autodiff.trace import Node, pulled
from gradcheck_cli.shapes import Shape

# Linear in all operands together, or between kinks: the Jacobian is constant there.
STRAIGHT: Final[frozenset[str]] = frozenset({
    "add", "subtract", "negative", "maximum", "minimum", "mod", "clip", "where", "astype", "identity",
    "sign", "floor", "ceil", "trunc", "round", "real", "imag", "conj",
    "relu", "relu6", "leaky_relu", "hardtanh", "hardsigmoid",
    "sum", "mean", "max", "min", "median", "cumsum", "diff", "sort",
    "getitem", "take", "take_along_axis", "scatter_add", "embedding",
    *(
        row.name
        for module in (shaping, joining, repeating, diagonal, pooling, unfolding)
        for row in module.TABLE
    ),
})  # fmt: skip

# Linear in each of the operands at these places, and in what is added to their product; None: in each.
FACTORS: Final[Mapping[str, tuple[int, ...] | None]] = {
    **dict.fromkeys(("matmul", "dot", "inner", "vdot", "outer", "tensordot", "kron", "cross"), (0, 1)),
    "einsum": None,
    **{row.name: (0, 1) for row in convolution.TABLE},
}


_DETERMINANT: Final = inverse.DET.name


def is_known(primitive: Primitive) -> bool:
    """Whether the derivative of the row's VJPs follows from its own rules."""
    return primitive.name in STRAIGHT or primitive.name in FACTORS or primitive.name == _DETERMINANT


def pull_of(node: Node, place: int) -> Primitive:
    """Build the row of the VJP of an operation by one operand: (g, out, *xs) → the gradient by x_place."""
    primitive = node.primitive
    assert primitive is not None
    rule = primitive.vjps[place]
    assert rule is not None

    def shape(_g: Shape, _out: Shape, *xs: Shape) -> Shape:
        return xs[place]

    def dtype(_g: Any, _out: Any, *xs: Any) -> np.dtype[Any]:
        return np.result_type(xs[place])

    def forward(g: Array, out: Array, *xs: Array) -> Array:
        return rounded(pulled(node, rule, g, out, xs), np.result_type(xs[place]))

    vjps, jvps = zip(*_by_operands(node, place, forward), strict=True)
    return Primitive(
        name=f"vjp of {primitive.name}",
        shape=shape,
        dtype=dtype,
        forward=forward,
        vjps=(_by_cotangent(node, place), None, *vjps),
        jvps=(lambda t, _ans, _g, out, *xs: forward(t, out, *xs), None, *jvps),
        on_complex=OnComplex.OWN,
    )


def _by_operands(
    node: Node, place: int, forward: Callable[..., Array]
) -> list[tuple[Rule | None, Rule | None]]:
    """VJP and JVP of J_iᵀ g by every operand of f; None where J_i does not vary with it."""
    assert node.primitive is not None
    if node.primitive.name == _DETERMINANT:
        return [(_bend, _bend)]
    partners = [_partner(node, place, other) for other in range(len(node.args))]
    return [(_cross_vjp(node, place, one), _cross_jvp(forward, one)) for one in partners]


def _by_cotangent(node: Node, place: int) -> Rule:
    """The adjoint of g → J_iᵀ g: u → J_i u."""
    assert node.primitive is not None
    push = node.primitive.jvps[place]
    assert push is not None

    def rule(u: Array, _ans: Array, g: Array, out: Array, *xs: Array) -> Array:
        return np.broadcast_to(rounded(push(u, out, *xs, **node.static), np.result_type(g)), np.shape(out))

    return rule


def _partner(node: Node, place: int, other: int) -> int | None:
    """Return ``other`` if the Jacobian by the operand at ``place`` is linear in that one."""
    assert node.primitive is not None
    places = FACTORS.get(node.primitive.name, ())
    if places is None:
        places = tuple(range(len(node.args)))
    return other if place != other and {place, other} <= set(places) else None


def _cross_vjp(node: Node, place: int, other: int | None) -> Rule | None:
    """Gradient of ⟨u, J_iᵀ g⟩ by another factor: the VJP by it with u in place of x_i."""
    assert node.primitive is not None
    rule = None if other is None else node.primitive.vjps[other]
    if rule is None:
        return None

    def cross(u: Array, _ans: Array, g: Array, out: Array, *xs: Array) -> Array:
        return pulled(node, rule, g, out, _with(xs, place, u))

    return cross


def _cross_jvp(forward: Callable[..., Array], other: int | None) -> Rule | None:
    """Derivative of J_iᵀ g along another factor, in which it is linear."""
    if other is None:
        return None
    return lambda t, _ans, g, out, *xs: forward(g, out, *_with(xs, other, t))


def _with(xs: tuple[Array, ...], place: int, value: Array) -> list[Array]:
    return [value if at == place else one for at, one in enumerate(xs)]


def _bend(t: Array, _ans: Array, g: Array, _out: Array, a: Array) -> Array:
    """Derivative of the gradient of det, g conj(C(a)) with the cofactors C, along t; it is its own adjoint.

    C(a + s t) is a polynomial of degree n - 1 in s. Its coefficient of s is the mean of C / s over n + 1
    points s on a circle, exactly but for round-off, for singular matrices too.
    """
    size = a.shape[-1] + 1
    radius = np.expand_dims(elementwise.ratio(_length(a), _length(t)) + (_length(a) == 0), (-2, -1))
    circle = np.exp(2j * np.pi * np.arange(size) / size)
    total = np.zeros(a.shape, np.result_type(a, 1j))
    for turn in circle:
        total += inverse.cofactors(a + radius * turn * t) / (radius * turn * size)
    return rounded(np.expand_dims(g, (-2, -1)) * np.conj(total), a.dtype)


def _length(a: Array) -> Array:
    return np.sqrt(np.sum(np.abs(a) ** 2, axis=(-2, -1)))
