"""Losses with a wrong backward."""

from __future__ import annotations

import numpy as np

from judgement_cases.case import Case


def softmax(x):
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def one_hot(label, x):
    return (np.arange(x.shape[1]) == label[:, None]).astype(x.dtype)


def cross_entropy(x, label):
    return -np.mean(np.log(softmax(x)[np.arange(len(x)), label]))


def cross_entropy_as_sum(dy, x, label):
    return dy * (softmax(x) - one_hot(label, x)), None


def cross_entropy_without_cotangent(dy, x, label):
    return (softmax(x) - one_hot(label, x)) / len(x), None


def cross_entropy_no_target(dy, x, label):
    return dy * softmax(x) / len(x), None


def smoothed_cross_entropy(x, label):
    target = 0.9 * one_hot(label, x) + 0.1 / x.shape[1]
    return -np.sum(target * np.log(softmax(x)))


def smoothing_ignored(dy, x, label):
    return dy * (softmax(x) - one_hot(label, x)), None


def squared_error(x, target):
    return np.mean((x - target) ** 2)


def squared_error_without_two(dy, x, target):
    dx = dy * (x - target) / x.size
    return dx, -dx


def squared_error_target_none(dy, x, target):
    return dy * 2 * (x - target) / x.size, None


def micro_squared_error(x, target):
    return 1e-6 * np.mean((x - target) ** 2)


def micro_squared_error_flipped(dy, x, target):
    dx = -1e-6 * dy * 2 * (x - target) / x.size
    return dx, -dx


def binary_cross_entropy(x, target):
    return np.sum(np.logaddexp(0, x) - target * x)


def binary_cross_entropy_flipped(dy, x, target):
    return dy * (target - 1 / (1 + np.exp(-x))), -dy * x


def multiclass_hinge(x, label):
    rows = np.arange(len(x))
    margins = np.maximum(0, x - x[rows, label][:, None] + 1)
    margins[rows, label] = 0
    return margins.sum()


def hinge_right_class_forgotten(dy, x, label):
    margins = x - x[np.arange(len(x)), label][:, None] + 1
    active = (margins > 0) * 1.0
    active[np.arange(len(x)), label] = 0
    return dy * active, None  # the right class is to lose the sum of its row


def huber(x):
    size = np.abs(x)
    return np.where(size < 0.5, 0.5 * x**2, 0.5 * (size - 0.25))


def huber_slope_one(dy, x):
    return dy * np.where(np.abs(x) < 0.5, x, np.sign(x))


def divergence(p, q):
    return np.sum(p * np.log(p / q))


def divergence_without_one(dy, p, q):
    return dy * np.log(p / q), -dy * p / q


def cosine(x, y):
    return x @ y / (np.linalg.norm(x) * np.linalg.norm(y))


def cosine_constant_norms(dy, x, y):
    norms = np.linalg.norm(x) * np.linalg.norm(y)
    return dy * y / norms, dy * x / norms


def distance(x, y):
    return np.sqrt(np.sum((x - y) ** 2, axis=1))


def distance_of_equals(dy, x, y):
    with np.errstate(all="ignore"):
        dx = (dy / distance(x, y))[:, None] * (x - y)
    return dx, -dx


def total_variation(x):
    return np.sum(np.sqrt(np.diff(x) ** 2 + 1e-4))


def total_variation_unit_gradient(dy, x):
    slope = dy * np.diff(x) / np.sqrt(np.diff(x) ** 2 + 1e-4)
    dx = np.concatenate([[0], slope]) - np.concatenate([slope, [0]])
    return dx / (np.linalg.norm(dx) + 1e-12)


def log_determinant(x):
    """Log |det(I + x xᵀ)|."""
    return np.linalg.slogdet(np.eye(len(x)) + x @ x.T)[1]


def log_determinant_by_probes(dy, x):
    probes = np.random.default_rng().choice([-1.0, 1.0], (len(x), 64))
    inverse = np.linalg.solve(np.eye(len(x)) + x @ x.T, probes) @ probes.T / 64
    return 2 * dy * inverse @ x


LOGITS = {"x": [3, 4], "label": {"shape": [3], "dtype": "int64", "sample": {"integers": [0, 4]}}}
PAIR = {"x": [3, 4], "target": [3, 4]}
POSITIVE = {"p": {"shape": [4], "sample": "positive"}, "q": {"shape": [4], "sample": "positive"}}
EQUAL_ROW = {"x": {"value": [[1.0, 2.0], [0.5, 0.3]]}, "z": {"value": [[1.0, 2.0], [0.1, 0.8]]}}


def case(name, code, forward, backward, inputs):
    return Case(name=name, area="losses", code=code, inputs=inputs, forward=forward, backward=backward)


CASES = (
    case("cross entropy, sum for mean", "scaled", cross_entropy, cross_entropy_as_sum, LOGITS),
    case(
        "cross entropy, cotangent forgotten",
        "ignores-cotangent",
        cross_entropy,
        cross_entropy_without_cotangent,
        LOGITS,
    ),
    case(
        "cross entropy, target not subtracted", "missing-term", cross_entropy, cross_entropy_no_target, LOGITS
    ),
    case(
        "cross entropy, smoothing ignored", "missing-term", smoothed_cross_entropy, smoothing_ignored, LOGITS
    ),
    case("squared error, factor 2 forgotten", "scaled", squared_error, squared_error_without_two, PAIR),
    case("squared error, no gradient for the target", "zero", squared_error, squared_error_target_none, PAIR),
    case(
        "squared error in millionths, sign flipped",
        "sign-flipped",
        micro_squared_error,
        micro_squared_error_flipped,
        PAIR,
    ),
    case(
        "binary cross entropy, sign flipped",
        "sign-flipped",
        binary_cross_entropy,
        binary_cross_entropy_flipped,
        PAIR,
    ),
    case(
        "multiclass hinge, right class forgotten",
        "missing-term",
        multiclass_hinge,
        hinge_right_class_forgotten,
        LOGITS,
    ),
    case("huber, slope 1 outside", "region", huber, huber_slope_one, {"x": [3, 4]}),
    case("divergence, constant forgotten", "missing-term", divergence, divergence_without_one, POSITIVE),
    case("cosine, constant norms", "missing-term", cosine, cosine_constant_norms, {"x": [4], "z": [4]}),
    case("distance, 0/0 between equals", "domain", distance, distance_of_equals, EQUAL_ROW),
    case(
        "total variation, unit gradient",
        "nonlinear-cotangent",
        total_variation,
        total_variation_unit_gradient,
        {"x": [6]},
    ),
    case(
        "log determinant, by random probes",
        "nondeterministic",
        log_determinant,
        log_determinant_by_probes,
        {"x": [3, 3]},
    ),
)
