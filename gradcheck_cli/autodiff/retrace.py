"""Derivative rules written down as graphs: a rule is run with tracers, which record what it does.

Rules are written with NumPy's pure functions. NumPy hands these over to a tracer among their arguments, and
the tracer adds one more node of the vocabulary to its graph. Shapes and dtypes are known by the rows'
own rules; values are not known, so that a rule cannot depend on them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final, NoReturn

import numpy as np

from gradcheck_cli.autodiff.numpy_calls import CALLS, UFUNCS, Operand, UntraceableError, bound, name_of
from gradcheck_cli.autodiff.primitive import Primitive
from gradcheck_cli.autodiff.primitives import FUNCTIONS, PRIMITIVES
from gradcheck_cli.autodiff.primitives.elementwise import CAST, IDENTITY
from gradcheck_cli.autodiff.primitives.indexing import Hole
from gradcheck_cli.autodiff.trace import Graph, Node
from gradcheck_cli.errors import BudgetError, ShapeError
from gradcheck_cli.parts import is_complex
from gradcheck_cli.shapes import Shape, count, show, show_bytes


class Recorder:
    """A graph that grows by what tracers are made to do."""

    def __init__(self, graph: Graph, max_memory: int) -> None:
        self.nodes = list(graph.nodes)
        self._max_memory = max_memory

    @property
    def graph(self) -> Graph:
        """All that has been recorded so far."""
        return Graph(tuple(self.nodes))

    def tracer(self, number: int) -> Tracer:
        """Return the value of a node as a rule sees it."""
        return Tracer(self, number)

    def add(self, node: Node) -> Tracer:
        """Append a node.

        Raises
        ------
        BudgetError
            If its array alone would exceed the memory budget.
        """
        needed = count(node.shape) * node.dtype.itemsize
        if needed > self._max_memory:
            fact = f"an array of shape {show(node.shape)} takes {show_bytes(needed)}"
            raise BudgetError(f"{fact}, the memory budget is {show_bytes(self._max_memory)}")
        self.nodes.append(node)
        return Tracer(self, len(self.nodes) - 1)

    def node_of(self, operand: Operand) -> Tracer:
        """Return an operand as a node; numbers and arrays become constants."""
        if isinstance(operand, Tracer):
            return operand
        if isinstance(operand, bool | int | float | complex):
            return self.add(Node(shape=(), dtype=np.result_type(type(operand)), value=operand))
        array = np.asarray(operand)
        return self.add(Node(shape=array.shape, dtype=array.dtype, value=array))

    def record(self, primitive: Primitive, operands: Sequence[Operand], static: Mapping[str, Any]) -> Tracer:
        """Append an operation."""
        given = [self.node_of(one) for one in self._alike(primitive, operands)]
        kinds = [self.nodes[one.number].kind for one in given]
        try:
            shape = primitive.shape(*(one.shape for one in given), **static)
        except ShapeError as error:
            raise UntraceableError(f"{primitive.name}: {error}") from None
        named = {"dtype": static["dtype"]} if "dtype" in static else {}
        dtype = np.dtype(primitive.dtype(*kinds, **named))
        arguments = tuple(one.number for one in given)
        return self.add(
            Node(shape=shape, dtype=dtype, primitive=primitive, args=arguments, static=dict(static))
        )

    def copy(self, value: Tracer) -> Tracer:
        """Give a value a node of its own."""
        return self.record(IDENTITY, [value], {})

    def _alike(self, primitive: Primitive, operands: Sequence[Operand]) -> list[Operand]:
        """Give all operands that the result varies with one floating dtype, as NumPy would."""
        varying = [place for place in range(len(operands)) if primitive.vjps and primitive.vjps[place]]
        kinds = [_kind(operands[place]) for place in varying]
        if len(varying) < 2 or not any(np.issubdtype(np.result_type(kind), np.inexact) for kind in kinds):
            return list(operands)
        target = np.result_type(*kinds)
        return [self.cast(one, target) if place in varying else one for place, one in enumerate(operands)]

    def cast(self, operand: Operand, dtype: np.dtype[Any]) -> Operand:
        """Convert to a dtype."""
        if not isinstance(operand, Tracer):
            return np.asarray(operand, dtype)
        if operand.dtype == dtype:
            return operand
        given = operand.real if is_complex(operand.dtype) and not is_complex(dtype) else operand
        return self.record(CAST, [given], {"dtype": dtype}) if given.dtype != dtype else given


def _kind(operand: Operand) -> Any:
    return operand if isinstance(operand, bool | int | float | complex) else np.result_type(operand)


# Methods of arrays that do what NumPy's functions by their names do.
METHODS: Final = frozenset({
    "all", "any", "argmax", "argmin", "argsort", "clip", "conj", "cumprod", "cumsum", "diagonal",
    "dot", "max", "mean", "min", "prod", "ravel", "repeat", "round", "squeeze", "std", "swapaxes",
    "take", "trace", "var",
})  # fmt: skip


def _as_it_is(operand: Operand) -> Operand:
    """Keep an operand's value from being overwritten together with it."""
    return operand.copy() if isinstance(operand, Tracer) else operand


class Tracer(np.lib.mixins.NDArrayOperatorsMixin):
    """A value that is not known yet; looks like an array to NumPy's functions, and records what they do."""

    def __init__(self, recorder: Recorder, number: int) -> None:
        self.recorder, self.number = recorder, number

    @property
    def node(self) -> Node:
        """The node that it is the value of."""
        return self.recorder.nodes[self.number]

    @property
    def shape(self) -> Shape:
        """As an array's."""
        return self.node.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """As an array's."""
        return self.node.dtype

    @property
    def ndim(self) -> int:
        """As an array's."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """As an array's."""
        return count(self.shape)

    @property
    def T(self) -> Tracer:  # noqa: N802  # NumPy's name
        """As an array's."""
        return self._call("transpose", axes=None)

    @property
    def mT(self) -> Tracer:  # noqa: N802  # NumPy's name
        """As an array's."""
        return self._call("swapaxes", axis1=-1, axis2=-2)

    @property
    def real(self) -> Tracer:
        """As an array's."""
        return self._call("real") if is_complex(self.dtype) else self

    @property
    def imag(self) -> Tracer:
        """As an array's."""
        return self._call("imag")

    def astype(self, dtype: Any, *, copy: bool = True) -> Tracer:  # noqa: ARG002  # nothing is written into
        """As an array's."""
        found: Tracer = self.recorder.cast(self, np.dtype(dtype))
        return found

    def sum(self, axis: Any = None, *, keepdims: bool = False) -> Tracer:
        """As an array's."""
        return self._call("sum", axis=axis, keepdims=keepdims)

    def reshape(self, *shape: Any) -> Tracer:
        """As an array's."""
        return self._call("reshape", shape=shape[0] if len(shape) == 1 else shape)

    def copy(self) -> Tracer:
        """As an array's; what is written into one is not written into the other."""
        return Tracer(self.recorder, self.number)

    def transpose(self, *axes: Any) -> Tracer:
        """As an array's."""
        return self._call("transpose", axes=axes[0] if len(axes) == 1 else axes or None)

    def flatten(self) -> Tracer:
        """As an array's."""
        return self._call("ravel")

    def __getattr__(self, name: str) -> Any:
        """Find the methods of an array that NumPy has as functions."""
        if name not in METHODS:
            raise AttributeError(f"a traced array has no {name}")
        return partial(getattr(np, name), self)

    def _call(self, name: str, **static: Any) -> Tracer:
        return self.recorder.record(PRIMITIVES[name], [self], static)

    def __getitem__(self, index: Any) -> Tracer:
        parts = index if isinstance(index, tuple) else (index,)
        arrays = [part for part in parts if isinstance(part, np.ndarray | Tracer)]
        holes = iter(range(len(arrays)))
        template = tuple(
            Hole(next(holes)) if isinstance(part, np.ndarray | Tracer) else part for part in parts
        )
        return self.recorder.record(PRIMITIVES["getitem"], [self, *arrays], {"template": template})

    def __setitem__(self, index: Any, value: Any) -> None:
        """Write into entries that are known, each once; what is written may be unknown yet."""
        places = np.arange(self.size).reshape(self.shape)[index]
        if isinstance(value, Tracer):
            spread: Any = np.broadcast_to(value, places.shape)
            source = np.zeros(self.size, dtype=np.int64)
            source[places.reshape(-1)] = np.arange(places.size)
            written: Any = np.reshape(np.reshape(spread, (places.size,))[source], self.shape)
        else:
            written = np.zeros(self.shape, self.dtype)
            written[index] = value
        held = np.zeros(self.size, dtype=bool)
        held[places.reshape(-1)] = True
        changed: Any = np.where(held.reshape(self.shape), written, self.copy())
        self.number = self.recorder.cast(changed, self.dtype).number

    def __len__(self) -> int:
        return int(self.shape[0])

    def __iter__(self) -> Iterator[Tracer]:
        return iter([self[place] for place in range(len(self))])

    def __array__(self, *_arguments: Any, **_options: Any) -> NoReturn:
        raise UntraceableError("it turns a value that is not known yet into an array")

    def __bool__(self) -> NoReturn:
        raise UntraceableError("it decides by a value that is not known yet")

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        """Record a function that acts entry by entry."""
        name = ufunc.__name__.removesuffix(" (vectorized)")
        if options.get("out") == (self,) and method == "__call__" and len(options) == 1:  # as x -= y does
            result: Tracer = self.__array_ufunc__(ufunc, method, *map(_as_it_is, inputs))
            if result.shape != self.shape:
                raise UntraceableError(f"numpy.{name} into an array of another shape")
            self.number = self.recorder.cast(result, self.dtype).number
            return self
        if method != "__call__" or options:
            raise UntraceableError(f"numpy.{name} with {method} or {', '.join(options) or 'more'}")
        if name in UFUNCS:
            return UFUNCS[name](self.recorder, *inputs)
        if name not in FUNCTIONS:
            raise UntraceableError(f"numpy.{name}")
        return self.recorder.record(FUNCTIONS[name], inputs, {})

    def __array_function__(
        self, function: Callable[..., Any], _types: Any, arguments: Any, options: Mapping[str, Any]
    ) -> Any:
        """Record any other function of NumPy's."""
        name = name_of(function)
        if name in CALLS:
            return CALLS[name](self.recorder, *arguments, **options)
        if name not in FUNCTIONS:
            raise UntraceableError(f"numpy.{name}")
        return bound(self.recorder, FUNCTIONS[name], *arguments, **options)
