"""Which files are specs: those named, and below a directory those with the top-level key ``gradcheck``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path as FilePath
from typing import Final

from gradcheck_cli.result import Fault
from gradcheck_cli.spec.source import parse, read_text

_SUFFIXES: Final = (".yaml", ".yml")
_KEY_LINE: Final = re.compile(rb"^(\xef\xbb\xbf)?gradcheck\s*:", re.MULTILINE)


def find_specs(paths: Sequence[str]) -> tuple[list[str], list[Fault]]:
    """List the spec files among and below the paths, each once, in the order of the paths."""
    found: dict[str, None] = {}
    faults: list[Fault] = []
    for path in paths:
        if FilePath(path).is_dir():
            below = list(_specs_below(path))
            if not below:
                message = (
                    'no spec below this directory: no .yaml or .yml file has the top-level key "gradcheck"'
                )
                faults.append(Fault(spec=path, message=message))
            found.update(dict.fromkeys(below))
        elif FilePath(path).exists():
            found[path] = None
        else:
            faults.append(Fault(spec=path, message="there is no such file or directory"))
    return list(found), faults


def _specs_below(directory: str) -> Iterator[str]:
    for folder, subfolders, files in os.walk(directory):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in sorted(files):
            path = FilePath(folder) / name
            if path.suffix in _SUFFIXES and not name.startswith(".") and _is_spec(path):
                yield str(path)


def _is_spec(path: FilePath) -> bool:
    """Tell a spec from other YAML; a broken file counts if a line of it looks like the key."""
    try:
        content = path.read_bytes()
    except OSError:
        return False
    if b"gradcheck" not in content:
        return False
    text, fault = read_text(str(path))
    document = None if fault else parse(str(path), text)[0]
    if document is None:
        return _KEY_LINE.search(content) is not None
    return "gradcheck" in document.root.entries
