"""Layers around other layers, such as those whose backward is corrupted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.functions.base import Arrays
from gradcheck_cli.functions.layer import Call, CodeLayer

KEPT: Final = frozenset({"entry", "place"})  # of a corruption's memory: what it is, not what has happened

Gradients = Mapping[str, Array | None]


@dataclass(frozen=True, kw_only=True)
class BackwardCall:
    """One call of a backward: what it is asked, and how to ask the right one.

    ``given`` are the arrays that forward was called with, ``memory`` is carried from call to call.
    """

    primals: Arrays
    given: Arrays
    cotangents: Arrays
    ask: Callable[[Arrays], Gradients]
    memory: dict[str, Any]


Spoil = Callable[[BackwardCall], Gradients]


@dataclass(frozen=True, kw_only=True)
class Wrapped(CodeLayer):
    """A layer around another one of the same names."""

    inner: CodeLayer

    @classmethod
    def around(cls, inner: CodeLayer, **further: Any) -> Any:
        """Wrap a layer."""
        names = ("names", "inputs", "workspace", "outputs", "parameters")
        return cls(**{name: getattr(inner, name) for name in names}, inner=inner, **further)

    @property
    def has_backward(self) -> bool:
        """Whether it brings gradients along."""
        return self.inner.has_backward

    @property
    def own_memory(self) -> bool:
        """Whether all that backward needs is handed to it."""
        return self.inner.own_memory

    @property
    def repeatable(self) -> bool:
        """Whether backward may be called more than once after one forward."""
        return self.inner.repeatable

    def push(self, primals: Arrays, tangents: Arrays) -> list[Array] | None:
        """Tangents of the outputs by the code's own forward mode."""
        return self.inner.push(primals, tangents)


@dataclass(frozen=True, kw_only=True)
class Corrupted(Wrapped):
    """A layer whose backward's result is spoilt."""

    spoil: Spoil
    memory: dict[str, Any] = field(default_factory=dict)

    def call(self, primals: Arrays) -> Call:
        """Call forward; backward is spoilt."""
        call = self.inner.call(primals)

        def again(cotangents: Arrays) -> Gradients:
            return self.inner.run(primals).pull(cotangents)

        def pull(cotangents: Arrays) -> Mapping[str, object]:
            asked = BackwardCall(
                primals=primals, given=call.given, cotangents=cotangents, ask=again, memory=self.memory
            )
            return self.spoil(asked)

        return replace(call, pull=pull)

    def renewed(self) -> CodeLayer:
        """Return it as if nobody had called it yet."""
        inner = self.inner.renewed() or self.inner
        return replace(self, inner=inner, memory={key: self.memory[key] for key in KEPT & self.memory.keys()})
