"""``--save-failures``: arrays, and a small spec that fails for the same reason when it is run by itself."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner, Result

from gradcheck_cli.cli import main
from gradcheck_cli.result import CheckResult, ExitCode, Verdict
from gradcheck_cli.run import RunOptions, run_paths
from gradcheck_cli.spec.form import form_text

DENSE = """
    name: dense layer
    dims: {N: 4, D: 3, M: 5}
    inputs: {x: [N, D], w: [D, M], b: [M]}
    function: |
      a = x @ w
      y = a + b
    outputs: {y: [N, M]}
    vjp:
      x: dy @ w.T
      b: mean(dy, axis=0)
"""
LAYERS = """
    import os

    def forward(x, gain):
        return x * x * gain

    def backward(dy, x, gain):
        dy *= 2
        return dy * x * gain, (dy * x * x).sum(axis=0) / 2

    def fragile(x):
        if len(x) < 4:
            os._exit(3)
        return x * x

    def halved(dy, x):
        return dy * x

    seen = []

    def remembering(x):
        seen.append(x > 0)
        return x * seen[0], None

    def remembered(dy, cache):
        return dy * seen[0]
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("layers.py").write_text(textwrap.dedent(LAYERS), encoding="utf-8")
    return tmp_path


def save(text: str, *options: str) -> Result:
    Path("spec.yaml").write_text("gradcheck: 1\n" + textwrap.dedent(text), encoding="utf-8")
    return CliRunner().invoke(main, ["run", "-q", "spec.yaml", "--save-failures", "saved", *options])


def rerun(path: str = "saved", **options: bool) -> list[CheckResult]:
    report = run_paths([path], RunOptions(**options))
    assert not report.faults
    return list(report.checks)


def saved(name: str) -> dict[str, object]:
    return yaml.safe_load(Path(f"saved/{name}/spec.yaml").read_text(encoding="utf-8"))


def test_a_formula_becomes_small_and_fails_of_the_same_cause() -> None:
    result = save(DENSE)
    assert result.exit_code == ExitCode.WRONG
    last = result.output.splitlines()[-1]
    assert last == "1 failure saved in saved/dense-layer: gradcheck run saved/dense-layer/spec.yaml"
    form = saved("dense-layer")
    assert form["dims"] == {"N": 2, "D": 2, "M": 2}
    assert list(form["vjp"]) == form["wrt"] == ["b"]
    assert form["inputs"]["b"]["value"] == [0.1, 0.76]
    assert "outputs" not in form
    (again,) = rerun()
    assert (again.verdict, again.diagnoses[0].code) == (Verdict.FAIL, "scaled")
    head = Path("saved/dense-layer/spec.yaml").read_text(encoding="utf-8").splitlines()
    assert head[0] == "# Reproduces a failure of “dense layer” (spec.yaml:1), made small."
    assert head[1].startswith("# Likely cause: scaled (b): ∂y/∂b: the claim is ")
    assert "# Run: gradcheck run saved/dense-layer/spec.yaml" in head


def test_arrays_are_those_of_the_check_as_it_was() -> None:
    save(DENSE)
    with np.load("saved/dense-layer/arrays.npz") as arrays:
        below = "generic/vjp/y/b"
        assert arrays["generic/inputs/x"].shape == (4, 3)
        assert arrays[f"{below}/bound"].shape == arrays[f"{below}/analytic"].shape == (4, 5, 5)
        wrong = arrays[f"{below}/wrong"]
        assert np.array_equal(wrong, np.broadcast_to(np.eye(5, dtype=bool), wrong.shape))
        cotangent, numeric = arrays["generic/cotangent/y"], arrays[f"{below}/numeric"]
        assert np.allclose(arrays[f"{below}/numeric_gradient"], np.tensordot(cotangent, numeric, 2))
        assert np.allclose(arrays[f"{below}/claimed_gradient"] * 4, arrays[f"{below}/numeric_gradient"])
        assert not any("vjp/y/x" in name for name in arrays)


def test_nothing_is_written_of_what_passes_or_fails_as_expected() -> None:
    right = DENSE.replace("mean(", "sum(")
    assert save(right).output.splitlines()[-1].startswith("1 check: 1 passed")
    assert save(DENSE + "    expect: {fail: scaled}\n").exit_code == ExitCode.OK
    assert list(Path("saved").iterdir()) == []


def test_a_broken_contract_of_code_is_reproduced_with_literal_shapes() -> None:
    save("""
        name: contract
        inputs: {x: [6, 5], gain: [5]}
        function: {python: "layers.py:forward", backward: "layers.py:backward"}
    """)
    form = saved("contract")
    assert form["function"]["python"] == "../../layers.py:forward"
    assert np.shape(form["inputs"]["x"]["value"]) == (2, 2)
    (again,) = rerun()
    assert again.diagnoses[0].code == "mutates-cotangent"


def test_code_that_dies_at_small_sizes_is_left_as_it_was() -> None:
    save("""
        name: fragile
        inputs: {x: [5, 3]}
        function: {python: "layers.py:fragile", backward: "layers.py:halved"}
    """)
    assert np.shape(saved("fragile")["inputs"]["x"]["value"]) == (5, 3)
    assert "not made smaller" in Path("saved/fragile/spec.yaml").read_text(encoding="utf-8")
    assert rerun()[0].verdict is Verdict.FAIL


def test_files_of_arrays_are_written_out_and_shrink_along() -> None:
    np.save("table.npy", np.arange(20.0).reshape(5, 4) / 8)
    save("""
        name: files
        inputs: {x: [5, 4], table: {file: table.npy, differentiable: false}}
        function: y = x * x * table
        vjp: {x: x * table * dy}
    """)
    assert saved("files")["inputs"]["table"]["value"] == [[0.0, 0.12], [0.5, 0.62]]
    assert rerun()[0].diagnoses[0].code == "scaled"


def test_what_does_not_fail_with_fixed_values_is_drawn() -> None:
    """A mask that is kept from the first call shows only where a second call is made elsewhere."""
    save("""
        name: memory
        inputs: {x: [5, 3]}
        function: {python: "layers.py:remembering", backward: "layers.py:remembered", style: cache}
    """)
    assert saved("memory")["inputs"] == {"x": [2, 2]}
    assert "Its values are drawn" in Path("saved/memory/spec.yaml").read_text(encoding="utf-8")
    assert rerun()[0].verdict is Verdict.FAIL


def test_sweeps_and_equal_names_get_folders_of_their_own() -> None:
    result = save("""
        dims: {N: [5, 6]}
        inputs: {x: [N]}
        function: y = x**2
        checks:
          - {name: "../a b", vjp: {x: dy * x}}
          - {name: "a/b", dims: {N: 4}, chain: [x, y], vjp: {x: -2 * dy * x}}
    """)
    assert sorted(path.name for path in Path("saved").iterdir()) == ["a-b", "a-b-N=5", "a-b-N=6"]
    assert result.output.splitlines()[-1] == "3 failures saved in saved: gradcheck run saved"
    assert "chain" not in saved("a-b")
    assert {one.diagnoses[0].code for one in rerun()} == {"scaled", "sign-flipped"}


def test_options_of_the_command_line_are_part_of_the_spec() -> None:
    text = "name: loose\ninputs: {x: [4]}\nfunction: y = x**2\nvjp: {x: 2.0001 * dy * x}\n"
    assert save(text, "--rtol", "1e-2").exit_code == ExitCode.OK
    save(text, "--rtol", "1e-7", "--seed", "3")
    assert rerun()[0].verdict is Verdict.FAIL
    save("inputs: {x: [4], z: [3]}\nname: strict\nfunction: y = x**2\nvjp: {x: 2 * dy * x}\n", "--strict")
    assert "# Run: gradcheck run --strict saved/strict/spec.yaml" in Path("saved/strict/spec.yaml").read_text(
        encoding="utf-8"
    )
    assert rerun("saved/strict")[0].verdict is Verdict.PASS
    assert rerun("saved/strict", strict=True)[0].verdict is Verdict.FAIL


def test_an_order_and_a_dtype_and_an_edge_are_kept() -> None:
    save("""
        inputs: {x: {shape: [3], dtype: complex128}}
        function: y = x * x
        checks:
          - {name: complex, vjp: {x: 2 * dy * x}}
          - {name: second, inputs: {x: [3]}, vjp: {x: 2 * dy * x}, hvp: {x: 3 * dy * x_dot}}
          - name: edge
            inputs: {x: [3, 2]}
            function: y = where(x < 0, 0, x)
            vjp: {x: "where(x == 0, 7 * dy, where(x > 0, dy, 0))"}
    """)
    assert isinstance(saved("complex")["inputs"]["x"]["value"][0], str)
    assert list(saved("second")["hvp"]) == ["x"]
    assert {one.name: one.verdict for one in rerun()} == dict.fromkeys(
        ("complex", "edge", "second"), Verdict.FAIL
    )


def test_an_earlier_result_is_replaced() -> None:
    save(DENSE)
    before = Path("saved/dense-layer/spec.yaml").read_text(encoding="utf-8")
    save(DENSE.replace("mean(", "-sum("))
    assert "sign-flipped" in Path("saved/dense-layer/spec.yaml").read_text(encoding="utf-8")
    assert "sign-flipped" not in before
    assert sorted(path.name for path in Path("saved/dense-layer").iterdir()) == ["arrays.npz", "spec.yaml"]


def test_what_an_earlier_run_has_saved_is_not_run_unless_it_is_named() -> None:
    save("inputs: {x: [2]}\nfunction: y = x**2\nvjp: {x: -2 * dy * x}\n")
    again = CliRunner().invoke(main, ["run", "-q", ".", "--save-failures", "saved"])
    assert again.output.splitlines()[2].startswith("1 check: 1 failed")
    both = CliRunner().invoke(main, ["run", "-q", ".", "saved", "--save-failures", "saved"])
    assert both.output.splitlines()[3].startswith("2 checks: 2 failed")


def test_a_directory_that_cannot_be_made_is_one_line() -> None:
    Path("file").write_text("", encoding="utf-8")
    Path("spec.yaml").write_text("gradcheck: 1\n" + textwrap.dedent(DENSE), encoding="utf-8")
    result = CliRunner().invoke(main, ["run", "spec.yaml", "--save-failures", "file/below"])
    assert result.exit_code == ExitCode.USAGE
    assert result.output == "Error: cannot make the directory file/below: Not a directory\n"


def test_json_stays_json() -> None:
    result = save(DENSE, "--format", "json")
    assert result.stdout.startswith("{")
    assert result.stdout.rstrip().endswith("}")
    assert "saved in" in result.stderr


@pytest.mark.parametrize(
    "value",
    [
        {"a": "x = 1\ny = 2\n", "on": "yes", "1": "1.0", "t": "2020-01-01"},
        {"long": [[0.1234567890123] * 9] * 3, "mixed": {"deep": [[1, [2.5] * 40], "a: b"]}},
        {"text": "  indented\nlines", "blank": "a\n\nb\n", "tail": "a \nb", "null": "~", "tiny": 1e-7},
        {"empty": {}, "none": [], "glyph": "∂y", "tab": "a\tb\nc", "comment": "# no"},
    ],
)
def test_what_is_written_is_read_as_it_was(value: dict[str, object]) -> None:
    assert yaml.safe_load(form_text(value, ["a comment"])) == value
