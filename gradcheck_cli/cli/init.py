"""``gradcheck init``: write a spec for a function, class or module of the user's."""

from __future__ import annotations

from pathlib import Path

import click

from gradcheck_cli.cli.endings import UserError, endings, write_file
from gradcheck_cli.cli.options import with_options


@click.command()
@with_options(
    click.argument("target", metavar="TARGET"),
    click.option(
        "-o",
        "--output",
        "file",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Write the spec to this file; default: standard output.",
    ),
    click.option("--force", is_flag=True, help="Replace a file that is there."),
)
def init(target: str, file: Path | None, *, force: bool) -> None:
    """Look at a Python function, class or module, and write a spec that checks it.

    TARGET is path/file.py:NAME or package.module:NAME; a file or module alone stands for all that can be
    checked in it. The code is imported and called with random arrays, to find the shapes that it takes and
    the way its gradients are asked for. What was guessed says so in the spec's comments.
    """
    with endings():
        if file is not None and file.exists() and not force:
            raise UserError(f"{file} is there already; name another file, or replace it by --force")
        if file is not None and not file.parent.is_dir():
            raise UserError(f"there is no directory {file.parent}")
        from gradcheck_cli.explore.init import init_report  # noqa: PLC0415  # not for --help
        from gradcheck_cli.report.safe import safe, safe_lines  # noqa: PLC0415  # likewise

        report = init_report(target, file)
        if file is None:
            click.echo(safe_lines(report.text))
        else:
            write_file(file, report.text)
        for note in report.notes:
            click.echo(safe(note), err=True)
        words = {word for _, word in report.outcomes}
        outcome = (
            words.pop() if len(words) == 1 else ", ".join(f"{name} {word}" for name, word in report.outcomes)
        )
        written = f"wrote {file}; gradcheck run {file}" if file else f"gradcheck run {report.name}"
        click.echo(safe(f"{written}: {outcome or 'it has something to fill in'}"), err=True)
