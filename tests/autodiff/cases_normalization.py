"""Calls of normalisation and embedding: shapes that are not square, broadcasting, each axis and keyword."""

from __future__ import annotations

from derivative_laws import Call

CASES: dict[str, list[Call]] = {}
