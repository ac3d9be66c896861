"""Where a failing check goes: a folder for each, and the command that runs what is there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection
from pathlib import Path
from typing import Final

LONGEST: Final = 80  # characters of a folder's name
SPEC: Final = "spec.yaml"
ARRAYS: Final = "arrays.npz"
# Names that Windows has for devices, with or without a suffix.
_DEVICES: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)


def folder_name(check: str, taken: Collection[str]) -> str:
    """Make a name that is safe for a folder, and that no other one has, in capitals or not.

    >>> folder_name("dense layer[N=2,D=3]", []), folder_name("../a", ["a"]), folder_name("?", [])
    ('dense-layer-N=2-D=3', 'a-2', 'check')
    """
    plain = "".join(one if one.isalnum() or one in "=._" else "-" for one in check)
    name = re.sub("-+", "-", plain).strip("-.")[:LONGEST].rstrip("-.") or "check"
    name = f"check-{name}" if _DEVICES.match(name) else name
    known, number, result = {one.casefold() for one in taken}, 2, name
    while result.casefold() in known:
        result, number = f"{name}-{number}", number + 1
    return result


def command(path: Path, *, strict: bool = False) -> str:
    """Write the command that runs a spec or a folder of them.

    >>> command(Path("my failures/spec.yaml"))
    "gradcheck run 'my failures/spec.yaml'"
    """
    text = str(path)
    words = ["gradcheck", "run", *(["--strict"] if strict else []), f"./{text}" if text[:1] == "-" else text]
    return shlex.join(words)
