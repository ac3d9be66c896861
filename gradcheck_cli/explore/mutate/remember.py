"""What a check asks again for every corruption, asked once: the claims, the engine, the code.

What has passed its check keeps no state and repeats itself, so that equal calls need not be made again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.explore.mutate.layers import Wrapped
from gradcheck_cli.functions.base import Arrays, Claim, Linear, Subject
from gradcheck_cli.functions.code import CodeFunction
from gradcheck_cli.functions.layer import Call, CodeLayer

MOST: Final = 2**27  # bytes of results that are kept


def remembering(subject: Subject) -> Subject:
    """Let everything be asked once that is asked often."""
    claims = [*subject.claims, *subject.engine]
    layers = {id(one.layer): one.layer for one in claims if isinstance(one.layer, CodeLayer)}
    kept = {key: Remembering.around(layer) for key, layer in layers.items()}
    named = {id(one): _remembered(replace(one, layer=kept.get(id(one.layer), one.layer))) for one in claims}
    function = subject.function
    if isinstance(function, CodeFunction):
        function = CodeFunction(kept.get(id(function.layer)) or Remembering.around(function.layer))
    return replace(
        subject,
        function=function,
        claims=tuple(named[id(one)] for one in subject.claims),
        engine=tuple(named[id(one)] for one in subject.engine),
        wide=subject.wide and remembering(subject.wide),
        known={},
    )


@dataclass
class Store:
    """Results by what they were asked with; forgotten all at once when they become too many."""

    results: dict[bytes, Any] = field(default_factory=dict)
    size: int = 0

    def get(self, key: bytes, make: Callable[[], dict[str, Array | None]]) -> dict[str, Array | None]:
        """Return fresh copies of a result, which is made when it is not known."""
        if key not in self.results:
            found = make()
            self.size += sum(one.nbytes for one in found.values() if one is not None)
            if self.size > MOST:
                self.results.clear()
                self.size = 0
            self.results[key] = found
        return {name: None if one is None else np.array(one) for name, one in self.results[key].items()}


@dataclass(frozen=True, kw_only=True)
class Remembering(Wrapped):
    """A layer that is called once for all calls that are equal."""

    store: Store = field(default_factory=Store)

    def call(self, primals: Arrays) -> Call:
        """Return what forward has returned to these primals."""
        key = _key(primals)

        def pull(cotangents: Arrays) -> Mapping[str, object]:
            fresh = {name: np.array(one, order="C") for name, one in cotangents.items()}
            return self.store.get(key + _key(fresh), lambda: dict(self.inner.run(primals).pull(fresh)))

        outputs = self.store.get(
            key, lambda: {name: np.array(one) for name, one in self.inner.run(primals).outputs.items()}
        )
        values: Sequence[Array] = [one for one in outputs.values() if one is not None]
        return Call(self.copies(primals), values, pull)

    def renewed(self) -> CodeLayer:
        """Return itself: it has no state."""
        return self


def _remembered(claim: Claim) -> Claim:
    """Return a claim that answers from memory what it has been asked before."""
    original, store = claim.linearize, Store()
    if original is None:
        return claim

    def linearize(primals: Arrays) -> Linear:
        point, linears = _key(primals), list[Linear]()

        def call(seeds: Arrays) -> Arrays:
            def make() -> dict[str, Array | None]:
                linears[:] = linears or [original(primals)]
                return {name: np.asarray(array) for name, array in linears[0](seeds).items()}

            found = store.get(point + _key(seeds), make)
            return {name: array for name, array in found.items() if array is not None}

        return call

    return replace(claim, linearize=linearize)


def _key(arrays: Arrays) -> bytes:
    digest = blake2b(digest_size=16)
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype}".encode())
        digest.update(array.tobytes())
    return digest.digest()
