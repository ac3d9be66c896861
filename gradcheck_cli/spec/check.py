"""One check: from its settings to a ``CheckSpec`` for every choice of its swept dims."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from gradcheck_cli.result import Fault
from gradcheck_cli.shapes import Size
from gradcheck_cli.spec.claims import Claims, formula, name_faults, resolve_claims, selection_faults
from gradcheck_cli.spec.code import resolve_code
from gradcheck_cli.spec.inputs import fixed_arrays, resolve_inputs, resolve_shape
from gradcheck_cli.spec.model import ExpectForm, FunctionForm, InputForm, Settings
from gradcheck_cli.spec.names import name_problem
from gradcheck_cli.spec.scope import Scope
from gradcheck_cli.spec.sizes import with_elsewhere
from gradcheck_cli.spec.tree import MapNode, all_positions
from gradcheck_cli.spec.types import CheckSpec, Code, OutputSpec, Position, Text, Tolerance


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line says about every check."""

    max_memory: int
    no_code: bool


@dataclass(frozen=True, kw_only=True)
class _Common:
    """What all checks of one sweep share."""

    scope: Scope
    settings: Settings
    options: Options
    function: Text | Code
    claims: Claims
    fixed: Mapping[str, np.ndarray]
    positions: Mapping[str, Position]


def check_count(settings: Settings) -> int:
    """Count the checks that a sweep comes to."""
    return math.prod(len(sizes) for sizes in (settings.dims or {}).values() if isinstance(sizes, list))


def resolve_check(
    scope: Scope, settings: Settings, name: str, options: Options
) -> tuple[list[CheckSpec], list[Fault]]:
    """Resolve one check of a file into the checks of its sweep."""
    common, faults = _resolve_common(scope, settings, options)
    if any(_is_repeated(sizes) for sizes in (settings.dims or {}).values()):
        return [], faults  # reported there; the names of the sweep would clash
    checks: list[CheckSpec] = []
    for label, dims in _sweep(settings):
        check, found = _resolve_one(common, name + label, dims)
        checks.append(check)
        faults += found
    if faults:
        return [], faults
    fixed = any(array.ndim for array in common.fixed.values())  # these have the sizes that they have
    return (checks if fixed else with_elsewhere(checks, partial(_resolve_one, common, checks[0].name))), []


def _resolve_common(scope: Scope, settings: Settings, options: Options) -> tuple[_Common, list[Fault]]:
    inputs = settings.inputs or {}
    function, faults = _function(scope, settings, no_code=options.no_code)
    claimed = settings.vjp or settings.jvp or settings.jacobian or settings.hvp
    if isinstance(function, Text) or function.recipe or claimed:
        faults += name_faults(scope, settings)
    fixed, found = fixed_arrays(scope, inputs, max_memory=options.max_memory)
    faults += found + _missing(scope) + _sweep_faults(scope, settings)
    differentiable = _differentiable(scope, inputs, fixed)
    claims, found = resolve_claims(scope, settings, differentiable)
    faults += found + selection_faults(scope, settings, differentiable)
    brings_parameters = isinstance(function, Code) and function.framework == "torch"
    if inputs and not any(differentiable.values()) and not brings_parameters:
        faults.append(scope.fault("no input is differentiable, so there is nothing to check", "inputs"))
    positions = all_positions(scope.merged)
    common = _Common(
        scope=scope,
        settings=settings,
        options=options,
        function=function,
        claims=claims,
        fixed=fixed,
        positions=positions,
    )
    return common, faults


def _differentiable(
    scope: Scope, inputs: Mapping[str, InputForm], fixed: Mapping[str, np.ndarray]
) -> dict[str, bool]:
    """Tell for every input that is written, faulty ones included, whether it has a gradient."""
    node = scope.node("inputs")
    names = node.entries if scope.written("inputs") and isinstance(node, MapNode) else {}
    result = dict.fromkeys(names, True)
    for name, form in inputs.items():
        dtype = form.dtype or (str(fixed[name].dtype) if name in fixed else "float64")
        result[name] = (
            not dtype.startswith(("int", "bool")) if form.differentiable is None else form.differentiable
        )
    return result


def _missing(scope: Scope) -> list[Fault]:
    remedies = {"inputs": "inputs: {x: [4, 3]}", "function": "function: y = exp(x)"}
    return [
        scope.fault(f'the key "{key}" is missing; write such as "{remedy}"')
        for key, remedy in remedies.items()
        if not scope.written(key)
    ]


def _function(scope: Scope, settings: Settings, *, no_code: bool) -> tuple[Text | Code, list[Fault]]:
    if isinstance(settings.function, FunctionForm):
        return resolve_code(scope, settings, settings.function, no_code=no_code)
    if settings.function is None:
        nothing = Text(text="", path="function", line_offsets=(scope.position("function"),), exact=False)
        return nothing, []
    return formula(scope, "function")


def _is_repeated(sizes: int | list[int]) -> bool:
    return isinstance(sizes, list) and len(set(sizes)) < len(sizes)


def _sweep_faults(scope: Scope, settings: Settings) -> list[Fault]:
    return [
        scope.fault(f"the list holds {size} twice; keep one", "dims", name)
        for name, sizes in (settings.dims or {}).items()
        if isinstance(sizes, list) and _is_repeated(sizes)
        for size in [next(size for size in sizes if sizes.count(size) > 1)]
    ]


def _sweep(settings: Settings) -> Iterator[tuple[str, dict[str, Size]]]:
    """Every choice of dims, with the label that tells it apart: the swept dims in their order."""
    dims = settings.dims or {}
    choices = [sizes if isinstance(sizes, list) else [sizes] for sizes in dims.values()]
    for sizes in itertools.product(*choices):
        chosen = {name: Size(size, name) for name, size in zip(dims, sizes, strict=True)}
        swept = [f"{name}={size:d}" for name, size in chosen.items() if isinstance(dims[name], list)]
        yield f"[{','.join(swept)}]" if swept else "", chosen


def _resolve_one(common: _Common, name: str, dims: Mapping[str, Size]) -> tuple[CheckSpec, list[Fault]]:
    scope, settings, options = common.scope, common.settings, common.options
    inputs, faults = resolve_inputs(
        scope, settings.inputs or {}, dims, common.fixed, max_memory=options.max_memory
    )
    outputs, found = _outputs(scope, settings, dims)
    check = CheckSpec(
        name=name,
        description=settings.description or "",
        spec=scope.spec,
        position=scope.own.position,
        dims=dims,
        seed=settings.seed or 0,
        points=_points(settings),
        inputs=inputs,
        function=common.function,
        outputs=outputs,
        vjp=common.claims.vjp,
        jvp=common.claims.jvp,
        jacobian=common.claims.jacobian,
        hvp=common.claims.hvp,
        order=settings.order or (2 if settings.hvp else 1),
        chain=tuple(settings.chain or ()),
        wrt=None if settings.wrt is None else tuple(settings.wrt),
        tolerance=_tolerance(settings),
        kinks=settings.kinks or "subgradient",
        mode=settings.mode or "auto",
        expect="fail" if isinstance(settings.expect, ExpectForm) else settings.expect or "pass",
        expect_code=settings.expect.fail if isinstance(settings.expect, ExpectForm) else None,
        allow=frozenset(settings.allow or ()),
        timeout=settings.timeout,
        positions=common.positions,
    )
    return check, faults + found


def _outputs(
    scope: Scope, settings: Settings, dims: Mapping[str, Size]
) -> tuple[tuple[OutputSpec, ...], list[Fault]]:
    given = settings.outputs or []
    results: list[OutputSpec] = []
    faults: list[Fault] = []
    for index, name in enumerate(given):
        place = ("outputs", name) if isinstance(given, dict) else ("outputs", index)
        problem = name_problem(name)
        if problem is None and name in list(given)[:index]:
            problem = f'"{name}" stands twice; keep one'
        faults += [scope.fault(problem, *place, at_key=isinstance(given, dict))] if problem else []
        shape = None
        if isinstance(given, dict):
            shape, found = resolve_shape(scope, given[name], dims, "outputs", name)
            faults += found
        results.append(OutputSpec(name=name, shape=shape, position=scope.position(*place)))
    return tuple(results), faults


def _points(settings: Settings) -> tuple[str, ...]:
    points = settings.points
    if isinstance(points, int):
        return ("generic", *(f"generic-{number}" for number in range(2, points + 1)))
    return ("generic", "edge") if points is None else tuple(points)


def _tolerance(settings: Settings) -> Tolerance:
    if settings.tolerance is None:
        return Tolerance()
    return Tolerance(rtol=settings.tolerance.rtol, atol=settings.tolerance.atol or 0.0)
