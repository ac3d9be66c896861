"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any, Final, TypeVar

import click

LONGEST: Final = 1e7  # seconds: 116 days
POWERS: Final = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Decorator = Callable[[Decorated], Decorated]


@dataclass(frozen=True)
class Output:
    """One report to be made: its format and where it goes (None: standard output)."""

    format: str
    file: Path | None = None


def parse_outputs(names: Sequence[str]) -> Callable[..., list[Output]]:
    """Make a reader of ``NAME`` or ``NAME=FILE`` for these formats; a file must have a directory."""

    def parse(_context: click.Context, _option: click.Parameter, values: Sequence[str]) -> list[Output]:
        outputs = []
        for name, has_file, file in (value.partition("=") for value in values):
            if name not in names:
                raise click.BadParameter(f"{name!r} is no format; choose from {', '.join(names)}")
            if has_file and (not file or Path(file).is_dir() or not Path(file).parent.is_dir()):
                raise click.BadParameter(f"{file!r} is no file in a directory that exists; write {name}=FILE")
            outputs.append(Output(name, Path(file) if has_file else None))
        return outputs

    return parse


def parse_memory(_context: click.Context, _option: click.Parameter, value: str) -> int:
    """Read ``1GiB`` (powers of 1024), ``1GB`` (powers of 1000) or a plain number of bytes."""
    match = re.fullmatch(
        r"(\d{1,18}(?:\.\d{1,18})?) *(?:([KMGT]?)(i?)B)?", value.strip(), re.IGNORECASE | re.ASCII
    )
    if match is None:
        raise click.BadParameter(f"{value!r} is no size; write for example 512MiB, 2GB or 1000000")
    number, prefix, binary = match.groups(default="")
    size = int(float(number) * (1024 if binary else 1000) ** POWERS[prefix.upper()])
    if size == 0:
        raise click.BadParameter("must be more than 0 bytes")
    return size


def parse_tolerance(_context: click.Context, _option: click.Parameter, value: float | None) -> float | None:
    """Refuse negative numbers, nan and infinities."""
    if value is not None and not (math.isfinite(value) and value >= 0):
        raise click.BadParameter(f"{value} is no tolerance; write a finite number that is not negative")
    return value


def parse_jobs(_context: click.Context, _option: click.Parameter, value: str) -> int:
    """Read how many checks are worked on at a time; ``auto`` stands for the processors that may be used."""
    if value == "auto":
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if re.fullmatch(r"[1-9]\d{0,3}", value, re.ASCII) is None:
        raise click.BadParameter(f"{value!r} is no number of checks; write 1, 2, … or auto")
    return int(value)


def parse_timeout(_context: click.Context, _option: click.Parameter, value: float | None) -> float | None:
    """Refuse what is no time that can pass."""
    if value is not None and not 0 < value <= LONGEST:
        raise click.BadParameter(f"{value:g} is no time limit; write seconds, more than 0")
    return value


def parse_point(_context: click.Context, _option: click.Parameter, value: str) -> str:
    """Take the names that points have in reports."""
    if re.fullmatch(r"generic(-[2-9]|-[1-9]\d{1,3})?(\*-?\d{1,4}(\.\d)?)?|edge(-[2-9])?", value) is None:
        raise click.BadParameter(f"{value!r} is no point; write generic, generic-2, … or edge")
    return value


def format_option(names: Sequence[str]) -> Decorator[Any]:
    """``--format`` over the given report formats."""
    return click.option(
        "--format",
        "outputs",
        callback=parse_outputs(names),
        multiple=True,
        metavar="NAME[=FILE]",
        help=f"Report format: {', '.join(names)}; may be repeated. Standard output shows text unless "
        "another format is written there.",
    )


paths_argument: Final = click.argument("paths", nargs=-1, metavar="[SPEC|DIR]...")
select_option: Final = click.option(
    "-k", "select", metavar="EXPR", help="Take only the checks whose names match."
)
seed_option: Final = click.option(
    "--seed", type=click.IntRange(min=0), metavar="N", help="Seed of the random inputs."
)
memory_option: Final = click.option(
    "--max-memory",
    callback=parse_memory,
    default="1GiB",
    show_default=True,
    metavar="SIZE",
    help="Largest array; with unit B, KB, KiB, MB, MiB, GB, GiB.",
)
jobs_option: Final = click.option(
    "-j",
    "jobs",
    callback=parse_jobs,
    default="1",
    show_default=True,
    metavar="N",
    help="Checks to work on at a time; auto: one for each processor.",
)
timeout_option: Final = click.option(
    "--timeout",
    type=float,
    callback=parse_timeout,
    metavar="S",
    help="Seconds that every check may take; default: 300 for code, no limit for formulas.",
)
point_option: Final = click.option(
    "--point",
    callback=parse_point,
    default="generic",
    show_default=True,
    metavar="NAME",
    help="Where: generic, generic-2, … or edge.",
)
no_code_option: Final = click.option(
    "--no-code", is_flag=True, help="Refuse every spec that would import code."
)
color_option: Final = click.option(
    "--color/--no-color", default=None, help="Use colours; default: on a terminal only."
)
save_option: Final = click.option(
    "--save-failures",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write arrays and a small spec of every failure below this directory.",
)
tolerance_options: Final = (
    click.option(
        "--rtol",
        type=float,
        callback=parse_tolerance,
        metavar="FLOAT",
        help="Relative tolerance of every check.",
    ),
    click.option(
        "--atol",
        type=float,
        callback=parse_tolerance,
        metavar="FLOAT",
        help="Absolute tolerance of every check.",
    ),
)


def with_options(*options: Decorator[Any]) -> Decorator[Any]:
    """Add options to a command, in the order in which its help lists them."""
    return lambda command: reduce(lambda inner, option: option(inner), reversed(options), command)
