"""A complex array as twice as many real numbers, which is how derivatives see it.

Its *parts* are a real array with one more axis, the last, for the real and the imaginary part of each entry.
The gradient of a real L by a complex z is ∂L/∂Re z + i ∂L/∂Im z, and a cotangent g of a complex y stands for
L = Re Σ conj(g) y: parts of a gradient are the gradient by the parts, and ⟨g, y⟩ is the product of the parts.
torch's convention is the same; JAX's ``grad`` gives the conjugate.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gradcheck_cli.shapes import PARTS, Shape

Array = npt.NDArray[Any]


def is_complex(dtype: npt.DTypeLike) -> bool:
    """Whether values of a dtype have two parts."""
    return bool(np.issubdtype(dtype, np.complexfloating))


def part_dtype(dtype: npt.DTypeLike) -> np.dtype[Any]:
    """Dtype of the parts: complex64 has float32."""
    found: np.dtype[Any] = np.dtype(dtype).type(0).real.dtype
    return found


def part_shape(shape: Shape, dtype: npt.DTypeLike) -> Shape:
    """Shape of the parts."""
    return (*shape, len(PARTS)) if is_complex(dtype) else shape


def parts_of(array: npt.ArrayLike, dtype: npt.DTypeLike) -> Array:
    """Take an array apart, as a value of this dtype; of a real one, it is the array itself.

    What is complex and should be real loses its imaginary part.
    """
    found = np.asarray(array)
    if not is_complex(dtype):
        return found.real
    return np.stack([found.real, found.imag], axis=-1)


def split_index(index: tuple[int, ...], dtype: npt.DTypeLike) -> tuple[tuple[int, ...], str]:
    """Index of an entry and name of its part, from an index of the parts; a real entry has no such name."""
    return (index[:-1], PARTS[index[-1]]) if is_complex(dtype) else (index, "")


def whole_of(parts: Array, dtype: npt.DTypeLike) -> Array:
    """Put an array of this dtype together from its parts."""
    if not is_complex(dtype):
        return np.asarray(parts, dtype)
    numbers = np.ascontiguousarray(parts, part_dtype(dtype))
    return np.asarray(numbers.view(dtype)[..., 0])
