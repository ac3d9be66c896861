"""Recipes: calls written down in the spec, what they see, what they may leave out, how they fail."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from gradcheck_cli.check import run_check
from gradcheck_cli.functions.compile import compile_subject
from gradcheck_cli.result import CheckResult, Fault, Verdict
from gradcheck_cli.spec.load import load_specs

LAYERS = """
import random
import numpy as np

__all__ = ["_listed"]
dx = 0.1  # a grid's width, and no gradient
calls = []

def _listed(x):
    return 2 * x

def _hidden(x):
    return x

class Affine:
    def __init__(self, w, b):
        self.w, self.b = w, b

    def forward(self, x):
        self.x = x
        return x @ self.w + self.b

    def backward(self, dy):
        self.dw, self.db = self.x.T @ dy, dy.sum(axis=0)
        return dy @ self.w.T

class Adding(Affine):
    def __init__(self, w, b):
        super().__init__(w, b)
        self.dw, self.db = np.zeros_like(w), np.zeros_like(b)

    def backward(self, dy):
        self.dw += self.x.T @ dy
        self.db += dy.sum(axis=0)
        return dy @ self.w.T

class Stepping(Affine):
    def backward(self, dy):
        dx = dy @ self.w.T
        self.w -= 0.1 * self.x.T @ dy
        return dx

class Raising(Affine):
    def backward(self, dy):
        raise RuntimeError("no way back")

shared = Adding(np.ones((3, 5)), np.zeros(5))

class Dropout:
    def forward(self, x):
        self.mask = np.random.rand(*x.shape) < 0.5
        return x * self.mask

    def backward(self, dy):
        return dy * self.mask

    def backward_of_another_mask(self, dy):
        return dy * (np.random.rand(*dy.shape) < 0.5)

def loss_and_gradient(x):
    return float((x**2).sum()), 2 * x
"""


@pytest.fixture
def load(tmp_path: Path) -> Callable[[str], tuple[CheckResult | None, list[Fault]]]:
    (tmp_path / "layers.py").write_text(LAYERS, encoding="utf-8")

    def run(text: str) -> tuple[CheckResult | None, list[Fault]]:
        file = tmp_path / "spec.yaml"
        file.write_text("gradcheck: 1\n" + textwrap.dedent(text).strip() + "\n", encoding="utf-8")
        checks, faults = load_specs(str(file), max_memory=2**30)
        if faults:
            return None, faults
        subject, faults = compile_subject(checks[0], max_memory=2**30)
        return (None, faults) if subject is None else (run_check(checks[0], subject), [])

    return run


Load = Callable[[str], tuple[CheckResult, list[Fault]]]


def recipe(forward: str, backward: str | None, inputs: str = "{x: [4, 3]}", more: str = "") -> str:
    def block(key: str, code: str) -> str:
        return f"  {key}: |\n" + textwrap.indent(textwrap.dedent(code).strip(), "    ") + "\n"

    text = f"inputs: {inputs}\nfunction:\n  python: layers.py\n" + block("forward", forward)
    return text + (block("backward", backward) if backward is not None else "") + more


AFFINE = "{x: [4, 3], w: [3, 5], b: [5]}"
PARAMETERS = "dx = layer.backward(dy)\ndw, db = layer.dw, layer.db"

RIGHT = {
    "class": recipe("layer = Affine(w, b)\ny = layer.forward(x)", PARAMETERS, AFFINE),
    "the module by its name": recipe("y = 3 * x\nk = layers.np", "dx = 3 * dy"),
    "a name that the module lists": recipe("y = _listed(x)", "dx = 2 * dy"),
    "dims": recipe("y = N * x", "dx = N * dy", "{x: [N, 3]}", "dims: {N: 4}"),
    "keywords": recipe(
        "config['seen'] = True\ny = config['scale'] * x",
        "dx = config['scale'] * dy if config['seen'] else None",
    ).replace("  forward:", "  kwargs: {config: {scale: 3, seen: false}}\n  forward:"),
    "gradients that are added up": recipe("layer = Adding(w, b)\ny = layer.forward(x)", PARAMETERS, AFFINE),
    "a step inside backward": recipe(
        "layer = Stepping(w.copy(), b)\ny = layer.forward(x)",
        "dx = layer.backward(dy)\ndw = (w - layer.w) / 0.1\ndb = dy.sum(axis=0)",
        AFFINE,
    ),
    "dropout": recipe("layer = Dropout()\ny = layer.forward(x)", "dx = layer.backward(dy)"),
    "loss and gradient": recipe(
        "loss, gradient = loss_and_gradient(x)", "dx = dloss * gradient", more="outputs: loss"
    ),
    "several outputs": recipe(
        "a, b = np.sin(x), x.sum()", "dx = da * np.cos(x) + db", more="outputs: [a, b]"
    ),
    "a tuple": recipe("y = np.sin(x), x.sum()", "dx = dy0 * np.cos(x) + dy1"),
    "None": recipe(
        "y = np.sin(x) + np.sign(k)", "dx, dk = dy * np.cos(x), None", "{x: [3], k: {value: [2.0, 3.0, 4.0]}}"
    ),
    "a function of its own": recipe("def f(a):\n    return a**3\ny = f(x)", "dx = 3 * x**2 * dy"),
    "comprehensions": recipe(
        "y = sum(w * k for k in range(3))", "dw = dy * sum(k for k in range(3))", "{w: [2]}"
    ),
    "imports": recipe("import math\ny = x * math.pi", "dx = dy * math.pi"),
    "no module": "inputs: {x: [3]}\nfunction: {forward: y = np.exp(x), backward: dx = dy * y}",
    "a claim instead of a backward": recipe("y = x**2", None, more="vjp: {x: 2*x*dy}"),
    "a claim beside a backward": recipe("y = x**2", "dx = 2 * x * dy", more="vjp: {x: 2*x*dy}"),
    "one name of a module": recipe(
        "y = Affine(w, b).forward(x)", "dx, dw, db = dy @ w.T, x.T @ dy, dy.sum(0)", AFFINE
    ).replace("layers.py", "layers.py:Affine"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right(load: Load, name: str) -> None:
    result, faults = load(RIGHT[name])
    assert not faults
    assert result.verdict is Verdict.PASS, (result.message, result.diagnoses)


WRONG = {
    "factor": recipe("y = x**2", "dx = 2.01 * x * dy"),
    "gradient of another input": recipe(
        "layer = Affine(w, b)\ny = layer.forward(x)", PARAMETERS.replace("layer.db", "2 * layer.db"), AFFINE
    ),
    "None where there is a gradient": recipe("y = x**2", "dx = None"),
    "a mask that is drawn anew": recipe(
        "layer = Dropout()\ny = layer.forward(x)", "dx = layer.backward_of_another_mask(dy)"
    ),
    "a layer that all evaluations share": recipe(
        "layer = shared\nlayer.w, layer.b = w, b\ny = layer.forward(x)", PARAMETERS, AFFINE
    ),
    "a step in the caller's weights": recipe(
        "layer = Stepping(w, b)\nbefore = w.copy()\ny = layer.forward(x)",
        "dx = layer.backward(dy)\ndw = (before - layer.w) / 0.1\ndb = dy.sum(axis=0)",
        AFFINE,
    ),
    "a loss whose gradient knows of no cotangent": recipe("y, dx = loss_and_gradient(x)", "pass"),
    "the claim, not the backward": recipe("y = x**2", "dx = 2 * x * dy", more="vjp: {x: x*dy}"),
    "the backward, not the claim": recipe("y = x**2", "dx = x * dy", more="vjp: {x: 2*x*dy}"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong(load: Load, name: str) -> None:
    result, faults = load(WRONG[name])
    assert not faults
    assert result.verdict is Verdict.FAIL, result.message


def test_a_loss_for_the_cotangent_1_alone(load: Load) -> None:
    result, _ = load(recipe("y, dx = loss_and_gradient(x)", "pass", more="allow: ignores-cotangent"))
    assert result.verdict is Verdict.PASS


def test_what_backward_does_not_speak_of_is_named(load: Load) -> None:
    result, _ = load(recipe("y = x * k", "dx = dy * k", "{x: [3], k: [3]}"))
    assert result.verdict is Verdict.PASS
    assert [(one.code, one.input) for one in result.warnings] == [("uncovered", "k")]


FAULTS = {
    "no output": (
        recipe("z = x", "dx = dz"),
        "5:12: function.forward: forward assigns no y; assign it, or name what it assigns in outputs",
    ),
    "another output": (
        recipe("y = x", "dx = dy", more="outputs: out"),
        "5:12: function.forward: forward assigns no out; assign it",
    ),
    "no gradient": (recipe("y = x", "dz = dy"), "7:13: function.backward: backward assigns no dx; assign it"),
    "a name that stood there before": (recipe("y = x", "pass"), "backward assigns no dx"),
    "one that wrt names": (
        recipe("y = x * k", "dx = dy * k", "{x: [3], k: [3]}", "wrt: [x, k]"),
        "backward assigns no dk; None says that there is no gradient",
    ),
    "a misspelt gradient": (
        recipe("y = x * w", "dx, dW = dy * w, dy * x", "{x: [3], w: [3]}"),
        "backward assigns dW, and no dw for the input w; write dw, or dw = None",
    ),
    "no Python": (recipe("y = x +", "dx = dy"), "6:12: function.forward: no Python: invalid syntax"),
    "no Python, further below": (recipe("y = x", "a = 1\ndx = = dy"), "9:10: function.backward: no Python"),
    "a return": (
        recipe("y = x\nreturn y", "dx = dy"),
        "7:5: function.forward: no Python: 'return' outside function",
    ),
    "nothing about the gradient": (recipe("y = x", None), 'write "backward: |" and the calls'),
    "an input by a gradient's name": (
        recipe("y = x * dx", "dx = dy", "{x: [3], dx: [3]}"),
        "the gradient of x is read from dx, which is an input",
    ),
    "an input by a cotangent's name": (
        recipe("y = x * dy", "dx = dy", "{x: [3], dy: [3]}"),
        "dy is the cotangent of y, and an input",
    ),
    "a style": (recipe("y = x", "dx = dy").replace("  forward:", "  style: cache\n  forward:"), '"style"'),
    "another framework": (
        recipe("y = x", "dx = dy").replace("python: layers.py", "torch: layers.py:f"),
        "torch knows the gradient itself",
    ),
    "no file": (recipe("y = x", "dx = dy").replace("layers.py", "layer.py"), "there is no file"),
    "no such name": (
        recipe("y = x", "dx = dy").replace("layers.py", "layers.py:Afine"),
        "layers.py has no Afine; did you mean 'Affine'?",
    ),
    "lines joined by YAML": (
        "inputs: {x: [3]}\nfunction:\n  forward:\n    a = 2\n    y = a * x\n  backward: dx = 2 * dy",
        "YAML joins these lines into one",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults(load: Load, name: str) -> None:
    text, message = FAULTS[name]
    result, faults = load(text)
    assert result is None
    assert message in "\n".join(map(str, faults))


def test_all_faults_at_once(load: Load) -> None:
    _, faults = load(recipe("y = x +", "dx = dy)", more="wrt: [z]"))
    assert [fault.line for fault in faults] == [6, 8, 9]


ERRORS = {
    "the spec's own line": (recipe("a = 1\ny = x @ x", "dx = dy"), "spec.yaml:7: forward raised ValueError"),
    "a name that there is not": (recipe("y = x", "dx = dy * mask"), "spec.yaml:8: backward raised NameError"),
    "a private name": (recipe("y = _hidden(x)", "dx = dy"), "name '_hidden' is not defined"),
    "arrays of several shapes": (
        recipe("y = [x, x[0]]", "dx = dy"),
        "if these are several, a tuple of them has names: y0, y1, … or those in outputs",
    ),
    "no array": (recipe("y = 'text'", "dx = dy"), "forward gave y a str, which is no array of numbers"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(load: Load, name: str) -> None:
    text, message = ERRORS[name]
    result, _ = load(text)
    assert result.verdict is Verdict.ERROR
    assert message in result.message


def test_an_error_in_a_layer_leads_back_to_the_spec(load: Load) -> None:
    result, _ = load(recipe("layer = Raising(w, b)\ny = layer.forward(x)", PARAMETERS, AFFINE))
    assert "layers.py:45: backward raised RuntimeError: no way back" in result.message
    assert [(Path(frame.file).name, frame.line, frame.source) for frame in result.traceback] == [
        ("spec.yaml", 9, "dx = layer.backward(dy)"),
        ("layers.py", 45, 'raise RuntimeError("no way back")'),
    ]


def test_code_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text("gradcheck: 1\ninputs: {x: [3]}\nfunction: {forward: y = x, backward: dx = dy}\n")
    _, (fault,) = load_specs(str(file), max_memory=2**30, no_code=True)
    assert str(fault).endswith(
        "spec.yaml:3:21: function.forward: refused: this spec would run code, and --no-code is set"
    )
