"""The frameworks that are extras: which are installed, and which of our specs need none that is missing."""

from __future__ import annotations

import importlib.util
from pathlib import Path

FRAMEWORKS = ("torch", "jax")
SPECS = Path(__file__).parent.parent / "specs"
MISSING = [name for name in FRAMEWORKS if importlib.util.find_spec(name) is None]


def spec_files() -> list[str]:
    """Every spec that is shipped, but for those of frameworks that are missing."""
    files = sorted(path for path in SPECS.rglob("*.yaml") if not set(path.parts) & set(MISSING))
    return [str(path) for path in files]
