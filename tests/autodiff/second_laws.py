"""The laws that the gradient of every row obeys as a function of its own: G(operands, g) = VJPs.

One helper, that raises AssertionError. The numeric side is central differences of the row's own VJPs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from derivative_laws import Call, moving

from gradcheck_cli.autodiff.gradient import gradient_of
from gradcheck_cli.autodiff.primitive import Array, Primitive
from gradcheck_cli.autodiff.trace import Graph, Node, Plan

STEP = 1e-6
BUDGET = 2**30


@dataclass(frozen=True)
class Case:
    """A row at a point: the plan that computes G, what is fed to it, and which operands move."""

    primitive: Primitive
    call: Call
    places: list[int]
    plan: Plan
    point: list[Array]  # the moving operands, then g

    def by_rules(self, point: list[Array]) -> list[Array]:
        """G by the row's own VJPs."""
        operands = [np.asarray(one) for one in self.call.operands]
        for place, value in zip(self.places, point, strict=False):
            operands[place] = value
        out = np.asarray(self.primitive.forward(*operands, **self.call.static))
        rules = [self.primitive.vjps[place] for place in self.places]
        return [np.asarray(rule(point[-1], out, *operands, **self.call.static)) for rule in rules]


def case_of(primitive: Primitive, call: Call) -> Case:
    operands = [np.asarray(one) for one in call.operands]
    places = moving(primitive, call.operands)
    out = np.asarray(primitive.forward(*operands, **call.static))
    leaves = [Node(shape=one.shape, dtype=one.dtype) for one in operands]
    args = tuple(range(len(operands)))
    node = Node(shape=out.shape, dtype=out.dtype, primitive=primitive, args=args, static=call.static)
    graph = Graph((*leaves, node))
    found = gradient_of(graph, {"y": len(operands)}, places, max_memory=BUDGET)
    known = {place: operands[place] for place in args if place not in places}
    plan = Plan.make(found.graph, [*places, found.seeds["y"]], found.results, known)
    g = np.random.default_rng(3).normal(size=out.shape)
    return Case(primitive, call, places, plan, [*(operands[place] for place in places), g])


def directions(case: Case, seed: int) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [np.asarray(rng.normal(size=np.shape(one))) for one in case.point]


def pushed(case: Case, tangents: list[Array]) -> list[Array]:
    tape = case.plan.run(case.point)
    return case.plan.pushforward(tape, dict(zip(case.plan.feeds, tangents, strict=True)))


def pulled(case: Case, cotangents: list[Array]) -> list[Array]:
    seeds: dict[int, Array] = {}
    for number, one in zip(case.plan.targets, cotangents, strict=True):  # two gradients may be one node
        seeds[number] = seeds[number] + one if number in seeds else one
    return case.plan.pullback(case.plan.run(case.point), seeds, case.plan.feeds)


def inner(left: list[Array], right: list[Array]) -> float:
    return float(sum(np.sum(a * b) for a, b in zip(left, right, strict=True)))


def size(left: list[Array], right: list[Array]) -> float:
    return float(sum(np.sum(np.abs(a * b)) for a, b in zip(left, right, strict=True)))


def check_second(primitive: Primitive, call: Call) -> None:
    """G's value, its JVP against differences, its VJP against its JVP, and the symmetry of the Hessian."""
    case = case_of(primitive, call)
    tape = case.plan.run(case.point)
    for number, wanted in zip(case.plan.targets, case.by_rules(case.point), strict=True):
        np.testing.assert_allclose(tape[number], wanted, rtol=1e-9, atol=1e-11, err_msg="value")
        assert np.shape(tape[number]) == wanted.shape, "a gradient has the operand's shape"
    u = directions(case, 4)
    moved = pushed(case, u)
    ends = [
        case.by_rules([one + sign * STEP * by for one, by in zip(case.point, u, strict=True)])
        for sign in (1, -1)
    ]
    for analytic, after, before in zip(moved, *ends, strict=True):
        numeric = (after - before) / (2 * STEP)
        atol = 1e-6 * max(1.0, float(np.max(np.abs(numeric), initial=0)))
        np.testing.assert_allclose(analytic, numeric, rtol=1e-5, atol=atol, err_msg="JVP and differences")
    w = directions(case, 5)
    left, right = inner(w[:-1], moved), inner(pulled(case, w[:-1]), u)
    assert abs(left - right) <= 1e-10 * max(size(w[:-1], moved), 1e-9), "<w, G'u> = <G'ᵀw, u>"
    check_symmetry(case, u, w)


def check_symmetry(case: Case, u: list[Array], v: list[Array]) -> None:
    """⟨v, H u⟩ = ⟨u, H v⟩ with H = ∂²⟨g, f⟩/∂x², g held fixed."""
    still = np.zeros_like(case.point[-1])
    hu, hv = pushed(case, [*u[:-1], still]), pushed(case, [*v[:-1], still])
    scale = max(size(v[:-1], hu), size(u[:-1], hv), 1e-4)  # where all cancels, round-off
    assert abs(inner(v[:-1], hu) - inner(u[:-1], hv)) <= 1e-9 * scale, "the Hessian is symmetric"
