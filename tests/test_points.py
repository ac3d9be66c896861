"""Where a check looks: what each point holds, and how leniently a claim is judged there."""

from __future__ import annotations

from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from click.testing import CliRunner
from conftest import CheckText
from hypothesis import given

from gradcheck_cli.cli import main
from gradcheck_cli.points import bind, is_special, point_names, special_values
from gradcheck_cli.prepare import Settings, prepare
from gradcheck_cli.result import Verdict
from gradcheck_cli.spec.sample import draw
from gradcheck_cli.spec.types import InputSpec, Sample

SEEDS = st.integers(0, 2**32)
DTYPES = st.sampled_from(["float64", "float32", "float16", "complex128", "complex64"])
MEETING = """
    inputs:
      x: {value: [0.0]}
      u: {value: [[1.0, -1.0]], differentiable: false}
      c: {value: [1.0, -2.0], differentiable: false}
    function: y = sum(relu(x @ u) * c)
"""
ROOT = "inputs: {x: {value: [0.0, 1.0]}}\nfunction: y = sqrt(x)\n"
TIED = """
    inputs: {x: {shape: [12, 12], sample: {integers: [0, 2]}, dtype: float64}}
    function: y = max(x, axis=0)
"""


def job(tmp_path: Path, text: str):
    file = tmp_path / "spec.yaml"
    file.write_text(f"gradcheck: 1\n{text}", encoding="utf-8")
    (found,), faults = prepare([str(file)], Settings(), lambda *_: [])
    assert not faults
    return found


# How a claim is judged where values may lie on kinks and singularities.


@pytest.mark.parametrize("text", [MEETING, ROOT])
def test_values_on_a_singularity_leave_a_right_claim_open_and_say_why(
    check_text: CheckText, text: str
) -> None:
    result = check_text(text)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert "a kink, a tie or a singularity at the very point" in result.message
    assert "at other values of x" in result.message
    assert "engine-fault" not in [remark.code for remark in result.warnings]


def test_values_that_are_tied_at_every_point_fail_no_right_claim(check_text: CheckText) -> None:
    result = check_text(TIED)
    assert result.verdict in {Verdict.PASS, Verdict.INCONCLUSIVE}
    assert "engine-fault" not in [remark.code for remark in result.warnings]


@pytest.mark.parametrize(
    ("text", "claim"),
    [
        (MEETING, "vjp: {x: 9 * dy * ones(1)}"),
        (ROOT, "vjp: {x: dy / sqrt(x)}"),
        (TIED, "vjp: {x: 2 * dy * (x == y)}"),
    ],
)
def test_a_wrong_claim_fails_there_all_the_same(check_text: CheckText, text: str, claim: str) -> None:
    indent = " " * (len(text.rstrip().splitlines()[-1]) - len(text.rstrip().splitlines()[-1].lstrip()))
    assert check_text(f"{text.rstrip()}\n{indent}{claim}\n").verdict is Verdict.FAIL


def test_fixed_values_that_are_generic_decide(check_text: CheckText) -> None:
    fixed = "inputs: {x: {value: [0.5, -1.25]}}\nfunction: y = relu(x) + x**2\nvjp: {x: dy * (%s)}\n"
    right, wrong = (check_text(fixed % claim) for claim in ("(x > 0) + 2 * x", "(x > 0) + x"))
    assert (right.verdict, wrong.verdict) == (Verdict.PASS, Verdict.FAIL)


@pytest.mark.parametrize(
    ("sample", "special"),
    [
        (Sample(), False),
        (Sample(kind="orthogonal"), False),
        (Sample(kind="integers", arguments=(0, 2)), True),
        (Sample(kind="choice", arguments=(1.0, 2.0)), True),
        (Sample(kind="permutation"), True),
    ],
)
def test_drawn_values_are_special_where_they_are_few(tmp_path: Path, sample: Sample, special: bool) -> None:
    check = job(tmp_path, "inputs: {x: [2, 2]}\nfunction: y = x**2\n").check
    (x,) = check.inputs
    object.__setattr__(x, "sample", sample)
    assert is_special(check, "generic") is special
    assert is_special(check, "edge")
    assert is_special(check, "generic*10")


def test_an_input_that_is_not_checked_makes_no_point_special(tmp_path: Path) -> None:
    text = "inputs: {x: [2], c: {value: [0.0, 1.0]%s}}\nfunction: y = x * c\n"
    assert is_special(job(tmp_path, text % "").check, "generic")
    assert not is_special(job(tmp_path, text % ", differentiable: false").check, "generic")
    assert not is_special(job(tmp_path, f"{text % ''}wrt: [x]\n").check, "generic")


# Edge points at the values that a formula compares an input with.


def bounds(tmp_path: Path, function: str, inputs: str = "x: [20]") -> dict[str, tuple[float, ...]]:
    found = job(tmp_path, f"inputs: {{{inputs}}}\nfunction: y = {function}\n")
    return {name: one.bounds for name, one in special_values(found.check, found.subject).items()}


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("clip(x, -3, 3)", {-3, 3}),
        ("x.clip(-3)", {-3}),
        ("relu6(x)", {0, 6}),
        ("hardswish(x)", {-3, 3}),
        ("hardtanh(x, -2.0, 0.5)", {-2, 0.5}),
        ("where(x > 5, x, 0)", {5}),
        ("maximum(0.25, x)", {0.25}),
        ("relu(2 * x.reshape(4, 5) - 3)", {1.5}),
        ("abs(7 - x[2:])", {7}),
        ("where(abs(x) < 4, x, 0)", {-4, 0, 4}),
        ("where(x**2 > 9, x, 0) + where(square(x) > 9, x, 0)", {-3, 3}),
        ("maximum(x / 2, [1, 2] @ ones((2, 20)))", set()),
        ("x * round(x)", {0.5}),
        ("x * round(x, 1)", {0.05}),
        ("relu(x) + abs(x) + x * sign(x)", set()),  # 0 is at the edge point
        ("tanh(x) > 2", set()),
    ],
)
def test_bounds_are_found_in_the_formula(tmp_path: Path, function: str, expected: set[float]) -> None:
    if function == "tanh(x) > 2":
        function = "where(tanh(x) > 2, x, 0)"
    found = bounds(tmp_path, function).get("x", ())
    assert set(np.round(found, 12).tolist()) == expected


def test_bounds_in_claims_count_as_well(tmp_path: Path) -> None:
    text = "inputs: {x: [20]}\nfunction: y = x**2\nvjp:\n  x: dy * where(x < 7, 2 * x, 3 * x)\n"
    found = job(tmp_path, text)
    assert special_values(found.check, found.subject)["x"].bounds == (7,)


def test_bounds_outside_the_domain_are_none(tmp_path: Path) -> None:
    inputs = "x: {shape: [20], sample: {uniform: [0, 1]}}"
    assert bounds(tmp_path, "clip(x, 0.25, 1)", inputs) == {"x": (0.25,)}
    assert bounds(tmp_path, "clip(x, -3, 3)", inputs) == {}


def test_edge_points_hold_every_bound_and_values_beyond_it(tmp_path: Path) -> None:
    found = job(tmp_path, "inputs: {x: [8]}\nfunction: y = clip(x, -3, 3)\n")
    assert point_names(found.check, found.subject) == ("generic", "edge", "edge-2")
    values = bind(found.check, found.subject, "edge-2").primals["x"]
    assert {-4.5, -3.0, -1.5, 1.5, 3.0, 4.5} <= set(values.tolist())


def test_a_scalar_visits_its_bounds_one_by_one(tmp_path: Path) -> None:
    found = job(tmp_path, "inputs: {x: []}\nfunction: y = hardtanh(x, -2.0, 5.0)\n")
    points = point_names(found.check, found.subject)
    assert points == ("generic", "edge", "edge-2", "edge-3")
    values = [float(bind(found.check, found.subject, point).primals["x"]) for point in points[1:]]
    assert values == [0, -2, 5]


def test_edge_points_are_visited_only_if_edges_are(tmp_path: Path) -> None:
    found = job(tmp_path, "inputs: {x: [8]}\nfunction: y = clip(x, -3, 3)\npoints: [generic]\n")
    assert point_names(found.check, found.subject) == ("generic",)


WRONG_ON_A_BOUND = (
    "inputs: {x: [%s]}\nfunction: y = relu6(x)\nvjp: {x: dy * ((x > 0) & (x < 6)) + dy * 3 * (x == 6)}\n"
)


@pytest.mark.parametrize("shape", ["", "7"])
def test_a_claim_that_is_wrong_on_a_bound_alone_fails(check_text: CheckText, shape: str) -> None:
    result = check_text(WRONG_ON_A_BOUND % shape)
    assert result.verdict is Verdict.FAIL
    assert result.pairs[0].worst.point.startswith("edge-")
    assert result.diagnoses[0].code == "domain"


@pytest.mark.parametrize("at_6", [0, 0.25, 1])
def test_any_slope_between_both_sides_is_right_on_a_bound(check_text: CheckText, at_6: float) -> None:
    claim = f"dy * ((x > 0) & (x < 6)) + dy * {at_6} * (x == 6)"
    result = check_text(f"inputs: {{x: [7]}}\nfunction: y = relu6(x)\nvjp: {{x: {claim}}}\n")
    assert (result.verdict, result.warnings) == (Verdict.PASS, ())


@pytest.mark.parametrize("point", ["edge-2", "generic*10", "generic*-0.1"])
def test_every_point_of_a_report_can_be_looked_at(tmp_path: Path, point: str) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text("gradcheck: 1\ninputs: {x: [4]}\nfunction: y = clip(x, -3, 3)\n", encoding="utf-8")
    ended = CliRunner().invoke(main, ["jacobian", str(file), "--point", point])
    assert ended.exit_code == 0, ended.output
    assert f"at {point}" in ended.output


# Scaled generic points.


@given(SEEDS, st.sampled_from(["-1", "0.1", "3", "100"]), DTYPES)
def test_scaled_values_stay_in_the_domain(seed: int, factor: str, dtype: str) -> None:
    from gradcheck_cli.points import _scaled

    samples = [Sample(), Sample(kind="positive"), Sample(kind="uniform", arguments=(-0.5, 2.0))]
    for sample in samples[: 1 if dtype.startswith("complex") else 3]:
        one = InputSpec(name="x", shape=(3, 4), dtype=dtype, sample=sample)
        values = draw([one], seed=seed, point="generic")["x"]
        moved = _scaled(one, values, float(factor))
        assert moved.dtype == values.dtype
        low, high = sample.domain
        if not dtype.startswith("complex"):
            assert ((low < moved) & (moved < high)).all()
        as_was = moved == values
        assert np.allclose(moved[~as_was], values[~as_was] * float(factor), rtol=1e-2)


def test_fixed_and_counted_values_are_not_scaled(tmp_path: Path) -> None:
    text = """
inputs:
  x: [3]
  c: {value: [1.0, 2.0, 3.0]}
  i: {shape: [3], dtype: int64, sample: {integers: [0, 3]}}
  s: {shape: [2, 2], sample: spd}
function: y = x[i] * c + linalg.det(s)
"""
    found = job(tmp_path, text)
    plain, scaled = (bind(found.check, found.subject, point).primals for point in ("generic", "generic*-3"))
    assert np.array_equal(scaled["x"], -3 * plain["x"])
    assert np.array_equal(scaled["s"], 3 * plain["s"])  # positive definite still
    assert all(np.array_equal(scaled[name], plain[name]) for name in "ci")


# An edge point at which the function has no value.


@pytest.mark.parametrize(
    ("function", "left_out"),
    [
        ("log(x**2)", "holds no zeros:"),
        ("sqrt(x) + 1", "holds no zeros and no negative values:"),
        ("log(x)", "holds no zeros and no negative values:"),
        ("log(x) + 1 / (x - 3)", "was skipped:"),
    ],
)
def test_an_edge_point_does_without_what_has_no_value(tmp_path: Path, function: str, left_out: str) -> None:
    from gradcheck_cli.check import run_check

    text = f"inputs: {{x: {{shape: [6], sample: {{normal: [9, 1]}}}}}}\nfunction: y = {function}\n"
    found = job(tmp_path, text)
    result = run_check(found.check, found.subject)
    assert result.verdict is Verdict.PASS
    assert [remark.code for remark in result.warnings] == ["skipped-point"]
    assert f"the edge point {left_out}" in result.warnings[0].message


def test_a_claim_that_is_wrong_at_ties_fails_although_zeros_have_no_value(check_text: CheckText) -> None:
    spec = "inputs: {x: {shape: [6], sample: {normal: [9, 1]}}}\nfunction: y = max(log(x))\n"
    spec += "vjp: {x: dy * (%s) / x}\n"
    wrong, right = (check_text(spec % claim) for claim in ("x == max(x)", "(x == max(x)) / sum(x == max(x))"))
    assert (wrong.verdict, right.verdict) == (Verdict.FAIL, Verdict.PASS)


# Properties of the draws themselves.


@given(SEEDS, DTYPES, st.integers(2, 5))
def test_generic_matrices_are_never_symmetric(seed: int, dtype: str, size: int) -> None:
    one = InputSpec(name="x", shape=(size, size), dtype=dtype)
    values = draw([one], seed=seed, point="generic")["x"]
    assert not np.array_equal(values, values.T)
    assert len(np.unique(values)) == values.size
    assert not np.isin(values, [0, 1, -1]).any()


@given(SEEDS, DTYPES, st.integers(6, 12))
def test_edge_points_hold_zeros_ties_and_both_signs(seed: int, dtype: str, size: int) -> None:
    one = InputSpec(name="x", shape=(size,), dtype=dtype)
    values = draw([one], seed=seed, point="edge")["x"]
    parts = np.concatenate([values.real, values.imag])
    assert (values == 0).any()
    assert dtype.startswith("complex") or len(np.unique(values)) < size
    assert parts.min() < 0 < parts.max()
    assert np.array_equal(parts, np.round(parts))


@given(SEEDS, st.integers(2, 9), st.sampled_from([(0, 2), (-2, 3), (-1, 5)]))
def test_whole_numbers_of_floats_hold_a_zero_and_a_tie_at_the_edge(seed, size, limits) -> None:
    one = InputSpec(name="x", shape=(size,), sample=Sample(kind="integers", arguments=limits))
    values = draw([one], seed=seed, point="edge")["x"]
    assert (values == 0).any()
    assert values.any()
    assert size < 3 or len(np.unique(values)) < size


@given(SEEDS, st.integers(0, 9), DTYPES.filter(lambda name: name.startswith("float")))
def test_an_edge_point_holds_nothing_that_is_omitted(seed: int, size: int, dtype: str) -> None:
    samples = (
        Sample(),
        Sample(kind="uniform", arguments=(-4, 4)),
        Sample(kind="integers", arguments=(-2, 3)),
    )
    for sample in samples:
        one = InputSpec(name="x", shape=(size,), dtype=dtype, sample=sample)
        for omitted in ({"zeros"}, {"negative values"}, {"zeros", "negative values"}):
            values = draw([one], seed=seed, point="edge", omitted=frozenset(omitted))["x"]
            assert "zeros" not in omitted or (values != 0).all()
            assert "negative values" not in omitted or (values >= 0).all()
