"""Which characters may reach a terminal: no control characters, and none that its encoding lacks."""

from __future__ import annotations

import codecs
import functools
import unicodedata
from collections.abc import Mapping
from typing import Final

# Our own notation and its twins for terminals without it; ``dy`` is a cotangent, so ∂ keeps a space.
TWINS: Final[Mapping[str, str]] = {
    "∂": "d ",
    "×": "x",
    "±": "+/-",
    "·": "*",
    "→": "->",
    "≤": "<=",
    "≥": ">=",
    "≈": "~",
    "≠": "!=",
    "−": "-",
    "–": "-",
    "—": "-",
    "…": "...",
    "⟨": "<",
    "⟩": ">",
    "∞": "inf",
    "ᵀ": "^T",
    "²": "^2",
    "‖": "||",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
}

# Controls, bidirectional and invisible marks, half characters of undecodable file names, line separators.
_HARMFUL: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


@functools.cache
def has_glyphs(encoding: str) -> bool:
    """Tell whether an encoding can write our notation.

    >>> has_glyphs("utf-8"), has_glyphs("cp1252"), has_glyphs("no such thing")
    (True, False, False)
    """
    try:
        "".join(TWINS).encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def safe(text: str, encoding: str = "utf-8") -> str:
    r"""Spell out in one line what would move the cursor or cannot be encoded.

    >>> print(safe("a\x1b[31mb\nc"))
    a\x1b[31mb\nc
    >>> print(safe("∂y/∂x: 2 × 3, größer", "ascii"))
    d y/d x: 2 x 3, gr\xf6\xdfer
    >>> print(safe("∂y/∂x: 2 × 3, größer", "cp1252"))
    d y/d x: 2 x 3, größer
    """
    spelled = "".join(_spell(character) for character in text)
    if has_glyphs(encoding):
        return spelled.encode(encoding, "backslashreplace").decode(encoding)
    twins = spelled.translate({ord(glyph): twin for glyph, twin in TWINS.items()})
    codec = encoding if _is_known(encoding) else "ascii"
    return twins.encode(codec, "backslashreplace").decode(codec)


def safe_lines(text: str, encoding: str = "utf-8") -> str:
    """Like ``safe``, for text that may have several lines."""
    lines = text.expandtabs(4).replace("\r\n", "\n").strip("\n").split("\n")
    return "\n".join(safe(line, encoding) for line in lines)


def _is_known(encoding: str) -> bool:
    try:
        codecs.lookup(encoding)
    except LookupError:
        return False
    return True


def _spell(character: str) -> str:
    if unicodedata.category(character) in _HARMFUL:
        return character.encode("unicode_escape").decode("ascii")
    return character
