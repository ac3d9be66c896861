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
from gradcheck_cli.errors import EvaluationError, Frame
from gradcheck_cli.parts import is_complex, part_dtype, part_shape, split_index
from gradcheck_cli.shapes import Shape
from gradcheck_cli.spec.types import CheckSpec, InputSpec

Arrays = Mapping[str, Array]
Linear = Callable[[Arrays], Arrays]  # cotangents → gradients, or tangents → output tangents
Pair = tuple[str, str]  # output, input
NO_VALUE = (ArithmeticError, np.linalg.LinAlgError)  # what a function raises outside its domain


@dataclass(frozen=True)
class ArrayType:
    """Shape and dtype of an array that is yet to be computed."""

    shape: Shape
    dtype: np.dtype[Any]

    @property
    def differentiable(self) -> bool:
        """Whether a derivative of such values makes sense: floating, not integer or boolean."""
        return bool(np.issubdtype(self.dtype, np.inexact))

    @property
    def is_complex(self) -> bool:
        """Whether every entry has a real and an imaginary part."""
        return is_complex(self.dtype)

    @property
    def parts(self) -> ArrayType:
        """Type of the array's parts, see ``parts``; of a real array its own."""
        return ArrayType(part_shape(self.shape, self.dtype), part_dtype(self.dtype))

    def entry(self, place: int) -> tuple[tuple[int, ...], str]:
        """Index of an entry, and ``real`` or ``imag`` if it is complex, from a flat index of the parts."""
        index = tuple(map(int, np.unravel_index(place, self.parts.shape))) if self.parts.shape else ()
        return split_index(index, self.dtype)


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


class Run(Protocol):
    """One forward call of a layer, with the very arrays that went in and came out."""

    @property
    def inputs(self) -> Arrays:
        """The arrays that the function was given, as they are now."""

    @property
    def outputs(self) -> Arrays:
        """The arrays that it returned, as they are now."""

    def pull(self, cotangents: Arrays) -> Mapping[str, Array | None]:
        """Call backward with these very arrays; return copies of its gradients, None where it gave none.

        Inputs that it does not speak of are left out.
        """


class Layer(Protocol):
    """A function with a backward of its own: code, which may keep, change and mix up what it is given."""

    @property
    def own_memory(self) -> bool:
        """Whether all that backward needs is handed to it, so that other forward calls cannot matter."""

    @property
    def repeatable(self) -> bool:
        """Whether backward may be called more than once after one forward, and must give the same."""

    def run(self, primals: Arrays) -> Run:
        """Call forward with fresh copies."""

    def renewed(self) -> Layer | None:
        """Return the layer as if nobody had called it yet, if that can be had."""

    def second(self) -> Layer | None:
        """Return the layer's backward as a layer, if its own backward can be had.

        Its inputs are this one's and the cotangents dNAME of the outputs, its outputs the gradients dNAME.
        """


@dataclass(frozen=True, kw_only=True)
class Misfit:
    """A claim that cannot be right whatever its values: its shapes do not fit, or its dtype.

    ``shape`` is the shape that the claim has instead of the one it must have, where it has one; ``exchanged``
    says so where it is that of another input, and this one's is found there.
    """

    message: str
    shape: Shape | None = None
    code: Literal["wrong-shape", "wrong-dtype"] = "wrong-shape"
    exchanged: str = ""


@dataclass(frozen=True, kw_only=True)
class Wording:
    """How a claim is written as a formula, and what another text in its place would claim."""

    text: str
    names: Mapping[str, Shape]  # of the arrays that it may use
    seeds: tuple[str, ...]  # of these the cotangents or tangents
    reads: Callable[[str], Claim | None]  # None for a text that is no formula, or whose shape does not fit


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A statement about ∂output/∂input for some pairs, as a linear map once a point is given.

    ``linearize(primals)`` returns, by ``kind``:

    * ``vjp``: cotangents by output → dL/d(input) by input, for the inputs of ``pairs``;
    * ``jvp``: tangents by input → d(output) by output, for the outputs of ``pairs``;
    * ``jacobian``: anything → the explicit array, under the input's name.
    """

    kind: Literal["vjp", "jvp", "jacobian"]
    # "vjp", "jvp", "jacobian", "hvp", "backward", "forward mode", "double backward" for the user; "engine …"
    label: str
    pairs: tuple[Pair, ...]
    linearize: Callable[[Arrays], Linear] | None  # None: no value at all, see ``misfit``
    misfit: Misfit | None = None
    ignores_seed: bool = False  # the value does not vary with the cotangent (or tangent) at all
    inside: Function | None = None  # its formula, as a function of the inputs and the cotangents or tangents
    layer: Layer | None = None  # the code behind a backward
    wording: Wording | None = None  # of a formula

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
    pairs: tuple[Pair, ...]  # every output by every input that is to be checked
    engine: tuple[Claim, ...] = ()  # none for a function whose inside is not known
    links: tuple[Link, ...] = ()
    whole: Link | None = None  # from the chain's start to its end
    unchecked: tuple[Pair, ...] = ()  # claimed, but the spec's ``wrt`` leaves the input out
    unrelated: frozenset[Pair] = frozenset()  # the output is not computed from the input, though others are
    problem: str = ""  # why the function cannot be asked at all: its code does not run
    traceback: tuple[Frame, ...] = ()  # of that problem
    parameters: tuple[InputSpec, ...] = ()  # inputs that the code brings along, beside those of the spec
    second: Second | None = None  # with ``order: 2``
    known: dict[Any, Any] | None = None  # what has been found out about the function, to be kept; see problem
    wide: Subject | None = (
        None  # the same in double precision, claim for claim; None where it is that already
    )

    def require_code(self) -> None:
        """Refuse to go on with code that does not run.

        Raises
        ------
        EvaluationError
            If there is a ``problem``.
        """
        if self.problem:
            raise EvaluationError(self.problem, frames=self.traceback)


@dataclass(frozen=True, kw_only=True)
class Second:
    """The VJP as a function of its own, (inputs, cotangents) → gradients, and the check of its derivative."""

    check: CheckSpec
    subject: Subject
