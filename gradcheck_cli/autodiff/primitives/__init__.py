"""The formula language's vocabulary: every primitive, by the name that a formula calls it by."""

from __future__ import annotations

from typing import Final

from gradcheck_cli.autodiff.primitive import Primitive
from gradcheck_cli.autodiff.primitives import (
    activation,
    constants,
    convolution,
    decomposition,
    diagonal,
    einsum,
    elementwise,
    embedding,
    gathering,
    indexing,
    inverse,
    joining,
    linalg,
    nonholomorphic,
    normalization,
    norms,
    pooling,
    reduction,
    repeating,
    scan,
    shaping,
    unfolding,
)

GROUPS: Final[dict[str, tuple[Primitive, ...]]] = {
    "entry by entry": (*elementwise.TABLE, *nonholomorphic.TABLE),
    "activations": activation.TABLE,
    "along axes": (*reduction.TABLE, *scan.TABLE),
    "linear algebra": (
        *linalg.TABLE,
        *einsum.TABLE,
        *diagonal.TABLE,
        *inverse.TABLE,
        *decomposition.TABLE,
        *norms.TABLE,
    ),
    "shape": (*shaping.TABLE, *joining.TABLE, *repeating.TABLE),
    "reading entries": (*indexing.TABLE, *gathering.TABLE),
    "neural networks": (
        *convolution.TABLE,
        *unfolding.TABLE,
        *pooling.TABLE,
        *normalization.TABLE,
        *embedding.TABLE,
    ),
    "new arrays": constants.TABLE,
}
PRIMITIVES: Final[dict[str, Primitive]] = {one.name: one for group in GROUPS.values() for one in group}

# Other names of the same functions in NumPy, SciPy and torch.
ALIASES: Final[dict[str, str]] = {
    "absolute": "abs", "acos": "arccos", "acosh": "arccosh", "amax": "max", "amin": "min", "around": "round",
    "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan", "atan2": "arctan2", "atanh": "arctanh",
    "clamp": "clip", "concat": "concatenate", "conjugate": "conj", "expit": "sigmoid", "flatten": "ravel",
    "log_sigmoid": "logsigmoid", "norm": "linalg.norm", "permute_dims": "transpose", "pow": "power",
    "remainder": "mod", "slogdet": "linalg.slogdet", "swish": "silu",
}  # fmt: skip

# What a formula may call; ``getitem`` is written x[…].
FUNCTIONS: Final[dict[str, Primitive]] = {
    **{name: one for name, one in PRIMITIVES.items() if name != "getitem"},
    **{alias: PRIMITIVES[name] for alias, name in ALIASES.items()},
}
