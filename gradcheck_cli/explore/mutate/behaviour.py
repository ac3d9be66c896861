"""Ways to be wrong that a single array does not show: the second part of the table.

Single Jacobian entries, what is not linear in the cotangent, what is wrong at special values only, and what
only code can do: state, chance, writing where it must not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from gradcheck_cli.analytic import basis
from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.explore.mutate.corruption import FAR, Change, Corruption
from gradcheck_cli.explore.mutate.site import Moment, Site
from gradcheck_cli.functions.base import Arrays
from gradcheck_cli.shapes import count

NOISE = 1e-3
ALONE = "single-entry"


def behaviours(site: Site) -> Iterator[Corruption]:
    """Yield all ways to misbehave that there are for a claim of this kind."""
    if site.kind != "jacobian":
        yield from _entries(site)
        yield from _seeds(site)
    yield from _entry_of_array(site)
    yield from _special(site)
    yield from _exchanged(site)
    if site.is_layer:
        yield from _calls()


def _of_code(name: str, code: str, change: Change) -> Corruption:
    return Corruption(name=name, codes=tuple(code.split()), change=change)


def _entries(site: Site) -> Iterator[Corruption]:
    """Yield one wrong entry of the explicit Jacobian: by a tenth, and at the limit of what can be seen."""
    yield _of_code("one Jacobian entry off by 10 %", ALONE, partial(_one_entry, relative=0.1))
    if 0 < site.detectable < np.inf:
        for name, times, counts in (("twice", 2.0, True), ("half", 0.5, False)):
            change = partial(_one_entry, absolute=times * site.detectable)
            yield replace(
                _of_code(f"one Jacobian entry off by {name} what is detectable", ALONE, change), counts=counts
            )


def _one_entry(moment: Moment, *, relative: float = 0.0, absolute: float = 0.0) -> Array:
    """Add δ u_i at j, where i and j are the output's and the input's index (the other way for a jvp)."""
    if "entry" not in moment.memory:
        moment.memory["entry"] = _large_entry(moment)
    owner, row, column, size = moment.memory["entry"]
    result = np.array(moment.value)
    seed = np.asarray(moment.seeds[owner]).reshape(-1)[row]
    result.reshape(-1)[column] += (relative * size + absolute) * seed.real
    return result


def _large_entry(moment: Moment) -> tuple[str, int, int, float]:
    """Find an entry of the Jacobian that is not small; the first one if all are zero."""
    found = (next(iter(moment.seeds)), 0, 0, 0.0)
    for owner, type_ in moment.site.seeds.items():
        size = count(type_.shape)
        for row in dict.fromkeys((size // 2, 0, size - 1)) if size else ():
            seed = {name: np.zeros_like(one) for name, one in moment.seeds.items()}
            step = 2 * row if type_.is_complex else row
            array = np.asarray(moment.ask({**seed, owner: basis(type_, step, 1.0)})).real.reshape(-1)
            column = int(np.argmax(np.abs(np.nan_to_num(array)))) if array.size else 0
            if array.size and abs(array[column]) > abs(found[3]):
                found = (owner, row, column, float(array[column]))
        if found[3]:
            break
    return found


def _entry_of_array(site: Site) -> Iterator[Corruption]:
    """Yield one wrong entry of the array: a whole column of the Jacobian."""
    if count(site.shape) > 1:
        name = "one entry off by 10 %" if site.kind == "jacobian" else "one entry of the array off by 10 %"
        yield _of_code(name, "single-entry region", _one_of_array)


def _one_of_array(moment: Moment) -> Array:
    if "place" not in moment.memory:
        moment.memory["place"] = int(np.argmax(np.abs(np.nan_to_num(moment.value))))
    result = np.array(moment.value)
    result.reshape(-1)[moment.memory["place"]] *= 1.1
    return result


def _seeds(site: Site) -> Iterator[Corruption]:
    """What does with its cotangent something else than to be linear in it."""
    if not site.claim.ignores_seed:
        ones = "the cotangent" if site.kind == "vjp" else "the tangent"
        yield replace(
            _of_code(f"{ones} ignored: that of ones instead", "ignores-cotangent", _for_ones), static="seed"
        )
        yield _of_code("times its own size", "nonlinear-cotangent", lambda one: one.value * np.abs(one.value))
        yield _of_code("its positive part only", "nonlinear-cotangent", _positive)
        yield _of_code("times the number of seeds that are not 0", "nonlinear-cotangent", _times_dense)


def _for_ones(moment: Moment) -> Array:
    return moment.ask({name: np.ones_like(seed) for name, seed in moment.seeds.items()})


def _positive(moment: Moment) -> Array:
    return np.where(moment.value.real > 0, moment.value, moment.value.dtype.type(0))


def _times_dense(moment: Moment) -> Array:
    number = sum(np.count_nonzero(seed) for seed in moment.seeds.values())
    return np.asarray(moment.value * moment.value.dtype.type(number or 1))


def _special(site: Site) -> Iterator[Corruption]:
    """Wrong where values are special: exact zeros, ties, indices that repeat."""
    if site.kind != "jvp":
        name = site.about
        yield _off_where(f"wrong where {name} is exactly 0", name, _zeros)
        yield _off_where(f"wrong where values of {name} tie", name, _ties)
        if not site.claim.label.startswith("engine"):  # its own derivatives are excused where there is none
            yield _off_where(f"not finite where {name} is exactly 0", name, _zeros, by=np.nan)
    if site.kind == "vjp":
        for one in site.check.inputs:
            if not one.differentiable and one.shape and site.shape:
                yield Corruption(
                    name=f"not added up where {one.name} repeats",
                    codes=("overwritten", "domain"),
                    change=partial(_overwritten, name=one.name),
                    special=partial(_has, name=one.name, where=_ties),
                )


def _off_where(name: str, about: str, where: Callable[[Array], Array], by: float = FAR) -> Corruption:
    return Corruption(
        name=name,
        codes=("domain", "region", "unknown") if np.isnan(by) else ("domain", "region"),
        change=partial(_added, where=where, by=by),
        special=partial(_has, name=about, where=where),
    )


def _has(primals: Arrays, *, name: str, where: Callable[[Array], Array]) -> bool:
    return bool(np.any(where(np.asarray(primals[name]))))


def _zeros(x: Array) -> Array:
    return x == 0


def _ties(x: Array) -> Array:
    """Entries whose value is another entry's too."""
    _, places, counts = np.unique(x, return_inverse=True, return_counts=True)
    return (counts[places] > 1).reshape(x.shape)


def _added(moment: Moment, *, where: Callable[[Array], Array], by: float) -> Array:
    """Add the sum of the seeds, which is a derivative of 1 by every output; of no kink can it be one."""
    assert moment.primal is not None, "only gradients and Jacobians have an input"
    amount = moment.value.dtype.type(by * (moment.total() if moment.seeds else 1.0))
    return np.where(where(moment.primal), moment.value + amount, moment.value)


def _overwritten(moment: Moment, *, name: str) -> Array:
    """Leave out the cotangents at all but the last of equal indices, where these are rows of the array."""
    indices = np.asarray(moment.primals[name])
    if indices.dtype.kind not in "iu" or not indices.size or indices.max() >= moment.value.shape[0]:
        return moment.value
    last = dict(zip(indices.reshape(-1).tolist(), range(indices.size), strict=True))
    kept = np.isin(np.arange(indices.size), list(last.values())).reshape(indices.shape)
    seeds = {owner: _masked(np.asarray(seed), kept) for owner, seed in moment.seeds.items()}
    return moment.ask(seeds)


def _masked(seed: Array, kept: Array) -> Array:
    """Set a cotangent to zero where the indices are not kept, along the axes that it shares with them."""
    rank = kept.ndim
    for first in range(seed.ndim - rank + 1):
        if seed.shape[first : first + rank] == kept.shape:
            rest = seed.ndim - rank - first
            return np.asarray(seed * kept.reshape((1,) * first + kept.shape + (1,) * rest))
    return seed


def _exchanged(site: Site) -> Iterator[Corruption]:
    """Yield the gradients of two inputs exchanged, where they have one shape; once for each two."""
    claims = [one for one in site.subject.claims if one.label == site.claim.label and not one.misfit]
    names = list(dict.fromkeys(name for one in claims for name in one.inputs))
    if site.kind != "vjp" or site.order != 1:
        return
    for other in names[names.index(site.about) + 1 :]:
        if site.subject.function.inputs[other] == site.type_:
            yield Corruption(
                name=f"exchanged with that of {other}",
                codes=("swapped-inputs",),
                change=lambda moment: moment.value,
                exchanged=other,
            )


def _calls() -> Iterator[Corruption]:
    """What a backward may do that is code."""
    yield _of_code("the cotangent read in memory order", "layout-dependent", partial(_reread, read=_in_order))
    yield _of_code("the cotangent's strides ignored", "layout-dependent", partial(_reread, read=_contiguous))
    yield _of_code("the cotangent doubled in place", "mutates-cotangent", _write_seed)
    yield _of_code("the inputs doubled in place", "mutates-input", _write_inputs)
    yield _of_code("that of the call before", "stale-state ignores-cotangent", _stale)
    yield _of_code("added to that of the call before", "stale-state", _added_up)
    yield _of_code("random by 0.1 % at every call", "nondeterministic", _random)


def _reread(moment: Moment, *, read: Callable[[Array], Array]) -> Array:
    seeds: Mapping[str, Array] = {name: read(np.asarray(seed)) for name, seed in moment.seeds.items()}
    unread: Arrays = moment.seeds
    return moment.value if all(seeds[one] is unread[one] for one in seeds) else moment.ask(seeds)


def _in_order(seed: Array) -> Array:
    """Read the entries as they follow one another in memory."""
    return seed if seed.flags.c_contiguous else seed.ravel(order="K").reshape(seed.shape)


def _contiguous(seed: Array) -> Array:
    """Read the memory from its beginning, whatever the strides."""
    memory = seed.base
    if seed.flags.c_contiguous or not isinstance(memory, np.ndarray) or memory.size < seed.size:
        return seed
    return memory.reshape(-1)[: seed.size].reshape(seed.shape)


def _write_seed(moment: Moment) -> Array:
    return _written(moment, moment.seeds)


def _write_inputs(moment: Moment) -> Array:
    return _written(moment, moment.given)


def _written(moment: Moment, arrays: Arrays) -> Array:
    for array in arrays.values():
        if array.flags.writeable and array.dtype.kind in "fc" and array.size:
            np.multiply(array, 2, out=array)
            moment.memory["written"] = True
    return moment.value


def _stale(moment: Moment) -> Array:
    before = moment.memory.get("before", moment.value)
    moment.memory["before"] = moment.value
    return np.asarray(before)


def _added_up(moment: Moment) -> Array:
    moment.memory["before"] = moment.value + moment.memory.get("before", 0)
    return np.asarray(moment.memory["before"])


def _random(moment: Moment) -> Array:
    rng = moment.memory.setdefault("rng", np.random.default_rng(0))
    return np.asarray(moment.value * (1 + NOISE * rng.standard_normal(moment.value.shape)))
