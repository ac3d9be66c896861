from __future__ import annotations

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import example, given

from gradcheck_cli.spec.sample import draw, has_samples
from gradcheck_cli.spec.types import InputSpec, Sample

SHAPES = st.lists(st.integers(0, 4), max_size=3).map(tuple)
FLOATS = st.sampled_from(["float64", "float32", "float16"])
SEEDS = st.integers(0, 2**64)
INTERVALS = st.tuples(st.integers(-50, 50), st.integers(1, 60)).map(
    lambda pair: (pair[0] / 8, (pair[0] + pair[1]) / 8)
)
LINES = st.one_of(
    st.just(Sample()),
    st.builds(lambda mean, std: Sample(arguments=(mean, std)), st.floats(-3, 3), st.floats(0.1, 5)),
    st.builds(lambda limits: Sample(kind="uniform", arguments=limits), INTERVALS),
    st.just(Sample(kind="positive")),
)


def one(sample=Sample(), shape=(), dtype="float64", seed=0, point="generic", attempt=0, name="x"):  # noqa: B008
    spec = InputSpec(name=name, shape=shape, dtype=dtype, sample=sample)
    return draw([spec], seed=seed, point=point, attempt=attempt)[name]


def room(sample: Sample, dtype: str) -> float:
    """How many numbers of the dtype lie where values are drawn, spaced as at the largest of them."""
    low, high = 0.0, 3.0
    if sample.kind == "normal":
        mean, deviation = sample.arguments or (0.0, 1.0)
        low, high = abs(mean), abs(mean) + 3 * deviation
    elif sample.kind == "uniform":
        ends = [abs(end) for end in sample.arguments]
        low, high = 0.0 if sample.arguments[0] < 0 < sample.arguments[1] else min(ends), max(ends)
    return (high - low) / (high * float(np.finfo(dtype).eps))


@given(LINES, SHAPES, FLOATS, SEEDS)
@example(Sample(arguments=(2.0, 0.109375)), (3, 4, 4), "float16", 0)
def test_generic_values_are_distinct_and_neither_0_nor_1(sample, shape, dtype, seed):
    values = one(sample, shape, dtype, seed)
    assert values.shape == shape
    assert values.dtype == dtype
    if room(sample, dtype) < 8 * values.size:
        return  # the dtype has too few numbers there
    assert len(np.unique(np.abs(values))) == values.size
    assert not np.isin(values, [0, 1, -1]).any()


@given(LINES, SHAPES, FLOATS, SEEDS, st.sampled_from(["generic", "edge"]))
def test_values_lie_strictly_inside_the_domain(sample, shape, dtype, seed, point):
    values = one(sample, shape, dtype, seed, point).astype(float)
    low, high = sample.domain
    assert ((low < values) & (values < high)).all()


@given(LINES, SHAPES, SEEDS)
def test_edge_values_are_tied_and_not_all_zero(sample, shape, seed):
    values = one(sample, shape, seed=seed, point="edge")
    if values.size > 2:
        assert len(np.unique(values)) < values.size
        assert values.any()


@given(st.sampled_from([(-0.5, 0.5), (-2.0, 3.0), (-9.0, 0.5)]), SEEDS)
def test_edge_values_hold_an_exact_zero_where_the_domain_allows(limits, seed):
    sample = Sample(kind="uniform", arguments=limits)
    assert (one(sample, (4,), seed=seed, point="edge") == 0).any()
    assert one(sample, (), seed=seed, point="edge") == 0


def test_edge_values_of_normal_inputs_are_whole_and_of_either_sign():
    values = one(shape=(2, 4), point="edge")
    assert np.array_equal(values, np.round(values))
    assert values.min() < 0 < values.max()


def test_where_no_whole_number_fits_generic_values_are_tied():
    values = one(Sample(kind="uniform", arguments=(0.25, 0.75)), (6,), point="edge")
    assert len(np.unique(values)) == 3


@pytest.mark.parametrize("point", ["generic", "edge"])
@pytest.mark.parametrize(
    ("kind", "arguments", "dtype"),
    [
        ("normal", (0, 1e6), "float16"),
        ("normal", (0, 2e4), "float16"),
        ("normal", (1e300, 1e-300), "float64"),
        ("normal", (0, 5e-324), "float64"),
        ("normal", (-5e37, 9e37), "float32"),
        ("uniform", (-1e308, 1e307), "float64"),
        ("uniform", (1e-320, 1.7e308), "float64"),
        ("uniform", (0, 65504), "float16"),
        ("choice", (1, 1e6), "float16"),
    ],
)
def test_extreme_arguments_warn_of_nothing(kind, arguments, dtype, point):
    values = one(Sample(kind=kind, arguments=arguments), (40, 50), dtype, point=point)
    assert not np.isnan(values).any()


def test_empty_arrays_are_drawn_whatever_the_sample():
    for kind in ("normal", "spd", "orthogonal", "permutation", "positive"):
        for point in ("generic", "edge"):
            assert one(Sample(kind=kind, symmetric=True), (0, 0), point=point).shape == (0, 0)


@pytest.mark.parametrize("limits", [(1e-300, 2e-300), (-1e300, 1e5), (1000.0, 1001.0)])
def test_extreme_intervals_are_no_trouble(limits):
    values = one(Sample(kind="uniform", arguments=limits), (40, 50))
    assert ((limits[0] < values) & (values < limits[1])).all()
    assert len(np.unique(np.abs(values))) == 2000


def test_small_arrays_are_short_decimals():
    assert all(len(repr(value)) <= 6 for value in one(shape=(3, 4)).ravel().tolist())


def test_short_dtypes_hold_their_values_exactly():
    for dtype, parts in (("float32", 2**12), ("float16", 2**9)):
        values = one(shape=(3, 4), dtype=dtype).astype(float)
        assert np.array_equal(values * parts, np.round(values * parts))


def test_a_million_values_are_distinct():
    assert len(np.unique(np.abs(one(shape=(10**6,))))) == 10**6


@given(SEEDS, st.sampled_from(["generic", "generic-2", "edge"]), st.integers(0, 3))
def test_the_same_draw_gives_the_same_values(seed, point, attempt):
    first, second = (one(shape=(3, 4), seed=seed, point=point, attempt=attempt) for _ in range(2))
    assert np.array_equal(first, second)


def test_seed_point_attempt_and_name_each_change_the_values():
    usual = one(shape=(5,))
    for other in ({"seed": 1}, {"point": "generic-2"}, {"attempt": 1}, {"name": "w"}):
        assert not np.array_equal(usual, one(shape=(5,), **other))


def test_another_input_changes_nothing():
    x, w = (InputSpec(name=name, shape=(2, 3)) for name in "xw")
    alone = draw([x], seed=5, point="generic")["x"]
    assert np.array_equal(alone, draw([w, x], seed=5, point="generic")["x"])


@given(st.integers(1, 6), SEEDS, st.sampled_from(["generic", "edge"]))
def test_spd_matrices_are_well_conditioned(size, seed, point):
    matrix = one(Sample(kind="spd", symmetric=True), (2, size, size), seed=seed, point=point)
    assert np.array_equal(matrix, matrix.swapaxes(-1, -2))
    values = np.linalg.eigvalsh(matrix)
    assert values.min() > 0.5
    assert values.max() / values.min() < 10
    assert (np.diff(values) > 0.05).all()


@given(st.integers(1, 6), SEEDS, st.sampled_from(["generic", "edge"]))
def test_orthogonal_matrices_are_orthogonal(size, seed, point):
    matrix = one(Sample(kind="orthogonal"), (size, size), seed=seed, point=point)
    assert np.allclose(matrix.T @ matrix, np.eye(size), atol=1e-12)


@given(st.integers(1, 8), SEEDS, st.sampled_from(["generic", "edge"]))
def test_permutations_permute(size, seed, point):
    vector = one(Sample(kind="permutation"), (size,), "int64", seed, point)
    matrix = one(Sample(kind="permutation"), (size, size), seed=seed, point=point)
    assert sorted(vector) == list(range(size))
    assert np.array_equal(matrix.sum(axis=0), np.ones(size))
    assert np.array_equal(matrix @ matrix.T, np.eye(size))
    if point == "generic" and size > 1:
        assert not np.array_equal(vector, np.arange(size))


@given(st.integers(2, 8), st.integers(3, 9), SEEDS)
def test_indices_are_spread_at_generic_points_and_repeated_at_edges(number, choices, seed):
    sample = Sample(kind="integers", arguments=(0, choices))
    generic = one(sample, (number,), "int64", seed)
    edge = one(sample, (number,), "int64", seed, "edge")
    for values in (generic, edge):
        assert values.dtype == np.int64
        assert ((values >= 0) & (values < choices)).all()
    assert len(set(generic.tolist())) == min(number, choices)
    assert len(set(edge.tolist())) < min(number, choices)
    assert edge.any()


def test_huge_ranges_of_integers_take_no_memory():
    assert len(set(one(Sample(kind="integers", arguments=(0, 2**53)), (5,), "int64").tolist())) == 5


@given(SEEDS, st.sampled_from(["generic", "edge"]))
def test_choices_are_chosen(seed, point):
    values = one(Sample(kind="choice", arguments=(1.0, 2.5, 5.0)), (7,), seed=seed, point=point)
    assert set(values.tolist()) <= {1.0, 2.5, 5.0}
    assert len(set(values.tolist())) == (3 if point == "generic" else 2)


def test_bools_are_mixed_at_generic_points_and_true_at_edges():
    assert set(one(shape=(2,), dtype="bool").tolist()) == {True, False}
    assert one(shape=(3,), dtype="bool", point="edge").all()


@given(SEEDS, st.sampled_from(["generic", "edge"]))
def test_symmetric_inputs_are_symmetric(seed, point):
    values = one(Sample(symmetric=True), (2, 3, 3), seed=seed, point=point)
    assert np.array_equal(values, values.swapaxes(-1, -2))
    assert values.any()


def test_fixed_inputs_are_copies_at_every_point():
    value = np.array([1.0, 2.0])
    spec = InputSpec(name="x", shape=(2,), value=value)
    drawn = draw([spec], seed=0, point="edge")["x"]
    drawn[0] = 9.0
    assert value[0] == 1.0
    assert not has_samples([spec])
    assert has_samples([spec, InputSpec(name="w", shape=())])
