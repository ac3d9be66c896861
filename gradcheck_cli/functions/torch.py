"""PyTorch: functions of tensors, ``nn.Module``s and ``autograd.Function``s as layers.

A module's parameters are inputs by their dotted names, drawn around the values that they have; its buffers
stay as they are. All is computed in the precision of the spec's inputs, float64 unless they say otherwise.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.functions.base import ArrayType
from gradcheck_cli.functions.layer import CodeLayer
from gradcheck_cli.functions.targets import find_targets, function_problem, open_workspace
from gradcheck_cli.functions.torch_layer import Tensors, TorchLayer, default_dtype, the_torch
from gradcheck_cli.functions.torch_module import TorchModule, copied
from gradcheck_cli.functions.workspace import Workspace
from gradcheck_cli.result import Fault
from gradcheck_cli.spec.code import split_target
from gradcheck_cli.spec.sample import draw
from gradcheck_cli.spec.types import CheckSpec, Code, InputSpec

_CLASS: Final = "name a function, an nn.Module or an autograd.Function"


def make_layer(check: CheckSpec, code: Code) -> tuple[CodeLayer | None, list[Fault]]:
    """Import a target and see what it is.

    Raises
    ------
    EvaluationError
        Where the user's code does not run, or torch is missing.
    """
    torch = the_torch()
    workspace = open_workspace(check, code)
    found, faults = find_targets(check, workspace, {"torch": code.target})
    if faults:
        return None, faults
    name, target = split_target(code.target)[1], found["torch"]
    dtype = _precision(torch, check)
    with default_dtype(torch, dtype):
        if _is_module(torch, target):
            module = workspace.call(name, _built, target, code, dtype)
            return _module_layer(check, code, workspace, module), []
    if isinstance(target, type) and issubclass(target, torch.autograd.Function):
        function = partial(_applied, target, code.kwargs)
    elif problem := function_problem(name, target, _CLASS):
        return None, [check.fault(problem, "function.torch")]
    else:
        function = partial(_called, target, code.kwargs)
    return _layer(check, code, workspace, function), []


def _layer(
    check: CheckSpec,
    code: Code,
    workspace: Workspace,
    function: Callable[[Tensors], Any],
    parameters: tuple[InputSpec, ...] = (),
) -> TorchLayer:
    inputs = check.with_inputs(parameters).inputs
    name = split_target(code.target)[1]
    return TorchLayer(
        names=(name, f"the backward of {name}"),
        inputs={one.name: ArrayType(one.shape, np.dtype(one.dtype)) for one in inputs},
        varying=frozenset(one.name for one in inputs if one.differentiable),
        workspace=workspace,
        function=function,
        parameters=parameters,
        module=function if isinstance(function, TorchModule) else None,
    )


def _called(target: Callable[..., Any], kwargs: Mapping[str, Any], tensors: Tensors) -> Any:
    return target(*tensors.values(), **copy.deepcopy(dict(kwargs)))


def _applied(target: Any, kwargs: Mapping[str, Any], tensors: Tensors) -> Any:
    """Call ``apply``, which takes no keywords: each goes to the place that forward has for it."""
    names = list(inspect.signature(target.forward).parameters)
    with_context = not has_setup_context(target)
    given, arguments = list(tensors.values()), []
    for name in names[with_context:]:
        if name in kwargs:
            arguments.append(copy.deepcopy(kwargs[name]))
        elif given:
            arguments.append(given.pop(0))
    return target.apply(*arguments, *given)


def has_setup_context(function: type) -> bool:
    """Whether a Function, or a base of it, is written in the style in which ``forward`` takes no ``ctx``."""
    bases = [one for one in function.__mro__ if one.__module__ != "torch.autograd.function"]
    return any("setup_context" in vars(one) for one in bases)


def _is_module(torch: Any, target: object) -> bool:
    kind = target if isinstance(target, type) else type(target)
    return issubclass(kind, torch.nn.Module)


def _built(target: Any, code: Code, dtype: Any) -> Any:
    """Make a module of a class, or a copy of one that there is; in the precision that is asked for."""
    module = target(**copy.deepcopy(dict(code.kwargs))) if isinstance(target, type) else copied(target)
    if code.training is not None:
        module.train(code.training)
    return module.to(dtype) if not any(one.is_complex() for one in module.parameters()) else module


def _module_layer(check: CheckSpec, code: Code, workspace: Workspace, module: Any) -> TorchLayer:
    name = split_target(code.target)[1]
    if workspace.call(name, _is_lazy, module):
        _wake(check, workspace, module)
    own = workspace.call(name, _trained, module)
    without = [name for name, one in own.items() if one.is_meta]
    if without:
        fact = f"the parameter {without[0]} is on the device meta, and has no values"
        raise EvaluationError(f"{name}: {fact}; make the module on the CPU")
    arrays = workspace.call(name, _values, own)
    specs = tuple(
        InputSpec(name=name, shape=array.shape, dtype=str(array.dtype), center=array.copy())
        for name, array in arrays.items()
    )
    return _layer(check, code, workspace, TorchModule(module, own), specs)


def _is_lazy(module: Any) -> bool:
    return any(the_torch().nn.parameter.is_lazy(one) for one in module.parameters())


def _trained(module: Any) -> dict[str, Any]:
    return {name: one for name, one in module.named_parameters() if one.requires_grad}


def _values(own: Tensors) -> dict[str, Array]:
    return {name: one.detach().numpy() for name, one in own.items()}


def _wake(check: CheckSpec, workspace: Workspace, module: Any) -> None:
    """Call a lazy module once, so that it has parameters."""
    torch = the_torch()
    drawn = draw(check.inputs, seed=check.seed, point=check.points[0])
    workspace.call("the first call", module, *(torch.from_numpy(array) for array in drawn.values()))


def _precision(torch: Any, check: CheckSpec) -> Any:
    """Return the widest real dtype of the spec's inputs."""
    widths = {np.dtype(one.dtype).type(0).real.dtype.name for one in check.inputs if one.differentiable}
    names = [name for name in ("float64", "float32", "float16") if name in widths]
    return getattr(torch, (*names, "float64")[0])
