"""Arrays as a spec writes them: nested lists of short numbers."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array

MOST: Final = 2000  # entries that are written out; larger arrays nobody reads


def nested(array: Array, digits: int | None) -> Any:
    """Return an array as nested lists of short numbers, complex ones as text.

    >>> nested(np.array([[0.3333, -2.0]]), 2), nested(np.array(1.25 - 2j), None)
    ([[0.33, -2.0]], '1.25-2.0j')
    """
    if array.ndim:
        return [nested(one, digits) for one in array]
    number = array[()]
    if isinstance(number, np.bool_ | np.integer):
        return number.item()
    if isinstance(number, np.complexfloating):
        real, imag = (_short(part, digits) for part in (number.real, number.imag))
        return f"{real!r}{imag:+}j"
    return _short(number, digits)


def _short(number: Any, digits: int | None) -> float:
    """Round to so many significant digits; without a number of them, the shortest that mean the same."""
    return float(str(number) if digits is None else f"{float(number):.{digits}g}")
