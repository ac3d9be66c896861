"""The shape-inspection report for people: how every shape comes about, and where it breaks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console, RenderableType
from rich.text import Text

from gradcheck_cli.report.faults import write_faults
from gradcheck_cli.report.notation import fraction_name, in_both, plural
from gradcheck_cli.report.page import INDENT, Layout, Page
from gradcheck_cli.shapes import Shape, show, show_bytes, show_symbols
from gradcheck_cli.views import ArrayShape, CheckShapes, ClaimShapes, JacobianShape, ShapeReport, Step

ARROW: Final = "→ "
WRONG: Final = "bold red"
JACOBIAN_HEAD: Final = "generalized Jacobian"


def write_shapes(report: ShapeReport, console: Console) -> None:
    """Print the shapes of every check, then the faults."""
    page = Page(console)
    for check in report.checks:
        _write_check(page, check, report.budget)
    write_faults(page, report.faults)
    page.write(page.text(_summary(report), WRONG if report.exit_code else "green"))


def _write_check(page: Page, check: CheckShapes, budget: int) -> None:
    page.write(Text.assemble(page.text(check.name, "bold"), "  ", page.text(_place(check), "dim")))
    if check.dims:
        page.write(page.text(", ".join(f"{name} = {size}" for name, size in check.dims.items())), INDENT)
    _write_arrays(page, "inputs", check.inputs)
    _write_steps(page, "function", check.steps)
    _write_arrays(page, "outputs", check.outputs)
    _write_jacobians(page, "links, line by line", check.inner_links, budget)
    _write_jacobians(page, "outputs by inputs", check.pairs, budget)
    if any(one.bytes_dense > budget for one in (*check.inner_links, *check.pairs)):
        limit = f"the memory budget of {show_bytes(budget)} (--max-memory)"
        page.write()
        page.write(page.text(f"hopeless: an explicit array beyond {limit}", "dim"), INDENT)
    for claim in check.claims:
        _write_claim(page, claim, expected=check.expects_failure)
    page.write()


def _place(check: CheckShapes) -> str:
    return f"{check.spec}:{check.line}"


def _write_title(page: Page, title: str) -> None:
    page.write()
    page.write(page.text(title, "bold"), INDENT)


def _write_arrays(page: Page, title: str, arrays: Sequence[ArrayShape]) -> None:
    if not arrays:
        return
    _write_title(page, title)
    rows = [
        (array.name, show_symbols(array.shape), _numbers(array.shape), array.dtype, show_bytes(array.bytes))
        for array in arrays
    ]
    narrow = [
        (name, "\n".join(filter(None, (symbols, numbers))), *rest) for name, symbols, numbers, *rest in rows
    ]
    page.write_first_that_fits([_columns(page, rows), _columns(page, narrow)], 2 * INDENT)


def _columns(page: Page, rows: Sequence[Sequence[str]]) -> Layout:
    return lambda: page.columns(rows)


def _numbers(shape: Shape) -> str:
    """Sizes behind the symbols; nothing where these are numbers already."""
    return "" if show(shape) == show_symbols(shape) else f"= {show(shape)}"


def _write_steps(page: Page, title: str, steps: Sequence[Step]) -> None:
    """Print the operations, what each comes to in a column of its own as far as there is room."""
    if not steps:
        return
    _write_title(page, title)
    room = page.width - 2 * INDENT
    lines = [(page.text(_written(step)), page.text(_comes_to(step))) for step in steps]
    # A long result, as of split, does not move the column of the others.
    widest = max((right.cell_len for _, right in lines if right.cell_len <= room // 2), default=0)
    column = max((left.cell_len for left, _ in lines if left.cell_len + 2 + widest <= room), default=0)
    for (left, right), step in zip(lines, steps, strict=True):
        if left.cell_len <= column and column + 2 + right.cell_len <= room:
            left.pad_right(column + 2 - left.cell_len)
            page.write(left.append_text(right), 2 * INDENT)
        else:
            page.write(left, 2 * INDENT)
            if right.plain:
                page.write(right, min(2 * INDENT + column + 2, max(3 * INDENT, page.width - right.cell_len)))
        if step.problem:
            page.write(page.lines(step.problem, WRONG), 3 * INDENT)


def _written(step: Step) -> str:
    return f"{step.target} = {step.text}" if step.target else step.text


def _comes_to(step: Step) -> str:
    if not step.shapes:
        return ""
    return f"{ARROW}{', '.join(in_both(show_symbols(shape), show(shape)) for shape in step.shapes)}"


def _write_jacobians(page: Page, title: str, jacobians: Sequence[JacobianShape], budget: int) -> None:
    if not jacobians:
        return
    _write_title(page, title)
    page.write_first_that_fits(
        [
            lambda: _jacobian_table(page, jacobians, budget, " = "),
            lambda: _jacobian_table(page, jacobians, budget, "\n= "),
        ],
        2 * INDENT,
    )


def _jacobian_table(
    page: Page, jacobians: Iterable[JacobianShape], budget: int, between: str
) -> RenderableType:
    table = page.table([("", "left"), (JACOBIAN_HEAD, "left"), ("explicit", "right"), ("VJP", "right")])
    for one in jacobians:
        symbols, numbers = (
            f"{write(one.output_shape)} × {write(one.input_shape)}" for write in (show_symbols, show)
        )
        shape = symbols if symbols == numbers else f"{symbols}{between}{numbers}"
        hopeless = one.bytes_dense > budget
        explicit = f"{show_bytes(one.bytes_dense)}{', hopeless' if hopeless else ''}"
        table.add_row(
            page.text(fraction_name(one.output, one.input)),
            page.lines(shape),
            page.text(explicit, "yellow" if hopeless else ""),
            page.text(show_bytes(one.bytes_vjp)),
        )
    return table


def _write_claim(page: Page, claim: ClaimShapes, *, expected: bool) -> None:
    wanted = in_both(show_symbols(claim.wanted), show(claim.wanted))
    of = "the axes of both" if claim.kind == "jacobian" else f"the shape of {claim.key}"
    _write_steps(page, f"claim {claim.kind} {claim.key}: must have {of}, {wanted}", claim.steps)
    if claim.fits:
        page.write(page.text("fits", "green"), 2 * INDENT)
    elif claim.shape is not None and claim.problem:
        page.write(page.text(f"does not fit: {claim.problem}", WRONG), 2 * INDENT)
    elif claim.shape is not None:
        found = in_both(show_symbols(claim.shape), show(claim.shape))
        page.write(page.text(f"does not fit: it comes to {found}, and must be {wanted}", WRONG), 2 * INDENT)
    if expected and not claim.fits:
        page.write(page.text("the spec expects this check to fail"), 2 * INDENT)


def _summary(report: ShapeReport) -> str:
    claims = [claim for check in report.checks for claim in check.claims]
    misfits = sum(not claim.fits for claim in claims)
    parts = [plural(len(report.checks), "check"), plural(len(claims), "claim")]
    if misfits:
        parts.append(f"{misfits} of them {'does' if misfits == 1 else 'do'} not fit")
    if report.faults:
        parts.append(plural(len(report.faults), "fault"))
    return ", ".join(parts)
