"""Complex inputs: how their values are written down, read from files, and drawn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck_cli.shapes import PARTS
from gradcheck_cli.spec.load import load_specs
from gradcheck_cli.spec.sample import draw
from gradcheck_cli.spec.types import InputSpec, Sample

SEEDS = st.integers(0, 2**32 - 1)
DTYPES = st.sampled_from(["complex128", "complex64"])


def one(sample, shape, *, seed=0, point="generic", dtype="complex128", **options):
    spec = InputSpec(name="z", shape=shape, dtype=dtype, sample=sample)
    return draw([spec], seed=seed, point=point, **options)["z"]


def loaded(tmp_path, text):
    file = tmp_path / "spec.yaml"
    file.write_text(f"gradcheck: 1\nfunction: y = 2 * z\ninputs:\n  z: {text}\n", encoding="utf-8")
    checks, faults = load_specs(str(file), max_memory=2**30)
    assert not faults, faults
    return checks[0].inputs[0]


@pytest.mark.parametrize("dtype", ["complex128", "complex64"])
def test_literals_are_written_as_in_python(tmp_path, dtype):
    values = loaded(tmp_path, f"{{value: [[1+2j, 3, -1J], [1.5e-3j, '4 - 5j', 0.25]], dtype: {dtype}}}").value
    expected = np.array([[1 + 2j, 3, -1j], [1.5e-3j, 4 - 5j, 0.25]], dtype)
    assert values.dtype == dtype
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("dtype", ["complex128", "complex64"])
def test_files_keep_their_dtype(tmp_path, dtype):
    stored = np.array([[1 + 2j, 3], [0, -1j]], dtype)
    np.save(tmp_path / "z.npy", stored)
    found = loaded(tmp_path, "{file: z.npy}")
    assert found.dtype == dtype
    assert found.differentiable
    np.testing.assert_array_equal(found.value, stored)


@given(SEEDS, DTYPES, st.sampled_from([(), (1,), (7,), (2, 3), (0, 2)]))
@settings(max_examples=50)
def test_generic_parts_are_never_special(seed, dtype, shape):
    values = one(Sample(), shape, seed=seed, dtype=dtype)
    assert (values.shape, values.dtype) == (shape, dtype)
    parts = np.stack([values.real, values.imag])
    assert not np.isin(parts, (0, 1, -1)).any()
    for part in parts:  # all of different sizes
        assert len(set(np.abs(part).ravel().tolist())) == part.size
    assert not np.isin(values.real, values.imag).any() or not values.size


def test_the_parts_have_streams_of_their_own():
    values = one(Sample(), (5,))
    assert set(np.abs(values.real)).isdisjoint(np.abs(values.imag))
    for part in PARTS:  # drawn like a real input would be
        name = f"z.{part}"
        real = draw([InputSpec(name=name, shape=(5,))], seed=0, point="generic")[name]
        np.testing.assert_array_equal(getattr(values, part), real)


@given(SEEDS, DTYPES, st.sampled_from(["generic", "edge"]))
@settings(max_examples=50)
def test_both_parts_stay_inside_the_domain(seed, dtype, point):
    for low, high in ((0.5, 2.0), (-1.0, 1.0), (-3.0, -2.5)):
        values = one(
            Sample(kind="uniform", arguments=(low, high)), (4, 2), seed=seed, dtype=dtype, point=point
        )
        for part in (values.real, values.imag):
            assert ((low < part) & (part < high)).all()


@given(SEEDS, DTYPES)
@settings(max_examples=20)
def test_choices_hold_for_both_parts(seed, dtype):
    choices = (-1.0, 0.5, 2.0)
    for point in ("generic", "edge"):
        values = one(Sample(kind="choice", arguments=choices), (6,), seed=seed, dtype=dtype, point=point)
        assert set(values.real.tolist()) | set(values.imag.tolist()) <= set(choices)


@pytest.mark.parametrize("sample", [Sample(), Sample(kind="uniform", arguments=(-1.0, 1.0))])
def test_the_edge_holds_zeros_axes_and_ties_of_modulus(sample):
    values = one(sample, (2, 3), point="edge").ravel()
    sizes = np.abs(values).tolist()
    assert 0 in values
    assert ((values.real != 0) & (values.imag == 0)).any()
    assert ((values.real == 0) & (values.imag != 0)).any()
    assert ((values.real != 0) & (values.imag != 0)).any()
    assert max(map(sizes.count, set(sizes))) >= 3


def test_what_an_edge_point_omits_is_not_there():
    values = one(Sample(), (6,), point="edge", omitted=frozenset({"zeros", "negative values"}))
    assert values.all()
    assert (values.real >= 0).all()


def test_an_edge_point_far_from_zero_ties_its_parts():
    values = one(Sample(kind="uniform", arguments=(0.25, 0.75)), (4,), point="edge")
    assert len(set(values.real.tolist())) < 4
