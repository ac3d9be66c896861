"""Layers that carry something on from call to call, as a gradient that is added to and never cleared.

Random numbers differ from call to call as well, but they do not go anywhere.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.contract.arrays import Broken
from gradcheck_cli.contract.case import Case, Gradients
from gradcheck_cli.functions.base import Arrays

CALLS = 6  # random ones seem to go one way with a probability of 2 / 6!
ALIGNED = 0.9  # cosine of the angle between one change and the next


def is_unsteady(case: Case) -> bool:
    """Whether there is code that does not repeat itself."""
    return case.layer is not None and not case.repeats


def is_still(case: Case) -> bool:
    """Whether there is code, and what differs from call to call, if anything, does not go one way."""
    return case.layer is not None and (case.repeats or not drift(case))


def drift(case: Case) -> Broken:
    """Equal calls do not move the outputs, or else the gradients, further and further one way."""
    if case.unsteady_forward:
        calls: list[Arrays | Gradients] = [case.values() for _ in range(CALLS)]
        return _moving(calls, "forward")
    return _moving([case.pull(case.run()) for _ in range(CALLS)], "backward")


def _moving(calls: list[Arrays | Gradients], whose: str) -> Broken:
    found = {}
    for name, first in calls[0].items():
        if first is None:
            continue
        series = np.stack([np.asarray(call[name], np.result_type(first, np.float64)) for call in calls])
        changes = np.diff(series.reshape(CALLS, -1), axis=0)
        if all(_aligned(*two) for two in pairwise(changes)):
            found[name] = _told(name, series, changes, whose)
    return {"": "; ".join(found.values())} if found else {}


def _aligned(one: Array, other: Array) -> bool:
    lengths = float(np.linalg.norm(one) * np.linalg.norm(other))
    return bool(np.vdot(one, other).real > ALIGNED * lengths)


def _told(name: str, series: Array, changes: Array, whose: str) -> str:
    place = int(np.argmax(np.abs(changes).sum(axis=0)))
    shape = series.shape[1:]
    index = [int(axis) for axis in np.unravel_index(place, shape)] if shape else ""
    values = ", ".join(f"{call.reshape(-1)[place]:.6g}" for call in series)
    return f"{whose} goes on from what its last call left: in equal calls {name}{index} is {values}"
