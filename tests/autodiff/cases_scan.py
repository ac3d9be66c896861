"""Calls of cumulative and ordered reductions, along each axis."""

from __future__ import annotations

from derivative_laws import Call

CASES: dict[str, list[Call]] = {}
