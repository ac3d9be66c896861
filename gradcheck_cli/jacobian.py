"""The explicit generalized Jacobian: layout, assembly from VJPs and JVPs, products, the chain rule.

For y of shape (M₁ × … × M_p) and x of shape (N₁ × … × N_q) the generalized Jacobian ∂y/∂x has the shape
(M₁ × … × M_p) × (N₁ × … × N_q): outputs first, then inputs; its entry (i, j) for multi-indices i and j is
∂y_i/∂x_j. A *row* (i fixed) has the shape of x, a *column* (j fixed) the shape of y. Flattening each
group of axes gives the M × N matrix in which everything here is stored.

A complex array counts as its ``parts``, so that every Jacobian is real: of a complex y by a complex x it
has a block of ∂Re y, ∂Im y by ∂Re x, ∂Im x for every two entries, [[a, -b], [b, a]] where y is holomorphic
and dy/dx = a + ib.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np

from gradcheck_cli import analytic
from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.errors import ShapeError
from gradcheck_cli.functions.base import Arrays, ArrayType, Claim, Linear, Pair
from gradcheck_cli.problem import Problem, symmetric_part
from gradcheck_cli.shapes import Shape, count

# Matrices, and by the name of what came row by row (an input) or column by column (an output) its eps.
Built = tuple[dict[Pair, Array], dict[str, float]]


@dataclass(frozen=True)
class Jacobian:
    """∂y/∂x as the matrix of its two flattened groups of axes."""

    output_shape: Shape
    input_shape: Shape
    matrix: Array
    eps: float = 0.0  # round-off unit of the coarsest dtype in which its rows or columns came

    @property
    def array(self) -> Array:
        """The array of shape output_shape + input_shape."""
        return self.matrix.reshape(self.output_shape + self.input_shape)

    def __matmul__(self, other: Jacobian) -> Jacobian:
        """Contract the input axes of this one with the output axes of the other: (∂z/∂y)(∂y/∂x).

        The generalized matrix product: (∂z/∂x)_{i,j} = Σ_k (∂z/∂y)_{i,k} (∂y/∂x)_{k,j}.

        Raises
        ------
        ShapeError
            Where the inner groups of axes differ.
        """
        if self.input_shape != other.output_shape:
            raise ShapeError(f"inner axes {self.input_shape} and {other.output_shape} differ")
        return Jacobian(self.output_shape, other.input_shape, self.matrix @ other.matrix)

    def apply(self, tangent: Array) -> Array:
        """Generalized matrix–vector product (J v)_i = Σ_j J_{i,j} v_j, of the shape of y (a JVP)."""
        return (self.matrix @ tangent.reshape(-1)).reshape(self.output_shape)

    def pull(self, cotangent: Array) -> Array:
        """Transposed product (uᵀ J)_j = Σ_i u_i J_{i,j}, of the shape of x (a VJP)."""
        return (cotangent.reshape(-1) @ self.matrix).reshape(self.input_shape)


def chain_product(links: Sequence[Jacobian]) -> Jacobian:
    """∂z/∂x of a chain x → … → z from its links, given from the first (at x) to the last (at z)."""
    return reduce(lambda product, link: link @ product, links)


def assemble(problem: Problem, claim: Claim) -> dict[Pair, Jacobian]:
    """Build the explicit Jacobians that a claim stands for, one for each of its pairs.

    A VJP gives them row by row, a JVP column by column, each from a multiple of a basis array.
    A claim that ignores its seed is asked with the basis arrays themselves, so that its own numbers stand in
    the Jacobian.
    """
    builders = {"vjp": _by_rows, "jvp": _by_columns, "jacobian": _given}
    matrices, units = builders[claim.kind](problem, claim)
    return {
        pair: Jacobian(
            problem.output_shape(pair[0]),
            problem.input_shape(pair[1]),
            _projected(matrix, problem.input_shape(pair[1])) if pair[1] in problem.symmetric else matrix,
            units[pair[1] if claim.kind == "vjp" else pair[0]],
        )
        for pair, matrix in matrices.items()
    }


def _asked(call: Linear, name: str, type_: ArrayType, place: int, claim: Claim) -> tuple[float, Arrays]:
    """Ask for a row or column; again with a smaller seed where a product with it may have overflowed."""
    size = 1.0 if claim.ignores_seed else analytic.seed_size(place)
    found = call({name: analytic.basis(type_, place, size)})
    if abs(size) > 1 and not all(np.all(np.isfinite(one)) for one in found.values()):
        size /= 8
        found = call({name: analytic.basis(type_, place, size)})
    return size, found


def _by_rows(problem: Problem, claim: Claim) -> Built:
    pull = analytic.ask(problem, claim)
    matrices, units = _empty(problem, claim), dict.fromkeys(claim.inputs, 0.0)
    for output in claim.outputs:
        for row in range(count(problem.output_shape(output))):
            size, gradients = _asked(pull, output, problem.function.outputs[output], row, claim)
            for name in claim.inputs:
                gradient = analytic.vector(gradients[name], problem.function.inputs[name])
                matrices[output, name][row] = gradient / size
                units[name] = max(units[name], _eps(gradients[name]))
    return matrices, units


def _by_columns(problem: Problem, claim: Claim) -> Built:
    push = analytic.ask(problem, claim)
    matrices, units = _empty(problem, claim), dict.fromkeys(claim.outputs, 0.0)
    for name in claim.inputs:
        for column in range(count(problem.input_shape(name))):
            size, tangents = _asked(push, name, problem.function.inputs[name], column, claim)
            for output in claim.outputs:
                tangent = analytic.vector(tangents[output], problem.function.outputs[output])
                matrices[output, name][:, column] = tangent / size
                units[output] = max(units[output], _eps(tangents[output]))
    return matrices, units


def _eps(array: Array) -> float:
    """Round-off unit of floating numbers; others are exact."""
    return float(np.finfo(array.dtype).eps) if array.dtype.kind in "fc" else 0.0


def _given(problem: Problem, claim: Claim) -> Built:
    explicit = analytic.ask(problem, claim)({})
    matrices = _empty(problem, claim)
    for (output, name), matrix in matrices.items():
        types = problem.function.outputs[output], problem.function.inputs[name]
        matrix[:] = real_matrix(np.asarray(explicit[name]), *types)
    return matrices, dict.fromkeys(claim.outputs, 0.0)


def real_matrix(explicit: Array, output: ArrayType, given: ArrayType) -> Array:
    """Write an explicit array ∂y/∂x, of shape y.shape + x.shape, as the matrix of both arrays' parts.

    Of a holomorphic y it holds dy/dx; of a complex y by a real x ∂Re y/∂x + i ∂Im y/∂x; of a real y by a
    complex x the gradient of every entry, ∂y/∂Re x + i ∂y/∂Im x.
    """
    matrix = explicit.reshape(count(output.shape), count(given.shape))
    if not (output.is_complex or given.is_complex):
        return matrix.real
    real, imag = matrix.real, matrix.imag
    if not output.is_complex:
        blocks = [[real, imag]]
    elif not given.is_complex:
        blocks = [[real], [imag]]
    else:
        blocks = [[real, -imag], [imag, real]]
    stacked = np.array(blocks, dtype=np.float64)  # part of y, part of x, entry of y, entry of x
    rows, columns = stacked.shape[0] * matrix.shape[0], stacked.shape[1] * matrix.shape[1]
    return np.transpose(stacked, (2, 0, 3, 1)).reshape(rows, columns)


def _empty(problem: Problem, claim: Claim) -> dict[Pair, Array]:
    return {
        pair: np.empty((count(problem.output_shape(pair[0])), count(problem.input_shape(pair[1]))))
        for pair in claim.pairs
    }


def _projected(matrix: Array, input_shape: Shape) -> Array:
    """Symmetrise every row: within symmetric matrices only that part of a gradient means anything."""
    return symmetric_part(matrix.reshape(len(matrix), *input_shape)).reshape(matrix.shape)
