"""Strategies for calls of reductions, scans and norms: shapes, axes from either end, every argument."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from case_builders import logsumexp_of
from derivative_laws import Call, sample
from hypothesis import strategies as st

from gradcheck_cli.autodiff.primitive import Array

special = pytest.importorskip("scipy.special")
FLAGS = st.booleans()
VECTOR_ORDERS = (None, math.inf, -math.inf, 0, 1, 2, 3, 0.5, 2.5, -1, -2.5)
MATRIX_ORDERS = (None, "fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)


def one(rank: int) -> st.SearchStrategy[Any]:
    """Any axis that there is, from either end."""
    return st.integers(-rank, rank - 1) if rank else st.nothing()


def one_or_none(rank: int) -> st.SearchStrategy[Any]:
    return st.none() | one(rank)


def several(rank: int) -> st.SearchStrategy[Any]:
    axes = st.lists(one(rank), unique_by=lambda axis: axis % rank, max_size=rank).map(tuple)
    return one_or_none(rank) | (axes if rank else st.just(()))


def reducing(axis: Any = several, **more: Any) -> Any:
    return lambda rank: st.fixed_dictionaries({"axis": axis(rank), "keepdims": FLAGS, **more})


def along(axis: Any, **more: Any) -> Any:
    return lambda rank: st.fixed_dictionaries({"axis": axis(rank), **more})


def norm_arguments(rank: int) -> st.SearchStrategy[dict[str, Any]]:
    pair = st.tuples(one(rank), one(rank)).filter(lambda axes: axes[0] % rank != axes[1] % rank)
    kinds = [(st.sampled_from(VECTOR_ORDERS), one(rank))] * (rank > 0)
    kinds += [(st.sampled_from(MATRIX_ORDERS), pair)] * (rank > 1)
    kinds += [(st.sampled_from(VECTOR_ORDERS if rank == 1 else MATRIX_ORDERS), st.none())] * (rank in {1, 2})
    kinds += [(st.none(), st.none())]
    found = [st.fixed_dictionaries({"ord": order, "axis": axis, "keepdims": FLAGS}) for order, axis in kinds]
    return st.one_of(found)


def nonempty(function: Any) -> Any:
    """NumPy's median and log Σ exp have ways of their own with empty arrays; the maximum has none."""
    return lambda x, **static: (function if x.size else np.max)(x, **static)


@dataclass(frozen=True)
class Row:
    """What a primitive is compared with, and a strategy for its arguments given the number of axes."""

    reference: Callable[..., Any]
    arguments: Callable[[int], st.SearchStrategy[dict[str, Any]]]


ROWS = {
    **{
        name: Row(getattr(np, name), reducing())
        for name in ("sum", "mean", "max", "min", "prod", "any", "all", "count_nonzero")
    },
    **{name: Row(getattr(np, name), reducing(ddof=st.sampled_from((0, 0.5)))) for name in ("var", "std")},
    **{name: Row(getattr(np, name), reducing(one_or_none)) for name in ("argmax", "argmin")},
    "median": Row(nonempty(np.median), reducing()),
    "logsumexp": Row(nonempty(logsumexp_of), reducing()),
    **{name: Row(getattr(special, name), along(several)) for name in ("softmax", "log_softmax")},
    **{name: Row(getattr(np, name), along(one_or_none)) for name in ("cumsum", "cumprod", "sort", "argsort")},
    "diff": Row(np.diff, along(one, n=st.integers(0, 4))),
    "linalg.norm": Row(np.linalg.norm, norm_arguments),
}


@st.composite
def calls(draw: Any, name: str, smallest: int = 0) -> Call:
    """A call of a row on distinct entries; of a norm, on matrices that have no kink near: no small entry,
    no small singular value, no two lines of one sum (so it is for every shape and seed)."""
    smallest = max(smallest, name == "linalg.norm")  # of nothing, older versions of NumPy have no norms
    shape = tuple(draw(st.lists(st.integers(smallest, 4), min_size=name == "diff", max_size=3)))
    x = sample(*shape, seed=draw(st.integers(0, 9)))
    x = np.copysign(0.5 + np.abs(x) ** 1.7, x) if name == "linalg.norm" else x
    return Call(None, (x,), draw(ROWS[name].arguments(x.ndim)))


def whole(*shape: int) -> st.SearchStrategy[Array]:
    """Small whole numbers as floats: zeros and ties, products and sums without rounding."""
    count = math.prod(shape)
    entries = st.lists(st.integers(-3, 3), min_size=count, max_size=count)
    return entries.map(lambda found: np.reshape(np.array(found, float), shape))
