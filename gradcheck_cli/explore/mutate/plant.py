"""Puts a corruption into a subject: a claim that says something else, a layer whose backward does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.explore.mutate.corruption import Corruption
from gradcheck_cli.explore.mutate.layers import BackwardCall, Corrupted, Gradients, Spoil
from gradcheck_cli.explore.mutate.site import Difference, Moment, Site
from gradcheck_cli.functions.backward import backward_claims
from gradcheck_cli.functions.base import Arrays, Claim, Linear, Misfit, Pair, Subject
from gradcheck_cli.functions.layer import CodeLayer
from gradcheck_cli.problem import symmetric_part
from gradcheck_cli.shapes import show
from gradcheck_cli.spec.sample import draw
from gradcheck_cli.spec.types import CheckSpec


@dataclass
class Planted:
    """A corruption at its site, and what it has changed so far."""

    site: Site
    corruption: Corruption
    difference: Difference = field(default_factory=Difference)
    memory: dict[str, Any] = field(default_factory=dict)

    def spoilt(self, moment: Moment) -> Array:
        """Corrupt an array, and take note of whether that makes a difference."""
        with np.errstate(all="ignore"):
            result = self.corruption.change(moment)
        self.difference.otherwise |= moment.memory.pop("written", False)
        self._compare(moment, result)
        return result

    def _compare(self, moment: Moment, result: Array) -> None:
        """See whether it differs as the check sees it: within symmetric matrices where inputs are such."""
        if self.site.kind == "jvp" and self.site.symmetric & moment.seeds.keys():
            seeds = {
                name: symmetric_part(seed) if name in self.site.symmetric else seed
                for name, seed in moment.seeds.items()
            }
            moment = replace(moment, seeds=seeds, value=moment.ask(seeds))
            result = self.corruption.change(moment)
        own = self.site.kind == "vjp" and self.site.about in self.site.symmetric
        self.difference.see(result, moment.value, symmetric=own)


def into(planted: Planted, check: CheckSpec, subject: Subject, *, alone: bool) -> tuple[CheckSpec, Subject]:
    """Return check and subject with the corruption in them; ``alone`` leaves out what is about other inputs.

    What is alone and fails would fail among others as well.
    """
    site = planted.site
    if not alone:
        return check, _planted(planted, check, subject)
    names = {site.about, planted.corruption.exchanged} - {""}
    if site.kind != "jvp":
        wrt = tuple(one.name for one in check.inputs if one.name in names)
        check, subject = replace(check, wrt=wrt), _narrowed(subject, lambda pair: pair[1] in names)
    return check, _planted(planted, check, _with_one_claim(subject, site))


def _is_about(claim: Claim, site: Site) -> bool:
    """Whether a claim is the site's, or that of another input in the same words."""
    return claim.label == site.claim.label and (site.kind != "jacobian" or claim.pairs == site.claim.pairs)


def _with_one_claim(subject: Subject, site: Site) -> Subject:
    """Leave out other claims, the chain's too."""
    claims = tuple(one for one in subject.claims if _is_about(one, site))
    wide = subject.wide and _with_one_claim(subject.wide, site)
    return replace(subject, claims=claims, links=(), whole=None, wide=wide)


def _narrowed(subject: Subject, holds: Callable[[Pair], bool]) -> Subject:
    """Leave out what is about other pairs."""
    claims, engine = (
        tuple(replace(one, pairs=pairs) for one in many if (pairs := tuple(filter(holds, one.pairs))))
        for many in (subject.claims, subject.engine)
    )
    wide = subject.wide and _narrowed(subject.wide, holds)
    pairs = tuple(filter(holds, subject.pairs))
    return replace(subject, claims=claims, engine=engine, pairs=pairs, wide=wide)


def _planted(planted: Planted, check: CheckSpec, subject: Subject) -> Subject:
    """Plant it into the claims, and into those in double precision."""
    wide = subject.wide and _planted(planted, check, subject.wide)
    found = (_in_layer if planted.site.is_layer else _in_claims)(planted, check, subject)
    # No formula stands for what is planted, so that none can be mended.
    claims = tuple(replace(one, wording=None) for one in found)
    return replace(subject, claims=claims, wide=wide)


def _in_claims(planted: Planted, check: CheckSpec, subject: Subject) -> tuple[Claim, ...]:
    site, other = planted.site, planted.corruption.exchanged
    found: list[Claim] = []
    for claim in subject.claims:
        named = claim.outputs if site.kind == "jvp" else claim.inputs
        hit = [name for name in (site.about, other) if name in named]
        if not hit or not _is_about(claim, site):
            found.append(claim)
        elif other:
            found.append(_exchanged(planted, subject, claim))
        elif planted.corruption.static:
            found += _split(planted, check, claim)
        else:
            found.append(replace(claim, linearize=_linearizer(planted, claim)))
    return tuple(found)


def _linearizer(planted: Planted, claim: Claim) -> Callable[[Arrays], Linear] | None:
    """Ask the claim, and corrupt what it gives for one array."""
    about, original = planted.site.about, claim.linearize
    assert original is not None, "a claim that passes has a value"

    def linearize(primals: Arrays) -> Linear:
        linear = original(primals)

        def call(seeds: Arrays) -> Arrays:
            found = linear(seeds)
            moment = Moment(
                site=planted.site,
                value=np.asarray(found[about]),
                seeds=seeds,
                primals=primals,
                ask=lambda others: np.asarray(linear(others)[about]),
                memory=planted.memory,
            )
            return {**found, about: planted.spoilt(moment)}

        return call

    return linearize


def _exchanged(planted: Planted, subject: Subject, claim: Claim) -> Claim:
    """Let a claim say of either input what is said of the other one."""
    partner = {planted.site.about: planted.corruption.exchanged}
    partner |= {other: one for one, other in partner.items()}
    claims = [one for one in subject.claims if _is_about(one, planted.site)]
    sources = {name: next(one for one in claims if name in one.inputs) for name in partner}

    def linearize(primals: Arrays) -> Linear:
        linears = {name: one.linearize(primals) for name, one in sources.items() if one.linearize}

        def call(seeds: Arrays) -> Arrays:
            given = {name: np.asarray(linear(seeds)[name]) for name, linear in linears.items()}
            for one, other in partner.items():
                planted.difference.see(given[one], given[other])
            own = dict(claim.linearize(primals)(seeds)) if claim.linearize else {}
            return own | {name: given[other] for name, other in partner.items()}

        return call

    return replace(claim, linearize=linearize)


def _split(planted: Planted, check: CheckSpec, claim: Claim) -> list[Claim]:
    """Make a claim of its own of one array whose text alone shows that it is wrong."""
    site = planted.site
    side = 0 if site.kind == "jvp" else 1
    rest = tuple(pair for pair in claim.pairs if pair[side] != site.about)
    own = tuple(pair for pair in claim.pairs if pair[side] == site.about)
    claims = [replace(claim, pairs=rest)] if rest else []
    if planted.corruption.static == "seed":
        spoilt = replace(claim, pairs=own, linearize=_linearizer(planted, claim), ignores_seed=True)
    else:
        planted.difference.otherwise = True
        spoilt = replace(claim, pairs=own, misfit=_misfit(planted, check))
    return [*claims, spoilt]


def _misfit(planted: Planted, check: CheckSpec) -> Misfit:
    """Say what a formula's compilation would say of it."""
    site = planted.site
    moment = Moment(
        site=site, value=np.zeros(site.shape), seeds={}, primals={}, ask=lambda _: np.zeros(site.shape)
    )
    shape = planted.corruption.change(moment).shape
    what = "Jacobian" if site.kind == "jacobian" else f"derivative for {site.about}"
    fact = f"the {what} has the shape {show(shape)}, it must be {show(site.shape)}"
    if planted.corruption.static == "dtype":
        fact = f"the {what} is complex128, and {site.about} is real; write real(…) for the real part"
    message = str(check.fault(fact, f"{site.claim.kind}.{site.about}"))
    code = "wrong-dtype" if planted.corruption.static == "dtype" else "wrong-shape"
    return Misfit(message=message, shape=shape, code=code)  # type: ignore[arg-type]


def _in_layer(planted: Planted, check: CheckSpec, subject: Subject) -> tuple[Claim, ...]:
    """Make the claims of a backward anew, as if its code were the corrupted one."""
    layer = next(one.layer for one in subject.claims if one.layer is not None)
    assert isinstance(layer, CodeLayer), "a layer of the first order is code"
    primals = draw(check.inputs, seed=check.seed, point=check.points[0])
    typed = {name: np.asarray(primals[name], type_.dtype) for name, type_ in layer.inputs.items()}
    corrupted = Corrupted.around(layer, spoil=_spoiler(planted), memory=planted.memory)
    others = tuple(one for one in subject.claims if one.layer is None)
    return (*backward_claims(check, corrupted, typed), *others)


def _spoiler(planted: Planted) -> Spoil:
    """Return what becomes of the gradients of one call of backward."""
    about, other = planted.site.about, planted.corruption.exchanged

    def spoil(call: BackwardCall) -> Gradients:
        found = dict(call.ask(call.cotangents))
        value, second = found.get(about), found.get(other)
        if value is None or (other and second is None):
            return found
        if second is not None:
            planted.difference.see(value, second)
            return {**found, about: second, other: value}
        moment = Moment(
            site=planted.site,
            value=value,
            seeds=call.cotangents,
            primals=call.primals,
            ask=lambda others: _or_zero(call.ask(others).get(about), value),
            memory=call.memory,
            given=call.given,
        )
        return {**found, about: planted.spoilt(moment)}

    return spoil


def _or_zero(found: Array | None, like: Array) -> Array:
    return np.zeros_like(like) if found is None else found
