"""One failing check → its arrays, or the spec that reproduces it, with comments that say where it is from."""

from __future__ import annotations

import math
import textwrap
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.reproduce.arrays import archive
from gradcheck_cli.reproduce.form import Places, complete
from gradcheck_cli.reproduce.literal import too_many, written_out
from gradcheck_cli.reproduce.places import SPEC, command
from gradcheck_cli.reproduce.request import BUDGET, Reproduction, Request
from gradcheck_cli.reproduce.shrink import Shrinker
from gradcheck_cli.reproduce.target import Likeness, Target
from gradcheck_cli.reproduce.trial import Judge, Sound, Trial
from gradcheck_cli.result import CheckResult
from gradcheck_cli.spec.form import Form, form_of, form_text
from gradcheck_cli.spec.types import CheckSpec

SHARE: Final = 0.8  # of a check's own time limit, at which the search ends by itself
_WIDTH: Final = 98


def reproduce(check: CheckSpec, request: Request, *, max_memory: int, strict: bool) -> Reproduction:
    """Carry out a request. The spec has been run, and has failed, as it is returned."""
    if request.aim == "arrays":
        return Reproduction(archive=archive(check, request.result, max_memory=max_memory))
    found = form_of(check)
    if found is None:
        return Reproduction()
    places = Places(
        Path(check.spec).resolve().parent, (request.here / request.folder).resolve(), request.here
    )
    form = complete(found, check, places)
    limit = check.timeout or math.inf
    judge = Judge(
        file=places.new / SPEC,
        target=Target.of(request.result),
        deadline=time.monotonic() + (min(BUDGET, SHARE * limit) if request.aim == "small" else limit),
        max_memory=max_memory,
        strict=strict,
    )
    trial = (_small if request.aim == "small" else _whole)(judge, form, request.result)
    if trial is None or trial.likeness is Likeness.NONE:
        return Reproduction()
    return Reproduction(spec=form_text(trial.form, list(_comments(check, request, judge, trial))))


def _small(judge: Judge, form: Form, result: CheckResult) -> Trial | None:
    """Search for a small spec; None if nothing smaller fails of the same cause."""
    shrinker = Shrinker(judge, form)
    shrinker.shrink(judge.target.points(result))
    found = shrinker.trial
    return found and (_literal(judge, found, judge.target.points(found.result)) or found)


def _whole(judge: Judge, form: Form, result: CheckResult) -> Trial | None:
    """Leave the spec as it is, but for its values."""
    sound = judge.loaded(form)
    if sound is None:
        return None
    return _literal(judge, sound, judge.target.points(result)) or judge.run(form)


def _literal(judge: Judge, sound: Sound, points: Sequence[str]) -> Trial | None:
    """Give the values literally, if it fails with them as well."""
    try:
        return written_out(judge, sound, points)
    except EvaluationError:
        return None


def _comments(check: CheckSpec, request: Request, judge: Judge, trial: Trial) -> Iterator[str]:
    name = " ".join(check.name.split())
    how = "made small" if request.aim == "small" else "not made smaller: nothing smaller was found to fail"
    yield from _wrapped(f"Reproduces a failure of “{name}” ({check.spec}:{check.position[0]}), {how}.")
    for one in request.result.diagnoses[:1]:
        about = f" ({one.input})" if one.input else ""
        yield from _wrapped(f"Likely cause: {one.code}{about}: {one.message}")
    here = trial.result.diagnoses[:1]
    if trial.likeness is not Likeness.SAME_CAUSE and here:
        yield from _wrapped(f"With these values it shows as: {here[0].code}: {here[0].message}")
    if any("value" not in one for one in trial.form["inputs"].values()):
        many = too_many(trial.check)
        reason = "there are too many to write out" if many else "it was not found to fail with fixed ones"
        yield from _wrapped(f"Its values are drawn: {reason}.")
    target = judge.target
    strict = judge.strict and not (target.output or target.contract)
    yield f"Run: {_plain(command(request.folder / SPEC, strict=strict))}"


def _wrapped(text: str) -> Iterator[str]:
    yield from textwrap.wrap(_plain(text), _WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _plain(text: str) -> str:
    """Leave out what may not stand in a comment."""
    return "".join(one if one.isprintable() else "?" for one in " ".join(text.split()))
