"""How much memory a process may take: a layer that exhausts it gets ``MemoryError``, the machine goes on.

The limit is that of the data segment: unlike the size of the address space it does not count what is only
mapped, such as the libraries of torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

SHARE: Final = 0.8  # of what is available when a process starts, for all together
_KIB: Final = 1024
_CGROUPS: Final = Path("/sys/fs/cgroup")
# Most that a group may take and what it takes, by its name in /proc/self/cgroup: version 2 has none.
_FILES: Final = {
    "": ("memory.max", "memory.current"),
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes"),
}


def limit_memory(jobs: int) -> None:
    """Let one of several processes take no more than its share of what is available now, beside what it has.

    Where the system does not tell, or knows no such limit, nothing is limited.
    """
    available, taken = available_memory(), _status("VmData")
    if resource is None or available is None or taken is None:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = taken + int(SHARE * available / jobs)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard < 0 else min(wanted, hard), hard))


def available_memory() -> int | None:
    """Bytes that can be had: of the machine, or of the control group where that allows less."""
    found = _field(Path("/proc/meminfo"), "MemAvailable")
    return None if found is None else min([found, *_left_in_groups()])


def _left_in_groups() -> Iterator[int]:
    """Bytes that the control groups of this process have left, in either version of their files."""
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, kinds, path = line.split(":", 2)
            if kinds not in _FILES:
                continue
            for folder in (_CGROUPS / kinds / path.lstrip("/"), _CGROUPS / kinds):
                most, used = (_number(folder / file) for file in _FILES[kinds])
                if most is not None and used is not None:
                    yield max(0, most - used)


def _number(file: Path) -> int | None:
    """Read a file that holds a number; ``max`` and a file that is not there are none."""
    with suppress(OSError, ValueError):
        return int(file.read_text(encoding="ascii"))
    return None


def _status(name: str) -> int | None:
    return _field(Path("/proc/self/status"), name)


def _field(file: Path, name: str) -> int | None:
    """Read ``name: 12 kB`` as bytes."""
    with suppress(OSError):
        for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * _KIB
    return None
