"""Shapes: symbolic sizes, the generalized Jacobian's two groups of axes, broadcasting and its inverse.

A size may remember how the user wrote it: ``Size(3, "M")`` is the integer 3 that prints as ``M``. Sizes
pass through the shape rules as the integers that they are, so that a report can show both
``(N, M)`` and ``(1, 3)``.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from gradcheck_cli.errors import ShapeError

PARTS = ("real", "imag")  # of a complex entry, in the order of an index of them

if TYPE_CHECKING:
    import numpy as np
    from typing_extensions import Self

Shape = tuple[int, ...]

_LONGEST = 200  # characters of an axis as its user may write it; a longer one that we make is a mere number
_LOOSE, _TIGHT, _CLOSED = range(3)  # how a text holds together: as a sum does, as a product, as a name
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


class Size(int):
    """An axis length that remembers the expression it came from.

    >>> n, d = Size(4, "N"), Size(3, "D")
    >>> (n * d, (n * d).text, (2 * d).text, (d + 1).text)
    (12, 'N*D', '2*D', 'D + 1')
    >>> ((n - d + 1) // 2).text, (n * 1).text, (2 * d // 2).text
    ('(N - D + 1)//2', 'N', 'D')
    >>> (n * (d // 2)).text, (n * (n * d)).text, (Size(3, "N-1") * 2).text
    ('N*(D//2)', 'N*N*D', '(N-1)*2')
    """

    text: str

    def __new__(cls, value: int, text: str) -> Self:
        """Make the integer ``value`` that prints as ``text`` in symbolic shapes."""
        size = super().__new__(cls, value)
        size.text = text
        return size

    def __getnewargs__(self) -> tuple[int, str]:  # type: ignore[override]  # int has one argument
        return int(self), self.text

    def __mul__(self, other: object) -> int:
        return _combine(self, "*", other, int.__mul__, neutral=1)

    def __rmul__(self, other: object) -> int:
        return _combine(other, "*", self, int.__mul__, neutral=1)

    def __add__(self, other: object) -> int:
        return _combine(self, " + ", other, int.__add__, neutral=0)

    def __radd__(self, other: object) -> int:
        return _combine(other, " + ", self, int.__add__, neutral=0)

    def __sub__(self, other: object) -> int:
        return _combine(self, " - ", other, int.__sub__, neutral=0)

    def __rsub__(self, other: object) -> int:
        return _combine(other, " - ", self, int.__sub__)

    def __floordiv__(self, other: object) -> int:
        return _combine(self, "//", other, int.__floordiv__, neutral=1)


def _combine(
    left: object, operator: str, right: object, operation: object, *, neutral: int | None = None
) -> int:
    """Work out a size and its text; a plain ``neutral`` number, as in N*1, leaves the other as it is."""
    if not isinstance(left, int) or not isinstance(right, int):
        return NotImplemented
    for size, other in ((left, right), (right, left)):
        if neutral is not None and other == neutral and not isinstance(other, Size):
            return size
    value: int = operation(int(left), int(right))  # type: ignore[operator]  # an unbound method of int
    if operator == "//" and isinstance(left, Size) and not isinstance(right, Size):
        rest = left.text.removeprefix(f"{right}*")
        if rest != left.text and rest.isidentifier():  # 2*D//2 is D
            return Size(value, rest)
    if operator == " + " and isinstance(left, Size) and isinstance(right, Size):
        (times, name), (more, same) = _multiple(left.text), _multiple(right.text)
        if name == same and name.isidentifier():  # D + D is 2*D
            return Size(value, f"{times + more}*{name}")
    text = f"{_operand(left, operator)}{operator}{_operand(right, operator, after=True)}"
    return Size(value, text) if len(text) <= _LONGEST else value


def _multiple(text: str) -> tuple[int, str]:
    """Read ``2*D`` as (2, "D"), anything else as once itself."""
    factor, star, name = text.partition("*")
    return (int(factor), name) if star and factor.isdecimal() and name.isidentifier() else (1, text)


def _operand(size: int, operator: str, *, after: bool = False) -> str:
    """Write an operand, in brackets where the operator would tear it apart: N*(D//2) is not N*D//2."""
    text = size.text if isinstance(size, Size) else str(int(size))
    hold = _hold(text)
    if operator in {" + ", " - "}:
        torn = hold == _LOOSE and after and operator == " - "
    else:
        torn = hold == _LOOSE or (
            hold == _TIGHT and after and (operator == "//" or any(sign in text for sign in "/%"))
        )
    return f"({text})" if torn else text


def _hold(text: str) -> int:
    node = ast.parse(text, mode="eval").body
    if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.Pow):
        return _LOOSE if isinstance(node.op, ast.Add | ast.Sub) else _TIGHT
    return _CLOSED


def show(shape: Iterable[int]) -> str:
    """Write a shape in numbers as Python would: ``()``, ``(3,)``, ``(1, 3)``."""
    return str(tuple(int(size) for size in shape))


def show_symbols(shape: Iterable[int]) -> str:
    """Write a shape as its user did: ``(N, 2*D)``; sizes without a symbol stand as numbers."""
    parts = [size.text if isinstance(size, Size) else str(size) for size in shape]
    return f"({parts[0]},)" if len(parts) == 1 else f"({', '.join(parts)})"


def count(shape: Iterable[int]) -> int:
    """Count the entries of an array of this shape (1 for a scalar)."""
    return math.prod(int(size) for size in shape)


def show_bytes(number: int) -> str:
    """Write a number of bytes for people: ``48 B``, ``1.2 TiB``."""
    value, power = float(number), 0
    while value >= 1024 and power < len(_UNITS) - 1:
        value, power = value / 1024, power + 1
    return f"{number} B" if power == 0 else f"{value:.3g} {_UNITS[power]}"


def broadcast_shapes(*shapes: Shape) -> Shape:
    """Shape of arrays combined entry by entry, by NumPy's rule: align right, stretch axes of length 1.

    Raises
    ------
    ShapeError
        Where two axes differ and neither is 1.
    """
    rank = max((len(shape) for shape in shapes), default=0)
    result: list[int] = []
    for axis in range(-rank, 0):
        size: int = 1
        for shape in shapes:
            if len(shape) < -axis or shape[axis] == 1 or shape[axis] == size:
                # Of two equal sizes keep the one with a symbol.
                if len(shape) >= -axis and shape[axis] == size and not isinstance(size, Size):
                    size = shape[axis]
                continue
            if size != 1:
                raise ShapeError(f"axis {axis} is {int(size)} in one and {int(shape[axis])} in the other")
            size = shape[axis]
        result.append(size)
    return tuple(result)


def unbroadcast(array: np.ndarray, shape: Shape) -> np.ndarray:
    """Sum over the axes that broadcasting stretched: the adjoint of ``broadcast_to``.

    For B : shape → array.shape the linear map "stretch", this is Bᵀ, so that
    ⟨array, B x⟩ = ⟨unbroadcast(array), x⟩ for every x of the given shape.
    """
    if array.shape == shape:
        return array
    lead = array.ndim - len(shape)
    stretched = tuple(lead + axis for axis, size in enumerate(shape) if size == 1 != array.shape[lead + axis])
    return array.sum(axis=(*range(lead), *stretched), keepdims=True).reshape(shape)


def normalize_axes(axis: int | Iterable[int] | None, rank: int, *, whose: str = "{0}") -> tuple[int, ...]:
    """Turn NumPy's ``axis`` argument into sorted, non-negative axes; ``whose`` they are is for messages.

    Raises
    ------
    ShapeError
        For an axis that the array does not have, or one named twice.
    """
    if axis is None:
        return tuple(range(rank))
    wanted = (axis,) if isinstance(axis, int) else tuple(axis)
    for one in wanted:
        if not -rank <= one < rank:
            axes = "1 axis" if rank == 1 else f"{rank} axes"
            raise ShapeError(f"axis {one} is out of range: {whose} has {axes}")
    result = tuple(sorted(one % rank for one in wanted))
    if len(set(result)) != len(result):
        raise ShapeError(f"axis {axis} names one axis twice")
    return result
