"""How a report becomes a file: whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def write_whole(path: Path, text: str) -> None:
    """Replace the file in one step, so that no reader ever finds half a report.

    Raises
    ------
    OSError
        If the file cannot be written; what stood there before still stands.
    """
    target = path.resolve()
    if target.exists() and not target.is_file():
        # A device or a pipe cannot be replaced, only written to.
        target.write_text(text, encoding="utf-8")
        return
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
