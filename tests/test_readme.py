"""The README is run: its specs are written to files, its commands executed, their output compared.

``UPDATE_README=1 pytest tests/test_readme.py`` writes what the commands print into the README.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gradcheck_cli.autodiff.primitives import PRIMITIVES
from gradcheck_cli.cli import main

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
BLOCK = re.compile(r"```(yaml|python|console|bash)\n(.*?)\n```", re.DOTALL)
SECONDS = re.compile(r"\d+\.\d\d s\b")
ZERO = re.compile(r" \.(?= |$)", re.MULTILINE)  # in the columns of gradcheck jacobian
TINY = re.compile(r"-?\d+(\.\d+)?e-\d+")  # errors and bounds: their digits depend on the machine


def blocks(language: str) -> list[str]:
    return [text for found, text in BLOCK.findall(README.read_text(encoding="utf-8")) if found == language]


def normal(text: str) -> str:
    """Strip what differs from run to run and spaces at line ends."""
    return "\n".join(SECONDS.sub("0.00 s", line).rstrip() for line in text.strip().splitlines())


def comparable(text: str) -> str:
    """Leave out what round-off decides: digits of errors, exact zeros, column widths that depend on them."""
    return re.sub(r"─+", "─", re.sub(r" +", " ", ZERO.sub(" #", TINY.sub("#", text))))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for text in (*blocks("yaml"), *blocks("python")):
        name = re.match(r"# (\S+\.(yaml|py))\n", text)
        assert name is not None, "a file of the README starts with its name"
        (tmp_path / name[1]).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def output_of(command: str) -> str:
    program, *arguments = shlex.split(command)
    assert program == "gradcheck"
    return normal(CliRunner().invoke(main, arguments).output)


@pytest.mark.parametrize("block", blocks("console"), ids=lambda block: block.splitlines()[0])
def test_each_command_prints_what_the_readme_shows(files: Path, block: str) -> None:
    command, _, shown = block.removeprefix("$ ").partition("\n")
    printed = output_of(command)
    if os.environ.get("UPDATE_README"):
        text = README.read_text(encoding="utf-8")
        README.write_text(text.replace(block, f"$ {command}\n{printed}"), encoding="utf-8")
    else:
        assert comparable(printed) == comparable(normal(shown))


def test_setup_commands_are_the_ones_that_ci_runs() -> None:
    """They set up environments of their own, so they run in CI and not here."""
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    text = README.read_text(encoding="utf-8")
    for name in ("main job", "test command"):
        assert len(re.findall(rf"<!-- {name} -->\n```bash\n(.+)\n```", text)) == 1
        assert f'"{name}"' in script
    assert len(blocks("bash")) == 2


def test_every_file_that_the_readme_links_to_exists() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8")):
        assert (ROOT / target).exists(), target


def test_options_in_the_readme_are_those_of_the_command() -> None:
    offered = {
        name
        for command in main.commands.values()
        for option in command.params
        if isinstance(option, click.Option)
        for name in (*option.opts, *option.secondary_opts)
    }
    listed = set(re.findall(r"`(--?[a-z][a-z-]*)", README.read_text(encoding="utf-8")))
    long_forms = {"--verbose", "--quiet"}
    assert offered - listed - long_forms == set()
    assert listed <= offered


def test_every_command_is_in_the_readme() -> None:
    text = README.read_text(encoding="utf-8")
    assert [name for name in main.commands if f"gradcheck {name}" not in text] == []


def test_the_number_of_functions_is_right() -> None:
    (number,) = re.findall(r"(\d+) functions under the names", README.read_text(encoding="utf-8"))
    assert int(number) == len(PRIMITIVES)
