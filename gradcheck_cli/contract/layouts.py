"""A cotangent need not lie in memory as a fresh array does, and its gradient must not depend on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.contract.arrays import Broken, copies
from gradcheck_cli.contract.calls import is_steady
from gradcheck_cli.contract.case import Case, attempt
from gradcheck_cli.errors import EvaluationError

# How a cotangent may lie in memory → how to make it so, from one in C order.
LAYOUTS: Final[dict[str, Callable[[Array], Array]]] = {
    "strided": lambda array: np.repeat(array, 2, axis=-1)[..., ::2],
    "Fortran-ordered": np.asfortranarray,
    "broadcast": lambda array: np.broadcast_to(array.reshape(-1)[:1].reshape(()), array.shape),
    "read-only": lambda array: _locked(np.array(array)),
}


def _locked(array: Array) -> Array:
    array.flags.writeable = False
    return array


def accepts(layout: str) -> Callable[[Case], Broken]:
    """Make the rule that a cotangent of this layout gives the gradient that a fresh copy of it gives."""

    def rule(case: Case) -> Broken:
        laid_out = {
            name: LAYOUTS[layout](array) if array.ndim and array.size else array
            for name, array in case.cotangents.items()
        }
        plain = copies(laid_out)
        expected = case.pull(case.run(), copies(plain))
        found = attempt(lambda: case.pull(case.run(), laid_out))
        if isinstance(found, EvaluationError):
            return {"": f"{found}, given a {layout} cotangent"}
        broken = case.differences(found, expected, cotangents=plain)
        fact = f"given a {layout} cotangent, backward differs from what it says to a copy of it"
        return {name: f"{fact}: {how}" for name, how in broken.items()}

    return rule


def has_layout(layout: str) -> Callable[[Case], bool]:
    """Make the test whether a cotangent can lie so, and a backward that writes into it is not the matter."""
    least = 2 if layout == "Fortran-ordered" else 1

    def test(case: Case) -> bool:
        if not is_steady(case) or (layout in {"broadcast", "read-only"} and case.overwritten):
            return False
        return any(array.ndim >= least and array.size > 1 for array in case.cotangents.values())

    return test
