"""Which files are specs: those named, and below a directory those with the top-level key ``gradcheck``."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path as FilePath
from typing import Final

from gradcheck_cli.result import Fault
from gradcheck_cli.spec.source import MAX_BYTES, is_regular, parse, read_text

_SUFFIXES: Final = (".yaml", ".yml")
_KEY_LINE: Final = re.compile(rb"^(\xef\xbb\xbf)?gradcheck\s*:", re.MULTILINE)


def find_specs(paths: Sequence[str]) -> tuple[list[str], list[Fault]]:
    """List the spec files among and below the paths, each once, in the order of the paths."""
    found: dict[str, None] = {}
    faults: list[Fault] = []
    for path in paths:
        if _is_directory(FilePath(path)):
            below = list(_specs_below(path))
            if not below:
                message = (
                    'no spec below this directory: no .yaml or .yml file has the top-level key "gradcheck"'
                )
                faults.append(Fault(spec=path, message=message))
            found.update(dict.fromkeys(below))
        elif is_regular(FilePath(path)):
            found[path] = None
        else:
            faults.append(Fault(spec=path, message=_absence(FilePath(path))))
    return list(found), faults


def _is_directory(path: FilePath) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _absence(path: FilePath) -> str:
    """Say why there is no file to read here."""
    try:
        path.stat()
    except FileNotFoundError:
        return "there is no such file or directory"
    except (OSError, ValueError) as error:
        return f"cannot be read: {getattr(error, 'strerror', None) or error}"
    return "this is no regular file; name a file or a directory"


def _specs_below(directory: str) -> Iterator[str]:
    for folder, subfolders, files in os.walk(directory):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in sorted(files):
            path = FilePath(folder) / name
            is_yaml = path.suffix in _SUFFIXES and not name.startswith(".")
            if is_yaml and is_regular(path) and _is_spec(path):
                yield str(path)


def _is_spec(path: FilePath) -> bool:
    """Tell a spec from other YAML; a broken file counts if a line of it looks like the key."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError:
        return False
    if b"gradcheck" not in content:
        return False
    text, fault = read_text(str(path))
    document = None if fault else parse(str(path), text)[0]
    if document is None:
        return _KEY_LINE.search(content) is not None
    return "gradcheck" in document.root.entries
