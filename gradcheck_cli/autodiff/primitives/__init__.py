"""The formula language's vocabulary: every primitive, by the name that a formula calls it by."""

from __future__ import annotations

from typing import Final

from gradcheck_cli.autodiff.primitive import Primitive
from gradcheck_cli.autodiff.primitives import constants, elementwise, indexing, linalg, reduction, shaping

PRIMITIVES: Final[dict[str, Primitive]] = {
    primitive.name: primitive
    for module in (elementwise, reduction, linalg, shaping, indexing, constants)
    for primitive in module.TABLE
}
