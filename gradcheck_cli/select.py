"""The language of ``-k``: names to look for, joined by ``and``, ``or``, ``not`` and brackets.

Words that stand side by side are one phrase; a phrase matches a check whose name holds it, whatever the
case. Quotes make a word of what would be an operator or a bracket.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gradcheck_cli.errors import GradcheckError

Matcher = Callable[[str], bool]
_TOKEN = re.compile(r"""\s*(?:(?P<quoted>"[^"]*"|'[^']*')|(?P<bracket>[()])|(?P<word>[^\s()"']+))""")
_OPERATORS = frozenset({"and", "or", "not", "(", ")"})
_DEEPEST = 100  # brackets and negations within one another


def parse_selection(text: str) -> Matcher:
    """Turn an expression into a test on check names.

    >>> chosen = parse_selection("linear layer and not (N=2 or wrong)")
    >>> chosen("Linear layer[N=1]"), chosen("linear layer[N=2]"), chosen("layer")
    (True, False, False)

    Raises
    ------
    GradcheckError
        If the expression is no expression.
    """
    tokens = _tokens(text)
    matcher = _alternatives(tokens, text)
    if tokens:
        raise GradcheckError(f"-k {text!r}: unexpected {tokens[0]!r}")
    return matcher


def _tokens(text: str) -> list[str]:
    tokens, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise GradcheckError(f"-k {text!r}: a quote is not closed")
        at = match.end()
        # A quoted word keeps its quotes until it is matched, so that it is no operator.
        tokens.append(match.group().strip())
    return tokens


def _alternatives(tokens: list[str], text: str, depth: int = 0) -> Matcher:
    parts = [_conjunction(tokens, text, depth)]
    while tokens[:1] == ["or"]:
        tokens.pop(0)
        parts.append(_conjunction(tokens, text, depth))
    return lambda name: any(part(name) for part in parts)


def _conjunction(tokens: list[str], text: str, depth: int) -> Matcher:
    parts = [_negation(tokens, text, depth)]
    while tokens[:1] == ["and"]:
        tokens.pop(0)
        parts.append(_negation(tokens, text, depth))
    return lambda name: all(part(name) for part in parts)


def _negation(tokens: list[str], text: str, depth: int) -> Matcher:
    if depth > _DEEPEST:
        raise GradcheckError(f"-k: more than {_DEEPEST} brackets or 'not' within one another")
    if tokens[:1] == ["not"]:
        tokens.pop(0)
        inner = _negation(tokens, text, depth + 1)
        return lambda name: not inner(name)
    if tokens[:1] == ["("]:
        tokens.pop(0)
        inner = _alternatives(tokens, text, depth + 1)
        if tokens[:1] != [")"]:
            raise GradcheckError(f"-k {text!r}: a bracket is not closed")
        tokens.pop(0)
        return inner
    return _phrase(tokens, text)


def _phrase(tokens: list[str], text: str) -> Matcher:
    words: list[str] = []
    while tokens and tokens[0] not in _OPERATORS:
        token = tokens.pop(0)
        words.append(token[1:-1] if token[0] in "\"'" else token)
    if not words:
        raise GradcheckError(f"-k {text!r}: a name is missing")
    phrase = " ".join(words).lower()
    return lambda name: phrase in name.lower()
