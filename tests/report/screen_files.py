"""Whole screens kept as files: what is shown is compared literally.

After a change of the layout run with ``UPDATE_SCREENS=1`` and look at every screen that changed.
"""

from __future__ import annotations

import os
from pathlib import Path


def assert_screen(shown: str, file: Path) -> None:
    """Compare with the file, blanks at line ends aside; write it instead if that is asked for."""
    text = "".join(f"{line.rstrip()}\n" for line in shown.splitlines())
    if os.environ.get("UPDATE_SCREENS"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
