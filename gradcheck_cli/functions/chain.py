"""A declared chain x → h → … → L: each link as a function of its own, cut out of the whole graph."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from gradcheck_cli.autodiff.trace import Plan
from gradcheck_cli.functions.base import Arrays, Link
from gradcheck_cli.functions.formula import FormulaFunction, Program
from gradcheck_cli.functions.hints import did_you_mean
from gradcheck_cli.functions.values import Ref
from gradcheck_cli.result import Fault
from gradcheck_cli.spec.types import CheckSpec


def compile_chain(check: CheckSpec, program: Program) -> tuple[tuple[Link, ...], Link | None, list[Fault]]:
    """Build the links of a declared chain and the function from its start to its end."""
    faults = chain_faults(check, program)
    if faults or not check.chain:
        return (), None, faults
    start, end = check.chain[0], check.chain[-1]
    links = tuple(
        _link(program, source, target, bypass=source != start and _bypassed(program, start, end, source))
        for source, target in pairwise(check.chain)
    )
    return links, _link(program, start, end), []


def chain_faults(check: CheckSpec, program: Program) -> list[Fault]:
    """Say what is wrong with a declared chain: each name must be an array computed from the one before."""
    faults = [
        check.fault(problem, f"chain[{place}]")
        for place, name in enumerate(check.chain)
        if (problem := _problem(program, name))
    ]
    if faults:
        return faults
    graph, numbers = program.function.graph, {name: program.names[name].number for name in check.chain}
    return [
        check.fault(f"{target} is not computed from {source}", f"chain[{place}]")
        for place, (source, target) in enumerate(pairwise(check.chain), start=1)
        if not graph.depends(numbers[target], numbers[source])
    ]


def _problem(program: Program, name: str) -> str:
    """Say why a name cannot stand in a chain, if so."""
    value, inputs = program.names.get(name), program.function.input_nodes
    if not isinstance(value, Ref):
        arrays = [one for one, found in program.names.items() if isinstance(found, Ref)]
        return f"the function has no array {name!r}{did_you_mean(name, arrays)}"
    if name in inputs and value.number != inputs[name]:
        return f"the function gives the input {name} a new value; rename the new one"
    if not np.issubdtype(value.dtype, np.inexact):
        return f"{name} is {value.dtype}: it has no derivative"
    return ""


def _bypassed(program: Program, start: str, end: str, through: str) -> bool:
    numbers = [program.names[name].number for name in (start, end, through)]
    return program.function.graph.depends(numbers[1], numbers[0], cut=[numbers[2]])


def _link(program: Program, source: str, target: str, *, bypass: bool = False) -> Link:
    """Cut the graph at ``source``: it becomes an input beside the function's own."""
    whole = program.function
    here, there = program.names[source].number, program.names[target].number
    function = FormulaFunction(whole.graph, {**whole.input_nodes, source: here}, {target: there})
    engine, _ = function.engine_claims([source], [target])

    def value_of_source(primals: Arrays) -> Arrays:
        known = {whole.input_nodes[name]: value for name, value in primals.items()}
        return {source: np.asarray(Plan.make(whole.graph, (), (here,), known).constants[here])}

    return Link(
        source=source,
        target=target,
        function=function,
        engine=engine,
        value_of_source=value_of_source,
        bypass=bypass,
    )
