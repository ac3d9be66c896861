"""Oracles for the right cases of the benchmark of judgement, independent of the checker's differences.

The complex step, f'(x) = Im f(x + ih) / h, of the function itself or, where it is not analytic as written
(noise, a cast, ``abs``, a table), of a twin that is written anew. At a kink: each product J d must lie
between the smallest and the largest that gradients at many points nearby give, so that J lies in their
convex hull, Clarke's generalized gradient.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
from judgement_cases import right_layers as layers
from judgement_cases import right_matrices as matrices
from judgement_cases import right_noise as noise
from judgement_cases import right_precision as precision
from judgement_cases import right_recurrent as recurrent
from judgement_cases import right_scales as scales
from judgement_cases import right_shapes as shapes
from judgement_cases import right_state as state
from judgement_cases.case import Case
from judgement_cases.points import Point, in_double
from scipy import special

STEP = 1e-14  # of the entry's size: the complex step's error is its square
TOLERANCE = {"float64": 1e-7, "float32": 1e-4, "float16": 5e-3}  # relative
ROUND_OFF = {  # absolute: what is left by rounding of larger numbers inside, here or in the oracle
    "saturated softmax": 1e-29,
    "saturated tanh": 1e-16,
    "bell that underflows to zero": 1e-300,
    "cross entropy of certain predictions": 1e-16,
    "eigenvalues 1e-3 apart": 1e-8,
    "float64 function with a float32 backward": 1e-7,
}
NEARBY = 300  # points around a kink
STEEP = 1e6  # no slope but a jump


def cross_entropy(logits, targets):
    """t log(1 + exp(-z)) + (1 - t) log(1 + exp z), without a difference of large numbers."""
    below, above = (scales.log_sum_exp(np.stack([0 * z, z], axis=-1)) for z in (-logits, logits))
    return targets * below + (1 - targets) * above


def cholesky(a):
    """L Lᵀ = (A + Aᵀ)/2, column by column, without a conjugate."""
    a = (a + a.T) / 2
    low = np.zeros_like(a)
    for j in range(len(a)):
        low[j, j] = np.sqrt(a[j, j] - low[j, :j] @ low[j, :j])
        for i in range(j + 1, len(a)):
            low[i, j] = (a[i, j] - low[i, :j] @ low[j, :j]) / low[j, j]
    return low


def eigenvalues(a):
    return np.sort(np.linalg.eigvals((a + a.T) / 2))


def singular_values(a):
    return np.sqrt(np.sort(np.linalg.eigvals(a @ a.T))[::-1])


def fixed_point(a):
    y = np.full_like(a, 0.7)
    for _ in range(3000):
        y = np.cos(a * y)
    return y


def cubic_root(x):
    """The real root of y + y³ = x, by Cardano's formula."""
    inner = np.sqrt(x * x / 4 + 1 / 27)
    first = (x / 2 + inner) if np.real(x).sum() >= 0 else (x / 2 - inner)
    root = np.sign(np.real(first)) * (np.sign(np.real(first)) * first) ** (1 / 3)
    return root - 1 / (3 * root)


def transport(cost):
    kernel, share = np.exp(-cost / 0.5), 1.0 / len(cost)
    left = np.ones(len(cost), dtype=cost.dtype)
    for _ in range(3000):
        right = share / (kernel.T @ left)
        left = share / (kernel @ right)
    plan = left[:, None] * kernel * right
    return np.sum(plan * (cost + 0.5 * np.log(plan)))


def spectrum(signal):
    angle = 2 * np.pi * np.outer(np.arange(signal.size // 2 + 1), np.arange(signal.size)) / signal.size
    return (np.cos(angle) @ signal) ** 2 + (np.sin(angle) @ signal) ** 2


def alignments(cost, softness):
    """Soft-DTW by every path there is."""

    def paths(i, j):
        if (i, j) == (0, 0):
            yield ((0, 0),)
        for k, m in ((i - 1, j), (i, j - 1), (i - 1, j - 1)):
            if k >= 0 and m >= 0:
                yield from ((*path, (i, j)) for path in paths(k, m))

    totals = [sum(cost[place] for place in path) for path in paths(cost.shape[0] - 1, cost.shape[1] - 1)]
    return -softness * scales.log_sum_exp(-np.array(totals) / softness)


def transcriptions(logits, labels):
    """CTC loss by every path there is."""
    scores = logits - scales.log_sum_exp(logits)[:, None]
    times, symbols = logits.shape

    def spells(path):
        return [one for one, _ in itertools.groupby(path) if one] == list(labels)

    found = [path for path in itertools.product(range(symbols), repeat=times) if spells(path)]
    return -scales.log_sum_exp(scores[np.arange(times), np.array(found)].sum(axis=1))


TWINS: dict[Callable[..., object], Callable[..., object]] = {
    precision.half_layer_norm: precision.layer_norm,
    precision.single_inside: np.tanh,
    precision.half_inside: np.matmul,
    precision.narrowed: lambda x, w: np.exp(x @ w),
    scales.sigmoid: lambda x: 1 / (1 + np.exp(-x)),
    scales.binary_cross_entropy: cross_entropy,
    matrices.log_determinant: lambda a: np.log(np.linalg.det(a)),
    matrices.factor: cholesky,
    matrices.eigenvalues: eigenvalues,
    matrices.singular_values: singular_values,
    noise.noisy_sine: lambda x, level: np.sin(x),
    noise.noisy_linear: lambda x, w, level: x @ w,
    noise.rounded: np.exp,
    noise.fixed_point: fixed_point,
    noise.cube_root: lambda x: x ** (1 / 3),
    noise.power_iteration: lambda a: eigenvalues(a)[-1],
    noise.bisection: lambda x: np.concatenate([cubic_root(x[i : i + 1]) for i in range(x.size)]),
    noise.conjugate_gradients: lambda b: np.linalg.solve(np.diag([2.0, 3.0, 5.0, 7.0]) + 0.5, b),
    noise.sinkhorn: transport,
    shapes.polar: lambda x, y: (np.sqrt(x * x + y * y), np.arctan(y / x)),
    shapes.in_a_list: np.multiply,
    layers.gelu: lambda x: x * special.ndtr(x) if np.isrealobj(x) else x * (1 + special.erf(x / 2**0.5)) / 2,
    layers.log_gamma: special.loggamma,
    layers.power_spectrum: spectrum,
    recurrent.soft_time_warping: alignments,
    recurrent.transcription_loss: transcriptions,
    state.buffered: lambda x: x * x + x,
    state.reused: np.square,
}


def claimed(case: Case, point: Point, place: int) -> np.ndarray:
    """The rows of the Jacobian by one input, from the backward, those of all floating outputs joined."""
    outputs, _ = case.evaluate(point.copies())
    rows = []
    for number, output in enumerate(outputs):
        for entry in range(output.size if output.dtype.kind == "f" else 0):
            cotangents = [np.zeros(one.shape, one.dtype) for one in outputs]
            cotangents[number].reshape(-1)[entry] = 1
            _, pull = case.evaluate(point.copies())
            gradient, shape = pull(cotangents)[place], point.inputs[place].shape
            row = np.zeros(shape) if gradient is None else np.asarray(gradient, np.float64)
            assert row.shape == shape
            rows.append(row.flatten())
    return np.array(rows).reshape(len(rows), point.inputs[place].size)


def joined(case: Case, outputs: object) -> np.ndarray:
    """All floating outputs in one vector, what stands beside them left out."""
    if case.style != "stateless" and isinstance(outputs, tuple):
        outputs = outputs[:-1]
    parts = [np.asarray(part) for part in (outputs if isinstance(outputs, tuple) else (outputs,))]
    return np.concatenate([part.reshape(-1) for part in parts if part.dtype.kind in "fc"])


def moved(inputs: list[np.ndarray], place: int, entry: int, step: complex) -> list[np.ndarray]:
    """Inputs with one entry changed."""
    changed = inputs[place].astype(np.result_type(inputs[place], type(step)))
    changed.reshape(-1)[entry] += step
    return [*inputs[:place], changed, *inputs[place + 1 :]]


def complex_step(case: Case, point: Point, place: int) -> np.ndarray:
    """Im f(x + ih) / h, column by column, everything in double precision."""
    function, inputs = TWINS.get(case.forward, case.forward), in_double(point).inputs
    columns = []
    for entry, value in enumerate(inputs[place].reshape(-1)):
        step = STEP * (abs(value) or 1.0)
        values = joined(case, function(*moved(inputs, place, entry, 1j * step), **case.kwargs))
        columns.append(np.imag(values) / step)
    return np.array(columns).T


def agrees(case: Case, point: Point) -> bool:
    """Whether the backward gives the complex step's Jacobian to within rounding."""
    dtypes = [point.inputs[place].dtype for place in point.places]
    coarsest = min(dtypes, key=lambda dtype: dtype.itemsize)
    for place in point.places:
        found, true = claimed(case, point, place), complex_step(case, point, place)
        if not found.size:
            continue
        size = np.abs(true)
        scale = np.maximum(size.max(axis=0, keepdims=True), size.max(axis=1, keepdims=True))
        allowed = TOLERANCE[coarsest.name] * size + 16 * np.finfo(coarsest).eps * scale
        if not (np.abs(found - true) <= allowed + ROUND_OFF.get(case.name, 0.0)).all():
            return False
    return True


def gradients_nearby(case: Case, point: Point, place: int) -> np.ndarray:
    """Jacobians by one input at random points around this one, by central differences."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(NEARBY):
        near = point.copies()
        for one in point.places:
            near[one] += 1e-5 * rng.uniform(-1, 1, near[one].shape)
        columns = []
        for entry in range(near[place].size):
            ends = [moved(near, place, entry, step) for step in (1e-9, -1e-9)]
            above, below = (joined(case, case.forward(*end, **case.kwargs)) for end in ends)
            columns.append((above - below) / 2e-9)
        found.append(np.array(columns).T)
    return np.array(found)


def lies_between(case: Case, point: Point) -> bool:
    """Whether every product of the backward with a direction is one that gradients nearby can give."""
    rng = np.random.default_rng(1)
    for place in point.places:
        nearby, found = gradients_nearby(case, point, place), claimed(case, point, place)
        size = point.inputs[place].size
        usual = nearby[np.abs(nearby).max(axis=(1, 2)) < STEEP]  # the others straddle a jump
        for direction in [*np.eye(size), *rng.normal(size=(20, size))]:
            ends, product = usual @ direction, found @ direction
            slack = 1e-4 * np.abs(direction).sum()
            if not np.all((ends.min(axis=0) - slack <= product) & (product <= ends.max(axis=0) + slack)):
                return False
    return True
