"""Recipes: Python code that a spec writes down, run as its function and its backward.

This is the one module that executes text as code. Forward sees the inputs, the dims, ``np``, the public
names of the module that the spec imports, and its ``kwargs``; backward goes on in the same namespace.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import numpy as np

from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.functions.base import Arrays
from gradcheck_cli.functions.layer import Call, CodeLayer, as_array
from gradcheck_cli.spec.names import closest
from gradcheck_cli.spec.types import CheckSpec, Text


class RecipeError(EvaluationError):
    """The code runs, and does not assign what it is there for: a fault of the spec at ``path``."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path


@dataclass(frozen=True, kw_only=True)
class RecipeLayer(CodeLayer):
    """Forward and backward as code; every forward call starts from a fresh namespace.

    Objects of the user's that gather gradients live in that namespace, so a backward comes once after
    each forward.
    """

    forward: CodeType
    backward: CodeType | None
    visible: Mapping[str, Any]  # names of modules and dims
    kwargs: Mapping[str, Any]
    wanted: tuple[str, ...]  # names of the outputs, or none: then y, alone or a tuple

    @property
    def has_backward(self) -> bool:
        """Whether it brings gradients along."""
        return self.backward is not None

    @property
    def repeatable(self) -> bool:
        """A layer may well add up the gradients of several backwards."""
        return False

    def call(self, primals: Arrays) -> Call:
        """Run forward in a fresh namespace."""
        given = self.copies(primals)
        names = {**self.visible, **copy.deepcopy(dict(self.kwargs)), **given}
        before = dict(names)
        self.workspace.call(self.names[0], execute, self.forward, names)
        values = [as_array(value, f"{self.names[0]} gave {name}") for name, value in self._outputs(names)]
        return Call(given, values, lambda cotangents: self._pull(names, before, cotangents))

    @property
    def spaces(self) -> list[MutableMapping[str, Any]]:
        """The namespaces that forward looks names up in: its own, and those of what it may call."""
        modules = {getattr(value, "__module__", None) for value in self.visible.values()}
        found = [vars(sys.modules[name]) for name in modules if name in sys.modules and name != np.__name__]
        own = [self.visible] if isinstance(self.visible, dict) else []
        return [*own, *(space for space in found if not str(space.get("__name__")).startswith("numpy"))]

    def trace(self, arrays: Mapping[str, Any]) -> Mapping[str, Any]:
        """Run forward with what only behaves like arrays; return what it gave, by output."""
        names = {**self.visible, **copy.deepcopy(dict(self.kwargs)), **arrays}
        self.workspace.call(self.names[0], execute, self.forward, names)
        return dict(zip(self.outputs, (value for _, value in self._outputs(names)), strict=True))

    def _outputs(self, names: Mapping[str, Any]) -> list[tuple[str, Any]]:
        missing = [name for name in self.wanted or ("y",) if name not in names]
        if missing:
            remedy = "assign it" if self.wanted else "assign it, or name what it assigns in outputs"
            raise RecipeError("function.forward", f"forward assigns no {', no '.join(missing)}; {remedy}")
        if not self.wanted and isinstance(names["y"], tuple):
            return [(f"y{place}", value) for place, value in enumerate(names["y"])]
        return [(name, names[name]) for name in self.wanted or ("y",)]

    def _pull(self, names: dict[str, Any], before: Mapping[str, Any], cotangents: Arrays) -> Arrays:
        """Run backward; a name that stood there before forward ran is no gradient."""
        names.update({f"d{name}": cotangent for name, cotangent in cotangents.items()})
        known = set(names)
        self.workspace.call_back(self.names[1], execute, self.backward, names)
        self._refuse_misspelt(names, set(names) - known)
        found = {name: f"d{name}" for name in self.inputs if f"d{name}" in names}
        return {
            name: names[own]
            for name, own in found.items()
            if own not in before or names[own] is not before[own]
        }

    def _refuse_misspelt(self, names: Mapping[str, Any], new: set[str]) -> None:
        """Refuse a gradient that is nearly named as an input's, which would go unchecked."""
        for name in (one for one in self.inputs if f"d{one}" not in names):
            meant = closest(f"d{name}", [one for one in sorted(new) if one[1:] not in self.inputs])
            if meant is not None and meant.startswith("d"):
                fact = f"backward assigns {meant}, and no d{name} for the input {name}"
                raise RecipeError("function.backward", f"{fact}; write d{name}, or d{name} = None")


def compiled(text: Text, file: Path) -> CodeType:
    """Compile a spec's code; its lines count as those of the file."""
    source = "\n" * (text.line_offsets[0][0] - 1) + text.text
    return compile(source, str(file), "exec")


def execute(code: CodeType, names: dict[str, Any]) -> None:
    """Run what the user wrote into the spec."""
    names.setdefault("__name__", "recipe")
    exec(code, names)  # noqa: S102  # what it is written there for


def public_names(module: ModuleType, name: str) -> dict[str, Any]:
    """Names of a module that a recipe can use: all without an underscore, and those that it lists itself.

    The module has a name of its own as well.
    """
    listed = getattr(module, "__all__", ())
    found = {key: value for key, value in vars(module).items() if not key.startswith("_") or key in listed}
    return {name: module, **found}


def visible_names(check: CheckSpec, modules: Mapping[str, Any]) -> dict[str, Any]:
    """Names that every namespace starts with."""
    return {"np": np, **modules, **{name: int(size) for name, size in check.dims.items()}}
