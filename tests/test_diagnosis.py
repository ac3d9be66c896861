"""What a wrong claim is called and how it reads: whole screens, and the search that finds the wrong step."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from conftest import CheckText

from gradcheck_cli.diagnose.edits import edits
from gradcheck_cli.report.text import render_string
from gradcheck_cli.result import CheckResult, RunReport, Verdict
from gradcheck_cli.run import RunOptions, run_paths
from gradcheck_cli.spec.model import DiagnosisCode

HERE = Path(__file__).parent / "diagnoses"
# Those of layers that are code stand in test_contract.py.
OF_CODE = {"mutates-input", "mutates-cotangent", "layout-dependent", "stale-state", "nondeterministic"}


def results() -> dict[str, CheckResult]:
    before = Path.cwd()
    os.chdir(HERE)  # messages name the file as it was given
    try:
        report = run_paths(["formulas.yaml"], RunOptions())
    finally:
        os.chdir(before)
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


def test_right_claims_have_no_diagnosis(check_text: CheckText) -> None:
    right = check_text("inputs: {x: [3, 4]}\nfunction: y = cos(x)\nvjp: {x: -dy * sin(x)}")
    assert right.verdict is Verdict.PASS
    assert not right.diagnoses
    assert not right.pairs[0].groups


@pytest.mark.parametrize(
    ("claim", "corrected"),
    [
        ("dy @ w + dz * 2", "dy @ w.T + dz * 2"),
        ("-dy @ w.T + dz * 2", "dy @ w.T + dz * 2"),
        ("dy @ w.T / D + dz * 2", "dy @ w.T + dz * 2"),
        ("(dy @ w.T + dz * 2) / N", "dy @ w.T + dz * 2"),
        ("dy @ w.T + dz * 2 + dy", "dy @ w.T + dz * 2"),
        ("dy @ w.T", ""),
        ("dy @ w + dz", ""),
    ],
)
def test_a_corrected_formula_is_right_for_every_output(
    check_text: CheckText, claim: str, corrected: str
) -> None:
    spec = """
        dims: {{N: 3, D: 4}}
        inputs: {{x: [N, D], w: [D, D]}}
        function: |
          y = x @ w
          z = x * 2
        outputs: [y, z]
        vjp: {{x: "{}"}}
    """
    result = check_text(spec.format(claim))
    assert result.verdict is Verdict.FAIL
    assert {remark.correction for remark in result.diagnoses} - {""} == ({corrected} - {""})
    assert check_text(spec.format(corrected or "dy @ w.T + dz * 2")).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("inputs", "function", "claim", "term"),
    [
        ("A: [3, 3]", "y = A @ A", "A: dy @ A.T", "A as operand 2 of A @ A"),
        ("x: [3, 4]", "y = x + tanh(x)", "x: dy * (1 - tanh(x)**2)", "x as operand 1 of x + tanh(x)"),
        ("x: [3, 4]", "y = x + tanh(x)", "x: dy", "tanh(x)"),
        (
            "x: [5, 3]",
            "y = (x - mean(x, axis=0))**2",
            "x: 'dy * 2 * (x - mean(x, axis=0))'",
            "mean(x, axis=0)",
        ),
    ],
)
def test_a_missing_term_is_told_from_what_it_is_a_term_of(
    check_text: CheckText, inputs: str, function: str, claim: str, term: str
) -> None:
    result = check_text(f"inputs: {{{inputs}}}\nfunction: {function}\nvjp: {{{claim}}}")
    assert result.diagnoses[0].code == "missing-term"
    assert f"lacks the term through {term}: it is treated as a constant" in result.diagnoses[0].message


def test_a_factor_that_is_a_size_by_chance_alone_is_not_named_after_it(check_text: CheckText) -> None:
    result = check_text("dims: {N: 2, D: 5}\ninputs: {x: [N, D]}\nfunction: y = x**2\nvjp: {x: dy * x}")
    assert result.diagnoses[0].code == "scaled"
    assert "0.5 times the derivative" in result.diagnoses[0].message
    assert "N" not in result.diagnoses[0].message


def test_each_edit_differs_from_the_text() -> None:
    text = "x.T @ dy - sum(dy, axis=0) / N"
    found = [edit.text for edit in edits(text, {"x": (3, 4), "dy": (3, 2)}, {"N": 3}, 2)]
    assert len(found) == len(set(found)) > 20
    assert text not in found


LOOPS = """
import numpy as np

def forward(x, w):
    y = np.zeros((len(x), w.shape[1]))
    for n in range(len(x)):
        y[n] = np.tanh(x[n] @ w)
        y[n] *= 2
    CALLS.append(1)
    return y

def backward(dy, x, w):
    slope = 2 * (1 - np.tanh(x @ w) ** 2)
    return 2 * dy @ w.T, x.T @ (dy * slope)

CALLS = []
"""


def test_code_with_loops_and_writes_is_traced_and_left_as_it_was(
    check_text: CheckText, tmp_path: Path
) -> None:
    (tmp_path / "loops.py").write_text(LOOPS, encoding="utf-8")
    function = 'function: {python: "loops.py:forward", backward: "loops.py:backward"}'
    result = check_text(f"inputs: {{x: [3, 4], w: [4, 2]}}\n{function}")
    (remark,) = [one for one in result.diagnoses if one.rank == 0]
    assert remark.code in {"missing-term", "scaled"}
    assert "tanh" in remark.message
    assert isinstance(np.zeros(3), np.ndarray)


def test_a_bug_in_a_hypothesis_costs_the_diagnosis_alone(
    check_text: CheckText, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_case: object) -> None:
        raise RuntimeError("oops")

    monkeypatch.setattr("gradcheck_cli.diagnose.HYPOTHESES", (broken,))
    result = check_text("inputs: {x: [3]}\nfunction: y = exp(x)\nvjp: {x: dy * log(x**2 + 2)}")
    assert result.verdict is Verdict.FAIL
    assert "a bug in gradcheck-cli" in result.diagnoses[0].message
