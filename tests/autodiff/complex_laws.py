"""What holds of a primitive's derivatives at complex operands, seen through the tape, in real coordinates.

Real coordinates of an array are the real and the imaginary part of each entry. The numeric side is NumPy's
alone: central differences of the forward in each coordinate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from derivative_laws import STEP, Call, moving, sample

from gradcheck_cli.autodiff.primitive import Array, Primitive
from gradcheck_cli.autodiff.trace import Graph, Node, Plan


def coordinates(array: Any) -> Array:
    """Flatten to real numbers: (Re, Im) of one entry after the other."""
    found = np.ascontiguousarray(array)
    return found.reshape(-1).view(found.real.dtype)


def from_coordinates(numbers: Array, like: Array) -> Array:
    return np.ascontiguousarray(numbers, like.real.dtype).view(like.dtype).reshape(like.shape)


def complexified(primitive: Primitive, call: Call) -> Call:
    """The same call with an imaginary part given to every operand that moves, none of them 0 or 1."""
    operands = list(call.operands)
    for place in moving(primitive, call.operands):
        real = np.asarray(operands[place])
        operands[place] = np.asarray(real + 1j * sample(*real.shape, low=0.2, high=0.8, seed=20 + place))
    return Call(None, tuple(operands), call.static)


class Taped:
    """One call of a primitive as a graph, and its Jacobian by the operand at a place in three ways."""

    def __init__(self, primitive: Primitive, call: Call, place: int) -> None:
        self.primitive, self.static, self.place = primitive, call.static, place
        self.operands = [np.asarray(one) for one in call.operands]
        self.out = np.asarray(primitive.forward(*self.operands, **call.static))
        inputs = tuple(Node(shape=one.shape, dtype=one.dtype) for one in self.operands)
        node = Node(
            shape=self.out.shape,
            dtype=self.out.dtype,
            primitive=primitive,
            args=tuple(range(len(inputs))),
            static=call.static,
        )
        graph = Graph((*inputs, node))
        self.last = len(inputs)
        self.plan = Plan.make(graph, tuple(range(len(inputs))), (self.last,))
        self.tape = self.plan.run(self.operands)

    @property
    def moved(self) -> Array:
        return self.operands[self.place]

    def pull(self, g: Array) -> Array:
        return self.plan.pullback(self.tape, {self.last: g}, [self.place])[0]

    def push(self, t: Array) -> Array:
        return self.plan.pushforward(self.tape, {self.place: t})[0]

    def by_rows(self) -> Array:
        units = np.eye(coordinates(self.out).size)
        rows = [coordinates(self.pull(from_coordinates(unit, self.out))) for unit in units]
        return np.reshape(rows, (len(units), coordinates(self.moved).size))

    def by_columns(self) -> Array:
        units = np.eye(coordinates(self.moved).size)
        columns = [coordinates(self.push(from_coordinates(unit, self.moved))) for unit in units]
        return np.reshape(columns, (len(units), coordinates(self.out).size)).T

    def by_differences(self) -> Array:
        def at(shift: Array) -> Array:
            operands = list(self.operands)
            operands[self.place] = from_coordinates(coordinates(self.moved) + shift, self.moved)
            return coordinates(self.primitive.forward(*operands, **self.static))

        units = STEP * np.eye(coordinates(self.moved).size)
        columns = [(at(unit) - at(-unit)) / (2 * STEP) for unit in units]
        return np.reshape(columns, (len(units), coordinates(self.out).size)).T


def check_complex_derivatives(primitive: Primitive, call: Call, places: Sequence[int]) -> None:
    """VJP and JVP against differences, ⟨u, J v⟩ = ⟨Jᵀ u, v⟩, shapes and dtypes."""
    rng = np.random.default_rng(2)
    for place in places:
        taped = Taped(primitive, call, place)
        numeric = taped.by_differences()
        scale = max(1.0, float(np.max(np.abs(numeric), initial=0)))
        for found in (taped.by_rows(), taped.by_columns()):
            np.testing.assert_allclose(found, numeric, rtol=1e-6, atol=1e-7 * scale)
        u, v = (from_coordinates(rng.normal(size=coordinates(a).size), a) for a in (taped.out, taped.moved))
        pulled, pushed = taped.pull(u), taped.push(v)
        assert (pulled.shape, pulled.dtype) == (taped.moved.shape, taped.moved.dtype)
        assert (pushed.shape, pushed.dtype) == (taped.out.shape, taped.out.dtype)
        left, right = coordinates(u) @ coordinates(pushed), coordinates(pulled) @ coordinates(v)
        size = np.abs(coordinates(u)) @ np.abs(coordinates(pushed))
        assert abs(left - right) <= 1e-12 * max(size, 1e-300) * 10, "<u, J v> = <Jᵀ u, v>"


def check_complex64(primitive: Primitive, call: Call, places: Sequence[int]) -> None:
    """complex64 operands give complex64 (or float32) outputs, and gradients near those of complex128."""
    narrow = {"f": np.float32, "c": np.complex64}
    operands = tuple(
        np.asarray(one, narrow.get(np.asarray(one).dtype.kind, np.asarray(one).dtype))
        for one in call.operands
    )
    for place in places:
        wide = Taped(primitive, Call(None, operands, call.static), place)
        assert wide.out.dtype in {np.dtype(np.complex64), np.dtype(np.float32)}
        exact = Taped(primitive, call, place).by_rows()
        scale = max(1.0, float(np.max(np.abs(exact), initial=0)))
        np.testing.assert_allclose(wide.by_rows(), exact, rtol=1e-3, atol=1e-4 * scale)
