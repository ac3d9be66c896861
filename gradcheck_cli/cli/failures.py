"""What ``--save-failures`` writes: a folder for each failing check, and one line that says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gradcheck_cli.cli.endings import UserError, write_file
from gradcheck_cli.reproduce.places import ARRAYS, SPEC, command
from gradcheck_cli.work.failures import Failure, Rescue


@dataclass
class Failures:
    """Writes failures as they are handed over, and remembers them."""

    folder: Path
    written: list[Failure] = field(default_factory=list)

    def __post_init__(self) -> None:
        make_folder(self.folder)

    @property
    def rescue(self) -> Rescue:
        """Say where failures go."""
        return Rescue(folder=self.folder, prepare=make_folder, on_failure=self.write)

    def write(self, failure: Failure) -> None:
        """Write one; what an earlier run has left in its place does not stay."""
        for name, content in ((ARRAYS, failure.archive), (SPEC, failure.spec)):
            if content:
                write_file(failure.folder / name, content)
            else:
                (failure.folder / name).unlink(missing_ok=True)
        self.written.append(failure)

    def lines(self) -> Iterator[str]:
        """Say what has been written and which command reproduces it; first, what could not be reproduced."""
        sound = [one for one in self.written if one.spec]
        for one in self.written:
            if not one.spec:
                yield f"{one.result.name}: not reproduced: {one.problem}"
        if len(sound) == 1:
            where = sound[0].folder
            yield f"1 failure saved in {where}: {command(where / SPEC)}"
        elif sound:
            yield f"{len(sound)} failures saved in {self.folder}: {command(self.folder)}"


def make_folder(folder: Path) -> None:
    """Make a folder that the user asked for; what hinders it is one line."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make the directory {folder}: {error.strerror}") from error
