"""Which function is the backward of which: by their names."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

# What names a backward, in place of a forward's word or beside the function's name.
_SWAPS: Final = (
    ("forward", "backward"), ("Forward", "Backward"),
    ("fwd", "bwd"), ("fprop", "bprop"), ("forward", "backprop"),
    ("_forward", "_backward_pass"),
    ("forward", "bprop"), ("forward", "vjp"), ("forward", "back"),
    ("_forward", "_gradient"), ("feedforward", "backprop"), ("forward_pass", "backward_pass"),
)  # fmt: skip
_BESIDE: Final = (
    "{0}_backward", "backward_{0}", "{0}_back", "{0}_bwd", "bwd_{0}", "{0}_vjp", "vjp_{0}", "{0}_grad",
    "grad_{0}",
    "{0}_gradient", "gradient_{0}", "{0}_backprop", "{0}_bprop", "{0}Backward", "{0}_pullback",
    "{0}Grad", "back_{0}",
)  # fmt: skip
_DERIVATIVES: Final = (
    "{0}_prime", "{0}_derivative", "d_{0}", "d{0}", "{0}_deriv", "derivative_{0}", "deriv_{0}", "{0}_d",
    "{0}_der",
    "{0}_dx", "{0}Derivative", "{0}Prime", "{0}_grad", "{0}_gradient", "grad_{0}", "{0}_backward",
)  # fmt: skip
_PLAIN: Final = {
    "f": ("df", "bwd", "backward"),
    "fwd": ("bwd",),
    "forward": ("backward",),
    "fun": ("jac", "grad"),
}


def backwards_of(name: str, names: Iterable[str]) -> list[str]:
    """Names that a function's backward or derivative could have, of those that there are; likeliest first.

    >>> backwards_of("affine_forward", ["affine_forward", "affine_backward", "relu_backward"])
    ['affine_backward']
    >>> backwards_of("sigmoid", ["sigmoid", "d_sigmoid"])
    ['d_sigmoid']
    """
    owner, dot, last = name.rpartition(".")
    there = set(names)
    swapped = [last.replace(old, new) for old, new in _SWAPS if old in last]
    short = re.sub(r"_?(forward|fwd|fprop)$|^(forward|fwd)_", "", last)
    beside = [form.format(one) for form in (*_BESIDE, *_DERIVATIVES) for one in (last, short) if one]
    found = [owner + dot + one for one in (*swapped, *beside, *_PLAIN.get(last, ()))]
    return [one for one in dict.fromkeys(found) if one in there and one != name]


def pairs(names: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Forward functions of a module with what may be their backwards; a backward is no forward itself."""
    found = [(name, backwards_of(name, names)) for name in names]
    taken = {one for _, others in found for one in others}
    return [(name, others) for name, others in found if name not in taken]
