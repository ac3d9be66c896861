"""Sides of operations that no point takes: some are reached by further points, the others are named."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import CheckText
from test_points import job

from gradcheck_cli.autodiff.branches import branches
from gradcheck_cli.autodiff.primitives import PRIMITIVES
from gradcheck_cli.autodiff.ranges import ranges
from gradcheck_cli.autodiff.trace import Graph, Node
from gradcheck_cli.coverage import coverage_of
from gradcheck_cli.points import FURTHER, bind
from gradcheck_cli.result import CheckResult, Verdict

SPEC = "inputs: {x: %s}\nfunction: |\n  %s\nvjp:\n  x: %s\n"


def uncovered(result: CheckResult) -> list[str]:
    return [remark.message for remark in result.warnings if remark.code == "uncovered"]


# A kink outside of the sample.


@pytest.mark.parametrize(
    ("function", "right", "wrong"),
    [
        ("y = clip(x, -3, 3)", "dy * (abs(x) <= 3)", "dy"),
        ("y = clip(x, -3, 3)", "dy * (abs(x) <= 3)", "dy * (x <= 3)"),
        ("y = relu6(x)", "dy * ((x > 0) & (x < 6))", "dy * (x > 0)"),
        (
            "y = hardswish(x)",
            "dy * where(x <= -3, 0, where(x >= 3, 1, x / 3 + 0.5))",
            "dy * (x / 3 + 0.5)",
        ),
        ("y = hardsigmoid(x)", "dy * (abs(x) < 3) / 6", "dy / 6"),
        ("y = where(x > 5, x**2, x)", "dy * where(x > 5, 2 * x, 1)", "dy"),
        ("y = maximum(x, -40)", "dy * (x > -40)", "dy"),
        ("y = minimum(2 * x, 700)", "2 * dy * (x < 350)", "2 * dy"),
        ("y = x**2", "2 * x * dy", "where(abs(x) < 20, 2 * x, x) * dy"),  # the claim alone has sides
    ],
)
@pytest.mark.parametrize("shape", ["[4]", "[]", "[3, 5]"])
def test_a_side_beyond_the_sample_is_reached(
    check_text: CheckText, function: str, right: str, wrong: str, shape: str
) -> None:
    passed, failed = (check_text(SPEC % (shape, function, claim)) for claim in (right, wrong))
    assert (passed.verdict, failed.verdict) == (Verdict.PASS, Verdict.FAIL)
    assert not uncovered(passed)
    assert failed.diagnoses[0].code == "domain"


@pytest.mark.parametrize("size", [1, 2, 6])
def test_a_value_on_a_bound_takes_no_side(check_text: CheckText, size: int) -> None:
    result = check_text(SPEC % (f"[{size}]", "y = where(abs(x) < 4, x**2, x**3)", "2 * x * dy"))
    assert result.verdict is Verdict.FAIL


def test_a_side_that_equal_numbers_alone_take_is_taken(check_text: CheckText) -> None:
    result = check_text(SPEC % ("[4]", "y = where(x >= max(x), 2 * x, x)", "dy * where(x >= max(x), 2, 1)"))
    assert (result.verdict, uncovered(result)) == (Verdict.PASS, [])


HUBER = """
    inputs: {x: [5], t: [5]}
    function: |
      r = x - t
      L = sum(where(abs(r) <= 30, 0.5 * r**2, 30 * (abs(r) - 15)))
    vjp:
      x: dL * %s
      t: -dL * %s
"""


def test_a_side_that_no_input_reaches_alone_is_reached_by_scaling(check_text: CheckText) -> None:
    right, wrong = (check_text(HUBER % (claim, claim)) for claim in ("clip(r, -30, 30)", "r"))
    assert (right.verdict, uncovered(right)) == (Verdict.PASS, [])
    assert wrong.verdict is Verdict.FAIL
    assert wrong.pairs[0].worst.point in FURTHER


def test_a_side_is_reached_by_turning_the_point_round(check_text: CheckText) -> None:
    spec = "inputs: {x: [6]}\nfunction: y = x * (sum(x) > 0) + 2 * x * (sum(x) <= 0)\n"
    spec += "vjp: {x: %s}\npoints: [generic]\n"
    right, *wrong = (
        check_text(spec % claim) for claim in ('"dy * where(sum(x) > 0.0, 1, 2)"', "dy", "2 * dy")
    )
    assert (right.verdict, uncovered(right)) == (Verdict.PASS, [])
    assert {one.verdict for one in wrong} == {Verdict.FAIL}


# A side that cannot be reached.


def test_a_side_outside_the_domain_is_named_with_its_remedy(check_text: CheckText) -> None:
    result = check_text(
        SPEC % ("{shape: [4], sample: {uniform: [-1, 4]}}", "y = clip(x, -3, 3)", "dy * (x < 3)")
    )
    assert result.verdict is Verdict.PASS
    assert uncovered(result) == [
        "clip(x, -3, 3): no point lies below -3, so nothing checks that side; widen the sample of x"
    ]
    strict = check_text(SPEC % ("{shape: [4], sample: positive}", "y = abs(x)", "dy"), strict=True)
    assert strict.verdict is Verdict.FAIL
    assert "uncovered" in strict.message


def test_fixed_inputs_are_told_to_take_other_values(check_text: CheckText) -> None:
    result = check_text(SPEC % ("{value: [0.5, 1.0]}", "y = where(x < 2, x, x**3)", "dy"))
    assert uncovered(result) == [
        "x < 2: no point makes it false, so nothing checks that side; give x other values"
    ]


def test_the_function_s_own_sides_are_named_before_a_claim_s(check_text: CheckText) -> None:
    drawn = "{shape: [4], sample: {uniform: [0.5, 1]}}"
    (of_function,) = uncovered(check_text(SPEC % (drawn, "y = relu(x)", "dy * (x > 0)")))
    assert of_function.startswith("relu(x): no point lies below 0")
    (of_claim,) = uncovered(check_text(SPEC % (drawn, "y = x", "dy * (x > 0)")))
    assert of_claim.startswith("x > 0 in the vjp claim for x: no point makes it false")


def test_many_sides_are_counted(check_text: CheckText) -> None:
    lines = " + ".join(f"maximum(x, {-bound})" for bound in range(1, 8))
    messages = uncovered(check_text(SPEC % ("{shape: [4], sample: positive}", f"y = {lines}", "7 * dy")))
    assert len(messages) == 5
    assert messages[-1] == "3 more sides of operations are taken at no point"


def test_a_failing_check_is_not_told_of_sides(check_text: CheckText) -> None:
    result = check_text(SPEC % ("{shape: [4], sample: positive}", "y = abs(x)", "2 * dy"))
    assert (result.verdict, uncovered(result)) == (Verdict.FAIL, [])


def test_only_edge_points_are_visited_if_the_spec_says_so(check_text: CheckText) -> None:
    result = check_text(SPEC % ("[3, 3]", "y = where(sum(x**2) < 900, x, 2 * x)", "dy") + "points: [edge]\n")
    assert result.verdict is Verdict.PASS
    assert len(uncovered(result)) == 1


# What is no side at all.


@pytest.mark.parametrize(
    "function",
    [
        "y = max(x, axis=0)",
        "y = x * tril(ones((4, 4)))",
        "y = x * where(arange(4) > 9, 2.0, 1.0)",  # a constant
        "y = x / where(x == 0, 1, x) * x",  # a guard against one value
        "y = clip(x, None, 50)",
        "y = softmax(x) + relu(x) + abs(x)",
        "y = where(mask > 0, x, 0)",  # given, and of no gradient
        "y = x * (labels != 1)",
        "y = where((x > 0) & (x < 1), x, 2 * x)",
        "y = log(clip(sigmoid(x), 1.0e-30, 1.0))",  # a sigmoid is never above 1
        "y = maximum(exp(x) + x**2, -1.0)",
        "y = relu(x * x + mean(abs(x)) + 1)",
        "y = x / maximum(sqrt(sum(x**2, axis=1, keepdims=True)), 1.0e-9)",
        "y = clip(x, 2, 2) + x",
        "y = where(sqrt(abs(x)) >= 0, x, 5)",
        "y = where(-exp(x) < 0, x, 5)",
    ],
)
def test_an_ordinary_formula_has_no_missing_sides(check_text: CheckText, function: str) -> None:
    result = check_text(
        f"""
        inputs:
          x: [4, 4]
          mask: {{value: 1.0, differentiable: false}}
          labels: {{shape: [4], dtype: int64, sample: {{integers: [0, 3]}}}}
        function: {function}
        """
    )
    assert (result.verdict, uncovered(result)) == (Verdict.PASS, [])


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("sigmoid(x)", (0, 1)),
        ("sum(x * x)", (0, np.inf)),
        ("-relu6(x)[0]", (-6, 0)),
        ("maximum(tanh(x), 0.5)", (0.5, 1)),
        ("clip(exp(x), -1, 7)", (0, 7)),
        ("x**2 + 3", (3, np.inf)),
        ("x**3", (-np.inf, np.inf)),
        ("x * w", (-np.inf, np.inf)),
        ("abs(x) * exp(w)", (0, np.inf)),
        ("maximum(x, [2.0, -1.0])", (-1, np.inf)),
    ],
)
def test_ranges_hold_every_value(tmp_path, function: str, expected: tuple[float, float]) -> None:
    found = job(
        tmp_path, f"inputs: {{x: [2], w: [2]}}\nfunction: |\n  y = {function}\n  z = x\noutputs: [y, z]\n"
    )
    graph, number = found.subject.function.graph, found.subject.function.output_nodes["y"]
    low, high = ranges(graph, [number])[number]
    assert (max(low, -1e300), min(high, 1e300)) == tuple(np.clip(expected, -1e300, 1e300))
    for factor in (1, 50, 0, -3):
        point = bind(found.check, found.subject, f"generic*{factor}")
        (y,) = (point.values[rows] for name, rows in point.rows.items() if name == "y")
        assert ((low <= y) & (y <= high)).all()


def test_sums_of_sums_take_no_time() -> None:
    node = Node(shape=(), dtype=np.dtype(np.float64))
    add = [Node(shape=(), dtype=node.dtype, primitive=PRIMITIVES["add"], args=(at, at)) for at in range(200)]
    assert ranges(Graph((node, *add)), [200])[200][1] > 1e300


def test_empty_arrays_have_no_sides(check_text: CheckText) -> None:
    assert not uncovered(check_text("inputs: {x: [0], w: [2]}\nfunction: y = sum(relu(x)) + w\n"))


def test_an_added_point_does_not_open_what_was_decided(check_text: CheckText) -> None:
    result = check_text("inputs: {x: [4]}\nfunction: y = tanh(9 * x) + where(abs(x) > 60, 2 * x, x)\n")
    assert result.verdict is Verdict.PASS


def test_a_point_without_a_value_is_passed_over(check_text: CheckText) -> None:
    spec = "inputs: {x: [4]}\nfunction: y = exp(exp(x)) + where(sum(x) > 60, 2 * x, x)\n"
    result = check_text(spec)
    assert result.verdict is Verdict.PASS
    assert len(uncovered(result)) == 1


def test_the_sides_of_every_activation_are_those_of_its_values(tmp_path) -> None:
    """Where a function of the table bends, its slope jumps; between the bounds it does not."""
    for name in ("abs", "relu", "relu6", "leaky_relu", "hardtanh", "hardsigmoid", "hardswish"):
        found = job(tmp_path, f"inputs: {{x: [2]}}\nfunction: y = {name}(x)\n")
        (branch,) = branches(found.subject.function.graph, (found.subject.function.output_nodes["y"],))
        known = {
            float(word) for side in branch.sides for word in side.words.split() if word.lstrip("-").isdigit()
        }
        grid = np.arange(-800, 801) / 100 + 0.005
        primitive = PRIMITIVES[name]
        static = {
            key: one.default
            for key, one in primitive.parameters.parameters.items()
            if key not in primitive.operand_names
        }
        slope = np.diff(primitive.forward(grid, **static)) / 0.01
        jumps = np.flatnonzero(np.abs(np.diff(slope)) > 0.05)
        assert known == set(np.round(grid[jumps + 1]).tolist())


def test_coverage_counts_every_side_once(tmp_path) -> None:
    found = job(tmp_path, "inputs: {x: [3]}\nfunction: y = clip(x, -3, 3)\nvjp:\n  x: dy * (abs(x) < 3)\n")
    coverage = coverage_of(found.check, found.subject)
    assert len(coverage.missing) == 3 + 2 + 2  # clip; abs and the comparison in the claim
    coverage.see("generic", {"x": np.array([-4.0, 0.5, 4.0])})
    assert not coverage.missing
