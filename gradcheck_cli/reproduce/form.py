"""Ways of making a spec smaller, each from one form of it to another: sizes, claims, keys, places."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.reproduce.numbers import MOST, nested
from gradcheck_cli.reproduce.target import Target
from gradcheck_cli.spec.code import is_file, split_target
from gradcheck_cli.spec.form import Form, form_text
from gradcheck_cli.spec.types import CheckSpec

Sizes = dict[str | int, int]  # a dim, or a number that stands for itself in shapes → its size

CLAIMS: Final = ("vjp", "jvp", "jacobian", "hvp", "chain")
# What a check can do without, unless the failure depends on it.
SPARE: Final = ("order", "outputs", "allow", "kinks", "mode", "tolerance", "timeout", "seed", "description")


@dataclass(frozen=True)
class Places:
    """Folders: of the spec as it is, of the one to be written, and the one in which the tool runs."""

    old: Path
    new: Path
    here: Path

    def moved(self, path: str) -> str:
        """Write a path of the old spec for the new one: relative if both lie below the present folder."""
        absolute = Path(os.path.normpath(self.old / path))
        if absolute.is_relative_to(self.here) and self.new.is_relative_to(self.here):
            return Path(os.path.relpath(absolute, self.new)).as_posix()
        return absolute.as_posix()


def complete(form: Form, check: CheckSpec, places: Places) -> Form:
    """Say what the command line has said, and where the files lie as seen from the new place."""
    result = {key: one for key, one in form.items() if key not in {"expect", "description"}}
    tolerance = {"rtol": check.tolerance.rtol, "atol": check.tolerance.atol or None}
    given = {key: one for key, one in tolerance.items() if one is not None}
    result = {
        **result,
        **({"tolerance": given} if given else {}),
        **({"seed": check.seed} if check.seed else {}),
    }
    values = {one.name: one.value for one in check.inputs if one.value is not None and one.value.size <= MOST}
    inputs = {name: _moved_input(one, places, values.get(name)) for name, one in form["inputs"].items()}
    function = form["function"]
    moved = _moved_function(function, places) if isinstance(function, dict) else function
    return {**result, "inputs": inputs, "function": moved}


def _moved_input(form: Any, places: Places, value: Array | None) -> Any:
    """Write what a file holds into the spec, or where the file lies if it is large."""
    if not isinstance(form, dict) or "file" not in form:
        return form
    if value is not None:
        kept = {key: one for key, one in form.items() if key != "file"}
        return {"value": nested(value, None), "dtype": str(value.dtype), **kept}
    name, key, rest = form["file"].partition(".npz:")
    return {**form, "file": f"{places.moved(name + '.npz')}:{rest}" if key else places.moved(name)}


def _moved_function(form: Mapping[str, Any], places: Places) -> dict[str, Any]:
    targets = ("python", "torch", "jax", *(() if "forward" in form else ("backward",)))
    result = dict(form)
    for key in targets:
        if key in form:
            result[key] = _moved_target(form[key], places)
    if "path" in form:
        paths = [form["path"]] if isinstance(form["path"], str) else form["path"]
        result["path"] = [places.moved(one) for one in paths]
    return result


def _moved_target(target: str, places: Places) -> str:
    source, name = split_target(target)
    if not is_file(source):
        return target
    return f"{places.moved(source)}:{name}" if name else places.moved(source)


def sizes_of(form: Form) -> Sizes:
    """Return every size of a spec by what stands for it."""
    numbers = [axis for shape in _shapes(form) for axis in shape if isinstance(axis, int)]
    fixed = [size for one in form["inputs"].values() for size in _literal_shape(one)]
    dims = form.get("dims", {})
    literal = [size for size in (*numbers, *fixed) if size not in dims.values() or size in numbers]
    return {**dims, **{size: size for size in sorted(set(literal))}}


def resized(form: Form, sizes: Sizes) -> Form:
    """Write other sizes: of dims, of numbers in shapes, and of fixed values, of which the first are kept."""
    dims = {name: sizes.get(name, size) for name, size in form.get("dims", {}).items()}
    known = _by_size(form, sizes)
    inputs = {name: _resized_input(one, sizes, known) for name, one in form["inputs"].items()}
    result = {**form, "inputs": inputs, **({"dims": dims} if dims else {})}
    outputs = form.get("outputs")
    if isinstance(outputs, dict):
        result["outputs"] = {name: _resized_shape(shape, sizes) for name, shape in outputs.items()}
    return result


def _by_size(form: Form, sizes: Sizes) -> dict[int, int]:
    """New size of a fixed array's axis by its old one, where only one thing has that size."""
    before: Sizes = sizes_of(form)
    found: dict[int, set[int]] = {}
    for name, size in before.items():
        found.setdefault(size, set()).add(sizes.get(name, size))
    return {size: next(iter(new)) for size, new in found.items() if len(new) == 1}


def _shapes(form: Form) -> list[Sequence[Any]]:
    inputs = [one if isinstance(one, list) else one.get("shape", []) for one in form["inputs"].values()]
    outputs = form.get("outputs")
    return [*inputs, *(outputs.values() if isinstance(outputs, dict) else ())]


def _literal_shape(form: Any) -> list[int]:
    value, shape = form.get("value") if isinstance(form, dict) else None, []
    while isinstance(value, list):
        shape.append(len(value))
        value = value[0] if value else None
    return shape


def _resized_shape(shape: Sequence[Any], sizes: Sizes) -> list[Any]:
    return [sizes.get(axis, axis) if isinstance(axis, int) else axis for axis in shape]


def _resized_input(form: Any, sizes: Sizes, known: Mapping[int, int]) -> Any:
    if isinstance(form, list):
        return _resized_shape(form, sizes)
    result = dict(form)
    if "shape" in form:
        result["shape"] = _resized_shape(form["shape"], sizes)
    if "value" in form:
        result["value"] = _cropped(form["value"], known)
    sample = form.get("sample")
    if isinstance(sample, dict) and "integers" in sample:
        low, high = sample["integers"]
        result["sample"] = {
            **sample,
            "integers": [low, sizes.get(high, high) if isinstance(high, int) else high],
        }
    return result


def _cropped(value: Any, known: Mapping[int, int]) -> Any:
    if not isinstance(value, list):
        return value
    return [_cropped(one, known) for one in value[: known.get(len(value), len(value))]]


def without(form: Form, *keys: str) -> Form:
    """Leave keys out."""
    return {key: one for key, one in form.items() if key not in keys}


def without_idle_dims(form: Form) -> Form:
    """Leave out the dims that nothing names."""
    words = set(re.findall(r"\w+", form_text(without(form, "dims", "name"))))
    dims = {name: size for name, size in form.get("dims", {}).items() if name in words}
    return {key: dims if key == "dims" else one for key, one in form.items() if key != "dims" or dims}


def only_claim(form: Form, target: Target) -> Form:
    """Keep of all claims the one that is wrong, and of the inputs to check the one that it is wrong about."""
    kind = target.claim.split()[0] if target.claim else ""
    key = {"vjp": target.input, "hvp": target.input, "jvp": target.output}.get(
        kind, f"{target.output}/{target.input}"
    )
    result = without(form, *(one for one in CLAIMS if one != kind))
    claims = result.get(kind)
    if isinstance(claims, dict) and key in claims:
        result[kind] = {key: claims[key]}
    return only_input(result, target)


def only_input(form: Form, target: Target) -> Form:
    """Check one input alone; where only one can be, or a claim is about it alone, nothing need be said."""
    claimed = [key for key in ("vjp", "hvp") if form.get(key)]
    if not target.input or target.claim.startswith("chain") or (claimed and len(form["inputs"]) == 1):
        return form
    return {**form, "wrt": [target.input]}
