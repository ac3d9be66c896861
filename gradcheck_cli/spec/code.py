"""Functions written elsewhere: what a spec says of them, before anything is imported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Final

from gradcheck_cli.result import Fault
from gradcheck_cli.spec.claims import formula
from gradcheck_cli.spec.model import FunctionForm, Settings
from gradcheck_cli.spec.scope import Scope
from gradcheck_cli.spec.types import Code

_TARGET: Final = "write path/file.py:FUNCTION or package.module:FUNCTION"
_AS_CODE: Final = "a forward or backward written out as code is not supported yet"

Problem = tuple[tuple[str | int, ...], str]  # where below "function", and what

# Style → whether its gradients come from a ``backward`` that the spec names; pure ones have claims only.
_NAMES_BACKWARD: Final = {"pure": False, "stateless": True, "cache": True, "pullback": False}


def resolve_code(
    scope: Scope, settings: Settings, form: FunctionForm, *, no_code: bool
) -> tuple[Code, list[Fault]]:
    """Take what a spec says of a function written elsewhere, and everything that is wrong with it."""
    framework, _, target = form.target.partition(": ")
    code = Code(
        target=target,
        backward=form.backward or "",
        style=form.style or ("stateless" if form.backward else "pure"),
        kwargs=form.kwargs or {},
        path=tuple(form.path or ()),
        setup=formula(scope, "function", "setup")[0] if form.setup else None,
    )
    if no_code:
        message = f"refused: this spec would import code ({form.target}), and --no-code is set"
        return code, [scope.fault(message, "function", framework)]
    problems = _unsupported(form, framework)
    problems = problems or [*_style(code), *_without_claims(code, settings), *_missing(code, scope)]
    faults = [scope.fault(problem, "function", *path) for path, problem in problems]
    if settings.chain:
        message = "a chain goes through the lines of a formula, and a Python function has none; leave it out"
        faults.append(scope.fault(message, "chain"))
    return code, faults


def split_target(target: str) -> tuple[str, str]:
    """Take a target apart: file or module, and the dotted name in it.

    >>> split_target("layers.py:Affine.forward"), split_target("layers.py")
    (('layers.py', 'Affine.forward'), ('layers.py', ''))
    """
    source, colon, name = target.rpartition(":")
    return (source, name) if colon else (name, "")


def is_file(source: str) -> bool:
    """Tell a file from a module.

    >>> is_file("layers.py"), is_file("numpy.linalg")
    (True, False)
    """
    return source.endswith(".py")


def _unsupported(form: FunctionForm, framework: str) -> list[Problem]:
    if framework != "python":
        message = f"this version checks formulas and Python functions; {framework} is not supported yet"
        return [((framework,), message)]
    if form.forward is not None:
        return [(("forward",), f"{_AS_CODE}; name a function instead: python: layers.py:FUNCTION")]
    targets = {"python": form.python, "backward": form.backward}
    problems = [((key,), _target_problem(target)) for key, target in targets.items() if target is not None]
    return [(path, problem) for path, problem in problems if problem]


def _target_problem(target: str) -> str:
    source, name = split_target(target.strip())
    if "\n" in target.strip() or "=" in target:
        return f"{_AS_CODE}; {_TARGET}"
    if not source or not name or not all(part.isidentifier() for part in name.split(".")):
        return f'"{target}" names no function; {_TARGET}'
    return ""


def _style(code: Code) -> Iterator[Problem]:
    """Say where style and backward contradict one another."""
    if _NAMES_BACKWARD[code.style] and not code.backward:
        message = f'"style: {code.style}" calls a backward; write such as "backward: FILE:FUNCTION"'
        yield ("style",), message
    if code.backward and not _NAMES_BACKWARD[code.style]:
        whose = "returns it itself" if code.style == "pullback" else "has none"
        message = f'a function of "style: {code.style}" {whose}; leave "backward" or "style" out'
        yield ("backward",), message


def _without_claims(code: Code, settings: Settings) -> Iterator[Problem]:
    if code.style == "pure" and not (settings.vjp or settings.jvp or settings.jacobian):
        remedy = 'write "backward: FILE:FUNCTION", or a vjp, jvp or jacobian'
        yield (), f"nothing says what the gradient is; {remedy}"


def _missing(code: Code, scope: Scope) -> Iterator[Problem]:
    """Look for the files and directories; importing comes later."""
    folder = FilePath(scope.spec).parent
    for key, target in (("python", code.target), ("backward", code.backward)):
        source, _ = split_target(target)
        if is_file(source) and not (folder / source).is_file():
            yield (key,), f"there is no file {folder / source}"
    for index, directory in enumerate(code.path):
        if not (folder / directory).is_dir():
            yield ("path", index), f"there is no directory {folder / directory}"
