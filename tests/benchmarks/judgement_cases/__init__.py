"""The cases of the benchmark of judgement, each module with a tuple ``CASES``."""

from __future__ import annotations

import importlib
import pkgutil

from judgement_cases.case import Case

MODULES = [
    importlib.import_module(f"judgement_cases.{found.name}")
    for found in pkgutil.iter_modules(__path__)
    if found.name.startswith(("right_", "wrong_"))
]
ALL: tuple[Case, ...] = tuple(case for module in MODULES for case in module.CASES)
