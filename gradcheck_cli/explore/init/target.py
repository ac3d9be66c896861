"""From a TARGET on the command line to the object that it names, imported."""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from gradcheck_cli.errors import EvaluationError, GradcheckError
from gradcheck_cli.functions.hints import did_you_mean
from gradcheck_cli.functions.workspace import Workspace, import_file
from gradcheck_cli.spec.code import is_file, split_target


@dataclass(frozen=True)
class Target:
    """What is to be checked, and how a spec names it."""

    source: str  # file or module, as a spec in its folder writes it
    attribute: str
    found: Any
    module: ModuleType
    workspace: Workspace

    @property
    def public(self) -> Mapping[str, Any]:
        """Names of the module that a recipe sees."""
        return {name: value for name, value in vars(self.module).items() if not name.startswith("__")}

    def named(self, attribute: str) -> str:
        """Write another target of the same module."""
        return f"{self.source}:{attribute}"


def find_target(target: str, folder: Path) -> Target:
    """Import what a target names; a spec in ``folder`` is going to name it.

    Raises
    ------
    GradcheckError
        Where there is no such file, module or name, or its import fails.
    """
    source, attribute = split_target(target)
    if os.sep in source and not is_file(source):
        raise GradcheckError(f"{source} is no Python file; write path/file.py:NAME or package.module:NAME")
    path = Path(source).resolve()
    if is_file(source) and not path.is_file():
        raise GradcheckError(f"there is no file {source}")
    folders = (path.parent,) if is_file(source) else (Path.cwd(),)
    workspace = Workspace(folders, 0)
    module = _import(workspace, source, path)
    written = Path(os.path.relpath(path, folder.resolve())).as_posix() if is_file(source) else source
    found = _attribute(module, source, attribute) if attribute else module
    return Target(written, attribute, found, module, workspace)


def _import(workspace: Workspace, source: str, path: Path) -> ModuleType:
    try:
        if is_file(source):
            return workspace.call(f"the import of {source}", import_file, path)
        return workspace.call(f"the import of {source}", importlib.import_module, source)
    except EvaluationError as error:
        cause = error.__cause__
        missing = cause.name if isinstance(cause, ModuleNotFoundError) else None
        if missing and f"{source}.".startswith(f"{missing}."):
            raise GradcheckError(
                f"there is no module {missing}; install it, or write path/file.py:NAME"
            ) from error
        raise


def _attribute(module: ModuleType, source: str, attribute: str) -> Any:
    found: Any = module
    for part in attribute.split("."):
        if not hasattr(found, part):
            names = (
                [name for name in vars(found) if not name.startswith("_")]
                if hasattr(found, "__dict__")
                else []
            )
            raise GradcheckError(f"{source} has no {attribute}{did_you_mean(part, names)}")
        found = getattr(found, part)
    return found


def own_names(module: ModuleType) -> list[str]:
    """Functions and classes that are written in a module itself, in their order."""
    return [
        name
        for name, value in vars(module).items()
        if (inspect.isfunction(value) or inspect.isclass(value))
        and getattr(value, "__module__", None) == module.__name__
        and not name.startswith("__")
    ]
