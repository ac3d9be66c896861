"""Convolution and pooling, by torch.nn.functional's names and arguments."""

from __future__ import annotations

from gradcheck_cli.autodiff.primitive import Primitive

TABLE: tuple[Primitive, ...] = ()
