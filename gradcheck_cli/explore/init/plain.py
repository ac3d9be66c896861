"""A plain function with its settings: how it is called, and how a spec writes that."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from gradcheck_cli.explore.init.parameters import flow, kwargs_text, parameters
from gradcheck_cli.explore.init.plan import Arrays
from gradcheck_cli.explore.init.target import Target

COTANGENT: Final = re.compile(
    r"(d|g|v|ct|cot|cotangent|err|error|delta|upstream|top_diff|incoming)"
    r"|d_?(values?|vals?|next_?\w*|prev\w*|out\w*|y\w*|z\w*|a|h|c|l|s|p|scores|probs|logits|loss|act\w*)"
    r"|(?-i:d[A-Z]\w*)|(grad|gradient|delta|upstream|gout|dl_?d|nabla)\w*|g_\w+|\w+_?(grad|gradient|delta|error|diff|bar)",
    re.IGNORECASE,
)


class PlainFunction:
    """A function with its settings, its module, and what may be its backward."""

    def __init__(
        self, target: Target, name: str, function: Callable[..., Any], partners: Sequence[str]
    ) -> None:
        self.target, self.name, self.function = target, name, function
        self.partners = {one: lookup(target, one) for one in partners}
        self.parameters = parameters(function)
        self.inputs = [one.name for one in self.parameters if one.is_input]
        self.settings = {one.name: one.value for one in self.parameters if not one.is_input}

    @property
    def label(self) -> str:
        """Last part of its name."""
        return self.name.rpartition(".")[2]

    def outs(self, count: int = 1) -> list[str]:
        """Names of its outputs that no input has."""
        word = "y" if not {"y", "y0"} & {*self.inputs} else "out"
        return [word] if count == 1 else [f"{word}{place}" for place in range(count)]

    @property
    def out(self) -> str:
        """Name of its only output."""
        return self.outs()[0]

    @property
    def short(self) -> bool:
        """Whether the short form can call it: the inputs come first, the settings go by keyword."""
        order = [one.is_input for one in self.parameters]
        return order == sorted(order, reverse=True) and all(
            one.keyword for one in self.parameters if not one.is_input
        )

    def call(self, arrays: Arrays) -> Any:
        """Call it with inputs by name."""
        settings = copy.deepcopy(self.settings)
        by_keyword, positional = {}, []
        for one in self.parameters:
            value = arrays[one.name] if one.is_input else settings[one.name]
            if self.short and not one.is_input:
                by_keyword[one.name] = value
            else:
                positional.append(value)
        return self.function(*positional, **by_keyword)

    def text(self) -> str:
        """Write this call."""
        given = [one.name if one.is_input else repr(one.value) for one in self.parameters]
        if self.short:
            named = kwargs_text(self.settings)
            return f"{self.name}({', '.join([*self.inputs, *([named] if named else [])])})"
        return f"{self.name}({', '.join(given)})"

    def short_lines(self, backward: str, style: str) -> tuple[str, ...]:
        """Write it in a short form."""
        lines = [f"python: {json.dumps(self.target.named(self.name))}"]
        lines += [f"backward: {json.dumps(self.target.named(backward))}"] if backward else []
        lines += [f"style: {style}"] if style not in {"pure", "stateless"} else []
        return (*lines, *([f"kwargs: {flow(self.settings)}"] if self.settings else []))

    def recipe(self, forward: Sequence[str], backward: Sequence[str]) -> tuple[str, ...]:
        """Write it as a recipe."""
        return recipe(self.target.source, forward, backward)


def recipe(source: str, forward: Sequence[str], backward: Sequence[str]) -> tuple[str, ...]:
    """Write the calls down."""
    return (
        f"python: {flow(source)}",
        "forward: |",
        *(f"  {line}" for line in forward),
        *(("backward: |", *(f"  {line}" for line in backward)) if backward else ()),
    )


def lookup(target: Target, name: str) -> Any:
    """Find a dotted name in a target's module."""
    found: Any = target.module
    for part in name.split("."):
        found = getattr(found, part)
    return found


def by_names(result: Any, names: Sequence[str], floats: Sequence[str]) -> dict[str, Any]:
    """Tell which gradient is whose, in the orders that the short forms know."""
    if isinstance(result, Mapping):
        return {name: result[name] for name in names if name in result}
    if isinstance(result, (tuple, list)):
        for order in (names, floats, floats[: len(result)]):
            if len(order) == len(result):
                return dict(zip(order, result, strict=True))
        raise ValueError("too many gradients")
    return {floats[0]: result}


def keys_of(found: Any, names: Sequence[str]) -> dict[str, str]:
    """Match a dictionary's keys with inputs: ``dW``, ``W``, ``grad_W``, ``W_grad``, in any case."""
    if not isinstance(found, Mapping):
        raise KeyError("no dictionary")
    plain = {re.sub(r"^(d_?|grad_?|g_)(?=.)|(_?grad)$", "", str(key)).lower(): key for key in found}
    exact = {str(key).lower(): key for key in found}
    return {name: plain[name.lower()] if name.lower() in plain else exact[name.lower()] for name in names}


def unpack(names: Sequence[str]) -> str:
    """Write the gradients of inputs as a target of assignment."""
    return ", ".join(f"d{name}" for name in names)
