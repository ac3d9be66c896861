"""Functions written elsewhere: what a spec says of them, before anything is imported."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Final

from gradcheck_cli.result import Fault
from gradcheck_cli.spec.claims import formula
from gradcheck_cli.spec.model import FunctionForm, Settings
from gradcheck_cli.spec.scope import Scope
from gradcheck_cli.spec.types import Code, Recipe, Text

_TARGET: Final = "write path/file.py:NAME or package.module:NAME"

Problem = tuple[tuple[str | int, ...], str]  # where below "function", and what

# Style → whether its gradients come from a ``backward`` that the spec names; pure ones have claims only.
_NAMES_BACKWARD: Final = {"pure": False, "stateless": True, "cache": True, "pullback": False}


def resolve_code(
    scope: Scope, settings: Settings, form: FunctionForm, *, no_code: bool
) -> tuple[Code, list[Fault]]:
    """Take what a spec says of a function written elsewhere, and everything that is wrong with it."""
    recipe, faults = _recipe(scope, form)
    names_backward = form.backward or "" if recipe is None else ""
    code = Code(
        framework=form.framework,
        target=form.target,
        backward=names_backward,
        style=form.style or ("stateless" if names_backward else "pure"),
        recipe=recipe,
        kwargs=form.kwargs or {},
        training=form.training,
        path=tuple(form.path or ()),
        setup=formula(scope, "function", "setup")[0] if form.setup else None,
    )
    if no_code:
        what = f"import code ({form.framework}: {form.target})" if form.target else "run code"
        message = f"refused: this spec would {what}, and --no-code is set"
        return code, [scope.fault(message, "function", form.framework if form.target else "forward")]
    problems = [*_targets(form, code), *_form(form, code), *_without_claims(code, settings)]
    problems = problems or [*_missing(form, scope), *(_taken(code, settings) if recipe else ())]
    faults += [] if faults else _syntax(scope, code)
    faults += [scope.fault(problem, "function", *path) for path, problem in problems]
    if settings.chain:
        message = "a chain goes through the lines of a formula, and code has none; leave it out"
        faults.append(scope.fault(message, "chain"))
    return code, faults


def _recipe(scope: Scope, form: FunctionForm) -> tuple[Recipe | None, list[Fault]]:
    """Take the code that a spec holds; lines that YAML has joined are refused."""
    if form.forward is None:
        return None, []
    forward, faults = formula(scope, "function", "forward")
    backward, found = formula(scope, "function", "backward") if form.backward is not None else (None, [])
    return Recipe(forward=forward, backward=backward), faults + found


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


def _targets(form: FunctionForm, code: Code) -> Iterator[Problem]:
    """Say which targets name nothing; with a recipe a file or module is enough."""
    if form.target or code.recipe is None:
        problem = _target_problem(form.target, alone=code.recipe is not None)
        if problem:
            yield (form.framework,), problem
    if code.backward and (problem := _target_problem(code.backward, alone=False)):
        yield ("backward",), problem


def _target_problem(target: str, *, alone: bool) -> str:
    source, name = split_target(target.strip())
    if "\n" in target.strip() or "=" in target:
        return f'this looks like code, and a function without "forward" names its parts; {_TARGET}'
    if alone and source and not name and ":" not in target:
        return ""
    if not source or not name or not all(part.isidentifier() for part in name.split(".")):
        hint = ', or write the calls down: "forward: |" and "backward: |"' if source and not name else ""
        return f'"{target}" names no function; {_TARGET}{hint}'
    return ""


def _form(form: FunctionForm, code: Code) -> Iterator[Problem]:
    """Say which keys contradict one another."""
    if code.framework != "python":
        for key in ("forward", "backward", "style"):
            if getattr(form, key) is not None:
                message = f'"{key}" is for Python functions; {code.framework} knows the gradient itself'
                yield (key,), f"{message}; leave it out"
    elif code.recipe is None:
        yield from _style(code)
    if form.training is not None and code.framework != "torch":
        yield ("training",), '"training" is for torch modules; leave it out'


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
    if code.framework != "python" or settings.vjp or settings.jvp or settings.jacobian:
        return
    own = code.recipe.backward is not None if code.recipe else code.style != "pure"
    if not own:
        key = 'backward: |" and the calls' if code.recipe else 'backward: FILE:FUNCTION"'
        yield (), f'nothing says what the gradient is; write "{key}, or a vjp, jvp or jacobian'


def _missing(form: FunctionForm, scope: Scope) -> Iterator[Problem]:
    """Look for the files and directories; importing comes later."""
    folder = FilePath(scope.spec).parent
    targets = {form.framework: form.target, "backward": form.backward if form.forward is None else None}
    for key, target in targets.items():
        source, _ = split_target(target or "")
        if is_file(source) and not (folder / source).is_file():
            yield (key,), f"there is no file {folder / source}"
    for index, directory in enumerate(form.path or ()):
        if not (folder / directory).is_dir():
            yield ("path", index), f"there is no directory {folder / directory}"


def _taken(code: Code, settings: Settings) -> Iterator[Problem]:
    """Find inputs whose names the recipe reads gradients or cotangents from."""
    assert code.recipe is not None
    if code.recipe.backward is None:
        return
    inputs = settings.inputs or {}
    for name in inputs:
        if f"d{name}" in inputs:
            fact = f"the gradient of {name} is read from d{name}, which is an input"
            yield ("backward",), f"{fact}; rename the input d{name}"
    for name in settings.outputs or ["y"]:
        if f"d{name}" in inputs:
            fact = f"d{name} is the cotangent of {name}, and an input"
            yield ("backward",), f"{fact}; rename the input"


def _syntax(scope: Scope, code: Code) -> Iterator[Fault]:
    """Find code that is no Python, at its line and column in the spec."""
    recipe = (code.recipe.forward, code.recipe.backward) if code.recipe else ()
    for text in (code.setup, *recipe):
        fault = text and _syntax_fault(scope, text)
        if fault:
            yield fault


def _syntax_fault(scope: Scope, text: Text) -> Fault | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            compile(text.text, scope.spec, "exec", dont_inherit=True)  # parsing alone lets a return pass
    except SyntaxError as error:
        line, column = text.locate(error.lineno or 1, error.offset or 1)
        message = error.msg
    except (ValueError, RecursionError, MemoryError) as error:  # null bytes; too deeply nested
        line, column = text.locate(1, 1)
        message = str(error)
    else:
        return None
    return replace(scope.fault(f"no Python: {message}", *text.path.split(".")), line=line, column=column)
