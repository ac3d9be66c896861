"""What a key that does not fit the format means for people: where, what was found, what to write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from gradcheck_cli.result import Fault
from gradcheck_cli.spec import model
from gradcheck_cli.spec.names import suggest
from gradcheck_cli.spec.tree import (
    Document,
    ListNode,
    MapNode,
    Node,
    Path,
    Scalar,
    describe,
    key_position,
    mend_exponent,
    shorten,
    show_path,
    walk,
)
from gradcheck_cli.spec.types import Position

_EXPECTED: Final = {
    "string_type": "text",
    "int_type": "an integer",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "axis": "an integer or such as 2*D",
}
# What other tools call a claim; these resemble no key of ours.
_ALIASES: Final = dict.fromkeys(("grad", "gradient", "gradients", "backward"), "vjp")
_AXES: Final = re.compile(r"[\w+\-*/%(), ]+")
_CUT: Final = re.compile(r"[()\[\]{}]")  # brackets in a key: a formula that a comma has cut in two
_NOUNS: Final = {"allow": "contract code", "fail": "diagnosis code", "points": "point", "kinks": "choice"}

_FORMS: Final[Mapping[str, type[BaseModel]]] = {
    "function": model.FunctionForm,
    "tolerance": model.ToleranceForm,
    "expect": model.ExpectForm,
}


def make_fault(spec: str, message: str, path: Path, position: Position) -> Fault:
    """Put a fault together."""
    line, column = position
    return Fault(spec=spec, message=message, line=line, column=column, path=show_path(path))


def form_faults(document: Document, error: ValidationError) -> list[Fault]:
    """Translate what pydantic found wrong."""
    found = [_translate(document, one) for one in error.errors(include_url=False)]
    return [fault for fault in found if fault is not None]


def empty_values(root: MapNode) -> list[Path]:
    """List the places without a value; code's own keyword arguments may have none."""
    return [path for path, node in _leaves(root, ()) if node.value is None and "kwargs" not in path]


def empty_faults(document: Document, paths: Iterable[Path]) -> list[Fault]:
    """Say what is missing at the places without a value."""
    root = document.root
    return [
        make_fault(document.spec, _emptiness(root, path), path, key_position(root, path)) for path in paths
    ]


def _leaves(node: Node, path: Path) -> Iterator[tuple[Path, Scalar]]:
    if isinstance(node, Scalar):
        yield path, node
    elif isinstance(node, ListNode):
        for index, item in enumerate(node.items):
            yield from _leaves(item, (*path, index))
    else:
        for key, entry in node.entries.items():
            yield from _leaves(entry.node, (*path, key))


def _emptiness(root: MapNode, path: Path) -> str:
    node = walk(root, path)[1]
    if _CUT.search(str(path[-1])):
        return "inside { } and [ ] a comma ends the value; quote the whole value"
    if isinstance(node, Scalar) and node.written:
        return f'YAML reads {node.written} as nothing; write "{node.written}" for text, or leave it out'
    return "nothing stands here; write a value, or leave it out"


def _translate(document: Document, error: Mapping[str, Any]) -> Fault | None:
    location: Path = error["loc"]
    kind, context = error["type"], error.get("ctx") or {}
    path, node, position = walk(document.root, location)
    if isinstance(node, Scalar) and node.value is None:
        return None  # reported as empty
    if kind == "extra_forbidden":
        # An unknown key stands at its key, whatever its value.
        return make_fault(document.spec, _unknown_key(path), path[:-1], key_position(document.root, path))
    if kind == "missing":
        return make_fault(document.spec, f'the key "{location[-1]}" is missing', path, position)
    message = context["message"] if kind == "spec" else _complaint(kind, context, path, node)
    return make_fault(document.spec, message, path, position)


def _unknown_key(path: Path) -> str:
    key = path[-1]
    if _CUT.search(str(key)):
        return f'unknown key "{key}"; inside {{ }} and [ ] a comma ends the value: quote the whole value'
    form = _form_at(path[:-1])
    if issubclass(form, model.Settings) and key in _ALIASES:
        return f'unknown key "{key}"; did you mean "{_ALIASES[str(key)]}"?'
    return f'unknown key "{shorten(str(key))}"; {suggest(str(key), form.model_fields)}'


def _form_at(path: Path) -> type[BaseModel]:
    """Find the form whose keys stand below a path."""
    in_list = path[:1] == ("checks",)
    steps = path[2:] if in_list else path
    if not steps:
        return model.Settings if in_list else model.File
    if steps[0] == "inputs":
        return model.InputForm if len(steps) == 2 else model.SampleForm
    return _FORMS[str(steps[0])]


def _complaint(kind: str, context: Mapping[str, Any], path: Path, node: Node) -> str:
    if kind in {"literal_error", "sample"}:
        known = context.get("known") or re.findall(r"'([^']+)'|(\d+)", context["expected"])
        known = [one if isinstance(one, str) else "".join(one) for one in known]
        return _not_among(known or ["true"], path, node)
    if kind in _EXPECTED:
        return _wrong_list(path, node) or wrong_type(_EXPECTED[kind], node)
    if kind in {"too_short", "too_long"}:
        return _wrong_length(context, path, node)
    if kind == "string_too_short":
        return "the text is empty; write a value, or leave the key out"
    limits = {"ge": "at least", "gt": "more than", "le": "at most"}
    for key, words in limits.items():
        if key in context:
            return f"{describe(node)} is out of range; write {words} {context[key]:g}"
    if kind == "finite_number":
        return f"{describe(node)} is not finite; write a finite number"
    raise AssertionError(kind)  # a rule of the model without its sentence here


def _wrong_list(path: Path, node: Node) -> str | None:
    """Say which list was meant where one number or name stands in its place, if that can be told."""
    if not isinstance(node, Scalar) or isinstance(node.value, bool) or not _AXES.fullmatch(node.written):
        return None
    if path[-2:-1] == ("inputs",):
        axes = node.written.strip().removeprefix("(").removesuffix(")").rstrip(", ")
        return f"a shape or a mapping is expected here, not {describe(node)}; write [{axes}]"
    limits = {"normal": f"[{node.written}, 1]", "uniform": "[low, high]", "integers": "[low, high]"}
    if path[-2:-1] == ("sample",) and path[-1] in limits:
        return f"two numbers are expected here, not {describe(node)}; write {limits[str(path[-1])]}"
    return None


def _not_among(known: list[str], path: Path, node: Node) -> str:
    keys = [step for step in path if isinstance(step, str)]
    noun = _NOUNS.get(keys[-1], keys[-1])
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return f'unknown {noun} "{shorten(node.value)}"; {suggest(node.value, known)}'
    return f"{describe(node)} is no {noun}; write one of: {', '.join(known)}"


def _wrong_length(context: Mapping[str, Any], path: Path, node: Node) -> str:
    if 2 in {context.get("min_length"), context.get("max_length")}:
        wanted = "at least two names" if path[-1] == "chain" else "two numbers"
        return f"{wanted} are needed here, not {context['actual_length']}"
    what = "list" if isinstance(node, ListNode) else "mapping"
    return f"the {what} is empty; write at least one entry"


def wrong_type(expected: str, node: Node) -> str:
    """Say what is expected and what stands there, and how YAML came to read it so."""
    fact = f"{expected} is expected here, not {describe(node)}"
    if expected == "a list":
        return f"{fact}; write [{node.written}]" if isinstance(node, Scalar) else fact
    if not isinstance(node, Scalar):
        return fact
    if isinstance(node.value, str) and expected in {"a number", "an integer"}:
        return _number_as_text(node, fact)
    if expected == "text" and isinstance(node.value, bool):
        word = str(node.value).lower()
        return f'YAML reads {node.written} as {word}, and text is expected; write "{node.written}"'
    if expected == "text":
        return f'YAML reads {node.written} as a number, and text is expected; write "{node.written}"'
    return fact


def _number_as_text(node: Scalar, fact: str) -> str:
    mended = mend_exponent(node.written)
    if mended and not node.style:
        return f"YAML reads {node.written} as text, and a number is expected; write {mended}"
    try:
        float(node.written)
    except ValueError:
        return fact
    return f"{fact}; take the quotes away"
