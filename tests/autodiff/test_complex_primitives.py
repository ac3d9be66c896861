"""Every primitive that takes complex operands: VJP and JVP in real coordinates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from complex_laws import check_complex64, check_complex_derivatives, complexified
from derivative_laws import Call, moving, sample
from primitive_cases import CASES

from gradcheck_cli.autodiff.primitive import OnComplex
from gradcheck_cli.autodiff.primitives import PRIMITIVES

TAKING = [name for name, one in PRIMITIVES.items() if not one.on_complex.refused]
# Calls of whole arrays at which the real operand is special, such as stand-ins for what is left out.
CALLS = [
    pytest.param(
        PRIMITIVES[name],
        complexified(PRIMITIVES[name], call),
        moving(PRIMITIVES[name], call.operands),
        id=f"{name}-{place}",
    )
    for name in TAKING
    for place, call in enumerate(CASES[name])
    if moving(PRIMITIVES[name], call.operands)
]


def test_most_of_the_language_takes_complex_numbers():
    assert len(TAKING) > 80


@pytest.mark.parametrize(("primitive", "call", "places"), CALLS)
def test_complex_derivatives_obey_the_laws(primitive, call, places):
    check_complex_derivatives(primitive, call, places)


@pytest.mark.parametrize(("primitive", "call", "places"), CALLS)
def test_complex64_stays(primitive, call, places):
    check_complex64(primitive, call, places)


@pytest.mark.parametrize(("primitive", "call", "places"), CALLS)
def test_shape_and_dtype_are_known_before(primitive, call, places):
    out = np.asarray(primitive.forward(*call.operands, **call.static))
    operands = [np.asarray(one) for one in call.operands]
    assert primitive.shape(*(one.shape for one in operands), **call.static) == out.shape
    assert primitive.dtype(*(one.dtype for one in operands)) == out.dtype


COMPLEX = np.asarray(sample(2, 3) + 1j * sample(2, 3, seed=3))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        pytest.param("square", {"vjps": (lambda g, out, x: g * 2.001 * x,)}, id="2.001 for 2"),
        pytest.param("square", {"jvps": (lambda t, out, x: t * 2 * np.conj(x),)}, id="conjugate in the JVP"),
        pytest.param("square", {"on_complex": OnComplex.OWN}, id="holomorphic, and not said so"),
        pytest.param("imag", {"vjps": (lambda g, out, x: -1j * g,)}, id="the sign of i"),
        pytest.param("conj", {"vjps": (lambda g, out, x: g,)}, id="a missing conjugate"),
    ],
)
def test_a_wrong_rule_is_caught(name, change):
    call = Call(None, (COMPLEX,))
    check_complex_derivatives(PRIMITIVES[name], call, [0])
    with pytest.raises(AssertionError):
        check_complex_derivatives(replace(PRIMITIVES[name], **change), call, [0])


def test_the_modulus_has_the_subgradient_zero_at_the_origin():
    zero = np.zeros(2, complex)
    (rule,) = PRIMITIVES["abs"].vjps
    assert not rule(np.ones(2), np.zeros(2), zero).any()
    (rule,) = PRIMITIVES["angle"].vjps
    assert not rule(np.ones(2), np.zeros(2), zero).any()
