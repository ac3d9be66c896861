"""A draft as the text of a spec, with a comment on each guess."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from gradcheck_cli.explore.init.guesses import Guess
from gradcheck_cli.explore.init.parameters import flow
from gradcheck_cli.explore.init.plan import Draft
from gradcheck_cli.explore.init.sizes import symbols_of

OPTIONS: Final = (
    "# points: [generic, edge]      # where to check; a number for as many random points",
    "# tolerance: {rtol: 1.0e-5}    # what an entry may differ by",
    "# allow: [mutates-input]       # contracts that this layer may break",
)
TODO: Final = "TODO"


def write_spec(drafts: Sequence[Draft], target: str) -> str:
    """Write one check, or several under ``checks``."""
    head = [
        f"# Written by: gradcheck init {target}",
        "# The comments say where each guess comes from.",
        "gradcheck: 1",
    ]
    if len(drafts) == 1:
        return "\n".join([*head, *_check(drafts[0]), *OPTIONS]) + "\n"
    body = [line for draft in drafts for line in _item(_check(draft))]
    return "\n".join([*head, *OPTIONS, "checks:", *body]) + "\n"


def _item(lines: Iterable[str]) -> Iterator[str]:
    """Indent a check as an item of a list."""
    for place, line in enumerate(lines):
        yield f"  - {line}" if place == 0 else f"    {line}"


def _check(draft: Draft) -> Iterator[str]:
    plan = draft.plan
    yield f"name: {flow(draft.name + (' (TODO: fill in the shapes)' if draft.problem else ''))}"
    yield from (f"# {line}" for line in draft.remarks)
    sizes = {name: draft.sizes[name] for name in _symbols(draft)}
    if sizes:
        yield f"dims: {flow(sizes)}  # distinct, so that a mistaken axis shows"
    yield "inputs:"
    yield from _aligned([_input(name, guess, draft) for name, guess in draft.inputs.items()])
    yield f"# {plan.how}" + ("" if draft.problem or plan.claims else " (found by trying)")
    yield "function:"
    yield from (f"  {line}" for line in plan.lines)
    if plan.outputs and plan.outputs != ("y",):
        yield f"outputs: {flow(list(plan.outputs))}"
    if plan.claims:
        yield from ("vjp:", *(f"  {line}" for line in plan.claims))


def _symbols(draft: Draft) -> list[str]:
    axes = [axis for guess in draft.inputs.values() for axis in (*guess.axes, guess.high)]
    shaped = symbols_of(axes)
    written = symbols_of([line for line in draft.plan.lines if not line.startswith(("python", "backward:"))])
    return [*shaped, *(name for name in draft.sizes if name in written and name not in shaped)]


def _input(name: str, guess: Guess, draft: Draft) -> tuple[str, str]:
    shape = "[" + ", ".join(guess.axes) + "]"
    keys: Mapping[str, str] = {
        **({"sample": f"{{integers: [0, {guess.high}]}}", "dtype": "int64"} if guess.integer else {}),
        **({"differentiable": "false"} if name in draft.plan.fixed else {}),
    }
    form = (
        shape
        if not keys
        else "{" + ", ".join(f"{key}: {one}" for key, one in {"shape": shape, **keys}.items()) + "}"
    )
    how = guess.how
    if draft.problem:
        how = f"{TODO}: the shape of {name}; no shape was found with which forward runs"
        how += f": {_plain(draft.problem)}"
    elif name in draft.plan.fixed:
        how += "; backward gives it no gradient"
    return f"  {name}: {form}", how


def _plain(text: str) -> str:
    """Cut a message of the user's code down to what may stand in a comment."""
    return "".join(one if one.isprintable() else "?" for one in text[:200])


def _aligned(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    width = max((len(form) for form, _ in rows), default=0)
    yield from (f"{form:{width}}  # {how}" for form, how in rows)
