"""The claims that a layer makes itself: which gradients of its backward fit, and how they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.errors import EvaluationError
from gradcheck_cli.functions.base import Arrays, Claim, Linear, Misfit
from gradcheck_cli.functions.layer import CodeLayer
from gradcheck_cli.functions.python import RecipeError
from gradcheck_cli.functions.statements import checked_inputs
from gradcheck_cli.parts import whole_of
from gradcheck_cli.result import Fault
from gradcheck_cli.shapes import Shape, show
from gradcheck_cli.spec.types import CheckSpec

LABEL = "backward"
FORWARD_MODE = "forward mode"


def backward_claims(check: CheckSpec, layer: CodeLayer, primals: Arrays) -> tuple[Claim, ...]:
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
    for name in _spoken_of(check, first):
        given, type_ = first[name], layer.inputs[name]
        if given is not None and given.shape != type_.shape:
            wrong[name] = given.shape
        else:
            fitting.setdefault(_ignores(given, second[name]), []).append(name)
    claims = [_claim(layer, [name], misfit=_misfit(check, layer, name, wrong)) for name in wrong]
    for ignoring, names in sorted(fitting.items()):
        claims.insert(0, _claim(layer, names, ignores_seed=ignoring))
    return tuple(claims)


def forward_claims(check: CheckSpec, layer: CodeLayer, primals: Arrays) -> tuple[Claim, ...]:
    """Make a claim of the layer's own forward mode, if it has one."""
    outputs = [name for name, type_ in layer.outputs.items() if type_.differentiable]
    wrt = checked_inputs(check)

    def tangents_along(primals: Arrays, tangents: Arrays) -> list[Array] | None:
        still = {name: np.zeros(type_.shape, type_.dtype) for name, type_ in layer.inputs.items()}
        return layer.push(primals, {name: tangents.get(name, still[name]) for name in wrt})

    def linearize(primals: Arrays) -> Linear:
        def pushforward(tangents: Arrays) -> Arrays:
            found = tangents_along(primals, tangents)
            assert found is not None, "it had a forward mode at the first point"
            named = dict(zip(layer.outputs, found, strict=True))
            return {name: named[name] for name in outputs}

        return pushforward

    if tangents_along(primals, {}) is None:
        return ()
    pairs = tuple((output, name) for output in outputs for name in wrt)
    return (Claim(kind="jvp", label=FORWARD_MODE, pairs=pairs, linearize=linearize),)


def _spoken_of(check: CheckSpec, gradients: Mapping[str, object]) -> list[str]:
    """Name the checked inputs that backward gives a gradient for.

    Raises
    ------
    RecipeError
        Where there is none, or ``wrt`` names others.
    """
    checked = checked_inputs(check)
    missing = [name for name in checked if name not in gradients]
    if missing and (len(missing) == len(checked) or check.wrt):
        listed = ", ".join(f"d{name}" for name in missing)
        remedy = "assign it" if len(missing) == 1 else "assign them"
        remedy = "None says that there is no gradient" if len(missing) < len(checked) else remedy
        raise RecipeError("function.backward", f"backward assigns no {listed}; {remedy}")
    return [name for name in checked if name in gradients]


def _cotangents(layer: CodeLayer, rng: np.random.Generator) -> dict[str, Array]:
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
    layer: CodeLayer, names: Sequence[str], *, misfit: Misfit | None = None, ignores_seed: bool = False
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


def _misfit(check: CheckSpec, layer: CodeLayer, name: str, wrong: Mapping[str, Shape]) -> Misfit:
    """Say which shape a gradient has; two ``wrong`` ones may only have changed places."""
    fault: Fault = check.fault(
        f"{_gave(layer, name, wrong[name])}, it must be {show(layer.inputs[name].shape)}", "function.backward"
    )
    exchanged = ""
    if len(wrong) == 2:
        (other,) = wrong.keys() - {name}
        if wrong[name] == layer.inputs[other].shape and wrong[other] == layer.inputs[name].shape:
            exchanged = f"those of {name} and {other} fit if they change places; "
            exchanged += f"the order is that of the inputs: {', '.join(layer.inputs)}"
    return Misfit(message=str(fault), shape=wrong[name], exchanged=exchanged)


def _gave(layer: CodeLayer, name: str, shape: Shape) -> str:
    return f"{layer.names[1]} gave {name} a gradient of the shape {show(shape)}"


def _linearizer(layer: CodeLayer, names: Sequence[str]) -> Callable[[Arrays], Linear]:
    """Return primals → (cotangents → gradients).

    Forward is run right before every backward, since layers keep state.
    """

    def linearize(primals: Arrays) -> Linear:
        def pullback(cotangents: Arrays) -> Arrays:
            fresh = {name: np.array(cotangent, order="C") for name, cotangent in cotangents.items()}
            given = layer.run(primals).pull(fresh)
            return {name: _gradient(layer, name, given.get(name)) for name in names}

        return pullback

    return linearize


def _gradient(layer: CodeLayer, name: str, given: Array | None) -> Array:
    """Make sure of a gradient's shape; no gradient is one of zeros."""
    type_ = layer.inputs[name]
    if given is None:
        return np.zeros(type_.shape, type_.dtype)
    if given.shape != type_.shape:
        raise EvaluationError(
            f"{_gave(layer, name, given.shape)}, and of {show(type_.shape)} at the first point"
        )
    return given
