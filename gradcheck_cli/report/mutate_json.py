"""The report of ``gradcheck mutate`` as JSON, schema 1: which keys a machine may rely on."""

from __future__ import annotations

from typing import Final

from gradcheck_cli.mutations import Mutation, MutationReport, MutationResult, Outcome
from gradcheck_cli.report.json_report import Json, document, fault_json

SCHEMA: Final = 1
# Names of outcomes in the report's keys.
NAMES: Final = {one: one.name.lower() for one in Outcome}


def render_mutations_json(report: MutationReport) -> str:
    """Write the report as one JSON document, in ASCII, with a newline at its end."""
    return document(
        {
            "schema": SCHEMA,
            "summary": {
                "checks": len(report.checks),
                **{NAMES[one]: len(report.of(one)) for one in Outcome},
                "named": sum(one.is_named for one in report.of(Outcome.CAUGHT)),
                "seconds": report.seconds,
            },
            "faults": [fault_json(fault) for fault in report.faults],
            "checks": [_check(check) for check in report.checks],
        }
    )


def _check(check: MutationResult) -> Json:
    return {
        "name": check.name,
        "spec": check.spec,
        "line": check.line,
        "verdict": check.verdict.word,
        "skipped": check.is_skipped,
        "message": check.message,
        "seconds": check.seconds,
        "tried": check.tried,
        **{NAMES[one]: len(check.of(one)) for one in Outcome},
        "mutations": [_mutation(one) for one in check.mutations],
    }


def _mutation(one: Mutation) -> Json:
    return {
        "claim": one.claim,
        "about": one.about,
        "name": one.name,
        "code": one.code,
        "outcome": NAMES[one.outcome],
        "found": list(one.found),
        "counts": one.counts,
        "note": one.note,
    }
