"""What a spec's targets name: files and modules imported, attributes looked up."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.functions.hints import did_you_mean
from gradcheck_cli.functions.python import compiled, execute
from gradcheck_cli.functions.workspace import Workspace, import_file
from gradcheck_cli.result import Fault
from gradcheck_cli.spec.code import is_file, split_target
from gradcheck_cli.spec.types import CheckSpec, Code

Found = dict[str, Any]  # by key of ``function``


def open_workspace(check: CheckSpec, code: Code) -> Workspace:
    """Say where a check's code is imported from, and run its ``setup``.

    Raises
    ------
    EvaluationError
        Where that raises.
    """
    file = Path(check.spec).resolve()
    workspace = Workspace(_folders(code, file.parent), check.seed, file)
    if code.setup is not None:
        workspace.call("setup", execute, compiled(code.setup, file), {"__name__": "setup"})
    return workspace


def find_targets(
    check: CheckSpec, workspace: Workspace, targets: Mapping[str, str]
) -> tuple[Found, list[Fault]]:
    """Import what targets name, by their keys; one that names nothing is a fault of the spec.

    Raises
    ------
    EvaluationError
        Where the user's code does not run.
    """
    folder = Path(check.spec).resolve().parent
    sources = dict.fromkeys(split_target(target)[0] for target in targets.values())
    modules = {source: _module(workspace, folder, source) for source in sources}
    found: Found = {}
    faults: list[Fault] = []
    for key, target in targets.items():
        problem = workspace.call(f"looking up {target}", _missing, target, modules)
        if problem:
            faults.append(check.fault(problem, f"function.{key}"))
        else:
            found[key] = workspace.call(f"looking up {target}", _attribute, target, modules)
    return found, faults


def _folders(code: Code, folder: Path) -> tuple[Path, ...]:
    """Directories to import from: those of the spec's ``path``, then those of the files themselves."""
    sources = [split_target(target)[0] for target in (code.target, code.backward)]
    files = [(folder / source).parent for source in sources if is_file(source)]
    return tuple(dict.fromkeys(path.resolve() for path in (*(folder / one for one in code.path), *files)))


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


def _missing(target: str, modules: Mapping[str, ModuleType | str]) -> str:
    """Say what of a target there is not."""
    source, name = split_target(target)
    found: Any = modules[source]
    if isinstance(found, str):
        return f"there is no module {found}; install it, or name its directory in path"
    for part in filter(None, name.split(".")):
        if not hasattr(found, part):
            public = [one for one in getattr(found, "__dict__", ()) if not one.startswith("_")]
            return f"{source} has no {name}{did_you_mean(part, public)}"
        found = getattr(found, part)
    return ""


def _attribute(target: str, modules: Mapping[str, ModuleType | str]) -> Any:
    source, name = split_target(target)
    found: Any = modules[source]
    for part in filter(None, name.split(".")):
        found = getattr(found, part)
    return found


def function_problem(name: str, found: Any, remedy: str) -> str:
    """Say why something that was found cannot be called as a function; empty if it can."""
    if isinstance(found, type):
        return f"{name} is a class; {remedy}"
    return "" if callable(found) else f"{name} is no function: it is a {type(found).__name__}"
