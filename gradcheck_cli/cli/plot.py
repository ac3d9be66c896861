"""``--plot FILE``: which files it takes, and what it does before and after the work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from gradcheck_cli.cli.endings import write_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES: Final = (".png", ".svg", ".pdf")


def parse_plot(_context: click.Context, _option: click.Parameter, value: str | None) -> Path | None:
    """Take the name of a file whose suffix says what is drawn."""
    if value is None:
        return None
    file = Path(value)
    if file.suffix.lower() not in SUFFIXES or file.is_dir():
        raise click.BadParameter(f"{value!r} is no file of a figure; write FILE{', FILE'.join(SUFFIXES)}")
    if not file.parent.is_dir():
        raise click.BadParameter(f"{value!r} is no file in a directory that exists")
    return file


plot_option: Final = click.option(
    "--plot",
    callback=parse_plot,
    metavar="FILE",
    help="Draw a figure: .png, .svg or .pdf. Needs matplotlib: gradcheck-cli[plot].",
)


def require_plot(file: Path | None) -> None:
    """Refuse to begin where the figure could not be drawn in the end."""
    if file is not None:
        from gradcheck_cli.report.figures import require_matplotlib  # noqa: PLC0415  # not for --help

        require_matplotlib()


def write_plot(file: Path | None, draw: Callable[[], Figure] | None) -> None:
    """Write the figure whole or not at all; ``draw`` is None where there is nothing to be drawn."""
    if file is None:
        return
    if draw is None:
        click.echo(f"there is nothing to draw: {file} is not written", err=True)
        return
    from gradcheck_cli.report.figures import drawn  # noqa: PLC0415  # not for --help

    write_file(file, drawn(file.suffix.lower(), draw))
