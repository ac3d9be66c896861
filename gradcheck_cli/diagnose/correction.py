"""The corrected formula of a claim: texts with one edit are tried, and the one that agrees is named."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import numpy as np

from gradcheck_cli.analytic import ask_in_parts
from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.diagnose.edits import Edit, edits
from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.evidence import Evidence
from gradcheck_cli.functions.base import NO_VALUE, Claim
from gradcheck_cli.jacobian import assemble
from gradcheck_cli.spec.types import CheckSpec
from gradcheck_cli.tally import Tally

NEAR: Final = 1e-4  # relative difference up to which what has passed is passed by the correction as well
SECONDS: Final = 0.7  # that the search may take
NOT_READ: Final = (GradcheckError, *NO_VALUE, ValueError, TypeError, LookupError)


def correction(tally: Tally, check: CheckSpec, tallies: Sequence[Tally]) -> Edit | None:
    """Find a text with one edit that agrees with the numeric derivative of every pair; None if none does."""
    wording, evidence = tally.claim.wording, tally.evidence
    if wording is None or evidence is None or not np.all(np.isfinite(evidence.numeric)):
        return None
    deadline = time.monotonic() + SECONDS
    rank = len(tally.types[tally.claim.kind != "jvp"].shape)
    dims = {name: int(size) for name, size in check.dims.items()}
    together = [one for one in tallies if one.claim is tally.claim]
    for edit in edits(wording.text, wording.names, dims, rank):
        if _agrees(tally, evidence, edit.text, together):
            return edit
        if time.monotonic() > deadline:
            break
    return None


def _agrees(tally: Tally, evidence: Evidence, text: str, together: Sequence[Tally]) -> bool:
    """Whether a text in the claim's place would have been right, along a random seed and then everywhere."""
    assert tally.claim.wording is not None
    try:
        with np.errstate(all="ignore"):
            claim = tally.claim.wording.reads(text)
            if claim is None or (claim.kind != "jacobian" and not _along_one(tally, evidence, claim)):
                return False
            here = assemble(evidence.problem, claim)
            others = [one for one in tally.evidences if one is not evidence]
            return all(_right(here[one.pair].matrix, one, evidence.point) for one in together) and all(
                bool(np.all(one.close(assemble(one.problem, claim)[tally.pair].matrix))) for one in others
            )
    except NOT_READ:
        return False


def _right(matrix: Array, tally: Tally, point: str) -> bool:
    """Whether this is the derivative of a pair at a point, as far as it is known there."""
    for evidence in tally.evidences:
        if evidence.point == point:
            return bool(np.all(evidence.close(matrix)))
    numeric = tally.numeric_at.get(point)
    return numeric is None or bool(
        np.allclose(matrix, numeric, rtol=NEAR, atol=NEAR * np.max(np.abs(numeric), initial=0.0))
    )


def _along_one(tally: Tally, evidence: Evidence, claim: Claim) -> bool:
    """Compare with the numeric derivative along one random seed."""
    forwards = claim.kind == "jvp"
    seeded, wanted = tally.pair[forwards], tally.pair[not forwards]
    shape = tally.types[forwards].parts.shape
    seed = np.random.default_rng(5).uniform(-1, 1, shape)
    if forwards and seeded in evidence.problem.symmetric:
        return True
    found = ask_in_parts(evidence.problem, claim)({seeded: seed})[wanted].reshape(-1)
    flat = seed.reshape(-1)
    numeric, room = (one.T if forwards else one for one in (evidence.numeric, evidence.room))
    if not forwards and wanted in evidence.problem.symmetric:
        return True  # what is compared is its symmetric part
    kinked = np.any(evidence.comparison.kink, axis=int(forwards))
    return bool(np.all((np.abs(found - flat @ numeric) <= np.abs(flat) @ room) | kinked))
