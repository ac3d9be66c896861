"""The formula language's vocabulary: every primitive, by the name that a formula calls it by."""

from __future__ import annotations

from typing import Final

from gradcheck_cli.autodiff.primitive import Primitive
from gradcheck_cli.autodiff.primitives import (
    activation,
    constants,
    convolution,
    decomposition,
    elementwise,
    indexing,
    linalg,
    normalization,
    reduction,
    scan,
    shaping,
)

GROUPS: Final[dict[str, tuple[Primitive, ...]]] = {
    "entry by entry": elementwise.TABLE,
    "activations": activation.TABLE,
    "along axes": (*reduction.TABLE, *scan.TABLE),
    "linear algebra": (*linalg.TABLE, *decomposition.TABLE),
    "shape": shaping.TABLE,
    "reading entries": indexing.TABLE,
    "neural networks": (*convolution.TABLE, *normalization.TABLE),
    "new arrays": constants.TABLE,
}
PRIMITIVES: Final[dict[str, Primitive]] = {one.name: one for group in GROUPS.values() for one in group}

# Other names of the same functions in NumPy, SciPy and torch.
ALIASES: Final[dict[str, str]] = {
    "absolute": "abs", "acos": "arccos", "acosh": "arccosh", "amax": "max", "amin": "min", "around": "round",
    "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan", "atan2": "arctan2", "atanh": "arctanh",
    "concat": "concatenate", "expit": "sigmoid", "flatten": "ravel", "norm": "linalg.norm",
    "permute_dims": "transpose", "pow": "power", "slogdet": "linalg.slogdet",
}  # fmt: skip

# What a formula may call; ``getitem`` is written x[…].
FUNCTIONS: Final[dict[str, Primitive]] = {
    **{name: one for name, one in PRIMITIVES.items() if name != "getitem"},
    **{alias: PRIMITIVES[name] for alias, name in ALIASES.items() if name in PRIMITIVES},
}
