"""The JSON report, schema 1: which keys a machine may rely on."""

from __future__ import annotations

import json
import math
from typing import Final

import gradcheck_cli
from gradcheck_cli.errors import Frame
from gradcheck_cli.result import (
    CheckResult,
    Contract,
    Entry,
    Fault,
    Group,
    PairResult,
    Remark,
    RunReport,
    Verdict,
)
from gradcheck_cli.shapes import Shape

SCHEMA: Final = 1

# What JSON can hold, by the name that the report's keys give it.
Json = dict[str, "Json"] | list["Json"] | str | float | int | bool | None


def render_json(report: RunReport) -> str:
    """Write the report as one JSON document, in ASCII, with a newline at its end."""
    return document(
        {
            "schema": SCHEMA,
            "summary": _summary(report),
            "faults": [fault_json(fault) for fault in report.faults],
            "checks": [_check(check) for check in report.checks],
        }
    )


def document(content: dict[str, Json]) -> str:
    """Write JSON that says which tool made it."""
    tool: dict[str, Json] = {"tool": "gradcheck-cli", "version": gradcheck_cli.__version__}
    return json.dumps(tool | content, indent=2, allow_nan=False) + "\n"


def _summary(report: RunReport) -> Json:
    return {
        "checks": len(report.checks),
        **{verdict.word: report.count(verdict) for verdict in Verdict},
        "unexpected": len(report.unexpected),
        "seconds": _number(report.seconds),
    }


def fault_json(fault: Fault) -> Json:
    """Write one fault."""
    return {
        "spec": fault.spec,
        "line": fault.line,
        "column": fault.column,
        "path": fault.path,
        "message": fault.message,
    }


def _check(check: CheckResult) -> Json:
    return {
        "name": check.name,
        "spec": check.spec,
        "line": check.line,
        "expect": check.expect,
        "verdict": check.verdict.word,
        "as_expected": check.as_expected,
        "message": check.message,
        "seconds": _number(check.seconds),
        "evaluations": dict(check.evaluations),
        "pairs": [_pair(pair) for pair in check.pairs],
        "contracts": [_contract(contract) for contract in check.contracts],
        "diagnoses": [_remark(remark) for remark in check.diagnoses],
        "warnings": [_remark(remark) for remark in check.warnings],
        "traceback": [_frame(frame) for frame in check.traceback],
        "output": check.output,
    }


def _frame(frame: Frame) -> Json:
    return {
        "file": frame.file,
        "line": frame.line,
        "function": frame.function,
        "source": frame.source,
    }


def _pair(pair: PairResult) -> Json:
    return {
        "output": pair.output,
        "input": pair.input,
        "claim": pair.claim,
        "output_shape": sizes(pair.output_shape),
        "input_shape": sizes(pair.input_shape),
        "mode": pair.mode,
        "verdict": pair.verdict.word,
        "entries": pair.entries,
        "mismatched": pair.mismatched,
        "kinks": pair.kinks,
        "max_abs_error": _number(pair.max_abs_error),
        "max_rel_error": _number(pair.max_rel_error),
        "detectable": _number(pair.detectable),
        "worst": None if pair.worst is None else _entry(pair.worst),
        "groups": [_group(group) for group in pair.groups],
        "shown": [_entry(entry) for entry in pair.shown],
    }


def _entry(entry: Entry) -> Json:
    return {
        "point": entry.point,
        "output_index": sizes(entry.output_index),
        "input_index": sizes(entry.input_index),
        **({"output_part": entry.output_part} if entry.output_part else {}),
        **({"input_part": entry.input_part} if entry.input_part else {}),
        "analytic": _number(entry.analytic),
        "numeric": _number(entry.numeric),
        "bound": _number(entry.bound),
    }


def _group(group: Group) -> Json:
    return {
        "where": group.where,
        "point": group.point,
        "mismatched": group.mismatched,
        "entries": group.entries,
        "share": _number(group.share),
    }


def _contract(contract: Contract) -> Json:
    named: dict[str, Json] = {} if contract.input is None else {"input": contract.input}
    return {
        "name": contract.name,
        "code": contract.code,
        "claim": contract.claim,
        "verdict": contract.verdict.word,
        "allowed": contract.allowed,
        **named,
        "message": contract.message,
    }


def _remark(remark: Remark) -> Json:
    named: dict[str, Json] = {} if remark.input is None else {"input": remark.input}
    corrected: dict[str, Json] = {"correction": remark.correction} if remark.correction else {}
    return {"code": remark.code, **named, "message": remark.message, **corrected}


def sizes(shape: Shape) -> list[Json]:
    """Write a shape or an index as plain integers."""
    return [int(size) for size in shape]


def _number(value: float) -> float | str:
    """JSON knows no nan and no infinities, so these become ``"nan"``, ``"inf"``, ``"-inf"``."""
    value = float(value)
    return value if math.isfinite(value) else str(value)
