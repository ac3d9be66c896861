"""The shape report as JSON, schema 1: which keys a machine may rely on."""

from __future__ import annotations

from typing import Final

from gradcheck_cli.report.json_report import Json, document, fault_json, sizes
from gradcheck_cli.shapes import Shape, show_symbols
from gradcheck_cli.views import ArrayShape, CheckShapes, ClaimShapes, JacobianShape, ShapeReport, Step

SCHEMA: Final = 1


def render_shapes_json(report: ShapeReport) -> str:
    """Write the report as one JSON document, in ASCII, with a newline at its end."""
    return document(
        {
            "schema": SCHEMA,
            "budget_bytes": report.budget,
            "faults": [fault_json(fault) for fault in report.faults],
            "checks": [_check(check) for check in report.checks],
        }
    )


def _check(check: CheckShapes) -> Json:
    return {
        "name": check.name,
        "spec": check.spec,
        "line": check.line,
        "expect": "fail" if check.expects_failure else "pass",
        "dims": dict(check.dims),
        "inputs": [_array(array) for array in check.inputs],
        "outputs": [_array(array) for array in check.outputs],
        "steps": [_step(step) for step in check.steps],
        "links": [_jacobian(link) for link in check.links],
        "pairs": [_jacobian(pair) for pair in check.pairs],
        "claims": [_claim(claim) for claim in check.claims],
    }


def _shape(shape: Shape | None) -> dict[str, Json]:
    return {
        "shape": None if shape is None else sizes(shape),
        "symbols": None if shape is None else show_symbols(shape),
    }


def _array(array: ArrayShape) -> Json:
    return {"name": array.name, **_shape(array.shape), "dtype": array.dtype, "bytes": array.bytes}


def _step(step: Step) -> Json:
    return {
        "target": step.target,
        "text": step.text,
        "results": [_shape(shape) for shape in step.shapes],
        "problem": step.problem,
    }


def _jacobian(one: JacobianShape) -> Json:
    return {
        "output": one.output,
        "input": one.input,
        "output_shape": sizes(one.output_shape),
        "input_shape": sizes(one.input_shape),
        "symbols": f"{show_symbols(one.output_shape)} × {show_symbols(one.input_shape)}",
        "bytes_dense": one.bytes_dense,
        "bytes_vjp": one.bytes_vjp,
    }


def _claim(claim: ClaimShapes) -> Json:
    return {
        "kind": claim.kind,
        "key": claim.key,
        **_shape(claim.shape),
        "wanted": sizes(claim.wanted),
        "fits": claim.fits,
        "problem": claim.problem,
        "steps": [_step(step) for step in claim.steps],
    }
