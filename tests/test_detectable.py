"""The printed ``detectable`` is kept: a larger error in any entry fails, one well within tolerance does not.

Two laws over the gallery of layers, at random layers, entries and sizes: about errors added to an explicit
Jacobian, and about changes of a claim's formula. Errors stand at every point; a change of a formula counts
where the points are generic, for at the special values of an edge point entries may be larger, and
``detectable`` with them.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
from collections.abc import Callable

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mutations import mutants
from test_layers import BUDGET, FILES, checks_of, claims_of, with_claim
from verdicts import verdict_alone

from gradcheck_cli.check import bind, run_check
from gradcheck_cli.compare import default_rtol
from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.functions.base import Arrays, Claim, Linear, Pair, Subject
from gradcheck_cli.functions.claims import compile_check
from gradcheck_cli.jacobian import Jacobian, assemble
from gradcheck_cli.problem import Problem, symmetric_part
from gradcheck_cli.result import CheckResult, PairResult, Verdict
from gradcheck_cli.spec.types import CheckSpec, Text

Change = Callable[[np.ndarray], np.ndarray]  # of the matrix that an explicit Jacobian is stored in

# Just above 1 an error is met by the rounding of the claim itself; up to where nothing is subtle any more.
SIZES = st.floats(np.log10(1.001), 6).map(lambda power: 10.0**power)
SIGNS = st.sampled_from([-1.0, 1.0])
PLACES = st.integers(0, 10**6)  # taken modulo what there is
LAYERS = st.sampled_from([file for file in FILES if not file.name.startswith("complex_")])


@functools.cache
def layers_of(file) -> tuple[tuple[CheckSpec, Subject], ...]:
    """The checks of a file that should pass, compiled; what is found out about their functions is kept."""
    compiled = [(check, compile_check(check, max_memory=BUDGET)[0]) for check in checks_of(file)]
    return tuple((check, dataclasses.replace(one, known={})) for check, one in compiled if one is not None)


def explicit(check: CheckSpec, subject: Subject, pair: Pair, change: Change) -> Claim:
    """Claim an explicit Jacobian: the engine's own, changed."""
    points = bind(check, subject, "generic")

    def linearize(primals: Arrays) -> Linear:
        there = dataclasses.replace(points, primals=primals)
        true = assemble(there, subject.engine[0])[pair]
        changed = dataclasses.replace(true, matrix=change(true.matrix))
        return lambda _: {pair[1]: changed.array}

    return Claim(kind="jacobian", label="jacobian", pairs=(pair,), linearize=linearize)


def run_with(check: CheckSpec, subject: Subject, pair: Pair, change: Change) -> CheckResult:
    """Check the changed Jacobian alone."""
    claim = explicit(check, subject, pair, change)
    subject = dataclasses.replace(subject, claims=(claim,), links=(), whole=None)
    return run_check(check, subject, explain=False)


@functools.cache
def unchanged(file, place: int, pair: Pair) -> PairResult:
    """The result for the engine's own Jacobian of a pair."""
    check, subject = layers_of(file)[place]
    result = run_with(check, subject, pair, lambda matrix: matrix)
    assert result.verdict is Verdict.PASS, f"{check.name}: {result.message}"
    return result.pairs[0]


def chosen(file, check_place: int, pair_place: int) -> tuple[int, Pair]:
    """Choose a check of a file, by its place, and a pair of it."""
    place = check_place % len(layers_of(file))
    pairs = layers_of(file)[place][1].engine[0].pairs
    return place, pairs[pair_place % len(pairs)]


def unit(problem: Problem, pair: Pair, place: int) -> np.ndarray:
    """A Jacobian's matrix of zeros and a 1 in one entry, and in the mirrored one of a symmetric input."""
    rows, shape = problem.rows[pair[0]], problem.input_shape(pair[1])
    matrix = np.zeros((rows.stop - rows.start, int(np.prod(shape))))
    matrix.reshape(-1)[place % matrix.size] = 1.0
    if pair[1] in problem.symmetric:
        matrix = symmetric_part(matrix.reshape(len(matrix), *shape)).reshape(matrix.shape)
    return matrix / np.max(matrix)


@settings(max_examples=100, deadline=None)
@given(LAYERS, PLACES, PLACES, PLACES, SIZES, SIGNS)
def test_an_error_larger_than_detectable_fails_wherever_it_stands(
    file, check_place: int, pair_place: int, entry: int, size: float, sign: float
) -> None:
    place, pair = chosen(file, check_place, pair_place)
    check, subject = layers_of(file)[place]
    detectable = unchanged(file, place, pair).detectable
    error = sign * size * detectable * unit(bind(check, subject, "generic"), pair, entry)
    assume(np.isfinite(error).all() and error.any())
    result = run_with(check, subject, pair, lambda matrix: matrix + error)
    assert result.verdict is Verdict.FAIL, f"{check.name}, {pair}: {size:g} × {detectable:g} is not caught"


@settings(max_examples=60, deadline=None)
@given(LAYERS, PLACES, PLACES, PLACES, st.floats(-0.1, 0.1))
def test_an_error_below_a_tenth_of_the_tolerance_does_not_fail(
    file, check_place: int, pair_place: int, entry: int, part: float
) -> None:
    place, pair = chosen(file, check_place, pair_place)
    check, subject = layers_of(file)[place]
    problem = bind(check, subject, "generic")
    error = part * default_rtol(problem.eps(*pair)) * unit(problem, pair, entry)
    result = run_with(check, subject, pair, lambda matrix: matrix * (1.0 + error))
    assert result.verdict is not Verdict.FAIL, f"{check.name}, {pair}: {result.diagnoses}"


@functools.cache
def claims() -> list[tuple[CheckSpec, Text]]:
    """Every claim of the gallery: a check with it alone, and its text."""
    checks = [check for file in FILES for check in checks_of(file)]
    return [
        (with_claim(check, kind, key, text), text) for check in checks for kind, key, text in claims_of(check)
    ]


@functools.cache
def planted() -> list[tuple[CheckSpec, Text, str]]:
    """Every claim of one line, with each mistake that can be planted into it."""
    lines = [(check, text) for check, text in claims() if "\n" not in text.text]
    return [(check, text, mutant) for check, text in lines for _, mutant in mutants(text.text)]


def with_text(check: CheckSpec, old: Text, new: str) -> CheckSpec:
    """A check of one claim with another formula for it."""
    changed = {
        kind: {key: dataclasses.replace(text, text=new) for key, text in getattr(check, kind).items()}
        for kind in ("vjp", "jvp", "jacobian")
    }
    return dataclasses.replace(check, **changed)


def scaled(text: str, place: int, factor: float) -> str:
    """Multiply one subexpression of a formula, chosen by its place, by a number."""
    tree = ast.parse(text)
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    values = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.BinOp | ast.Call)
        or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node not in called)
    ]
    target = values[place % len(values)]

    class Scale(ast.NodeTransformer):
        def visit(self, node: ast.AST) -> ast.AST:
            scaled_ = ast.BinOp(ast.Constant(factor), ast.Mult(), node)
            return scaled_ if node is target else self.generic_visit(node)

    return ast.unparse(ast.fix_missing_locations(Scale().visit(tree)))


def jacobians(check: CheckSpec, subject: Subject) -> list[dict[Pair, Jacobian]]:
    """What the one claim of a check stands for at each generic point at which the function has a value."""
    problems = [bind(check, subject, point) for point in check.points if point != "edge"]
    usual = [problem for problem in problems if np.isfinite(problem.values).all()]
    return [assemble(problem, subject.claims[0]) for problem in usual]


def changes(right: list[dict[Pair, Jacobian]], wrong: list[dict[Pair, Jacobian]]) -> dict[Pair, float]:
    """The largest difference in any entry, by pair; what is no number differs infinitely."""
    largest: dict[Pair, float] = {}
    for one, other in zip(right, wrong, strict=True):
        for pair, true in one.items():
            with np.errstate(invalid="ignore"):
                distance = np.nan_to_num(np.abs(other[pair].matrix - true.matrix), nan=np.inf)
            largest[pair] = max(largest.get(pair, 0.0), float(np.max(distance, initial=0.0)))
    return largest


def caught_as_promised(right: CheckSpec, text: Text, formula: str) -> bool | None:
    """Whether a changed formula fails; None where ``detectable`` promises nothing about it."""
    wrong = with_text(right, text, formula)
    true, _ = compile_check(right, max_memory=BUDGET)
    subject, _ = compile_check(wrong, max_memory=BUDGET)
    assert true is not None
    if subject is None or subject.claims[0].misfit:
        return None  # refused, or wrong in its shape: nothing to measure
    try:
        change = changes(jacobians(right, true), jacobians(wrong, subject))
    except EvaluationError:
        return None
    promised = {(pair.output, pair.input): pair.detectable for pair in run_check(right, true).pairs}
    if not any(change[pair] > promised[pair] for pair in change):
        return None
    return verdict_alone(wrong, subject).verdict is Verdict.FAIL


@settings(max_examples=40, deadline=None)
@given(PLACES, PLACES, st.floats(-6, 1), SIGNS)
def test_a_scaled_subexpression_is_caught_if_it_changes_more_than_detectable(
    place: int, node: int, power: float, sign: float
) -> None:
    right, text = claims()[place % len(claims())]
    formula = scaled(text.text, node, 1.0 + sign * 10.0**power)
    caught = caught_as_promised(right, text, formula)
    assume(caught is not None)
    assert caught, f"{right.name}: {formula}"


@settings(max_examples=40, deadline=None)
@given(PLACES, st.floats(-6, 0))
def test_a_part_of_a_planted_mistake_is_caught_if_it_changes_more_than_detectable(
    place: int, power: float
) -> None:
    right, text, mutant = planted()[place % len(planted())]
    part = 10.0**power
    formula = f"{1 - part} * ({text.text}) + {part} * ({mutant})"
    caught = caught_as_promised(right, text, formula)
    assume(caught is not None)
    assert caught, f"{right.name}: {formula}"
