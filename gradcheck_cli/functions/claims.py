"""The claims of a check whose function is a formula: VJPs, JVPs and explicit Jacobians.

A claim that names something unknown is a fault of the spec. A claim whose *shapes* do not fit is a wrong
gradient like any other: it becomes a ``Misfit``, which fails the check.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from gradcheck_cli.autodiff.trace import Plan
from gradcheck_cli.errors import FormulaShapeError
from gradcheck_cli.functions.base import Arrays, Claim, Linear, Misfit, Pair, Subject, Wording
from gradcheck_cli.functions.chain import compile_chain
from gradcheck_cli.functions.elaborate import Barred, Scope
from gradcheck_cli.functions.formula import (
    FormulaFunction,
    Program,
    compile_function,
    elaborate,
    formula_fault,
    inside,
    locate,
)
from gradcheck_cli.functions.hints import did_you_mean
from gradcheck_cli.functions.statements import Statement, checked_inputs, checked_outputs, statements
from gradcheck_cli.functions.values import Ref
from gradcheck_cli.parts import is_complex
from gradcheck_cli.result import Fault
from gradcheck_cli.shapes import show
from gradcheck_cli.spec.types import CheckSpec, Position

NOT_ONE_VALUE = "the last line must be one value"


def compile_check(check: CheckSpec, *, max_memory: int) -> tuple[Subject | None, list[Fault]]:
    """Turn a check's formulas into what the engine works on, or say everything that is wrong with them."""
    program, faults = compile_function(check, max_memory)
    if program is None:
        return None, faults
    wrt, outputs = checked_inputs(check), checked_outputs(program)
    claims, unchecked, found = compile_claims(check, program)
    faults += found
    try:  # here the parts that depend on no input are computed, once and for all
        engine = program.function.engine_claims(wrt, outputs)
        links, whole, found = compile_chain(check, program)
    except (ArithmeticError, LookupError, MemoryError, TypeError, ValueError) as error:
        fact = f"a part that depends on no input cannot be computed: {type(error).__name__}: {error}"
        found = [check.fault(fact, "function")]
    faults += found
    if not wrt and not faults:
        faults.append(check.fault("no input is differentiable: there is nothing to check", "inputs"))
    if faults:
        return None, faults
    subject = Subject(
        function=program.function,
        claims=claims or engine,
        pairs=engine[0].pairs,
        engine=engine,
        links=links,
        whole=whole,
        unrelated=_unrelated(program.function, engine[0].pairs),
        unchecked=unchecked,
    )
    return subject, []


def compile_claims(
    check: CheckSpec, program: Program
) -> tuple[tuple[Claim, ...], tuple[Pair, ...], list[Fault]]:
    """Build what the spec claims, and name the pairs that it claims although ``wrt`` leaves the input out."""
    wrt, outputs = checked_inputs(check), checked_outputs(program)
    claims: list[Claim] = []
    unchecked: list[Pair] = []
    faults: list[Fault] = []
    for statement in statements(check, program):
        claim, found = compile_claim(check, program, statement, outputs)
        faults += found
        if claim and not set(claim.inputs).isdisjoint(wrt):
            claims.append(replace(claim, wording=_wording(check, program, statement, outputs)))
        elif claim:
            unchecked += claim.pairs
    return tuple(claims), tuple(dict.fromkeys(unchecked)), faults


def _wording(check: CheckSpec, program: Program, statement: Statement, outputs: list[str]) -> Wording:
    """Keep how a claim is written, so that other texts may be tried in its place."""

    def reads(text: str) -> Claim | None:
        written = replace(statement, text=replace(statement.text, text=text, exact=False))
        claim, _ = compile_claim(check, program, written, outputs)
        return claim if claim is not None and claim.misfit is None else None

    names = {name: value.shape for name, value in program.names.items() if isinstance(value, Ref)}
    types = {**program.function.outputs, **program.function.inputs}
    seeds = {name: types[owner].shape for name, owner in statement.seeds.items()}
    return Wording(text=statement.text.text, names={**names, **seeds}, seeds=tuple(seeds), reads=reads)


def _unrelated(function: FormulaFunction, pairs: tuple[Pair, ...]) -> frozenset[Pair]:
    """Outputs that an input does not enter, although it enters others."""
    related = {pair for pair in pairs if function.depends(*pair)}
    used = {name for _, name in related}
    return frozenset(pair for pair in pairs if pair not in related and pair[1] in used)


def compile_claim(
    check: CheckSpec, program: Program, statement: Statement, outputs: list[str]
) -> tuple[Claim | None, list[Fault]]:
    """Build one claim; a shape that does not fit makes it a misfit, anything else wrong a fault."""
    faults = misnamed(check, program, statement, outputs)
    if faults:
        return None, faults
    scope, seeds = open_claim(program, statement)
    result = elaborate(scope, statement.text)
    if not all(isinstance(error, FormulaShapeError) for error in result.errors):
        return None, [formula_fault(check, statement.text, error) for error in result.errors]
    if result.value is None and not result.errors:
        return None, [check.fault(NOT_ONE_VALUE, statement.text.path)]
    if result.value is None:
        facts = [
            _at(check, statement, locate(statement.text, error), error.message) for error in result.errors
        ]
        return _made(statement, None, Misfit(message="; ".join(facts))), []
    ref, misfit = result.value, _misfit(check, statement, result.value)
    linearize = _linearizer(scope, program.function, statement, seeds, ref)
    ignores = bool(seeds) and scope.graph.ancestors([ref.number]).isdisjoint(seeds.values())
    claim = _made(statement, linearize, misfit, ignores_seed=ignores)
    return replace(claim, inside=inside(scope, program.function, seeds, {statement.key: ref})), []


def _misfit(check: CheckSpec, statement: Statement, ref: Ref) -> Misfit | None:
    """Say why a claim's value cannot be a derivative, whatever its entries."""
    position = check.locate(statement.text.path)
    if ref.shape != statement.shape:
        fact = f"the {_what(statement)} has the shape {show(ref.shape)}, it must be {show(statement.shape)}"
        return Misfit(message=_at(check, statement, position, fact), shape=ref.shape)
    if fact := wrong_dtype(statement, ref):
        message = _at(check, statement, position, fact)
        return Misfit(message=message, shape=ref.shape, code="wrong-dtype")
    return None


def wrong_dtype(statement: Statement, ref: Ref) -> str:
    """Say what is wrong with a claim that is complex where the derivative is real; empty for others."""
    if not is_complex(ref.dtype) or is_complex(statement.dtype):
        return ""
    own = "both arrays are" if statement.kind == "jacobian" else f"{statement.key} is"
    return f"the {_what(statement)} is {ref.dtype}, and {own} real; write real(…) for the real part"


def _what(statement: Statement) -> str:
    return "Jacobian" if statement.kind == "jacobian" else f"derivative for {statement.key}"


def open_claim(program: Program, statement: Statement) -> tuple[Scope, dict[str, int]]:
    """Open the scope in which a claim's text is read, and make nodes of its cotangents or tangents."""
    types = program.function.outputs if statement.kind == "vjp" else program.function.inputs
    scope, seeds = program.scope({seed: types[owner] for seed, owner in statement.seeds.items()})
    scope.hint = _seeds_hint(statement)
    for name in _reassigned(program):
        scope.names[name] = Barred(f"{name} is assigned anew by the function; use another name there")
    return scope, seeds


def _seeds_hint(statement: Statement) -> str:
    if not statement.seeds:
        return ""
    noun = "cotangent" if statement.kind == "vjp" else "tangent"
    several = len(statement.seeds) > 1
    return (
        f"; the {noun}{'s' if several else ''} here {'are' if several else 'is'} {', '.join(statement.seeds)}"
    )


def _reassigned(program: Program) -> list[str]:
    """Inputs whose names stand for something else after the function's last line."""
    numbers = program.function.input_nodes
    found = {name: program.names.get(name) for name in numbers}
    return [
        name for name, value in found.items() if not isinstance(value, Ref) or value.number != numbers[name]
    ]


def misnamed(check: CheckSpec, program: Program, statement: Statement, outputs: list[str]) -> list[Fault]:
    """Find claims about an output that is none, and seeds whose name the function has taken."""
    faults: list[Fault] = []
    for output in dict.fromkeys(output for output, _ in statement.pairs):
        if output not in outputs:
            hint = did_you_mean(output, outputs) or f"; outputs are {', '.join(outputs)}"
            faults.append(check.fault(f"{output!r} is no floating output{hint}", statement.text.path))
    for name in dict.fromkeys(name for _, name in statement.pairs):
        if name not in program.function.inputs:
            hint = did_you_mean(name, program.function.inputs)
            faults.append(check.fault(f"{name!r} is no input{hint}", statement.text.path))
    for seed in statement.seeds:
        if seed in program.names:
            meaning = "cotangent" if statement.kind == "vjp" else "tangent"
            message = f"{seed} stands for a {meaning} in this claim; rename what the spec calls {seed}"
            faults.append(check.fault(message, statement.text.path))
    return faults


def _at(check: CheckSpec, statement: Statement, position: Position, fact: str) -> str:
    return str(check.fault(fact, statement.text.path, position))


def _made(
    statement: Statement,
    linearize: Callable[[Arrays], Linear] | None,
    misfit: Misfit | None,
    *,
    ignores_seed: bool = False,
) -> Claim:
    return Claim(
        kind=statement.kind,
        label=statement.kind,
        pairs=statement.pairs,
        linearize=linearize,
        misfit=misfit,
        ignores_seed=ignores_seed,
    )


def _linearizer(
    scope: Scope, function: FormulaFunction, statement: Statement, seeds: Mapping[str, int], ref: Ref
) -> Callable[[Arrays], Linear]:
    """Return primals → (seeds → value), where what does not depend on the seeds is computed once."""
    graph = scope.graph

    def linearize(primals: Arrays) -> Linear:
        known = {function.input_nodes[name]: value for name, value in primals.items()}
        plan = Plan.make(graph, tuple(seeds.values()), (ref.number,), known)

        def linear(given: Arrays) -> Arrays:
            fed = [given[statement.seeds[seed]] for seed in seeds]
            return {statement.key: np.asarray(plan.run(fed)[ref.number])}

        return linear

    return linearize
