"""Functions with derivative rules written by hand."""
from functools import partial

import jax
import jax.numpy as jnp


@jax.custom_vjp
def rms_norm(x, gain):
    return gain * x * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + 1e-6)


def rms_norm_fwd(x, gain):
    r = jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + 1e-6)
    return gain * x * r, (x, gain, r)


def rms_norm_bwd(saved, g):
    x, gain, r = saved
    dn = g * gain
    dx = r * (dn - x * r**2 * jnp.mean(dn * x, axis=-1, keepdims=True))
    return dx, jnp.sum(g * x * r, axis=0)


rms_norm.defvjp(rms_norm_fwd, rms_norm_bwd)


@jax.custom_jvp
def log1pexp(x):
    return jnp.logaddexp(x, 0.0)


@log1pexp.defjvp
def log1pexp_jvp(primals, tangents):
    (x,), (t,) = primals, tangents
    return log1pexp(x), jax.nn.sigmoid(x) * t


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def clip_norm(x, limit=1.0):
    """x, shortened to the length ``limit`` if it is longer."""
    return x * jnp.minimum(1.0, limit / jnp.linalg.norm(x))


def clip_norm_fwd(x, limit):
    return clip_norm(x, limit), x


def clip_norm_bwd(limit, x, g):
    n = jnp.linalg.norm(x)
    along = x * jnp.vdot(x, g) / n**2
    return (jnp.where(n > limit, limit / n * (g - along), g),)


clip_norm.defvjp(clip_norm_fwd, clip_norm_bwd)
