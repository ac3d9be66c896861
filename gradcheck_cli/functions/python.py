"""Functions written in Python: from a spec's targets to a layer that can be called.

This is the one module that executes text as code: the user's ``setup``, run before the import.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.functions.base import ArrayType
from gradcheck_cli.functions.claims import checked_inputs
from gradcheck_cli.functions.hints import did_you_mean
from gradcheck_cli.functions.layer import PythonLayer, kind_of
from gradcheck_cli.functions.workspace import Workspace, import_file
from gradcheck_cli.result import Fault
from gradcheck_cli.spec.code import is_file, split_target
from gradcheck_cli.spec.types import CheckSpec, Code, Text

Found = Callable[..., Any] | str  # what a target names, or what is wrong with it


def import_layer(check: CheckSpec) -> tuple[PythonLayer | None, list[Fault]]:
    """Import what a check's targets name; a target that names no function is a fault of the spec.

    Raises
    ------
    EvaluationError
        Where the user's code does not run.
    """
    code = check.function
    assert isinstance(code, Code), "formulas are compiled elsewhere"
    folder = Path(check.spec).resolve().parent
    workspace = Workspace(_folders(code, folder), check.seed)
    if code.setup is not None:
        workspace.call("setup", _execute, code.setup, Path(check.spec).resolve())
    targets = {"python": code.target, **({"backward": code.backward} if code.backward else {})}
    sources = dict.fromkeys(split_target(target)[0] for target in targets.values())
    modules = {source: _module(workspace, folder, source) for source in sources}
    found = {key: _attribute(target, modules) for key, target in targets.items()}
    faults = [
        check.fault(problem, f"function.{key}") for key, problem in found.items() if isinstance(problem, str)
    ]
    return (None, faults) if faults else (_layer(check, code, found, workspace), [])


def renewed(check: CheckSpec, outputs: Mapping[str, ArrayType]) -> PythonLayer | None:
    """Import a check's function anew, with outputs that are known already."""
    layer, _ = import_layer(check)
    return layer and replace(layer, outputs=outputs)


def known(check: CheckSpec, layer: PythonLayer, outputs: Mapping[str, ArrayType]) -> PythonLayer:
    """Let a layer know what it returns."""
    return replace(layer, outputs=outputs, renew=partial(renewed, check, outputs))


def input_types(check: CheckSpec) -> dict[str, ArrayType]:
    """Shapes and dtypes of a check's inputs."""
    return {one.name: ArrayType(one.shape, np.dtype(one.dtype)) for one in check.inputs}


def _folders(code: Code, folder: Path) -> tuple[Path, ...]:
    """Directories to import from: those of the spec's ``path``, then those of the files themselves."""
    sources = [split_target(target)[0] for target in (code.target, code.backward)]
    files = [(folder / source).parent for source in sources if is_file(source)]
    return tuple(dict.fromkeys(path.resolve() for path in (*(folder / one for one in code.path), *files)))


def _execute(text: Text, file: Path) -> None:
    """Run a spec's ``setup``; its lines count as those of the file."""
    source = "\n" * (text.line_offsets[0][0] - 1) + text.text
    exec(compile(source, str(file), "exec"), {"__name__": "setup"})  # noqa: S102  # what the user wrote it for


def _module(workspace: Workspace, folder: Path, source: str) -> ModuleType | str:
    """Import a file or a module; the name of a module that does not exist."""
    whose = f"the import of {source}"
    if is_file(source):
        return workspace.call(whose, import_file, (folder / source).resolve())
    try:
        return workspace.call(whose, importlib.import_module, source)
    except EvaluationError as error:
        cause = error.__cause__
        missing = cause.name if isinstance(cause, ModuleNotFoundError) else None
        if missing and f"{source}.".startswith(f"{missing}."):
            return missing
        raise


def _attribute(target: str, modules: Mapping[str, ModuleType | str]) -> Found:
    """Look a target up in its module."""
    source, name = split_target(target)
    found: Any = modules[source]
    if isinstance(found, str):
        return f"there is no module {found}; install it, or name its directory in path"
    for part in name.split("."):
        if not hasattr(found, part):
            public = [one for one in getattr(found, "__dict__", ()) if not one.startswith("_")]
            return f"{source} has no {name}{did_you_mean(part, public)}"
        found = getattr(found, part)
    if isinstance(found, type):
        return f"{name} is a class, and classes are not supported yet; name a function"
    return found if callable(found) else f"{name} is no function: it is {kind_of(found)}"


def _layer(check: CheckSpec, code: Code, found: Mapping[str, Any], workspace: Workspace) -> PythonLayer:
    forward, backward = (split_target(target)[1] for target in (code.target, code.backward))
    inputs = tuple(one.name for one in check.inputs)
    differentiable = tuple(one.name for one in check.inputs if one.differentiable)
    return PythonLayer(
        forward=found["python"],
        backward=found.get("backward"),
        names=(forward, backward or f"the pullback of {forward}"),
        style=code.style,
        kwargs=code.kwargs,
        inputs=input_types(check),
        orders=tuple(dict.fromkeys((inputs, differentiable, checked_inputs(check)))),
        workspace=workspace,
    )
