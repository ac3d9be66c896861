"""The explicit generalized Jacobian: layout, both assemblies, products, the chain rule."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradcheck_cli.errors import EvaluationError, ShapeError
from gradcheck_cli.functions.claims import compile_check
from gradcheck_cli.jacobian import Jacobian, assemble, chain_product
from gradcheck_cli.problem import Problem
from gradcheck_cli.spec.types import CheckSpec, InputSpec, Text

shapes = st.lists(st.integers(1, 3), max_size=3).map(tuple)


def jacobian(output: tuple[int, ...], name: tuple[int, ...], seed: int = 0) -> Jacobian:
    size = int(np.prod(output, dtype=int)), int(np.prod(name, dtype=int))
    return Jacobian(output, name, np.random.default_rng(seed).normal(size=size))


def subject(function: str, vjp: dict[str, str] | None = None, **inputs: tuple[int, ...]):
    spec = CheckSpec(
        name="test",
        spec="test.yaml",
        inputs=tuple(InputSpec(name=name, shape=shape) for name, shape in inputs.items()),
        function=Text(text=function, path="function", line_offsets=((1, 1),)),
        vjp={
            name: Text(text=text, path=f"vjp.{name}", line_offsets=((1, 1),))
            for name, text in (vjp or {}).items()
        },
    )
    compiled, faults = compile_check(spec, max_memory=2**30)
    assert not faults
    rng = np.random.default_rng(1)
    primals = {name: rng.normal(size=shape) for name, shape in inputs.items()}
    return compiled, Problem(function=compiled.function, primals=primals, wrt=tuple(inputs))


@given(output=shapes, name=shapes)
def test_output_axes_come_first(output: tuple[int, ...], name: tuple[int, ...]) -> None:
    assert jacobian(output, name).array.shape == output + name


@given(output=shapes, name=shapes)
def test_jvp_and_vjp_are_adjoint(output: tuple[int, ...], name: tuple[int, ...]) -> None:
    rng, j = np.random.default_rng(2), jacobian(output, name)
    cotangent, tangent = rng.normal(size=output), rng.normal(size=name)
    assert j.apply(tangent).shape == output
    assert j.pull(cotangent).shape == name
    assert np.sum(cotangent * j.apply(tangent)) == pytest.approx(np.sum(j.pull(cotangent) * tangent))


@given(outer=shapes, inner=shapes, name=shapes)
def test_the_product_contracts_the_whole_inner_group(outer, inner, name) -> None:
    left, right = jacobian(outer, inner), jacobian(inner, name, seed=1)
    expected = np.tensordot(left.array, right.array, axes=len(inner))
    assert np.allclose((left @ right).array, expected)


@settings(max_examples=20)
@given(one=shapes, two=shapes, three=shapes, four=shapes)
def test_the_product_of_a_chain_is_associative(one, two, three, four) -> None:
    links = [jacobian(two, one), jacobian(three, two, 1), jacobian(four, three, 2)]
    product = chain_product(links)
    assert (product.output_shape, product.input_shape) == (four, one)
    assert np.allclose(product.matrix, links[2].matrix @ (links[1].matrix @ links[0].matrix))


def test_inner_groups_must_match() -> None:
    with pytest.raises(ShapeError, match="inner axes"):
        jacobian((2,), (3,)) @ jacobian((4,), (2,))


def test_rows_from_vjps_equal_columns_from_jvps() -> None:
    compiled, problem = subject("y = tanh(x @ w)\nz = sum(y, axis=0)", x=(2, 3), w=(3, 4))
    reverse, forward = (assemble(problem, claim) for claim in compiled.engine)
    assert reverse.keys() == forward.keys() == {("z", "x"), ("z", "w")}
    for pair in reverse:
        assert np.allclose(reverse[pair].matrix, forward[pair].matrix, rtol=1e-13)
    assert problem.evaluations == {"vjp": 4, "jvp": 6 + 12}


def test_seeds_are_scaled_and_the_scale_taken_out_again() -> None:
    compiled, problem = subject("y = x * 3.0", {"x": "3 * dy + 1"}, x=(4,))
    (claim,) = compiled.claims
    matrix = assemble(problem, claim)[("y", "x")].matrix
    # An affine claim shows: 1 / seed is left over, of both signs.
    assert not np.allclose(matrix, 3 * np.eye(4) + 1)
    assert {np.sign(value) for value in matrix[~np.eye(4, dtype=bool)]} == {-1.0, 1.0}
    unit = assemble(problem, dataclasses.replace(claim, ignores_seed=True))["y", "x"].matrix
    assert np.allclose(unit, 3 * np.eye(4) + 1)


def test_a_function_that_raises_is_an_evaluation_error() -> None:
    _, problem = subject("y = x[0] / x[1]", x=(2,))
    broken = Problem(function=problem.function, primals={"x": np.zeros(1)}, wrt=("x",))
    with pytest.raises(EvaluationError, match="the function raised IndexError"):
        _ = broken.values
