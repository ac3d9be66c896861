"""Why a check does not see a corruption, and what to add to its spec so that it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from gradcheck_cli.compare import default_rtol
from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.explore.mutate.corruption import Corruption
from gradcheck_cli.explore.mutate.site import Site
from gradcheck_cli.points import bind
from gradcheck_cli.spec.sample import EDGE

NO_EDGE: Final = "no point of this check holds such values: add edge to its points"


def why(site: Site, corruption: Corruption) -> str:
    """Return the first reason that is known to apply."""
    return next(_reasons(site, corruption), "")


def _reasons(site: Site, corruption: Corruption) -> Iterator[str]:
    check = site.check
    rtol = check.tolerance.rtol
    if rtol is not None and corruption.within <= rtol:
        yield f"so small an error is within the check's tolerance: state a smaller rtol than {rtol:g}"
    if corruption.within <= usual_rtol(site):
        yield f"so small an error is within what is usual for {site.type_.dtype}: use float64"
    if check.tolerance.atol:
        yield f"the check tolerates errors of {check.tolerance.atol:g} (atol), whatever the size: lower it"
    if not np.isfinite(site.detectable):
        yield "in some entries the numeric derivative tells nothing: choose other samples"
    fixed = [one.name for one in check.inputs if one.value is not None and one.differentiable]
    if fixed:
        yield f"{', '.join(fixed)} has one value at every point: give it a shape, so that it is drawn"


def usual_rtol(site: Site) -> float:
    """Relative error that is tolerated for the dtype if the spec says nothing else."""
    return float(default_rtol(np.asarray(np.finfo(site.type_.dtype).eps)))


def shows_at_edge(site: Site, corruption: Corruption) -> bool:
    """Whether an edge point, which the check does not have, would hold values at which it is wrong."""
    check, subject = site.check, site.subject
    if corruption.special is None or site.order == 2 or any(one.startswith(EDGE) for one in check.points):
        return False
    try:
        problem = bind(check, subject, EDGE)
        return bool(np.all(np.isfinite(problem.values))) and corruption.special(problem.primals)
    except EvaluationError:
        return False
