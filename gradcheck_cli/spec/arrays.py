"""Fixed inputs: literal values of a spec, and arrays in ``.npy`` and ``.npz`` files.

A file's header is read first, and nothing is loaded that is larger than the budget or not of plain
numbers; pickles are never opened.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path as FilePath
from typing import IO, Final

import numpy as np

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.parts import is_complex
from gradcheck_cli.shapes import Shape, count, show_bytes
from gradcheck_cli.spec.axes import MAX_AXES
from gradcheck_cli.spec.faults import wrong_type
from gradcheck_cli.spec.source import is_regular
from gradcheck_cli.spec.tree import ListNode, Node, Path, Scalar, describe, shorten

_LONGEST_FACT: Final = 100
_STORED: Final = ("float64", "float32", "float16", "complex128", "complex64", "int64", "bool")


class ValueFaultError(GradcheckError):
    """A value that cannot be used, and the place within the input's own tree."""

    def __init__(self, message: str, path: Path = ()) -> None:
        super().__init__(message)
        self.message = message
        self.path = path


def literal(node: Node, dtype: str) -> np.ndarray:
    """Turn nested lists of numbers, complex ones as text such as ``1+2j``, into an array of the dtype.

    Raises
    ------
    ValueFaultError
        For ragged lists, and for entries that are no numbers of this dtype.
    """
    shape = _literal_shape(node)
    numbers = [_number(leaf, dtype, path) for path, leaf in _leaves(node, shape, ())]
    with np.errstate(over="ignore"):
        array = np.array(numbers, dtype=dtype).reshape(shape)
    for index in np.argwhere(np.isinf(array)):
        path = tuple(index.tolist())
        number = numbers[int(np.ravel_multi_index(path, shape))] if shape else numbers[0]
        if not np.isinf(number):
            raise ValueFaultError(f"{number} is too large for {dtype}", path)
    return array


def _literal_shape(node: Node) -> Shape:
    shape: list[int] = []
    while isinstance(node, ListNode):
        shape.append(len(node.items))
        if not node.items:
            break
        node = node.items[0]
    if len(shape) > MAX_AXES:
        raise ValueFaultError(f"{len(shape)} lists stand in one another; arrays have at most {MAX_AXES} axes")
    return tuple(shape)


def _leaves(node: Node, shape: Shape, path: Path) -> Iterator[tuple[Path, Scalar]]:
    if not shape:
        if not isinstance(node, Scalar):
            raise ValueFaultError(
                f"ragged: {describe(node)} stands here, and its neighbours are numbers", path
            )
        yield path, node
        return
    if not isinstance(node, ListNode):
        raise ValueFaultError(f"ragged: {describe(node)} stands here, and its neighbours are lists", path)
    if len(node.items) != shape[0]:
        message = f"ragged: this list has {len(node.items)} entries, and the one before it has {shape[0]}"
        raise ValueFaultError(f"{message}; make them equally long", path)
    for index, item in enumerate(node.items):
        yield from _leaves(item, shape[1:], (*path, index))


def _number(node: Scalar, dtype: str, path: Path) -> complex:
    value = node.value
    if isinstance(value, bool):
        if dtype != "bool":
            message = (
                f'YAML reads {node.written} as {str(value).lower()}; add "dtype: bool", or write a number'
            )
            raise ValueFaultError(message, path)
        return value
    if isinstance(value, str):
        return _from_text(node, value, dtype, path)
    if not isinstance(value, (int, float)):
        raise ValueFaultError(wrong_type("a number", node), path)
    if dtype == "bool" and value not in {0, 1}:
        raise ValueFaultError(f"{node.written} is no truth value; write true or false", path)
    if dtype == "int64":
        if isinstance(value, float):
            raise ValueFaultError(f"{node.written} is no integer, and the dtype is int64", path)
        if not -(2**63) <= value < 2**63:
            raise ValueFaultError(f"{node.written} is too large for int64", path)
        return value
    try:
        return float(value)
    except OverflowError:
        raise ValueFaultError(f"{node.written} is too large for {dtype}", path) from None


def _from_text(node: Scalar, text: str, dtype: str, path: Path) -> complex:
    """Read ``1+2j`` or ``1 + 2j`` as Python does."""
    written = "".join(text.split()).lower()
    try:
        number = complex(written) if written.endswith("j") else None
    except ValueError:
        number = None
    if number is None:
        remedy = "; write complex numbers as 1+2j" if is_complex(dtype) else ""
        raise ValueFaultError(wrong_type("a number", node) + remedy, path)
    if not is_complex(dtype):
        message = f'{node.written} is complex, and the dtype is {dtype}; add "dtype: complex128"'
        raise ValueFaultError(message, path)
    return number


def load_array(file: str, folder: FilePath, dtype: str | None, *, max_memory: int) -> np.ndarray:
    """Load ``weights.npy`` or ``weights.npz:key``; without a dtype the file's own decides.

    Raises
    ------
    ValueFaultError
        For a file that is missing, broken, larger than the budget or of another dtype.
    """
    name, _, key = file.partition(".npz:")
    path = folder / (f"{name}.npz" if key else file)
    if not key and path.suffix != ".npy":
        raise ValueFaultError(
            f'"{file}" is neither a .npy file nor an .npz file with a key; write name.npz:key'
        )
    if path.exists() and not is_regular(path):
        raise ValueFaultError(f'"{path}" is no regular file; write the name of one')
    try:
        with _opened(path, key) as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy's, about headers that Python 2 wrote
            return _read(stream, file, dtype, max_memory)
    except ValueFaultError:
        raise
    except FileNotFoundError:
        raise ValueFaultError(f'there is no file "{path}"; paths are relative to the spec') from None
    except Exception as error:  # noqa: BLE001  # zipfile, zlib, lzma, ast and tokenize raise what they like
        if isinstance(error, OSError) and error.strerror:  # without one it is bz2's
            raise ValueFaultError(f'"{path}" cannot be read: {error.strerror}') from None
        fact = shorten(str(error), _LONGEST_FACT) or type(error).__name__
        raise ValueFaultError(f'"{path}" is broken: {fact}') from None


@contextmanager
def _opened(path: FilePath, key: str) -> Iterator[IO[bytes]]:
    if not key:
        with path.open("rb") as stream:
            yield stream
        return
    with zipfile.ZipFile(path) as archive:
        members = [name.removesuffix(".npy") for name in archive.namelist() if name.endswith(".npy")]
        if key not in members:
            raise ValueFaultError(f'"{path}" has no array "{key}"; it has: {", ".join(members) or "none"}')
        with archive.open(f"{key}.npy") as stream:
            yield stream


def _read(stream: IO[bytes], file: str, dtype: str | None, max_memory: int) -> np.ndarray:
    version = np.lib.format.read_magic(stream)
    if version not in {(1, 0), (2, 0)}:
        raise ValueError(f"version {version} of the .npy format")
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran_order, stored = header(stream)
    target = _target_dtype(stored, file, dtype)
    if any(type(length) is not int or length < 0 for length in shape) or len(shape) > MAX_AXES:
        raise ValueError(f"shape {shape}")
    size = count(shape)
    needed = size * max(target.itemsize, stored.itemsize)
    if needed > max_memory:
        message = f"{file} holds {show_bytes(needed)}, and the budget is {show_bytes(max_memory)}"
        raise ValueFaultError(f"{message}; raise --max-memory, or store less")
    content = stream.read(size * stored.itemsize)
    if len(content) < size * stored.itemsize:
        raise ValueError(f"{len(content)} bytes of data instead of {size * stored.itemsize}")
    array = np.frombuffer(content, dtype=stored, count=size)
    if target == np.int64 and stored.kind == "u" and size and int(array.max()) > np.iinfo(np.int64).max:
        raise ValueFaultError(f"{file} holds integers that are too large for int64")
    return array.astype(target).reshape(shape, order="F" if fortran_order else "C").copy(order="C")


def _target_dtype(stored: np.dtype, file: str, dtype: str | None) -> np.dtype:
    """Decide the dtype: integers of any width become int64, everything else must be one of ours."""
    native = "int64" if stored.kind in "iu" else stored.newbyteorder("=").name
    if native not in _STORED:
        kinds = ", ".join(_STORED)
        raise ValueFaultError(f"{file} holds {stored}, which is not supported; store one of: {kinds}")
    if dtype is not None and dtype != native:
        raise ValueFaultError(f'{file} holds {stored}, and the spec says {dtype}; write "dtype: {native}"')
    return np.dtype(native)
