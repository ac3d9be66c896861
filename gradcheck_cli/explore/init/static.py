"""Layers of static methods that are given a ``ctx`` to keep things in."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, Final

from gradcheck_cli.explore.init.parameters import parameters
from gradcheck_cli.explore.init.plain import by_names, recipe, unpack
from gradcheck_cli.explore.init.plan import Arrays, Draft, Plan, Pull, best, make_draft, search
from gradcheck_cli.explore.init.target import Target

_CONTEXT: Final = (
    "class Context:",
    "    def save_for_backward(self, *arrays):",
    "        self.saved_tensors = self.saved_values = arrays",
    "ctx = Context()",
)


class Context:
    """What such a layer keeps its arrays in."""

    def save_for_backward(self, *arrays: Any) -> None:
        """Keep arrays as torch's contexts do."""
        self.saved_tensors = self.saved_values = arrays


def draft_static(target: Target, name: str, owner: Any, forward: str, backward: str) -> Sequence[Draft]:
    """Find shapes and order of gradients for a pair of static methods; the first parameter is the context."""
    run, pull = getattr(owner, forward), getattr(owner, backward)
    first = next(iter(inspect.signature(run).parameters))
    found = parameters(run, skip=(first,))
    names = [one.name for one in found if one.is_input]
    saves = "save_for_backward" in inspect.getsource(owner)

    def plans(arrays: Arrays, _sizes: Mapping[str, int]) -> Iterator[Plan]:
        floats = [one for one in names if arrays[one].dtype.kind == "f"]
        _forward(arrays)
        for end in range(len(floats), 0, -1):
            wanted = floats[:end]
            yield _plan(wanted, frozenset(floats[end:]))

    def _forward(arrays: Arrays) -> tuple[Any, Any]:
        context: Any = Context() if saves else SimpleNamespace()
        return context, run(context, *(arrays[one.name] if one.is_input else one.value for one in found))

    def _plan(wanted: Sequence[str], fixed: frozenset[str]) -> Plan:
        def call(arrays: Arrays) -> tuple[list[Any], Pull]:
            context, y = _forward(arrays)
            return [y], lambda given: by_names(pull(context, *given), names, wanted)

        before = _CONTEXT if saves else ("from types import SimpleNamespace", "ctx = SimpleNamespace()")
        arguments = ", ".join(one.name if one.is_input else repr(one.value) for one in found)
        lines = [f"{unpack(wanted)} = {name}.{backward}(ctx, d{out})"]
        text = recipe(target.source, [*before, f"{out} = {name}.{forward}(ctx, {arguments})"], lines)
        return Plan(text, call, "both are static, and share a context", (out,), fixed)

    out = "y" if "y" not in names else "out"
    trial, error = search(
        {one.name: one.guesses for one in found if one.is_input},
        lambda arrays, sizes: list(plans(arrays, sizes)),
        {},
    )
    if trial is None:
        inputs = {one.name: one.guesses[0] for one in found if one.is_input}
        from gradcheck_cli.explore.init.sizes import give_sizes  # noqa: PLC0415

        return [Draft(name, inputs, give_sizes(inputs.values(), {}), _plan(names, frozenset()), error)]
    return [make_draft(name, trial, best(trial))]
