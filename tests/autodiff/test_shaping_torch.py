"""Moving, joining, copying, cutting and reading entries as torch does: values, dtypes and gradients."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from case_builders import CUBE, X
from derivative_laws import sample

from gradcheck_cli.autodiff.primitive import Primitive
from gradcheck_cli.autodiff.primitives import PRIMITIVES

pytestmark = pytest.mark.torch
PICKED = np.array([1, 0, 1])
WIDTHS = ((0, 0), (0, 0), (2, 3))
# Calls, and the same in torch.
TORCH = {
    "flip": ([CUBE], {"axis": (0, 2)}, lambda torch, x: torch.flip(x, (0, 2))),
    "roll": ([CUBE], {"shift": (1, -2), "axis": (0, 2)}, lambda torch, x: torch.roll(x, (1, -2), (0, 2))),
    "rot90": ([CUBE], {"k": 3, "axes": (2, 0)}, lambda torch, x: torch.rot90(x, 3, (2, 0))),
    "moveaxis": (
        [CUBE],
        {"source": (0, 1), "destination": (2, 0)},
        lambda torch, x: torch.movedim(x, (0, 1), (2, 0)),
    ),
    "tile": ([CUBE], {"reps": (2, 3)}, lambda torch, x: torch.tile(x, (2, 3))),
    "repeat": (
        [CUBE],
        {"repeats": (2, 0, 1), "axis": 1},
        lambda torch, x: torch.repeat_interleave(x, torch.tensor([2, 0, 1]), 1),
    ),
    "concatenate": ([X, CUBE[:, :, 0]], {"axis": 1}, lambda torch, x, y: torch.cat([x, y], 1)),
    "hstack": ([X, CUBE[:, :, 0]], {}, lambda torch, x, y: torch.hstack([x, y])),
    "vstack": ([X, X[0]], {}, lambda torch, x, y: torch.vstack([x, y])),
    "array_split": (
        [CUBE],
        {"indices_or_sections": 3, "axis": 2, "part": 1},
        lambda torch, x: torch.tensor_split(x, 3, 2)[1],
    ),
    "split": (
        [CUBE],
        {"indices_or_sections": (1, 3), "axis": -1, "part": 2},
        lambda torch, x: torch.tensor_split(x, (1, 3), -1)[2],
    ),
    "take": ([CUBE, PICKED], {"axis": 0}, lambda torch, x, i: torch.index_select(x, 0, i)),
    "take_along_axis": (
        [X, PICKED[None, :]],
        {"axis": 0},
        lambda torch, x, i: torch.take_along_dim(x, i, 0),
    ),
    "scatter_add": (
        [X, PICKED, sample(3, 3, seed=1)],
        {"axis": 0},
        lambda torch, x, i, values: torch.index_add(x, 0, i, values),
    ),
    "one_hot": ([PICKED], {"num_classes": 3}, lambda torch, i: torch.nn.functional.one_hot(i, 3)),
}
PADDED = {
    f"pad {mode}": (
        [CUBE],
        {"pad_width": WIDTHS, "mode": mode, "constant_values": 0},
        lambda torch, x, other=other: torch.nn.functional.pad(x, WIDTHS[-1], other),
    )
    for mode, other in [
        ("constant", "constant"),
        ("edge", "replicate"),
        ("reflect", "reflect"),
        ("wrap", "circular"),
    ]
}


def check_against_torch(torch: Any, primitive: Primitive, operands: Any, static: Any, function: Any) -> None:
    """Value, dtype and gradients."""
    out = np.asarray(primitive.forward(*operands, **static))
    tensors = [torch.tensor(one, requires_grad=one.dtype.kind == "f") for one in operands]
    result = function(torch, *tensors)
    np.testing.assert_array_equal(out, result.detach().numpy(), strict=True)
    if primitive.differentiable:
        g = sample(*out.shape, seed=2)
        result.backward(torch.tensor(g))
    for place, tensor in enumerate(tensors):
        if tensor.requires_grad:
            analytic = primitive.vjps[place](g, out, *operands, **static)
            np.testing.assert_allclose(analytic, tensor.grad.numpy(), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("name", [*TORCH, *PADDED])
def test_torch_agrees(name):
    torch = pytest.importorskip("torch")
    check_against_torch(torch, PRIMITIVES[name.split()[0]], *{**TORCH, **PADDED}[name])


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"forward": lambda x, k, axes: np.rot90(x, k, axes[::-1])}, id="value"),
        pytest.param({"vjps": (lambda g, out, x, k, axes: np.rot90(g, k, axes),)}, id="gradient"),
    ],
)
def test_a_disagreement_with_torch_is_caught(change):
    torch = pytest.importorskip("torch")
    with pytest.raises(AssertionError):
        check_against_torch(torch, replace(PRIMITIVES["rot90"], **change), *TORCH["rot90"])
