"""Checks made of texts alone, without YAML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from gradcheck_cli.functions.claims import compile_check
from gradcheck_cli.shapes import Size
from gradcheck_cli.spec.types import CheckSpec, InputSpec, OutputSpec, Text

BUDGET = 2**20
DIMS = {"N": 2, "D": 3}
SHAPES: dict[str, tuple[int, ...]] = {"x": (2, 3), "w": (3, 4), "b": (3,)}


def text(source: str, path: str = "function") -> Text:
    """Place a text at the top of a file, so that positions in file and text are the same."""
    lines = source.count("\n") + source.count("\r") + 1
    return Text(text=source, path=path, line_offsets=tuple((line, 1) for line in range(1, lines + 1)))


def check(function: str, *, shapes: Any = None, dtype: str = "float64", **options: Any) -> CheckSpec:
    """Build a check; ``k`` is an integer vector (values 0…2), ``m`` a mask like x, all others floating."""
    inputs = [
        InputSpec(name=name, shape=tuple(map(_size, shape)), dtype=dtype)
        for name, shape in (SHAPES if shapes is None else shapes).items()
    ]
    inputs += [
        InputSpec(name="k", shape=(4,), dtype="int64", differentiable=False),
        InputSpec(name="m", shape=(2, 3), dtype="bool", differentiable=False),
    ]
    for kind in ("vjp", "jvp", "jacobian"):
        claims = options.get(kind, {})
        options[kind] = {
            key: text(one, f"{kind}.{key if isinstance(key, str) else '/'.join(key)}")
            for key, one in claims.items()
        }
    outputs = tuple(OutputSpec(name=name, shape=shape) for name, shape in options.pop("outputs", {}).items())
    return CheckSpec(
        name="check", spec="spec.yaml", function=text(function), inputs=tuple(inputs), outputs=outputs,
        dims={name: Size(size, name) for name, size in DIMS.items()}, **options,
    )  # fmt: skip


def _size(size: int) -> Size:
    return Size(size, next((name for name, value in DIMS.items() if value == size), str(size)))


def compiled(function: str, **options: Any):
    """Compile what must be right."""
    subject, faults = compile_check(check(function, **options), max_memory=BUDGET)
    assert not faults, [str(fault) for fault in faults]
    assert subject is not None
    return subject


def faults_of(function: str, **options: Any) -> list[str]:
    """Compile what must be wrong; each fault as ``line:column: message``."""
    subject, faults = compile_check(check(function, **options), max_memory=BUDGET)
    assert subject is None
    assert all(fault.spec == "spec.yaml" for fault in faults)
    return [f"{fault.line}:{fault.column}: {fault.message}" for fault in faults]


def primals(subject: Any, seed: int = 0) -> dict[str, np.ndarray]:
    """Draw values for every input of a function."""
    rng = np.random.default_rng(seed)
    found = {}
    for name, type_ in subject.function.inputs.items():
        if type_.differentiable:
            values = np.round(rng.uniform(0.1, 2, type_.shape), 3) * rng.choice([-1, 1], type_.shape)
        else:
            values = rng.integers(0, 3 if type_.dtype.kind == "i" else 2, type_.shape)
        found[name] = np.asarray(values, type_.dtype)
    return found


def value_of(subject: Any, given: dict[str, np.ndarray], output: str = "y") -> np.ndarray:
    """Evaluate one output."""
    name = next(iter(given))
    return subject.function.along(name, given)(given[name])[output]


def assert_value(formula: str, numpy: Callable[..., Any], dtype: str) -> None:
    """A formula has NumPy's value, and the shape and dtype that were foreseen."""
    subject = compiled(formula, dtype=dtype)
    (output,) = subject.function.outputs
    given = primals(subject)
    y = value_of(subject, given, output)
    with np.errstate(all="ignore"):
        wanted = numpy(**{name: a.astype(float) if a.dtype.kind == "f" else a for name, a in given.items()})
    np.testing.assert_allclose(y, wanted, rtol=1e-13 if dtype == "float64" else 1e-5)
    type_ = subject.function.outputs[output]
    assert (y.shape, y.dtype) == (type_.shape, type_.dtype)
    assert y.dtype == dtype


def assert_adjoint(formula: str, dtype: str) -> None:
    """⟨g, J t⟩ = ⟨Jᵀ g, t⟩ for the engine's own derivatives, in the formula's dtype."""
    subject = compiled(formula, dtype=dtype)
    given = primals(subject)
    reverse, forward = (claim.linearize(given) for claim in subject.engine)
    (output,) = subject.function.outputs
    shape = subject.function.outputs[output].shape
    rng = np.random.default_rng(1)
    g = rng.normal(size=shape).astype(dtype)
    t = {name: rng.normal(size=given[name].shape).astype(dtype) for name in subject.engine[0].inputs}
    with np.errstate(all="ignore"):
        gradients, tangent = reverse({output: g}), forward(t)[output]
        left, right = np.vdot(g, tangent), sum(np.vdot(gradients[name], t[name]) for name in t)
    assert {array.dtype for array in [*gradients.values(), tangent]} == {np.dtype(dtype)}
    assert {name: a.shape for name, a in gradients.items()} == {name: given[name].shape for name in t}
    if np.isfinite([left, right]).all():
        scale = np.sum(np.abs(g * tangent)) + sum(np.sum(np.abs(gradients[name] * t[name])) for name in t)
        assert abs(left - right) <= (1e-12 if dtype == "float64" else 1e-4) * scale
