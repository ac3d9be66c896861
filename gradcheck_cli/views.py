"""What ``gradcheck shapes`` and ``functions`` found out, as frozen values: all that a report may read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from gradcheck_cli.result import ExitCode, Fault
from gradcheck_cli.shapes import Shape, count


@dataclass(frozen=True, kw_only=True)
class ArrayShape:
    """An array that has a name: an input, an intermediate or an output.

    ``symbols`` of a shape are its sizes' own texts, see ``shapes.Size``.
    """

    name: str
    shape: Shape
    dtype: str
    itemsize: int

    @property
    def bytes(self) -> int:
        """What the array takes in memory."""
        return count(self.shape) * self.itemsize


@dataclass(frozen=True, kw_only=True)
class Step:
    """One operation of a formula with the shapes of its operands: ``dy (N, M) @ w.T (M, D)``.

    ``target`` is the name that its line assigns, if it is the last operation of the line. ``shapes`` has
    one shape for each result, none for a mere number, or where ``problem`` says what does not fit.
    """

    text: str
    target: str = ""
    shapes: tuple[Shape, ...] = ()
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class JacobianShape:
    """∂output/∂input between any two arrays: its two groups of axes, and what it weighs in bytes."""

    output: str
    input: str
    output_shape: Shape
    input_shape: Shape
    bytes_dense: int
    bytes_vjp: int  # one cotangent and one gradient


@dataclass(frozen=True, kw_only=True)
class ClaimShapes:
    """One claim of a spec: its steps, the shape that it comes to and the shape that it must have."""

    kind: str  # vjp, jvp, jacobian
    key: str  # x; y; y/x
    steps: tuple[Step, ...] = ()
    shape: Shape | None = None
    wanted: Shape = ()
    problem: str = ""

    @property
    def fits(self) -> bool:
        """Tell whether it has the shape that it must have."""
        return not self.problem and self.shape == self.wanted


@dataclass(frozen=True, kw_only=True)
class CheckShapes:
    """The shapes of one check."""

    name: str
    spec: str
    line: int = 1
    expects_failure: bool = False
    dims: Mapping[str, int] = field(default_factory=dict)
    inputs: tuple[ArrayShape, ...] = ()
    steps: tuple[Step, ...] = ()
    outputs: tuple[ArrayShape, ...] = ()
    links: tuple[JacobianShape, ...] = ()
    pairs: tuple[JacobianShape, ...] = ()
    claims: tuple[ClaimShapes, ...] = ()

    @property
    def inner_links(self) -> tuple[JacobianShape, ...]:
        """The links that are no output by an input."""
        pairs = {(pair.output, pair.input) for pair in self.pairs}
        return tuple(link for link in self.links if (link.output, link.input) not in pairs)


@dataclass(frozen=True, kw_only=True)
class ShapeReport:
    """The shapes of all checks, and the faults of the specs; ``budget`` is the memory for one array."""

    checks: tuple[CheckShapes, ...] = ()
    faults: tuple[Fault, ...] = ()
    budget: int = 2**30  # bytes

    @property
    def exit_code(self) -> ExitCode:
        """2 for faulty specs, else 1 where a claim has a wrong shape and should pass, else 0."""
        if self.faults:
            return ExitCode.USAGE
        misfits = any(
            not claim.fits for check in self.checks if not check.expects_failure for claim in check.claims
        )
        return ExitCode.WRONG if misfits else ExitCode.OK


@dataclass(frozen=True, kw_only=True)
class FunctionRow:
    """A function of the formula language."""

    group: str
    name: str
    signature: str
    operator: str = ""  # how a formula writes it without a call
    aliases: tuple[str, ...] = ()
    shapes: str
    vjp: str

    @property
    def call(self) -> str:
        """How to call it: ``softmax(x, axis=None)``; or the operator alone, if there is no call."""
        return f"{self.name}({self.signature})" if self.signature else self.operator
