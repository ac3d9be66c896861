"""``order: 2``: the derivative of the VJP is checked, by the engine's own rules or an ``hvp`` claim."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from conftest import CheckText, RunText
from mutations import mutants

from gradcheck_cli.analytic import ask
from gradcheck_cli.check import run_check
from gradcheck_cli.functions.base import Subject
from gradcheck_cli.functions.compile import compile_subject
from gradcheck_cli.points import bind
from gradcheck_cli.problem import symmetric_part
from gradcheck_cli.result import CheckResult, ExitCode, Verdict
from gradcheck_cli.spec.load import load_specs
from gradcheck_cli.spec.types import CheckSpec

SPECS = Path(__file__).parent.parent / "specs"
BUDGET = 2**30
MUTANTS = 12  # of a claim, evenly spread over its text

LINEAR = "inputs: {x: [4, 2], w: [2, 3]}\nfunction: y = x @ w\n"
INTEGERS = "inputs: {x: [3, 4], k: {shape: [3], dtype: int64, sample: {integers: [0, 4]}}}\n"
CUBE = "inputs: {x: [3]}\nfunction: y = x**3\n"
TANH = """
import numpy as np

def forward(x, w):
    return np.tanh(x @ w), (x, w)

def backward(dy, cache):
    x, w = cache
    da = dy * (1 - np.tanh(x @ w) ** 2)
    return da @ w.T, x.T @ da
"""
CODE = """
inputs: {x: [4, 2], w: [2, 3]}
function: {python: "layers.py:forward", backward: "layers.py:backward", style: cache}
"""
HVP_OF_TANH = """
hvp:
  x: |
    slope = 1 - y**2
    a_dot = x_dot @ w + x @ w_dot
    (-2 * dy * y * slope * a_dot) @ w.T + (dy * slope) @ w_dot.T
  w: |
    slope = 1 - y**2
    a_dot = x_dot @ w + x @ w_dot
    x_dot.T @ (dy * slope) + x.T @ (-2 * dy * y * slope * a_dot)
"""


def pairs(result: CheckResult) -> set[str]:
    return {f"{pair.output}/{pair.input} {pair.claim}" for pair in result.pairs}


def codes(result: CheckResult) -> set[str]:
    return {remark.code for remark in result.diagnoses}


def test_without_a_claim_the_engines_second_derivative_is_checked(check_text: CheckText) -> None:
    result = check_text(LINEAR + "order: 2")
    assert result.verdict is Verdict.PASS
    both = ("engine 2nd vjp", "engine 2nd jvp")
    names = [f"d{a}/{b}" for a in "xw" for b in ("x", "w", "dy")]
    assert pairs(result) >= {f"{name} {label}" for name in names for label in both}
    assert "y/x engine vjp" in pairs(result)
    assert not result.warnings


def test_order_1_is_the_default(check_text: CheckText) -> None:
    assert pairs(check_text(LINEAR)) == pairs(check_text(LINEAR + "order: 1"))
    assert not any(name.startswith("d") for name in pairs(check_text(LINEAR)))


def test_a_claim_implies_order_2_and_leaves_the_cotangents_out(check_text: CheckText) -> None:
    result = check_text(LINEAR + "hvp: {x: dy @ w_dot.T, w: x_dot.T @ dy}")
    assert result.verdict is Verdict.PASS
    assert {name for name in pairs(result) if name[0] == "d"} == {f"d{a}/{b} hvp" for a in "xw" for b in "xw"}


@pytest.mark.parametrize(
    ("x", "w", "code"),
    [
        ("dy @ w_dot.T * 2", "x_dot.T @ dy", "scaled"),
        ("-dy @ w_dot.T", "x_dot.T @ dy", "sign-flipped"),
        ("dy @ w_dot.T", "zeros_like(w)", "zero"),
        ("dy @ w_dot.T", "x_dot.T @ dy + w_dot", ""),
        ("dy @ w_dot.T", "dy.T @ x_dot", "wrong-shape"),
        ("dy @ w_dot.T + x", "x_dot.T @ dy", ""),  # affine in the tangents
        ("dy @ abs(w_dot).T", "x_dot.T @ dy", ""),
    ],
)
def test_a_wrong_claim_fails(check_text: CheckText, x: str, w: str, code: str) -> None:
    result = check_text(f"{LINEAR}hvp:\n  x: {x}\n  w: {w}\n")
    assert result.verdict is Verdict.FAIL
    assert not code or code in codes(result)


@pytest.mark.parametrize(
    "hvp",
    [
        "3 * dy * x * x_dot",
        "6 * dy * x_dot",
        "6 * x * x_dot",
        "6 * dy * x",
        "6 * dy * x * x_dot + dy",
        "6.001 * dy * x * x_dot",
    ],
)
def test_a_mistake_in_one_factor_fails(check_text: CheckText, hvp: str) -> None:
    assert check_text(CUBE + "hvp: {x: 6 * dy * x * x_dot}").verdict is Verdict.PASS
    assert check_text(f"{CUBE}hvp: {{x: {hvp}}}").verdict is Verdict.FAIL


def test_a_transposed_claim_fails(check_text: CheckText) -> None:
    text = "inputs: {x: [3, 3], w: [3, 3]}\nfunction: y = x @ w\nhvp: {x: %s}"
    assert check_text(text % "dy @ w_dot.T").verdict is Verdict.PASS
    assert check_text(text % "dy @ w_dot").verdict is Verdict.FAIL


def test_a_wrong_first_order_fails_with_a_right_second(check_text: CheckText) -> None:
    result = check_text(CUBE + "vjp: {x: 2 * dy * x**2}\nhvp: {x: 6 * dy * x * x_dot}")
    assert result.verdict is Verdict.FAIL
    assert {pair.verdict for pair in result.pairs if pair.claim == "hvp"} == {Verdict.PASS}


@pytest.mark.parametrize(
    "text",
    [
        "inputs: {x: [4, 3]}\nfunction: y = relu(x) * x",
        "inputs: {x: [4, 3]}\nfunction: y = abs(x)**3\nkinks: move",
        "inputs: {x: {shape: [3, 2], dtype: complex128}}\nfunction: y = exp(x) * conj(x) + abs(x)",
        "inputs: {x: {shape: [3], dtype: complex128}, w: [3]}\nfunction: y = abs(x * w)**2 + angle(x)",
        "inputs: {x: {shape: [3, 3], dtype: complex128}}\nfunction: y = linalg.det(x) + x[0, 1]**3",
        "inputs: {x: {shape: [2, 2], dtype: complex128}, w: [2, 2]}\nfunction: y = matmul(x, w) / x",
        "inputs: {x: {shape: [3], dtype: complex64}}\nfunction: y = tanh(x)",
        "inputs: {x: {shape: [3, 4], dtype: float32}}\nfunction: y = softmax(x, axis=1)",
        "inputs: {x: {shape: [3, 4], dtype: float16}}\nfunction: y = tanh(x)",
        "inputs: {a: {shape: [3, 3], sample: spd}}\nfunction: y = linalg.cholesky(a)",
        "inputs: {a: {shape: [3, 3], sample: spd}}\nfunction: y = linalg.inv(a)",
        "inputs: {x: [3, 4], w: [4]}\nfunction: y = x * x * exp(w)\nwrt: [x]",
        "inputs: {x: {value: [0.5, -1.5]}, w: [2]}\nfunction: y = x**2 * w",
        INTEGERS + "function: y = x[arange(3), k]**2",
        "inputs: {x: [3, 4]}\nfunction: |\n  h = tanh(x)\n  z = sum(h**2)\noutputs: [h, z]",
        "inputs: {x: [4]}\nfunction: |\n  y = exp(x)\n  z = y\noutputs: [y, z]",
        "inputs: {x: [4]}\nfunction: y = exp(x)\npoints: [edge]",
        "inputs: {x: [4]}\nfunction: y = exp(x)\npoints: 2",
        "inputs: {x: [2, 2, 5], w: [3, 2, 2], b: [3]}\nfunction: y = conv1d(x, w, b, stride=2)**2",
        "inputs: {x: []}\nfunction: y = x**3",
    ],
)
def test_kinds_of_checks_with_order_2(check_text: CheckText, text: str) -> None:
    result = check_text(f"{text}\norder: 2")
    assert result.verdict is Verdict.PASS, result.message
    assert any(pair.claim == "engine 2nd vjp" for pair in result.pairs)


@pytest.mark.parametrize("right", ["", "0.999 * "])
def test_single_precision_is_judged_in_double(check_text: CheckText, right: str) -> None:
    text = "inputs: {x: {shape: [3], dtype: float32}}\nfunction: y = x**3\n"
    wrong = "6.02 * dy * x * x_dot"
    assert check_text(text + "hvp: {x: 6 * dy * x * x_dot}").verdict is Verdict.PASS
    assert check_text(f"{text}hvp: {{x: {right}{wrong}}}").verdict is Verdict.FAIL


def test_claims_about_symmetric_inputs_are_compared_within_symmetric_matrices(check_text: CheckText) -> None:
    text = "inputs: {a: {shape: [3, 3], sample: spd}}\nfunction: y = linalg.slogdet(a)[1]\nhvp:\n  a: "
    right = "-dy * linalg.inv(a) @ a_dot @ linalg.inv(a)"
    assert check_text(text + right).verdict is Verdict.PASS
    assert check_text(f"{text}{right} * 2").verdict is Verdict.FAIL
    assert check_text(f"{text}-dy * linalg.inv(a) @ a_dot").verdict is Verdict.FAIL


def test_a_claim_about_what_wrt_leaves_out_is_named(check_text: CheckText) -> None:
    result = check_text(LINEAR + "wrt: [x]\nhvp: {x: 0 * x_dot, w: x_dot.T @ dy}")
    assert result.verdict is Verdict.PASS
    assert [remark.code for remark in result.warnings] == ["uncovered"]


def test_a_gradient_that_no_claim_is_about_is_named(check_text: CheckText) -> None:
    result = check_text(LINEAR + "hvp: {x: dy @ w_dot.T}")
    (warning,) = result.warnings
    assert warning.message == "no claim is about ∂dw/∂x, ∂dw/∂w, so nothing checks it"


def test_an_expected_failure_may_be_of_either_order(check_text: CheckText) -> None:
    wrong = CUBE + "hvp: {x: 3 * dy * x * x_dot}\nexpect: "
    assert check_text(wrong + "fail").as_expected
    assert check_text(wrong + "{fail: scaled}").as_expected
    other = check_text(wrong + "{fail: transposed}")
    assert not other.as_expected
    assert "the spec expects it to fail with transposed" in other.message
    passes = check_text(CUBE + "hvp: {x: 6 * dy * x * x_dot}\nexpect: fail")
    assert not passes.as_expected
    assert passes.message == "the spec expects this check to fail, but it passes"


def test_a_second_derivative_at_a_fixed_kink_is_not_decided(check_text: CheckText) -> None:
    result = check_text("inputs: {x: {value: [0.0, 1.0]}}\nfunction: y = abs(x)\norder: 2")
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.message.startswith("order 2: ")


def test_seeds_and_strictness_hold_for_both_orders(check_text: CheckText) -> None:
    text = LINEAR + "hvp: {x: dy @ w_dot.T, w: x_dot.T @ dy * 1.000002}"
    assert check_text(text, seed=3).verdict is Verdict.PASS
    assert "approximate" in {remark.code for remark in check_text(text).warnings}
    assert check_text(text, strict=True).verdict is Verdict.FAIL


HOT = "\n    hot = where(k[:, None] == arange(5), 1.0, 0.0)\n    6 * x * x_dot * (dy @ hot)"
GATHERED = (
    "inputs: {x: [5], k: {shape: [3], dtype: int64, sample: {integers: [0, 5]}}}\nfunction: y = x[k]**3\n"
)
JUMP = "inputs: {x: %s}\nfunction: y = where(x < 6, x**3, x**2)\nhvp: {x: %s}\n"


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (f"{GATHERED}hvp:\n  x: |{HOT}", Verdict.PASS),
        (f"{GATHERED}hvp:\n  x: |{HOT} / maximum(sum(hot, axis=0), 1)", Verdict.FAIL),
        (JUMP % ("[4]", "'dy * x_dot * where(x < 6, 6 * x, 2)'"), Verdict.PASS),
        (JUMP % ("[4]", "6 * dy * x * x_dot"), Verdict.FAIL),
    ],
)
def test_indices_repeat_and_other_sides_are_visited(
    check_text: CheckText, text: str, verdict: Verdict
) -> None:
    assert check_text(text).verdict is verdict


def test_a_side_out_of_reach_is_named(check_text: CheckText) -> None:
    drawn = "{shape: [4], sample: {uniform: [-1, 1]}}"
    result = check_text(JUMP % (drawn, "6 * dy * x * x_dot"))
    assert [remark.code for remark in result.warnings] == ["uncovered"]


@pytest.mark.parametrize("function", ["max(x[k])**2", "abs(x[k] - x[:3])", "sqrt(abs(x[k] - x[:3]))"])
def test_ties_of_repeated_indices_do_no_harm(check_text: CheckText, function: str) -> None:
    text = GATHERED.replace("x[k]**3", function)
    assert check_text(f"{text}order: 2").verdict is Verdict.PASS


# Code.


@pytest.fixture
def code(tmp_path: Path) -> Path:
    (tmp_path / "layers.py").write_text(TANH, encoding="utf-8")
    return tmp_path


@pytest.mark.usefixtures("code")
def test_the_backward_of_code_is_differentiated(check_text: CheckText) -> None:
    result = check_text(CODE + HVP_OF_TANH)
    assert result.verdict is Verdict.PASS, result.message
    assert pairs(result) >= {f"d{a}/{b} hvp" for a in "xw" for b in "xw"}


@pytest.mark.usefixtures("code")
@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("-2 * dy * y", "2 * dy * y"),
        ("-2 * dy * y", "-dy * y"),
        (" + (dy * slope) @ w_dot.T", ""),
        ("x_dot @ w + x @ w_dot", "x_dot @ w"),
    ],
)
def test_a_wrong_claim_about_code_fails(check_text: CheckText, right: str, wrong: str) -> None:
    assert right in HVP_OF_TANH
    assert check_text(CODE + HVP_OF_TANH.replace(right, wrong)).verdict is Verdict.FAIL


def test_a_wrong_backward_makes_the_right_claim_fail(check_text: CheckText, tmp_path: Path) -> None:
    wrong = TANH.replace("** 2)", "** 2 * 0.9)")
    (tmp_path / "layers.py").write_text(wrong, encoding="utf-8")
    result = check_text(CODE + HVP_OF_TANH)
    assert result.verdict is Verdict.FAIL
    assert Verdict.FAIL in {pair.verdict for pair in result.pairs if pair.claim == "hvp"}


# Faults.

NEEDS_CLAIM = (
    "spec.yaml:5:8: order: 2 needs a claim about code that does not bring its second derivative along; "
    'write "hvp: {x: …}", how the gradient of x moves when every input NAME moves by NAME_dot'
)
NO_BACKWARD = (
    "spec.yaml:5:8: order: 2 checks the derivative of a backward, and this function brings none along; "
    "leave it out"
)


@pytest.mark.usefixtures("code")
@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (CODE + "order: 2", NEEDS_CLAIM),
        ('inputs: {x: [2]}\nfunction: {python: "layers.py:np.tanh"}\nvjp: {x: dy}\norder: 2', NO_BACKWARD),
        (
            CUBE + "order: 1\nhvp: {x: 6 * dy * x * x_dot}",
            "spec.yaml:4:8: order: an hvp is a claim of order 2; leave order out, or write 2",
        ),
        (CUBE + "order: 3", "spec.yaml:4:8: order: 3 is no order; write one of: 1, 2"),
        (CUBE + "hvp: {z: x}", 'spec.yaml:4:7: hvp.z: "z" is no input; write one of: x'),
        (
            CUBE + "hvp: {x: q * x_dot}",
            "spec.yaml:4:10: hvp.x: unknown name 'q'; the tangent here is x_dot",
        ),
        (
            "inputs: {x: [2], dy: [2]}\nfunction: y = x * dy\norder: 2",
            "spec.yaml:2:22: inputs.dy: with order: 2, dy stands for a cotangent; rename the input",
        ),
        (
            "inputs: {x: [2], x_dot: [2]}\nfunction: y = x * x_dot\nhvp: {x: dy * x_dot}",
            "x_dot stands for a tangent in this claim; rename what the spec calls x_dot",
        ),
    ],
)
def test_faults_say_where_and_what(run_text: RunText, text: str, fault: str) -> None:
    report = run_text(text)
    assert report.exit_code == ExitCode.USAGE
    (found,) = report.faults
    assert fault in str(found)


def test_jacobians_of_second_order_count_for_the_memory_budget(run_text: RunText) -> None:
    text = "inputs: {x: [40, 40], w: [40]}\nfunction: y = sum(x @ w)"
    assert not run_text(text, max_memory=10**6).faults
    (fault,) = run_text(f"{text}\norder: 2", max_memory=10**6).faults
    assert "∂dx/∂x has the shape (40, 40) × (40, 40)" in fault.message


# The shipped specs, with a mistake planted in each claim.


def shipped() -> list[tuple[CheckSpec, str]]:
    checks, faults = load_specs(str(SPECS / "layers" / "second-order.yaml"), max_memory=BUDGET)
    assert not faults
    return [(check, name) for check in checks if check.expect == "pass" for name in check.hvp]


def job(check: CheckSpec, name: str, text: str) -> tuple[CheckSpec, Subject] | None:
    """A check with one claim of second order alone, at one point; None if it is refused."""
    claim = dataclasses.replace(check.hvp[name], text=text)
    alone = dataclasses.replace(check, hvp={name: claim}, vjp={}, points=("generic",), elsewhere=None)
    subject, _ = compile_subject(alone, max_memory=BUDGET)
    return (alone, subject) if subject else None


def moved(subject: Subject) -> np.ndarray | None:
    """What the one claim says at a point, for tangents of all inputs; None for a misfit."""
    assert subject.second is not None
    second = subject.second
    (claim,) = second.subject.claims
    if claim.misfit:
        return None
    problem = bind(second.check, second.subject, "generic")
    rng = np.random.default_rng(1)
    tangents = {name: rng.normal(size=problem.input_shape(name)) for name in claim.inputs}
    tangents = {name: symmetric_part(t) if name in problem.symmetric else t for name, t in tangents.items()}
    (value,) = ask(problem, claim)(tangents).values()
    return np.asarray(value)


@pytest.mark.parametrize(("check", "name"), shipped(), ids=[f"{c.name}-{name}" for c, name in shipped()])
def test_a_mistake_planted_in_a_shipped_claim_fails(check: CheckSpec, name: str) -> None:
    right = job(check, name, check.hvp[name].text)
    assert right is not None
    wanted, planted = moved(right[1]), 0
    known = list(mutants(check.hvp[name].text))
    for mistake, mutant in known[:: 1 + len(known) // MUTANTS]:
        wrong = job(check, name, mutant)
        found = wrong and moved(wrong[1])
        if wrong is None or (found is not None and np.allclose(found, wanted, rtol=1e-9, atol=1e-12)):
            continue  # it changes nothing, or is refused
        planted += 1
        assert run_check(*wrong, explain=False).verdict is Verdict.FAIL, f"{mistake}: {mutant}"
    assert planted or not np.any(wanted)
