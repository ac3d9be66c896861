"""How a report becomes a file: whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO


def write_whole(path: Path, content: str | bytes) -> None:
    """Replace the file in one step, so that no reader ever finds half a report.

    Raises
    ------
    OSError
        If the file cannot be written; what stood there before still stands.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    stream = _open_stream(path)
    if stream is not None:
        with stream:
            stream.write(data)
        return
    target = path.resolve()
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _open_stream(path: Path) -> BinaryIO | None:
    """Open what cannot be replaced, only written to: a device, a pipe, a stream of our own by its name."""
    if not path.exists():
        return None
    for descriptor in (1, 2):
        # /dev/stdout: opening it anew would cut off a file that it leads to, and fails for a socket.
        if path.is_symlink() and _is_open_as(path, descriptor):
            return os.fdopen(os.dup(descriptor), "wb")
    return None if path.is_file() else path.open("wb")


def _is_open_as(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except OSError:
        return False
