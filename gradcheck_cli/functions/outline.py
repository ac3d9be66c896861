"""A check's formulas → the shape of every value on the way, without computing any of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from gradcheck_cli.autodiff.trace import Node
from gradcheck_cli.errors import FormulaShapeError
from gradcheck_cli.functions.base import ArrayType
from gradcheck_cli.functions.chain import chain_faults
from gradcheck_cli.functions.claims import NOT_ONE_VALUE, misnamed, open_claim, wrong_dtype
from gradcheck_cli.functions.formula import (
    Opened,
    Program,
    close_function,
    elaborate,
    formula_fault,
    open_function,
)
from gradcheck_cli.functions.statements import Statement, checked_inputs, checked_outputs, statements
from gradcheck_cli.functions.steps import links, steps
from gradcheck_cli.functions.values import Ref
from gradcheck_cli.parts import part_dtype, part_shape
from gradcheck_cli.result import Fault
from gradcheck_cli.shapes import count
from gradcheck_cli.spec.types import CheckSpec
from gradcheck_cli.views import ArrayShape, CheckShapes, ClaimShapes, JacobianShape

NO_LIMIT = 2**200  # bytes: nothing is allocated here


def outline(check: CheckSpec) -> tuple[CheckShapes, list[Fault]]:
    """Describe the shapes of a check; of a function that is wrong, as far as it goes, with its faults."""
    opened = open_function(check, NO_LIMIT)
    program, faults = close_function(check, opened)
    inputs = {name: opened.scope.graph.nodes[number] for name, number in opened.input_nodes.items()}
    shapes = CheckShapes(
        name=check.name,
        spec=check.spec,
        line=check.position[0],
        expects_failure=check.expect == "fail",
        dims={name: int(size) for name, size in check.dims.items()},
        inputs=tuple(_array(name, node) for name, node in inputs.items()),
        steps=tuple(steps(opened.scope, opened.result)),
        links=tuple({(one.output, one.input): one for one in _links(check, opened)}.values()),
    )
    if program is None:
        return shapes, faults
    claims = [_claim(check, program, statement) for statement in statements(check, program)]
    shapes = replace(
        shapes,
        outputs=tuple(_array(name, type_) for name, type_ in program.function.outputs.items()),
        pairs=tuple(_pairs(check, program)),
        claims=tuple(claim for claim, _ in claims),
    )
    return shapes, [*chain_faults(check, program), *(fault for _, found in claims for fault in found)]


def _array(name: str, type_: ArrayType | Node) -> ArrayShape:
    return ArrayShape(name=name, shape=type_.shape, dtype=str(type_.dtype), itemsize=type_.dtype.itemsize)


def _links(check: CheckSpec, opened: Opened) -> Iterator[JacobianShape]:
    """Yield, for every line, its Jacobian by each array that it names, and the links of a declared chain."""
    names = opened.scope.names
    declared = [
        (target, source, names.get(target), names.get(source))
        for source, target in zip(check.chain, check.chain[1:], strict=False)
    ]
    for target, source, there, here in [*links(opened.scope, opened.result), *declared]:
        if not (isinstance(there, Ref) and isinstance(here, Ref)):
            continue
        if _is_floating(there) and _is_floating(here):
            yield _jacobian(target, source, there, here)


def _is_floating(ref: Ref | ArrayType) -> bool:
    return bool(np.issubdtype(ref.dtype, np.inexact))


def _jacobian(output: str, name: str, there: Ref | ArrayType, here: Ref | ArrayType) -> JacobianShape:
    rows, columns = count(part_shape(there.shape, there.dtype)), count(part_shape(here.shape, here.dtype))
    size = max(part_dtype(one.dtype).itemsize for one in (there, here))
    return JacobianShape(
        output=output,
        input=name,
        output_shape=there.shape,
        input_shape=here.shape,
        bytes_dense=rows * columns * size,
        bytes_vjp=count(there.shape) * there.dtype.itemsize + count(here.shape) * here.dtype.itemsize,
    )


def _pairs(check: CheckSpec, program: Program) -> Iterator[JacobianShape]:
    function = program.function
    for output in checked_outputs(program):
        for name in checked_inputs(check):
            yield _jacobian(output, name, function.outputs[output], function.inputs[name])


def _claim(check: CheckSpec, program: Program, statement: Statement) -> tuple[ClaimShapes, list[Fault]]:
    """Describe one claim; a wrong name in it is a fault, a wrong shape is part of the description."""
    output, name = statement.pairs[0] if statement.pairs else ("", "")
    shapes = ClaimShapes(
        kind=statement.kind,
        key=f"{output}/{name}" if statement.kind == "jacobian" else statement.key,
        wanted=statement.shape,
    )
    faults = misnamed(check, program, statement, checked_outputs(program))
    if faults:
        return shapes, faults
    scope, _ = open_claim(program, statement)
    result = elaborate(scope, statement.text)
    faults = [
        formula_fault(check, statement.text, error)
        for error in result.errors
        if not isinstance(error, FormulaShapeError)
    ]
    shapes = replace(
        shapes,
        steps=tuple(steps(scope, result)),
        shape=result.value.shape if result.value else None,
        problem="; ".join(error.message for error in result.errors)
        or (wrong_dtype(statement, result.value) if result.value else ""),
    )
    if result.value is None and not result.errors:
        shapes = replace(shapes, problem=NOT_ONE_VALUE)
        faults.append(check.fault(NOT_ONE_VALUE, statement.text.path))
    return shapes, faults
