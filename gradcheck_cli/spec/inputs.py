"""Inputs: from what the spec says of one to its shape, dtype, values and domain."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path as FilePath
from typing import Final

import numpy as np

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.parts import is_complex, parts_of
from gradcheck_cli.result import Fault
from gradcheck_cli.shapes import Shape, Size, show, show_bytes
from gradcheck_cli.spec.arrays import ValueFaultError, literal, load_array
from gradcheck_cli.spec.axes import MAX_AXES, AxisError, axis_length, integer
from gradcheck_cli.spec.model import InputForm, SampleForm
from gradcheck_cli.spec.sample import FARTHEST
from gradcheck_cli.spec.scope import Scope
from gradcheck_cli.spec.types import InputSpec, Sample

_SQUARE_KINDS: Final = frozenset({"spd", "orthogonal"})
_INTEGER_KINDS: Final = frozenset({"integers", "choice", "permutation"})
_COMPLEX_KINDS: Final = frozenset({"normal", "uniform", "choice"})
_EXACT: Final = 2**53  # the largest integers that pass through a float unharmed


class _SampleError(GradcheckError):
    """A sample that does not make sense; the bare fact."""


def fixed_arrays(
    scope: Scope, inputs: Mapping[str, InputForm], *, max_memory: int
) -> tuple[dict[str, np.ndarray], list[Fault]]:
    """Read the inputs that a spec gives by value or by file, each once for a whole sweep."""
    arrays: dict[str, np.ndarray] = {}
    faults: list[Fault] = []
    folder = FilePath(scope.spec).parent
    for name, form in inputs.items():
        place = ("inputs", name, "file" if form.file is not None else "value")
        if form.shape is not None:
            continue
        try:
            if form.file is not None:
                arrays[name] = load_array(form.file, folder, form.dtype, max_memory=max_memory)
            else:
                arrays[name] = literal(scope.node(*place), form.dtype or "float64")
        except ValueFaultError as error:
            faults.append(scope.fault(error.message, *place, *error.path))
    return arrays, faults


def resolve_inputs(
    scope: Scope,
    inputs: Mapping[str, InputForm],
    dims: Mapping[str, Size],
    fixed: Mapping[str, np.ndarray],
    *,
    max_memory: int,
) -> tuple[tuple[InputSpec, ...], list[Fault]]:
    """Give every input its shape and its sample, for one choice of dims."""
    results: list[InputSpec] = []
    faults: list[Fault] = []
    for name, form in inputs.items():
        if form.shape is None and name not in fixed:
            continue  # its array could not be read, which has been said
        result, found = _resolve(scope, form, name, dims, fixed.get(name))
        faults += found
        if result is not None:
            faults += _memory_faults(scope, result, max_memory)
            results.append(result)
    return tuple(results), faults


def resolve_shape(
    scope: Scope, axes: Sequence[int | str], dims: Mapping[str, Size], *path: str
) -> tuple[Shape, list[Fault]]:
    """Work out every axis of a shape that stands at a path."""
    if len(axes) > MAX_AXES:
        return (), [scope.fault(f"{len(axes)} axes; an array has at most {MAX_AXES}", *path)]
    sizes: list[int] = []
    faults: list[Fault] = []
    for index, axis in enumerate(axes):
        size, problem = _axis(axis, dims)
        sizes.append(size)
        faults += [scope.fault(problem, *path, index)] if problem else []
    return tuple(sizes), faults


def _axis(axis: int | str, dims: Mapping[str, Size]) -> tuple[int, str]:
    try:
        return axis_length(axis, dims), ""
    except AxisError as error:
        return 0, str(error)


def _resolve(
    scope: Scope,
    form: InputForm,
    name: str,
    dims: Mapping[str, Size],
    value: np.ndarray | None,
) -> tuple[InputSpec | None, list[Fault]]:
    dtype = form.dtype or (str(value.dtype) if value is not None else "float64")
    if value is None:
        path = ("inputs", name, "shape") if scope.written("inputs", name, "shape") else ("inputs", name)
        shape, faults = resolve_shape(scope, form.shape or (), dims, *path)
    else:
        shape, faults = value.shape, []
    if faults:
        return None, faults
    try:
        sample = _sample(form, dims)
        _check_sample(form, sample, shape, dtype, value)
    except (AxisError, _SampleError) as error:
        return None, [scope.fault(str(error), "inputs", name, "sample")]
    differentiable, faults = _differentiable(scope, name, form, dtype, value)
    result = InputSpec(
        name=name,
        shape=shape,
        dtype=dtype,
        sample=sample,
        value=value,
        differentiable=differentiable,
        position=scope.position("inputs", name),
    )
    return result, faults


def _memory_faults(scope: Scope, given: InputSpec, max_memory: int) -> list[Fault]:
    # NumPy cannot make an empty array either whose other axes are too long.
    needed = math.prod(max(int(size), 1) for size in given.shape) * np.dtype(given.dtype).itemsize
    if needed <= max_memory:
        return []
    fact = f"{show(given.shape)} of {given.dtype} takes {show_bytes(needed)}"
    message = f"{fact}, and the budget is {show_bytes(max_memory)}; make it smaller, or raise --max-memory"
    return [scope.fault(message, "inputs", given.name)]


def _differentiable(
    scope: Scope, name: str, form: InputForm, dtype: str, value: np.ndarray | None
) -> tuple[bool, list[Fault]]:
    floating = dtype.startswith(("float", "complex"))
    wanted = floating if form.differentiable is None else form.differentiable
    if wanted and not floating:
        message = f"an input of {dtype} has no gradient; write a float dtype, or leave this key out"
        return False, [scope.fault(message, "inputs", name, "differentiable")]
    if wanted and value is not None and not np.isfinite(value).all():
        bad = value[~np.isfinite(value)][0].item()
        message = (
            f'{bad} stands among the values, and no gradient exists there; write "differentiable: false"'
        )
        return False, [scope.fault(message, "inputs", name)]
    return wanted, []


def _sample(form: InputForm, dims: Mapping[str, Size]) -> Sample:
    drawn = form.sample or SampleForm.model_construct()
    kind = drawn.kind
    symmetric = drawn.symmetric if form.symmetric is None else form.symmetric
    if None not in {drawn.symmetric, form.symmetric} and drawn.symmetric != form.symmetric:
        raise _SampleError("symmetric is both true and false here; keep one")
    arguments: tuple[float, ...] = ()
    if kind == "integers":
        arguments = tuple(integer(bound, dims) for bound in drawn.integers or ())
    elif kind in {"normal", "uniform", "choice"}:
        arguments = tuple(getattr(drawn, kind) or ())
    _check_arguments(kind, arguments)
    return Sample(
        kind=kind,  # type: ignore[arg-type]  # the model's kinds are the type's
        arguments=() if kind == "normal" and arguments == (0, 1) else arguments,
        symmetric=kind == "spd" if symmetric is None else symmetric,
    )


def _check_arguments(kind: str, arguments: tuple[float, ...]) -> None:
    if kind == "normal" and arguments and arguments[1] <= 0:
        raise _SampleError(
            f"the standard deviation is {arguments[1]:g}; write [mean, deviation] with a positive one"
        )
    if kind in {"uniform", "integers"} and arguments[0] >= arguments[1]:
        low, high = arguments
        excluded = " (high is excluded)" if kind == "integers" else ""
        raise _SampleError(
            f"there is nothing from {low:g} to {high:g}{excluded}; write [low, high] with low < high"
        )
    if kind == "uniform" and not math.isfinite(arguments[1] - arguments[0]):
        raise _SampleError(
            "the limits are too far apart; write limits that a float64 can hold the distance of"
        )
    if kind == "integers" and max(map(abs, arguments)) > _EXACT:
        raise _SampleError("the bounds are beyond 2**53; write smaller ones")


def _check_sample(
    form: InputForm, sample: Sample, shape: Shape, dtype: str, value: np.ndarray | None
) -> None:
    square = len(shape) >= 2 and int(shape[-1]) == int(shape[-2])
    if not square and (sample.kind in _SQUARE_KINDS or sample.symmetric):
        what = sample.kind if sample.kind in _SQUARE_KINDS else "symmetric"
        raise _SampleError(
            f"{what} needs a square matrix, and the shape is {show(shape)}; write such as [N, N]"
        )
    if sample.symmetric and sample.kind in {"orthogonal", "permutation"}:
        raise _SampleError(f"{sample.kind} matrices are not symmetric in general; leave symmetric out")
    if is_complex(dtype):
        _check_complex(sample)
    if value is not None:
        _check_value(value, sample)
        return
    if dtype.startswith(("float", "complex")):
        _check_reach(sample, dtype)
    if dtype == "int64":
        _check_integers(form, sample, shape)
    elif dtype == "bool" and form.sample is not None and not _is_choice_of(sample, {0.0, 1.0}):
        raise _SampleError("a bool input is drawn without a sample; leave it out, or write {choice: [0, 1]}")
    elif sample.kind == "permutation" and not square:
        message = f"a float permutation is a square matrix, and the shape is {show(shape)}"
        raise _SampleError(f'{message}; write such as [N, N], or "dtype: int64" for a vector of indices')


def _check_complex(sample: Sample) -> None:
    if sample.kind not in _COMPLEX_KINDS:
        raise _SampleError(
            f"complex numbers are not drawn as {sample.kind}; write normal, uniform or choice, by which the "
            "real and the imaginary part are drawn each"
        )
    if sample.symmetric:
        raise _SampleError("a complex input cannot be symmetric; leave symmetric out")


def _check_reach(sample: Sample, dtype: str) -> None:
    """See to it that the dtype holds the values that are drawn."""
    arguments, limits = sample.arguments, np.finfo(dtype)
    reach = max(map(abs, arguments), default=0.0)
    if sample.kind == "normal" and arguments:
        reach = abs(arguments[0]) + FARTHEST * arguments[1]
    if reach > float(limits.max):
        message = f"values beyond {limits.max:.3g} would be drawn, the largest of {dtype}"
        raise _SampleError(f"{message}; write smaller numbers")
    if sample.kind == "uniform":
        low, high = (limits.dtype.type(end) for end in arguments)
        if np.nextafter(low, high) >= high:
            message = f"no number of {dtype} lies between {arguments[0]!r} and {arguments[1]!r}"
            raise _SampleError(f"{message}; write limits that are further apart")


def _check_integers(form: InputForm, sample: Sample, shape: Shape) -> None:
    if form.sample is None or sample.kind not in _INTEGER_KINDS:
        drawn = f"integers are not drawn as {sample.kind}"
        message = drawn if form.sample else "nothing says which integers to draw"
        raise _SampleError(f"{message}; write such as sample: {{integers: [0, 10]}}, or value, or file")
    if sample.kind == "permutation" and len(shape) != 1:
        raise _SampleError(
            f"an integer permutation is a vector, and the shape is {show(shape)}; write such as [N]"
        )
    if sample.kind == "choice" and any(not number.is_integer() for number in map(float, sample.arguments)):
        raise _SampleError("the choices are not all integers, and the dtype is int64; write integers")


def _is_choice_of(sample: Sample, allowed: set[float]) -> bool:
    return sample.kind == "choice" and set(sample.arguments) <= allowed


def _check_value(value: np.ndarray, sample: Sample) -> None:
    low, high = sample.domain
    parts = parts_of(value, value.dtype)
    outside = parts[(parts < low) | (parts > high)]
    if outside.size:
        raise _SampleError(
            f"the value {outside[0]} lies outside the domain [{low:g}, {high:g}]; mend one of them"
        )
    if sample.symmetric and not np.array_equal(value, np.swapaxes(value, -1, -2), equal_nan=True):
        raise _SampleError("the values are not symmetric, and symmetric is true; mend one of them")
