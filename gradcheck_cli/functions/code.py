"""Checks whose function is code: from its first call to what the engine works on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.autodiff.trace import Graph
from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.functions.backward import backward_claims, forward_claims
from gradcheck_cli.functions.base import Arrays, ArrayType, Claim, Layer, Linear, Subject
from gradcheck_cli.functions.claims import compile_claims
from gradcheck_cli.functions.elaborate import Scope
from gradcheck_cli.functions.formula import FormulaFunction, Program, add_inputs
from gradcheck_cli.functions.hints import did_you_mean
from gradcheck_cli.functions.importing import import_layer, input_types, known
from gradcheck_cli.functions.layer import CodeLayer
from gradcheck_cli.functions.python import RecipeError
from gradcheck_cli.functions.statements import checked_inputs
from gradcheck_cli.result import Fault
from gradcheck_cli.shapes import show
from gradcheck_cli.spec.sample import draw
from gradcheck_cli.spec.types import CheckSpec, OutputSpec


@dataclass(frozen=True)
class CodeFunction:
    """A layer's forward as a function of named arrays."""

    layer: CodeLayer

    @property
    def inputs(self) -> Mapping[str, ArrayType]:
        """Shapes and dtypes of the inputs."""
        return self.layer.inputs

    @property
    def outputs(self) -> Mapping[str, ArrayType]:
        """Shapes and dtypes of the outputs, as the first call has shown them."""
        return self.layer.outputs

    def along(self, varying: str, primals: Arrays) -> Callable[[Array], Arrays]:
        """Return f as a function of one input, the others fixed."""

        def function(array: Array) -> Arrays:
            outputs = self.layer.run({**primals, varying: array}).outputs
            return {name: np.array(value) for name, value in outputs.items()}  # buffers may be used again

        return function


@dataclass(frozen=True)
class NoFunction:
    """Stands for code that does not run."""

    inputs: Mapping[str, ArrayType]
    problem: str

    @property
    def outputs(self) -> Mapping[str, ArrayType]:
        """Nothing: it was never called."""
        return {}

    def along(self, varying: str, primals: Arrays) -> Callable[[Array], Arrays]:  # noqa: ARG002  # refuses all
        """Refuse."""
        raise EvaluationError(self.problem)


def compile_code(check: CheckSpec, *, max_memory: int) -> tuple[Subject | None, list[Fault]]:
    """Import a check's function, call it once, and build its claims.

    Code that does not run makes a subject with a ``problem``: that is no fault of the spec.
    """
    try:
        return _compile(check, max_memory)
    except RecipeError as error:
        return None, [check.fault(str(error), error.path)]
    except EvaluationError as error:
        function = NoFunction(input_types(check), str(error))
        problem, traceback = function.problem, error.frames
        return Subject(function=function, claims=(), pairs=(), problem=problem, traceback=traceback), []


def _compile(check: CheckSpec, max_memory: int) -> tuple[Subject | None, list[Fault]]:
    layer, faults = import_layer(check)
    if layer is None:
        return None, faults
    check = check.with_inputs(layer.parameters)
    faults = [
        check.fault(f'"{name}" is no input{did_you_mean(name, layer.inputs)}', "wrt")
        for name in check.wrt or ()
        if name not in layer.inputs
    ]
    if faults:
        return None, faults
    primals = draw(check.inputs, seed=check.seed, point=check.points[0])
    outputs, faults = _name_outputs(check, layer, layer.call(primals).values)
    if faults:
        return None, faults
    return _subject(check, known(check, layer, outputs), primals, max_memory)


def _name_outputs(
    check: CheckSpec, layer: CodeLayer, values: Sequence[Array]
) -> tuple[dict[str, ArrayType], list[Fault]]:
    """Give names to what a first call has returned, and see whether it is what the spec says."""
    names = [one.name for one in check.outputs] or _default_names(len(values))
    if len(names) != len(values):
        fact = f"{layer.names[0]} returns {len(values)} array{'' if len(values) == 1 else 's'}"
        return {}, [check.fault(f"{fact}, and outputs names {', '.join(names)}; name each", "outputs")]
    types = {name: ArrayType(value.shape, value.dtype) for name, value in zip(names, values, strict=True)}
    faults = [
        check.fault(f'"{name}" is an input; write another name in outputs', "outputs")
        for name in names
        if name in layer.inputs
    ]
    for wanted in check.outputs:
        faults += _shape_faults(check, layer, wanted, types[wanted.name])
        if wanted.shape is not None:  # its sizes print as the user wrote them
            types[wanted.name] = replace(types[wanted.name], shape=wanted.shape)
    if not any(type_.differentiable for type_ in types.values()):
        faults.append(check.fault("no output is floating: there is nothing to differentiate", "function"))
    return types, faults


def _default_names(number: int) -> list[str]:
    return ["y"] if number == 1 else [f"y{place}" for place in range(number)]


def _shape_faults(check: CheckSpec, layer: CodeLayer, wanted: OutputSpec, found: ArrayType) -> list[Fault]:
    if wanted.shape is None or found.shape == wanted.shape:
        return []
    fact = f"{layer.names[0]} gives {wanted.name} the shape {show(found.shape)}"
    message = f"{fact}, the spec says {show(wanted.shape)}"
    return [check.fault(message, f"outputs.{wanted.name}", wanted.position)]


def _subject(
    check: CheckSpec, layer: CodeLayer, primals: Arrays, max_memory: int
) -> tuple[Subject | None, list[Fault]]:
    wrt = checked_inputs(check)
    outputs = tuple(name for name, type_ in layer.outputs.items() if type_.differentiable)
    stated, unchecked, faults = compile_claims(
        check, claim_names(check, layer.inputs, layer.outputs, max_memory)
    )
    if not wrt and not faults:
        faults = [check.fault("no input is differentiable: there is nothing to check", "inputs")]
    if faults:
        return None, faults
    own = backward_claims(check, layer, primals) if layer.has_backward else ()
    own += forward_claims(check, layer, primals)
    stated = tuple(replace(claim, linearize=with_outputs(layer, layer.outputs, claim)) for claim in stated)
    subject = Subject(
        function=CodeFunction(layer),
        claims=(*own, *stated),
        pairs=tuple((output, name) for output in outputs for name in wrt),
        unchecked=unchecked,
        parameters=layer.parameters,
    )
    return subject, []


def claim_names(
    check: CheckSpec,
    given: Mapping[str, ArrayType],
    results: Mapping[str, ArrayType],
    max_memory: int,
) -> Program:
    """Make the names that claims beside code may use: its inputs, its outputs and the dims."""
    floats = [type_.dtype for type_ in given.values() if type_.differentiable]
    dtype = np.result_type(*floats) if floats else np.dtype(np.float64)
    scope = Scope(Graph(), dict(check.dims), dtype, max_memory)
    inputs, outputs = add_inputs(scope, given), add_inputs(scope, results)
    function = FormulaFunction(scope.graph, {**inputs, **outputs}, outputs)
    return Program(function, scope.names, dtype, max_memory)


def with_outputs(
    layer: Layer, types: Mapping[str, ArrayType], claim: Claim
) -> Callable[[Arrays], Linear] | None:
    """Feed a formula the outputs' values, which only a call can tell."""
    formula = claim.linearize
    if formula is None:
        return None

    def linearize(primals: Arrays) -> Linear:
        values = layer.run(primals).outputs
        outputs = {name: np.array(values[name], type_.dtype) for name, type_ in types.items()}
        return formula({**primals, **outputs})

    return linearize
