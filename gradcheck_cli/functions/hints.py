"""Suggestions for misspelt names."""

from __future__ import annotations

from collections.abc import Iterable

from gradcheck_cli.spec.names import closest


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'relu'?`` if something known looks like ``name``, else nothing.

    >>> did_you_mean("rleu", ["relu", "exp"])
    "; did you mean 'relu'?"
    """
    close = closest(name, known)
    return "" if close is None else f"; did you mean {close!r}?"
