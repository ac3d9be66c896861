"""What a wrong claim is called and how it reads: whole screens, and the search that finds the wrong step."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest

from gradcheck_cli.report.text import render_string
from gradcheck_cli.result import CheckResult, RunReport
from gradcheck_cli.run import RunOptions, run_paths
from gradcheck_cli.spec.model import DiagnosisCode

HERE = Path(__file__).parent / "diagnoses"
# Those of layers that are code stand in test_contract.py.
OF_CODE = {"mutates-input", "mutates-cotangent", "layout-dependent", "stale-state", "nondeterministic"}


def results() -> dict[str, CheckResult]:
    report = run_paths([str(HERE / "formulas.yaml")], RunOptions())
    assert not report.faults, report.faults
    return {one.name: one for one in report.checks}


RESULTS = results()


def codes(result: CheckResult) -> list[str]:
    return [remark.code for remark in result.diagnoses]


def test_every_code_has_a_screen() -> None:
    assert {name.split()[0] for name in RESULTS} == set(get_args(DiagnosisCode)) - OF_CODE


@pytest.mark.parametrize("name", RESULTS)
def test_the_likeliest_diagnosis_and_its_screen(name: str) -> None:
    result = RESULTS[name]
    assert codes(result)[0] == name.split(maxsplit=1)[0]
    shown = replace(result, spec="formulas.yaml", seconds=0.0)
    text = render_string(RunReport(checks=(shown,)), width=90)
    file = HERE / "screens" / f"{name.replace(' ', '_')}.txt"
    if os.environ.get("UPDATE_SCREENS"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")
