"""Formulas of a check and the names they are claims about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from gradcheck_cli.result import Fault
from gradcheck_cli.spec.model import FunctionForm, Settings
from gradcheck_cli.spec.names import name_problem, suggest
from gradcheck_cli.spec.scope import Scope
from gradcheck_cli.spec.tree import Document, Path, Scalar, locate_text
from gradcheck_cli.spec.types import Text

_ASSIGNMENT: Final = re.compile(r"^[\s\w:'\"]*?\b[^\W\d]\w*\s*=(?!=)", re.MULTILINE)

_TARGET: Final = re.compile(r"^([^\W\d]\w*)[ \t]*=(?!=)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Claims:
    """The claims of one check, by what they are about."""

    vjp: Mapping[str, Text]
    jvp: Mapping[str, Text]
    jacobian: Mapping[tuple[str, str], Text]
    hvp: Mapping[str, Text] = field(default_factory=dict)


def formula(scope: Scope, *path: str) -> tuple[Text, list[Fault]]:
    """Take the formula at a path, and refuse one whose lines YAML has joined."""
    node = scope.node(*path)
    assert isinstance(node, Scalar)  # the model has seen to it
    text = locate_text(scope.document, node, path)
    if _joined(scope.document, node):
        message = f'YAML joins these lines into one; write "{path[-1]}: |" and the formulas indented below it'
        return text, [scope.fault(message, *path)]
    return text, []


def _joined(document: Document, node: Scalar) -> bool:
    if node.style == "|" or node.last_line <= node.position[0]:
        return False
    written = _assignments(document.lines[node.position[0] - 1 : node.last_line])
    return written > max(_assignments(str(node.value).split("\n")), 1)  # a blank line keeps lines apart


def _assignments(lines: Iterable[str]) -> int:
    return sum(bool(_ASSIGNMENT.match(line)) for line in lines)


def resolve_claims(
    scope: Scope, settings: Settings, differentiable: Mapping[str, bool]
) -> tuple[Claims, list[Fault]]:
    """Locate every claim and check the names that it is about; outputs are known downstream only."""
    faults: list[Fault] = []
    texts: dict[Path, Text] = {}
    if settings.hvp and settings.order == 1:
        faults.append(scope.fault("an hvp is a claim of order 2; leave order out, or write 2", "order"))
    for key in _CHECKS:
        for about in getattr(settings, key) or {}:
            texts[key, about], found = formula(scope, key, about)
            problem = _intermediate(settings, key, about, differentiable) or _CHECKS[key](
                about, differentiable
            )
            faults += found
            faults += [scope.fault(problem, key, about, at_key=True)] if problem else []
    if faults:
        return Claims(vjp={}, jvp={}, jacobian={}), faults
    return Claims(
        vjp={about: texts["vjp", about] for about in settings.vjp or {}},
        jvp={about: texts["jvp", about] for about in settings.jvp or {}},
        jacobian={_pair(about): texts["jacobian", about] for about in settings.jacobian or {}},
        hvp={about: texts["hvp", about] for about in settings.hvp or {}},
    ), []


def _intermediate(settings: Settings, key: str, about: str, differentiable: Mapping[str, bool]) -> str | None:
    """Say so if a gradient is claimed for what the function computes on its way."""
    name = _pair(about)[1] if key == "jacobian" else about
    if key == "jvp" or name in differentiable or not isinstance(settings.function, str):
        return None
    assigned = _TARGET.findall(settings.function)
    if name not in assigned or name in (settings.outputs or assigned[-1:]):
        return None
    inputs = ", ".join(one for one in differentiable if differentiable[one])
    return f'"{name}" is an intermediate of the function, not an input; write one of: {inputs}'


def _pair(about: str) -> tuple[str, str]:
    output, _, given = about.partition("/")
    return output.strip(), given.strip()


def _vjp_problem(about: str, differentiable: Mapping[str, bool]) -> str | None:
    return input_problem(about, differentiable)


def _jvp_problem(about: str, differentiable: Mapping[str, bool]) -> str | None:
    if about in differentiable:
        return f'"{about}" is an input, and jvp is written by output; write such as "y: x_dot @ w"'
    return name_problem(about)


def _jacobian_problem(about: str, differentiable: Mapping[str, bool]) -> str | None:
    output, given = _pair(about)
    if not output or not given or "/" in given:
        return f'"{about}" does not name a Jacobian; write "output/input", such as "y/x"'
    return name_problem(output) or input_problem(given, differentiable)


_CHECKS: Final = {
    "vjp": _vjp_problem,
    "jvp": _jvp_problem,
    "jacobian": _jacobian_problem,
    "hvp": _vjp_problem,
}


def input_problem(name: str, differentiable: Mapping[str, bool]) -> str | None:
    """Say why a gradient by this name cannot be checked, if so."""
    if name not in differentiable:
        return (
            f'"{name}" is no input; {suggest(name, [one for one in differentiable if differentiable[one]])}'
        )
    if not differentiable[name]:
        return f'"{name}" is not differentiable; leave it out, or give it a float dtype'
    return None


def name_faults(scope: Scope, settings: Settings) -> list[Fault]:
    """Find the names of dims and inputs that formulas could not use."""
    dims = settings.dims or {}
    places = [("dims", name) for name in dims] + [("inputs", name) for name in settings.inputs or {}]
    found = [(path, name_problem(path[1])) for path in places]
    found += [
        (("inputs", name), f'"{name}" is a size in dims and an input; rename one of them')
        for name in settings.inputs or {}
        if name in dims
    ]
    return [scope.fault(problem, *path, at_key=True) for path, problem in found if problem]


def selection_faults(scope: Scope, settings: Settings, differentiable: Mapping[str, bool]) -> list[Fault]:
    """Check ``wrt``, ``chain`` and the list of points."""
    faults: list[Fault] = []
    for index, name in enumerate(settings.wrt or ()):
        problem = (
            "" if _may_be_parameter(settings, name, differentiable) else input_problem(name, differentiable)
        )
        faults += [scope.fault(problem, "wrt", index)] if problem else []
    faults += _repeats(scope, "wrt", settings.wrt)
    faults += _repeats(scope, "chain", settings.chain)
    faults += _repeats(scope, "points", settings.points if isinstance(settings.points, list) else ())
    problem = input_problem(settings.chain[0], differentiable) if settings.chain else None
    if problem:
        faults.append(scope.fault(f"a chain starts at an input: {problem}", "chain", 0))
    for index, name in enumerate((settings.chain or ())[1:], start=1):
        problem = name_problem(name)
        faults += [scope.fault(problem, "chain", index)] if problem else []
    return faults


def _may_be_parameter(settings: Settings, name: str, differentiable: Mapping[str, bool]) -> bool:
    """Whether only the import can tell: a torch module has inputs that the spec need not name."""
    function = settings.function
    return isinstance(function, FunctionForm) and function.torch is not None and name not in differentiable


def _repeats(scope: Scope, key: str, names: Iterable[str] | None) -> list[Fault]:
    listed = list(names or ())
    return [
        scope.fault(f'"{name}" stands twice; keep one', key, index)
        for index, name in enumerate(listed)
        if name in listed[:index]
    ]
