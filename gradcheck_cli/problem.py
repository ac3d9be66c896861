"""A function bound to one point: what the two witnesses, analytic and numeric, are asked about.

Numerically the function is seen one input at a time, as a map from that input's array to the vector of
all floating outputs, flattened and joined. Both are real: of a complex array the ``parts``.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.errors import EvaluationError, TimeUpError
from gradcheck_cli.functions.base import NO_VALUE, Arrays, Function
from gradcheck_cli.functions.formula import FormulaFunction
from gradcheck_cli.functions.tracing import traced
from gradcheck_cli.parts import part_dtype, parts_of, whole_of
from gradcheck_cli.shapes import Shape, count

T = TypeVar("T")
Interval = tuple[float, float]
Known = dict[tuple[int, str, bytes], tuple[Function, dict[str, Any]]]  # by function, input and point
EVERYWHERE: Interval = (-np.inf, np.inf)


def symmetric_part(array: Array) -> Array:
    """(a + aᵀ) / 2 over the last two axes: the projection onto symmetric matrices."""
    return (array + np.swapaxes(array, -1, -2)) / 2


def typical_size(array: Array) -> float:
    """Root mean square of an array's entries; 1 where there are none or all are zero."""
    size = np.abs(parts_of(array, array.dtype), dtype=np.float64)
    largest = float(np.max(size, initial=0.0))
    if not largest:
        return 1.0
    return largest * float(np.sqrt(np.mean(np.square(size / largest))))  # no overflow on the way


@dataclass(frozen=True)
class View:
    """The function of one input alone, the others fixed: array → vector of all floating outputs."""

    primal: Array
    domain: Interval
    symmetric: bool
    eps: float  # round-off unit of the coarser of input and outputs
    function: Callable[[Array], Array]
    center: Array  # the function's value at the point itself
    magnitude: Array  # for each entry of it, the largest entry of the output that it belongs to
    known: dict[str, Any] | None = None  # what has been found out about this very function

    def once(self, name: str, make: Callable[[], T]) -> T:
        """Return what is known by a name, or find it out; every time anew if nobody keeps it."""
        if self.known is None:
            return make()
        if name not in self.known:
            self.known[name] = make()
        found: T = self.known[name]
        return found

    @cached_property
    def typical(self) -> float:
        """Size of the input as a whole, the unit for steps of its small entries."""
        return typical_size(self.primal)

    def shifted(self, column: int, step: float) -> tuple[Array, float]:
        """Move one entry by ``step``; return the array and the step really taken, (x + h) - x.

        Within symmetric matrices the entries (i, j) and (j, i) move by half of it each, so that the
        directional derivative is entry (i, j) of the symmetrised gradient.
        """
        moved = np.array(self.primal)  # a copy, and an array even of a scalar
        flat, index = moved.reshape(-1), np.unravel_index(column, self.primal.shape)
        mirror = column
        if self.symmetric:
            mirror = int(np.ravel_multi_index((*index[:-2], index[-1], index[-2]), moved.shape))
        before = float(flat[column])
        parts = 1 if mirror == column else 2
        # Rounding to the input's dtype must not carry it over the border.
        flat[column] = np.clip(flat[column] + flat.dtype.type(step / parts), *self.domain)
        flat[mirror] = flat[column]
        return moved, parts * (float(flat[column]) - before)

    def room(self, column: int) -> tuple[float, float]:
        """How far the entry may go down and up before it leaves the declared domain."""
        value = float(self.primal.reshape(-1)[column])
        return value - self.domain[0], self.domain[1] - value

    def toward(self, direction: Array) -> View:
        """Look at the function along a line, t → f(x + t d), as one of the single number t around 0."""
        low, high = (np.asarray(end, np.float64) for end in self.domain)
        with np.errstate(all="ignore"):
            ends = np.stack([(low - self.primal) / direction, (high - self.primal) / direction])
        ends = ends[:, direction != 0]
        span = float(np.max(np.min(ends, axis=0))), float(np.min(np.max(ends, axis=0)))

        def function(t: Array) -> Array:
            moved = np.clip(self.primal + t[0] * direction, *self.domain)
            return self.function(moved.astype(self.primal.dtype))

        return replace(self, primal=np.zeros(1), domain=span, symmetric=False, function=function, known=None)


def _within(domain: Interval, dtype: np.dtype[Any]) -> Interval:
    """Return the outermost values of a dtype that lie inside a domain."""
    low, high = dtype.type(domain[0]), dtype.type(domain[1])
    if low < domain[0]:
        low = np.nextafter(low, dtype.type(np.inf))
    if high > domain[1]:
        high = np.nextafter(high, dtype.type(-np.inf))
    return float(low), float(high)


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A function at a point. ``evaluations`` counts calls: forward, vjp, jvp.

    The domain of a complex input is that of its real and of its imaginary part.

    After ``deadline`` (by the clock of ``time.monotonic``) every call raises ``EvaluationError``. What is
    found out about the function's derivatives is kept in ``known``, for others that ask about the same.
    """

    function: Function
    primals: Arrays
    wrt: tuple[str, ...]
    domains: Mapping[str, Interval] = field(default_factory=dict)
    symmetric: frozenset[str] = frozenset()
    evaluations: Counter[str] = field(default_factory=Counter)
    deadline: float = math.inf
    known: Known | None = None

    def count(self, kind: str) -> None:
        """Note one more call, unless the time is up.

        Raises
        ------
        EvaluationError
            After the deadline.
        """
        if time.monotonic() > self.deadline:
            raise TimeUpError("the check's time is up (timeout)")
        self.evaluations[kind] += 1

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """The outputs that have a derivative."""
        return tuple(name for name, type_ in self.function.outputs.items() if type_.differentiable)

    @cached_property
    def rows(self) -> dict[str, slice]:
        """Where each output's entries stand in the joined vector."""
        rows, start = {}, 0
        for name in self.outputs:
            stop = start + count(self.output_shape(name))
            rows[name] = slice(start, stop)
            start = stop
        return rows

    def output_shape(self, name: str) -> Shape:
        """Shape of an output's parts, with its symbols."""
        return self.function.outputs[name].parts.shape

    def input_shape(self, name: str) -> Shape:
        """Shape of an input's parts, with its symbols."""
        return self.function.inputs[name].parts.shape

    def eps(self, output: str, name: str) -> float:
        """Round-off unit of the coarser of an output's and an input's dtype."""
        dtypes = self.function.outputs[output].dtype, self.function.inputs[name].dtype
        return max(float(np.finfo(dtype).eps) for dtype in dtypes)

    @cached_property
    def values(self) -> Array:
        """The joined outputs at the point itself; nan where there are none, as at a singular matrix.

        Raises
        ------
        EvaluationError
            If the function raises anything else; its message is the user's to read.
        """
        name = self.wrt[0]
        self.count("forward")
        try:
            return self._joined(self.function.along(name, self.primals)(self.primals[name]))
        except NO_VALUE:
            return np.full(sum(count(self.output_shape(one)) for one in self.outputs), np.nan)
        except EvaluationError:
            raise
        except Exception as error:
            raise EvaluationError(f"the function raised {type(error).__name__}: {error}") from error

    @cached_property
    def graph(self) -> FormulaFunction | None:
        """The function as a graph, as far as it can be had: to explain, never to judge."""
        return traced(self.function, self.primals)

    def view(self, name: str) -> View:
        """Look at the function as one of ``name`` alone; where it raises, it has no finite value."""
        function, dtype = self.function.along(name, self.primals), self.primals[name].dtype
        missing = np.full(self.values.shape, np.nan)

        def evaluate(array: Array) -> Array:
            self.count("forward")
            try:
                return self._joined(function(whole_of(array, dtype)))
            except NO_VALUE:
                return missing

        return View(
            primal=parts_of(self.primals[name], dtype),
            domain=_within(self.domains.get(name, EVERYWHERE), part_dtype(dtype)),
            symmetric=name in self.symmetric,
            eps=max(self.eps(output, name) for output in self.outputs),
            function=evaluate,
            center=self.values,
            magnitude=self._magnitude,
            known=self._known(name),
        )

    def _known(self, name: str) -> dict[str, Any] | None:
        if self.known is None:
            return None
        point = b"".join(array.tobytes() for array in self.primals.values())
        # With the function itself, so that no other one can be taken for it.
        return self.known.setdefault((id(self.function), name, point), (self.function, {}))[1]

    def moved(self, name: str, step: Callable[[Array], Array]) -> Array:
        """Move an input by a step that is made from its parts, inside its domain; integers and masks stay.

        A symmetric input moves by the symmetric part of the step.
        """
        primal = self.primals[name]
        if not np.issubdtype(primal.dtype, np.inexact):
            return primal
        parts = parts_of(primal, primal.dtype)
        change = symmetric_part(step(parts)) if name in self.symmetric else step(parts)
        domain = _within(self.domains.get(name, EVERYWHERE), parts.dtype)
        return whole_of(np.clip(parts + change, *domain).astype(parts.dtype), primal.dtype)

    @cached_property
    def _magnitude(self) -> Array:
        magnitude = np.empty(self.values.shape)
        for rows in self.rows.values():
            magnitude[rows] = np.max(np.abs(self.values[rows]), initial=0.0)
        return magnitude

    def _joined(self, outputs: Arrays) -> Array:
        types = self.function.outputs
        vectors = [
            parts_of(outputs[name], types[name].dtype).astype(np.float64, copy=False).reshape(-1)
            for name in self.outputs
        ]
        return vectors[0] if len(vectors) == 1 else np.concatenate(vectors)
