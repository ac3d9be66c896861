"""Operations that run along an axis: cumulative sums and products, products, norms."""

from __future__ import annotations

from gradcheck_cli.autodiff.primitive import Primitive

TABLE: tuple[Primitive, ...] = ()
