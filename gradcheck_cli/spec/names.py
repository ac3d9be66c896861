"""Names: which ones a spec may give to its inputs and sizes, and what a misspelt one was meant to be."""

from __future__ import annotations

import difflib
import keyword
import unicodedata
from collections.abc import Iterable


def closest(word: str, known: Iterable[str]) -> str | None:
    """Find the known word that a misspelt one was meant to be, if there is one.

    >>> closest("rleu", ["relu", "exp"]), closest("q", ["relu", "exp"])
    ('relu', None)
    """
    candidates = list(known)
    close = difflib.get_close_matches(word, candidates, n=1, cutoff=0.6)
    close = close or [one for one in candidates if one.lower() == word.lower()]
    return close[0] if close else None


def suggest(word: str, known: Iterable[str]) -> str:
    """Name the likeliest of the known words, or all of them.

    >>> suggest("functoin", ["inputs", "function"]), suggest("q", ["x", "w"])
    ('did you mean "function"?', 'write one of: x, w')
    """
    candidates = list(known)
    close = closest(word, candidates)
    if close is not None:
        return f'did you mean "{close}"?'
    return f"write one of: {', '.join(candidates)}" if candidates else "there is none to choose from"


def name_problem(name: str) -> str | None:
    """Say why formulas could not use this name, if so.

    >>> name_problem("w") is None, name_problem("lambda")
    (True, '"lambda" is a word of Python; choose another name')
    """
    if not name.isidentifier():
        return f'"{name}" cannot be used in a formula; a name is letters, digits and _, such as w_1'
    read = unicodedata.normalize("NFKC", name)  # as Python reads a formula's names
    if read != name:
        return f'"{name}" is read as "{read}" in a formula; write {read}'
    if keyword.iskeyword(name):
        return f'"{name}" is a word of Python; choose another name'
    if name.startswith("__"):
        return f'"{name}" starts with two underscores; choose another name'
    return None
