"""Schema 1: the keys that stand in the contract, literally."""

from __future__ import annotations

import json

from report_samples import CONTRACTS, EVERYTHING, FAULTS, REPORTS, SQUARE, TRANSPOSED, Y_X, check, entry, pair

import gradcheck_cli
from gradcheck_cli.report import RENDERERS
from gradcheck_cli.report.json_report import render_json
from gradcheck_cli.result import RunReport, Verdict


def load(report: RunReport) -> dict:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(render_json(report), parse_constant=refuse)


def test_the_whole_document() -> None:
    result = check(
        "linear layer",
        Verdict.FAIL,
        pairs=(Y_X,),
        contracts=(CONTRACTS[0], CONTRACTS[-1]),
        diagnoses=(TRANSPOSED,),
        warnings=(SQUARE,),
        message="m",
    )
    assert load(RunReport(checks=(result,), faults=FAULTS[:1], seconds=0.5)) == {
        "tool": "gradcheck-cli",
        "version": gradcheck_cli.__version__,
        "schema": 1,
        "summary": {
            "checks": 1,
            "pass": 0,
            "fail": 1,
            "inconclusive": 0,
            "error": 0,
            "unexpected": 1,
            "seconds": 0.5,
        },
        "faults": [
            {
                "spec": "attention.yaml",
                "line": 7,
                "column": 9,
                "path": "inputs.w",
                "message": FAULTS[0].message,
            }
        ],
        "checks": [
            {
                "name": "linear layer",
                "spec": "linear.yaml",
                "line": 1,
                "expect": "pass",
                "verdict": "fail",
                "as_expected": False,
                "message": "m",
                "seconds": 0.0123,
                "evaluations": {"forward": 24, "vjp": 6},
                "pairs": [
                    {
                        "output": "y",
                        "input": "x",
                        "claim": "vjp",
                        "output_shape": [1, 3],
                        "input_shape": [1, 2],
                        "mode": "dense",
                        "verdict": "pass",
                        "entries": 6,
                        "mismatched": 0,
                        "kinks": 0,
                        "max_abs_error": 1.2e-12,
                        "max_rel_error": 3.45e-12,
                        "detectable": 2e-9,
                        "worst": {
                            "point": "generic",
                            "output_index": [0, 1],
                            "input_index": [0, 0],
                            "analytic": 0.3,
                            "numeric": 0.3,
                            "bound": 1.1e-12,
                        },
                        "groups": [],
                        "shown": [],
                    }
                ],
                "contracts": [
                    {
                        "name": "linear",
                        "code": "nonlinear-cotangent",
                        "claim": "backward",
                        "verdict": "pass",
                        "allowed": False,
                        "message": "",
                    },
                    {
                        "name": "strided",
                        "code": "layout-dependent",
                        "claim": "backward",
                        "verdict": "fail",
                        "allowed": True,
                        "input": "x",
                        "message": CONTRACTS[-1].message,
                    },
                ],
                "diagnoses": [{"code": "transposed", "input": "w", "message": TRANSPOSED.message}],
                "warnings": [{"code": "square-dims", "message": SQUARE.message}],
                "traceback": [],
                "output": "",
            }
        ],
    }


def test_numbers_that_json_lacks_are_strings() -> None:
    nan, inf = float("nan"), float("inf")
    odd = pair("y", (), "x", (), max_abs_error=nan, detectable=inf, worst=entry((), (), nan, -inf, bound=inf))
    found = load(RunReport(checks=(check("odd", pairs=(odd,)),)))["checks"][0]["pairs"][0]
    assert (found["max_abs_error"], found["detectable"]) == ("nan", "inf")
    assert found["worst"] == {
        "point": "generic",
        "output_index": [],
        "input_index": [],
        "analytic": "nan",
        "numeric": "-inf",
        "bound": "inf",
    }


def test_a_pair_without_a_worst_entry() -> None:
    report = RunReport(checks=(check("empty", pairs=(pair("y", (0,), "x", (3,)),)),))
    assert load(report)["checks"][0]["pairs"][0]["worst"] is None


def test_the_counts_add_up() -> None:
    document = load(EVERYTHING)
    summary = document["summary"]
    assert summary["checks"] == len(document["checks"]) == sum(summary[verdict.word] for verdict in Verdict)
    assert summary["unexpected"] == sum(not check["as_expected"] for check in document["checks"])
    assert summary["fail"] > summary["unexpected"] - summary["error"] - summary["inconclusive"] - 1


def test_ascii_so_that_any_terminal_and_any_file_can_hold_it() -> None:
    text = RENDERERS["json"](REPORTS["awkward"])
    assert text.isascii()
    assert text.endswith("}\n")
    assert load(REPORTS["awkward"])["checks"][1]["name"] == REPORTS["awkward"].checks[1].name
