"""A case of the benchmark: a function, a backward for it, and what is known about the two.

Forward and backward are functions of a module, written as people write them, so that a spec's target finds
them. A case is right or carries the diagnosis code of the mistake that was planted in its backward.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

BENCHMARKS = Path(__file__).parents[1]

Array = np.ndarray
Gradients = list[Any]  # of array or None, in the order of the inputs
Pullback = Callable[[Sequence[Array]], Gradients]  # cotangents of the outputs → gradients of the inputs


@dataclass(frozen=True, kw_only=True)
class Case:
    """One forward and one backward.

    ``inputs`` and ``extra`` are written as in a spec. By ``style``:

    * ``stateless``: ``forward(*inputs, **kwargs)`` → an output or a tuple of them, and
      ``backward(cotangent, …, *inputs, **kwargs)`` → gradients;
    * ``cache``: ``forward(*inputs, **kwargs)`` → ``(output, …, cache)``, and
      ``backward(cotangent, …, cache)`` → gradients;
    * ``pullback``: ``forward(*inputs, **kwargs)`` → ``(output, …, pullback)``, and no ``backward``.

    Gradients are one array, a tuple or list in the order of the inputs, or a dictionary by input; ``None``
    stands for no gradient.
    """

    name: str
    area: str
    inputs: Mapping[str, Any]
    forward: Callable[..., Any]
    backward: Callable[..., Any] | None = None
    code: str = ""  # diagnosis of the planted mistake; "" for a right backward
    style: Literal["stateless", "cache", "pullback"] = "stateless"
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)  # further keys of the spec, such as ``kinks``
    why: str = ""  # for a right one without a derivative to compare with: why it is right

    @property
    def right(self) -> bool:
        """Whether nothing is wrong with the backward."""
        return not self.code

    @property
    def spec(self) -> dict[str, Any]:
        """The spec that describes this case; every setting that it does not name is the default."""
        function: dict[str, Any] = {"python": target(self.forward), "style": self.style}
        if self.backward is not None:
            function["backward"] = target(self.backward)
        if self.kwargs:
            function["kwargs"] = dict(self.kwargs)
        function["path"] = [str(BENCHMARKS)]
        return {
            "gradcheck": 1,
            "name": self.name,
            "inputs": dict(self.inputs),
            "function": function,
            **self.extra,
        }

    def evaluate(self, inputs: Sequence[Array]) -> tuple[tuple[Array, ...], Pullback]:
        """Call the forward; return its outputs, and its backward as a map from their cotangents."""
        result = self.forward(*inputs, **self.kwargs)
        if self.style == "stateless":
            outputs = result if isinstance(result, tuple) else (result,)
            rest, back = inputs, self.backward
        else:
            *outputs, last = result
            rest, back = ([last], self.backward) if self.style == "cache" else ([], last)
        kwargs = self.kwargs if self.style == "stateless" else {}

        def pullback(cotangents: Sequence[Array]) -> Gradients:
            assert back is not None
            return self.in_order(back(*cotangents, *rest, **kwargs))

        return tuple(np.asarray(output) for output in outputs), pullback

    def in_order(self, gradients: Any) -> Gradients:
        """Gradients in the order of the inputs."""
        if isinstance(gradients, dict):
            return [gradients.get(name) for name in self.inputs]
        return list(gradients) if isinstance(gradients, tuple | list) else [gradients]


def target(function: Callable[..., Any]) -> str:
    """Where a spec finds a function: ``file.py:attribute``, or ``numpy:attribute`` for one of NumPy's own."""
    module = function.__module__
    package, _, name = module.rpartition(".")
    source = str(Path(__file__).with_name(f"{name}.py")) if package == __package__ else module
    return f"{source}:{function.__qualname__}"
