"""From a spec to the order of its remainders: right claims are of order 2, wrong ones of order 1."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from frameworks import spec_files

from gradcheck_cli.autodiff.primitives import FUNCTIONS, elementwise
from gradcheck_cli.check import bind
from gradcheck_cli.explore.ray import Ray
from gradcheck_cli.explore.taylor import taylor_report
from gradcheck_cli.prepare import Settings, prepare
from gradcheck_cli.remainder import Outcome, TaylorCheck, TaylorRow
from gradcheck_cli.result import ExitCode

SECOND, FIRST, EXACT, UNCLEAR = Outcome.SECOND, Outcome.FIRST, Outcome.EXACT, Outcome.UNCLEAR
SEEDS = range(20)

TaylorText = Callable[..., TaylorCheck]
RowText = Callable[..., TaylorRow]


@pytest.fixture
def taylor_text(tmp_path: Path) -> TaylorText:
    """Make the Taylor tests of the one check that a text describes."""

    def taylor(text: str, point: str = "generic", **settings: object) -> TaylorCheck:
        file = tmp_path / "spec.yaml"
        file.write_text("gradcheck: 1\n" + textwrap.dedent(text), encoding="utf-8")
        report = taylor_report([str(file)], Settings(**settings), point)
        assert not report.faults, "\n".join(map(str, report.faults))
        (check,) = report.checks
        return check

    return taylor


@pytest.fixture
def row_text(taylor_text: TaylorText) -> RowText:
    """Make the one Taylor test of the one claim of the one check that a text describes."""

    def row(text: str, point: str = "generic", **settings: object) -> TaylorRow:
        check = taylor_text(text, point, **settings)
        assert not check.message
        (found,) = check.rows
        return found

    return row


def spec(inputs: str, function: str, claim: str) -> str:
    return f"inputs: {inputs}\nfunction: y = {function}\n{claim}\n"


# Inputs, function, right claim with a place for what makes it wrong.
CURVED = {
    "sin": ("{x: [3, 4]}", "sin(x)", "vjp: {x: '%sdy * cos(x)'}"),
    "exp, as a jvp": ("{x: [3, 4]}", "exp(x)", "jvp: {y: '%sy * x_dot'}"),
    "square, as a jacobian": ("{x: [3]}", "x**2", "jacobian: {y/x: '%sdiag(2 * x)'}"),
    "log": ("{x: {shape: [4], sample: positive}}", "log(x)", "vjp: {x: '%sdy / x'}"),
    "of rows": (
        "{x: [3, 4]}",
        "softmax(x, axis=-1)",
        "vjp: {x: '%sy * (dy - sum(dy * y, -1, keepdims=True))'}",
    ),
    "loss": (
        "{x: [30, 4]}",
        "mean(tanh(x)**2)",
        "vjp: {x: '%sdy * 2 * tanh(x) * (1 - tanh(x)**2) / x.size'}",
    ),
    "fast": ("{x: [3]}", "sin(50 * x)", "vjp: {x: '%sdy * 50 * cos(50 * x)'}"),
    "small": ("{x: [3]}", "1.0e-200 * x**2", "vjp: {x: '%sdy * 2.0e-200 * x'}"),
    "cubic": ("{x: {value: [0.0]}}", "x + x**3", "vjp: {x: '%s(dy + 3 * dy * x**2)'}"),
    "symmetric": (
        "{x: {shape: [3, 3], sample: spd}}",
        "sum(x @ x)",
        "vjp: {x: '%sdy * 2 * (ones((3, 3)) @ x)'}",
    ),
    "near the border": (
        "{x: {shape: [4], sample: {uniform: [0, 0.001]}}}",
        "x * log(x)",
        "vjp: {x: '%sdy * (1 + log(x))'}",
    ),
}
LINEAR = {
    "matrix product": ("{x: [3, 4], w: [4, 2]}", "x @ w", "vjp: {x: '%sdy @ w.T'}"),
    "mean": ("{x: [3, 4]}", "mean(x, axis=0)", "vjp: {x: '%sbroadcast_to(dy / 3, x.shape)'}"),
    "piece of a relu": ("{x: [30, 4]}", "relu(x)", "vjp: {x: '%sdy * (x > 0)'}"),
}
WRONG = (-1.0, 2.0, 0.0, 1.01, 1.0001)


@pytest.mark.parametrize("name", CURVED)
def test_a_right_claim_is_of_order_2(row_text: RowText, name: str) -> None:
    for seed in SEEDS:
        row = row_text(spec(*CURVED[name]).replace("%s", ""), seed=seed)
        assert row.outcome is SECOND, row
        assert row.order == pytest.approx(3 if name == "cubic" else 2, abs=0.06)
        assert row.error < 1e-3 * row.change


@pytest.mark.parametrize("name", LINEAR)
def test_a_right_claim_about_a_linear_function_leaves_round_off(row_text: RowText, name: str) -> None:
    for seed in SEEDS:
        row = row_text(spec(*LINEAR[name]).replace("%s", ""), seed=seed)
        assert row.outcome is EXACT, row
        assert row.error < 1e-5 * row.change


@pytest.mark.parametrize("factor", WRONG)
@pytest.mark.parametrize("name", [*CURVED, *LINEAR])
def test_a_wrong_claim_is_of_order_1(row_text: RowText, name: str, factor: float) -> None:
    for seed in SEEDS:
        row = row_text(spec(*(CURVED | LINEAR)[name]).replace("%s", f"{factor} * "), seed=seed)
        assert row.outcome is FIRST, row
        assert row.order == pytest.approx(1, abs=0.15)
        if factor:
            assert row.error == pytest.approx(abs(1 - 1 / factor) * row.change, rel=0.1)


@pytest.mark.parametrize("name", CURVED)
@pytest.mark.parametrize("error", [1e-5, 1e-6, 1e-7, 1e-8])
def test_a_claim_hardly_off_is_wrong_or_unclear_or_within_what_is_said(
    row_text: RowText, name: str, error: float
) -> None:
    for seed in SEEDS:
        row = row_text(spec(*CURVED[name]).replace("%s", f"{1 + error} * "), seed=seed)
        assert row.outcome in {FIRST, UNCLEAR} or row.error > error * row.change


def test_the_order_bends_from_2_to_1_where_a_small_error_takes_over(row_text: RowText) -> None:
    row = row_text(spec(*CURVED["exp, as a jvp"]).replace("%s", "1.000001 * "))
    orders = [step.order for step in row.steps if np.isfinite(step.order)]
    assert row.outcome is FIRST
    assert orders[2] == pytest.approx(2, abs=0.05)
    assert orders[-1] == pytest.approx(1, abs=0.05)
    assert row.error == pytest.approx(1e-6 * row.change, rel=0.1)


@pytest.mark.parametrize(
    ("inputs", "function", "claim"),
    [
        ("{A: [3, 3], x: [3]}", "A @ x", "wrt: [x]\njvp: {y: A.T @ x_dot}"),
        ("{A: [3, 3], x: [3]}", "A @ x", "wrt: [x]\nvjp: {x: A @ dy}"),
        ("{x: [4, 3], w: [3, 3]}", "x @ w", "vjp: {x: dy @ w}"),
        ("{x: [4]}", "x**2", "vjp: {x: 2 * x * dy * sum(dy)}"),
        ("{x: [4]}", "sum(x**2)", "vjp: {x: 2 * x}"),
        ("{x: [4]}", "x**2", "jvp: {y: 2 * x * x_dot**2}"),
        ("{x: [3]}", "sum(x**3)", "jvp: {y: 'dot(3 * x**2, x_dot) / sqrt(sum(x_dot**2))'}"),
        ("{x: [3]}", "0 * x", "vjp: {x: dy}"),
        ("{x: [3]}", "3 * x", "vjp: {x: 0 * dy}"),
    ],
)
def test_mistakes_of_other_kinds(row_text: RowText, inputs: str, function: str, claim: str) -> None:
    for seed in SEEDS:
        assert row_text(spec(inputs, function, claim), seed=seed).outcome is FIRST


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_coarser_dtypes_tell_less_and_nothing_false(row_text: RowText, dtype: str) -> None:
    found = {}
    for factor in (1.0, -1.0, 0.0, 2.0):
        for seed in SEEDS:
            inputs = f"{{x: {{shape: [3, 4], dtype: {dtype}}}}}"
            text = spec(inputs, "exp(x)", f"vjp: {{x: {factor} * dy * y}}")
            found.setdefault(factor, []).append(row_text(text, seed=seed).outcome)
    right = found.pop(1.0)
    assert FIRST not in right
    assert all(SECOND not in outcomes and EXACT not in outcomes for outcomes in found.values())
    assert right.count(SECOND) >= (18 if dtype == "float32" else 0)
    assert found[-1.0].count(FIRST) >= (18 if dtype == "float32" else 8)


@pytest.mark.parametrize("function", ["0 * x", "0 * x + 5", "zeros((3,)) + 0 * sum(x)"])
def test_a_constant_function_has_an_exact_derivative(taylor_text: TaylorText, function: str) -> None:
    check = taylor_text(spec("{x: [3]}", function, ""))
    assert [(row.claim, row.outcome) for row in check.rows] == [("engine vjp", EXACT), ("engine jvp", EXACT)]


@pytest.mark.parametrize("claim", ["dy", "0 * dy", "3 * dy"])
def test_what_round_off_hides_is_left_open(row_text: RowText, claim: str) -> None:
    row = row_text(spec("{x: [4]}", "x + 1.0e+20", f"vjp: {{x: {claim}}}"))
    assert row.outcome is UNCLEAR
    assert "round-off would hide an error" in row.note


@pytest.mark.parametrize("claim", ["dy * (x > 0)", "dy * (x >= 0)", "dy * 0.5 * (sign(x) + 1)"])
def test_any_subgradient_at_a_kink_is_left_open_or_right(row_text: RowText, claim: str) -> None:
    for seed in SEEDS:
        text = spec("{x: {value: [0.0, 0.0, 0.0, 1.0, -1.0]}}", "relu(x)", f"vjp: {{x: {claim}}}")
        row = row_text(text, seed=seed)
        assert row.outcome is EXACT or (row.outcome is UNCLEAR and "kink" in row.note)


def test_kinks_that_cancel_are_kinks(row_text: RowText) -> None:
    for seed in SEEDS:
        text = spec("{x: {value: [0.0, 0.0]}}", "abs(x[0]) - abs(x[1])", "vjp: {x: 0.5 * dy + 0 * x}")
        assert row_text(text, seed=seed).outcome is UNCLEAR


def test_a_claim_beyond_both_slopes_of_a_kink_is_wrong(row_text: RowText) -> None:
    assert row_text(spec("{x: {value: [0.0]}}", "relu(x)", "vjp: {x: 20 * dy}")).outcome is FIRST


def test_below_a_kink_between_the_steps_the_rest_counts(row_text: RowText) -> None:
    """At x = 0.001 a relu bends for half of the directions, at a step near 0.001."""
    notes = set()
    for seed in SEEDS:
        row = row_text(spec("{x: {value: [0.001, 1.0]}}", "relu(x)", "vjp: {x: dy * (x > 0)}"), seed=seed)
        assert row.outcome is EXACT
        notes.add("kink" in row.note)
    assert notes == {True, False}


@pytest.mark.parametrize(
    ("function", "claim"),
    [
        ("sign(x) + x", "dy"),  # a jump
        ("abs(x)**1.5", "dy * 1.5 * sqrt(abs(x)) * sign(x)"),  # of order 1.5
    ],
)
def test_other_orders_are_left_open(row_text: RowText, function: str, claim: str) -> None:
    row = row_text(spec("{x: {value: [0.0, 1.0]}}", function, f"vjp: {{x: {claim}}}"))
    assert (row.outcome, row.note.split(":")[0]) == (UNCLEAR, "it settles at neither order")


@pytest.mark.parametrize(
    ("function", "claim"),
    [
        ("sin(1.0e+9 * x)", "dy * 1.0e+9 * cos(1.0e+9 * x)"),
        ("(1 + 1.0e-18 * x) - 1", "1.0e-18 * dy"),
    ],
)
def test_the_engine_speaks_for_a_claim_that_only_the_steps_contradict(
    row_text: RowText, function: str, claim: str
) -> None:
    """The steps are far too large for one of them and far too small for the other."""
    for seed in SEEDS:
        assert row_text(spec("{x: [3]}", function, f"vjp: {{x: {claim}}}"), seed=seed).outcome is UNCLEAR


@pytest.mark.parametrize("function", ["(x + 1.0e+6) - 1.0e+6", "(x**2 + 1.0e+6) - 1.0e+6"])
def test_noise_of_the_function_is_no_mistake_of_the_claim(taylor_text: TaylorText, function: str) -> None:
    for seed in SEEDS:
        for row in taylor_text(spec("{x: [4]}", function, ""), seed=seed).rows:
            assert row.outcome in {SECOND, EXACT} or row.note.startswith("it settles at neither order")
            assert row.outcome is UNCLEAR or row.floor > 1e-10


def test_steps_stay_inside_the_domain(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(
        "gradcheck: 1\ninputs: {x: {shape: [9], sample: {uniform: [1, 1.01]}}}\nfunction: y = sqrt(x)\n",
        encoding="utf-8",
    )
    for seed in SEEDS:
        ((job,), _) = prepare([str(file)], Settings(seed=seed), lambda check, subject: [])
        for point in ("generic", "edge"):
            ray = Ray(bind(job.check, job.subject, point), "x", seed)
            reached = ray.view.primal + ray.steps[0] * ray.tangent
            assert np.all((reached >= 1) & (reached <= 1.01))
            assert np.all(ray.tangent != 0)
            assert ray.steps[0] > 1e-4
            np.testing.assert_allclose(ray.steps[:-1] / ray.steps[1:], 2)


def test_large_steps_out_of_the_functions_own_domain_are_passed_over(taylor_text: TaylorText) -> None:
    found = [
        taylor_text(spec("{x: {value: [0.001, 1.0]}}", "log(x)", ""), seed=seed).rows[0] for seed in SEEDS
    ]
    assert all(row.outcome is SECOND for row in found)
    assert any(np.isnan(row.steps[0].remainder) for row in found)


def test_directions_within_symmetric_matrices(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(
        "gradcheck: 1\ninputs: {x: {shape: [2, 3, 3], sample: spd}}\nfunction: y = sum(linalg.inv(x))\n",
        encoding="utf-8",
    )
    ((job,), _) = prepare([str(file)], Settings(), lambda check, subject: [])
    tangent = Ray(bind(job.check, job.subject, "generic"), "x", 0).tangent
    np.testing.assert_array_equal(tangent, np.swapaxes(tangent, -1, -2))


def test_a_claim_of_the_wrong_shape_is_a_misfit_and_not_of_order_1(row_text: RowText) -> None:
    row = row_text(spec("{x: [4, 3], b: [3]}", "x + b", "vjp: {b: dy}"))
    assert (row.outcome, row.steps) == (Outcome.MISFIT, ())
    assert row.note.endswith("the derivative for b has the shape (4, 3), it must be (3,)")


def test_a_claim_that_raises_leaves_the_others(taylor_text: TaylorText) -> None:
    check = taylor_text(
        """
        inputs: {x: [2, 2], w: [2, 2]}
        function: y = x * w
        vjp: {x: "dy * w + linalg.inv(0 * w)", w: dy * x}
        """
    )
    assert [row.outcome for row in check.rows] == [Outcome.ERROR, EXACT]
    assert check.rows[0].note == "the vjp claim raised LinAlgError: Singular matrix"
    assert check.exit_code is ExitCode.UNDECIDED


def test_a_claim_that_is_not_finite_is_left_open(row_text: RowText) -> None:
    row = row_text(spec("{x: [3]}", "x**2", "vjp: {x: dy * log(-x * x)}"))
    assert row.outcome is UNCLEAR
    assert row.note.startswith("the claim's own value is not finite here")


@pytest.mark.parametrize("claim", ["vjp: {x: 2 * x}", "jvp: {y: 2 * x}"])
def test_a_claim_that_may_ignore_its_seed_is_tested_for_1(row_text: RowText, claim: str) -> None:
    text = spec("{x: []}", "x**2", claim)
    assert row_text(text).outcome is FIRST
    assert row_text(text + "allow: [ignores-cotangent]\n").outcome is SECOND


def test_every_claim_about_every_input(taylor_text: TaylorText) -> None:
    check = taylor_text(
        """
        inputs:
          x: [4, 3]
          w: [3, 2]
          i: {shape: [2], dtype: int64, sample: {integers: [0, 4]}}
        function: |
          y = tanh(x @ w)
          z = sum(y[i], axis=0)
        outputs: [y, z]
        vjp: {x: (dy * (1 - y**2)) @ w.T}
        jvp: {y: (1 - y**2) * (x_dot @ w + x @ w_dot)}
        jacobian: {z/w: "einsum('im,id,mn->mdn', 1 - y[i]**2, x[i], eye(2))"}
        """
    )
    assert [(row.claim, row.outputs, row.input, row.outcome) for row in check.rows] == [
        ("vjp", ("y", "z"), "x", FIRST),  # it forgets dz
        ("jvp", ("y",), "x", SECOND),
        ("jvp", ("y",), "w", SECOND),
        ("jacobian", ("z",), "w", SECOND),
    ]


def test_only_the_inputs_that_are_asked_for(taylor_text: TaylorText) -> None:
    check = taylor_text(spec("{x: [4, 3], w: [3, 2]}", "x @ w", "wrt: [w]"))
    assert {row.input for row in check.rows} == {"w"}


def test_a_small_output_is_not_drowned_by_a_large_one(taylor_text: TaylorText) -> None:
    for seed in SEEDS:
        check = taylor_text(
            """
            inputs: {x: [4, 3]}
            function: |
              m = 1.0e+12 * sum(x**2)
              c = tanh(x)
            outputs: [m, c]
            vjp: {x: 2.0e+12 * x * dm + dc * (1 - c)}
            """,
            seed=seed,
        )
        assert [row.outcome for row in check.rows] == [FIRST]


def test_sizes_do_not_matter(taylor_text: TaylorText) -> None:
    """The explicit Jacobian would take 36 GiB."""
    check = taylor_text(
        """
        dims: {N: 300, D: 200, M: 250}
        inputs: {x: [N, D], w: [D, M]}
        function: y = x @ w
        vjp: {x: dy @ w.T, w: x.T @ dy}
        """,
        max_memory=10**6,
    )
    assert [row.outcome for row in check.rows] == [EXACT, EXACT]


def test_an_engine_that_is_wrong_is_told_from_one_that_is_right(
    taylor_text: TaylorText, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = dataclasses.replace(elementwise.SIN, vjps=(lambda g, out, x: g * np.sin(x),))
    monkeypatch.setitem(FUNCTIONS, "sin", broken)
    check = taylor_text(spec("{x: [3]}", "sin(x)", ""))
    assert [(row.claim, row.outcome) for row in check.rows] == [("engine vjp", FIRST), ("engine jvp", SECOND)]


@pytest.mark.parametrize(
    ("text", "point", "message"),
    [
        (
            spec("{x: {value: [-1.0, 1.0]}}", "log(x)", ""),
            "generic",
            "the function is not finite at the generic point: y[0] = nan",
        ),
        (
            spec("{x: {value: [0.0]}}", "1 / x", ""),
            "edge",
            "the function is not finite at the edge point: y[0] = inf",
        ),
        (spec("{x: [3]}", "x**2", "timeout: 1.0e-9"), "generic", "the check's time is up (timeout)"),
    ],
)
def test_what_keeps_a_check_from_being_tested_is_said(
    taylor_text: TaylorText, text: str, point: str, message: str
) -> None:
    check = taylor_text(text, point)
    assert (check.rows, check.message) == ((), message)
    assert check.exit_code is ExitCode.UNDECIDED


def test_an_input_that_cannot_move_is_said(taylor_text: TaylorText) -> None:
    check = taylor_text(spec("{x: [0, 3]}", "x**2", ""))
    assert {(row.outcome, row.note) for row in check.rows} == {
        (UNCLEAR, "the input has no entry that could move within its declared domain")
    }


def test_a_seed_makes_the_same_test_again_and_another_one_another(row_text: RowText) -> None:
    text = spec(*CURVED["sin"]).replace("%s", "")
    assert repr(row_text(text, seed=1)) == repr(row_text(text, seed=1))  # nan is not nan
    assert row_text(text, seed=1).change != row_text(text, seed=2).change


def test_a_report_is_frozen(row_text: RowText) -> None:
    row = row_text(spec(*CURVED["sin"]).replace("%s", ""))
    with pytest.raises(dataclasses.FrozenInstanceError):
        row.order = 1.0


def test_no_outcome_of_the_shipped_specs_is_false() -> None:
    report = taylor_report(spec_files(), Settings(), "generic")
    assert report.exit_code is ExitCode.OK
    assert len({row.outcome for check in report.checks for row in check.rows}) == 4


@pytest.mark.parametrize(("seed", "point"), [(1, "generic"), (2, "generic-2"), (3, "edge"), (4, "edge")])
def test_nor_with_other_seeds_and_at_other_points(seed: int, point: str) -> None:
    report = taylor_report(spec_files(), Settings(seed=seed), point)
    assert not [check.name for check in report.checks if check.exit_code is ExitCode.WRONG]
