"""Inverses, determinants and factorisations of (stacks of) matrices: ``linalg.*``."""

from __future__ import annotations

from gradcheck_cli.autodiff.primitive import Primitive

TABLE: tuple[Primitive, ...] = ()
