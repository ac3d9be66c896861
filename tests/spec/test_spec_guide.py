"""The examples of ``specs/README.md`` load, and its mistakes give the messages that it shows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from guide_files import write_code

from gradcheck_cli.spec.load import load_specs

GUIDE = (Path(__file__).parents[2] / "specs" / "README.md").read_text(encoding="utf-8")
EXAMPLE = re.compile(r"(?:<!-- (fault|fails|torch|jax) -->\n)?```yaml\n(.*?)```", re.DOTALL)
EXAMPLES = EXAMPLE.findall(GUIDE)


@pytest.mark.parametrize(("mark", "text"), EXAMPLES)
def test_every_example_is_what_it_says(mark, text, tmp_path, monkeypatch):
    write_code(GUIDE, tmp_path)
    monkeypatch.chdir(tmp_path)
    checks, faults = load_specs("guide.yaml", text, max_memory=2**30)
    assert bool(faults) == (mark == "fault"), faults
    assert bool(checks) == (mark != "fault")


def test_every_mistake_s_message_stands_before_it():
    mistakes = GUIDE[GUIDE.index("## Common mistakes") :].split("\n**")[1:]
    assert len(mistakes) == sum(mark == "fault" for mark, _ in EXAMPLES)
    for mistake in mistakes:
        text = EXAMPLE.search(mistake)[2]
        messages = [fault.message for fault in load_specs("guide.yaml", text, max_memory=2**30)[1]]
        assert any(f"`{message}`" in mistake for message in messages), messages
