"""JAX: functions of arrays as layers, with the rules of ``custom_vjp`` and ``custom_jvp`` that they have.

All is computed in the precision of the spec's inputs: with x64 where one of them is that wide, without it, as
is JAX's own default, where none is. An integer input called ``key`` or ``rng``, or ``…_key``, that holds two
numbers is a key of ``jax.random``: ``key: {value: [0, 7], dtype: int64}``; it arrives as ``uint32``.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

import numpy as np

from gradcheck_cli.functions.base import ArrayType
from gradcheck_cli.functions.jax_layer import JaxArrays, JaxLayer, is_wide, precision, the_jax
from gradcheck_cli.functions.layer import CodeLayer
from gradcheck_cli.functions.targets import find_targets, function_problem, open_workspace
from gradcheck_cli.result import Fault
from gradcheck_cli.spec.code import split_target
from gradcheck_cli.spec.types import CheckSpec, Code

_CLASS: Final = "name a function, such as one that makes an instance and calls it"


def make_layer(check: CheckSpec, code: Code) -> tuple[CodeLayer | None, list[Fault]]:
    """Import a target, whose own constants are then in the precision that is asked for.

    Raises
    ------
    EvaluationError
        Where the user's code does not run, or JAX is missing.
    """
    the_jax()
    inputs = {one.name: ArrayType(one.shape, np.dtype(one.dtype)) for one in check.inputs}
    with precision(wide=is_wide(inputs)):
        workspace = open_workspace(check, code)
        found, faults = find_targets(check, workspace, {"jax": code.target})
    if faults:
        return None, faults
    name, target = split_target(code.target)[1], found["jax"]
    if problem := function_problem(name, target, _CLASS):
        return None, [check.fault(problem, "function.jax")]
    layer = JaxLayer(
        names=(name, f"the backward of {name}"),
        inputs=inputs,
        varying=frozenset(one.name for one in check.inputs if one.differentiable),
        workspace=workspace,
        function=partial(_called, target, code.kwargs),
    )
    return layer, []


def _called(target: Callable[..., Any], kwargs: Mapping[str, Any], arrays: JaxArrays) -> Any:
    return target(*arrays.values(), **copy.deepcopy(dict(kwargs)))
