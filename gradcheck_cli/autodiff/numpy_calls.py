"""NumPy's functions in terms of the vocabulary, for rules that are traced.

Most are rows of the table by the same names and arguments; here stand those that are not, or are more.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gradcheck_cli.autodiff.primitive import Array, Primitive, integer, promoted
from gradcheck_cli.autodiff.primitives import PRIMITIVES
from gradcheck_cli.autodiff.primitives.elementwise import ratio, same_shape
from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.parts import is_complex
from gradcheck_cli.shapes import broadcast_shapes

if TYPE_CHECKING:
    from gradcheck_cli.autodiff.retrace import Recorder, Tracer

Operand = Any  # a Tracer, an array or a number


class UntraceableError(GradcheckError):
    """A rule does what no graph can hold; the message is what."""


def name_of(function: Callable[..., Any]) -> str:
    """Name as in the vocabulary: ``linalg.inv``, ``sum``."""
    inner = function.__module__.removeprefix("numpy").removeprefix(".")
    return f"linalg.{function.__name__}" if inner.startswith("linalg") else function.__name__


def bound(recorder: Recorder, primitive: Primitive, *arguments: Any, **options: Any) -> Any:
    """Record a call whose arguments are as in the primitive's signature."""
    try:
        found = primitive.parameters.bind(*arguments, **options)
    except TypeError as error:
        raise UntraceableError(f"numpy.{primitive.name}: {error}") from None
    found.apply_defaults()
    values = found.arguments
    operands = [values.pop(name) for name in primitive.operand_names]
    if primitive.packed:
        operands = list(operands[0])
    if primitive.parts is None:
        return recorder.record(primitive, operands, values)
    shapes = [np.shape(one) for one in operands]
    names = primitive.parts(*shapes, **values)
    results = [recorder.record(primitive, operands, {**values, "part": part}) for part in range(len(names))]
    if not all(name.isidentifier() for name in names):
        return results
    fields: Any = namedtuple("fields", names)  # type: ignore[misc]  # noqa: PYI024  # names are data
    return fields(*results)


def _constant_row(name: str, forward: Callable[..., Any], dtype: Callable[..., Any]) -> Primitive:
    """Build a row of what is constant between its jumps, or need not be differentiated."""
    shape = same_shape if name == "exponent" else broadcast_shapes
    return Primitive(name=name, shape=shape, forward=forward, dtype=dtype)


_EXPONENT: Final = _constant_row("exponent", lambda x: np.frexp(x)[1], integer)
_LDEXP: Final = _constant_row("ldexp", np.ldexp, lambda x, _exponent: promoted(x))


def _frexp(recorder: Recorder, x: Tracer) -> tuple[None, Tracer]:
    return None, recorder.record(_EXPONENT, [x], {})


def _ldexp(recorder: Recorder, x: Operand, exponent: Operand) -> Tracer:
    """Powers of two that keep a sum from overflowing: what is divided by them is multiplied by them again."""
    return recorder.record(_LDEXP, [x, exponent], {})


def _sign(recorder: Recorder, x: Any) -> Any:
    """sign(z) = z / |z| varies with a complex z."""
    if is_complex(x.dtype):
        return ratio(x, np.abs(x))
    return recorder.record(PRIMITIVES["sign"], [x], {})


def _positive(_recorder: Recorder, x: Tracer) -> Tracer:
    return x


UFUNCS: Final[Mapping[str, Callable[..., Any]]] = {
    "frexp": _frexp,
    "ldexp": _ldexp,
    "sign": _sign,
    "positive": _positive,
}


def _max(recorder: Recorder, x: Tracer, initial: float | None = None, **options: Any) -> Any:
    if initial is not None and not x.size:
        return np.max(np.empty(x.shape, x.dtype), initial=initial, **options)
    largest: Tracer = bound(recorder, PRIMITIVES["max"], x, **options)
    return largest if initial is None else np.maximum(largest, initial)


def _svd(_recorder: Recorder, a: Any, full_matrices: bool = True) -> tuple[Any, Any, Any]:  # noqa: FBT001, FBT002  # NumPy's
    """Take the vectors on the shorter side from the symmetric a aᵀ or aᵀ a, the others from them.

    Singular values must differ, and none be 0: elsewhere singular vectors have no derivative.
    """
    if full_matrices and a.shape[-2] != a.shape[-1]:
        raise UntraceableError("numpy.linalg.svd with full_matrices")
    if a.shape[-2] < a.shape[-1]:
        left, values, right = _svd(_recorder, a.mT, full_matrices=False)
        return right.mT, values, left.mT
    values = np.linalg.svdvals(a)
    vectors = np.flip(np.linalg.eigh(a.mT @ a)[1], -1)  # in the order of descending values
    return (a @ vectors) / values[..., None, :], values, vectors.mT


def _block(_recorder: Recorder, rows: Sequence[Sequence[Operand]]) -> Any:
    return np.concatenate([np.concatenate(row, axis=-1) for row in rows], axis=-2)


def _broadcast_arrays(_recorder: Recorder, *arrays: Operand) -> list[Any]:
    shape = broadcast_shapes(*(np.shape(one) for one in arrays))
    return [np.broadcast_to(one, shape) for one in arrays]


def _filled(value: float) -> Callable[..., Array]:
    return lambda _recorder, x, dtype=None: np.full(x.shape, value, dtype or x.dtype)


def _as_types(values: Iterable[Operand]) -> list[Any]:
    return [getattr(one, "dtype", one) for one in values]


# NumPy's functions that are no rows of the table, or more than these.
CALLS: Final[Mapping[str, Callable[..., Any]]] = {
    "max": _max,
    "amax": _max,
    "block": _block,
    "broadcast_arrays": _broadcast_arrays,
    "einsum": lambda recorder, subscripts, *operands, **_options: recorder.record(
        PRIMITIVES["einsum"], operands, {"subscripts": subscripts}
    ),
    "expand_dims": lambda recorder, a, axis: (
        a if axis == () else bound(recorder, PRIMITIVES["expand_dims"], a, axis)
    ),
    "full_like": lambda _recorder, x, value, dtype=None: np.full(x.shape, value, dtype or x.dtype),
    "iscomplexobj": lambda _recorder, x: is_complex(x.dtype),
    "linalg.svd": _svd,
    "ndim": lambda _recorder, x: x.ndim,
    "ones_like": _filled(1),
    "result_type": lambda _recorder, *values: np.result_type(*_as_types(values)),
    "shape": lambda _recorder, x: x.shape,
    "zeros_like": _filled(0),
}
