"""Functions of JAX, with and without derivative rules of their own, right and wrong, as tests check them."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Pair(NamedTuple):
    total: Any
    parts: Any


WEIGHTS = jnp.linspace(0.1, 0.9, 4)


def affine(x, w, b, *, scale=1.0):
    return scale * (x @ w + b)


jitted = jax.jit(affine, static_argnames="scale")
halved = partial(affine, scale=0.5)


class Scaled:
    def __call__(self, x):
        return jnp.sin(3 * x)


instance = Scaled()
not_a_function = 3


def two(x):
    return jnp.sin(x), (x**2).sum()


def named(x):
    return Pair(x.sum(), [jnp.exp(x), jnp.cos(x)])


def ranked(x):
    return x**2, jnp.argsort(x), x > 0


def gathered(table, index, mask):
    return table[index] * mask


def dropped(key, x):
    return x * jax.random.bernoulli(key, 0.5, x.shape)


def redrawn(x):
    return x * np.random.uniform(1, 2, x.shape)  # noqa: NPY002  # the global state is what is asked about


def weighed(x):
    return x @ WEIGHTS


CALLS = []


def counted(x):
    CALLS.append(None)
    return x * len(CALLS)


def stopped(x):
    return jax.lax.stop_gradient(x) * x


def constant(x):
    return jnp.ones(3)


def brain_float(x):
    return x.astype(jnp.bfloat16)


def returns_key(x):
    return x, jax.random.key(0)


def no_numbers(x):
    return x, np.array(["a"])


def not_an_array(x):
    return "nothing"


def raises(x):
    return x @ jnp.ones((7, 7))


def squared_modulus(z):
    return jnp.abs(z) ** 2


def holomorphic(z):
    return jnp.exp(z) * z


def mixed_up(z):
    return jnp.conj(z) * jnp.real(z) + 2j * z


def turned(x):
    return jnp.exp(1j * x) * x


def spun(x, z):
    return jnp.exp(1j * x) * jnp.conj(z), x * jnp.abs(z)


def by_vjp(bwd, fwd=None):
    """x @ w, with the backward that is given."""

    @jax.custom_vjp
    def product(x, w):
        return x @ w

    product.defvjp(fwd or (lambda x, w: (x @ w, (x, w))), bwd)
    return product


right_vjp = by_vjp(lambda saved, g: (g @ saved[1].T, saved[0].T @ g))
factor_vjp = by_vjp(lambda saved, g: (g @ saved[1].T, 1.01 * saved[0].T @ g))
transposed_vjp = by_vjp(lambda saved, g: (g @ saved[1], saved[0].T @ g))
misshapen_vjp = by_vjp(lambda saved, g: (g @ saved[1].T, g.T @ saved[0]))
lost_residual = by_vjp(
    lambda saved, g: (g @ saved[1].T, saved[0].T @ g), lambda x, w: (x @ w, (jnp.ones_like(x), w))
)
other_fwd = by_vjp(lambda saved, g: (g @ saved[1].T, saved[0].T @ g), lambda x, w: (x @ w + 0.125, (x, w)))
detached_bwd = by_vjp(lambda saved, g: (g @ jax.lax.stop_gradient(saved[1]).T, saved[0].T @ g))


@jax.custom_vjp
def flagged(x):
    return x, x > 0


flagged.defvjp(lambda x: ((x, x < 0), None), lambda _, g: (g[0],))


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def power(x, p):
    return x**p


power.defvjp(lambda x, p: (x**p, x), lambda p, x, g: (g * p * x ** (p - 1),))


def complex_square(wrong):
    """z², whose cotangent rule in JAX's convention has no conjugate."""

    @jax.custom_vjp
    def square(z):
        return z * z

    square.defvjp(lambda z: (z * z, z), lambda z, g: (2 * g * (jnp.conj(z) if wrong else z),))
    return square


right_complex, conjugated = complex_square(wrong=False), complex_square(wrong=True)


def by_jvp(factor):
    """Softplus, whose rule is off by a factor."""

    @jax.custom_jvp
    def softplus(x):
        return jnp.logaddexp(x, 0.0)

    @softplus.defjvp
    def rule(primals, tangents):
        (x,), (t,) = primals, tangents
        return softplus(x), factor * jax.nn.sigmoid(x) * t

    return softplus


right_jvp, factor_jvp = by_jvp(1.0), by_jvp(1.01)


@jax.custom_jvp
def other_value(x):
    return jnp.sin(x)


@other_value.defjvp
def other_value_rule(primals, tangents):
    (x,), (t,) = primals, tangents
    return 2 * jnp.sin(x), jnp.cos(x) * t
