"""From a spec's function to a layer that can be called: one row for each way of writing it down."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from gradcheck_cli.functions.base import ArrayType
from gradcheck_cli.functions.layer import CodeLayer
from gradcheck_cli.functions.python import RecipeLayer, compiled, public_names, visible_names
from gradcheck_cli.functions.statements import checked_inputs
from gradcheck_cli.functions.styles import StyledLayer
from gradcheck_cli.functions.targets import find_targets, function_problem, open_workspace
from gradcheck_cli.result import Fault
from gradcheck_cli.spec.code import is_file, split_target
from gradcheck_cli.spec.types import CheckSpec, Code

Made = tuple[CodeLayer | None, list[Fault]]

_AS_RECIPE: Final = (
    'write the calls down: "python: {source}", "forward: |" and below it such as "layer = {name}(…)" and '
    '"y = layer.forward(x)", "backward: |" and "dx = layer.backward(dy)"'
)


def import_layer(check: CheckSpec) -> Made:
    """Import what a check's function names; a target that names no function is a fault of the spec.

    Raises
    ------
    EvaluationError
        Where the user's code does not run, or the framework is missing.
    """
    code = check.function
    assert isinstance(code, Code), "formulas are compiled elsewhere"
    return IMPORTERS["recipe" if code.recipe else code.framework](check, code)


def _styled(check: CheckSpec, code: Code) -> Made:
    """Make a layer of a function, and of its backward."""
    workspace = open_workspace(check, code)
    targets = {"python": code.target, **({"backward": code.backward} if code.backward else {})}
    found, faults = find_targets(check, workspace, targets)
    for key, one in found.items():
        source, name = split_target(targets[key])
        problem = function_problem(name, one, _AS_RECIPE.format(source=source, name=name))
        faults += [check.fault(problem, f"function.{key}")] if problem else []
    if faults:
        return None, faults
    forward, backward = (split_target(target)[1] for target in (code.target, code.backward))
    inputs = tuple(one.name for one in check.inputs)
    differentiable = tuple(one.name for one in check.inputs if one.differentiable)
    layer = StyledLayer(
        forward=found["python"],
        backward=found.get("backward"),
        names=(forward, backward or f"the pullback of {forward}"),
        style=code.style,
        kwargs=code.kwargs,
        inputs=input_types(check),
        orders=tuple(dict.fromkeys((inputs, differentiable, checked_inputs(check)))),
        workspace=workspace,
    )
    return layer, []


def _recipe(check: CheckSpec, code: Code) -> Made:
    """Make a layer of code that the spec holds."""
    assert code.recipe is not None
    workspace = open_workspace(check, code)
    found, faults = find_targets(check, workspace, {"python": code.target} if code.target else {})
    if faults:
        return None, faults
    modules = {}
    if found:
        source, name = split_target(code.target)
        own = Path(source).stem if is_file(source) else source.partition(".")[0]
        modules = {name.rpartition(".")[2]: found["python"]}
        if not name:
            modules = workspace.call(f"listing the names of {source}", public_names, found["python"], own)
    file = Path(check.spec).resolve()
    backward = code.recipe.backward
    layer = RecipeLayer(
        forward=compiled(code.recipe.forward, file),
        backward=None if backward is None else compiled(backward, file),
        names=("forward", "backward"),
        visible=visible_names(check, modules),
        kwargs=code.kwargs,
        wanted=tuple(one.name for one in check.outputs),
        inputs=input_types(check),
        workspace=workspace,
    )
    return layer, []


def _framework(name: str) -> Callable[[CheckSpec, Code], Made]:
    """Leave it to the framework's own module, which is imported only now."""

    def make(check: CheckSpec, code: Code) -> Made:
        module = importlib.import_module(f"gradcheck_cli.functions.{name}")
        made: Made = module.make_layer(check, code)
        return made

    return make


IMPORTERS: Final[Mapping[str, Callable[[CheckSpec, Code], Made]]] = {
    "python": _styled,
    "recipe": _recipe,
    "torch": _framework("torch"),
    "jax": _framework("jax"),
}


def known(check: CheckSpec, layer: CodeLayer, outputs: Mapping[str, ArrayType]) -> CodeLayer:
    """Let a layer know what it returns."""
    return replace(layer, outputs=outputs, renew=partial(_renewed, check, outputs))


def _renewed(check: CheckSpec, outputs: Mapping[str, ArrayType]) -> CodeLayer | None:
    """Import a check's function anew, with outputs that are known already."""
    layer, _ = import_layer(check)
    return layer and replace(layer, outputs=outputs)


def input_types(check: CheckSpec) -> dict[str, ArrayType]:
    """Shapes and dtypes of a check's inputs."""
    return {one.name: ArrayType(one.shape, np.dtype(one.dtype)) for one in check.inputs}
