import jax
import jax.numpy as jnp


def gated(x, gate):
    return x * jax.nn.sigmoid(gate)


@jax.custom_vjp
def gated_stopped(x, gate):
    return gated(x, gate)


gated_stopped.defvjp(
    lambda x, gate: (gated(x, gate), (x, gate)),
    lambda kept, g: (g * jax.nn.sigmoid(kept[1]), jnp.zeros_like(kept[1])),
)


def unit(x):
    return x / jnp.linalg.norm(x)


@jax.custom_jvp
def unit_fixed_length(x):
    return unit(x)


@unit_fixed_length.defjvp
def unit_fixed_length_jvp(primals, tangents):
    (x,), (t,) = primals, tangents
    return unit(x), t / jnp.linalg.norm(x)
