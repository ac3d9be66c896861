"""Every file of ``positive/`` loads and can be drawn; ``negative/`` gives the faults beside each file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gradcheck_cli.spec.load import load_specs
from gradcheck_cli.spec.sample import draw

HERE = Path(__file__).parent
BUDGET = 2**30


def cases(folder: str) -> list[str]:
    return sorted(path.name for path in (HERE / folder).glob("*.yaml"))


@pytest.mark.parametrize("name", cases("positive"))
def test_a_good_spec_loads_and_its_inputs_can_be_drawn(name, monkeypatch):
    monkeypatch.chdir(HERE / "positive")
    checks, faults = load_specs(name, max_memory=BUDGET)
    assert faults == []
    assert checks
    for check in checks:
        for point in check.points:
            for given, array in zip(
                check.inputs, draw(check.inputs, seed=0, point=point).values(), strict=True
            ):
                assert array.shape == given.shape
                assert array.dtype == given.dtype
                assert given.value is not None or np.isfinite(array).all()


@pytest.mark.parametrize("name", cases("negative"))
def test_a_bad_spec_gives_all_its_faults_and_no_checks(name, monkeypatch):
    monkeypatch.chdir(HERE / "negative")
    checks, faults = load_specs(name, max_memory=BUDGET)
    expected = (HERE / "negative" / name).with_suffix(".txt").read_text(encoding="utf-8")
    assert "".join(f"{fault}\n" for fault in faults) == expected
    assert expected
    assert checks == []


@pytest.mark.parametrize("name", cases("negative"))
def test_every_message_is_one_line(name):
    text = (HERE / "negative" / name).with_suffix(".txt").read_text(encoding="utf-8")
    assert all(line.startswith(f"{name}:") for line in text.splitlines())
