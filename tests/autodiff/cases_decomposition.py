"""Calls of inverses, determinants and factorisations, of matrices and of stacks of them."""

from __future__ import annotations

from derivative_laws import Call

CASES: dict[str, list[Call]] = {}
