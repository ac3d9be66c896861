"""``gradcheck jacobian``: explicit generalized Jacobians, written out or saved."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from gradcheck_cli.cli.endings import endings, write_file
from gradcheck_cli.cli.options import (
    color_option,
    memory_option,
    no_code_option,
    paths_argument,
    point_option,
    seed_option,
    select_option,
    tolerance_options,
    with_options,
)
from gradcheck_cli.cli.plot import plot_option, require_plot, write_plot
from gradcheck_cli.errors import GradcheckError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gradcheck_cli.explicit import ExplicitJacobian, JacobianReport
    from gradcheck_cli.result import Index

# What --save writes: fields of ExplicitJacobian.
ARRAYS = ("analytic", "numeric", "low", "high", "bound", "wrong", "undecided")
EXIT_CODES = """\b
Exit codes:
  0  the arrays agree (or the spec expects that they do not)
  1  an entry is wrong
  2  the command line or a spec is wrong
  3  a Jacobian could not be computed, or an entry not be judged
"""


def parse_index(_context: click.Context, _option: click.Parameter, value: str | None) -> Index | None:
    """Read ``0,2`` or ``[0, 2]``; ``()`` is the index of a scalar."""
    if value is None:
        return None
    inner = value.strip()
    if (inner[:1], inner[-1:]) in {("[", "]"), ("(", ")")}:
        inner = inner[1:-1]
    parts = inner.rstrip().removesuffix(",").split(",") if inner.strip() else []
    if any(re.fullmatch(r"\s*-?\d{1,18}\s*", part, re.ASCII) is None for part in parts):
        raise click.BadParameter(f"{value!r} is no index; write for example 0,2")
    return tuple(map(int, parts))


def parse_archive(_context: click.Context, _option: click.Parameter, value: str | None) -> Path | None:
    """Take the name of a file for NumPy's arrays, which ends as NumPy's do."""
    if value is not None and (Path(value).suffix != ".npz" or Path(value).is_dir()):
        raise click.BadParameter(f"{value!r} is no file of arrays; write FILE.npz")
    return None if value is None else Path(value)


@click.command(epilog=EXIT_CODES)
@with_options(
    paths_argument,
    select_option,
    click.option("--of", metavar="OUTPUT", help="Output, or a link's end; default: each."),
    click.option("--wrt", metavar="INPUT", help="Input, or a link's start; default: each."),
    click.option(
        "--claim",
        type=click.Choice(["vjp", "jvp", "jacobian", "engine"]),
        help="Whose analytic side; default: the spec's own claim, else the engine's.",
    ),
    point_option,
    click.option("--row", callback=parse_index, metavar="I", help="Only the row of this output index."),
    click.option("--column", callback=parse_index, metavar="J", help="Only the column of this input index."),
    click.option(
        "--heat/--no-heat",
        default=None,
        help="Draw maps, or write numbers; default: maps where not all numbers fit.",
    ),
    click.option("--save", callback=parse_archive, metavar="FILE.npz", help="Write the whole arrays."),
    plot_option,
    seed_option,
    *tolerance_options,
    memory_option,
    no_code_option,
    color_option,
)
def jacobian(
    paths: tuple[str, ...],
    *,
    row: Index | None,
    column: Index | None,
    save: Path | None,
    color: bool | None,
    **options: Any,  # heat, plot, the fields of Request and of Settings
) -> NoReturn:
    """Write out the Jacobian, claimed beside numeric and their difference.

    A block for each output index, each an array of the input's shape; as heat maps where not all numbers
    fit. --row and --column take one index such as 0,2; both together show one entry.
    """
    with endings():
        from gradcheck_cli.explore.jacobian import Request, jacobian_report  # noqa: PLC0415  # not for --help
        from gradcheck_cli.prepare import Settings  # noqa: PLC0415  # likewise
        from gradcheck_cli.report.jacobian_text import write_jacobians  # noqa: PLC0415  # likewise
        from gradcheck_cli.report.screen import show  # noqa: PLC0415  # likewise
        from gradcheck_cli.work.apart import apart  # noqa: PLC0415  # likewise

        heat, plot = options.pop("heat"), options.pop("plot")
        require_plot(plot)
        request = Request(**{name: options.pop(name) for name in ("of", "wrt", "claim", "point")})
        report = apart(partial(jacobian_report, paths or (".",), Settings(**options), request))
        shown = report.at(row, column)
        if save is not None and not (report.faults or report.unseen):
            _save(save, report.jacobians)
        write_plot(plot, _drawing(shown))
        show(lambda console: write_jacobians(shown, console, heat=heat), color=color)
        sys.exit(int(shown.exit_code))


def _drawing(report: JacobianReport) -> Callable[[], Figure] | None:
    drawable = [one for one in report.jacobians if one.analytic.size]
    if not drawable:
        return None
    from gradcheck_cli.report.figures_jacobian import jacobian_figure  # noqa: PLC0415  # not for --help

    return lambda: jacobian_figure(drawable)


def _save(file: Path, jacobians: Sequence[ExplicitJacobian]) -> None:
    """Write the arrays, each of shape output's axes + input's axes, as one file or not at all."""
    import numpy as np  # noqa: PLC0415  # not for --help

    if len(jacobians) != 1:
        message = f"--save takes one Jacobian, and there are {len(jacobians)}; use -k, --of, --wrt"
        raise GradcheckError(message)
    buffer = io.BytesIO()
    np.savez(buffer, **{name: getattr(jacobians[0], name) for name in ARRAYS})
    write_file(file, buffer.getvalue())
