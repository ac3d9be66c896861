"""Plain Python functions as layers: how forward is called, what it returns, and how backward is called.

A calling style is one row of ``STYLES``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.functions.base import Arrays, ArrayType
from gradcheck_cli.functions.workspace import Workspace
from gradcheck_cli.shapes import show

_NUMBERS: Final = "fciub"  # kinds of dtype that hold numbers


@dataclass(frozen=True)
class Style:
    """A way in which forward and backward work together.

    ``pull`` lists the arguments of the backward, from a run and the cotangents of all outputs in order;
    ``remembers`` says that the last thing that forward returns is meant for backward.
    """

    remembers: bool
    pull: Callable[[PythonRun, Sequence[Array]], Sequence[object]]
    returns: str


STYLES: Final = {
    "pure": Style(remembers=False, pull=lambda run, cotangents: cotangents, returns="array or tuple"),
    "stateless": Style(
        remembers=False,
        pull=lambda run, cotangents: (*cotangents, *run.inputs.values()),
        returns="array or tuple",
    ),
    "cache": Style(
        remembers=True, pull=lambda run, cotangents: (*cotangents, run.memory), returns="(out, cache)"
    ),
    "pullback": Style(remembers=True, pull=lambda run, cotangents: cotangents, returns="(out, pullback)"),
}


@dataclass(frozen=True, kw_only=True)
class PythonLayer:
    """A forward and its backward, with the names of what goes in and comes out.

    ``outputs`` is empty until a first call has shown what there is.
    """

    forward: Callable[..., Any]
    backward: Callable[..., Any] | None
    names: tuple[str, str]  # of both functions, for messages
    style: str
    kwargs: Mapping[str, Any]
    inputs: Mapping[str, ArrayType]
    orders: Sequence[tuple[str, ...]]  # of inputs, in which gradients may come; the likeliest first
    workspace: Workspace
    outputs: Mapping[str, ArrayType] = field(default_factory=dict)
    renew: Callable[[], PythonLayer | None] = lambda: None

    @property
    def own_memory(self) -> bool:
        """Whether all that backward needs is handed to it, so that other forward calls cannot matter."""
        return STYLES[self.style].remembers

    @property
    def has_backward(self) -> bool:
        """Whether it brings gradients along."""
        return self.style != "pure"

    def returned(self, primals: Arrays) -> tuple[dict[str, Array], list[Array], object]:
        """Call forward; return the copies that it was given, its outputs, and what is meant for backward."""
        given = {name: np.array(primals[name], order="C") for name in self.inputs}
        result = self.workspace.call(
            self.names[0], self.forward, *given.values(), **copy.deepcopy(dict(self.kwargs))
        )
        values, memory = self._split(result)
        last = len(values) - 1 if len(values) > 1 and not self.own_memory else None
        outputs = [self._output(value, may_be_cache=place == last) for place, value in enumerate(values)]
        return given, outputs, memory

    def run(self, primals: Arrays) -> PythonRun:
        """Call forward with fresh copies.

        Raises
        ------
        EvaluationError
            Where the code raises, or returns something else than at the first point.
        """
        given, values, memory = self.returned(primals)
        if len(values) != len(self.outputs):
            raise EvaluationError(
                f"{self.names[0]} returned {len(values)} arrays, and {len(self.outputs)} before"
            )
        outputs = dict(zip(self.outputs, values, strict=True))
        for name, type_ in self.outputs.items():
            if outputs[name].shape != type_.shape:
                fact = f"{self.names[0]} gave {name} the shape {show(outputs[name].shape)}"
                raise EvaluationError(f"{fact}, and {show(type_.shape)} at the first point")
        return PythonRun(self, given, outputs, memory)

    def renewed(self) -> PythonLayer | None:
        """Import the code anew, as far as it stands in the spec's own folders."""
        return self.renew()

    def _output(self, value: object, *, may_be_cache: bool) -> Array:
        """Take one output as an array; the last one may be none because it is meant for backward."""
        try:
            return as_array(value, f"{self.names[0]} returned")
        except EvaluationError as error:
            if not may_be_cache:
                raise
            style = "pullback" if callable(value) else "cache"
            hint = f"if this last value is meant for backward, write style: {style}"
            raise EvaluationError(f"{error}; {hint}") from None

    def _split(self, result: object) -> tuple[Sequence[object], object]:
        """Take apart what forward returned: the outputs, and what it keeps for backward."""
        style = STYLES[self.style]
        if not style.remembers:
            return result if isinstance(result, tuple) else (result,), None
        if not isinstance(result, tuple) or len(result) < 2:
            fact = f"{self.names[0]} must return {style.returns}, and returned {kind_of(result)}"
            raise EvaluationError(f'{fact}; name another "style" than {self.style}')
        return result[:-1], result[-1]


@dataclass(frozen=True)
class PythonRun:
    """One forward call, with the very arrays that went in and came out."""

    layer: PythonLayer
    inputs: dict[str, Array]
    outputs: dict[str, Array]
    memory: Any

    def pull(self, cotangents: Arrays) -> dict[str, Array | None]:
        """Call backward with these very arrays; return copies of its gradients, None where it gave none.

        Raises
        ------
        EvaluationError
            Where the code raises, or returns what cannot be told apart as gradients.
        """
        layer = self.layer
        backward = self.memory if layer.style == "pullback" else layer.backward
        if not callable(backward):
            raise EvaluationError(f"{layer.names[1]} is no function: it is {kind_of(backward)}")
        given = [
            cotangents[name] if name in cotangents else np.zeros(type_.shape, type_.dtype)
            for name, type_ in layer.outputs.items()
        ]
        arguments = STYLES[layer.style].pull(self, given)
        kwargs = copy.deepcopy(dict(layer.kwargs)) if layer.style == "stateless" else {}
        result = layer.workspace.call(layer.names[1], backward, *arguments, **kwargs)
        named = by_name(result, layer.orders, layer.names[1])
        wanted = [name for name, type_ in layer.inputs.items() if type_.differentiable]
        return {name: self._gradient(name, named.get(name)) for name in wanted}

    def _gradient(self, name: str, value: object) -> Array | None:
        if value is None:
            return None
        array = as_array(value, f"{self.layer.names[1]} gave {name}")
        if not hasattr(value, "dtype") and array.dtype.kind in "iub":  # a mere number of Python has no dtype
            array = array.astype(np.float64)
        return np.array(array, order="C")


def as_array(value: object, whose: str) -> Array:
    """Take a result as an array, the very one that it is if it is one.

    Raises
    ------
    EvaluationError
        For anything but numbers; ``whose`` begins the message.
    """
    try:
        array = np.asarray(value)
    except Exception:  # noqa: BLE001  # ragged, or an object whose conversion raises whatever it likes
        array = np.empty((), object)
    if array.dtype.kind not in _NUMBERS:
        raise EvaluationError(f"{whose} {kind_of(value)}, which is no array of numbers")
    return array


def by_name(result: object, orders: Sequence[tuple[str, ...]], whose: str) -> Mapping[str, object]:
    """Tell which gradient belongs to which input.

    A mapping says so itself; a tuple or list has them in one of ``orders``; anything else is one gradient.

    Raises
    ------
    EvaluationError
        Where there are too many or too few.
    """
    if isinstance(result, Mapping):
        return _of_mapping(result, orders[0], whose)
    if isinstance(result, (tuple, list)):
        for names in orders:
            if len(result) == len(names):
                return dict(zip(names, result, strict=True))
    for names in orders:
        if len(names) == 1 and not isinstance(result, tuple):
            return {names[0]: result}
    number = len(result) if isinstance(result, (tuple, list)) else 1
    given, wanted = _counted(number, "gradient"), _counted(len(orders[0]), "input")
    fact = f"{whose} returned {given} ({kind_of(result)}) for {wanted}"
    raise EvaluationError(f"{fact}; return one for each of {', '.join(orders[0])}")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _of_mapping(result: Mapping[Any, object], inputs: tuple[str, ...], whose: str) -> Mapping[str, object]:
    unknown = [str(key) for key in result if key not in inputs]
    if unknown:
        fact = f"{whose} returned a gradient for {', '.join(unknown)}, which is no input"
        raise EvaluationError(f"{fact}; the inputs are {', '.join(inputs)}")
    return result


def kind_of(value: object) -> str:
    """Say what something is, for a message."""
    return "None" if value is None else f"a {type(value).__name__}"
