"""Other tools' answers to the same cases at the same inputs.

Each peer gets the NumPy forward and backward wrapped as its users would wrap them, the inputs of our own
generic point (or the fixed ones) in the case's own dtypes, and its own default tolerances. Whatever a peer
raises counts as an alarm. torch and jax are optional.

Two things to know when reading torch's figures: its engine sums a gradient over broadcast axes by itself, so
that the gradients that are not summed pass and do no harm there; and its documentation asks for float64.
"""

from __future__ import annotations

import importlib.util
import logging
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from judgement_cases.case import Array, Case, Gradients, Pullback
from judgement_cases.outcome import Answer, Outcome
from judgement_cases.points import Point, points

Check = Callable[[Case, Point], Any]  # raises where it finds a gradient wrong
LOOP_STEP = 1e-6
LOOP_TOLERANCE = 1e-7


def evaluate(case: Case, inputs: Sequence[Array]) -> tuple[tuple[Array, ...], Pullback]:
    """Call a case's forward, with the global seed set, so that dropout repeats."""
    np.random.seed(0)  # noqa: NPY002
    outputs, pullback = case.evaluate(list(inputs))

    def one_for_each(cotangents: Sequence[Array]) -> Gradients:
        found = pullback(cotangents)
        return found + [None] * (len(inputs) - len(found))  # inputs without gradient may be left out

    return outputs, one_for_each


def torch_gradcheck(case: Case, point: Point, *, fast: bool) -> None:
    """``torch.autograd.gradcheck`` of an ``autograd.Function`` around NumPy."""
    import torch

    class Wrapped(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *tensors):
            outputs, ctx.pullback = evaluate(case, [tensor.detach().numpy() for tensor in tensors])
            results = tuple(torch.as_tensor(np.array(one, order="C")) for one in outputs)
            return results if len(results) > 1 else results[0]

        @staticmethod
        def backward(ctx, *cotangents):
            found = ctx.pullback([cotangent.numpy() for cotangent in cotangents])
            return tuple(None if one is None else torch.as_tensor(np.array(one, order="C")) for one in found)

    tensors = [torch.from_numpy(given) for given in point.copies()]
    for place in point.places:
        tensors[place].requires_grad_()
    torch.autograd.gradcheck(Wrapped.apply, tensors, fast_mode=fast)


@dataclass(frozen=True)
class Calls:
    """A case as two pure functions of the inputs that have gradients, as JAX calls them."""

    case: Case
    point: Point

    @property
    def primals(self) -> list[Array]:
        """The inputs that have gradients."""
        return [self.point.inputs[place] for place in self.point.places]

    def run(self, primals: Sequence[Any]) -> tuple[tuple[Array, ...], Pullback]:
        """Call forward at other values of them."""
        inputs = self.point.copies()
        for place, primal in zip(self.point.places, primals, strict=True):
            inputs[place] = np.asarray(primal)
        return evaluate(self.case, inputs)

    def forward(self, *primals: Any) -> tuple[Array, ...]:
        """Outputs."""
        return self.run(primals)[0]

    def backward(self, primals: Any, cotangents: Any) -> list[Array]:
        """Gradients; JAX's convention for complex ones is the conjugate of NumPy's and torch's."""
        _, pullback = self.run(primals)
        found = pullback([np.conj(one) for one in cotangents])
        pairs = zip(self.point.places, self.primals, strict=True)
        return [np.conj(_as_gradient(found[place], primal)) for place, primal in pairs]


def _as_gradient(found: Any, primal: Array) -> Array:
    """Nothing as zeros, and another precision as the input's, which torch does by itself."""
    gradient = np.zeros_like(primal) if found is None else np.asarray(found)
    return gradient.astype(primal.dtype) if gradient.dtype.kind == primal.dtype.kind else gradient


def jax_check_grads(case: Case, point: Point) -> None:
    """``jax.test_util.check_grads`` of a ``custom_vjp`` around ``pure_callback``."""
    import jax
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)
    logging.getLogger("jax._src.callback").setLevel(logging.CRITICAL)
    calls = Calls(case, point)
    outputs, inputs = (
        tuple(jax.ShapeDtypeStruct(one.shape, one.dtype) for one in arrays)
        for arrays in (calls.forward(*calls.primals), calls.primals)
    )
    function = jax.custom_vjp(lambda *primals: jax.pure_callback(calls.forward, outputs, *primals))
    function.defvjp(
        lambda *primals: (function(*primals), primals),
        lambda primals, cotangents: tuple(
            jax.pure_callback(calls.backward, list(inputs), primals, cotangents),
        ),
    )
    check_grads(function, calls.primals, order=1, modes=("rev",))


def central_loop(case: Case, point: Point) -> None:
    """The loop that everybody has written: random u, central differences of u · f, relative error 1e-7."""
    outputs, pullback = evaluate(case, point.copies())
    rng = np.random.default_rng(0)
    cotangents = [np.asarray(rng.standard_normal(one.shape)).astype(one.dtype) for one in outputs]
    found = pullback(cotangents)
    for place in point.places:
        numeric = _central(case, point, place, cotangents)
        analytic = np.zeros_like(numeric) if found[place] is None else np.asarray(found[place])
        assert analytic.shape == numeric.shape, f"shape {analytic.shape}, expected {numeric.shape}"
        size = np.linalg.norm(analytic) + np.linalg.norm(numeric)
        error = np.linalg.norm(analytic - numeric)
        assert error <= LOOP_TOLERANCE * size, f"input {place}: relative error {error / size:.1e}"


def _central(case: Case, point: Point, place: int, cotangents: Sequence[Array]) -> Array:
    given = point.inputs[place]
    numeric = np.zeros(given.shape, np.result_type(given, float))

    def value(entry: tuple[int, ...], step: complex) -> float:
        inputs = point.copies()
        inputs[place][entry] += step
        outputs, _ = evaluate(case, inputs)
        return sum(float(np.vdot(u, y).real) for u, y in zip(cotangents, outputs, strict=True))

    for entry in np.ndindex(given.shape):
        step = LOOP_STEP * max(1.0, float(abs(given[entry])))
        for unit in (1.0, 1j) if given.dtype.kind == "c" else (1.0,):
            difference = value(entry, step * unit) - value(entry, -step * unit)
            numeric[entry] += unit * difference / (2 * step)
    return numeric


PEERS: dict[str, tuple[str, Check]] = {  # name → module that must be there, check
    "torch gradcheck, slow": ("torch", partial(torch_gradcheck, fast=False)),
    "torch gradcheck, fast": ("torch", partial(torch_gradcheck, fast=True)),
    "jax check_grads": ("jax", jax_check_grads),
    "central differences, loop": ("numpy", central_loop),
}


def ask(name: str, cases: Iterable[Case]) -> list[Outcome] | None:
    """Put all cases to a peer; None where it is not installed."""
    module, check = PEERS[name]
    if importlib.util.find_spec(module) is None:
        return None
    return [_ask_one(check, case) for case in cases]


def _ask_one(check: Check, case: Case) -> Outcome:
    started = time.perf_counter()
    answer, reason = Answer.RIGHT, ""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check(case, points(case)[0])
        except Exception as error:  # noqa: BLE001  # whatever a peer raises is its alarm
            lines = str(error).strip().splitlines() or [""]
            answer, reason = Answer.WRONG, f"{type(error).__name__}: {lines[0]}"
    return Outcome(case, answer, reason, seconds=time.perf_counter() - started)
