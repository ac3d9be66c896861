"""The laws that every row of the derivative table obeys, as one helper that raises AssertionError.

The numeric side is NumPy's alone: central differences at points whose values are short decimals.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import Array, Primitive

STEP = 1e-5


@dataclass(frozen=True)
class Call:
    """One way to call a primitive; ``value`` is what NumPy or SciPy says comes out."""

    value: Any
    operands: tuple[Any, ...] = ()
    static: dict[str, Any] = field(default_factory=dict)
    formula: str = ""  # the same call in the formula language, over x, y, z, k, m
    kinds: tuple[np.dtype[Any], ...] | None = None


def sample(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0) -> Array:
    """Distinct short decimals, none of them 0 or 1, in an order that no symmetry survives."""
    count = int(np.prod(shape, dtype=int))
    spread = np.linspace(low, high, 2 * count + 3)[1:-1:2][:count]
    order = np.random.default_rng(seed).permutation(count)
    return np.round(spread[order] + 0.0137, 4).reshape(shape)


def moving(primitive: Primitive, operands: tuple[Any, ...]) -> list[int]:
    """Places of the operands that a derivative exists for."""
    if not primitive.differentiable:
        return []
    return [
        place
        for place, operand in enumerate(operands)
        if primitive.vjps[place] is not None and np.asarray(operand).dtype.kind == "f"
    ]


def numeric_jvp(primitive: Primitive, call: Call, place: int, tangent: Array) -> Array:
    """(f(x + h t) - f(x - h t)) / 2h."""
    shifted = [
        primitive.forward(
            *(one + sign * STEP * tangent if at == place else one for at, one in enumerate(call.operands)),
            **call.static,
        )
        for sign in (1, -1)
    ]
    return (shifted[0] - shifted[1]) / (2 * STEP)


def check_derivatives(primitive: Primitive, call: Call) -> None:
    """VJP and JVP against differences and each other, linearity in g, shapes and dtypes."""
    out = primitive.forward(*call.operands, **call.static)
    rng = np.random.default_rng(1)
    cotangent = np.asarray(np.round(rng.normal(size=np.shape(out)), 3))
    for place in moving(primitive, call.operands):
        operand = np.asarray(call.operands[place])
        tangent = np.asarray(np.round(rng.normal(size=operand.shape), 3))

        def vjp(g: Array, place: int = place) -> Array:
            return primitive.vjps[place](g, out, *call.operands, **call.static)

        def jvp(t: Array, place: int = place) -> Array:
            moved = primitive.jvps[place](t, out, *call.operands, **call.static)
            return np.broadcast_to(moved, np.shape(out))

        pulled, pushed = vjp(cotangent), jvp(tangent)
        assert np.shape(pulled) == operand.shape, "the VJP has the operand's shape"
        numeric = numeric_jvp(primitive, call, place, tangent)
        np.testing.assert_allclose(pushed, numeric, rtol=1e-6, atol=1e-7, err_msg="JVP and differences")
        for row in np.ndindex(*operand.shape):
            unit = np.zeros_like(operand)
            unit[row] = 1
            numeric_entry = np.sum(cotangent * numeric_jvp(primitive, call, place, unit))
            np.testing.assert_allclose(
                pulled[row], numeric_entry, rtol=1e-6, atol=1e-7, err_msg=f"VJP and differences at {row}"
            )
        left, right = np.sum(cotangent * pushed), np.sum(pulled * tangent)
        scale = np.sum(np.abs(cotangent * pushed)) + np.sum(np.abs(pulled * tangent))
        assert abs(left - right) <= 1e-12 * max(scale, 1e-300), "<u, Jv> = <Jᵀu, v>"
        other = np.roll(cotangent, 1) + 0.5
        np.testing.assert_allclose(
            vjp(3 * cotangent - other), 3 * pulled - vjp(other), rtol=1e-12, atol=1e-12
        )


def check_single_precision(primitive: Primitive, call: Call) -> None:
    """float32 operands give float32 outputs, gradients and tangents."""
    operands = [np.float32(one) if np.asarray(one).dtype.kind == "f" else one for one in call.operands]
    operands = [np.asarray(one) if isinstance(one, np.generic) else one for one in operands]
    out = primitive.forward(*operands, **call.static)
    for place in moving(primitive, call.operands):
        g = np.ones(np.shape(out), np.float32)
        t = np.ones(np.shape(operands[place]), np.float32)
        assert np.asarray(out).dtype == np.float32
        for name, found in (
            ("VJP", primitive.vjps[place](g, out, *operands, **call.static)),
            ("JVP", primitive.jvps[place](t, out, *operands, **call.static)),
        ):
            assert np.asarray(found).dtype == np.float32, name
