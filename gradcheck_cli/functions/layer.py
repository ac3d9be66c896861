"""Layers that are code: what one call of forward comes to, and how gradients are taken from its backward.

How forward and backward are called is told by the subclasses: by calling style (``styles``), by a recipe
in the spec (``python``), by a framework (``torch``, ``jax``).
"""

from __future__ import annotations

import abc
import importlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.functions.base import Arrays, ArrayType
from gradcheck_cli.functions.workspace import Workspace
from gradcheck_cli.shapes import show
from gradcheck_cli.spec.types import InputSpec

_NUMBERS: Final = "fciub"  # kinds of dtype that hold numbers

Pull = Callable[[Arrays], Mapping[str, object]]


@dataclass(frozen=True)
class Call:
    """One call of forward: the arrays that it was given, its outputs in order, and its backward.

    ``pull`` takes a cotangent for each output and returns gradients by input, None or nothing for those
    that it has none of.
    """

    given: dict[str, Array]
    values: Sequence[Array]
    pull: Pull


@dataclass(frozen=True, kw_only=True)
class CodeLayer(abc.ABC):
    """A forward with or without a backward, and the names of what goes in and comes out.

    ``outputs`` is empty until a first call has shown what there is.
    """

    names: tuple[str, str]  # of forward and backward, for messages
    inputs: Mapping[str, ArrayType]
    workspace: Workspace
    outputs: Mapping[str, ArrayType] = field(default_factory=dict)
    renew: Callable[[], CodeLayer | None] = lambda: None
    parameters: tuple[InputSpec, ...] = ()  # inputs that the code itself brings along

    @property
    @abc.abstractmethod
    def has_backward(self) -> bool:
        """Whether it brings gradients along."""

    @property
    def own_memory(self) -> bool:
        """Whether all that backward needs is handed to it, so that other forward calls cannot matter."""
        return False

    @property
    def repeatable(self) -> bool:
        """Whether backward may be called more than once after one forward, and must give the same."""
        return True

    @abc.abstractmethod
    def call(self, primals: Arrays) -> Call:
        """Call forward with fresh copies of the primals.

        Raises
        ------
        EvaluationError
            Where the code raises, or returns what are no arrays.
        """

    def push(self, primals: Arrays, tangents: Arrays) -> list[Array] | None:  # noqa: ARG002  # most have none
        """Tangents of the outputs in order by the code's own forward mode; None if it has none."""
        return None

    def second(self) -> CodeLayer | None:
        """Return the layer (inputs, cotangents dNAME) → gradients, if its own derivative is known."""
        return None

    def renewed(self) -> CodeLayer | None:
        """Import the code anew, as far as it stands in the spec's own folders."""
        return self.renew()

    def run(self, primals: Arrays) -> Run:
        """Call forward with fresh copies.

        Raises
        ------
        EvaluationError
            Where the code raises, or returns something else than at the first point.
        """
        call = self.call(primals)
        if len(call.values) != len(self.outputs):
            raise EvaluationError(
                f"{self.names[0]} returned {len(call.values)} arrays, and {len(self.outputs)} before"
            )
        outputs = dict(zip(self.outputs, call.values, strict=True))
        for name, type_ in self.outputs.items():
            if outputs[name].shape != type_.shape:
                fact = f"{self.names[0]} gave {name} the shape {show(outputs[name].shape)}"
                raise EvaluationError(f"{fact}, and {show(type_.shape)} at the first point")
        return Run(self, call.given, outputs, call.pull)

    def copies(self, primals: Arrays) -> dict[str, Array]:
        """Fresh copies of the inputs, in their order."""
        return {name: np.array(primals[name], order="C") for name in self.inputs}


@dataclass(frozen=True, kw_only=True)
class FrameworkLayer(CodeLayer):
    """A function of a framework's arrays by name, whose gradients the framework tells."""

    function: Callable[[Mapping[str, Any]], Any]
    varying: frozenset[str]  # inputs with a gradient

    @property
    def has_backward(self) -> bool:
        """Whether it brings gradients along."""
        return True

    @property
    def own_memory(self) -> bool:
        """What each call's backward needs is kept by that call."""
        return True

    @property
    def wanted(self) -> list[str]:
        """The inputs with a gradient, in order."""
        return [name for name in self.inputs if name in self.varying]

    def second(self) -> CodeLayer | None:
        """Return the layer (inputs, cotangents) → gradients, whose backward is the double backward."""
        seeds = {f"d{name}": one for name, one in self.outputs.items() if one.differentiable}
        return replace(
            self,
            names=(self.names[1], f"the double backward of {self.names[0]}"),
            inputs={**self.inputs, **seeds},
            outputs={f"d{name}": self.inputs[name] for name in self.wanted},
            function=self.gradients,
            varying=self.varying | frozenset(seeds),
            parameters=(),
            renew=lambda: None,
        )

    @abc.abstractmethod
    def gradients(self, arrays: Mapping[str, Any]) -> list[Any]:
        """Compute the VJP so that it can be differentiated again: from inputs and cotangents dNAME."""


@dataclass(frozen=True)
class Run:
    """One forward call, with the very arrays that went in and came out."""

    layer: CodeLayer
    inputs: dict[str, Array]
    outputs: dict[str, Array]
    backward: Pull

    def pull(self, cotangents: Arrays) -> dict[str, Array | None]:
        """Call backward with these very arrays; return copies of its gradients, None where it gave none.

        Inputs that backward does not speak of are left out.

        Raises
        ------
        EvaluationError
            Where the code raises, or returns what cannot be told apart as gradients.
        """
        given = {
            name: cotangents[name] if name in cotangents else np.zeros(type_.shape, type_.dtype)
            for name, type_ in self.layer.outputs.items()
        }
        found = self.backward(given)
        wanted = [name for name, type_ in self.layer.inputs.items() if type_.differentiable]
        return {name: self._gradient(name, found[name]) for name in wanted if name in found}

    def _gradient(self, name: str, value: object) -> Array | None:
        if value is None:
            return None
        array = as_array(value, f"{self.layer.names[1]} gave {name}")
        if not hasattr(value, "dtype") and array.dtype.kind in "iub":  # a mere number of Python has no dtype
            array = array.astype(np.float64)
        return np.array(array, order="C")


def as_array(value: Any, whose: str) -> Array:
    """Take a result as an array, the very one that it is if it is one.

    Raises
    ------
    EvaluationError
        For anything but numbers; ``whose`` begins the message.
    """
    try:
        array = np.asarray(value.detach() if hasattr(value, "detach") else value)  # a tensor's numbers
    except Exception:  # noqa: BLE001  # ragged, or an object whose conversion raises whatever it likes
        array = np.empty((), object)
    if array.dtype.kind not in _NUMBERS:
        several = isinstance(value, list) and any(np.ndim(one) for one in value if hasattr(one, "shape"))
        remedy = "; if these are several, a tuple of them has names: y0, y1, … or those in outputs"
        raise EvaluationError(f"{whose} {kind_of(value)}, which is no array of numbers{remedy * several}")
    return array


def required(name: Literal["torch", "jax"]) -> Any:
    """Import a framework, which is an extra.

    Raises
    ------
    EvaluationError
        Where it is missing, or its import fails.
    """
    module, problem = None, ""
    try:
        with warnings.catch_warnings():  # of what a framework says of itself while it is imported
            warnings.simplefilter("ignore")
            module = importlib.import_module(name)
    except Exception as error:  # noqa: BLE001  # a broken installation raises whatever it likes
        missing = isinstance(error, ModuleNotFoundError) and error.name == name
        problem = "" if missing else f"the import of {name} raised {type(error).__name__}: {error}"
    if module is not None and module.__file__ is not None:  # else it is some directory by that name
        return module
    remedy = f'install it: pip install "gradcheck-cli[{name}]"'
    raise EvaluationError(problem or f"this check needs {name}, which is not installed; {remedy}")


def kind_of(value: object) -> str:
    """Say what something is, for a message."""
    return "None" if value is None else f"a {type(value).__name__}"
