"""The VJP of a formula as a function: the engine's own gradient, written down as a graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gradcheck_cli.autodiff.gradient import Gradient, NoSecondDerivativeError, gradient_of
from gradcheck_cli.autodiff.gradient import varying as varies_with
from gradcheck_cli.autodiff.retrace import Recorder
from gradcheck_cli.autodiff.trace import Graph
from gradcheck_cli.errors import BudgetError
from gradcheck_cli.functions.base import Claim, Pair, Subject
from gradcheck_cli.functions.formula import FormulaFunction, compile_function
from gradcheck_cli.functions.second_task import Task, claimed_pairs, second_claims
from gradcheck_cli.result import Fault


def second_of_formula(task: Task) -> tuple[Subject | None, list[Fault]]:
    """Build the VJP of a formula as a function, whose derivative the engine knows, or the spec claims."""
    program, faults = compile_function(task.check, task.max_memory)
    if program is None:
        return None, faults
    claims, unchecked, faults = second_claims(task, program)
    try:
        function = _gradient_function(task, program.function)
    except NoSecondDerivativeError as error:
        written = program.function.texts.get(error.node, error.name)
        message = f"2 needs the second derivative of {written}, for which there is no rule yet"
        return None, [task.check.fault(f"{message} ({error.reason})", "order")]
    except BudgetError as error:
        return None, [*faults, task.check.fault(f"the gradient as a function: {error}", "order")]
    if faults:
        return None, faults
    engine = _engine(task, function)
    pairs = claimed_pairs(task, claims) or engine[0].pairs
    return Subject(
        function=function,
        claims=claims or engine,
        pairs=pairs,
        engine=engine,
        unrelated=_constant(function, pairs),
        unchecked=unchecked,
    ), []


def _engine(task: Task, function: FormulaFunction) -> tuple[Claim, ...]:
    claims = function.engine_claims((*task.wrt, *task.cotangents), tuple(function.outputs))
    return tuple(replace(one, label=one.label.replace("engine", "engine 2nd")) for one in claims)


def _gradient_function(task: Task, function: FormulaFunction) -> FormulaFunction:
    """Write the engine's gradient down as a graph."""
    found = gradient_of(
        function.graph,
        {name: function.output_nodes[name] for name in task.outputs},
        [function.input_nodes[name] for name in task.wrt],
        max_memory=task.max_memory,
    )
    graph, results = _symmetrised(task, found)
    for number, type_ in zip(results, task.gradients.values(), strict=True):
        graph = graph.relabelled(number, type_.shape)  # its sizes print as the user wrote them
    seeds = {f"d{name}": number for name, number in found.seeds.items()}
    outputs = dict(zip(task.gradients, results, strict=True))
    return FormulaFunction(graph, {**function.input_nodes, **seeds}, outputs, function.texts)


def _symmetrised(task: Task, found: Gradient) -> tuple[Graph, list[int]]:
    """Take the symmetric part of the gradients by symmetric inputs; each result is a node of its own."""
    recorder = Recorder(found.graph, task.max_memory)
    results = []
    for name, number in zip(task.gradients, found.results, strict=True):
        value = recorder.tracer(number)
        value = recorder.copy((value + value.mT) / 2 if name in task.symmetric else value)
        results.append(value.number)
    return recorder.graph, results


def _constant(function: FormulaFunction, pairs: Sequence[Pair]) -> frozenset[Pair]:
    """Pairs of which the derivative is zero by the formula, so that it need not be said to be so."""
    found = {name: varies_with(function.graph, number) for name, number in function.output_nodes.items()}
    return frozenset(pair for pair in pairs if function.input_nodes[pair[1]] not in found[pair[0]])
