"""A stand-in for the module ``numpy`` in code that is traced: its new arrays can be written into by tracers.

``y = np.zeros(n)`` followed by ``y[i] = x[i]`` is how people write loops; an array of NumPy's own refuses a
tracer there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any, Final

import numpy as np

from gradcheck_cli.autodiff.retrace import Recorder, Tracer

EMPTY: Final = ("zeros", "empty", "ones", "full", "zeros_like", "empty_like", "ones_like", "full_like")
CONVERTING: Final = ("asarray", "array", "asanyarray", "ascontiguousarray", "atleast_1d", "float64", "copy")


class StandIn:
    """NumPy, but for the functions that make new arrays."""

    def __init__(self, recorder: Recorder) -> None:
        made = {name: _making(recorder, getattr(np, name)) for name in EMPTY}
        taken = {name: _taking(getattr(np, name)) for name in CONVERTING}
        self.__dict__.update(made | taken)

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def _making(recorder: Recorder, function: Callable[..., Any]) -> Callable[..., Any]:
    """Let floating arrays that a function makes be tracers."""

    def make(*arguments: Any, **options: Any) -> Any:
        given = [np.empty(one.shape, one.dtype) if isinstance(one, Tracer) else one for one in arguments]
        array = function(*given, **options)
        return recorder.node_of(array) if array.dtype.kind == "f" and array.size else array

    return make


def _taking(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let tracers, and lists of them, be taken for arrays."""

    def take(value: Any, *arguments: Any, **options: Any) -> Any:
        if isinstance(value, Tracer):
            return value.copy()
        if isinstance(value, list | tuple) and any(isinstance(one, Tracer) for one in value):
            return np.stack([*value])
        return function(value, *arguments, **options)

    return take


@contextlib.contextmanager
def standing_in(recorder: Recorder, spaces: list[MutableMapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Put the stand-in where these namespaces hold NumPy, for a while."""
    stand_in = StandIn(recorder)
    held = [(space, name) for space in spaces for name, value in space.items() if value is np]
    try:
        for space, name in held:
            space[name] = stand_in
        yield {"np": stand_in}
    finally:
        for space, name in held:
            space[name] = np
