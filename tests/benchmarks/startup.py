"""Start-up: a whole ``gradcheck run`` against the imports of its peers, in one run on one machine.

Prints the median and the fastest of several runs of each command, in seconds and as a ratio to
``python -c "import numpy"``. Run it with the interpreter of an environment in which this project is
installed; torch and jax are measured where they are installed.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

ROUNDS = 9
SPEC = Path(__file__).parents[2] / "specs" / "notes" / "linear.yaml"
GRADCHECK = [sys.executable, "-m", "gradcheck_cli"]
COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "python -c 'import numpy'": [sys.executable, "-c", "import numpy"],
    "gradcheck --help": [*GRADCHECK, "--help"],
    "gradcheck run specs/notes/linear.yaml": [*GRADCHECK, "run", str(SPEC)],
    "python -c 'import torch'": [sys.executable, "-c", "import torch"],
    "python -c 'import jax'": [sys.executable, "-c", "import jax"],
}


def seconds(command: list[str]) -> float | None:
    """Time one run; None where the command fails, as the import of what is not installed does."""
    started = time.perf_counter()
    ended = subprocess.run(command, capture_output=True, check=False)  # our own commands
    return None if ended.returncode else time.perf_counter() - started


def main() -> None:
    """Interleave the rounds, so that a busy machine slows all commands alike."""
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(ROUNDS):
        for name, command in COMMANDS.items():
            found = seconds(command)
            if found is not None:
                taken[name].append(found)
    unit = statistics.median(taken["python -c 'import numpy'"])
    print(f"{'command':40} {'median':>8} {'fastest':>8} {'of numpy':>9}")  # noqa: T201
    for name, times in taken.items():
        if times:
            median = statistics.median(times)
            print(f"{name:40} {median:8.3f} {min(times):8.3f} {median / unit:8.1f}x")  # noqa: T201
        else:
            print(f"{name:40} not installed")  # noqa: T201


if __name__ == "__main__":
    main()
