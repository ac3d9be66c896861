"""Functions written in Python: calling styles, what they may return, what they may import, how they fail."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gradcheck_cli.cli import main
from gradcheck_cli.explore.jacobian import Request, jacobian_report
from gradcheck_cli.explore.shapes import shape_report
from gradcheck_cli.explore.taylor import taylor_report
from gradcheck_cli.prepare import Settings
from gradcheck_cli.remainder import Outcome
from gradcheck_cli.result import CheckResult, ExitCode, RunReport, Verdict
from gradcheck_cli.run import RunOptions, run_paths

LAYERS = """
import random
import numpy as np

# one output

def affine(x, w, b, *, scale=1.0):
    return scale * (x @ w + b)

def affine_backward(dy, x, w, b, *, scale=1.0):
    return scale * dy @ w.T, scale * x.T @ dy, scale * dy.sum(axis=0)

def affine_forward(x, w, b):
    return x @ w + b, (x, w)

def affine_tuple(dy, cache):
    x, w = cache
    return dy @ w.T, x.T @ dy, dy.sum(axis=0)

def affine_list(dy, cache):
    return list(affine_tuple(dy, cache))

def affine_dict(dy, cache):
    return dict(zip(["b", "w", "x"], reversed(affine_tuple(dy, cache))))

def affine_without_b(dy, cache):
    return *affine_tuple(dy, cache)[:2], None

def affine_less(dy, cache):
    return {"x": dy @ cache[1].T}

def affine_wrong(dy, cache):
    dx, dw, db = affine_tuple(dy, cache)
    return dx, 1.001 * dw, db

def affine_pullback(x, w, b):
    return x @ w + b, lambda dy: affine_tuple(dy, (x, w))

# several outputs

def two(x):
    return np.sin(x), x.sum()

def two_backward(ds, dt, x):
    return ds * np.cos(x) + dt

def two_forward(x):
    return np.sin(x), x.sum(), np.cos(x)

def two_of_cache(ds, dt, cos):
    return ds * cos + dt

def top(x):
    k = np.argmax(x)
    return x[k], k

def top_backward(dm, dk, x):
    assert dk.dtype.kind == "i" and not dk.any()
    gradient = np.zeros_like(x)
    gradient[np.argmax(x)] = dm
    return gradient

# results that are no arrays

def doubled(x):
    return [2 * float(one) for one in x]

def doubled_backward(dy, x):
    return [2 * float(one) for one in dy]

def norm(x):
    return float(x @ x)

def norm_backward(dl, x):
    return 2 * x * dl

# random

def dropout(x):
    mask = (np.random.rand(*x.shape) < 0.5) * random.choice([2.0, 3.0])
    return x * mask, mask

def dropout_backward(dy, mask):
    return dy * mask

# state

class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy, x):
        return dy * (1 - self.y**2)

layer = Tanh()

# loss

def cross_entropy(z, labels):
    p = np.exp(z - z.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    n = len(labels)
    return -np.mean(np.log(p[np.arange(n), labels])), (p, labels)

def cross_entropy_backward(dl, cache):
    p, labels = cache
    dz = p.copy()
    dz[np.arange(len(labels)), labels] -= 1
    return dl * dz / len(labels)

def noisy(x):
    print("looking at", x.shape)
    return x * x

def single(x):
    return np.tanh(x)

def single_backward(dy, x):
    return dy * (1 - np.tanh(x) ** 2) * 1.005
"""

AFFINE = """
    inputs: {x: [4, 3], w: [3, 5], b: [5]}
    function: {python: "layers.py:%s", backward: "layers.py:%s", style: %s}
"""
Check = Callable[..., CheckResult]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "layers.py").write_text(LAYERS, encoding="utf-8")
    return tmp_path


def write(text: str, name: str = "spec.yaml") -> str:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("gradcheck: 1\n" + textwrap.dedent(text), encoding="utf-8")
    return name


def run(text: str, **options: object) -> RunReport:
    return run_paths([write(text)], RunOptions(**options))


def check(text: str, **options: object) -> CheckResult:
    report = run(text, **options)
    assert not report.faults, "\n".join(map(str, report.faults))
    return report.checks[0]


def codes(result: CheckResult) -> list[str]:
    return [remark.code for remark in result.diagnoses]


@pytest.mark.parametrize(
    ("forward", "backward", "style"),
    [
        ("affine", "affine_backward", "stateless"),
        ("affine_forward", "affine_tuple", "cache"),
        ("affine_forward", "affine_list", "cache"),
        ("affine_forward", "affine_dict", "cache"),
    ],
)
def test_each_style_and_kind_of_gradients_passes(
    folder: Path, forward: str, backward: str, style: str
) -> None:
    result = check(AFFINE % (forward, backward, style))
    assert result.verdict is Verdict.PASS
    assert [(pair.input, pair.claim, pair.entries) for pair in result.pairs] == [
        ("x", "backward", 20 * 12),
        ("w", "backward", 20 * 15),
        ("b", "backward", 20 * 5),
    ]
    assert not result.warnings


def test_a_pullback_is_a_style_of_its_own(folder: Path) -> None:
    text = """
        inputs: {x: [4, 3], w: [3, 5], b: [5]}
        function: {python: "layers.py:affine_pullback", style: pullback}
    """
    assert check(text).verdict is Verdict.PASS


def test_a_wrong_gradient_fails_alone(folder: Path) -> None:
    result = check(AFFINE % ("affine_forward", "affine_wrong", "cache"))
    assert [(pair.input, pair.verdict) for pair in result.pairs] == [
        ("x", Verdict.PASS),
        ("w", Verdict.FAIL),
        ("b", Verdict.PASS),
    ]
    assert codes(result) == ["scaled"]


@pytest.mark.parametrize("backward", ["affine_without_b", "affine_less"])
def test_no_gradient_is_right_only_where_the_true_one_is_zero(folder: Path, backward: str) -> None:
    result = check(AFFINE % ("affine_forward", backward, "cache"))
    assert result.verdict is Verdict.FAIL
    assert set(codes(result)) == {"zero"}
    assert {pair.input: pair.verdict for pair in result.pairs}["x"] is Verdict.PASS


def test_arguments_by_keyword_reach_both(folder: Path) -> None:
    text = """
        inputs: {x: [4, 3], w: [3, 5], b: [5]}
        function: {python: "layers.py:affine", backward: "layers.py:affine_backward", kwargs: {scale: 2.5}}
        vjp: {b: "2.5 * sum(dy, axis=0)"}
    """
    assert check(text).verdict is Verdict.PASS
    assert codes(check(text.replace("2.5 * sum", "1.0 * sum"))) == ["scaled"]


@pytest.mark.parametrize(
    "function",
    [
        '{python: "layers.py:two", backward: "layers.py:two_backward"}',
        '{python: "layers.py:two_forward", backward: "layers.py:two_of_cache", style: cache}',
    ],
)
def test_several_outputs_have_a_cotangent_each(folder: Path, function: str) -> None:
    result = check(f"inputs: {{x: [5]}}\nfunction: {function}\n")
    assert result.verdict is Verdict.PASS
    assert [(pair.output, pair.output_shape) for pair in result.pairs] == [("y0", (5,)), ("y1", ())]
    named = check(f"inputs: {{x: [5]}}\nfunction: {function}\noutputs: {{s: [5], t: []}}\n")
    assert [pair.output for pair in named.pairs] == ["s", "t"]


def test_an_integer_output_has_no_derivative(folder: Path) -> None:
    text = """
        inputs: {x: [5]}
        function: {python: "layers.py:top", backward: "layers.py:top_backward"}
        outputs: [m, k]
        points: [generic]
    """
    result = check(text)
    assert result.verdict is Verdict.PASS
    assert [pair.output for pair in result.pairs] == ["m"]


@pytest.mark.parametrize("name", ["doubled", "norm", "single"])
def test_lists_and_numbers_are_taken_as_arrays(folder: Path, name: str) -> None:
    targets = f'python: "layers.py:{name}", backward: "layers.py:{name}_backward"'
    text = f"inputs: {{x: [3]}}\nfunction: {{{targets}}}\n"
    wanted = Verdict.FAIL if name == "single" else Verdict.PASS
    assert check(text).verdict is wanted


def test_inputs_without_a_gradient_need_none(folder: Path) -> None:
    text = """
        inputs: {z: [4, 3], labels: {shape: [4], dtype: int64, sample: {integers: [0, 3]}}}
        function:
          python: layers.py:cross_entropy
          backward: layers.py:cross_entropy_backward
          style: cache
        outputs: [L]
        vjp: {z: "dL * (softmax(z, axis=1) - one_hot(labels, 3)) / 4"}
    """
    result = check(text)
    assert result.verdict is Verdict.PASS
    assert [pair.claim for pair in result.pairs] == ["backward", "vjp"]


def test_all_random_numbers_repeat(folder: Path) -> None:
    text = """
        inputs: {x: [6]}
        function: {python: "layers.py:dropout", backward: "layers.py:dropout_backward", style: cache}
    """
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert check(text).verdict is Verdict.PASS
    assert check(text, seed=5).verdict is Verdict.PASS
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002  # left as it was


def test_layers_may_keep_state(folder: Path) -> None:
    text = """
        inputs: {x: [3, 2]}
        function: {python: "layers.py:layer.forward", backward: "layers.py:layer.backward"}
    """
    assert check(text).verdict is Verdict.PASS


def test_claims_beside_a_function_may_use_inputs_outputs_and_dims(folder: Path) -> None:
    text = """
        dims: {N: 3}
        inputs: {x: [N]}
        function: {python: "numpy:tanh"}
        vjp: {x: "dy * (1 - y**2) * N / 3"}
        jvp: {y: x_dot * (1 - y**2)}
        jacobian: {y/x: diag(1 - y**2)}
    """
    result = check(text)
    assert result.verdict is Verdict.PASS
    assert [pair.claim for pair in result.pairs] == ["vjp", "jvp", "jacobian"]
    wrong = check(text.replace("x_dot * (1", "x_dot * (2"))
    assert {pair.claim: pair.verdict for pair in wrong.pairs}["jvp"] is Verdict.FAIL


def test_inputs_that_nothing_checks_are_named(folder: Path) -> None:
    text = """
        inputs: {x: [3], w: [3]}
        function: {python: "numpy:multiply"}
        vjp: {x: dy * w}
    """
    assert [warning.message for warning in check(text).warnings] == [
        "no claim is about ∂y/∂w, so nothing checks it"
    ]


def test_single_precision_is_judged_in_double(folder: Path) -> None:
    text = """
        inputs: {x: {shape: [4], dtype: float32}}
        function: {python: "layers.py:single", backward: "layers.py:single_backward"}
    """
    result = check(text)
    assert (result.verdict, codes(result)) == (Verdict.FAIL, ["scaled"])


@pytest.mark.parametrize("backward", ["affine_tall", "affine_flat"])
def test_a_gradient_of_the_wrong_shape_fails_and_the_others_are_checked(folder: Path, backward: str) -> None:
    more = """
def affine_tall(dy, cache):
    return *affine_tuple(dy, cache)[:2], dy

def affine_flat(dy, cache):
    return *affine_tuple(dy, cache)[:2], dy.sum()
"""
    Path("layers.py").write_text(LAYERS + more, encoding="utf-8")
    result = check(AFFINE % ("affine_forward", backward, "cache"))
    shape, code = {"affine_tall": ("(4, 5)", "not-summed"), "affine_flat": ("()", "wrong-shape")}[backward]
    assert codes(result)[0] == code
    fact = f"spec.yaml:4:58: function.backward: {backward} gave b a gradient of the shape {shape}"
    assert f"{fact}, it must be (5,)" in result.diagnoses[0].message
    assert [pair.verdict for pair in result.pairs] == [Verdict.PASS, Verdict.PASS, Verdict.FAIL]


ORDERS = """
def in_other_order(dy, cache):
    dx, dw, db = affine_tuple(dy, cache)
    return dw, dx, db

def in_no_order(dy, cache):
    dx, dw, db = affine_tuple(dy, cache)
    return dw, db, dx

def two_wrong_shapes(dy, cache):
    dx, dw, db = affine_tuple(dy, cache)
    return dx.T, dw.T, db
"""


def test_gradients_that_have_changed_places_are_told_their_order(folder: Path) -> None:
    Path("layers.py").write_text(LAYERS + ORDERS, encoding="utf-8")
    result = check(AFFINE % ("affine_forward", "in_other_order", "cache"))
    assert result.verdict is Verdict.FAIL
    swapped = [remark for remark in result.diagnoses if remark.code == "swapped-inputs"]
    assert [remark.input for remark in swapped] == ["x", "w"]
    assert result.diagnoses[0] == swapped[0]
    assert swapped[0].message == (
        "spec.yaml:4:58: function.backward: in_other_order gave x a gradient of the shape (3, 5), it must be "
        "(4, 3); those of x and w fit if they change places; the order is that of the inputs: x, w, b"
    )
    assert set(codes(result)) == {"swapped-inputs", "wrong-shape"}


@pytest.mark.parametrize("backward", ["in_no_order", "two_wrong_shapes"])
def test_gradients_that_fit_nowhere_are_not_called_exchanged(folder: Path, backward: str) -> None:
    Path("layers.py").write_text(LAYERS + ORDERS, encoding="utf-8")
    result = check(AFFINE % ("affine_forward", backward, "cache"))
    assert result.verdict is Verdict.FAIL
    assert "swapped-inputs" not in codes(result)


@pytest.mark.parametrize(
    ("code", "function", "message"),
    [
        (
            "def __getattr__(name):\n    raise RuntimeError(name)\n",
            "{python: odd.py:lost}",
            "odd.py:2: looking up odd.py:lost raised RuntimeError: lost",
        ),
        (
            "__all__ = 3\n_own = 1\n",
            "{python: odd.py, forward: y = x}",
            "listing the names of odd.py raised TypeError: argument of type 'int' is not",
        ),
    ],
)
def test_modules_whose_names_cannot_be_asked_for(
    folder: Path, code: str, function: str, message: str
) -> None:
    (folder / "odd.py").write_text(code, encoding="utf-8")
    result = check(f"inputs: {{x: [2]}}\nfunction: {function}\nvjp: {{x: dy}}\n")
    assert result.verdict is Verdict.ERROR
    assert message in result.message


BROKEN = """
import sys
import numpy as np

def fails(x):
    raise ValueError("no\\nway")

def calls_numpy(x):
    return helper(x)

def helper(x):
    return np.zeros(3) @ np.zeros(4)

def leaves(x):
    sys.exit(3)

def divides(x):
    return 1 / 0

def says(x):
    return "hello"

def none(x):
    return None

def ragged(x):
    return [[1.0], [1.0, 2.0]]

def nullary():
    return 1.0

def with_cache(x):
    return x * 1.0, (x, "cache")

def with_pullback(x):
    return x * 1.0, lambda dy: dy

def without_output(x):
    return (x, "cache"), x * 1.0

def fine(x):
    return x * 1.0

def three(dy, x):
    return dy, dy, dy

def other_name(dy, x):
    return {"z": dy}

def beyond(dy, x):
    return dy[100]

def words(dy, x):
    return "dy"

def sometimes(x):
    if (x == 0).any():
        raise ValueError("zero")
    return x * 1.0

def longer(x):
    return x[x != 0]
"""


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("fails", "broken.py:6: fails raised ValueError: no way"),
        ("calls_numpy", "broken.py:12: calls_numpy raised ValueError: matmul: "),
        ("leaves", "broken.py:15: leaves raised SystemExit: 3"),
        ("divides", "broken.py:18: divides raised ZeroDivisionError: division by zero"),
        ("says", "says returned a str, which is no array of numbers"),
        ("none", "none returned None, which is no array of numbers"),
        ("ragged", "ragged returned a list, which is no array of numbers"),
        ("nullary", "broken.py:29: nullary raised TypeError: nullary() takes 0 positional arguments but 1 "),
        ("without_output", "without_output returned a tuple, which is no array of numbers"),
        ("fine:three", "three returned 3 gradients (a tuple) for 1 input; return one for each of x"),
        ("fine:other_name", "other_name returned a gradient for z, which is no input; the inputs are x"),
        ("fine:beyond", "broken.py:51: beyond raised IndexError: "),
        ("fine:words", "words gave x a str, which is no array of numbers"),
        ("sometimes:fine2", "broken.py:58: sometimes raised ValueError: zero"),
        ("longer:fine2", "longer gave y the shape ("),
    ],
)  # fmt: skip
def test_code_that_breaks_is_the_check_s_error(folder: Path, function: str, message: str) -> None:
    Path("broken.py").write_text(BROKEN + "\n\ndef fine2(dy, x):\n    return dy\n", encoding="utf-8")
    forward, _, backward = function.partition(":")
    targets = f'python: "broken.py:{forward}"' + (f', backward: "broken.py:{backward}"' if backward else "")
    report = run(f"inputs: {{x: [4]}}\nfunction: {{{targets}}}\n{'' if backward else 'vjp: {x: dy}'}")
    (result,) = report.checks
    assert (result.verdict, report.exit_code) == (Verdict.ERROR, ExitCode.UNDECIDED)
    assert result.message.startswith(message)
    assert "\n" not in result.message


@pytest.mark.parametrize(
    ("forward", "kind", "style"),
    [("with_cache", "a tuple", "cache"), ("with_pullback", "a function", "pullback")],
)
def test_a_style_that_is_forgotten_is_named(folder: Path, forward: str, kind: str, style: str) -> None:
    Path("broken.py").write_text(BROKEN, encoding="utf-8")
    result = check(f'inputs: {{x: [4]}}\nfunction: {{python: "broken.py:{forward}"}}\nvjp: {{x: dy}}')
    fact = f"{forward} returned {kind}, which is no array of numbers"
    assert result.message == f"{fact}; if this last value is meant for backward, write style: {style}"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import nothing_of_that_name", "code.py:1: the import of code.py raised ModuleNotFoundError: "),
        ("def f(x):\n    return (", "code.py:2: the import of code.py raised SyntaxError: "),
        ("import sys\nsys.exit()", "code.py:2: the import of code.py raised SystemExit"),
        ("x = 1 / 0", "code.py:1: the import of code.py raised ZeroDivisionError: division by zero"),
    ],
)
def test_code_that_cannot_be_imported_is_the_check_s_error(folder: Path, source: str, message: str) -> None:
    Path("code.py").write_text(source, encoding="utf-8")
    result = check('inputs: {x: [4]}\nfunction: {python: "code.py:f"}\nvjp: {x: dy}')
    assert result.verdict is Verdict.ERROR
    assert result.message.startswith(message)


AS_RECIPE = (
    'write the calls down: "python: layers.py", "forward: |" and below it such as "layer = Tanh(…)" and '
    '"y = layer.forward(x)", "backward: |" and "dx = layer.backward(dy)"'
)


def test_an_interrupt_that_the_code_raises_is_its_own(folder: Path) -> None:
    Path("code.py").write_text("def f(x):\n    raise KeyboardInterrupt\n", encoding="utf-8")
    result = check('inputs: {x: [4]}\nfunction: {python: "code.py:f"}\nvjp: {x: dy}')
    assert result.message == "the code raised KeyboardInterrupt"


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ('function: {python: "layers.py:nrom"}', "python: layers.py has no nrom; did you mean 'norm'?"),
        ('function: {python: "layers.py:Tanh"}',
         "python: Tanh is a class; " + AS_RECIPE),
        ('function: {python: "layers.py:layer.y"}', "python: layers.py has no layer.y"),
        ('function: {python: "math:pi"}', "python: pi is no function: it is a float"),
        ('function: {python: "nothing.here:f"}',
         "python: there is no module nothing; install it, or name its directory in path"),
        ('function: {python: "layers.py:two"}\noutputs: [y]',
         "outputs: two returns 2 arrays, and outputs names y; name each"),
        ('function: {python: "layers.py:norm"}\noutputs: {y: [3]}',
         "outputs.y: norm gives y the shape (), the spec says (3,)"),
        ('function: {python: "layers.py:norm"}\noutputs: [x]',
         'outputs: "x" is an input; write another name in outputs'),
        ('function: {python: "numpy:argmax"}', "no output is floating: there is nothing to differentiate"),
    ],
)  # fmt: skip
def test_targets_and_outputs_that_do_not_fit_are_faults(folder: Path, keys: str, fault: str) -> None:
    report = run(f"inputs: {{x: [4]}}\nvjp: {{x: dy}}\n{keys}\n")
    assert report.exit_code is ExitCode.USAGE
    assert any(one.message in fault and str(one).endswith(fault) for one in report.faults), report.faults


def test_modules_of_one_name_are_kept_apart(folder: Path) -> None:
    function = 'function: {python: "code.py:f", backward: "code.py:b"}'
    for name, factor in (("one", 2), ("two", 3)):
        write(f"inputs: {{x: [2]}}\n{function}\n", f"{name}/spec.yaml")
        Path(name, "helper.py").write_text(f"factor = {factor}\n", encoding="utf-8")
        Path(name, "code.py").write_text(
            f"import helper\ndef f(x):\n    import helper as late\n    assert late is helper\n"
            f"    return helper.factor * x\ndef b(dy, x):\n    return {factor} * dy\n",
            encoding="utf-8",
        )
    report = run_paths(["one", "two"], RunOptions())
    assert [result.verdict for result in report.checks] == [Verdict.PASS] * 2, report.checks
    assert "helper" not in sys.modules
    assert str(Path("one").resolve()) not in sys.path


def test_directories_that_the_code_adds_stay_for_its_later_imports(folder: Path) -> None:
    Path("deep").mkdir()
    Path("deep/late.py").write_text("factor = 2.0\n", encoding="utf-8")
    Path("code.py").write_text(
        "import sys\nsys.path.append('deep')\ndef f(x):\n    import late\n    return late.factor * x\n",
        encoding="utf-8",
    )
    before = list(sys.path)
    try:
        assert (
            check('inputs: {x: [2]}\nfunction: {python: "code.py:f"}\nvjp: {x: 2 * dy}').verdict
            is Verdict.PASS
        )
    finally:
        sys.modules.pop("late", None)
    assert sys.path == before


def test_directories_of_path_are_searched_and_setup_runs_first(folder: Path) -> None:
    Path("library").mkdir()
    Path("library/tools.py").write_text(
        "import numpy as np\ndef f(x):\n    return np.twice(x)\n", encoding="utf-8"
    )
    text = """
        inputs: {x: [2]}
        function:
          python: tools:f
          path: library
          setup: |
            import numpy as np
            np.twice = lambda x: 2 * x
        vjp: {x: 2 * dy}
    """
    assert check(text).verdict is Verdict.PASS
    assert "tools" not in sys.modules
    assert not hasattr(np, "twice")
    wrong = check(text.replace("np.twice = lambda x: 2 * x", "np.twice = 1 / 0"))
    assert wrong.message == "spec.yaml:9: setup raised ZeroDivisionError: division by zero"


def test_what_the_code_prints_is_no_part_of_the_report(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    name = write('inputs: {x: [2]}\nfunction: {python: "layers.py:noisy"}\nvjp: {x: 2 * x * dy}\n')
    with pytest.raises(SystemExit) as end:
        main(["run", name, "--format", "json"])
    assert end.value.code == 0
    shown = capfd.readouterr()
    assert shown.out.startswith('{\n  "tool"')
    assert shown.err == ""
    assert "looking at (2,)\n" in json.loads(shown.out)["checks"][0]["output"]


def test_the_memory_budget_holds_for_code_too(folder: Path) -> None:
    text = 'inputs: {x: [300]}\nfunction: {python: "numpy:tanh"}\nvjp: {x: "dy * (1 - y**2)"}\n'
    (fault,) = run(text, max_memory=2**22).faults
    assert "∂y/∂x has the shape (300,) × (300,)" in fault.message


def test_jacobian_and_taylor_know_code_and_shapes_says_that_it_does_not(folder: Path) -> None:
    name = write(
        'inputs: {x: [3]}\nfunction: {python: "layers.py:norm", backward: "layers.py:norm_backward"}\n'
    )
    (explicit,) = jacobian_report([name], Settings(), Request()).jacobians
    assert (explicit.claim, explicit.analytic.shape, explicit.wrong.any()) == ("backward", (3,), False)
    (taylor,) = taylor_report([name], Settings(), "generic").checks
    assert [row.outcome for row in taylor.rows] == [Outcome.SECOND]
    (fault,) = shape_report([name], Settings()).faults
    assert fault.message.startswith("shapes reads formulas, and this function is code; ")


def test_the_commands_beside_run_say_what_code_raised(folder: Path) -> None:
    Path("code.py").write_text("x = 1 / 0\n", encoding="utf-8")
    name = write('inputs: {x: [3]}\nfunction: {python: "code.py:f"}\nvjp: {x: dy}\n')
    problem = "code.py:1: the import of code.py raised ZeroDivisionError: division by zero"
    assert [one.problem for one in jacobian_report([name], Settings(), Request()).unseen] == [problem]
    assert [one.message for one in taylor_report([name], Settings(), "generic").checks] == [problem]


COMPLEX = """
import numpy as np

def square(z):
    return z * z

def square_backward(dy, z):
    return 2 * np.conj(z) * dy

def square_wrong(dy, z):
    return 2 * z * dy
"""


@pytest.mark.parametrize("dtype", ["complex128", "complex64"])
def test_complex_layers_are_judged_part_by_part(folder: Path, dtype: str) -> None:
    Path("code.py").write_text(COMPLEX, encoding="utf-8")
    text = """
        inputs: {z: {shape: [3], dtype: %s}}
        function: {python: "code.py:square", backward: "code.py:%s"}
    """
    assert check(text % (dtype, "square_backward")).verdict is Verdict.PASS
    assert check(text % (dtype, "square_wrong")).verdict is Verdict.FAIL


def test_the_time_of_a_check_is_limited(folder: Path) -> None:
    source = "import time\ndef f(x):\n    time.sleep(0.01)\n    return x\ndef b(dy, x):\n    return dy\n"
    Path("code.py").write_text(source, encoding="utf-8")
    function = 'function: {python: "code.py:f", backward: "code.py:b"}'
    result = check(f"inputs: {{x: [9]}}\n{function}\ntimeout: 0.1\n")
    assert (result.verdict, result.message) == (Verdict.ERROR, "the check's time is up (timeout)")


def test_wrt_takes_the_gradients_of_some_inputs(folder: Path) -> None:
    result = check(AFFINE % ("affine_forward", "affine_wrong", "cache") + "    wrt: [x, b]\n")
    assert result.verdict is Verdict.PASS
    assert [pair.input for pair in result.pairs] == ["x", "b"]
