"""A declared chain at a point: each link beside its own differences, and their product beside the whole's."""

from __future__ import annotations

from dataclasses import replace

from gradcheck_cli.examine import Scene, Witness, witness
from gradcheck_cli.functions.base import Link, Subject
from gradcheck_cli.jacobian import chain_product
from gradcheck_cli.problem import Problem


def chain_scenes(problem: Problem, subject: Subject) -> list[Scene]:
    """Make a scene of every link, and one of the product.

    ∂z/∂x = ∂z/∂y · ∂y/∂x, entry by entry (∂z/∂x)_{i,j} = Σ_k (∂z/∂y)_{i,k} (∂y/∂x)_{k,j}.
    """
    assert subject.whole is not None
    scenes, jacobians = [], []
    for link in subject.links:
        there = at_link(problem, link)
        found = witness(there, link.engine)
        jacobians.append(found.jacobians[link.target, link.source])
        named = replace(found, claim=replace(link.engine, label="chain"))
        scenes.append(Scene(there, [named], found))
    whole = subject.whole
    there = at_link(problem, whole)
    product = Witness(
        replace(whole.engine, label="chain product"),
        {(whole.target, whole.source): chain_product(jacobians)},
    )
    return [*scenes, Scene(there, [product], witness(there, whole.engine))]


def at_link(problem: Problem, link: Link) -> Problem:
    """Bind a link's own function to the same point."""
    return Problem(
        function=link.function,
        primals={**problem.primals, **link.value_of_source(problem.primals)},
        wrt=(link.source,),
        domains={name: domain for name, domain in problem.domains.items() if name == link.source},
        symmetric=problem.symmetric & {link.source},
        evaluations=problem.evaluations,
        deadline=problem.deadline,
    )
