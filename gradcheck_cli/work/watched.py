"""What all code in a process shares and may replace: the functions of NumPy, of Python and of the frameworks.

``np.exp = fast_exp`` is seen by every layer that comes after, and by the checks of it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Final

SHARED: Final = (
    *("builtins", "math", "random", "numpy", "numpy.linalg", "numpy.random", "numpy.fft", "scipy.special"),
    *("torch", "torch.linalg", "torch.nn", "torch.nn.functional", "torch.autograd"),
    *("jax", "jax.lax", "jax.nn", "jax.numpy", "jax.scipy.special"),
)
_OWN: Final = frozenset({"manual_seed"})  # that torch.compile replaces by itself


@dataclass(frozen=True)
class Shared:
    """The shared modules as they are now, and what each public name of them stands for."""

    modules: Mapping[str, ModuleType] = field(
        default_factory=lambda: {name: sys.modules[name] for name in SHARED if name in sys.modules}
    )
    names: Mapping[str, Mapping[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        """Note the names; what is added later, as by a submodule's import, replaces nothing."""
        names = {name: _public(module) for name, module in self.modules.items()}
        object.__setattr__(self, "names", names)

    @property
    def is_changed(self) -> bool:
        """Whether a name stands for something else by now, or is gone."""
        return any(
            sys.modules.get(name) is not module or _differs(self.names[name], vars(module))
            for name, module in self.modules.items()
        )


def _public(module: ModuleType) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items() if name[0] != "_" and name not in _OWN}


def _differs(before: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    return any(name not in now or now[name] is not value for name, value in before.items())
