"""Functions and modules of PyTorch and JAX: which shapes they take, found by calling them.

Neither is imported here: a target that needs one has imported it.
"""

from __future__ import annotations

import copy
import inspect
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, Final

import numpy as np

from gradcheck_cli.explore.init import methods
from gradcheck_cli.explore.init.guesses import Guess, by_name
from gradcheck_cli.explore.init.methods import SIZE_OF
from gradcheck_cli.explore.init.parameters import Parameter, flow, parameters
from gradcheck_cli.explore.init.plain import lookup
from gradcheck_cli.explore.init.plan import Arrays, Draft, Plan, Pull, best, make_draft, search
from gradcheck_cli.explore.init.sizes import give_sizes
from gradcheck_cli.explore.init.target import Target
from gradcheck_cli.functions.torch import has_setup_context

_CALLS: Final = {"torch": "called with tensors", "jax": "called with arrays"}


def framework_of(value: Any) -> str:
    """Tell ``torch`` and ``jax`` from plain Python: by the object's class, or the modules that it uses."""
    torch = sys.modules.get("torch")
    if torch is not None and _is_of_torch(torch, value):
        return "torch"
    if type(value).__module__.partition(".")[0] in {"jax", "jaxlib"}:
        return "jax"
    if inspect.isclass(value):
        return ""
    return _of_globals(value)


def _is_of_torch(torch: Any, value: Any) -> bool:
    if inspect.isclass(value):
        return issubclass(value, (torch.nn.Module, torch.autograd.Function))
    return isinstance(value, torch.nn.Module)


def _of_globals(value: Any) -> str:
    code, names = getattr(value, "__code__", None), getattr(value, "__globals__", {})
    for name in getattr(code, "co_names", ()):
        found = names.get(name)
        home = (
            found.__name__ if isinstance(found, ModuleType) else str(getattr(type(found), "__module__", ""))
        )
        if inspect.isclass(found):
            home = next((one.__module__ for one in found.__mro__ if one.__module__.startswith("torch")), home)
        root = home.partition(".")[0]
        if root in _CALLS:
            return root
    return str(getattr(value, "__module__", "")).partition(".")[0] if _is_builtin_of(value) else ""


def _is_builtin_of(value: Any) -> bool:
    return str(getattr(value, "__module__", "")).partition(".")[0] in _CALLS


def draft_torch(target: Target, name: str, value: Any) -> Sequence[Draft]:
    """Draft a check of a module, its class, an ``autograd.Function`` or a function of tensors."""
    torch: Any = sys.modules["torch"]
    is_module = inspect.isclass(value) and issubclass(value, torch.nn.Module)
    made = methods.constructor(value) if is_module else []
    given = _or_one(_parameters_of(torch, value))

    def run(arrays: Arrays, sizes: Mapping[str, int], values: Mapping[str, Any]) -> list[Any]:
        tensors = [torch.as_tensor(arrays[one.name]) for one in given if one.is_input]
        call: Any = value
        if is_module:
            call = value(**_settings(made, sizes)).double()
        elif inspect.isclass(value):
            call = call.apply
        elif isinstance(value, torch.nn.Module):
            call = copy.deepcopy(value).double()
        found = call(*tensors, **values)
        results = found if isinstance(found, tuple) else (found,)
        return [one.detach().numpy() for one in results if isinstance(one, torch.Tensor)]

    return _draft(target, name, made, given, run)


def _parameters_of(torch: Any, value: Any) -> Sequence[Parameter]:
    """Read what a module's or function's forward takes."""
    owner: Any = value if inspect.isclass(value) else type(value)
    if issubclass(owner, torch.nn.Module):
        text = "" if owner.__module__.startswith("torch.") else inspect.getdoc(owner) or ""
        return parameters(owner.forward, skip=("self",), text=text)
    if not inspect.isclass(value):
        return parameters(value)
    takes_context = not has_setup_context(value)
    return parameters(
        owner.forward, skip=tuple(inspect.signature(owner.forward).parameters)[: int(takes_context)]
    )


def draft_jax(target: Target, name: str, value: Any) -> Sequence[Draft]:
    """Draft a check of a function of JAX arrays."""
    given = _or_one(parameters(value))

    def run(arrays: Arrays, _sizes: Mapping[str, int], values: Mapping[str, Any]) -> list[Any]:
        found = value(
            *(
                arrays[one.name].astype(np.float32)
                if arrays[one.name].dtype.kind == "f"
                else arrays[one.name]
                for one in given
                if one.is_input
            ),
            **values,
        )
        return [np.asarray(one, float) for one in (found if isinstance(found, tuple) else (found,))]

    return _draft(target, name, [], given, run)


def _or_one(given: Sequence[Parameter]) -> Sequence[Parameter]:
    """Take one input where a signature tells nothing."""
    return given if any(one.is_input for one in given) else [Parameter("x", by_name("x")), *given]


def _settings(made: Sequence[Parameter], sizes: Mapping[str, int]) -> dict[str, Any]:
    return {
        one.name: one.value.value(sizes) if isinstance(one.value, SIZE_OF) else one.value
        for one in made
        if not one.is_input
    }


Runner = Callable[[Arrays, Mapping[str, int], Mapping[str, Any]], list[Any]]


def _draft(
    target: Target, name: str, made: Sequence[Parameter], given: Sequence[Parameter], run: Runner
) -> Sequence[Draft]:
    framework = "torch" if framework_of(lookup(target, name)) == "torch" else "jax"
    values = {one.name: one.value for one in given if not one.is_input}
    options: dict[str, Sequence[Guess]] = {
        one.name: _of_sizes(one.guesses, made) for one in given if one.is_input
    }

    def plan(sizes: Mapping[str, int]) -> Plan:
        settings = {
            **{
                key: list(one) if isinstance(one, tuple) else one
                for key, one in _settings(made, sizes).items()
            },
            **values,
        }
        lines = (
            f"{framework}: {json.dumps(target.named(name))}",
            *([f"kwargs: {flow(settings)}"] if settings else []),
        )

        def call(arrays: Arrays) -> tuple[list[Any], Pull]:
            return run(arrays, sizes, values), lambda _: {
                one: np.zeros_like(value) for one, value in arrays.items()
            }

        outputs = ("out",) if "y" in options else ()
        return Plan(lines, call, f"the shapes are such that it runs, {_CALLS[framework]}", outputs)

    def plans(arrays: Arrays, sizes: Mapping[str, int]) -> list[Plan]:
        run(arrays, sizes, values)
        return [plan(sizes)]

    fixed = methods.sizes_of(made)
    label = name.rpartition(".")[2]
    trial, error = search(options, plans, fixed)
    if trial is None:
        inputs = {one: guesses[0] for one, guesses in options.items()}
        sizes = give_sizes(inputs.values(), fixed)
        return [Draft(label, inputs, sizes, plan(sizes), error)]
    return [make_draft(label, trial, best(trial))]


def _of_sizes(guesses: Sequence[Guess], made: Sequence[Parameter]) -> Sequence[Guess]:
    """Prefer images where there are kernels, and integers below V where the constructor says how many."""
    symbols = {one.value.symbol for one in made if isinstance(one.value, SIZE_OF)}
    names = " ".join(one.name for one in made)
    result = list(guesses)
    if "V" in symbols:
        result = [Guess(("N", "T"), "V"), *result]
    if "kernel" in names or "stride" in names:
        axes = ("N", "D" if "D" in symbols else "C", "5", "4")
        result = [Guess(axes), Guess((*axes[:2], "8")), *result]
    return result
