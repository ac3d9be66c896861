"""Names: which ones a spec may give to its inputs and sizes, and what a misspelt one was meant to be."""

from __future__ import annotations

import difflib
import keyword
from collections.abc import Iterable

CONSTANTS = ("pi", "e", "inf")


def suggest(word: str, known: Iterable[str]) -> str:
    """Name the likeliest of the known words, or all of them.

    >>> suggest("functoin", ["inputs", "function"]), suggest("q", ["x", "w"])
    ('did you mean "function"?', 'write one of: x, w')
    """
    candidates = list(known)
    close = difflib.get_close_matches(word, candidates, n=1, cutoff=0.6)
    close = close or [one for one in candidates if one.lower() == word.lower()]
    if close:
        return f'did you mean "{close[0]}"?'
    return f"write one of: {', '.join(candidates)}" if candidates else "there is none to choose from"


def name_problem(name: str) -> str | None:
    """Say why formulas could not use this name, if so.

    >>> name_problem("w") is None, name_problem("lambda")
    (True, '"lambda" is a word of Python; choose another name')
    """
    if not name.isidentifier():
        return f'"{name}" cannot be used in a formula; a name is letters, digits and _, such as w_1'
    if keyword.iskeyword(name):
        return f'"{name}" is a word of Python; choose another name'
    if name.startswith("__"):
        return f'"{name}" starts with two underscores; choose another name'
    if name in CONSTANTS:
        return f'"{name}" is a constant in formulas (pi, e, inf); choose another name'
    return None
