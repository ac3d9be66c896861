"""A module's own parameters at the values of a point, and its buffers as copies, for as long as it is called.

The parameters stay the very objects that the module has made, with their hooks and under all of their names:
other tensors in their place would leave out whatever holds on to them.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gradcheck_cli.functions.layer import required

Tensors = Mapping[str, Any]  # torch is not imported before it is needed


@dataclass(frozen=True)
class TorchModule:
    """A module as a function of tensors by name, and those of its parameters that are inputs."""

    module: Any
    parameters: Tensors = field(default_factory=dict)

    def __call__(self, tensors: Tensors) -> Any:
        """Call the module with all inputs that are no parameters."""
        return self.module(*(one for name, one in tensors.items() if name not in self.parameters))

    @property
    def versions(self) -> tuple[int, ...]:
        """How often each parameter was written into: autograd refuses a graph that saw another number."""
        return tuple(one._version for one in self.parameters.values())  # noqa: SLF001  # as torch documents

    @contextlib.contextmanager
    def holding(self, values: Tensors, versions: tuple[int, ...] = ()) -> Iterator[None]:
        """Let the parameters have these values, in this very memory; what was there before comes back.

        ``data`` is replaced and not written into: a graph that was made with other values stays valid, and
        is told its own ones again when its backward runs, with the ``versions`` at its end. In between a
        forward that writes into its weights may have run elsewhere.
        """
        before = {name: one.data for name, one in self.parameters.items()}
        if versions and versions != self.versions:
            set_versions = required("torch")._C._autograd._unsafe_set_version_counter  # noqa: SLF001  # no other way
            set_versions(tuple(self.parameters.values()), versions)
        self._set(values)
        try:
            with self._other_buffers():
                yield
        finally:
            self._set(before)

    def _set(self, values: Tensors) -> None:
        for name, one in self.parameters.items():
            one.data = values[name]

    @contextlib.contextmanager
    def _other_buffers(self) -> Iterator[None]:
        """Let buffers be copies, since they change in training."""
        owners = [one._buffers for one in self.module.modules()]  # noqa: SLF001  # no setter of the user's
        before = [dict(buffers) for buffers in owners]
        copies = {id(one): one.clone() for buffers in before for one in buffers.values() if one is not None}
        for buffers in owners:
            buffers.update({name: copies.get(id(one)) for name, one in buffers.items()})
        try:
            yield
        finally:
            for buffers, own in zip(owners, before, strict=True):
                buffers.clear()
                buffers.update(own)


def copied(module: Any) -> Any:
    """Copy a module with the hooks of its parameters, which torch leaves behind."""
    result = copy.deepcopy(module)
    for old, new in zip(module.parameters(), result.parameters(), strict=True):
        for hook in (old._backward_hooks or {}).values():  # noqa: SLF001  # torch does not list them otherwise
            new.register_hook(hook)
    return result
