"""The protocol behind which everything that can be checked looks alike.

A *function* maps named input arrays to named output arrays. A *claim* is somebody's statement of its
derivative: the user's formula, the backward that a layer brings along, or the engine's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.shapes import Shape

Arrays = Mapping[str, Array]
Linear = Callable[[Arrays], Arrays]  # cotangents → gradients, or tangents → output tangents
Pair = tuple[str, str]  # output, input


@dataclass(frozen=True)
class ArrayType:
    """Shape and dtype of an array that is yet to be computed."""

    shape: Shape
    dtype: np.dtype[Any]

    @property
    def differentiable(self) -> bool:
        """Whether a derivative of such values makes sense: floating, not integer or boolean."""
        return bool(np.issubdtype(self.dtype, np.inexact))


class Function(Protocol):
    """y₀, y₁, … = f(x₀, x₁, …), by name."""

    @property
    def inputs(self) -> Mapping[str, ArrayType]:
        """Shapes and dtypes of the inputs."""

    @property
    def outputs(self) -> Mapping[str, ArrayType]:
        """Shapes and dtypes of the outputs."""

    def along(self, varying: str, primals: Arrays) -> Callable[[Array], Arrays]:
        """Return f as a function of one input, the others fixed at ``primals``."""


@dataclass(frozen=True, kw_only=True)
class Misfit:
    """A claim that cannot be right whatever its values: its shapes do not fit.

    ``shape`` is the shape that the claim has instead of the one it must have, where it has one.
    """

    message: str
    shape: Shape | None = None


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement about ∂output/∂input for some pairs, as a linear map once a point is given.

    ``linearize(primals)`` returns, by ``kind``:

    * ``vjp``: cotangents by output → dL/d(input) by input, for the inputs of ``pairs``;
    * ``jvp``: tangents by input → d(output) by output, for the outputs of ``pairs``;
    * ``jacobian``: anything → the explicit array, under the input's name.
    """

    kind: Literal["vjp", "jvp", "jacobian"]
    label: str  # "vjp", "jvp", "jacobian" for the user's, "engine vjp", "engine jvp" for ours
    pairs: tuple[Pair, ...]
    linearize: Callable[[Arrays], Linear] | None  # None: no value at all, see ``misfit``
    misfit: Misfit | None = None
    ignores_seed: bool = False  # the value does not vary with the cotangent (or tangent) at all

    @property
    def inputs(self) -> tuple[str, ...]:
        """The inputs that the claim is about, in order."""
        return tuple(dict.fromkeys(name for _, name in self.pairs))

    @property
    def outputs(self) -> tuple[str, ...]:
        """The outputs that the claim is about, in order."""
        return tuple(dict.fromkeys(name for name, _ in self.pairs))


@dataclass(frozen=True, kw_only=True)
class Link:
    """One step of a declared chain: ``target`` as a function of ``source``, all else held fixed.

    ``bypass`` tells that the chain's end is also reached on a way around ``source``.
    """

    source: str
    target: str
    function: Function
    engine: Claim
    value_of_source: Callable[[Arrays], Arrays]
    bypass: bool = False


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What a check is about: the function, the claims under test, the engine's own, the chain."""

    function: Function
    claims: tuple[Claim, ...]
    engine: tuple[Claim, ...] = ()
    links: tuple[Link, ...] = ()
    whole: Link | None = None  # from the chain's start to its end
    unchecked: tuple[Pair, ...] = ()  # claimed, but the spec's ``wrt`` leaves the input out
    unrelated: frozenset[Pair] = frozenset()  # the output is not computed from the input, though others are
