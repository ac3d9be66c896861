"""What the parser's complaints about YAML mean, in words for people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import yaml

from gradcheck_cli.spec.types import Position

_TAB: Final = "a tab stands here, and YAML indents with spaces only; write spaces"

# The first pattern found in "context: problem" decides; {start} is the line where the construct opened.
_MEANINGS: Final = (
    (
        r"mapping values are not allowed",
        'a second ": " in one value; quote the value, or mend the indentation',
    ),
    (
        r"',' or '\]'",
        "the list that opens with [ in line {start} goes wrong here; close it with ], or add a comma",
    ),
    (
        r"',' or '\}'",
        "the mapping that opens with {{ in line {start} goes wrong here; close it with }}, or add a comma",
    ),
    (
        r"quoted scalar",
        "the quoted text that starts in line {start} is broken here; close its quotes, double a \\",
    ),
    (r"could not find expected ':'|simple key", 'a key without a value; write "key: value"'),
    (
        r"expected key|block end|block mapping|block collection|block sequence|sequence entries",
        "this does not fit what starts in line {start}; indent it like its neighbours",
    ),
    (r"alias|anchor", "a name must follow & or *; quote a value that starts with one of them"),
    (r"tag|shorthand", "a value that starts with ! must be quoted"),
    (r"block scalar", "| and > stand alone on their line; begin the text in the next line"),
    (r"nesting", "nested too deep"),
    (r"directive|document|incompatible", "a line that starts with % or --- does not belong here"),
)


def position_of(mark: yaml.Mark | None) -> Position:
    """Line and column of a mark, counted from 1."""
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def explain(error: yaml.YAMLError, lines: Sequence[str]) -> tuple[str, Position]:
    """Say in one sentence what is wrong with the YAML, and where."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = position_of(mark)
    line = min(line, len(lines))
    written = lines[line - 1]
    indent = written[: len(written) - len(written.lstrip())]
    if "\t" in indent:
        return _TAB, (line, indent.index("\t") + 1)
    problem = f"{getattr(error, 'context', None) or ''}: {getattr(error, 'problem', None) or error}"
    if "cannot start any token" in problem:
        return _reserved(written[column - 1 : column]), (line, column)
    start = position_of(getattr(error, "context_mark", None) or mark)[0]
    for pattern, meaning in _MEANINGS:
        if re.search(pattern, problem):
            return f"not valid YAML: {meaning.format(start=start)}", (line, column)
    return f"not valid YAML: {problem.removeprefix(': ')}", (line, column)


def _reserved(character: str) -> str:
    if character == "\t":
        return _TAB
    return f'not valid YAML: a value that starts with "{character}" must be quoted'
