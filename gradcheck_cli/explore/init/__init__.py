"""``gradcheck init``: look at a user's function or class, and write a spec that checks it."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from gradcheck_cli.check import run_check
from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.explore.init.classes import draft_class, is_layer
from gradcheck_cli.explore.init.frameworks import draft_jax, draft_torch, framework_of
from gradcheck_cli.explore.init.partner import backwards_of, pairs
from gradcheck_cli.explore.init.plain import PlainFunction
from gradcheck_cli.explore.init.plan import Draft, Plan
from gradcheck_cli.explore.init.sizes import give_sizes
from gradcheck_cli.explore.init.styles import draft_function
from gradcheck_cli.explore.init.target import Target, find_target, own_names
from gradcheck_cli.explore.init.writing import TODO, write_spec
from gradcheck_cli.functions.compile import compile_subject
from gradcheck_cli.functions.workspace import same_randomness
from gradcheck_cli.result import CheckResult
from gradcheck_cli.spec.code import split_target
from gradcheck_cli.spec.load import load_specs

MAX_MEMORY: Final = 2**30
MAX_SECONDS: Final = 60.0  # of one check, whose outcome is told
_TRIES: Final = 4  # plans that are run in full before the first one is taken


@dataclass(frozen=True, kw_only=True)
class InitReport:
    """A spec, and what came of running it."""

    text: str
    name: str
    outcomes: tuple[tuple[str, str], ...]  # each check's name and verdict
    notes: tuple[str, ...] = ()  # what is wrong with it, or left to fill in
    passes: bool = False


def init_report(target: str, file: Path | None) -> InitReport:
    """Write a spec for a target; ``file`` is where it is going to stand, so that its paths are right.

    Raises
    ------
    GradcheckError
        Where the target cannot be found or imported, or is nothing that could be checked.
    """
    with same_randomness():
        found = find_target(target, file.parent if file else Path())
        with found.workspace.entered():
            choices = [one for one in _choices(found, split_target(target)[1]) if one]
        if not choices:
            raise GradcheckError(f"{target} holds no function with a backward and no layer class; name one")
        path = str(file or Path(f"{choices[0][0].name}.yaml"))
        drafts = [_settled(some, target, path) for some in choices]
        text = write_spec(_distinct(drafts), target)
        return _report(text, drafts, path)


def _choices(found: Target, attribute: str) -> Iterator[Sequence[Draft]]:
    """Yield the drafts of each thing to be checked, the best first."""
    if attribute:
        yield _drafts_of(found, attribute)
        return
    names = own_names(found.module)
    framed = [name for name in names if framework_of(getattr(found.module, name))]
    plain = [name for name in names if inspect.isfunction(getattr(found.module, name)) and name not in framed]
    for name, partners in pairs(plain):
        drafts = _function(found, name, getattr(found.module, name), partners)
        yield [one for one in drafts if not one.plan.claims and (partners or not one.problem)]
    for name in names:
        value = getattr(found.module, name)
        if name in framed or (inspect.isclass(value) and is_layer(value)):
            yield _drafts_of(found, name)


def _drafts_of(found: Target, attribute: str) -> Sequence[Draft]:
    value = found.found if attribute == found.attribute else getattr(found.module, attribute)
    framework = framework_of(value)
    if framework == "torch":
        return draft_torch(found, attribute, value)
    if framework == "jax":
        return draft_jax(found, attribute, value)
    if inspect.isclass(value) or (not inspect.isroutine(value) and is_layer(type(value))):
        return draft_class(found, attribute, value)
    if not callable(value):
        raise GradcheckError(f"{attribute} is {type(value).__name__}, and no function or layer; name one")
    owner, dot, _ = attribute.rpartition(".")
    scope = dir(_inside(found.module, owner)) if owner else list(vars(found.module))
    return _function(
        found, attribute, value, backwards_of(attribute, [f"{owner}{dot}{one}" for one in scope])
    )


def _inside(owner: Any, path: str) -> Any:
    for part in path.split("."):
        owner = getattr(owner, part)
    return owner


def _function(found: Target, name: str, function: Any, partners: Sequence[str]) -> Sequence[Draft]:
    one = PlainFunction(found, name, function, partners)
    if not one.inputs:
        return []
    drafts, error = draft_function(one)
    if drafts:
        return drafts
    inputs = {parameter.name: parameter.guesses[0] for parameter in one.parameters if parameter.is_input}
    return [Draft(one.label, inputs, give_sizes(inputs.values(), {}), _unproved(one), error)]


def _unproved(one: PlainFunction) -> Plan:
    """A plan for a function that could not be called: the style is the user's to say."""
    backward = next(iter(one.partners), "")
    lines = one.short_lines(backward, "stateless" if backward else "pure")
    claims = () if backward else tuple(f"{name}: {TODO}  # the gradient of {name}" for name in one.inputs)
    return Plan(lines, lambda arrays: ([], lambda _: {}), "the style is a guess", claims=claims)


def _settled(drafts: Sequence[Draft], target: str, path: str) -> Draft:
    """Run the best drafts in full; the first that passes, or else the first that runs, is taken."""
    if len(drafts) == 1 or drafts[0].problem:
        return drafts[0]
    ran = []
    for draft in drafts[:_TRIES]:
        results, _ = run_text(write_spec([draft], target), path)
        words = {result.verdict.word for result in results}
        if words == {"pass"}:
            return draft
        if words == {"fail"}:
            ran.append(draft)
    return (*ran, drafts[0])[0]


def run_text(text: str, path: str) -> tuple[list[CheckResult], list[str]]:
    """Check a spec that is not written yet, as ``gradcheck run`` would; results and faults."""
    checks, faults = load_specs(path, text, max_memory=MAX_MEMORY)
    problems, results = [str(fault) for fault in faults], []
    for check in checks:
        subject, found = compile_subject(check, max_memory=MAX_MEMORY)
        problems += map(str, found)
        if subject is not None:
            limited = replace(check, timeout=check.timeout or MAX_SECONDS)
            results.append(run_check(limited, subject))
    return results, problems


def _distinct(drafts: Sequence[Draft]) -> list[Draft]:
    """Give each draft a name of its own."""
    taken: dict[str, int] = {}
    result = []
    for draft in drafts:
        taken[draft.name] = number = taken.get(draft.name, 0) + 1
        result.append(draft if number == 1 else replace(draft, name=f"{draft.name} {number}"))
    return result


def _report(text: str, drafts: Sequence[Draft], path: str) -> InitReport:
    results, problems = run_text(text, path)
    notes = [*problems]
    for result in results:
        if result.verdict.word != "pass":
            notes += [
                f"{result.name}: {line}"
                for line in (result.message, *(one.message for one in result.diagnoses))
                if line
            ]
    notes += [
        f"{one.name}: no shapes were found with which it runs: {one.problem}" for one in drafts if one.problem
    ]
    return InitReport(
        text=text,
        name=Path(path).name,
        outcomes=tuple((result.name, result.verdict.word) for result in results),
        notes=tuple(dict.fromkeys(notes)),
        passes=not problems and bool(results) and all(one.verdict.word == "pass" for one in results),
    )
