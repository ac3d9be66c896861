"""The shape report as Markdown, for a pull request or a page of notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradcheck_cli.report.notation import fraction_name, in_both
from gradcheck_cli.report.safe import safe
from gradcheck_cli.shapes import Shape, show, show_bytes, show_symbols
from gradcheck_cli.views import CheckShapes, ClaimShapes, JacobianShape, ShapeReport, Step

Row = Sequence[str]


def render_shapes_markdown(report: ShapeReport) -> str:
    """Write a heading and tables for every check, then the faults as a list."""
    lines = [line for check in report.checks for line in _check(check, report.budget)]
    if report.faults:
        lines += ["## Faults", "", *(f"- {_escaped(str(fault))}" for fault in report.faults)]
    return "\n".join(lines).rstrip("\n") + "\n"


def _check(check: CheckShapes, budget: int) -> Iterator[str]:
    yield from (f"## {_escaped(check.name)}", "", f"{_code(f'{check.spec}:{check.line}')}", "")
    if check.dims:
        yield from (", ".join(f"{_code(name)} = {size}" for name, size in check.dims.items()), "")
    arrays = [("input", one) for one in check.inputs] + [("output", one) for one in check.outputs]
    yield from _table(
        ("", "array", "shape", "dtype", "memory"),
        [
            (role, _code(one.name), _shape(one.shape), one.dtype, show_bytes(one.bytes))
            for role, one in arrays
        ],
    )
    yield from _table(("function", "shape"), [_step(step) for step in check.steps])
    jacobians = [("link", one) for one in check.inner_links] + [("pair", one) for one in check.pairs]
    yield from _table(
        ("", "Jacobian", "shape", "explicit", "VJP"),
        [(kind, *_jacobian(one, budget)) for kind, one in jacobians],
    )
    for claim in check.claims:
        title = f"claim {claim.kind} {_code(claim.key)}, must be {_shape(claim.wanted)}: {_outcome(claim)}"
        yield from _table((title, "shape"), [_step(step) for step in claim.steps])


def _table(head: Row, rows: Sequence[Row]) -> Iterator[str]:
    if rows:
        for row in (head, ["---"] * len(head), *rows):
            yield f"| {' | '.join(row)} |"
        yield ""


def _step(step: Step) -> Row:
    text = f"{step.target} = {step.text}" if step.target else step.text
    return _code(text), _escaped(step.problem) if step.problem else ", ".join(map(_shape, step.shapes))


def _jacobian(one: JacobianShape, budget: int) -> Row:
    symbols, numbers = (
        f"{write(one.output_shape)} × {write(one.input_shape)}" for write in (show_symbols, show)
    )
    hopeless = ", hopeless" if one.bytes_dense > budget else ""
    return (
        _code(fraction_name(one.output, one.input)),
        _escaped(in_both(symbols, numbers)),
        f"{show_bytes(one.bytes_dense)}{hopeless}",
        show_bytes(one.bytes_vjp),
    )


def _outcome(claim: ClaimShapes) -> str:
    if claim.fits:
        return "fits"
    if claim.shape is None:
        return "does not fit"
    problem = _escaped(claim.problem) if claim.problem else f"it comes to {_shape(claim.shape)}"
    return f"does not fit, {problem}"


def _shape(shape: Shape) -> str:
    return _escaped(in_both(show_symbols(shape), show(shape)))


def _code(text: str) -> str:
    """Set in code what may hold characters that Markdown reads."""
    return f"`{safe(text).replace('`', chr(0x2019)).replace('|', chr(92) + '|')}`"


def _escaped(text: str) -> str:
    special = "\\`*_{}[]<>#|"
    return "".join(f"\\{character}" if character in special else character for character in safe(text))
