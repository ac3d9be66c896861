"""What the parameters of a user's function are: arrays, settings, dictionaries of settings."""

from __future__ import annotations

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gradcheck_cli.explore.init.guesses import SCALARS, Guess, by_name, from_annotation, from_text, matching

_CONFIG: Final = re.compile(r".*_?(params?|cfg|config|conf|opts|options|hparams)", re.IGNORECASE)
_TRAINING: Final = re.compile(r"(is_?|in_?)?train(ing)?(_?(mode|flg|flag|phase))?", re.IGNORECASE)
_KEYS: Final = (("mode", "train"), ("padding", 0), ("num_steps|t_max", 4))


@dataclass(frozen=True)
class Parameter:
    """One parameter: an array with guesses of its shape, or a setting with its value."""

    name: str
    guesses: tuple[Guess, ...] = ()
    value: Any = None
    keyword: bool = True

    @property
    def is_input(self) -> bool:
        """Whether it is an array."""
        return bool(self.guesses)


def parameters(function: Callable[..., Any], *, skip: Sequence[str] = (), text: str = "") -> list[Parameter]:
    """Read the parameters that a call has to name; those with a fitting default are left to it.

    ``text`` is documentation beside the function's own, such as that of its class.
    """
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []
    wanted = [
        one for one in found if one.name not in skip and one.kind not in {one.VAR_KEYWORD, one.VAR_POSITIONAL}
    ]
    doc = "\n".join(filter(None, (inspect.getdoc(function), text)))
    names, keys = [one.name for one in wanted], dictionary_keys(function)
    return [_read(one, names, doc, keys.get(one.name)) for one in wanted if _is_needed(one)]


def _is_needed(one: inspect.Parameter) -> bool:
    """Whether a call must give it: it has no default, or its default would switch training off."""
    return one.default is one.empty or (one.default is False and bool(_TRAINING.fullmatch(one.name)))


def _read(
    one: inspect.Parameter, names: Sequence[str], doc: str, keys: Mapping[str, Any] | None
) -> Parameter:
    keyword = one.kind is not one.POSITIONAL_ONLY
    stated = from_annotation(one.annotation) if one.annotation is not one.empty else None
    stated = stated or from_text(one.name, names, doc, "from the docstring")
    if keys is not None or (stated is None and _CONFIG.fullmatch(one.name)):
        return Parameter(one.name, value=dict(keys or {}), keyword=keyword)
    row = matching(SCALARS, one.name)
    by_type = {int: 1, float: 0.5, bool: True, str: "train", "int": 1, "float": 0.5, "bool": True}
    if stated is None and (row or one.annotation in by_type):
        return Parameter(one.name, value=row[1] if row else by_type[one.annotation], keyword=keyword)
    guesses = by_name(one.name, names)
    return Parameter(one.name, (*((stated,) if stated else ()), *guesses), keyword=keyword)


def dictionary_keys(function: Callable[..., Any]) -> dict[str, dict[str, Any]]:
    """Find parameters that are read as dictionaries, with the keys that must be there and values for them."""
    found: dict[str, dict[str, Any]] = {}
    for node in ast.walk(syntax(function)):
        if not (isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load)):
            continue
        if isinstance(node.value, ast.Name) and isinstance(node.slice, ast.Constant):
            key = node.slice.value
            row = matching((*_KEYS, *SCALARS), key) if isinstance(key, str) else None
            if row and isinstance(key, str):
                found.setdefault(node.value.id, {})[key] = row[1]
    return found


def syntax(function: Callable[..., Any]) -> ast.AST:
    """Parse a function's source; an empty tree where there is none."""
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return ast.Module([], [])


def kwargs_text(values: Mapping[str, Any]) -> str:
    """Write settings as Python arguments."""
    return ", ".join(f"{name}={value!r}" for name, value in values.items())


def flow(value: Any) -> str:
    """Write settings as YAML on one line.

    >>> flow({"stride": 1, "mode": "train", "eps": 1e-05})
    '{stride: 1, mode: train, eps: 1.0e-05}'
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(flow, value)) + "]"
    if (
        isinstance(value, str)
        and re.fullmatch(r"[a-zA-Z][\w./-]*", value)
        and value not in {"yes", "no", "on", "off", "true", "false", "null", "y", "n"}
    ):
        return value
    text = json.dumps(value)
    return re.sub(r"^(-?\d+)e", r"\1.0e", text)
