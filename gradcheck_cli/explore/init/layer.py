"""How an object of a layer class is made, connected and called, and how a recipe writes that."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gradcheck_cli.explore.init.methods import SIZE_OF, Argument
from gradcheck_cli.explore.init.parameters import Parameter
from gradcheck_cli.explore.init.plain import COTANGENT
from gradcheck_cli.explore.init.plan import Arrays
from gradcheck_cli.explore.init.target import Target


@dataclass(frozen=True)
class Layer:
    """A class, and how its objects are made and called."""

    target: Target
    name: str
    owner: Any  # the class, or an object of it
    made: tuple[Parameter, ...]
    forward: str
    backward: str
    given: tuple[Parameter, ...]  # to forward
    pulled: tuple[Parameter, ...]  # to backward
    sizes: Mapping[str, int] = field(default_factory=dict)
    connected: tuple[tuple[str, tuple[Argument, ...]], ...] = ()
    lazy: bool = False  # its weights come to exist in the first forward
    attributes: tuple[str, str, str] = (
        "",
        "",
        "",
    )  # of input, output and cotangent, where methods take nothing

    @property
    def cls(self) -> type:
        """The class."""
        return self.owner if inspect.isclass(self.owner) else type(self.owner)

    @property
    def data(self) -> list[str]:
        """Names of forward's inputs."""
        return [one.name for one in self.given if one.is_input] or ["x"]

    @property
    def is_object(self) -> bool:
        """Whether the target is an object that is made already."""
        return not inspect.isclass(self.owner)

    def make(self, arrays: Arrays) -> Any:
        """Make an object and connect it."""
        np.random.seed(0)  # noqa: NPY002  # the user's code may use it
        if self.is_object:
            layer = copy.deepcopy(self.owner)
        else:
            values = {one.name: self._setting(one, arrays) for one in self.made}
            layer = self.owner(**values)
        for name, arguments in self.connected:
            getattr(layer, name)(*(copy.deepcopy(one.value) for one in arguments))
        return layer

    def _setting(self, one: Parameter, arrays: Arrays) -> Any:
        if one.is_input:
            return arrays[one.name]
        return one.value.value(self.sizes) if isinstance(one.value, SIZE_OF) else copy.deepcopy(one.value)

    def run(self, layer: Any, arrays: Arrays) -> list[Any]:
        """Call forward; return its outputs."""
        if self.attributes[0]:
            setattr(layer, self.attributes[0], arrays[self.data[0]])
        result = self.raw(layer, arrays)
        if self.attributes[1] and result is None:
            result = getattr(layer, self.attributes[1])
        return list(result) if isinstance(result, tuple) else [result]

    def raw(self, layer: Any, arrays: Arrays) -> Any:
        """Call forward; return what it returns."""
        return getattr(layer, self.forward)(
            *(arrays[one.name] if one.is_input else one.value for one in self.given)
        )

    def pull(self, layer: Any, arrays: Arrays, outputs: Sequence[Any], cotangents: Sequence[Any]) -> Any:
        """Call backward."""
        if self.attributes[2]:
            setattr(layer, self.attributes[2], cotangents[0])
        values: list[Any] = []
        rest = list(cotangents)
        for one, role in zip(self.pulled, self.roles(), strict=True):
            values.append(
                {"input": arrays.get(one.name), "output": outputs[0], "setting": one.value}.get(role)
                if role != "cotangent"
                else (rest.pop(0) if rest else None)
            )
        return getattr(layer, self.backward)(*values)

    def roles(self) -> list[str]:
        """What each parameter of backward is: a cotangent, an input again, a setting, or the output."""
        found: list[str] = []
        for one in self.pulled:
            if one.name in self.data:
                found.append("input")
            elif not one.is_input and not COTANGENT.fullmatch(one.name):
                found.append("setting")
            else:
                found.append(
                    "cotangent" if "cotangent" not in found or COTANGENT.fullmatch(one.name) else "output"
                )
        return found

    def make_text(self) -> list[str]:
        """Write how an object is made."""
        before = [line for _, arguments in self.connected for one in arguments for line in one.before]
        first = f"layer = {self.name}({self._made_text()})"
        if self.is_object:
            before, first = ["import copy", *before], f"layer = copy.deepcopy({self.name})"
        calls = [
            f"layer.{name}({', '.join(one.text for one in arguments)})" for name, arguments in self.connected
        ]
        return [*dict.fromkeys(before), first, *calls]

    def _made_text(self) -> str:
        parts = []
        for place, one in enumerate(self.made):
            text = (
                one.name
                if one.is_input
                else one.value.text
                if isinstance(one.value, SIZE_OF)
                else repr(one.value)
            )
            positional = (
                one.keyword
                and all(not before.name.startswith("*") for before in self.made[:place])
                and (one.is_input or isinstance(one.value, SIZE_OF))
            )
            parts.append(text if positional and self._in_order(place) else f"{one.name}={text}")
        return ", ".join(parts)

    def _in_order(self, place: int) -> bool:
        """Whether a parameter stands where it would without the ones that are left out."""
        names = list(inspect.signature(self.cls).parameters)
        return names[: place + 1] == [one.name for one in self.made[: place + 1]]

    @property
    def call_text(self) -> str:
        """Write the bare call of forward."""
        arguments = ", ".join(one.name if one.is_input else repr(one.value) for one in self.given)
        return f"layer.{self.forward}({arguments})" if self.forward != "__call__" else f"layer({arguments})"

    def run_text(self, outs: Sequence[str]) -> list[str]:
        """Write the call of forward."""
        called = self.call_text
        before = [f"layer.{self.attributes[0]} = {self.data[0]}"] if self.attributes[0] else []
        if self.attributes[1]:
            return [*before, called, f"{outs[0]} = layer.{self.attributes[1]}"]
        return [*before, f"{', '.join(outs)} = {called}"]

    def pull_text(self, outs: Sequence[str]) -> tuple[list[str], str]:
        """Write what goes before backward's call, and the call."""
        rest = [f"d{name}" for name in outs]
        arguments = [
            {"input": one.name, "output": outs[0], "setting": repr(one.value)}.get(role)
            or (rest.pop(0) if rest else "None")
            for one, role in zip(self.pulled, self.roles(), strict=True)
        ]
        before = [f"layer.{self.attributes[2]} = d{outs[0]}"] if self.attributes[2] else []
        return before, f"layer.{self.backward}({', '.join(arguments)})"
