"""From a spec to a verdict: right claims pass, each kind of wrong claim fails and is named."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from conftest import CheckText, RunText

from gradcheck_cli.autodiff.primitives import elementwise
from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.result import ExitCode, Verdict

LINEAR = """
    dims: {N: 3, D: 2, M: 4}
    inputs: {x: [N, D], w: [D, M], b: [M]}
    function: y = x @ w + b
    vjp:
      x: %s
      w: %s
      b: %s
"""
RIGHT = ("dy @ w.T", "x.T @ dy", "sum(dy, axis=0)")


def linear(**claims: str) -> str:
    return LINEAR % tuple(claims.get(name, right) for name, right in zip("xwb", RIGHT, strict=True))


def codes(result) -> list[str]:
    return [remark.code for remark in result.diagnoses]


def test_the_linear_layer_passes_at_every_entry(check_text: CheckText) -> None:
    result = check_text(linear())
    assert result.verdict is Verdict.PASS
    assert [(pair.input, pair.entries, pair.mismatched) for pair in result.pairs] == [
        ("x", 12 * 6, 0),
        ("w", 12 * 8, 0),
        ("b", 12 * 4, 0),
    ]
    assert not result.warnings
    assert all(pair.max_abs_error < 1e-9 and 0 < pair.detectable < 1e-4 for pair in result.pairs)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"x": "-dy @ w.T"}, "sign-flipped"),
        ({"x": "3 * dy @ w.T"}, "scaled"),
        ({"x": "dy @ w.T / N"}, "scaled"),
        ({"x": "dy @ w"}, "wrong-shape"),
        ({"x": "(dy @ w.T).T"}, "wrong-shape"),
        ({"x": "(dy @ w.T).T"}, "transposed"),
        ({"w": "x @ dy"}, "wrong-shape"),
        ({"w": "0 * x.T @ dy"}, "zero"),
        ({"b": "dy"}, "not-summed"),
        ({"b": "sum(dy)"}, "wrong-shape"),
        ({"b": "dy[0]"}, "missing-term"),
        ({"b": "mean(dy, axis=0)"}, "scaled"),
        ({"x": "(dy * abs(dy)) @ w.T"}, "nonlinear-cotangent"),
        ({"b": "sum(dy, axis=0) * sum(dy)"}, "nonlinear-cotangent"),
        ({"b": "ones(M)"}, "ignores-cotangent"),
    ],
)
def test_each_mistake_fails_and_is_named(check_text: CheckText, wrong: dict[str, str], code: str) -> None:
    result = check_text(linear(**wrong))
    assert result.verdict is Verdict.FAIL
    assert code in codes(result)
    (name,) = wrong
    failed = [pair for pair in result.pairs if pair.verdict is Verdict.FAIL]
    assert all(pair.input == name for pair in failed)
    if code != "nonlinear-cotangent":
        assert failed[0].mismatched > 0
        assert failed[0].worst is not None
        assert failed[0].worst.verdict is Verdict.FAIL


def test_a_claim_right_on_basis_cotangents_only_is_caught(check_text: CheckText) -> None:
    """dy_i² / dy_i on single entries is hidden by seeds of size 1; cross terms by single entries at all."""
    result = check_text(
        """
        inputs: {x: [4]}
        function: y = x**2
        vjp: {x: "2 * x * dy + sum(dy) * dy - dy * dy"}
        """
    )
    assert result.verdict is Verdict.FAIL
    assert codes(result) == ["nonlinear-cotangent"]


@pytest.mark.parametrize(
    ("function", "claim"),
    [
        ("sum(x**2)", "vjp: {x: abs(dy) * 2 * x}"),
        ("sum(x**2)", "vjp: {x: 'maximum(dy, 0) * 2 * x'}"),
        ("x**2", "jvp: {y: 2 * x * abs(x_dot)}"),
        ("x**2", "jvp: {y: 2 * x * x_dot**2}"),
        (
            "stack([1e6 * sum(x), sum(x**2)])",
            "vjp: {x: 'dy[0] * 1e6 + where(dy[0] == 0, dy[1] * 2 * x, 0 * x)'}",
        ),
        ("x", "vjp: {x: 'dy + 0 * sqrt(20 - 1e9 * (abs(dy[0] * dy[1]) > 0))'}"),
    ],
)
def test_what_is_not_linear_in_its_seed_is_caught(check_text: CheckText, function: str, claim: str) -> None:
    for seed in range(6):
        result = check_text(f"inputs: {{x: [3]}}\nfunction: y = {function}\n{claim}\n", seed=seed)
        assert result.verdict is Verdict.FAIL
        assert "nonlinear-cotangent" in codes(result)


@pytest.mark.parametrize(
    ("function", "claim"),
    [
        ("1e3 + x[0] + 1e-8 * x[1]", "dy * stack([1.0, 4e-8])"),
        ("1 + x[0] + 1e-10 * x[1]", "dy * stack([1.0, 2e-10])"),
        ("sin(x[0]) + 1e-10 * cos(x[1])", "dy * stack([cos(x[0]), 1e-10 * sin(x[1])])"),
    ],
)
def test_entries_small_beside_their_neighbours_are_checked_all_the_same(
    check_text: CheckText, function: str, claim: str
) -> None:
    for seed in range(6):
        spec = f"inputs: {{x: [2]}}\nfunction: y = {function}\nvjp: {{x: '{claim}'}}\n"
        assert check_text(spec, seed=seed).verdict is not Verdict.PASS


def test_what_no_difference_can_tell_is_said(check_text: CheckText) -> None:
    spec = "inputs: {x: [2]}\nfunction: y = stack([3e15 + x[0], x[1]])\nvjp: {x: '%s'}\n"
    result = check_text(spec % "stack([-0.7 * dy[0], dy[1]])")
    assert [remark.code for remark in result.warnings] == ["uninformative"]
    assert check_text(spec % "stack([-0.7 * dy[0], dy[1]])", strict=True).verdict is Verdict.FAIL


def test_detectable_is_the_weakest_entry_s_best_point(check_text: CheckText) -> None:
    for spec in (
        "inputs: {x: []}\nfunction: y = x**2\nvjp: {x: dy * 2 * x * (1 + 5e-6)}\n",
        "inputs: {x: [6]}\nfunction: y = 1e6 * relu(x)\nvjp: {x: dy * (x > 0) * (1e6 + 5)}\n",
    ):
        (pair,) = check_text(spec, seed=3).pairs
        assert pair.verdict is Verdict.PASS
        assert pair.max_abs_error < pair.detectable < 100 * pair.max_abs_error


def test_a_check_whose_time_is_up_is_an_error(check_text: CheckText) -> None:
    result = check_text("inputs: {x: [3]}\nfunction: y = x * x\ntimeout: 1.0e-9\n")
    assert result.verdict is Verdict.ERROR
    assert result.message == "the check's time is up (timeout)"


def test_a_crash_at_a_later_point_does_not_hide_a_wrong_gradient(
    check_text: CheckText, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gradcheck_cli import check

    visit = check._visit

    def crash_at_the_edge(journal, point: str) -> None:
        if point == "edge":
            raise EvaluationError("the function raised IndexError")
        visit(journal, point)

    monkeypatch.setattr(check, "_visit", crash_at_the_edge)
    spec = "inputs: {x: [3]}\nfunction: y = x**2\nvjp: {x: %d * x * dy}\n"
    wrong, right = (check_text(spec % factor) for factor in (3, 2))
    assert (wrong.verdict, right.verdict) == (Verdict.FAIL, Verdict.ERROR)
    assert "IndexError" in wrong.message


def test_a_domain_is_kept_in_every_precision(check_text: CheckText) -> None:
    spec = "inputs: {x: {shape: [40], dtype: %s, sample: {uniform: [0.1, 0.3]}}}\nfunction: y = %s\n"
    inside = "where((x > 0.3) | (x < 0.1), log(-x), x * x)"
    for dtype in ("float64", "float32", "float16"):
        result = check_text(spec % (dtype, inside))
        assert result.verdict is not Verdict.ERROR, dtype


def test_one_wrong_entry_among_many_is_found(check_text: CheckText) -> None:
    result = check_text(
        """
        inputs: {x: [40]}
        function: y = tanh(x)
        vjp: {x: "dy * (1 - y**2) * where(arange(40) == 17, 1.001, 1)"}
        """
    )
    assert codes(result) == ["single-entry"]
    assert result.pairs[0].mismatched == 1
    assert result.pairs[0].worst.output_index == result.pairs[0].worst.input_index == (17,)


def test_a_transpose_hidden_by_equal_sizes_is_caught(check_text: CheckText) -> None:
    result = check_text(
        """
        inputs: {A: [3, 3], x: [3]}
        function: y = A @ x
        vjp: {A: "outer(x, dy)", x: A.T @ dy}
        """
    )
    assert codes(result) == ["transposed"]


@pytest.mark.parametrize("size", ["1e-12", "1e-6", "1e6", "1e12"])
def test_the_scale_of_the_output_hides_nothing(check_text: CheckText, size: str) -> None:
    spec = """
        inputs: {{x: [5]}}
        function: y = {size} * sin(x)
        vjp: {{x: "{factor} * {size} * dy * cos(x)"}}
    """
    number = f"{float(size):.1f}" if float(size) >= 1 else f"1.0{size[1:]}"
    assert check_text(spec.format(size=number, factor=1)).verdict is Verdict.PASS
    assert check_text(spec.format(size=number, factor=-3)).verdict is Verdict.FAIL


RIGHT_LAYERS = {
    "relu at zero": "function: y = relu(x)\nvjp: {x: 'dy * (x > 0)'}",
    "relu at zero, the other subgradient": "function: y = relu(x)\nvjp: {x: 'dy * (x >= 0)'}",
    "abs": "function: y = abs(x)\nvjp: {x: dy * sign(x)}",
    "max with ties": "function: y = max(x, axis=1)",
    "clip": "function: y = minimum(maximum(x, -1), 1)\nvjp: {x: 'dy * (abs(x) < 1)'}",
    "kinks that meet": "function: y = relu(x) - relu(-x)",
    "softmax": "function: y = softmax(x, axis=-1)\n"
    "vjp: {x: 'y * (dy - sum(dy * y, axis=-1, keepdims=True))'}",
    "normalise": "function: y = x / sqrt(sum(x**2, axis=1, keepdims=True) + 1e-6)",
    "steep": "function: y = exp(5 * x)\nvjp: {x: 5 * dy * y}",
    "zero gradient": "function: y = sum(softmax(x, axis=-1))",
}


MEETING_KINKS = """
    dims: {N: 2, D: 4, H: 6, C: 3}
    inputs: {x: [N, D], w1: [D, H], b1: [H], w2: [H, C]}
    function: |
      a = x @ w1 + b1
      y = maximum(a, 0) @ w2
    vjp:
      x: ((dy @ w2.T) * (a %(on)s 0)) @ w1.T
      w1: x.T @ ((dy @ w2.T) * (a %(on)s 0))
      b1: sum((dy @ w2.T) * (a %(on)s 0), axis=0)
      w2: maximum(a, 0).T @ dy
"""


@pytest.mark.parametrize("on", [">", ">="])
def test_any_subgradient_is_right_where_hidden_units_are_zero_together(run_text: RunText, on: str) -> None:
    """Seeds at which several pre-activations are exactly 0, so that their sums leave the one-sided range."""
    for seed in range(12):
        report = run_text(MEETING_KINKS % {"on": on}, seed=seed)
        assert report.exit_code == ExitCode.OK, seed


def test_no_subgradient_gives_what_is_twice_too_large_there(run_text: RunText) -> None:
    wrong = (MEETING_KINKS % {"on": ">"}).replace("* (a > 0)) @ w1.T", "* ((a > 0) + 9 * (a == 0))) @ w1.T")
    codes_ = [run_text(wrong, seed=seed).exit_code for seed in range(12)]
    assert ExitCode.WRONG in codes_


@pytest.mark.parametrize("layer", RIGHT_LAYERS, ids=list(RIGHT_LAYERS))
def test_right_layers_pass_at_many_seeds(run_text: RunText, layer: str) -> None:
    for seed in range(10):
        report = run_text(f"inputs: {{x: [3, 4]}}\n{RIGHT_LAYERS[layer]}\n", seed=seed)
        assert report.exit_code == ExitCode.OK, (seed, report)


def test_a_value_outside_the_one_sided_derivatives_is_wrong_at_a_kink(check_text: CheckText) -> None:
    result = check_text(
        """
        inputs: {x: [6]}
        function: y = relu(x)
        vjp: {x: "dy * (x > 0) + 2 * dy * (x == 0)"}
        """
    )
    assert result.verdict is Verdict.FAIL
    assert codes(result)[0] == "domain"
    assert result.pairs[0].worst.point == "edge"


@pytest.mark.parametrize("function", ["relu", "abs"])
def test_kinks_fail_refuses_every_subgradient(check_text: CheckText, function: str) -> None:
    spec = f"inputs: {{x: [6]}}\nfunction: y = {function}(x)\nkinks: %s\n"
    refused = check_text(spec % "fail")
    assert refused.verdict is Verdict.FAIL
    assert codes(refused)[0] == "domain"
    assert "kinks: fail" in refused.diagnoses[0].message
    assert check_text(spec % "subgradient").verdict is Verdict.PASS


EDGES = {
    "relu(x) - relu(-x)": "dy * where(x == 0, 5.0, 1.0)",
    "sqrt(x**4)": "dy * where(x == 0, 9.0, 2 * x)",
    "where(x > 0, x * sqrt(abs(x)), 0 * x)": "dy * where(x > 0, 1.5 * sqrt(abs(x)), where(x == 0, 7.0, 0))",
    "sqrt(x**2)": "dy * x / sqrt(x**2)",
}


@pytest.mark.parametrize("function", EDGES)
def test_at_an_edge_point_the_engine_s_trouble_excuses_no_other_claim(
    check_text: CheckText, function: str
) -> None:
    """Each function has slopes there that the claim misses as the engine's own does; the last claims nan."""
    result = check_text(f'inputs: {{x: [6]}}\nfunction: y = {function}\nvjp: {{x: "{EDGES[function]}"}}\n')
    assert result.verdict is Verdict.FAIL
    assert codes(result)[0] == "domain"


TIES = {
    "full gradient to every tied maximum": ("max(x)", "dy * (x == y)"),
    "nothing at a tie": ("max(x)", "dy * (x == y) / maximum(1, (sum(x == y) - 1) * 1e9)"),
}


@pytest.mark.parametrize("tie", TIES)
def test_ties_are_judged_together(check_text: CheckText, tie: str) -> None:
    """Each entry alone is between its one-sided derivatives; their sum is not."""
    function, claim = TIES[tie]
    spec = f"inputs: {{x: {{value: [2.0, 1.0, 2.0]}}}}\nfunction: y = {function}\nvjp: {{x: '{claim}'}}\n"
    result = check_text(spec)
    assert result.verdict is Verdict.FAIL
    assert result.pairs[0].mismatched == 2


def test_the_edge_point_ties_the_largest_entries(check_text: CheckText) -> None:
    for seed in range(5):
        result = check_text("inputs: {x: [6]}\nfunction: y = max(x)\nvjp: {x: 'dy * (x == y)'}\n", seed=seed)
        assert codes(result) == ["domain"]


@pytest.mark.parametrize(
    "weights", ["[1.0, 0.0, 0.0]", "[0.0, 0.0, 1.0]", "[0.5, 0.0, 0.5]", "[0.1, 0.0, 0.9]"]
)
def test_any_split_of_a_tie_is_right(check_text: CheckText, weights: str) -> None:
    spec = "inputs: {x: {value: [2.0, 1.0, 2.0]}, c: {value: %s}}\nfunction: y = max(x)\nwrt: [x]\n"
    assert check_text(spec % weights + "vjp: {x: dy * c}\n").verdict is Verdict.PASS


@pytest.mark.parametrize("function", ["sqrt(x * x)", "sqrt(abs(x))", "relu(x) - relu(-x)"])
def test_no_claim_where_no_rule_of_differentiation_holds_is_no_failure(
    check_text: CheckText, function: str
) -> None:
    result = check_text(f"inputs: {{x: [6]}}\nfunction: y = {function}\n")
    assert result.verdict is Verdict.PASS
    assert {remark.code for remark in result.warnings} == {"degenerate-point"}


def test_kinks_that_meet_in_a_link_of_a_chain_are_no_failure(check_text: CheckText) -> None:
    spec = "inputs: {x: [6]}\nfunction: |\n  y = relu(x) - relu(-x)\n  z = 2 * y\nchain: [x, y, z]\n"
    assert check_text(spec).verdict is Verdict.PASS


def test_kinks_move_leaves_the_kink(check_text: CheckText) -> None:
    result = check_text("inputs: {x: {value: [0.0, 1.0]}}\nfunction: y = relu(x)\nkinks: move\n")
    assert [remark.code for remark in result.warnings] == ["skipped-point"]
    assert result.verdict is not Verdict.FAIL


def test_symmetric_inputs_are_compared_within_symmetric_matrices(check_text: CheckText) -> None:
    spec = """
        inputs: {{S: {{shape: [3, 3], sample: spd}}, v: [3]}}
        function: y = v @ S @ v
        wrt: [S]
        vjp: {{S: "{claim}"}}
    """
    assert check_text(spec.format(claim="dy * outer(v, v)")).verdict is Verdict.PASS
    # Only the symmetric part counts: an antisymmetric one changes nothing.
    shifted = "dy * (outer(v, v) + outer(v, 2 * v + 1) - outer(2 * v + 1, v))"
    assert check_text(spec.format(claim=shifted)).verdict is Verdict.PASS
    assert check_text(spec.format(claim="2 * dy * outer(v, v)")).verdict is Verdict.FAIL


def test_nothing_outside_a_declared_domain_is_evaluated(check_text: CheckText) -> None:
    result = check_text(
        """
        inputs: {x: {shape: [5], sample: {uniform: [0, 1]}}}
        function: y = log(x) + sqrt(1 - x)
        vjp: {x: "dy * (1 / x - 0.5 / sqrt(1 - x))"}
        """
    )
    assert result.verdict is Verdict.PASS


def test_a_function_without_a_value_is_an_error_that_names_the_entries(check_text: CheckText) -> None:
    result = check_text("inputs: {x: {value: [1.0, -1.0]}}\nfunction: y = log(x)\n")
    assert result.verdict is Verdict.ERROR
    assert result.message == "the function is not finite at the generic point: y[1] = nan"


def test_an_edge_point_without_a_value_does_without_zeros_and_says_so(check_text: CheckText) -> None:
    result = check_text("inputs: {x: [4]}\nfunction: y = log(x**2)\n")
    assert result.verdict is Verdict.PASS
    (message,) = [remark.message for remark in result.warnings]
    assert message == (
        "the edge point holds no zeros: with them the function is not finite: y[1] = -inf; declare the "
        "inputs' domains, as in 'sample: positive' or 'uniform: [0.1, 2]'"
    )


def test_an_index_out_of_range_is_that_checks_error(run_text: RunText) -> None:
    report = run_text(
        """
        checks:
          - name: bad
            inputs: {x: [3], t: {value: [5], dtype: int64}}
            function: y = x[t]
          - {name: good, inputs: {x: [3]}, function: y = x * x}
        """
    )
    assert [check.verdict for check in report.checks] == [Verdict.ERROR, Verdict.PASS]
    assert "IndexError" in report.checks[0].message
    assert report.exit_code == ExitCode.UNDECIDED


def test_an_approximate_gradient_passes_with_a_warning(check_text: CheckText) -> None:
    spec = "inputs: {x: [4]}\nfunction: y = x**2\nvjp: {x: 2.000004 * x * dy}\n"
    result = check_text(spec)
    assert result.verdict is Verdict.PASS
    assert [remark.code for remark in result.warnings] == ["approximate"]
    assert check_text(spec, strict=True).verdict is Verdict.FAIL


def test_an_input_that_nothing_checks_is_named(check_text: CheckText) -> None:
    result = check_text("inputs: {x: [3], w: [3]}\nfunction: y = x * w\nvjp: {x: dy * w}\n")
    assert [(remark.code, remark.input) for remark in result.warnings] == [("uncovered", "w")]


def test_a_gradient_that_is_zero_everywhere_is_uninformative(check_text: CheckText) -> None:
    result = check_text("inputs: {x: [3], w: [3]}\nfunction: y = x * 2\nvjp: {x: 2 * dy, w: 0 * w * dy}\n")
    assert [(remark.code, remark.input) for remark in result.warnings] == [("uninformative", "w")]


def test_a_loss_may_ignore_its_cotangent_if_the_spec_allows(check_text: CheckText) -> None:
    spec = "inputs: {x: [3]}\nfunction: L = sum(x**2)\nvjp: {x: 2 * x}\n"
    refused = check_text(spec)
    assert refused.verdict is Verdict.FAIL
    assert codes(refused) == ["ignores-cotangent"]
    allowed = check_text(spec + "allow: [ignores-cotangent]\n")
    assert allowed.verdict is Verdict.PASS
    assert [remark.code for remark in allowed.warnings] == ["ignores-cotangent"]
    wrong = spec.replace("2 * x}", "3 * x}") + "allow: [ignores-cotangent]\n"
    assert check_text(wrong).verdict is Verdict.FAIL


def test_jvp_and_jacobian_claims_are_checked_too(check_text: CheckText) -> None:
    spec = """
        inputs: {{A: [2, 3], x: [3]}}
        function: y = tanh(A @ x)
        wrt: [x]
        jvp: {{y: "{jvp}"}}
        jacobian: {{y/x: "{jacobian}"}}
    """
    right = {"jvp": "(1 - y**2) * (A @ x_dot)", "jacobian": "diag(1 - y**2) @ A"}
    assert check_text(spec.format(**right)).verdict is Verdict.PASS
    wrong_jvp = check_text(spec.format(**(right | {"jvp": "A @ x_dot"})))
    assert [(pair.claim, pair.verdict.word) for pair in wrong_jvp.pairs] == [
        ("jvp", "fail"),
        ("jacobian", "pass"),
    ]
    wrong_jacobian = check_text(spec.format(**(right | {"jacobian": "A"})))
    assert [(pair.claim, pair.verdict.word) for pair in wrong_jacobian.pairs] == [
        ("jvp", "pass"),
        ("jacobian", "fail"),
    ]


def test_several_outputs_share_one_claim(check_text: CheckText) -> None:
    spec = """
        inputs: {{x: [3]}}
        function: |
          y = x**2
          z = sum(x)
        outputs: [y, z]
        vjp: {{x: "{claim}"}}
    """
    assert check_text(spec.format(claim="2 * x * dy + dz")).verdict is Verdict.PASS
    lost = check_text(spec.format(claim="2 * x * dy + 0 * dz"))
    assert [(pair.output, pair.verdict.word) for pair in lost.pairs] == [("y", "pass"), ("z", "fail")]


def test_a_chain_is_checked_link_by_link_and_as_a_whole(check_text: CheckText) -> None:
    result = check_text(
        """
        inputs: {x: [2, 3], w: [3, 4]}
        function: |
          y = x @ w
          z = tanh(y)
          L = sum(z * z)
        chain: [x, y, z, L]
        """
    )
    assert result.verdict is Verdict.PASS
    chained = [(pair.claim, pair.output, pair.input) for pair in result.pairs if "chain" in pair.claim]
    assert chained == [
        ("chain", "y", "x"),
        ("chain", "z", "y"),
        ("chain", "L", "z"),
        ("chain product", "L", "x"),
    ]


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_low_precision_passes_when_right_and_fails_when_wrong(check_text: CheckText, dtype: str) -> None:
    spec = """
        inputs: {{x: {{shape: [3, 4], dtype: {dtype}}}, w: {{shape: [4, 2], dtype: {dtype}}}}}
        function: y = x @ w
        vjp: {{x: "{factor} * dy @ w.T", w: x.T @ dy}}
    """
    assert check_text(spec.format(dtype=dtype, factor=1)).verdict is Verdict.PASS
    assert check_text(spec.format(dtype=dtype, factor=-1)).verdict is Verdict.FAIL


def test_a_fault_of_the_engine_is_called_by_its_name(
    check_text: CheckText, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted bug in the table: the right claim passes, a claim that shares the bug is not blamed."""
    from gradcheck_cli.autodiff.primitives import FUNCTIONS

    def broken(g, out, x):
        return g * 2.001 * x

    monkeypatch.setitem(
        FUNCTIONS, "square", dataclasses.replace(elementwise.SQUARE, vjps=(broken,), jvps=(broken,))
    )
    spec = "inputs: {{x: [4]}}\nfunction: y = square(x)\nvjp: {{x: {factor} * x * dy}}\n"
    right = check_text(spec.format(factor=2))
    assert right.verdict is Verdict.PASS
    assert [remark.code for remark in right.warnings] == ["engine-fault"]
    assert "the engine is at fault" in right.warnings[0].message
    sharing = check_text(spec.format(factor=2.001))
    assert sharing.verdict is Verdict.ERROR
    wrong = check_text(spec.format(factor=3))
    assert wrong.verdict is Verdict.FAIL


def test_the_same_seed_gives_the_same_numbers_and_another_others(check_text: CheckText) -> None:
    spec = "inputs: {x: [4]}\nfunction: y = sin(x)\nvjp: {x: 2 * dy * cos(x)}\n"
    first, again, other = (check_text(spec, seed=seed) for seed in (1, 1, 2))
    assert first.pairs == again.pairs
    assert first.pairs != other.pairs


def test_values_of_small_jacobians_are_kept(check_text: CheckText) -> None:
    result = check_text(
        "inputs: {A: {value: [[1.0, 2.0], [3.0, 4.0]]}, x: [2]}\nfunction: y = A @ x\nwrt: [x]\n"
    )
    values = result.pairs[0].values
    assert np.allclose(values.analytic, [[1, 2], [3, 4]])
    assert np.allclose(values.numeric, [[1, 2], [3, 4]])


def test_empty_arrays_are_checked_without_complaint(check_text: CheckText) -> None:
    result = check_text("dims: {N: 0}\ninputs: {x: [N, 3]}\nfunction: y = x * 2\n")
    assert result.verdict is Verdict.PASS


@pytest.mark.parametrize("sample", ["positive", "{uniform: [1, 2]}", "normal"])
def test_a_scalar_with_a_domain_is_moved_like_any_other(check_text: CheckText, sample: str) -> None:
    spec = f"inputs: {{t: {{shape: [], sample: {sample}}}}}\nfunction: y = 3 * t\nvjp: {{t: FACTOR * dy}}\n"
    assert check_text(spec.replace("FACTOR", "3")).verdict is Verdict.PASS
    assert check_text(spec.replace("FACTOR", "2")).verdict is Verdict.FAIL


def test_an_output_that_an_input_does_not_enter_is_no_reason_to_warn(check_text: CheckText) -> None:
    spec = """
        inputs: {x: [3], z: [3]}
        function: |
          a = 2 * x
          b = 3 * z
        outputs: [a, b]
        vjp: {x: 2 * da, z: 3 * db + FURTHER}
        """
    assert check_text(spec.replace("FURTHER", "0"), strict=True).verdict is Verdict.PASS
    assert check_text(spec.replace("FURTHER", "da")).verdict is Verdict.FAIL  # yet it is checked
    zero = "inputs: {x: [3]}\nfunction: y = 0 * x\nvjp: {x: 0 * dy}\n"
    assert [remark.code for remark in check_text(zero).warnings] == ["uninformative"]


def test_a_column_of_mere_round_off_does_not_make_a_claim_nonlinear(check_text: CheckText) -> None:
    spec = """
        inputs:
          q: {value: [[0, -1, 0]]}
          k: {value: [[0, 2, 0], [0, -1, 0], [-1, -1, 2], [2, -1, 0], [2, 2, 2]]}
          v: {value: [[2, 0], [-1, -1], [2, 2], [2, -1], [0, 0]]}
        function: |
          a = softmax(q @ k.T / sqrt(3), axis=1)
          o = a @ v
        wrt: [q]
        jvp:
          o: |
            s_dot = q_dot @ k.T / sqrt(3)
            a_dot = a * (s_dot - sum(a * s_dot, axis=1, keepdims=True))
            a_dot @ v + FURTHER
        """
    assert check_text(spec.replace("FURTHER", "0")).verdict is Verdict.PASS
    wrong = check_text(spec.replace("FURTHER", "0.01 * sum(q_dot[0, :2])**2"))
    assert "nonlinear-cotangent" in [remark.code for remark in wrong.diagnoses]


@pytest.mark.parametrize(
    "formula",
    ["sum(x - mean(x))", "3 * x - x - 2 * x", "cumsum(layer_norm(stack([x, x**2]), 3), axis=1)"],
)
@pytest.mark.parametrize("seed", range(3))
def test_a_derivative_that_is_nothing_but_round_off_is_linear(
    check_text: CheckText, formula: str, seed: int
) -> None:
    result = check_text(f"inputs: {{x: [3]}}\nfunction: y = {formula}\n", seed=seed)
    assert "nonlinear-cotangent" not in [remark.code for remark in result.diagnoses]
    assert result.verdict is not Verdict.FAIL


def test_the_textbook_jvp_of_log_softmax_is_linear_at_large_logits(check_text: CheckText) -> None:
    spec = """
        inputs: {x: {shape: [3, 4], sample: {normal: [0, 30]}}}
        function: y = log_softmax(x, axis=-1)
        jvp: {y: "x_dot - sum(exp(y) * x_dot, axis=-1, keepdims=True)"}
        """
    assert [check_text(spec, seed=seed).verdict for seed in range(5)] == [Verdict.PASS] * 5


def test_a_nonlinear_jvp_is_told_once(check_text: CheckText) -> None:
    result = check_text("inputs: {x: [3]}\nfunction: y = x*x\njvp: {y: 2*x*x_dot*sum(x_dot)}\n")
    assert [remark.code for remark in result.diagnoses].count("nonlinear-cotangent") == 1


def test_an_engine_without_a_finite_derivative_blames_nobody(check_text: CheckText) -> None:
    """Distances of points from themselves: sqrt has no slope at 0, where numbers find one."""
    spec = "inputs: {x: [3, 2]}\nfunction: y = sqrt(sum((x[:, None] - x[None])**2, axis=-1))\n"
    alone = check_text(spec)
    assert alone.verdict is Verdict.ERROR
    assert "degenerate-point" in [remark.code for remark in alone.warnings]
    assert "engine-fault" not in [remark.code for remark in alone.warnings]


@pytest.mark.parametrize("sample", ["{integers: [-2, 3]}", "{choice: [1, 2, 5]}"])
def test_a_scalar_drawn_from_a_list_is_moved_like_any_other(check_text: CheckText, sample: str) -> None:
    spec = f"inputs: {{t: {{shape: [], sample: {sample}}}}}\nfunction: y = tanh(t)\nvjp: {{t: FACTOR}}\n"
    assert check_text(spec.replace("FACTOR", "dy * (1 - y**2)")).verdict is Verdict.PASS
    assert check_text(spec.replace("FACTOR", "0 * dy")).verdict is Verdict.FAIL


def test_a_claim_that_wrt_leaves_out_is_named(check_text: CheckText) -> None:
    spec = "inputs: {x: [4], w: [4]}\nfunction: y = x * w\nwrt: [w]\nvjp: {x: dy * w * 7, w: dy * x}\n"
    (warning,) = check_text(spec).warnings
    assert (warning.code, warning.input) == ("uncovered", "x")
    assert warning.message == "the claim about x is not checked: wrt leaves x out"


def test_a_chain_through_positions_is_a_fault(run_text: RunText) -> None:
    report = run_text("inputs: {x: [4]}\nfunction: |\n  n = argmax(x)\n  y = x * n\nchain: [x, n, y]\n")
    assert [str(fault).partition(": ")[2] for fault in report.faults] == [
        "chain[1]: n is int64: it has no derivative"
    ]
