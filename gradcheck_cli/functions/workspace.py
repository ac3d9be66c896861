"""The world as a user's code sees it while it runs: its modules, its random seed, its standard output.

Between calls all of that is put back, so that the code of one spec cannot change what another one imports.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import random
import sys
import traceback
import warnings
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

from gradcheck_cli.errors import EvaluationError, Frame
from gradcheck_cli.functions.base import NO_VALUE

OURS: Final = Path(__file__).parents[1]
_SEEDS: Final = 2**32  # NumPy's legacy seed must be smaller
_TORCH_SEEDS: Final = 2**63  # likewise
_MACHINERY: Final = ("<frozen importlib", "<frozen zipimport", "<frozen runpy")


@contextlib.contextmanager
def same_randomness() -> Iterator[None]:
    """Leave Python's and NumPy's global random state as it was, whatever is seeded within."""
    state = random.getstate(), np.random.get_state()  # noqa: NPY002  # it is the caller's
    try:
        yield
    finally:
        random.setstate(state[0])
        np.random.set_state(state[1])  # noqa: NPY002


class NoValueError(EvaluationError, ArithmeticError):
    """The code raised what arithmetic raises outside a function's domain."""


@dataclass
class Workspace:
    """Where the code of one spec is imported from, and in what state it is called."""

    folders: Sequence[Path]
    seed: int
    file: Path | None = None  # the spec, which may hold code of its own
    further: list[str] = field(default_factory=list)  # directories that the code adds to sys.path by itself
    modules: dict[str, ModuleType] = field(default_factory=dict)  # imported from the folders
    foreign: frozenset[str] = field(default_factory=lambda: frozenset(sys.modules))

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Let the folders and the own modules be found; what is printed goes to stderr."""
        path, known = list(sys.path), len(sys.modules) + len(self.modules)
        streams, folder = (sys.stdout, sys.stderr), os.getcwd()  # noqa: PTH109  # a string is all that it takes
        sys.path[:0] = [*map(str, self.folders), *self.further]
        sys.modules.update(self.modules)
        try:
            with contextlib.redirect_stdout(sys.stderr), np.errstate(all="ignore"), warnings.catch_warnings():
                yield
        finally:
            sys.stdout, sys.stderr = streams
            os.chdir(folder)
            self.further += [
                one for one in sys.path if one not in {*path, *map(str, self.folders), *self.further}
            ]
            sys.path[:] = path
            if len(sys.modules) != known:
                self._adopt()
            for name in self.modules:
                sys.modules.pop(name, None)

    def _adopt(self) -> None:
        """Take note of modules that were imported from the folders."""
        new = {name: module for name, module in list(sys.modules.items()) if name not in self.foreign}
        self.modules |= {name: module for name, module in new.items() if self._is_own(module)}

    def _is_own(self, module: ModuleType) -> bool:
        file = getattr(module, "__file__", None)
        return file is not None and self._is_below(file)

    def call(self, name: str, function: Callable[..., Any], *arguments: Any, **kwargs: Any) -> Any:
        """Call the user's function, from the same random seed each time.

        Raises
        ------
        EvaluationError
            Whatever it raises: where, by whom, and what. A ``NoValueError`` for what arithmetic raises.
        """
        _seed_all(self.seed)
        return self._called(name, function, arguments, kwargs)

    def call_back(self, name: str, function: Callable[..., Any], *arguments: Any, **kwargs: Any) -> Any:
        """Call the user's backward, likewise.

        Its seed is another one than forward's: a backward that draws its random numbers anew gets other ones
        than forward had, as it would anywhere else.
        """
        _seed_all(self.seed + 1)
        return self._called(name, function, arguments, kwargs)

    def _called(
        self, name: str, function: Callable[..., Any], arguments: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        process = os.getpid()
        try:
            with self.entered():
                return function(*arguments, **kwargs)
        except KeyboardInterrupt:
            raise
        except NO_VALUE as error:
            raise NoValueError(self.blame(name, function, error), frames=_frames(error)) from error
        except BaseException as error:
            raise EvaluationError(self.blame(name, function, error), frames=_frames(error)) from error
        finally:
            if os.getpid() != process:
                os._exit(0)  # a copy of this process that the code has made, and that was to end by itself

    def blame(self, name: str, function: Callable[..., Any], error: BaseException) -> str:
        """``layers.py:12: affine_backward raised ValueError: …``."""
        where = self._place(error, function) or _definition(function)
        return f"{where}{': ' if where else ''}{name} raised {described(error)}"

    def _place(self, error: BaseException, function: Callable[..., Any]) -> str:
        """File and line of the innermost frame in the spec's own code, else outside of this package."""
        if isinstance(error, SyntaxError) and error.filename:
            return f"{shown(error.filename)}:{error.lineno}"
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if not frame.filename.startswith("<") and is_foreign(frame.filename)
        ]
        home = getattr(getattr(function, "__code__", None), "co_filename", "")
        own = [frame for frame in frames if frame.filename == home or self._is_below(frame.filename)]
        chosen = (own or frames)[-1:]
        return f"{shown(chosen[0].filename)}:{chosen[0].lineno}" if chosen else ""

    def _is_below(self, file: str) -> bool:
        return Path(file) == self.file or any(Path(file).is_relative_to(folder) for folder in self.folders)


def _seed_all(seed: int) -> None:
    """Seed every global source of random numbers that the code may use, once for a call.

    Putting the old state back takes longer: that is done once for a run, and not at all for torch.
    """
    random.seed(seed)
    np.random.seed(seed % _SEEDS)  # noqa: NPY002  # the user's code may use it
    torch = sys.modules.get("torch")  # never imported here: only those who have it need it
    generator = getattr(torch, "default_generator", None)
    if generator is not None:  # manual_seed asks every kind of device, which takes a millisecond
        generator.manual_seed(seed % _TORCH_SEEDS)


def _frames(error: BaseException) -> tuple[Frame, ...]:
    """Cut an error's traceback to the frames of the user's code and of what that calls."""
    frames = [
        Frame(file=shown(one.filename), line=one.lineno or 0, function=one.name, source=one.line or "")
        for one in traceback.extract_tb(error.__traceback__)
        if is_foreign(one.filename)
    ]
    if isinstance(error, SyntaxError) and error.filename:
        where, text = shown(error.filename), (error.text or "").strip()
        frames.append(Frame(file=where, line=error.lineno or 0, function="<module>", source=text))
    return tuple(frames)


def is_foreign(file: str) -> bool:
    """Tell whether code stands neither in this package nor in what Python imports and starts modules with.

    >>> is_foreign("layers.py"), is_foreign("<frozen importlib._bootstrap>"), is_foreign(__file__)
    (True, False, False)
    """
    if file.startswith(_MACHINERY) or "importlib" in Path(file).parts:
        return False
    return not Path(file).is_relative_to(OURS)


def described(error: BaseException) -> str:
    """``ValueError: shapes differ``, on one line."""
    try:
        text = " ".join((error.msg if isinstance(error, SyntaxError) else str(error)).split())
    except Exception:  # noqa: BLE001  # an exception's own text may raise
        text = ""
    if isinstance(error, MemoryError):
        text = text or "out of memory"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def shown(file: str) -> str:
    """Write a path as short as it goes: relative to where the command runs, if it lies below."""
    try:
        relative = os.path.relpath(file)
    except ValueError:  # on another drive
        return file
    return file if relative.startswith("..") else relative


def _definition(function: Callable[..., Any]) -> str:
    code = getattr(function, "__code__", None)
    return f"{shown(code.co_filename)}:{code.co_firstlineno}" if code else ""


def import_file(file: Path) -> ModuleType:
    """Import a file anew, whatever else has its name."""
    name = f"_gradcheck_{zlib.crc32(str(file).encode()):08x}_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None, "a .py file has a loader"
    assert spec.loader is not None, "a .py file has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # as dataclasses and the like expect it
    spec.loader.exec_module(module)
    return module
