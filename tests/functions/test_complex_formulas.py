"""Formulas over complex arrays: values and dtypes are NumPy's, gradients torch's, real operands stay real."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from formula_checks import BUDGET, check, value_of

from gradcheck_cli.functions.base import Subject
from gradcheck_cli.functions.claims import compile_check
from gradcheck_cli.parts import part_dtype, parts_of, whole_of
from gradcheck_cli.spec.types import InputSpec

# Formula → the same over complex z (2, 3) and a (3, 3) and real x (2, 3), for NumPy and for torch.
FORMULAS: dict[str, Callable[..., Any]] = {
    "z * x + 1j": lambda np, x, z, a: z * x + 1j,
    "1j * x": lambda np, x, z, a: 1j * x,
    "x / z - z / x": lambda np, x, z, a: x / z - z / x,
    "z**3 + z**0.5": lambda np, x, z, a: z**3 + z**0.5,
    "abs(x)**z": lambda np, x, z, a: np.abs(x) ** z,
    "x**1j": lambda np, x, z, a: (x + 0j) ** 1j,
    "exp(1j * x) * conj(z)": lambda np, x, z, a: np.exp(1j * x) * np.conj(z),
    "exp(2j) * z": lambda np, x, z, a: complex(-0.4161468365471424, 0.9092974268256817) * z,
    "abs(z) * x": lambda np, x, z, a: np.abs(z) * x,
    "z.real - imag(z)": lambda np, x, z, a: z.real - z.imag,
    "real(x) + z": lambda np, x, z, a: x + z,
    "conj(x) * abs(z)": lambda np, x, z, a: x * np.abs(z),
    "angle(z)": lambda np, x, z, a: np.angle(z),
    "log(z) + sqrt(z)": lambda np, x, z, a: np.log(z) + np.sqrt(z),
    "tanh(z) * sin(z) / cosh(z)": lambda np, x, z, a: np.tanh(z) * np.sin(z) / np.cosh(z),
    "z @ a @ z.mH": lambda np, x, z, a: z @ a @ np.conj(z).T,
    "x @ a.T": lambda np, x, z, a: (x + 0j) @ a.T,
    "sum(z * x, axis=0) + mean(z)": lambda np, x, z, a: (z * x).sum(0) + z.mean(),
    "cumsum(z, axis=1) * prod(z, axis=0)": lambda np, x, z, a: np.cumsum(z, 1) * np.prod(z, 0),
    "linalg.inv(a) @ z.T": lambda np, x, z, a: np.linalg.inv(a) @ z.T,
    "linalg.solve(a, x.T)": lambda np, x, z, a: np.linalg.solve(a, x.T + 0j),
    "linalg.det(a) * z": lambda np, x, z, a: np.linalg.det(a) * z,
    "where(x > 0, z, x)": lambda np, x, z, a: np.where(x > 0, z, x + 0j),
    "maximum(abs(z), x) * z": lambda np, x, z, a: np.maximum(np.abs(z), x) * z,
    "z.conj().sum() * x": lambda np, x, z, a: np.conj(z).sum() * x,
}
ANSWERS = pytest.mark.parametrize("formula", FORMULAS)
PRECISION = {"complex128": 1e-11, "complex64": 2e-4}


def compiled(formula: str, dtype: str = "complex128", **options: Any) -> Subject:
    spec = check(formula, shapes={}, **options)
    real = str(part_dtype(dtype))
    inputs = (
        InputSpec(name="x", shape=(2, 3), dtype=real),
        InputSpec(name="z", shape=(2, 3), dtype=dtype),
        InputSpec(name="a", shape=(3, 3), dtype=dtype),
    )
    subject, faults = compile_check(
        dataclasses.replace(spec, inputs=(*inputs, *spec.inputs)), max_memory=BUDGET
    )
    assert subject is not None, [str(fault) for fault in faults]
    return subject


def given(subject: Subject) -> dict[str, np.ndarray]:
    """Values away from 0 and from the cuts of log and sqrt; integers and masks of zeros."""
    rng = np.random.default_rng(3)
    found = {}
    for name, type_ in subject.function.inputs.items():
        parts = rng.uniform(0.3, 1.5, type_.parts.shape) if type_.differentiable else np.zeros(type_.shape)
        if name == "x":
            parts = parts * rng.choice([-1.0, 1.0], parts.shape)
        found[name] = whole_of(parts, type_.dtype)
    return found


def dense(type_: Any, seed: int) -> np.ndarray:
    return whole_of(np.random.default_rng(seed).normal(size=type_.parts.shape), type_.dtype)


def inner(one: np.ndarray, other: np.ndarray) -> float:
    """⟨one, other⟩ = Re Σ conj(one) other."""
    return float(np.real(np.vdot(one, other)))


@pytest.mark.parametrize("dtype", PRECISION)
@ANSWERS
def test_values_and_dtypes_are_those_of_numpy(formula: str, dtype: str) -> None:
    subject = compiled(f"y = {formula}", dtype)
    arrays = given(subject)
    y = value_of(subject, arrays)
    wanted = FORMULAS[formula](np, *(arrays[name] for name in "xza"))
    np.testing.assert_allclose(y, wanted, rtol=PRECISION[dtype], atol=PRECISION[dtype])
    type_ = subject.function.outputs["y"]
    assert (y.shape, y.dtype) == (type_.shape, type_.dtype)
    assert part_dtype(y.dtype) == part_dtype(dtype)
    assert np.iscomplexobj(y) == np.iscomplexobj(wanted)


@pytest.mark.parametrize("dtype", PRECISION)
@ANSWERS
def test_both_modes_are_adjoint(formula: str, dtype: str) -> None:
    subject = compiled(f"y = {formula}", dtype)
    arrays, types = given(subject), subject.function.inputs
    reverse, forward = (claim.linearize(arrays) for claim in subject.engine)
    u = dense(subject.function.outputs["y"], 1)
    v = {name: dense(types[name], 2 + place) for place, name in enumerate("xza")}
    gradients, tangent = reverse({"y": u}), forward(v)["y"]
    assert {name: (g.shape, g.dtype) for name, g in gradients.items()} == {
        name: (types[name].shape, types[name].dtype) for name in "xza"
    }
    terms = [inner(gradients[name], v[name]) for name in "xza"]
    size = abs(inner(u, tangent)) + sum(map(abs, terms))
    assert abs(inner(u, tangent) - sum(terms)) <= PRECISION[dtype] * size


@ANSWERS
def test_gradients_are_those_of_differences(formula: str) -> None:
    """⟨u, f(p + t v) - f(p - t v)⟩ / 2t for every part of every input."""
    subject = compiled(f"y = {formula}")
    arrays = given(subject)
    u = dense(subject.function.outputs["y"], 1)
    gradients = subject.engine[0].linearize(arrays)({"y": u})
    for name in "xza":
        parts, step = parts_of(arrays[name], arrays[name].dtype), 1e-6
        numeric = np.zeros(parts.size)
        for place in range(parts.size):
            values = []
            for sign in (1, -1):
                moved = parts.copy()
                moved.reshape(-1)[place] += sign * step
                values.append(value_of(subject, {**arrays, name: whole_of(moved, arrays[name].dtype)}))
            numeric[place] = inner(u, values[0] - values[1]) / (2 * step)
        analytic = parts_of(gradients[name], arrays[name].dtype).reshape(-1)
        np.testing.assert_allclose(analytic, numeric, rtol=1e-6, atol=1e-7)


@pytest.mark.torch
@ANSWERS
def test_gradients_are_those_of_torch(formula: str) -> None:
    torch = pytest.importorskip("torch")
    subject = compiled(f"y = {formula}")
    arrays = given(subject)
    u = dense(subject.function.outputs["y"], 1)
    gradients = subject.engine[0].linearize(arrays)({"y": u})

    class Names:
        """torch under NumPy's names."""

        def __getattr__(self, name: str) -> Any:
            return getattr(torch, {"conj": "conj_physical"}.get(name, name))

        @staticmethod
        def cumsum(x: Any, axis: int) -> Any:
            return torch.cumsum(x, axis)

    tensors = [torch.tensor(arrays[name], requires_grad=True) for name in "xza"]
    y = FORMULAS[formula](Names(), *tensors)
    if not y.requires_grad:
        pytest.fail("nothing to compare")
    found = torch.autograd.grad(y, tensors, torch.tensor(u), allow_unused=True)
    for name, tensor in zip("xza", found, strict=True):
        wanted = np.zeros_like(arrays[name]) if tensor is None else tensor.numpy()
        np.testing.assert_allclose(gradients[name], wanted, rtol=1e-10, atol=1e-12, err_msg=name)


CLAIMS = {  # of non-holomorphic functions the texts of ``gradcheck functions``, at a complex x
    "abs": "dy * z / abs(z)",
    "real": "dy",
    "imag": "1j * dy",
    "conj": "conj(dy)",
    "angle": "dy * 1j * z / abs(z)**2",
}


@pytest.mark.parametrize(("name", "claim"), CLAIMS.items())
def test_the_printed_vjps_hold_for_complex_operands(name: str, claim: str) -> None:
    subject = compiled(f"y = {name}(z)", vjp={"z": claim})
    arrays, u = given(subject), dense(subject.function.outputs["y"], 1)
    claimed, engine = (one.linearize(arrays)({"y": u})["z"] for one in (subject.claims[0], subject.engine[0]))
    np.testing.assert_allclose(claimed, engine, rtol=1e-13)


def test_new_arrays_and_lists_have_the_precision_of_the_formula() -> None:
    subject = compiled("y = z[0] * [1, 0.5, 2] + eye(3)[0] + [1j, 0, 2] + sqrt(D) * 1j", "complex64")
    assert subject.function.outputs["y"].dtype == np.complex64
    y = value_of(subject, arrays := given(subject))
    wanted = arrays["z"][0] * [1, 0.5, 2] + [1 + 1j, 0, 2] + np.sqrt(3) * 1j
    np.testing.assert_allclose(y, wanted, rtol=1e-6)


def test_arrays_may_be_made_complex() -> None:
    subject = compiled("y = zeros(3, dtype='complex64') + x[0]")
    assert subject.function.outputs["y"].dtype == np.complex128
