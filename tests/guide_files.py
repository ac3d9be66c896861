"""The files that the guide shows, for its examples to find."""

from __future__ import annotations

import re
from pathlib import Path

CODE = re.compile(r"```python\n# (\S+\.py)\n(.*?)```", re.DOTALL)


def write_code(guide: str, folder: Path) -> None:
    """Write every block of Python whose first line names a file."""
    for name, source in CODE.findall(guide):
        (folder / name).write_text(source, encoding="utf-8")
