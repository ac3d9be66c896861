"""The values of a point written into a spec: as few digits as it still fails with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.check import MILDER
from gradcheck_cli.functions.base import Subject
from gradcheck_cli.points import bind, point_names
from gradcheck_cli.problem import Problem
from gradcheck_cli.reproduce.numbers import MOST, nested
from gradcheck_cli.reproduce.target import Likeness
from gradcheck_cli.reproduce.trial import Judge, Sound, Trial
from gradcheck_cli.shapes import count
from gradcheck_cli.spec.form import Form
from gradcheck_cli.spec.types import CheckSpec

DIGITS: Final = (2, 3, 5, None)  # None: all of them


def problem_at(check: CheckSpec, subject: Subject, point: str, attempt: int = 0) -> Problem:
    """Bind a function to a point as a run does: with milder values where it is not finite otherwise."""
    check = check.with_inputs(subject.parameters)
    place = point or point_names(check, subject)[0]
    first = bind(check, subject, place, attempt=attempt)
    for omitted in MILDER if place == "edge" and not np.isfinite(first.values).all() else ():
        milder = bind(check, subject, place, attempt=attempt, omitted=frozenset(omitted))
        if np.isfinite(milder.values).all():
            return milder
    return first


def written_out(judge: Judge, sound: Sound, points: Sequence[str]) -> Trial | None:
    """Write the values at the first point that shows the failure; None if it does not show with fixed values.

    The cause may have another name then: a mistake at zeros alone cannot be told from one elsewhere by them.
    """
    if too_many(sound.check):
        return None
    best: Trial | None = None
    for form in _forms(sound, points):
        found = judge.run(form)
        if found and found.likeness >= Likeness.SAME_PLACE and (not best or found.likeness > best.likeness):
            best = found
        if best and best.likeness is Likeness.SAME_CAUSE:
            break
    return best


def too_many(check: CheckSpec) -> bool:
    """Tell whether nobody would want to read the values of all inputs."""
    return sum(count(one.shape) for one in check.inputs) > MOST


def _forms(sound: Sound, points: Sequence[str]) -> Iterator[Form]:
    """Yield forms with the values of each point, none of them twice."""
    seen: list[Form] = []
    for point in points:
        primals = problem_at(sound.check, sound.subject, point).primals
        for digits in DIGITS:
            form = with_values(sound.form, primals, digits)
            if form not in seen:
                seen.append(form)
                yield form


def with_values(form: Form, primals: Mapping[str, Array], digits: int | None) -> Form:
    """Give every input by value, which leaves one point to look at."""
    inputs = {name: _valued(one, primals[name], digits) for name, one in form["inputs"].items()}
    return {**form, "inputs": inputs, "points": ["generic"]}


def _valued(form: Any, array: Array, digits: int | None) -> dict[str, Any]:
    kept = {} if isinstance(form, list) else {key: one for key, one in form.items() if key not in _SOURCES}
    if array.dtype != np.float64:
        kept["dtype"] = str(array.dtype)
    return {"value": nested(array, digits), **kept}


_SOURCES: Final = ("shape", "value", "file")
