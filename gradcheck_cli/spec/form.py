"""A check as its file writes it, as plain data, and plain data as the text of a spec again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import yaml
from pydantic import ValidationError

from gradcheck_cli.spec.model import FORMAT, File
from gradcheck_cli.spec.scope import split
from gradcheck_cli.spec.source import parse, read_text
from gradcheck_cli.spec.tree import plain_data
from gradcheck_cli.spec.types import CheckSpec

Form = dict[str, Any]  # key of a check → what the file says there

WIDTH: Final = 100  # columns up to which a value stands on one line
_STEP: Final = "  "


def form_of(check: CheckSpec, text: str | None = None) -> Form | None:
    """Read again what a check's file says of it, defaults merged in and the dims those of the check.

    None if the file says it no longer. ``text`` stands in for the file's content.
    """
    fault = None
    if text is None:
        text, fault = read_text(check.spec)
    document = None if fault else parse(check.spec, text)[0]
    if document is None:
        return None
    try:
        file = File.model_validate(plain_data(document.root))
    except ValidationError:
        return None
    scopes = (scope for scope, _ in split(document, file) if scope.own.position == check.position)
    merged = next((plain_data(scope.merged) for scope in scopes), None)
    if not isinstance(merged, dict):
        return None
    dims = {name: int(size) for name, size in check.dims.items()}
    head: Form = {"gradcheck": FORMAT, "name": check.name, **({"dims": dims} if dims else {})}
    return {**head, **{key: one for key, one in merged.items() if key not in {*head, "dims"}}}


def form_text(form: Mapping[str, Any], comments: Sequence[str] = ()) -> str:
    """Write a spec; short values stand on one line, text of several lines as a block.

    >>> print(form_text({"gradcheck": 1, "inputs": {"x": {"value": [[1.5, 2.0]]}}}), end="")
    gradcheck: 1
    inputs: {x: {value: [[1.5, 2.0]]}}
    """
    head = [f"# {line}".rstrip() for line in comments]
    body = [line for key, value in form.items() for line in _entry(key, value, "")]
    return "\n".join([*head, *body]) + "\n"


def _entry(key: str, value: Any, indent: str) -> Iterator[str]:
    start = f"{indent}{_flow(key)}:"
    line = f"{start} {_flow(value)}"
    if isinstance(value, str) and _is_block(value):
        yield f"{start} |" if value.endswith("\n") else f"{start} |-"
        yield from (f"{indent}{_STEP}{one}".rstrip() for one in value.removesuffix("\n").split("\n"))
    elif not isinstance(value, (dict, list)) or not value or (len(line) <= WIDTH and not _has_blocks(value)):
        yield line
    else:
        yield start
        yield from _nested(value, indent + _STEP)


def _nested(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, one in value.items():
            yield from _entry(key, one, indent)
        return
    for item in value:
        line = f"{indent}- {_flow(item)}"
        if len(line) <= WIDTH or not isinstance(item, (dict, list)) or not item:
            yield line
            continue
        first, *rest = _nested(item, indent + _STEP)
        yield f"{indent}- {first.lstrip()}"
        yield from rest


def _is_block(text: str) -> bool:
    """Whether text can stand as a block as it is: several lines, of which YAML would change nothing."""
    lines = text.removesuffix("\n").split("\n")
    plain = all(line.isprintable() and line == line.rstrip() for line in lines)
    return "\n" in text and plain and bool(lines[-1]) and bool(lines[0]) and not lines[0][0].isspace()


def _has_blocks(value: Any) -> bool:
    if isinstance(value, str):
        return "\n" in value
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(map(_has_blocks, children))


def _flow(value: Any) -> str:
    """Write a value on one line."""
    text: str = yaml.safe_dump(
        value, default_flow_style=True, width=10**9, allow_unicode=True, sort_keys=False
    )
    return text.removesuffix("\n").removesuffix("\n...").strip()
