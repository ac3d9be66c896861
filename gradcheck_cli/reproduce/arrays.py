"""What a failing check has compared, as arrays to load into NumPy.

By point, below its name: ``inputs/x``, a random ``cotangent/y``, and for each claim and pair that is wrong
there ``vjp/y/x/…``: the explicit ``analytic`` and ``numeric`` Jacobian, output axes first, the bound of the
numeric one, which entries are ``wrong``, and for the cotangent the ``claimed_gradient`` and the
``numeric_gradient``.
A complex array has an axis more, of its real and imaginary parts.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import zip_longest
from typing import Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.check import REDRAWS, by_the_rules
from gradcheck_cli.compare import State
from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.examine import Finding, ask_all, examine
from gradcheck_cli.functions.base import Subject
from gradcheck_cli.functions.compile import compile_subject
from gradcheck_cli.linked import chain_scenes
from gradcheck_cli.problem import Problem
from gradcheck_cli.reproduce.literal import problem_at
from gradcheck_cli.reproduce.target import failing
from gradcheck_cli.result import CheckResult, PairResult
from gradcheck_cli.spec.axes import MAX_AXES
from gradcheck_cli.spec.types import CheckSpec
from gradcheck_cli.wide import in_double, wide_scene

Arrays = dict[str, Array]

GENERIC: Final = "generic"


def archive(check: CheckSpec, result: CheckResult, *, max_memory: int) -> bytes:
    """Compare once more at the points that showed the failure, and return it all as an .npz file."""
    subject, _ = compile_subject(check, max_memory=max_memory)
    arrays: Arrays = {}
    for one, its in _orders(check, subject):
        if failing(result):
            arrays |= _of_pairs(one, its, [pair for pair in failing(result) if _belongs(pair, its)])
        elif not arrays:
            arrays |= _at(one, its, one.points[0], [])
    stream = io.BytesIO()
    np.savez(stream, **arrays)  # type: ignore[arg-type]  # none is called allow_pickle
    return stream.getvalue()


def _of_pairs(check: CheckSpec, subject: Subject, wrong: list[PairResult]) -> Arrays:
    """Arrays of each pair: at the generic point if it is wrong there, else where it is worst."""
    found = _at(check, subject, GENERIC, wrong)
    here = [pair for pair in wrong if f"{GENERIC}/{_label(pair)}/wrong" in found]
    here = [pair for pair in here if found[f"{GENERIC}/{_label(pair)}/wrong"].any()]
    arrays = _about(found, GENERIC, here)
    elsewhere = [pair for pair in wrong if pair not in here and pair.worst]
    for point in dict.fromkeys(pair.worst.point for pair in elsewhere if pair.worst):
        there = [pair for pair in elsewhere if pair.worst and pair.worst.point == point]
        arrays |= _about(_at(check, subject, point, there), point, there)
    return arrays


def _about(arrays: Arrays, point: str, pairs: list[PairResult]) -> Arrays:
    """Keep of a point's arrays its own and those of some pairs."""
    prefixes = tuple(f"{point}/{key}/" for key in ("inputs", "cotangent", *map(_label, pairs)))
    return {key: array for key, array in arrays.items() if pairs and key.startswith(prefixes)}


def _label(pair: PairResult) -> str:
    return f"{pair.claim}/{pair.output}/{pair.input}"


def _orders(check: CheckSpec, subject: Subject | None) -> Iterator[tuple[CheckSpec, Subject]]:
    if subject is None or subject.problem:
        return
    yield check.with_inputs(subject.parameters), subject
    if subject.second:
        yield subject.second.check, subject.second.subject


def _belongs(pair: PairResult, subject: Subject) -> bool:
    """Tell whether a comparison is one of this order."""
    claims = [claim.label for claim in subject.claims if (pair.output, pair.input) in claim.pairs]
    return pair.claim in claims or (subject.whole is not None and pair.claim.startswith("chain"))


def _at(check: CheckSpec, subject: Subject, point: str, wrong: list[PairResult]) -> Arrays:
    """Arrays of one point; under ``kinks: move`` of its first drawing that shows the failure."""
    found: Arrays = {}
    for attempt in range(REDRAWS if check.kinks == "move" else 1):
        try:
            problem = problem_at(check, subject, point, attempt)
            found = _compared(check, subject, point, problem, wrong)
        except EvaluationError:
            continue
        if any(array.any() for name, array in found.items() if name.endswith("/wrong")):
            break
    return found


def _compared(
    check: CheckSpec, subject: Subject, point: str, problem: Problem, wrong: list[PairResult]
) -> Arrays:
    cotangents = _cotangents(check, problem)
    result = {f"{point}/inputs/{name}": array for name, array in problem.primals.items()}
    result |= {f"{point}/cotangent/{name}": array for name, array in cotangents.items()}
    wanted = {(pair.claim, pair.output, pair.input) for pair in wrong}
    for where, finding in _findings(check, subject, problem) if wanted else ():
        name = finding.claim.label, *finding.pair
        if name in wanted:
            judged = by_the_rules(check, subject, point, where, finding)
            arrays = _arrays(where, judged, cotangents.get(finding.pair[0]))
            result |= {"/".join((point, *name, key)): array for key, array in arrays.items()}
    return result


def _cotangents(check: CheckSpec, problem: Problem) -> Arrays:
    """Short random numbers, in the shape of each output's parts."""
    rng = np.random.default_rng(check.seed)
    return {
        name: np.round(rng.uniform(-2.0, 2.0, tuple(map(int, problem.output_shape(name)))), 2)
        for name in problem.outputs
    }


def _findings(check: CheckSpec, subject: Subject, problem: Problem) -> Iterator[tuple[Problem, Finding]]:
    """Yield every comparison at a point, those along a chain last."""
    for finding in examine(ask_all(problem, subject), check.tolerance, wide_scene(problem, subject)):
        yield problem, finding
    if subject.whole is None:
        return
    there = in_double(problem, subject)
    wide = chain_scenes(there, subject.wide) if there and subject.wide else []
    for scene, sharper in zip_longest(chain_scenes(problem, subject), wide):
        for finding in examine(scene, check.tolerance, sharper):
            yield scene.problem, finding


def _arrays(problem: Problem, finding: Finding, cotangent: Array | None) -> Arrays:
    (output, name), comparison = finding.pair, finding.comparison
    shapes = tuple(map(int, problem.output_shape(output))), tuple(map(int, problem.input_shape(name)))
    matrices = {
        "analytic": comparison.analytic,
        "numeric": comparison.numeric,
        "bound": comparison.bound,
        "wrong": comparison.state == State.FAIL,
    }
    fits = len(shapes[0] + shapes[1]) <= MAX_AXES
    result = {key: one.reshape(shapes[0] + shapes[1]) if fits else one for key, one in matrices.items()}
    if cotangent is None or cotangent.shape != shapes[0]:  # a link's own output has none
        return result
    with np.errstate(all="ignore"):
        pulled = {key: cotangent.reshape(-1) @ matrices[key] for key in ("analytic", "numeric")}
    result["claimed_gradient"] = pulled["analytic"].reshape(shapes[1])
    result["numeric_gradient"] = pulled["numeric"].reshape(shapes[1])
    return result
