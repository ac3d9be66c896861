"""Layers that break the contract, one rule each; their gradients are right where nobody looks twice."""

from __future__ import annotations

import numpy as np

_state: dict[str, np.ndarray] = {}
_generator = np.random.default_rng(1)


def tanh(x):
    return np.tanh(x)


def tanh_cache(x):
    y = np.tanh(x)
    return y, y


def square(x):
    return x * x


def affine_cache(x, w):
    return x @ w, (x, w)


def product(x, w):
    return x @ w


# nonlinear-cotangent


def quadratic_backward(dy, x):
    """The right gradient for single-entry cotangents of any size, but not for sums of them."""
    return 2 * x * dy * np.max(np.abs(dy)) / np.linalg.norm(dy)


def offset_backward(dy, x):
    """Right for every cotangent but that of zeros."""
    return 2 * x * dy if np.any(dy) else np.ones_like(x)


# ignores-cotangent


def loss(x):
    return np.sum(x * x)


def loss_backward(dy, x):
    return 2 * x


def ones_backward(dy, x):
    return np.ones_like(x)


# wrong-shape, wrong-dtype, reduced-precision


def flat_backward(dy, x):
    return (2 * x * dy).reshape(-1)


def complex_backward(dy, x):
    return 2 * x * dy + 0j


def integers(x):
    return np.floor(x) + x


def integer_backward(dy, x):
    return np.zeros(x.shape, int)


def coarse_backward(dy, x):
    return (2 * x * dy).astype(np.float32)


def coarser_backward(dy, x):
    return (2 * x * dy).astype(np.float16)


def coarser_and_wrong_backward(dy, x):
    return (2.04 * x * dy).astype(np.float16)


# mutates-input


def relu_in_place(x):
    x[x < 0] = 0
    return x * 1.0


def relu_backward(dy, x):
    return dy * (x > 0)


def overwrites_inputs_backward(dy, x):
    x *= 2
    x *= dy
    return x


def tanh_overwrites_output_backward(dy, y):
    y *= -y
    y += 1
    y *= dy
    return y


# mutates-cotangent


def overwrites_cotangent_backward(dy, x):
    dy *= 2 * x
    return dy


def keeps_gradient_but_overwrites_backward(dy, x):
    gradient = 2 * x * dy
    dy[...] = 0
    return gradient


# layout-dependent


def memory_order_backward(dy, x):
    """Reads the memory behind the cotangent, as C code that forgets the strides does."""
    base = dy if dy.base is None else dy.base
    return 2 * x * np.ravel(base, order="K")[: dy.size].reshape(dy.shape)


def flat_order_backward(dy, x):
    return 2 * x * dy.ravel(order="K").reshape(dy.shape)


def in_place_reshape_backward(dy, x):
    dy.shape = (-1,)
    gradient = (2 * x.reshape(-1) * dy).reshape(x.shape)
    dy.shape = x.shape
    return gradient


def first_row_backward(dy, x):
    """Takes the strides of the cotangent for those of an array of its own."""
    return 2 * x * np.lib.stride_tricks.as_strided(dy, dy.shape, np.empty(dy.shape).strides)


# stale-state


def accumulating_backward(dy, cache):
    """Adds to a buffer that only forward clears."""
    x, w = cache
    _state["dw"] += x.T @ dy
    return dy @ w.T, _state["dw"]


def affine_clearing(x, w):
    _state["dw"] = np.zeros_like(w)
    return x @ w, (x, w)


def affine_first(x, w):
    """Keeps the first input that it ever sees."""
    _state.setdefault("x", x.copy())
    return x @ w


def first_backward(dy, x, w):
    return dy @ w.T, _state["x"].T @ dy


def tanh_in_module(x):
    _state["y"] = np.tanh(x)
    return _state["y"].copy(), None


def tanh_in_module_backward(dy, cache):
    return dy * (1 - _state["y"] ** 2)


def tanh_shared_buffer(x):
    if _state.setdefault("buffer", np.empty_like(x)).shape != x.shape:
        _state["buffer"] = np.empty_like(x)
    np.tanh(x, out=_state["buffer"])
    return _state["buffer"].copy(), _state["buffer"]


def tanh_backward_of_cache(dy, y):
    return dy * (1 - y**2)


def tanh_pullback_of_module(x):
    _state["z"] = np.tanh(x)
    return _state["z"].copy(), lambda dy: dy * (1 - _state["z"] ** 2)


# nondeterministic


def dropout_unseeded(x):
    mask = (_generator.random(x.shape) < 0.5) * 2.0
    return x * mask, mask


def dropout_backward(dy, mask):
    return dy * mask


def noisy_backward(dy, x):
    return 2 * x * dy * (1 + 1e-4 * _generator.standard_normal(x.shape))


# unused inputs


def first_alone(x, w):
    return x * x


def first_alone_backward(dy, x, w):
    return 2 * x * dy, w.copy() * np.sum(dy)


def first_alone_slightly_backward(dy, x, w):
    return 2 * x * dy, np.full_like(w, 1e-3 * np.sum(dy))


def nan_backward(dy, x):
    return np.full_like(x, np.nan)


def partly_infinite_backward(dy, x):
    gradient = 2 * x * dy
    gradient[0] = np.inf
    return gradient


def locked_backward(dy, x):
    """Needs to write into its cotangent, and puts back what it found."""
    before = dy.copy()
    dy *= 2 * x
    gradient = dy.copy()
    dy[...] = before
    return gradient


def never_cleared_backward(dy, x):
    _state["dx"] = _state.get("dx", 0) + 2 * x * dy
    return _state["dx"]


def running_scale(x):
    """Divides by a scale that every call moves towards that of its input."""
    _state["scale"] = 0.8 * _state.get("scale", 1.0) + 0.2 * np.mean(np.abs(x))
    return x / _state["scale"], _state["scale"]


def running_scale_backward(dy, scale):
    return dy / scale
