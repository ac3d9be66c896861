"""Our own answers: each case as a spec in a file of its own, run with default settings."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from gradcheck_cli.result import CheckResult, Verdict
from gradcheck_cli.run import RunOptions, run_paths
from judgement_cases.case import Case
from judgement_cases.outcome import Answer, Outcome

ANSWERS = {
    Verdict.PASS: Answer.RIGHT,
    Verdict.FAIL: Answer.WRONG,
    Verdict.INCONCLUSIVE: Answer.UNDECIDED,
    Verdict.ERROR: Answer.UNDECIDED,
}


def gradcheck_cli(cases: Iterable[Case]) -> list[Outcome]:
    """Run all cases at once, as ``gradcheck run`` does."""
    by_name = {case.name: case for case in cases}
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, case in enumerate(by_name.values()):
            text = yaml.safe_dump(case.spec, sort_keys=False)
            (Path(folder) / f"case{number}.yaml").write_text(text, encoding="utf-8")
        report = run_paths([folder], RunOptions(jobs=2))
    assert not report.faults, "\n".join(map(str, report.faults))
    results = {result.name: result for result in report.checks}
    return [outcome(case, results[name]) for name, case in by_name.items()]


def outcome(case: Case, result: CheckResult) -> Outcome:
    """Restate a result."""
    remarks = [f"{remark.code}: {remark.message}" for remark in result.diagnoses]
    return Outcome(
        case,
        ANSWERS[result.verdict],
        "; ".join(filter(None, [result.message, *remarks])),
        tuple(remark.code for remark in result.diagnoses),
        result.seconds,
    )
