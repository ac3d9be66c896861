"""``gradcheck shapes``: the shapes of every value, claim and Jacobian of specs, with nothing computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gradcheck_cli.functions.outline import NO_LIMIT, outline
from gradcheck_cli.prepare import Settings, load, require_something, selection
from gradcheck_cli.spec.types import Code
from gradcheck_cli.views import ShapeReport

NO_LINES = "shapes reads formulas, and this function is code; gradcheck jacobian shows what comes of it"


def shape_report(paths: Sequence[str], settings: Settings) -> ShapeReport:
    """Describe every check of the given specs; sizes are of no concern, since no array is made.

    Raises
    ------
    GradcheckError
        For a selection that cannot be understood or selects nothing.
    """
    chosen = selection(settings)
    loaded, faults = load(paths, replace(settings, max_memory=NO_LIMIT))
    checks = [check for checks in loaded for check in checks if chosen(check.name)]
    require_something(checks, faults, settings)
    faults += [check.fault(NO_LINES, "function") for check in checks if isinstance(check.function, Code)]
    outlines = [outline(check) for check in checks if not isinstance(check.function, Code)]
    # A sweep repeats its check's faults at every size.
    faults += dict.fromkeys(fault for _, found in outlines for fault in found)
    shapes = tuple(one for one, _ in outlines)
    return ShapeReport(checks=shapes, faults=tuple(faults), budget=settings.max_memory)
