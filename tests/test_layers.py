"""The gallery of layers: all pass, and one mistake planted into any claim makes its check fail."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from mutations import mutants
from verdicts import verdict_alone

from gradcheck_cli.analytic import ask
from gradcheck_cli.check import bind
from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.functions.base import Subject
from gradcheck_cli.functions.claims import compile_check
from gradcheck_cli.parts import whole_of
from gradcheck_cli.problem import Problem, symmetric_part
from gradcheck_cli.result import Verdict
from gradcheck_cli.spec.load import load_specs
from gradcheck_cli.spec.types import CheckSpec, Text

LAYERS = Path(__file__).parent.parent / "specs" / "layers"
BUDGET = 2**30
FILES = sorted(LAYERS.glob("*.yaml"))
# Mistakes that change nothing, as where a term is zero; more of them would mean that a spec is idle.
HARMLESS_SHARE = 0.1


def checks_of(file: Path) -> list[CheckSpec]:
    """The checks of a file that should pass; of a sweep the largest sizes."""
    checks, faults = load_specs(str(file), max_memory=BUDGET)
    assert not faults, "\n".join(map(str, faults))
    last = {check.name.partition("[")[0]: check for check in checks if check.expect == "pass"}
    return list(last.values())


def with_claim(check: CheckSpec, kind: str, key: object, text: Text) -> CheckSpec:
    """The check with this claim alone."""
    claims = {one: {} for one in ("vjp", "jvp", "jacobian")}
    name = key if kind == "vjp" else key[1] if kind == "jacobian" else None
    wrt = check.wrt if name is None else (name,)
    return dataclasses.replace(check, **{**claims, kind: {key: text}}, chain=(), wrt=wrt)


def claims_of(check: CheckSpec) -> Iterator[tuple[str, object, Text]]:
    for kind in ("vjp", "jvp", "jacobian"):
        for key, text in getattr(check, kind).items():
            yield kind, key, text


def values(check: CheckSpec) -> list[np.ndarray] | None:
    """What the one claim of a check says at its points, for seeds of both signs; None for a misfit."""
    subject, _ = compile_check(check, max_memory=BUDGET)
    if subject is None or subject.claims[0].misfit:
        return None
    (claim,) = subject.claims
    found = []
    for point in check.points:
        problem = bind(check, subject, point)
        if not np.all(np.isfinite(problem.values)):
            continue
        types = subject.function.outputs if claim.kind == "vjp" else subject.function.inputs
        rng = np.random.default_rng(1)
        seeds = {
            name: whole_of(rng.normal(size=type_.parts.shape), type_.dtype)
            for name, type_ in types.items()
            if type_.differentiable
        }
        try:
            found += [within(problem, name, one) for name, one in ask(problem, claim)(seeds).items()]
        except EvaluationError:
            return None
    return found


def within(problem: Problem, name: str, value: np.ndarray) -> np.ndarray:
    """A claimed value as a check takes it: within symmetric matrices, if the input is one."""
    value = np.asarray(value)
    is_gradient = name in problem.symmetric and value.shape == problem.input_shape(name)
    return symmetric_part(value) if is_gradient else value


def differ(first: list[np.ndarray], second: list[np.ndarray] | None) -> bool:
    """Whether two claims say different things, by more than round-off."""
    if second is None:
        return True
    return not all(
        np.allclose(x, y, rtol=1e-9, atol=1e-12 * max(1.0, np.max(np.abs(x), initial=0)), equal_nan=True)
        for x, y in zip(first, second, strict=True)
    )


def caught(check: CheckSpec, same: Subject) -> bool:
    """Whether a check fails, or its claim is refused at once.

    What is known of the ``same`` function's derivative need not be found out again.
    """
    subject, _ = compile_check(check, max_memory=BUDGET)
    if subject is None:
        return True
    if subject.wide is None:
        subject = dataclasses.replace(subject, function=same.function, known=same.known)
    return verdict_alone(check, subject).verdict is Verdict.FAIL


def test_there_are_thirty_layers() -> None:
    assert len(FILES) >= 30


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_mistake_planted_in_any_claim_fails(file: Path) -> None:
    planted = harmless = 0
    missed = []
    for check in checks_of(file):
        for kind, key, text in claims_of(check):
            right = with_claim(check, kind, key, text)
            true, _ = compile_check(right, max_memory=BUDGET)
            same, said = dataclasses.replace(true, known={}), values(right)
            for mistake, mutant in mutants(text.text):
                wrong = with_claim(check, kind, key, dataclasses.replace(text, text=mutant))
                planted += 1
                if not differ(said, values(wrong)):
                    harmless += 1
                    continue
                if not caught(wrong, same):
                    missed.append(f"{check.name}, {kind} {key}, {mistake}: {mutant}")
    assert not missed, "\n".join(missed)
    assert planted
    assert harmless <= max(1, HARMLESS_SHARE * planted), f"{harmless} of {planted} mistakes change nothing"
