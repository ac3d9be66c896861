"""The analytic witness: cotangents in, gradients out (or tangents in, output tangents out).

Knows how to ask a claim at a point; shares nothing with the numeric witness.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.functions.base import Arrays, ArrayType, Claim, Linear
from gradcheck_cli.parts import parts_of, whole_of
from gradcheck_cli.problem import Problem


def ask(problem: Problem, claim: Claim) -> Linear:
    """Linearize a claim at the problem's point; seeds that are not given count as zero.

    Raises
    ------
    EvaluationError
        Where the claim's own code raises.
    """
    assert claim.linearize is not None, "a claim without a value is not asked"
    seeded: Mapping[str, ArrayType]
    seeded = problem.function.outputs if claim.kind == "vjp" else problem.function.inputs
    zeros = {
        name: np.zeros(type_.shape, type_.dtype) for name, type_ in seeded.items() if type_.differentiable
    }
    try:
        with np.errstate(all="ignore"):
            linear = claim.linearize(problem.primals)
    except EvaluationError:
        raise
    except Exception as error:
        raise EvaluationError(f"the {claim.label} claim raised {type(error).__name__}: {error}") from error

    def call(seeds: Arrays) -> Arrays:
        problem.count(claim.kind)
        try:
            return linear({**zeros, **seeds})
        except EvaluationError:
            raise
        except Exception as error:
            raise EvaluationError(
                f"the {claim.label} claim raised {type(error).__name__}: {error}"
            ) from error

    return call


def ask_in_parts(problem: Problem, claim: Claim) -> Linear:
    """Ask a vjp or jvp in real numbers: the ``parts`` of seeds go in, those of derivatives come out."""
    linear, function = ask(problem, claim), problem.function
    seeded, found = function.outputs, function.inputs
    if claim.kind == "jvp":
        seeded, found = found, seeded

    def call(seeds: Arrays) -> Arrays:
        values = linear({name: whole_of(seed, seeded[name].dtype) for name, seed in seeds.items()})
        return {name: parts_of(value, found[name].dtype) for name, value in values.items()}

    return call


def basis(type_: ArrayType, place: int, size: float) -> Array:
    """``size`` times the basis array that is 1 at flat index ``place`` and 0 elsewhere.

    Of a complex array the parts are counted: 0 is 1 in the first entry, 1 is i there.
    """
    parts = np.zeros(type_.parts.shape, type_.parts.dtype)
    parts.reshape(-1)[place] = size
    return whole_of(parts, type_.dtype)


def vector(array: Array, type_: ArrayType) -> Array:
    """Flatten a gradient or tangent of a type to its real numbers."""
    return parts_of(array, type_.dtype).astype(np.float64).reshape(-1)


# Powers of two, so that multiplying and dividing by them rounds nothing; of both signs and none of them
# 1, so that a claim that is not linear in its seed (dy**2, |dy|) does not look right on basis arrays.
SEED_SIZES = (2.0, -0.5, -4.0, 0.25, -2.0, 0.5, 4.0)


def seed_size(place: int) -> float:
    """Size of the seed for one row or column."""
    return SEED_SIZES[place % len(SEED_SIZES)]
