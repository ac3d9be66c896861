"""The methods of a user's layer class by the names that people give them, and what they are called with."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final

import numpy as np

from gradcheck_cli.explore.init.guesses import SIZES, Guess, matching
from gradcheck_cli.explore.init.parameters import Parameter, parameters, syntax
from gradcheck_cli.explore.init.sizes import give_sizes

FORWARD: Final = (
    "forward", "forward_pass", "fprop", "feedforward", "feed_forward", "propagate",
    "forward_propagation", "forward_prop", "forwardprop", "fwd", "f", "apply", "compute", "update_output",
    "updateOutput", "activate", "__call__", "predict",
)  # fmt: skip
BACKWARD: Final = (
    "backward", "backward_pass", "bprop", "backprop", "back_prop", "backpropagate", "back_propagate",
    "backward_propagation", "backpropagation", "bwd", "feedbackward", "backwardprop", "backward_prop",
    "update_grad_input", "updateGradInput", "vjp", "pullback", "grad", "gradient",
)  # fmt: skip
CONNECT: Final = (
    "set_input_shape", "connect_to", "connect", "connect_from", "build", "setup", "initialize",
    "init_weights", "initialize_weights", "init_params", "initialize_parameters", "init_parameters", "init",
    "reset_parameters", "reset", "compile", "set_optimizer",
    "prepare", "_build", "_init_params", "zero_grad",
)  # fmt: skip

STEP: Final = ("class Step:", "    def update(self, w, grad, *_):", "        return w - grad")


class Step:
    """An optimiser whose step is the gradient itself."""

    def update(self, w: Any, grad: Any, *_: Any) -> Any:
        """Go one step down."""
        return w - grad


def first_method(cls: type, names: Sequence[str]) -> str:
    """Return the first of these methods that a class has; empty without one."""
    return next((name for name in names if callable(getattr(cls, name, None)) and _is_own(cls, name)), "")


def _is_own(cls: type, name: str) -> bool:
    return any(name in vars(one) for one in cls.__mro__ if one is not object)


@dataclass(frozen=True)
class Argument:
    """A value that a call gets, and how a recipe writes it."""

    value: Any
    text: str
    before: tuple[str, ...] = ()


def constructor(cls: type) -> list[Parameter]:
    """Read a constructor's parameters; sizes have the symbol of their axis as value."""
    doc = inspect.getdoc(cls) or ""
    function = next((vars(one)["__init__"] for one in cls.__mro__[:-1] if "__init__" in vars(one)), None)
    if function is None:
        return []
    found = parameters(function, skip=("self",), text=doc)
    return [_as_size(one) for one in found]


def _as_size(one: Parameter) -> Parameter:
    """Take a number whose name is that of a size, or an array named in lower case like one, as that size."""
    row = matching(SIZES, one.name)
    letter = len(one.name) == 1 and one.name not in {"d", "m", "D", "M", "H", "V"}
    if row is None or letter:
        return one
    return Parameter(one.name, value=SIZE_OF(row[1], "shape" in one.name.lower()), keyword=one.keyword)


@dataclass(frozen=True)
class SIZE_OF:  # noqa: N801  # reads as a mark
    """Marks a setting that is the size of an axis."""

    symbol: str
    as_tuple: bool = False

    def value(self, sizes: Mapping[str, int]) -> Any:
        """Look it up."""
        return (sizes[self.symbol],) if self.as_tuple else sizes[self.symbol]

    @property
    def text(self) -> str:
        """Write it with the symbol, which a recipe sees."""
        return f"({self.symbol},)" if self.as_tuple else self.symbol


def sizes_of(made: Sequence[Parameter]) -> dict[str, int]:
    """Sizes that a constructor is given; what heads share is even."""
    symbols = dict.fromkeys(one.value.symbol for one in made if isinstance(one.value, SIZE_OF))
    fixed = {"D": 4} if "D" in symbols and any("head" in one.name for one in made) else {}
    return give_sizes([Guess(tuple(symbols))], fixed)


def connections(cls: type, x: Any, x_name: str) -> Iterator[list[tuple[str, list[Argument]]]]:
    """Yield ways of connecting a layer: all such methods in turn, or a single one, with fitting arguments."""
    names = [name for name in CONNECT if _is_own(cls, name) and callable(getattr(cls, name, None))]
    shapes = [(x.shape[1:], f"{x_name}.shape[1:]"), (x.shape, f"{x_name}.shape")]
    shapes += [(x.shape[-1], f"{x_name}.shape[-1]")] if x.ndim else []
    for value, text in shapes:
        calls = [(name, _arguments(cls, name, Argument(value, text), Argument(x, x_name))) for name in names]
        if calls:
            yield calls
        for call in calls if len(calls) > 1 else ():
            yield [call]


def _arguments(cls: type, name: str, shape: Argument, x: Argument) -> list[Argument]:
    method = getattr(cls, name)
    is_static = isinstance(inspect.getattr_static(cls, name), staticmethod)
    found = list(inspect.signature(method).parameters.values())[0 if is_static else 1 :]
    return [
        _argument(method, one.name, shape, x)
        for one in found
        if one.default is one.empty and one.kind not in {one.VAR_KEYWORD, one.VAR_POSITIONAL}
    ]


def _argument(method: Any, name: str, shape: Argument, x: Argument) -> Argument:
    if re.search(r"optim|^opt$|solver|updater", name):
        return Argument(Step(), "Step()", STEP)
    if re.search(r"rng|random|generator", name):
        return Argument(np.random.default_rng(0), "np.random.default_rng(0)")
    if re.search(r"prev|layer|parent|source|upstream|node|bottom", name):
        return _previous(method, name, x.value, x.text)
    if name == x.text or re.fullmatch(r"x|inputs?|data", name, re.IGNORECASE):
        return x
    return shape


def _previous(method: Any, name: str, x: Any, x_name: str) -> Argument:
    """Stand in for the layer before, with the attributes that the method reads."""
    read = [
        node.attr
        for node in ast.walk(syntax(method))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name
    ]
    given = {
        attribute: (x.shape, f"{x_name}.shape")
        if "shape" in attribute
        else (x.shape[-1], f"{x_name}.shape[-1]")
        for attribute in dict.fromkeys(read)
    }
    text = ", ".join(f"{attribute}={value}" for attribute, (_, value) in given.items())
    value = SimpleNamespace(**{attribute: one for attribute, (one, _) in given.items()})
    return Argument(value, f"SimpleNamespace({text})", ("from types import SimpleNamespace",))


def attributes_of_self(method: Any, *, stored: bool) -> list[str]:
    """Attributes of ``self`` that a method reads, or assigns."""
    wanted = ast.Store if stored else ast.Load
    return list(
        dict.fromkeys(
            node.attr
            for node in ast.walk(syntax(method))
            if isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "self"
            and isinstance(node.ctx, wanted)
        )
    )
