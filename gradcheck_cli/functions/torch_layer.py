"""Functions of tensors as layers: autograd's gradients, forward mode and double backward."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.functions.base import Arrays
from gradcheck_cli.functions.layer import Call, FrameworkLayer, kind_of, required
from gradcheck_cli.functions.torch_graph import defines_forward_mode, ends_in_error
from gradcheck_cli.functions.torch_module import TorchModule

Tensor = Any  # torch is not imported before it is needed
Tensors = Mapping[str, Tensor]
Holding = contextlib.AbstractContextManager[None]


@cache
def the_torch() -> Any:
    """Import torch, and let it compute in one thread unless the user has said how many.

    The arrays of a check are small: threads that wait for one another take most of the time, and all of it on
    a machine that has something else to do.
    """
    torch = required("torch")
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)
    return torch


@contextlib.contextmanager
def default_dtype(torch: Any, dtype: Any) -> Iterator[None]:
    """Let tensors that the code makes be of this precision."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype if dtype in {torch.float32, torch.float64} else before)
    try:
        with torch.enable_grad():  # whatever another layer has left behind
            yield
    finally:
        torch.set_default_dtype(before)


@dataclass(frozen=True, kw_only=True)
class TorchLayer(FrameworkLayer):
    """A function of tensors by name, whose gradients autograd tells."""

    module: TorchModule | None = None  # the function, if it is one
    modes: dict[str, bool] = field(default_factory=dict, compare=False)  # who has forward mode

    def call(self, primals: Arrays) -> Call:
        """Call the function with copies that it may write into."""
        fresh = self._fresh(primals)
        leaves = self._leaves(fresh)
        passed = self._passed(leaves)
        memory = {name: fresh[name] if name in self._own else one for name, one in passed.items()}
        given = {name: one.detach().numpy() for name, one in memory.items()}
        with self._holding(fresh):
            outputs = self._evaluate(passed)
            values = [self._array(one) for one in outputs]
        holding = partial(self._holding, fresh, self.module.versions if self.module else ())
        return Call(given, values, partial(self._pull, holding, leaves, outputs))

    @property
    def _own(self) -> Tensors:
        """Parameters of a module: they are leaves themselves, and need not be passed."""
        return self.module.parameters if self.module else {}

    def _holding(self, fresh: Tensors, versions: tuple[int, ...] = ()) -> Holding:
        """Let a module's parameters have the values of a point."""
        return self.module.holding(fresh, versions) if self.module else contextlib.nullcontext()

    def _fresh(self, primals: Arrays) -> dict[str, Tensor]:
        return {name: the_torch().from_numpy(array) for name, array in self.copies(primals).items()}

    def _leaves(self, fresh: Tensors) -> dict[str, Tensor]:
        return {
            name: self._own[name] if name in self._own else one.requires_grad_(name in self.varying)
            for name, one in fresh.items()
        }

    def _passed(self, leaves: Tensors) -> dict[str, Tensor]:
        return {name: one if name in self._own else one.clone() for name, one in leaves.items()}

    def _evaluate(self, tensors: Tensors) -> list[Tensor]:
        with self._precision():
            result = self.workspace.call(self.names[0], self.function, tensors)
        return list(self._tensors(result))

    def _precision(self) -> contextlib.AbstractContextManager[None]:
        torch = the_torch()
        widest = max(
            (one.parts.dtype.itemsize for one in self.inputs.values() if one.differentiable), default=8
        )
        return default_dtype(torch, torch.float64 if widest == 8 else torch.float32)

    def _tensors(self, result: Any) -> Iterator[Tensor]:
        """Take apart what was returned: tensors, also in nested tuples, lists and dictionaries."""
        if isinstance(result, Mapping):
            result = tuple(result.values())
        if isinstance(result, (tuple, list)):
            for one in result:
                yield from self._tensors(one)
        elif isinstance(result, the_torch().Tensor):
            yield result
        elif result is not None:
            raise EvaluationError(f"{self.names[0]} returned {kind_of(result)}, which is no tensor")

    def _array(self, tensor: Tensor) -> Array:
        """Return a tensor's numbers, in the very memory where they stand."""
        tensor = tensor.detach()
        tensor = tensor.to_dense() if tensor.layout is not the_torch().strided else tensor
        try:
            array: Array = tensor.cpu().resolve_conj().resolve_neg().numpy()
        except TypeError:
            fact = f"{self.names[0]} computes in {tensor.dtype}, which NumPy does not have"
            raise EvaluationError(f"{fact}; return such as y.float()") from None
        return array

    def _pull(
        self,
        holding: Callable[[], Holding],
        leaves: Tensors,
        outputs: Sequence[Tensor],
        cotangents: Arrays,
    ) -> Mapping[str, object]:
        torch = the_torch()
        wanted = self.wanted
        seeded = [
            (one, _tensor(torch, cotangent))
            for one, cotangent in zip(outputs, cotangents.values(), strict=True)
            if one.requires_grad
        ]
        if not seeded:
            return dict.fromkeys(wanted)
        with self._precision(), holding():  # what a checkpoint left out is computed again
            found = self.workspace.call_back(
                self.names[1],
                torch.autograd.grad,
                [one for one, _ in seeded],
                [leaves[name] for name in wanted],
                [cotangent for _, cotangent in seeded],
                allow_unused=True,
                retain_graph=True,
            )
        return {
            name: None if one is None else self._array(one) for name, one in zip(wanted, found, strict=True)
        }

    def push(self, primals: Arrays, tangents: Arrays) -> list[Array] | None:
        """Tangents of the outputs by forward mode, if it had any when it was first asked."""
        name = self.names[0]
        if name not in self.modes:
            self.modes[name] = self._has_forward_mode(primals)
        return self._pushed(primals, tangents) if self.modes[name] else None

    def _has_forward_mode(self, primals: Arrays) -> bool:
        """Whether somebody's Function that is called here defines it, and all other operations have it."""
        fresh = self._fresh(primals)
        with self._holding(fresh):
            outputs = self._evaluate(self._passed(self._leaves(fresh)))
        if not defines_forward_mode(one.grad_fn for one in outputs):
            return False
        try:
            self._pushed(primals, {name: np.zeros_like(primals[name]) for name in self.wanted})
        except EvaluationError as error:
            if isinstance(error.__cause__, NotImplementedError):  # torch's word for an operation without
                return False
            raise
        return True

    def _pushed(self, primals: Arrays, tangents: Arrays) -> list[Array]:
        torch, fresh = the_torch(), self._fresh(primals)
        forward = torch.autograd.forward_ad
        with self._holding(fresh), forward.dual_level(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of torch's, of itself
            duals = self._passed(self._leaves(fresh))
            for name, tangent in tangents.items():
                dual = forward.make_dual(fresh[name].clone(), _tensor(torch, tangent).clone())
                with torch.no_grad():
                    duals[name].copy_(dual)
            found = [forward.unpack_dual(one) for one in self._evaluate(duals)]
            return [
                np.zeros(tuple(one.primal.shape), self._array(one.primal).dtype)
                if one.tangent is None
                else self._array(one.tangent)
                for one in found
            ]

    def gradients(self, arrays: Tensors) -> list[Tensor]:
        """Compute the VJP so that it can be differentiated again."""
        torch = the_torch()
        given = {name: arrays[name] for name in self.inputs}
        outputs = zip(self.outputs.items(), self._tensors(self.function(given)), strict=True)
        seeded = [
            (one, arrays[f"d{name}"])
            for (name, type_), one in outputs
            if type_.differentiable and one.requires_grad
        ]
        wanted = [given[name] for name in self.wanted]
        if not seeded:
            return [torch.zeros_like(one) for one in wanted]
        found = torch.autograd.grad(
            [one for one, _ in seeded],
            wanted,
            [seed for _, seed in seeded],
            create_graph=True,
            allow_unused=True,
        )
        if any(one is not None and ends_in_error(one.grad_fn) for one in found):
            fact = "is marked once_differentiable: it has no second derivative"
            raise EvaluationError(f"{self.names[0]} {fact}; leave order: 2 out")
        return [torch.zeros_like(x) if one is None else one for x, one in zip(wanted, found, strict=True)]


def _tensor(torch: Any, array: Array) -> Tensor:
    """Take an array as a tensor in the same memory; torch has no negative strides and no read-only memory."""
    array = np.asarray(array)  # a number of NumPy is no array to torch
    if not array.flags.writeable or any(stride < 0 for stride in array.strides):
        array = array.copy()
    return torch.from_numpy(array)
