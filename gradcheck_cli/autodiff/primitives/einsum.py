"""``einsum``: sums of products over axes that letters name."""

from __future__ import annotations

import re
import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import HOLOMORPHIC, Array, Each, Primitive
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.shapes import Shape, broadcast_shapes, unbroadcast

_TERM = re.compile(r"[A-Za-z]*(\.\.\.[A-Za-z]*)?")
_MOST_OPERANDS = 63  # that NumPy takes


def parse_subscripts(subscripts: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """Split ``"ij,jk->ik"`` into the operands' labels and the output's.

    The axes of ``...`` get letters that the subscripts do not use, the same for the same axis counted from
    the last.

    Raises
    ------
    ShapeError
        Where the labels do not go with the operands' axes.
    """
    terms, right = _split(subscripts)
    if len(terms) != len(ranks):
        raise ShapeError(f"subscripts {subscripts!r} name {len(terms)} operands, {len(ranks)} are given")
    spare = [_unnamed(term, rank, place) for place, (term, rank) in enumerate(zip(terms, ranks, strict=True))]
    if max(spare) and "..." not in right:
        raise ShapeError(f"the output {right!r} lacks '...', which stands for axes of the operands")
    letters = _unused_letters(subscripts, max(spare))
    named = [term.replace("...", letters[len(letters) - s :]) for term, s in zip(terms, spare, strict=True)]
    return named, right.replace("...", letters)


def _split(subscripts: str) -> tuple[list[str], str]:
    """Split at ``,`` and ``->``; an output not given has what occurs once, sorted, behind ``...``."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if not all(_TERM.fullmatch(term) for term in (*terms, right)):
        raise ShapeError(f"subscripts {subscripts!r}: a term is letters and at most one '...'")
    joined = "".join(terms).replace("...", "")
    if not arrow:
        right = "..." + "".join(sorted(label for label in set(joined) if joined.count(label) == 1))
    named = right.replace("...", "")
    if len(set(named)) != len(named) or not set(named) <= set(joined):
        raise ShapeError(f"the output {right!r} must name axes of the operands, each once")
    return terms, right


def _unnamed(term: str, rank: int, place: int) -> int:
    """How many axes of an operand ``...`` stands for."""
    named = len(term.replace("...", ""))
    if named > rank or (named < rank and named == len(term)):
        raise ShapeError(f"subscripts {term!r} name {named} axes, {{{place}}} has {rank}")
    return rank - named


def _unused_letters(used: str, number: int) -> str:
    unused = [letter for letter in string.ascii_letters if letter not in used]
    if number > len(unused):
        raise ShapeError("there are letters for 52 axes, and '...' stands for more than are left")
    return "".join(unused[:number])


def einsum_shape(*shapes: Shape, subscripts: str) -> Shape:
    """Shape rule of ``einsum``: one size a label, the output's labels in order.

    As in NumPy, an axis of length 1 is stretched to that of another operand.
    """
    if len(shapes) > _MOST_OPERANDS:
        raise ShapeError(f"at most {_MOST_OPERANDS} operands are possible")
    terms, right = parse_subscripts(subscripts, [len(shape) for shape in shapes])
    sizes: dict[str, int] = {}
    for place, (term, shape) in enumerate(zip(terms, shapes, strict=True)):
        for label, size in zip(term, shape, strict=True):
            own, known = shape[term.index(label)], sizes.get(label, 1)
            if size != own or (size != known and 1 not in (size, known)):
                name = f"axis {label!r}" if label in subscripts else "an axis of '...'"
                before = own if size != own else known
                raise ShapeError(f"{name} is {int(size)} in {{{place}}} and {int(before)} before")
            sizes[label] = size if known == 1 else known
    return tuple(sizes[label] for label in right)


def einsum(*arrays: Array, subscripts: str) -> Array:
    """Sum of products; more than two operands are contracted in an order found by NumPy."""
    result: Array = np.einsum(subscripts, *arrays, optimize=len(arrays) > 2)
    return result


def _einsum_vjp(place: int) -> Any:
    """Rule for operand ``place``: contract g with the other operands down to this one's labels.

    Along a label that only this operand has, g is copied: it was summed over. A label that it repeats was a
    diagonal: the gradient lives on that diagonal.
    """

    def rule(g: Array, out: Array, *arrays: Array, subscripts: str) -> Array:
        terms, right = parse_subscripts(subscripts, [array.ndim for array in arrays])
        term, own = terms[place], "".join(dict.fromkeys(terms[place]))
        others = [right, *terms[:place], *terms[place + 1 :]]
        shared = [label for label in own if label in "".join(others)]
        contraction = f"{','.join(others)}->{''.join(shared)}"
        inner = einsum(g, *arrays[:place], *arrays[place + 1 :], subscripts=contraction)
        inner = np.expand_dims(inner, [at for at, label in enumerate(own) if label not in shared])
        sizes = tuple(arrays[place].shape[term.index(label)] for label in own)
        stretched = np.broadcast_to(inner, broadcast_shapes(inner.shape, sizes))
        return _on_diagonals(unbroadcast(stretched, sizes), term)

    return rule


def _on_diagonals(array: Array, term: str) -> Array:
    """Give each label that a term repeats an axis of its own, with 0 off the diagonal."""
    for axis, label in enumerate(term):
        first = term.index(label)
        if first < axis:
            array = np.expand_dims(array, axis)
            size = array.shape[first]
            axes = [size if at in (first, axis) else 1 for at in range(array.ndim)]
            array = np.where(np.reshape(np.eye(size, dtype=bool), axes), array, 0)
    return array


def _einsum_jvp(place: int) -> Any:
    return lambda t, out, *arrays, subscripts: einsum(
        *(t if other == place else array for other, array in enumerate(arrays)), subscripts=subscripts
    )


EINSUM = Primitive(
    name="einsum",
    formula="dL/d(operand) = einsum of g and the other operands, down to this operand's labels",
    signature="subscripts, *operands",
    operands=("operands",),
    shapes="as the subscripts say: 'ij,jk->ik' is (I, J), (J, K) → (I, K)",
    shape=einsum_shape,
    forward=einsum,
    vjps=Each(_einsum_vjp),
    jvps=Each(_einsum_jvp),
    casts=True,
    on_complex=HOLOMORPHIC,
)

TABLE = (EINSUM,)
