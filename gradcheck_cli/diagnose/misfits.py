"""Claims that cannot be right whatever their values: what their shape tells."""

from __future__ import annotations

from collections.abc import Iterator

from gradcheck_cli.diagnose.case import Found
from gradcheck_cli.functions.base import Misfit
from gradcheck_cli.shapes import Shape
from gradcheck_cli.tally import Tally


def misfits(tally: Tally) -> Iterator[Found]:
    """Say what a claim's shape or dtype tells of its cause."""
    misfit, wanted = tally.claim.misfit, tally.input_shape
    assert misfit is not None
    given = misfit.shape
    if misfit.code != "wrong-shape":
        yield Found(misfit.code, misfit.message, 0.0)
        return
    if misfit.exchanged:
        yield Found("swapped-inputs", f"{misfit.message}; {misfit.exchanged}", 0.0)
    is_vjp = tally.claim.kind == "vjp" and given is not None
    if is_vjp and given is not None and given == wanted[::-1] != wanted:
        yield Found("transposed", f"{misfit.message}; its transpose has the right shape", 0.3)
    if is_vjp and given is not None and (_stretches(wanted, given) or _left_over(wanted, given)):
        yield _not_summed(tally.pair[1], misfit, wanted, given)
    yield Found("wrong-shape", misfit.message, 0.2)


def _not_summed(name: str, misfit: Misfit, wanted: Shape, given: Shape) -> Found:
    """Write the sum that undoes a broadcast; an axis of size 1 too many is a matter of shape."""
    lead = len(given) - len(wanted)
    if _stretches(wanted, given):
        stretched = [lead + axis for axis, size in enumerate(wanted) if given[lead + axis] != size]
        axes = [*range(lead), *stretched]
    else:
        stretched, axes = [], _left_over(wanted, given)
    written = axes[0] if len(axes) == 1 else tuple(axes)
    message = f"{misfit.message}; sum it over axis {written}: {name} was broadcast along it"
    kept = stretched and all(wanted[axis - lead] == 1 for axis in stretched)
    hint = ", with keepdims" if kept and not lead else ""
    rank = 0.1 if any(given[axis] != 1 for axis in axes) else 0.3
    return Found("not-summed", f"{message}{hint}", rank)


def _left_over(shape: Shape, wider: Shape) -> list[int]:
    """Axes of ``wider`` without which it is ``shape``, the last where there is a choice; none if never."""
    axes, rest = [], list(shape)
    for axis, size in enumerate(wider):
        if rest and rest[0] == size:
            rest.pop(0)
        else:
            axes.append(axis)
    return axes if not rest and shape else []


def _stretches(shape: Shape, wider: Shape) -> bool:
    """Whether broadcasting stretches ``shape`` to ``wider``."""
    tail = wider[len(wider) - len(shape) :]
    return len(wider) >= len(shape) and all(one in (1, two) for one, two in zip(shape, tail, strict=True))
