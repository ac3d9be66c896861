"""The graph: accumulation, unused and cut nodes, folding of constants, the memory budget."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from derivative_laws import sample

from gradcheck_cli.autodiff.primitives import PRIMITIVES
from gradcheck_cli.autodiff.trace import Graph, Node, Plan
from gradcheck_cli.errors import BudgetError

BUDGET = 2**30
FLOAT = np.dtype(float)


class Builder:
    """Writes graphs of (2, 3) arrays down as calls."""

    def __init__(self) -> None:
        self.graph = Graph()

    def node(self, **fields) -> int:
        self.graph, number = self.graph.extended(Node(shape=(2, 3), dtype=FLOAT, **fields), max_memory=BUDGET)
        return number

    def call(self, name: str, *args: int) -> int:
        return self.node(primitive=PRIMITIVES[name], args=args)


@pytest.fixture
def build():
    return Builder()


X, Y, G = sample(2, 3), sample(2, 3, seed=1), sample(2, 3, seed=2)


def both_ways(graph, feeds, target, primals):
    """Gradients by reverse mode for g = G, tangents by forward mode for all tangents 1."""
    plan = Plan.make(graph, feeds, [target])
    tape = plan.run(primals)
    tangents = {number: np.ones((2, 3)) for number in feeds}
    return plan.pullback(tape, {target: G}, feeds), plan.pushforward(tape, tangents)[0]


def test_a_value_used_twice_collects_both_gradients(build):
    x = build.node()
    target = build.call("add", build.call("multiply", x, x), build.call("exp", x))
    (gradient,), tangent = both_ways(build.graph, [x], target, [X])
    np.testing.assert_allclose(gradient, G * (2 * X + np.exp(X)))
    np.testing.assert_allclose(tangent, 2 * X + np.exp(X))


def test_a_diamond_is_passed_once_and_added_up(build):
    x = build.node()
    h = build.call("sin", x)
    target = build.call("multiply", build.call("exp", h), build.call("cos", h))
    (gradient,), _ = both_ways(build.graph, [x], target, [X])
    h_value = np.sin(X)
    slope = np.exp(h_value) * (np.cos(h_value) - np.sin(h_value)) * np.cos(X)
    np.testing.assert_allclose(gradient, G * slope)


@pytest.mark.parametrize("name", ["multiply", "add", "logaddexp", "hypot"])
@pytest.mark.parametrize("kinds", [("float32", "float64"), ("float64", "float32"), ("float16", "float32")])
def test_derivatives_have_the_dtypes_of_what_they_are_about(build, name, kinds):
    x, y = build.node(), build.node()
    target = build.call("exp", build.call(name, x, y))
    plan = Plan.make(build.graph, [x, y], [target])
    primals = [one.astype(kind) for one, kind in zip((X, Y), kinds, strict=True)]
    tape = plan.run(primals)
    wide = max(map(np.dtype, kinds))
    assert tape[target].dtype == wide
    gradients = plan.pullback(tape, {target: G.astype(wide)}, [x, y])
    assert tuple(one.dtype.name for one in gradients) == kinds
    for number, primal in ((x, primals[0]), (y, primals[1])):
        assert plan.pushforward(tape, {number: np.ones_like(primal)})[0].dtype == wide
    seeds = {x: np.ones_like(primals[0], float), y: np.ones_like(primals[1])}
    assert plan.pushforward(tape, seeds)[0].dtype == wide


def test_an_input_that_is_not_used_has_the_gradient_zero(build):
    x, unused = build.node(), build.node()
    target = build.call("exp", x)
    gradients, _ = both_ways(build.graph, [x, unused], target, [X, Y])
    np.testing.assert_array_equal(gradients[1], np.zeros((2, 3)))
    assert gradients[1].dtype == FLOAT


def test_no_gradient_flows_through_a_mask(build):
    x = build.node()
    target = build.call("multiply", build.call("greater", x, build.node(value=np.zeros((2, 3)))), x)
    (gradient,), tangent = both_ways(build.graph, [x], target, [X])
    np.testing.assert_array_equal(gradient, G * (X > 0))
    np.testing.assert_array_equal(tangent, X > 0)


def test_a_target_that_is_an_input_hands_its_cotangent_on(build):
    x = build.node()
    gradients, tangent = both_ways(build.graph, [x], x, [X])
    np.testing.assert_array_equal(gradients[0], G)
    np.testing.assert_array_equal(tangent, 1)


def test_ancestors_stop_at_cut_nodes(build):
    x = build.node()
    h = build.call("exp", x)
    way_around = build.call("sin", x)
    through, around = build.call("cos", h), build.call("add", h, way_around)
    assert build.graph.depends(through, x)
    assert not build.graph.depends(through, x, cut=[h])
    assert build.graph.depends(around, x, cut=[h])
    assert build.graph.ancestors([through], cut=[h]) == {through, h}
    assert not build.graph.depends(x, h)


def counting(name: str, calls: list[str]):
    """Build a primitive that notes every evaluation."""
    forward = PRIMITIVES[name].forward
    return replace(PRIMITIVES[name], forward=lambda *xs: (calls.append(name), forward(*xs))[1])


def test_what_depends_on_no_feed_is_computed_once(build):
    calls: list[str] = []
    x, constant = build.node(), build.node(value=Y)
    folded = build.node(primitive=counting("exp", calls), args=(constant,))
    target = build.node(primitive=counting("multiply", calls), args=(x, folded))
    plan = Plan.make(build.graph, [x], [target])
    for _ in range(3):
        np.testing.assert_allclose(plan.run([X])[target], X * np.exp(Y))
    assert calls == ["exp", "multiply", "multiply", "multiply"]


def test_known_values_are_taken_and_what_only_they_need_is_left_out(build):
    calls: list[str] = []
    x, fixed = build.node(), build.node()
    never = build.node(primitive=counting("exp", calls), args=(x,))
    half = build.node(primitive=counting("sin", calls), args=(fixed,))
    target = build.call("add", build.call("multiply", x, half), never)
    plan = Plan.make(build.graph, [x], [target], known={fixed: Y, never: G})
    np.testing.assert_allclose(plan.run([X])[target], X * np.sin(Y) + G)
    assert calls == ["sin"]


def test_nodes_that_no_target_needs_are_not_run(build):
    x = build.node()
    build.node(primitive=replace(PRIMITIVES["exp"], forward=lambda x: 1 / 0), args=(x,))
    target = build.call("sin", x)
    np.testing.assert_allclose(Plan.make(build.graph, [x], [target]).run([X])[target], np.sin(X))


def test_the_number_of_feeds_is_checked(build):
    x = build.node()
    plan = Plan.make(build.graph, [x], [x])
    with pytest.raises(ValueError, match="shorter"):
        plan.run([])


def test_an_array_beyond_the_budget_is_refused_before_it_is_made():
    node = Node(shape=(10**6, 10**6), dtype=FLOAT)
    with pytest.raises(BudgetError) as caught:
        Graph().extended(node, max_memory=BUDGET)
    assert str(caught.value) == (
        "an array of shape (1000000, 1000000) takes 7.28 TiB, the memory budget is 1 GiB"
    )


@pytest.mark.parametrize(("budget", "fits"), [(48, True), (47, False)])
def test_the_budget_is_counted_in_bytes(budget, fits):
    node = Node(shape=(2, 3), dtype=FLOAT)
    if fits:
        Graph().extended(node, max_memory=budget)
    else:
        with pytest.raises(BudgetError, match="takes 48 B, the memory budget is 47 B"):
            Graph().extended(node, max_memory=budget)


def test_a_graph_is_never_changed(build):
    before = build.graph
    build.node()
    assert before.nodes == ()
