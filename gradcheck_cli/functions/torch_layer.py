"""Functions of tensors as layers: autograd's gradients, forward mode and double backward."""

from __future__ import annotations

import contextlib
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.functions.base import Arrays
from gradcheck_cli.functions.layer import Call, FrameworkLayer, kind_of, required

Tensor = Any  # torch is not imported before it is needed
Tensors = Mapping[str, Tensor]


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

    def call(self, primals: Arrays) -> Call:
        """Call the function with copies that it may write into."""
        leaves = {name: self._leaf(name, array) for name, array in self.copies(primals).items()}
        passed = {name: leaf.clone() for name, leaf in leaves.items()}
        given = {name: one.detach().numpy() for name, one in passed.items()}
        outputs = self._evaluate(passed)
        values = [self._array(one) for one in outputs]
        return Call(given, values, partial(self._pull, leaves, outputs))

    def _leaf(self, name: str, array: Array) -> Tensor:
        return the_torch().from_numpy(array).requires_grad_(name in self.varying)

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

    def _pull(self, leaves: Tensors, outputs: Sequence[Tensor], cotangents: Arrays) -> Mapping[str, object]:
        torch = the_torch()
        wanted = self.wanted
        seeded = [
            (one, _tensor(torch, cotangent))
            for one, cotangent in zip(outputs, cotangents.values(), strict=True)
            if one.requires_grad
        ]
        if not seeded:
            return dict.fromkeys(wanted)
        with self._precision():
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
        """Tangents of the outputs by forward mode, if somebody's Function defines it and all others do."""
        torch = the_torch()
        if not _defines_forward_mode(torch.autograd.Function):
            return None
        forward = torch.autograd.forward_ad
        try:
            with forward.dual_level(), warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # of torch's, of itself
                duals = {
                    name: self._leaf(name, array).clone() for name, array in self.copies(primals).items()
                }
                for name, tangent in tangents.items():
                    duals[name] = forward.make_dual(duals[name], _tensor(torch, tangent).clone())
                found = [forward.unpack_dual(one) for one in self._evaluate(duals)]
        except EvaluationError as error:
            if isinstance(error.__cause__, NotImplementedError):  # torch's word for an operation without
                return None
            raise
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
        if any(one is not None and _ends_in_error(one.grad_fn) for one in found):
            fact = "is marked once_differentiable: it has no second derivative"
            raise EvaluationError(f"{self.names[0]} {fact}; leave order: 2 out")
        return [torch.zeros_like(x) if one is None else one for x, one in zip(wanted, found, strict=True)]


def _defines_forward_mode(function: Any) -> bool:
    """Whether a Function that is not torch's own has a ``jvp``; those of torch are not in doubt."""
    return any(
        (not one.__module__.startswith("torch.") and "jvp" in vars(one)) or _defines_forward_mode(one)
        for one in function.__subclasses__()
    )


def _ends_in_error(node: Any) -> bool:
    """Whether torch would refuse to go through a gradient's graph, which it does not say by itself."""
    seen, stack = set(), [node]
    while stack:
        one = stack.pop()
        if one is not None and one not in seen:
            seen.add(one)
            if one.name().endswith("Error"):
                return True
            stack += [following for following, _ in one.next_functions]
    return False


def _tensor(torch: Any, array: Array) -> Tensor:
    """Take an array as a tensor in the same memory; torch has no negative strides and no read-only memory."""
    array = np.asarray(array)  # a number of NumPy is no array to torch
    if not array.flags.writeable or any(stride < 0 for stride in array.strides):
        array = array.copy()
    return torch.from_numpy(array)
