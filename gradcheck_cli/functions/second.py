"""``order: 2``: the VJP of a function as a function of its own, and what is claimed of its derivative.

G maps the inputs and a cotangent dNAME of every floating output to the gradients dNAME of the inputs under
check. For a formula it is the engine's own gradient, written down as a graph, for code its backward. What
holds of any function holds of G; a claim of the spec (``hvp``) is one of its JVP, the cotangents held fixed.
"""

from __future__ import annotations

from dataclasses import replace

from gradcheck_cli.functions.base import Second, Subject
from gradcheck_cli.functions.second_code import second_of_code
from gradcheck_cli.functions.second_formula import second_of_formula
from gradcheck_cli.functions.second_task import Task
from gradcheck_cli.result import Fault
from gradcheck_cli.spec.sample import EDGE
from gradcheck_cli.spec.types import CheckSpec, InputSpec, Text


def with_second(check: CheckSpec, subject: Subject, *, max_memory: int) -> tuple[Subject | None, list[Fault]]:
    """Add to a subject its VJP as a function, and the claims about that; or say why there is none."""
    if subject.problem:
        return subject, []
    completed = check.with_inputs(subject.parameters)
    outputs = dict.fromkeys(output for output, _ in subject.pairs)
    cotangents = {f"d{name}": subject.function.outputs[name] for name in outputs}
    task = Task(check=completed, subject=subject, cotangents=cotangents, max_memory=max_memory)
    faults = _taken(task)
    if faults:
        return None, faults
    compiler = second_of_formula if isinstance(check.function, Text) else second_of_code
    second, faults = compiler(task)
    if second is None or faults:
        return None, faults
    return replace(subject, second=Second(check=_check(task), subject=second)), []


def _taken(task: Task) -> list[Fault]:
    """Refuse inputs by the name of a cotangent."""
    return [
        task.check.fault(f"with order: 2, {name} stands for a cotangent; rename the input", f"inputs.{name}")
        for name in task.cotangents
        if name in task.subject.function.inputs
    ]


def _check(task: Task) -> CheckSpec:
    """Derive the check of G; at an edge point only what is not differentiated is special.

    Indices repeat there. Floating numbers are as generic as elsewhere, since at a kink a VJP jumps.
    """
    generic = tuple(point for point in task.check.points if point.startswith("generic"))
    drawn = any(one.value is None and not one.differentiable for one in task.check.inputs)
    edge = (EDGE,) if EDGE in task.check.points and drawn else ()
    inputs = [replace(one, edges=not one.differentiable) for one in task.check.inputs]
    seeds = [
        InputSpec(name=name, shape=type_.shape, dtype=str(type_.dtype), edges=False)
        for name, type_ in task.cotangents.items()
    ]
    return replace(
        task.check,
        points=(*(generic or ("generic",)), *edge),
        inputs=(*inputs, *seeds),
        outputs=(),
        vjp={},
        jvp={},
        jacobian={},
        hvp={},
        order=1,
        chain=(),
        wrt=None,
        elsewhere=None,
    )
