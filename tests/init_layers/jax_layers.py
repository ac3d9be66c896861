import jax
import jax.numpy as jnp


@jax.custom_vjp
def log_sum_exp(x):
    return jnp.log(jnp.sum(jnp.exp(x), axis=-1))


def _forward(x):
    y = log_sum_exp(x)
    return y, (x, y)


def _backward(kept, dy):
    x, y = kept
    return (dy[..., None] * jnp.exp(x - y[..., None]),)


log_sum_exp.defvjp(_forward, _backward)


def dense(x, w, b):
    return jnp.tanh(x @ w + b)
