"""A spec file's text into resolved checks: defaults merged, sweeps written out, every size a number.

All faults of a file are gathered; a file with any fault yields no checks.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path as FilePath
from typing import Any, Final

from pydantic import ValidationError

from gradcheck_cli.result import Fault
from gradcheck_cli.spec.check import Options, check_count, resolve_check
from gradcheck_cli.spec.faults import empty_faults, empty_values, form_faults, make_fault
from gradcheck_cli.spec.find import find_specs
from gradcheck_cli.spec.model import FORMAT, File
from gradcheck_cli.spec.scope import Scope, split
from gradcheck_cli.spec.source import parse, read_text
from gradcheck_cli.spec.tree import Document, Path, describe, plain_data
from gradcheck_cli.spec.types import CheckSpec

__all__ = ["find_specs", "load_specs"]

MAX_CHECKS: Final = 10_000


def load_specs(
    path: str, text: str | None = None, *, max_memory: int, no_code: bool = False
) -> tuple[list[CheckSpec], list[Fault]]:
    """Load one spec file; ``text`` stands in for the file's content.

    ``max_memory`` is the budget of one input in bytes; with ``no_code`` a spec that would import code is
    refused.
    """
    if text is None:
        text, fault = read_text(path)
        if fault is not None:
            return [], [fault]
    document, faults = parse(path, text)
    if document is None:
        return [], _in_order(faults)
    faults = _version_faults(document)
    if faults:
        return [], faults
    file, faults = _validate(document)
    checks: list[CheckSpec] = []
    if file is not None:
        options = Options(max_memory=max_memory, no_code=no_code)
        checks, found = _resolve_file(document, file, options)
        faults += found
    return ([], _in_order(faults)) if faults else (checks, [])


def _in_order(faults: Iterable[Fault]) -> list[Fault]:
    return sorted(dict.fromkeys(faults), key=lambda fault: (fault.line, fault.column))


def _version_faults(document: Document) -> list[Fault]:
    entry = document.root.entries.get("gradcheck")
    if entry is None:
        message = 'the key "gradcheck" is missing; write "gradcheck: 1" at the top'
        return [make_fault(document.spec, message, (), (1, 1))]
    value = plain_data(entry.node)
    if value == FORMAT and type(value) is int:
        return []
    found = describe(entry.node)
    message = f'this version reads format {FORMAT}, not {found}; write "gradcheck: {FORMAT}"'
    if type(value) is int and value > FORMAT:
        message = f"this version reads format {FORMAT}, not {found}; update gradcheck-cli"
    return [make_fault(document.spec, message, ("gradcheck",), entry.position)]


def _validate(document: Document) -> tuple[File | None, list[Fault]]:
    """Check the form of every key; what is left without the bad ones can be looked at further."""
    broken = empty_values(document.root)
    faults = empty_faults(document, broken)
    data = plain_data(document.root)
    try:
        file = File.model_validate(data)
    except ValidationError as error:
        faults += form_faults(document, error)
        broken += [one["loc"] for one in error.errors(include_url=False)]
    else:
        if not broken:
            return file, []
    return _what_is_left(data, {_key_of(path) for path in broken}), faults


def _key_of(path: Path) -> Path:
    """Cut a path down to what has to go as a whole: a check of the list, one input, or a key."""
    return path[:2] if path[:1] in {("checks",), ("inputs",)} else path[:1]


def _what_is_left(data: Any, broken: set[Path]) -> File | None:  # nested lists and dictionaries
    """Validate what is left without the broken keys; a check with one of its own is left empty."""
    if broken & {("dims",), ("checks",)}:
        return None  # without these everything else would seem wrong
    for path in broken:
        parent = data.get(path[0]) if len(path) > 1 else data
        if isinstance(parent, list):
            parent[int(path[1])] = {}
        elif isinstance(parent, dict):
            parent.pop(path[-1], None)
    try:
        return File.model_validate(data)
    except ValidationError:
        return None


def _resolve_file(document: Document, file: File, options: Options) -> tuple[list[CheckSpec], list[Fault]]:
    parts = list(split(document, file))
    total = sum(check_count(settings) for _, settings in parts)
    if total > MAX_CHECKS:
        message = f"{total} checks come out of the lists in dims, and a file may have {MAX_CHECKS}"
        return [], [parts[0][0].fault(f"{message}; shorten the lists, or split the file", "dims")]
    checks: list[CheckSpec] = []
    faults: list[Fault] = []
    names: dict[str, Scope] = {}
    base = file.name or FilePath(document.spec).stem
    for index, (scope, settings) in enumerate(parts):
        own_name = settings.name if "name" in scope.own.entries else None
        name = own_name or (base if len(parts) == 1 else f"{base}[{index}]")
        faults += _name_faults(scope, name, names)
        names.setdefault(name, scope)
        found, wrong = resolve_check(scope, settings, name, options)
        checks += found
        faults += wrong
    return checks, faults


def _name_faults(scope: Scope, name: str, taken: dict[str, Scope]) -> list[Fault]:
    if name not in taken:
        return []
    line = taken[name].position("name")[0]
    return [scope.fault(f'the name "{name}" is taken by the check in line {line}; choose another', "name")]
