"""Plain Python functions as layers: how forward is called, what it returns, and how backward is called.

A calling style is one row of ``STYLES``.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.functions.base import Arrays
from gradcheck_cli.functions.layer import Call, CodeLayer, as_array, kind_of


@dataclass(frozen=True)
class Style:
    """A way in which forward and backward work together.

    ``pull`` lists the arguments of the backward, from the cotangents of all outputs in order, the inputs
    and what forward keeps for it; ``remembers`` says that the last thing that forward returns is that.
    """

    remembers: bool
    pull: Callable[[Sequence[Array], Sequence[Array], object], Sequence[object]]
    returns: str


STYLES: Final = {
    "pure": Style(
        remembers=False, pull=lambda cotangents, inputs, memory: cotangents, returns="array or tuple"
    ),
    "stateless": Style(
        remembers=False,
        pull=lambda cotangents, inputs, memory: (*cotangents, *inputs),
        returns="array or tuple",
    ),
    "cache": Style(
        remembers=True,
        pull=lambda cotangents, inputs, memory: (*cotangents, memory),
        returns="(out, cache)",
    ),
    "pullback": Style(
        remembers=True, pull=lambda cotangents, inputs, memory: cotangents, returns="(out, pullback)"
    ),
}


@dataclass(frozen=True, kw_only=True)
class StyledLayer(CodeLayer):
    """A function and its backward, called in one of the styles."""

    forward: Callable[..., Any]
    backward: Callable[..., Any] | None
    style: str
    kwargs: Mapping[str, Any]
    orders: Sequence[tuple[str, ...]]  # of inputs, in which gradients may come; the likeliest first

    @property
    def own_memory(self) -> bool:
        """Whether all that backward needs is handed to it, so that other forward calls cannot matter."""
        return STYLES[self.style].remembers

    @property
    def has_backward(self) -> bool:
        """Whether it brings gradients along."""
        return self.style != "pure"

    def call(self, primals: Arrays) -> Call:
        """Call forward with fresh copies."""
        given = self.copies(primals)
        values, memory = self._forward(given)
        last = len(values) - 1 if len(values) > 1 and not self.own_memory else None
        outputs = [self._output(value, may_be_cache=place == last) for place, value in enumerate(values)]

        def pull(cotangents: Arrays) -> Mapping[str, object]:
            return self._pull(given, memory, list(cotangents.values()))

        return Call(given, outputs, pull)

    @property
    def spaces(self) -> list[MutableMapping[str, Any]]:
        """The namespaces that forward looks names up in."""
        found = getattr(inspect.unwrap(self.forward), "__globals__", None)
        return [found] if found is not None else []

    def trace(self, arrays: Mapping[str, Any]) -> Mapping[str, Any]:
        """Call forward with what only behaves like arrays; return what it gave, by output."""
        values, _ = self._forward(arrays)
        return dict(zip(self.outputs, values, strict=True))

    def _forward(self, arrays: Mapping[str, Any]) -> tuple[Sequence[object], object]:
        """Call forward with the inputs in order; return its outputs and what it keeps for backward."""
        ordered, kwargs = [arrays[name] for name in self.inputs], copy.deepcopy(dict(self.kwargs))
        return self._split(self.workspace.call(self.names[0], self.forward, *ordered, **kwargs))

    def _pull(self, given: Arrays, memory: Any, cotangents: Sequence[Array]) -> Mapping[str, object]:
        backward = memory if self.style == "pullback" else self.backward
        if not callable(backward):
            raise EvaluationError(f"{self.names[1]} is no function: it is {kind_of(backward)}")
        arguments = STYLES[self.style].pull(cotangents, list(given.values()), memory)
        kwargs = copy.deepcopy(dict(self.kwargs)) if self.style == "stateless" else {}
        result = self.workspace.call_back(self.names[1], backward, *arguments, **kwargs)
        named = by_name(result, self.orders, self.names[1])
        return {name: named.get(name) for name in self.inputs}

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
