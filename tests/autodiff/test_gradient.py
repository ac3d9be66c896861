"""The second derivative of every differentiable row, by the gradient written down as a graph."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from derivative_laws import Call, moving, sample
from primitive_cases import CASES
from second_laws import BUDGET, case_of, check_second

from gradcheck_cli.autodiff import curvature
from gradcheck_cli.autodiff.gradient import NoSecondDerivativeError, gradient_of, varying
from gradcheck_cli.autodiff.primitives import FUNCTIONS, PRIMITIVES
from gradcheck_cli.autodiff.trace import Graph, Node, Plan
from gradcheck_cli.errors import BudgetError

# Two entries tie there: the VJP jumps.
KINKS = {("maximum", 3), ("minimum", 3), ("linalg.norm", 128), ("linalg.norm", 129)}
ALL = [
    pytest.param(PRIMITIVES[name], call, id=f"{name}-{place}")
    for name, calls in CASES.items()
    for place, call in enumerate(calls)
    if moving(PRIMITIVES[name], call.operands)
    and np.asarray(call.value).dtype.kind == "f"
    and (name, place) not in KINKS
]


def test_every_differentiable_row_is_here():
    found = {param.values[0].name for param in ALL}
    assert found == {name for name, row in PRIMITIVES.items() if row.differentiable and name != "astype"}


@pytest.mark.parametrize(("primitive", "call"), ALL)
def test_second_derivatives_obey_the_laws(primitive, call):
    with np.errstate(all="ignore"):
        check_second(primitive, call)


X = sample(2, 3)
TANH = Call(None, (X,))
MATMUL = Call(None, (X, sample(3, 4, seed=1)))


def test_a_row_that_is_not_straight_is_caught(monkeypatch):
    check_second(PRIMITIVES["tanh"], TANH)
    monkeypatch.setattr(curvature, "STRAIGHT", curvature.STRAIGHT | {"tanh"})
    with pytest.raises(AssertionError, match="JVP and differences"):
        check_second(PRIMITIVES["tanh"], TANH)


def test_a_product_taken_for_a_sum_is_caught(monkeypatch):
    check_second(PRIMITIVES["matmul"], MATMUL)
    monkeypatch.setattr(curvature, "FACTORS", {"matmul": ()})
    with pytest.raises(AssertionError, match="JVP and differences"):
        check_second(PRIMITIVES["matmul"], MATMUL)


@pytest.mark.parametrize(
    ("name", "used", "change"),
    [
        pytest.param(
            "sin",
            "cos",
            {"jvps": (lambda t, out, x: t * np.sin(x),)},
            id="JVP of what a rule uses: sign",
        ),
        pytest.param(
            "sin",
            "cos",
            {"vjps": (lambda g, out, x: g * np.sin(x),)},
            id="VJP of what a rule uses: sign",
        ),
        pytest.param("sin", "cos", {"forward": lambda x: 2.001 * np.cos(x)}, id="forward of what it uses"),
        pytest.param(
            "tanh",
            "power",
            {"jvps": (lambda t, out, x, y: t * 1.999 * x, None)},
            id="1.999 for 2",
        ),
    ],
)
def test_a_wrong_rule_behind_a_rule_is_caught(monkeypatch, name, used, change):
    check_second(PRIMITIVES[name], TANH)
    monkeypatch.setitem(FUNCTIONS, used, replace(FUNCTIONS[used], **change))
    with pytest.raises(AssertionError):
        check_second(PRIMITIVES[name], TANH)


def test_a_wrong_vjp_has_a_hessian_that_is_not_symmetric():
    row = PRIMITIVES["arctan2"]
    wrong = replace(row, vjps=(row.vjps[0], lambda g, out, y, x: 2 * row.vjps[1](g, out, y, x)))
    call = Call(None, (sample(3), sample(3, low=0.2, seed=2)))
    check_second(row, call)
    with pytest.raises(AssertionError, match="symmetric"):
        check_second(wrong, call)


def test_a_rule_that_needs_values_is_refused_by_name():
    def rule(g, out, x):
        return g * x if np.all(x > 0) else g

    row = replace(PRIMITIVES["square"], name="odd", vjps=(rule,))
    with pytest.raises(NoSecondDerivativeError, match=r"second derivative of odd .*decides by a value"):
        case_of(row, TANH)


def test_a_rule_that_turns_values_into_arrays_is_refused():
    row = replace(PRIMITIVES["square"], name="odd", vjps=(lambda g, out, x: g * np.asarray(x),))
    with pytest.raises(NoSecondDerivativeError, match="odd"):
        case_of(row, TANH)


def test_a_function_that_the_vocabulary_lacks_is_named():
    row = replace(PRIMITIVES["square"], name="odd", vjps=(lambda g, out, x: g * np.nextafter(x, 1),))
    with pytest.raises(NoSecondDerivativeError, match=r"odd \(numpy.nextafter\)"):
        case_of(row, TANH)


def two_uses() -> Graph:
    """x → exp(x) x, of which both uses of x add up."""
    leaf = Node(shape=(3,), dtype=np.dtype(float))
    exp = replace(leaf, primitive=PRIMITIVES["exp"], args=(0,))
    return Graph((leaf, exp, replace(leaf, primitive=PRIMITIVES["multiply"], args=(1, 0))))


def test_gradients_of_two_uses_and_of_two_outputs_add_up():
    found = gradient_of(two_uses(), {"h": 1, "y": 2, "again": 2}, [0], max_memory=BUDGET)
    x, g = sample(3), np.ones(3)
    plan = Plan.make(found.graph, [0, *found.seeds.values()], found.results)
    tape = plan.run([x, g, 2 * g, 3 * g])
    np.testing.assert_allclose(tape[found.results[0]], np.exp(x) * (1 + 5 * (1 + x)), rtol=1e-14)


def test_what_nothing_flows_to_has_the_gradient_zero():
    leaf = Node(shape=(3,), dtype=np.dtype(float))
    graph = Graph((leaf, leaf, replace(leaf, primitive=PRIMITIVES["exp"], args=(0,))))
    found = gradient_of(graph, {"y": 2}, [1], max_memory=BUDGET)
    plan = Plan.make(found.graph, [0, 1, found.seeds["y"]], found.results)
    np.testing.assert_array_equal(plan.run([np.ones(3)] * 3)[found.results[0]], np.zeros(3))


def test_the_memory_budget_holds_for_the_gradient():
    with pytest.raises(BudgetError, match="memory budget is 8 B"):
        gradient_of(two_uses(), {"y": 2}, [0], max_memory=8)


def test_what_a_gradient_varies_with():
    leaf = Node(shape=(3,), dtype=np.dtype(float))
    relu = Graph((leaf, replace(leaf, primitive=PRIMITIVES["relu"], args=(0,))))
    found = gradient_of(relu, {"y": 1}, [0], max_memory=BUDGET)
    assert varying(found.graph, found.results[0]) & {0, found.seeds["y"]} >= {found.seeds["y"]}
    assert 1 not in varying(found.graph, found.results[0])  # the mask is constant between kinks
