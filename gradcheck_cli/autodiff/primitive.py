"""What a primitive is: a row of data with a shape rule, a forward, its derivatives and their texts.

For out = f(x₁, …, x_k) the table holds, per operand,

* a VJP  ``(g, out, *xs, **static) → gᵀ ∂out/∂x_i``, of the shape of x_i, g of the shape of out;
* a JVP  ``(t, out, *xs, **static) → ∂out/∂x_i · t``, of the shape of out (or broadcastable to it).

Both are written with NumPy's pure functions only, without writes into arrays, so that they can be
traced or batched in their turn; all but ``indexing.add_at`` and ``scatter_add``, which add gradients up in
a new array at the entries that an index names, for which NumPy has no pure function. ``None`` in place of
one says: the output does not vary with it.

What else is to be known about an operation, such as how to run a batch of it, is one more field.

The gradient of a real L by a complex z is ∂L/∂Re z + i ∂L/∂Im z, and a cotangent g of a complex out stands
for L = Re Σ conj(g) out: ⟨g, out⟩ is the product of their real coordinates. For a holomorphic f with
f'(z) = rule(1) the VJP is then conj(f'(z)) g = conj(rule(conj(g))), so that its row is written once, for
real and complex operands alike; see ``Plan.pullback``.
"""

from __future__ import annotations

import ast
import enum
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, overload

import numpy as np
import numpy.typing as npt

from gradcheck_cli.parts import is_complex, part_dtype
from gradcheck_cli.shapes import Shape

Array = npt.NDArray[Any]
Rule = Callable[..., Any]


def promoted(*dtypes: npt.DTypeLike | complex) -> np.dtype[Any]:
    """Result type by NumPy's rule; Python scalars are weak and do not widen an array's dtype."""
    return np.result_type(*dtypes)


def resolved(ufunc: np.ufunc) -> Rule:
    """Result type as the ufunc itself finds it; TypeError where it has no loop, as in mask - mask."""

    def dtype(*kinds: Any) -> np.dtype[Any]:
        weak = (int, float, complex)
        given = [type(kind) if type(kind) in weak else np.result_type(kind) for kind in kinds]
        return ufunc.resolve_dtypes((*given, None))[-1]

    return dtype


def summed(kind: Any) -> np.dtype[Any]:
    """Result type of a sum: masks and integers are counted in int64."""
    return np.result_type(kind) if np.issubdtype(np.result_type(kind), np.inexact) else np.dtype(np.int64)


def boolean(*_dtypes: object) -> np.dtype[Any]:
    """Result type of a comparison."""
    return np.dtype(bool)


def integer(*_dtypes: object) -> np.dtype[Any]:
    """Result type of what returns positions."""
    return np.dtype(np.int64)


def component(kind: Any) -> np.dtype[Any]:
    """Result type of the real or imaginary part, or of the modulus: complex64 has float32."""
    return part_dtype(np.result_type(kind))


def as_array(value: Any) -> Array:
    """Take numbers for an array by a function that a tracer sees, as it does not see ``np.asarray``."""
    return np.expand_dims(value, ())


def rounded(array: Any, dtype: npt.DTypeLike) -> Array:
    """Convert to a dtype; to a real one the real part.

    That is the adjoint of taking a real array for a complex one: ⟨g, x + 0i⟩ = ⟨Re g, x⟩.
    """
    found = as_array(array)
    result: Array = (found if is_complex(dtype) else found.real).astype(dtype, copy=False)
    return result


def at_least_single(rule: Rule) -> Rule:
    """Run a rule in single precision where arrays have half of it, and round its result back.

    The square of a float16 is infinite from 256 on, and loses digits below 0.008.
    """

    def run(*arrays: Any, **static: Any) -> Any:
        kinds = [np.result_type(one) for one in arrays]
        if np.float16 not in kinds:
            return rule(*arrays, **static)
        wide = [
            one.astype(np.float32) if kind == np.float16 else one
            for one, kind in zip(arrays, kinds, strict=True)
        ]
        return np.asarray(rule(*wide, **static)).astype(np.result_type(*arrays))

    return run


class Each(Sequence["Rule | None"]):
    """Derivatives of a primitive with any number of like operands: one rule that is told the position."""

    def __init__(self, rule: Callable[[int], Rule | None]) -> None:
        self._rule = rule

    def __len__(self) -> int:
        return 2**31

    @overload
    def __getitem__(self, index: int) -> Rule | None: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Rule | None]: ...
    def __getitem__(self, index: int | slice) -> Rule | Sequence[Rule | None] | None:
        assert isinstance(index, int)
        return self._rule(index)


class OnComplex(enum.Enum):
    """What a primitive does with complex operands; the value of a refusal is why."""

    HOLOMORPHIC = "its rules hold as they are for tangents, and conjugated for cotangents"
    OWN = "its rules are written for complex operands"
    UNORDERED = "needs an order, which complex numbers do not have"
    UNKNOWN = "is not defined here for complex numbers"

    @property
    def refused(self) -> bool:
        """Whether complex operands are refused."""
        return self in {OnComplex.UNORDERED, OnComplex.UNKNOWN}


HOLOMORPHIC: Final = OnComplex.HOLOMORPHIC
UNORDERED: Final = OnComplex.UNORDERED


@dataclass(frozen=True, kw_only=True)
class Primitive:
    """One operation of the formula language.

    ``signature`` is how a formula calls it, in Python's syntax; parameters without a default are array
    operands unless ``operands`` says which are. All others are static: known before evaluation. Rules get
    every operand, in the order of the signature; for one that a call leaves out, a scalar stands in.

    A primitive of several results, such as ``split``, is one node for each: ``parts`` names them, given the
    operands' shapes and the static arguments, and every rule is told by ``part`` which one is wanted.
    """

    name: str
    shapes: str = ""  # the shape rule for people: "(…, N, K), (…, K, M) → (…, N, M)"
    shape: Callable[..., Shape]
    forward: Callable[..., Any]
    vjps: Sequence[Rule | None] = ()
    jvps: Sequence[Rule | None] = ()
    formula: str = "not differentiable"
    signature: str = "x"
    operands: tuple[str, ...] | None = None
    optional: Mapping[str, float] = field(default_factory=dict)  # operand → number that stands in for it
    scalars: bool = False  # an optional operand that is given may be a scalar, as in clip(x, 0, 1)
    positions: Mapping[str, Callable[..., range]] = field(default_factory=dict)  # operand → what it may hold
    parts: Callable[..., tuple[str, ...]] | None = None
    packed: bool = False  # the operands come as one list, as in concatenate([a, b])
    working: Callable[..., Shape] | None = None  # shape of an array that forward makes on its way
    dtype: Callable[..., np.dtype[Any]] = promoted
    casts: bool = False  # integer operands become floating, so that float32 formulas stay float32
    inexact: bool = False  # the result is floating even if all operands are integers
    on_complex: OnComplex = OnComplex.UNKNOWN

    @cached_property
    def parameters(self) -> inspect.Signature:
        """The signature, parsed."""
        arguments = ast.parse(f"def f({self.signature}): ...").body[0].args  # type: ignore[attr-defined]
        defaults = [ast.literal_eval(default) for default in arguments.defaults]
        names = [argument.arg for argument in arguments.args]
        first = len(names) - len(defaults)
        kind = inspect.Parameter
        found = [
            kind(
                name,
                kind.POSITIONAL_OR_KEYWORD,
                default=defaults[place - first] if place >= first else kind.empty,
            )
            for place, name in enumerate(names)
        ]
        if arguments.vararg:
            found.append(kind(arguments.vararg.arg, kind.VAR_POSITIONAL))
        return inspect.Signature(found)

    @cached_property
    def operand_names(self) -> tuple[str, ...]:
        """Names of the parameters that take arrays."""
        if self.operands is not None:
            return self.operands
        empty = inspect.Parameter.empty
        return tuple(name for name, one in self.parameters.parameters.items() if one.default is empty)

    @property
    def differentiable(self) -> bool:
        """Whether the output varies with any operand."""
        return bool(self.vjps)
