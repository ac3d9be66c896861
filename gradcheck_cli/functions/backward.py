"""The claims that a layer's own backward makes: which gradients fit, and how they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.functions.base import Arrays, Claim, Linear, Misfit
from gradcheck_cli.functions.claims import checked_inputs
from gradcheck_cli.functions.layer import PythonLayer
from gradcheck_cli.parts import whole_of
from gradcheck_cli.result import Fault
from gradcheck_cli.shapes import Shape, show
from gradcheck_cli.spec.types import CheckSpec

LABEL = "backward"


def backward_claims(check: CheckSpec, layer: PythonLayer, primals: Arrays) -> tuple[Claim, ...]:
    """Make claims of what backward says: one for all gradients that fit, one for each that does not.

    Asked at two cotangents, it shows whether it takes any notice of them.

    Raises
    ------
    EvaluationError
        Where the code raises, or returns what are no gradients.
    """
    rng = np.random.default_rng(check.seed)
    first, second = (layer.run(primals).pull(_cotangents(layer, rng)) for _ in range(2))
    fitting: dict[bool, list[str]] = {}  # by whether they ignore their cotangent
    wrong: dict[str, Shape] = {}
    for name in checked_inputs(check):
        given, type_ = first[name], layer.inputs[name]
        if given is not None and given.shape != type_.shape:
            wrong[name] = given.shape
        else:
            fitting.setdefault(_ignores(given, second[name]), []).append(name)
    claims = [_claim(layer, [name], misfit=_misfit(check, layer, name, wrong)) for name in wrong]
    for ignoring, names in sorted(fitting.items()):
        claims.insert(0, _claim(layer, names, ignores_seed=ignoring))
    return tuple(claims)


def _cotangents(layer: PythonLayer, rng: np.random.Generator) -> dict[str, Array]:
    types = {name: type_ for name, type_ in layer.outputs.items() if type_.differentiable}
    return {
        name: whole_of(rng.uniform(0.5, 2.0, type_.parts.shape), type_.dtype) for name, type_ in types.items()
    }


def _ignores(one: Array | None, other: Array | None) -> bool:
    """Whether two cotangents gave one and the same gradient, which is not zero."""
    if one is None or other is None or not np.any(one):
        return False
    return bool(np.all(np.isfinite(one)) and np.array_equal(one, other))


def _claim(
    layer: PythonLayer, names: Sequence[str], *, misfit: Misfit | None = None, ignores_seed: bool = False
) -> Claim:
    outputs = [name for name, type_ in layer.outputs.items() if type_.differentiable]
    return Claim(
        kind="vjp",
        label=LABEL,
        pairs=tuple((output, name) for output in outputs for name in names),
        linearize=_linearizer(layer, names),
        misfit=misfit,
        ignores_seed=ignores_seed,
        layer=layer,
    )


def _misfit(check: CheckSpec, layer: PythonLayer, name: str, wrong: Mapping[str, Shape]) -> Misfit:
    """Say which shape a gradient has; two ``wrong`` ones may only have changed places."""
    fault: Fault = check.fault(
        f"{_gave(layer, name, wrong[name])}, it must be {show(layer.inputs[name].shape)}", "function.backward"
    )
    exchanged = ""
    if len(wrong) == 2:
        (other,) = wrong.keys() - {name}
        if wrong[name] == layer.inputs[other].shape and wrong[other] == layer.inputs[name].shape:
            exchanged = f"those of {name} and {other} fit if they change places; "
            exchanged += f"the order is that of the inputs: {', '.join(layer.orders[0])}"
    return Misfit(message=str(fault), shape=wrong[name], exchanged=exchanged)


def _gave(layer: PythonLayer, name: str, shape: Shape) -> str:
    return f"{layer.names[1]} gave {name} a gradient of the shape {show(shape)}"


def _linearizer(layer: PythonLayer, names: Sequence[str]) -> Callable[[Arrays], Linear]:
    """Return primals → (cotangents → gradients).

    Forward is run right before every backward, since layers keep state.
    """

    def linearize(primals: Arrays) -> Linear:
        def pullback(cotangents: Arrays) -> Arrays:
            fresh = {name: np.array(cotangent, order="C") for name, cotangent in cotangents.items()}
            given = layer.run(primals).pull(fresh)
            return {name: _gradient(layer, name, given[name]) for name in names}

        return pullback

    return linearize


def _gradient(layer: PythonLayer, name: str, given: Array | None) -> Array:
    """Make sure of a gradient's shape; no gradient is one of zeros."""
    type_ = layer.inputs[name]
    if given is None:
        return np.zeros(type_.shape, type_.dtype)
    if given.shape != type_.shape:
        raise EvaluationError(
            f"{_gave(layer, name, given.shape)}, and of {show(type_.shape)} at the first point"
        )
    return given
