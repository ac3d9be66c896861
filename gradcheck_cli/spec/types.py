"""A check as its spec states it, resolved: every default merged in, every size a number.

This is the type between the spec's YAML and the engine; nothing downstream knows of YAML.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from gradcheck_cli.result import Fault
from gradcheck_cli.shapes import Shape, Size

if TYPE_CHECKING:
    import numpy as np

Position = tuple[int, int]  # line and column, from 1
PointName = str  # "generic", "generic-2", …, "edge"


@dataclass(frozen=True, kw_only=True)
class Text:
    """A formula as it stands in a spec file, which knows where each of its characters stands.

    ``line_offsets[i]`` is the position in the file of the first character of the formula's line i.
    Where the file's layout is not the text's own, as in folded text or text with escapes, it is not
    ``exact``: then there is one entry only, and every fault points to it.
    """

    text: str
    path: str  # the place in the spec, such as "vjp.x"
    line_offsets: tuple[Position, ...]
    exact: bool = True

    def locate(self, line: int, column: int) -> Position:
        """Position in the file of a line and column of the formula, both counted from 1."""
        if not self.exact or line > len(self.line_offsets):
            return self.line_offsets[0]
        row, first = self.line_offsets[line - 1]
        return row, first + column - 1


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Calls of somebody's code, written down in the spec as Python."""

    forward: Text
    backward: Text | None = None


@dataclass(frozen=True, kw_only=True)
class Code:
    """A function written in Python, and how to call it.

    A target is ``path/file.py:attr`` or ``package.module:attr``, with a dotted attribute or not. For a
    recipe it may be a file or module alone, or nothing at all.
    """

    framework: Literal["python", "torch", "jax"] = "python"
    target: str = ""
    backward: str = ""  # target of the backward, where ``style`` has one of its own
    style: Literal["pure", "stateless", "cache", "pullback"] = "pure"
    recipe: Recipe | None = None
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    training: bool | None = None  # mode of a torch module; None: its own
    path: tuple[str, ...] = ()  # directories for sys.path, relative to the spec as targets are
    setup: Text | None = None  # run once before the import


@dataclass(frozen=True, kw_only=True)
class Sample:
    """How an input is drawn. The domain ``[low, high]`` is closed, and infinite where none is declared."""

    kind: Literal[
        "normal", "uniform", "integers", "positive", "spd", "orthogonal", "permutation", "choice"
    ] = "normal"
    arguments: tuple[float, ...] = ()  # mean, std | low, high | the choices
    symmetric: bool = False

    @property
    def domain(self) -> tuple[float, float]:
        """Smallest and largest value at which the function may be evaluated."""
        if self.kind == "uniform":
            return self.arguments[0], self.arguments[1]
        if self.kind == "integers":
            return self.arguments[0], self.arguments[1] - 1
        if self.kind == "positive":
            return 0.0, float("inf")
        return float("-inf"), float("inf")


@dataclass(frozen=True, kw_only=True)
class InputSpec:
    """One input: its shape, its dtype and where its values come from."""

    name: str
    shape: Shape  # of Size, so that reports can show the symbols
    dtype: str = "float64"
    sample: Sample = Sample()
    value: np.ndarray | None = None  # fixed at every point (``value`` and ``file``)
    center: np.ndarray | None = None  # drawn around these values, at edge points they themselves
    edges: bool = True  # whether it has special values at edge points
    differentiable: bool = True
    position: Position = (1, 1)


@dataclass(frozen=True, kw_only=True)
class OutputSpec:
    """One output's name, and the shape it must have if the spec says so."""

    name: str
    shape: Shape | None = None
    position: Position = (1, 1)


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """``None`` means the default of the dtype (rtol) or none at all (atol)."""

    rtol: float | None = None
    atol: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Elsewhere:
    """The same check at other sizes, where its own may hide a mistake."""

    coincidences: tuple[tuple[str, ...], ...]  # dims that are equal by chance, or one that is 1
    at: Callable[[Mapping[str, int]], CheckSpec | None]  # None: the spec does not fit such sizes


@dataclass(frozen=True, kw_only=True)
class CheckSpec:
    """One check of a spec file, after merging of defaults and expansion of sweeps."""

    name: str
    description: str = ""
    spec: str  # the file, as the user named it
    position: Position = (1, 1)
    dims: Mapping[str, Size] = field(default_factory=dict)
    seed: int = 0
    points: tuple[PointName, ...] = ("generic", "edge")
    inputs: tuple[InputSpec, ...] = ()
    function: Text | Code
    outputs: tuple[OutputSpec, ...] = ()  # empty: the name assigned on the last line; of code y, or y0, y1, …
    vjp: Mapping[str, Text] = field(default_factory=dict)  # by input
    jvp: Mapping[str, Text] = field(default_factory=dict)  # by output
    jacobian: Mapping[tuple[str, str], Text] = field(default_factory=dict)  # by (output, input)
    hvp: Mapping[str, Text] = field(default_factory=dict)  # by input
    order: Literal[1, 2] = 1  # 2: the derivative of the VJP is checked as well
    chain: tuple[str, ...] = ()
    wrt: tuple[str, ...] | None = None
    tolerance: Tolerance = Tolerance()
    kinks: Literal["subgradient", "fail", "move"] = "subgradient"
    mode: Literal["auto", "dense", "structured", "probe"] = "auto"
    expect: Literal["pass", "fail"] = "pass"
    expect_code: str | None = None
    allow: frozenset[str] = frozenset()
    timeout: float | None = None
    positions: Mapping[str, Position] = field(default_factory=dict)  # "vjp.x" → where it stands
    elsewhere: Elsewhere | None = None  # None: its sizes hide nothing

    def with_inputs(self, further: tuple[InputSpec, ...]) -> CheckSpec:
        """Add the inputs that a function brings along to those that the spec states."""
        stated = {one.name for one in self.inputs}
        added = tuple(one for one in further if one.name not in stated)
        return replace(self, inputs=(*self.inputs, *added)) if added else self

    def locate(self, path: str) -> Position:
        """Position in the file of a path such as ``vjp.x``, or of its nearest ancestor that is written."""
        while path and path not in self.positions:
            path = path.rpartition(".")[0]
        return self.positions.get(path, self.position)

    def fault(self, message: str, path: str = "", position: Position | None = None) -> Fault:
        """Make a fault of this check at a path of the spec, or at a given position."""
        line, column = position or self.locate(path)
        return Fault(spec=self.spec, message=message, line=line, column=column, path=path)
