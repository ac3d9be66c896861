"""Functions of JAX arrays as layers: their VJPs, forward mode, and the VJP of a VJP by composition."""

from __future__ import annotations

import contextlib
import importlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.functions.base import Arrays, ArrayType
from gradcheck_cli.functions.layer import Call, FrameworkLayer, kind_of, required
from gradcheck_cli.shapes import show

JaxArray = Any  # jax is not imported before it is needed
JaxArrays = Mapping[str, JaxArray]

_KEYS: Final = ("key", "rng")


@cache
def the_jax() -> Any:
    """Import JAX, on the CPU unless the user has said where: the arrays of a check are small."""
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    return required("jax")


@contextlib.contextmanager
def precision(*, wide: bool) -> Iterator[None]:
    """Let JAX compute with 64 bits or with 32, whatever its global setting; that is left alone."""
    jax = the_jax()
    enable = getattr(jax, "enable_x64", None)
    if enable is None:  # where older versions have it
        enable = importlib.import_module("jax.experimental").enable_x64
    with enable(wide):
        yield


def is_wide(inputs: Mapping[str, ArrayType]) -> bool:
    """Whether one of the floating inputs has 64 bits, or there is none."""
    widths = [one.parts.dtype.itemsize for one in inputs.values() if one.differentiable]
    return max(widths, default=8) == 8


@dataclass(frozen=True, kw_only=True)
class JaxLayer(FrameworkLayer):
    """A function of arrays by name, whose gradients ``jax.vjp`` tells."""

    def call(self, primals: Arrays) -> Call:
        """Call the function as it is, outside of any differentiation; that is done when it is asked for."""
        given = self.copies(primals)
        with self._precision():
            arrays = self._arrays(given)
            values = self._evaluate(arrays)
        return Call(given, values, partial(self._pull, arrays, [one.copy() for one in values]))

    def _evaluate(self, arrays: JaxArrays) -> list[Array]:
        result = self.workspace.call(self.names[0], self.function, arrays)
        return [self._value(one) for one in the_jax().tree_util.tree_leaves(result)]

    def _precision(self) -> contextlib.AbstractContextManager[None]:
        return precision(wide=is_wide(self.inputs))

    def _arrays(self, given: Arrays) -> dict[str, JaxArray]:
        convert = the_jax().numpy.array
        return {
            name: convert(array, dtype=np.uint32) if _is_key(name, array) else convert(array)
            for name, array in given.items()
        }

    def _value(self, result: Any) -> Array:
        """Take a result's numbers, to which nothing else refers."""
        if not isinstance(result, (the_jax().Array, np.ndarray, np.generic, bool, int, float, complex)):
            raise EvaluationError(f"{self.names[0]} returned {kind_of(result)}, which is no array")
        dtype = getattr(result, "dtype", np.dtype(np.float64))  # a mere number of Python has none
        kind = getattr(dtype, "kind", "O")  # a key's dtype is JAX's own, and has none
        if kind == "V":  # how NumPy takes what it does not know
            fact = f"{self.names[0]} computes in {dtype}, which NumPy does not have"
            raise EvaluationError(f"{fact}; return such as y.astype(float)")
        if kind not in "fciub":
            raise EvaluationError(f"{self.names[0]} returned an array of {dtype}, which are no numbers")
        return np.array(self.workspace.call(self.names[0], the_jax().numpy.asarray, result))

    def _split(self, arrays: JaxArrays) -> tuple[Callable[..., list[JaxArray]], list[JaxArray]]:
        """Return the function of the varying inputs alone, as it returns a flat list, and these inputs."""
        jax = the_jax()
        wanted = self.wanted

        def function(*varying: JaxArray) -> list[JaxArray]:
            result = self.function({**arrays, **dict(zip(wanted, varying, strict=True))})
            return [jax.numpy.asarray(one) for one in jax.tree_util.tree_leaves(result)]

        return function, [arrays[name] for name in wanted]

    def _linearized(self, arrays: JaxArrays) -> tuple[list[JaxArray], Callable[..., Sequence[JaxArray]]]:
        """Return the outputs under differentiation, and the pullback: cotangents → gradients, conjugated."""
        function, varying = self._split(arrays)
        outputs, pullback = the_jax().vjp(function, *varying)
        return outputs, pullback

    def _pull(self, arrays: JaxArrays, values: Sequence[Array], cotangents: Arrays) -> Mapping[str, object]:
        jax = the_jax()
        with self._precision():
            outputs, pullback = self.workspace.call(self.names[0], self._linearized, arrays)
            self._compare(arrays, values, [np.asarray(one) for one in outputs])
            seeds = [
                _seed(jax, one, np.conj(cotangent))
                for one, cotangent in zip(outputs, cotangents.values(), strict=True)
            ]
            found = self.workspace.call_back(self.names[1], pullback, seeds)
            return {name: np.conj(np.array(one)) for name, one in zip(self.wanted, found, strict=True)}

    def _compare(self, arrays: JaxArrays, values: Sequence[Array], differentiated: Sequence[Array]) -> None:
        """Make sure that a rule's own forward computes what the function does.

        Raises
        ------
        EvaluationError
            Where they differ by more than the root of the round-off, relative to the largest value.
        """
        differing = [
            f"{name}{_difference(other, value)} without"
            for name, value, other in zip(self.outputs, values, differentiated, strict=True)
            if not _agree(value, other)
        ]
        if differing and all(map(_agree, values, self._evaluate(arrays))):  # else no two calls are alike
            fact = f"{self.names[0]} has another value where it is differentiated: {differing[0]}"
            remedy = "make the fwd of custom_vjp, or the rule of custom_jvp, return what the function does"
            raise EvaluationError(f"{fact}; {remedy}")

    def push(self, primals: Arrays, tangents: Arrays) -> list[Array] | None:
        """Tangents of the outputs by forward mode, which functions with a ``custom_vjp`` do not have."""
        jax = the_jax()
        with self._precision():
            function, varying = self._split(self._arrays(self.copies(primals)))
            along = [
                jax.numpy.array(tangents[name], dtype=x.dtype)
                if name in tangents
                else jax.numpy.zeros_like(x)
                for name, x in zip(self.wanted, varying, strict=True)
            ]
            try:
                outputs, found = self.workspace.call(self.names[0], jax.jvp, function, varying, along)
            except EvaluationError as error:
                if isinstance(error.__cause__, TypeError) and "forward-mode" in str(error.__cause__):
                    return None
                raise
            return [
                np.array(tangent) if _is_floating(jax, one) else np.zeros(one.shape, one.dtype)
                for one, tangent in zip(outputs, found, strict=True)
            ]

    def gradients(self, arrays: JaxArrays) -> list[JaxArray]:
        """Compute the VJP so that it can be differentiated again."""
        jax = the_jax()
        outputs, pullback = self._linearized({name: arrays[name] for name in self.inputs})
        seeds = [
            _seed(jax, one, jax.numpy.conj(arrays[f"d{name}"]) if type_.differentiable else None)
            for (name, type_), one in zip(self.outputs.items(), outputs, strict=True)
        ]
        return [jax.numpy.conj(one) for one in pullback(seeds)]


def _is_key(name: str, array: Array) -> bool:
    """Whether an input is a key of ``jax.random``, which takes no other dtype than uint32."""
    named = name in _KEYS or name.endswith(tuple(f"_{one}" for one in _KEYS))
    return named and array.dtype.kind in "iu" and array.shape[-1:] == (2,)


def _is_floating(jax: Any, array: JaxArray) -> bool:
    return bool(jax.numpy.issubdtype(array.dtype, np.inexact))


def _seed(jax: Any, output: JaxArray, cotangent: Any) -> Any:
    """Give a cotangent the dtype that JAX wants for an output: of integers that of no bits."""
    if not _is_floating(jax, output):
        return np.zeros(output.shape, jax.dtypes.float0)
    return jax.numpy.asarray(cotangent, dtype=output.dtype)


def _agree(value: Array, other: Array) -> bool:
    if value.shape != other.shape:
        return False
    if value.dtype.kind not in "fc":
        return np.array_equal(value, other)
    size = np.max(np.abs(value), initial=0.0, where=np.isfinite(value))
    atol = float(np.sqrt(np.finfo(value.dtype).eps)) * float(size)
    return bool(np.allclose(other, value, rtol=0.0, atol=atol, equal_nan=True))


def _difference(array: Array, other: Array) -> str:
    """``[0, 1] is 2.5, and 1.5``: where two arrays differ most, or their shapes if these do."""
    if array.shape != other.shape:
        return f" has the shape {show(array.shape)}, and {show(other.shape)}"
    with np.errstate(all="ignore"):
        gap = np.nan_to_num(np.abs(array.astype(np.complex128) - other), nan=np.inf)
    index = np.unravel_index(int(np.argmax(gap)), array.shape)
    place = f"[{', '.join(map(str, index))}]" if array.shape else ""
    return f"{place} is {_number(array[index])}, and {_number(other[index])}"


def _number(value: np.generic) -> str:
    return f"{value:.6g}" if value.dtype.kind in "fc" else str(value)
