"""The command line: which commands and options there are, and which exit code each way of ending has.

What is heavy is imported within the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import click

from gradcheck_cli import __version__
from gradcheck_cli.cli.functions import functions
from gradcheck_cli.cli.init import init
from gradcheck_cli.cli.jacobian import jacobian
from gradcheck_cli.cli.mutate import mutate
from gradcheck_cli.cli.run import run
from gradcheck_cli.cli.shapes import shapes
from gradcheck_cli.cli.taylor import taylor


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gradcheck")
def main() -> None:
    """Check hand-written gradients, entry by entry, from a YAML spec."""


for command in (run, shapes, jacobian, taylor, mutate, init, functions):
    main.add_command(command)
