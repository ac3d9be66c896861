"""Functions of JAX with rules of their own, right and wrong, as tests check them."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

CONSTANTS = jnp.linspace(0.1, 0.9, 5)


def affine(x, w, b, *, scale=1.0):
    return scale * (x @ w + b)


jitted = jax.jit(affine, static_argnames="scale")
halved = partial(affine, scale=0.5)


class Scaled:
    def __call__(self, x):
        return 3 * jnp.sin(x)


scaled = Scaled()


class Pair(NamedTuple):
    s: jax.Array
    q: jax.Array


def two(x):
    return Pair(jnp.sin(x), jnp.sum(x**2))


def with_argmax(x):
    return {"b": jnp.argmax(x), "a": x**2}


def gathered(table, index):
    return table[index]


def makes_constants(x):
    return x @ CONSTANTS


def dropped(x, key):
    return jnp.where(jax.random.bernoulli(key, 0.5, x.shape), 2 * x, 0)


def dropped_by_numpy(x):
    return x * (np.random.rand(*x.shape) < 0.5)


def squared_modulus(z):
    return jnp.abs(z) ** 2


def holomorphic(z):
    return jnp.exp(z) * z


def real_and_complex(x, z):
    return x * jnp.conj(z) + z**2, jnp.real(z) * x


def in_64_bits(x):
    assert x.dtype == jnp.float64
    return x**2


def in_32_bits_at_first(x):
    assert x.dtype == jnp.asarray(np.zeros(1)).dtype
    return jnp.sin(x)


def not_an_array(x):
    return "nothing"


def half(x):
    return x.astype(jnp.bfloat16)


def written_into(x):
    x[0] = 1.0
    return x


def needs_numbers(x):
    return x * float(x[0])


class NoLayer:
    pass


def rule(forward, backward):
    """A function with a rule: backward(saved, g)."""
    function = jax.custom_vjp(forward)
    function.defvjp(lambda *x: (forward(*x), x), backward)
    return function


def _matmul(x, w):
    return x @ w


matmul = rule(_matmul, lambda saved, g: (g @ saved[1].T, saved[0].T @ g))
matmul_factor = rule(_matmul, lambda saved, g: (g @ saved[1].T, 1.01 * saved[0].T @ g))
matmul_transposed = rule(_matmul, lambda saved, g: (g @ saved[1], saved[0].T @ g))
cube = rule(lambda x: x**3, lambda saved, g: (3 * g * saved[0] ** 2,))
conjugated = rule(lambda z: z**2, lambda saved, g: (2 * g * jnp.conj(saved[0]),))
square = rule(lambda z: z**2, lambda saved, g: (2 * g * saved[0],))
wrong_shape = rule(_matmul, lambda saved, g: (g, saved[0].T @ g))
raises = rule(_matmul, lambda saved, g: saved["x"])
detached_cube = rule(lambda x: x**3, lambda saved, g: (3 * g * jax.lax.stop_gradient(saved[0]) ** 2,))


@jax.custom_vjp
def product(x, y):
    return x * y


product.defvjp(lambda x, y: (x * y, x), lambda x, g: (g * x, g * x))  # y is missing


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def power(x, p):
    return x**p


power.defvjp(lambda x, p: (x**p, x), lambda p, x, g: (g * p * x ** (p - 1),))


@jax.custom_vjp
def embed(table, index):
    return table[index]


embed.defvjp(
    lambda table, index: (table[index], (table, index)),
    lambda saved, g: (jnp.zeros_like(saved[0]).at[saved[1]].add(g), None),
)


@jax.custom_vjp
def other_forward(x):
    return jnp.sin(x)


other_forward.defvjp(lambda x: (jnp.sin(x) + 1e-3, x), lambda x, g: (g * jnp.cos(x),))


def forward_rule(function, derivative, value=None):
    result = jax.custom_jvp(function)
    result.defjvp(lambda x, t: ((value or result)(*x), derivative(*x) * t[0]))
    return result


softplus = forward_rule(lambda x: jnp.logaddexp(x, 0), jax.nn.sigmoid)
softplus_wrong = forward_rule(lambda x: jnp.logaddexp(x, 0), lambda x: jax.nn.sigmoid(-x))
softplus_other = forward_rule(lambda x: jnp.logaddexp(x, 0), jax.nn.sigmoid, value=jnp.abs)
