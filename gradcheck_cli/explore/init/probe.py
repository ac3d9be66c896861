"""Arrays within a user's object: where they are, how a recipe writes that, and which gradient is whose."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

_DEPTH = 3
_NOISE = re.compile(r"(grad(ient)?s?|params?|parameters?|nabla|delta|data|value|learnable|trainable)")


@dataclass(frozen=True)
class Place:
    """A way from an object to an array in it: attributes (``.W``) and items (``["W"]``)."""

    steps: tuple[tuple[str, Any], ...]

    def get(self, owner: Any) -> Any:
        """Read what is there."""
        for kind, key in self.steps:
            owner = getattr(owner, key) if kind == "." else owner[key]
        return owner

    def put(self, owner: Any, value: Any) -> None:
        """Assign to it."""
        owner, (kind, key) = Place(self.steps[:-1]).get(owner), self.steps[-1]
        if kind == ".":
            setattr(owner, key, value)
        else:
            owner[key] = value

    def text(self, owner: str) -> str:
        """Write it as Python."""
        return owner + "".join(f".{key}" if kind == "." else f"[{key!r}]" for kind, key in self.steps)

    @property
    def label(self) -> str:
        """The last name in it, for an input: ``w`` of ``.params['W']``, ``params0`` of ``.params[0]``."""
        names = [str(key) for _, key in self.steps if str(key) not in {"data", "value", "val", "array"}]
        last = names[-1] if not names[-1].isdigit() else "".join(names[-2:])
        return re.sub(r"\W", "_", last).strip("_").lower() or "p"

    @property
    def key(self) -> str:
        """What is left of it without the words for gradients and parameters."""
        plain = "".join(_NOISE.sub("", str(key).lower()) for _, key in self.steps)
        return re.sub(r"[\W_]", "", plain)

    @property
    def looks_like_gradient(self) -> bool:
        """Whether some name in it says so."""
        text = " ".join(str(key) for _, key in self.steps)
        return bool(re.search(r"(^|\s|_)(d(?=[A-Z_a-z])|g_|del)|grad|nabla|delta", text))


def arrays_in(owner: Any, *, depth: int = _DEPTH) -> Iterator[tuple[Place, Any]]:
    """Yield the floating arrays within an object, the shortest ways first, the same array again too."""
    level: list[tuple[Place, Any]] = [(Place(()), owner)]
    seen: set[int] = set()
    for _ in range(depth):
        below = [found for place, value in level for found in _children(place, value, seen)]
        yield from ((place, value) for place, value in below if _is_floating(value))
        level = [(place, value) for place, value in below if not isinstance(value, np.ndarray)]


def _is_floating(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size > 0


def _children(place: Place, value: Any, seen: set[int]) -> Iterator[tuple[Place, Any]]:
    if id(value) in seen:
        return
    seen.add(id(value))
    items: Sequence[tuple[str, Any, Any]] = ()
    if isinstance(value, Mapping):
        items = [("[", key, one) for key, one in value.items() if isinstance(key, (str, int))]
    elif isinstance(value, (list, tuple)):
        items = [("[", key, one) for key, one in enumerate(value[:8])]
    elif (
        hasattr(value, "__dict__")
        and not isinstance(value, type)
        and (not place.steps or _is_record(place, value))
    ):
        items = [(".", key, one) for key, one in vars(value).items()]
    yield from ((Place((*place.steps, (kind, key))), one) for kind, key, one in items)


def _is_record(place: Place, value: Any) -> bool:
    """Whether an object within a layer is looked into: no function, and not too deep."""
    return (
        not inspect.isroutine(value) and not isinstance(value, ModuleType) and len(place.steps) < _DEPTH - 1
    )


def gradient_places(owner: Any, keys: set[str], shape: tuple[int, ...], avoid: Sequence[Any]) -> list[Place]:
    """Where the gradient of a weight may be: by its name first, then anything else of its shape."""
    found = [
        place
        for place, value in arrays_in(owner)
        if value.shape == shape and not any(value is one for one in avoid)
    ]
    return sorted(found, key=lambda place: _rank(place, keys))


def _rank(place: Place, keys: set[str]) -> tuple[bool, bool, int]:
    same = place.key in keys or place.key.removeprefix("d") in keys or place.key.removeprefix("g") in keys
    return (not (same and place.looks_like_gradient), not place.looks_like_gradient, len(place.steps))


def named_place(owner: Any, pattern: str, shape: tuple[int, ...], avoid: Sequence[Any]) -> list[Place]:
    """Arrays of a shape, those whose name fits a pattern first."""
    found = gradient_places(owner, set(), shape, avoid)
    return sorted(found, key=lambda place: not re.fullmatch(pattern, str(place.steps[-1][1]), re.IGNORECASE))
