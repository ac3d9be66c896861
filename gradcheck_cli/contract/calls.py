"""What a backward that is code owes its callers: it leaves alone what it is given, and keeps no state.

None of it can happen to a formula, so these rules are asked of layers only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from gradcheck_cli.contract.arrays import Broken, changed, copies
from gradcheck_cli.contract.case import Case, attempt, numbers, products
from gradcheck_cli.errors import EvaluationError

KINDS: Final = {"c": "complex", "i": "an integer", "u": "an integer", "b": "a truth value"}


def is_code(case: Case) -> bool:
    """Whether there is code to call."""
    return case.layer is not None


def is_steady(case: Case) -> bool:
    """Whether there is code that repeats itself: else a difference between two calls tells nothing."""
    return is_code(case) and case.repeats


def is_repeatable(case: Case) -> bool:
    """Whether backward may come again after the same forward."""
    return is_steady(case) and case.code.repeatable


def _listed(names: Iterable[str], fact: str) -> Broken:
    return {name: fact.format(name=name) for name in names}


def forward_keeps_inputs(case: Case) -> Broken:
    """Forward leaves the arrays that it is given as they are."""
    primals = case.problem.primals
    return _listed(changed(primals, case.run().inputs), "forward writes into {name}, its caller's array")


def backward_keeps_inputs(case: Case) -> Broken:
    """Backward leaves alone the arrays that forward was given, and those that it returned."""
    run = case.run()
    inputs, outputs = copies(run.inputs), copies(run.outputs)
    case.pull(run)
    broken = _listed(changed(inputs, run.inputs), "backward writes into {name}, which forward was given")
    fact = "backward writes into {name}, which forward has returned and others may use"
    return {**broken, **_listed(changed(outputs, run.outputs), fact)}


def backward_keeps_cotangents(case: Case) -> Broken:
    """Backward leaves the cotangent as it is: in a network others use it too."""
    names = ", ".join(f"d{name}" for name in case.overwritten)
    return {"": f"backward writes into {names}, its caller's array"} if names else {}


def forward_repeats(case: Case) -> Broken:
    """Two forward calls give the same, to within what may be round-off."""
    how = "; ".join(case.unsteady_forward.values())
    return {"": f"{_differs('forward', case)}: {how}"} if how else {}


def backward_repeats(case: Case) -> Broken:
    """Two calls of forward and backward give the same gradients, if two of forward give the same outputs."""
    broken = {} if case.unsteady_forward else case.unsteady_backward
    return {name: f"{_differs('backward', case)}: {how}" for name, how in broken.items()}


def _differs(whose: str, case: Case) -> str:
    return f"{whose} differs from one call to the next, by more than {case.repeatable:.2g} of its size"


def same_again(case: Case) -> Broken:
    """A second backward after one forward gives the same; one that refuses it does no harm."""
    run = case.run()
    case.pull(run)
    again = attempt(lambda: case.pull(run))
    if isinstance(again, EvaluationError):
        return {}
    return _stale(case.differences(again), "a second backward after the same forward differs")


def same_after_other(case: Case) -> Broken:
    """Calls elsewhere in between change nothing, and there are what they would be for a new layer."""
    if not _elsewhere(case):
        return {}
    broken = case.differences(case.pull(case.run()))
    new = attempt(case.code.renewed) if not broken else None
    if new is not None and not isinstance(new, EvaluationError):
        fresh = attempt(lambda: case.pull(case.run(case.elsewhere, layer=new)))
        used = case.pull(case.run(case.elsewhere))
        broken = {} if isinstance(fresh, EvaluationError) else case.differences(used, fresh)
    return _stale(broken, "after a forward at another point, forward and backward differ from a fresh start")


def has_memory(case: Case) -> bool:
    """Whether forward hands to backward what it needs."""
    return is_steady(case) and case.code.own_memory


def keeps_own_memory(case: Case) -> Broken:
    """What forward hands to backward is all that backward needs, even if forward has been elsewhere since."""
    run = case.run()
    if not _elsewhere(case):
        return {}
    return _stale(case.differences(case.pull(run)), "backward differs if forward has run elsewhere since")


def _elsewhere(case: Case) -> bool:
    """Call forward and backward at the other point; it may lie outside the function's domain."""
    return not isinstance(attempt(lambda: case.pull(case.run(case.elsewhere))), EvaluationError)


def _stale(broken: Broken, fact: str) -> Broken:
    return {name: f"{fact}: {how}" for name, how in broken.items()}


def shapes(case: Case) -> Broken:
    """Every gradient has the shape of its input."""
    found = {name: (array, case.problem.primals[name].shape) for name, array in case.reference.items()}
    return {
        name: f"the gradient of {name} has the shape {array.shape} instead of {tuple(map(int, shape))}"
        for name, (array, shape) in found.items()
        if array is not None and name in case.inputs and array.shape != shape
    }


def kinds(case: Case) -> Broken:
    """The gradient of a real input is real, of a complex one complex or real, and of none an integer."""
    broken = {}
    for name in case.inputs:
        array, wanted = case.reference[name], case.problem.primals[name].dtype
        if array is not None and array.dtype.kind in ("iub" if wanted.kind == "c" else "ciub"):
            fact = f"the gradient of {name} is {KINDS[array.dtype.kind]} ({array.dtype})"
            broken[name] = f"{fact}, and {name} is {wanted}"
    return broken


def precision(case: Case) -> Broken:
    """The gradient is no coarser than its input."""
    broken = {}
    for name in case.inputs:
        array, wanted = case.reference[name], case.problem.primals[name].dtype
        if (
            array is not None
            and array.dtype.kind in "fc"
            and np.finfo(array.dtype).eps > np.finfo(wanted).eps
        ):
            broken[name] = f"the gradient of {name} is {array.dtype}, and {name} is {wanted}"
    return broken


def can_be_unused(case: Case) -> bool:
    """Whether there is another point to see by whether the outputs depend on an input."""
    return is_steady(case) and case.smooth


def unused(case: Case) -> Broken:
    """An input that no output depends on has a gradient of zero, but for round-off.

    Outputs that stay the same may still be computed from it, as from a bias before batch norm.
    """
    return {
        name: f"no output changes with {name}, and its gradient is as large as {size:.2g}"
        for name in case.inputs
        if (size := _beyond_round_off(case, name)) and _changes_nothing(case, name)
    }


def _changes_nothing(case: Case, name: str) -> bool:
    """Whether the outputs stay exactly the same when an input alone goes elsewhere."""
    if np.array_equal(case.elsewhere[name], case.problem.primals[name]):
        return False
    moved = {**case.problem.primals, name: case.elsewhere[name]}
    there = attempt(lambda: case.values(moved))
    return not isinstance(there, EvaluationError) and not changed(case.values(), there)


def _beyond_round_off(case: Case, name: str) -> float:
    """Largest entry of a gradient that is more than what round-off leaves where all cancels; 0 for none."""
    gradient = case.reference[name]
    if gradient is None or not all((output, name) in case.jacobians for output in case.cotangents):
        return 0.0  # one of the wrong shape is told as such
    size = np.abs(numbers(case, name, gradient)).reshape(-1)
    *_, floor = products(case.problem, case.claim, case.jacobians, case.cotangents, name)
    return float(np.max(size, initial=0.0, where=size > floor))
