"""Figures as files, by matplotlib: the one package that is needed for nothing else, and so may be missing.

A figure depends on the report alone: not on the user's settings of matplotlib, a display, or the time.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.report.safe import safe

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST: Final = 12  # Jacobians, or checks, in one figure
DPI: Final = 150
MISSING: Final = "--plot draws with matplotlib, which is not installed: pip install 'gradcheck-cli[plot]'"
# Suffix → what would say when the file was written.
METADATA: Final[dict[str, dict[str, Any]]] = {
    ".png": {},
    ".svg": {"Date": None},
    ".pdf": {"CreationDate": None},
}
SETTINGS: Final[dict[Any, Any]] = {
    "svg.hashsalt": "gradcheck",
    "font.size": 9,
    "axes.titlesize": 9,
    "figure.titlesize": 10,
}


def require_matplotlib() -> None:
    """Make sure that figures can be drawn, before anything is computed for one.

    Raises
    ------
    GradcheckError
        If matplotlib cannot be imported.
    """
    try:
        import matplotlib.figure  # noqa: PLC0415  # an extra, slow to import
    except ImportError as error:
        raise GradcheckError(MISSING) from error
    assert matplotlib.figure


def require_few(number: int, noun: str, remedy: str) -> None:
    """Refuse a figure of more panels than can be looked at.

    Raises
    ------
    GradcheckError
        If there are more than ``MOST``.
    """
    if number > MOST:
        raise GradcheckError(f"--plot draws up to {MOST} {noun}, and there are {number}; use {remedy}")


@contextmanager
def _own_settings() -> Iterator[None]:
    import matplotlib as mpl  # noqa: PLC0415  # an extra

    with mpl.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names in letters that the font lacks
        mpl.rcdefaults()
        mpl.rcParams.update(SETTINGS)
        yield


def literal(text: str) -> str:
    r"""Spell out what is no letter, and what would begin a formula.

    >>> print(literal("costs in $\n$x$"))
    costs in \$
    \$x\$
    """
    return "\n".join(safe(line).replace("$", r"\$") for line in text.split("\n"))


def drawn(suffix: str, draw: Callable[[], Figure]) -> bytes:
    """Draw a figure as what a file of this suffix holds: one of those in ``METADATA``."""
    buffer = io.BytesIO()
    with _own_settings():
        draw().savefig(buffer, format=suffix.removeprefix("."), dpi=DPI, metadata=METADATA[suffix])
    return buffer.getvalue()
