"""What a drawn call of a primitive is held against: NumPy's value, the laws, torch's gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from derivative_laws import Call, check_derivatives, check_single_precision
from hypothesis import strategies as st

from gradcheck_cli.autodiff.primitive import Array, Primitive

SIZES = st.integers(0, 3)


def check_call(primitive: Primitive, numpy: Any, *operands: Array, **static: Any) -> None:
    """Value, shape rule and dtype are NumPy's; derivatives obey the laws, in single precision too."""
    part = static.get("part")
    value = numpy(*operands, **{name: one for name, one in static.items() if name != "part"})
    call = Call(value if part is None else value[part], operands, static)
    out = np.asarray(primitive.forward(*operands, **static))
    np.testing.assert_allclose(out, call.value, rtol=1e-12, atol=1e-12)
    assert tuple(primitive.shape(*(one.shape for one in operands), **static)) == out.shape
    assert primitive.dtype(*(one.dtype for one in operands)) == out.dtype
    check_derivatives(primitive, call)
    check_single_precision(primitive, call)


def check_like_torch(primitive: Primitive, function: Any, *operands: Array, **static: Any) -> None:
    """The VJPs are what torch's own backward pass gives."""
    torch = pytest.importorskip("torch")
    tensors = [torch.tensor(one, requires_grad=True) for one in operands]
    result = function(torch, *tensors)
    out = primitive.forward(*operands, **static)
    np.testing.assert_allclose(result.detach().numpy(), out, rtol=1e-10, atol=1e-10)
    g = np.asarray(np.round(np.random.default_rng(1).normal(size=np.shape(out)), 3))
    gradients = torch.autograd.grad(result, tensors, torch.tensor(g), materialize_grads=True)
    for place, wanted in enumerate(gradients):
        found = primitive.vjps[place](g, out, *operands, **static)
        np.testing.assert_allclose(found, wanted.numpy(), rtol=1e-9, atol=1e-9, err_msg=f"operand {place}")


def broadcastable(draw: Any, rank: int = 2) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes that broadcast."""
    shape = draw(st.lists(SIZES, max_size=rank))
    return tuple(
        tuple(1 if draw(st.booleans()) else size for size in shape[draw(st.integers(0, len(shape))) :])
        for _ in range(2)
    )
