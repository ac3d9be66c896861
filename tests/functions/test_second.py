"""The VJP as a function of its own: what it maps, and layers that bring their double backward along."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

from gradcheck_cli.autodiff.primitive import Array
from gradcheck_cli.autodiff.primitives import FUNCTIONS, PRIMITIVES
from gradcheck_cli.check import run_check
from gradcheck_cli.functions.base import Arrays, ArrayType, Claim, Subject
from gradcheck_cli.functions.compile import compile_subject
from gradcheck_cli.functions.second import with_second
from gradcheck_cli.result import Verdict
from gradcheck_cli.spec.load import load_specs
from gradcheck_cli.spec.types import CheckSpec

BUDGET = 2**30


def load(folder: Path, text: str) -> CheckSpec:
    file = folder / "spec.yaml"
    file.write_text(f"gradcheck: 1\n{text}", encoding="utf-8")
    (check,), faults = load_specs(str(file), max_memory=BUDGET)
    assert not faults
    return check


LINEAR = "dims: {N: 4, D: 2}\ninputs: {x: [N, D], w: [D, 3]}\nfunction: y = x @ w\norder: 2\n"


def test_the_function_maps_inputs_and_cotangents_to_gradients(tmp_path: Path) -> None:
    subject, _ = compile_subject(load(tmp_path, LINEAR), max_memory=BUDGET)
    assert subject is not None
    assert subject.second is not None
    function = subject.second.subject.function
    assert list(function.inputs) == ["x", "w", "dy"]
    assert [str(size) for size in function.outputs["dx"].shape] == ["4", "2"]
    rng = np.random.default_rng(0)
    primals = {name: rng.normal(size=type_.shape) for name, type_ in function.inputs.items()}
    found = function.along("x", primals)(primals["x"])
    np.testing.assert_allclose(found["dx"], primals["dy"] @ primals["w"].T)
    np.testing.assert_allclose(found["dw"], primals["x"].T @ primals["dy"])


def test_its_check_visits_generic_points_only_and_claims_nothing(tmp_path: Path) -> None:
    text = LINEAR + "points: [edge, generic]\nhvp: {x: dy @ w_dot.T}\nvjp: {x: dy @ w.T}\nkinks: move\n"
    subject, _ = compile_subject(load(tmp_path, text), max_memory=BUDGET)
    assert subject is not None
    assert subject.second is not None
    check = subject.second.check
    assert check.points == ("generic",)
    assert [one.name for one in check.inputs] == ["x", "w", "dy"]
    assert (check.order, dict(check.vjp), dict(check.hvp), check.elsewhere) == (1, {}, {}, None)
    assert check.kinks == "move"


def test_the_twin_in_double_precision_has_its_own(tmp_path: Path) -> None:
    text = "inputs: {x: {shape: [3], dtype: float32}}\nfunction: y = x**3\norder: 2\n"
    subject, _ = compile_subject(load(tmp_path, text), max_memory=BUDGET)
    assert subject is not None
    assert subject.second is not None
    wide = subject.second.subject.wide
    assert wide is not None
    assert {one.dtype for one in wide.function.inputs.values()} == {np.dtype(np.float64)}
    assert {one.dtype for one in subject.second.subject.function.inputs.values()} == {np.dtype(np.float32)}


def test_an_operation_without_a_second_derivative_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = replace(PRIMITIVES["tanh"], vjps=(lambda g, out, x: g * np.nextafter(out, 1),))
    monkeypatch.setitem(FUNCTIONS, "tanh", odd)
    check = load(tmp_path, "inputs: {x: [3]}\nfunction: y = tanh(2 * x)\norder: 2\n")
    subject, (fault,) = compile_subject(check, max_memory=BUDGET)
    assert subject is None
    wanted = "order: 2 needs the second derivative of tanh(2 * x), for which there is no rule yet"
    assert str(fault).endswith(f"spec.yaml:4:8: {wanted} (numpy.nextafter)")


@dataclass(frozen=True)
class SquareRun:
    """y = x² and its backward."""

    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]

    def pull(self, cotangents: Arrays) -> Mapping[str, Array | None]:
        return {"x": 2 * self.inputs["x"] * cotangents["y"]}


@dataclass(frozen=True)
class TwiceRun:
    """dx = 2 x dy and its backward, times a factor that may be wrong."""

    inputs: Mapping[str, Array]
    outputs: Mapping[str, Array]
    factor: float

    def pull(self, cotangents: Arrays) -> Mapping[str, Array | None]:
        x, dy = self.inputs["x"], self.inputs["dy"]
        return {"x": 2 * dy * cotangents["dx"] * self.factor, "dy": 2 * x * cotangents["dx"]}


@dataclass(frozen=True)
class Twice:
    factor: float
    own_memory: bool = True
    repeatable: bool = True

    def run(self, primals: Arrays) -> TwiceRun:
        return TwiceRun(dict(primals), {"dx": 2 * primals["x"] * primals["dy"]}, self.factor)

    def renewed(self) -> None:
        return None

    def second(self) -> None:
        return None


@dataclass(frozen=True)
class Square:
    """A layer that brings its double backward along."""

    factor: float = 1.0
    own_memory: bool = True
    repeatable: bool = True
    type_: ArrayType = field(default_factory=lambda: ArrayType((3,), np.dtype(float)))

    @property
    def inputs(self) -> Mapping[str, ArrayType]:
        return {"x": self.type_}

    @property
    def outputs(self) -> Mapping[str, ArrayType]:
        return {"y": self.type_}

    def along(self, varying: str, primals: Arrays) -> object:  # there is one input
        return lambda array: {"y": array**2}

    def run(self, primals: Arrays) -> SquareRun:
        return SquareRun(dict(primals), {"y": primals["x"] ** 2})

    def renewed(self) -> None:
        return None

    def second(self) -> Twice:
        return Twice(self.factor)


def subject_of(layer: Square) -> Subject:
    def linearize(primals: Arrays) -> object:
        return lambda cotangents: layer.run(primals).pull(cotangents)

    claim = Claim(kind="vjp", label="backward", pairs=(("y", "x"),), linearize=linearize, layer=layer)
    return Subject(function=layer, claims=(claim,), pairs=(("y", "x"),))


CODE = 'inputs: {x: [3]}\nfunction: {python: "layers.py:f", backward: "layers.py:b"}\norder: 2\n'


@pytest.mark.parametrize(("factor", "verdict"), [(1.0, Verdict.PASS), (1.01, Verdict.FAIL)])
def test_a_double_backward_is_checked(tmp_path: Path, factor: float, verdict: Verdict) -> None:
    (tmp_path / "layers.py").touch()
    check = load(tmp_path, CODE)
    subject, faults = with_second(check, subject_of(Square(factor)), max_memory=BUDGET)
    assert not faults
    assert subject is not None
    result = run_check(check, subject)
    assert result.verdict is verdict, result.message
    found = {
        f"{one.output}/{one.input}": one.verdict for one in result.pairs if one.claim == "double backward"
    }
    assert found == {"dx/x": verdict, "dx/dy": Verdict.PASS}


def test_an_hvp_stands_beside_a_double_backward(tmp_path: Path) -> None:
    (tmp_path / "layers.py").touch()
    check = load(tmp_path, CODE + "hvp: {x: 2 * dy * x_dot}\n")
    subject, faults = with_second(check, subject_of(Square()), max_memory=BUDGET)
    assert not faults
    assert subject is not None
    result = run_check(check, subject)
    assert result.verdict is Verdict.PASS
    assert {one.claim for one in result.pairs} == {"backward", "double backward", "hvp"}
