"""Random calls of the layers of neural networks, some with windows that do not fit and that torch refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
from derivative_laws import Call, sample
from hypothesis import strategies as st

from gradcheck_cli.autodiff.primitives.unfolding import unfold_shape
from gradcheck_cli.errors import ShapeError

ONE, ZERO = np.array(1.0), np.array(0.0)  # stand in for operands that are left out


def rank_of(name: str) -> int:
    return 1 if name.endswith("1d") else 2


def lengths(rank: int, low: int, high: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.tuples(*[st.integers(low, high)] * rank)


def each(rank: int, low: int, high: int) -> st.SearchStrategy[Any]:
    """An argument such as stride: one integer for all axes, or one for each."""
    return st.integers(low, high) | lengths(rank, low, high)


@st.composite
def convolved(draw, name: str) -> Call:
    rank, transposed = rank_of(name), "transpose" in name
    groups, channels, filters = draw(lengths(3, 1, 2))
    static = {
        "stride": draw(each(rank, 1, 3)),
        "padding": draw(each(rank, 0, 2)),
        "dilation": draw(each(rank, 1, 2)),
        "groups": groups,
        **({"output_padding": draw(each(rank, 0, 2))} if transposed else {}),
    }
    sizes, kernel = draw(lengths(rank, 1, 7 - 2 * rank)), draw(lengths(rank, 1, 3))
    x = sample(*draw(st.sampled_from([(), (1,), (2,)])), groups * channels, *sizes)
    rows = (groups * channels, filters) if transposed else (groups * filters, channels)
    bias = draw(st.sampled_from([ZERO, sample(groups * filters, seed=2)]))
    return Call(None, (x, sample(*rows, *kernel, seed=1), bias), static)


@st.composite
def pooled(draw, name: str) -> Call:
    rank = rank_of(name)
    static = {
        "kernel_size": draw(each(rank, 1, 3)),
        "stride": draw(st.none() | each(rank, 1, 3)),
        "padding": draw(each(rank, 0, 1)),
        "ceil_mode": draw(st.booleans()),
        **({"dilation": draw(each(rank, 1, 2))} if "max" in name else {}),
        **({"count_include_pad": draw(st.booleans())} if "avg" in name else {}),
        **({"divisor_override": draw(st.sampled_from([None, 5, -2]))} if name == "avg_pool2d" else {}),
    }
    lead = draw(st.sampled_from([(1,), (2,), (2, 1)]))
    return Call(None, (sample(*lead, *draw(lengths(rank, 1, 6))),), static)


@st.composite
def unfolded(draw, name: str) -> Call:
    static = {
        "kernel_size": draw(lengths(2, 1, 3)),
        "stride": draw(each(2, 1, 3)),
        "padding": draw(each(2, 0, 2)),
        "dilation": draw(each(2, 1, 2)),
    }
    shape = (*draw(st.sampled_from([(1,), (2,), (2, 1)])), *draw(lengths(2, 1, 5)))
    if name == "unfold":
        return Call(None, (sample(*shape),), static)
    try:
        columns = unfold_shape(shape, **static)
    except ShapeError:
        columns = (4, 4)
    return Call(None, (sample(*columns),), {"output_size": shape[-2:], **static})


@st.composite
def normalized(draw, name: str) -> Call:
    groups = draw(st.integers(1, 2))
    shape = (draw(st.integers(2, 3)), 2 * groups, *draw(st.sampled_from([(), (3,), (2, 2)])))
    static: dict[str, Any] = {"eps": draw(st.sampled_from([1, 0.01]))}
    own: tuple[int, ...] = shape[1:2]
    running: tuple[Any, ...] = ()
    if name == "group_norm":
        static["num_groups"] = groups
    elif name == "batch_norm":
        static |= {"training": draw(st.booleans()), "momentum": 0.1}
        running = (sample(*own, seed=3), sample(*own, low=0.2, seed=4))
    else:
        own = static["normalized_shape"] = shape[draw(st.integers(0, len(shape) - 1)) :]
    if name == "rms_norm":
        static["eps"] = draw(st.sampled_from([None, 0.01]))
    affine = draw(st.sampled_from([(ONE, ZERO), (sample(*own, seed=1), sample(*own, seed=2))]))
    affine = affine[:1] if name == "rms_norm" else affine
    return Call(None, (sample(*shape), *running, *affine), static)


@st.composite
def embedded(draw, name: str) -> Call:
    indices = draw(st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=2), max_size=3))
    return Call(None, (np.array(indices, int).reshape(-1, 2), sample(4, draw(st.integers(0, 3)))))


@st.composite
def compared(draw, name: str) -> Call:
    """The axis ``dim`` is as long in both, or what is stretched along it would have the slope 0."""
    shape = draw(lengths(3, 2, 3))
    dim = draw(st.integers(-3, 2))
    axis = dim % 3
    stretched = [size if at == axis else draw(st.sampled_from([1, size])) for at, size in enumerate(shape)]
    other = stretched[draw(st.integers(0, axis)) :]
    pair = [sample(*shape), sample(*other, seed=1)]
    return Call(
        None, tuple(draw(st.permutations(pair))), {"dim": dim, "eps": draw(st.sampled_from([1e-8, 4]))}
    )
