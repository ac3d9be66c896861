"""A declared chain x → h → … → L: each link as a function of its own, cut out of the whole graph."""

from __future__ import annotations

import numpy as np

from gradcheck_cli.autodiff.trace import Plan
from gradcheck_cli.functions.apply import Ref
from gradcheck_cli.functions.base import Arrays, Link
from gradcheck_cli.functions.formula import FormulaFunction, Program
from gradcheck_cli.functions.hints import did_you_mean
from gradcheck_cli.result import Fault
from gradcheck_cli.spec.types import CheckSpec


def compile_chain(check: CheckSpec, program: Program) -> tuple[tuple[Link, ...], Link | None, list[Fault]]:
    """Build the links of a declared chain and the function from its start to its end."""
    if not check.chain:
        return (), None, []
    refs = {name: program.names.get(name) for name in check.chain}
    arrays = [name for name, value in program.names.items() if isinstance(value, Ref)]
    faults = [
        check.fault(f"the function has no array {name!r}{did_you_mean(name, arrays)}", f"chain[{place}]")
        for place, name in enumerate(check.chain)
        if not isinstance(refs[name], Ref)
    ]
    faults += [
        check.fault(f"the function gives the input {name} a new value; rename the new one", f"chain[{place}]")
        for place, name in enumerate(check.chain)
        if name in program.function.input_nodes and refs[name].number != program.function.input_nodes[name]  # type: ignore[union-attr]
    ]
    if faults:
        return (), None, faults
    graph = program.function.graph
    for place, (source, target) in enumerate(zip(check.chain, check.chain[1:], strict=False), start=1):
        if not graph.depends(refs[target].number, refs[source].number):  # type: ignore[union-attr]
            faults.append(check.fault(f"{target} is not computed from {source}", f"chain[{place}]"))
    if faults:
        return (), None, faults
    start, end = check.chain[0], check.chain[-1]
    links = tuple(
        _link(program, source, target, bypass=source != start and _bypassed(program, start, end, source))
        for source, target in zip(check.chain, check.chain[1:], strict=False)
    )
    return links, _link(program, start, end), []


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
