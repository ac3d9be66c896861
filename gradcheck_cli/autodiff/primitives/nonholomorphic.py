"""Functions of a complex number that have no complex derivative: its modulus, angle, parts and conjugate.

Their rules are linear over the reals only. Of a real x they are what NumPy makes of x + 0i.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gradcheck_cli.autodiff.primitive import (
    Array,
    OnComplex,
    Primitive,
    Rule,
    component,
    promoted,
    resolved,
    rounded,
)
from gradcheck_cli.autodiff.primitives.elementwise import ratio, same_shape


def of_complex(name: str, forward: Rule, vjp: Rule, jvp: Rule, formula: str) -> Primitive:
    """Build the row of such a function; its rules are (g, x) → dL/dx and (t, x) → d(out)."""
    return Primitive(
        name=name,
        formula=formula,
        shapes="(…) → (…)",
        shape=same_shape,
        forward=forward,
        dtype=component,
        vjps=(lambda g, out, x: rounded(vjp(g, x), x.dtype),),
        jvps=(lambda t, out, x: rounded(jvp(t, x), np.asarray(out).dtype),),
        on_complex=OnComplex.OWN,
    )


def _turn(x: Array) -> Array:
    """Gradient of the angle of z, i z / |z|², and 0 at the origin; the square might overflow."""
    size = np.abs(x)
    if not np.iscomplexobj(x):  # 0 or π
        return np.zeros_like(size)
    return 1j * ratio(ratio(x, size), size)


ABS = of_complex(
    "abs",
    np.abs,
    lambda g, x: g * np.sign(x),
    lambda t, x: np.conj(np.sign(x)) * t,
    "dL/dx = g * sign(x);  of a complex x, g * x / abs(x)",
)
REAL = of_complex("real", np.real, lambda g, x: g, lambda t, x: t, "dL/dx = g")
IMAG = of_complex(
    "imag", np.imag, lambda g, x: 1j * g, lambda t, x: -1j * t, "dL/dx = 1j * g;  of a real x, 0"
)
ANGLE = replace(
    of_complex(
        "angle",
        np.angle,
        lambda g, x: g * _turn(x),
        lambda t, x: np.conj(_turn(x)) * t,
        "dL/dx = g * 1j * x / abs(x)**2;  of a real x, and at 0, 0",
    ),
    dtype=lambda kind: resolved(np.arctan2)(component(kind), component(kind)),
    casts=True,
    inexact=True,
)
CONJ = replace(
    of_complex("conj", np.conjugate, lambda g, x: np.conj(g), lambda t, x: np.conj(t), "dL/dx = conj(g)"),
    dtype=promoted,
)
TABLE = (ABS, REAL, IMAG, CONJ, ANGLE)
