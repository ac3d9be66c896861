"""``gradcheck jacobian``: which arrays it computes, and what of them it saves."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from gradcheck_cli.cli import main

LINEAR = """\
    gradcheck: 1
    name: linear
    dims: {N: 2, D: 3, M: 4}
    inputs: {x: [N, D], w: [D, M]}
    function: |
      h = x @ w
      y = tanh(h)
    vjp:
      x: (dy * (1 - y**2)) @ w.T
      w: x.T @ dy
    jvp: {y: (1 - y**2) * (x_dot @ w + x @ w_dot)}
    chain: [x, h, y]
    """


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write("linear.yaml", LINEAR)


def write(name: str, text: str) -> Path:
    Path(name).write_text(textwrap.dedent(text), encoding="utf-8")
    return Path(name)


def call(*arguments: str, width: int = 80) -> Result:
    return CliRunner(env={"COLUMNS": str(width)}).invoke(main, ["jacobian", *arguments])


def test_a_right_claim(spec: Path) -> None:
    ended = call(str(spec), "--of", "y", "--wrt", "x")
    assert ended.exit_code == 0
    assert ended.stdout.startswith("∂y/∂x (vjp) at generic  linear  linear.yaml:1\n")
    assert "(N, M) × (N, D) = (2, 4) × (2, 3), 48 entries, 384 B" in ended.stdout
    assert "no entry is wrong" in ended.stdout


def test_a_wrong_claim_is_told_from_another_that_is_right(spec: Path) -> None:
    assert call(str(spec), "--wrt", "w").exit_code == 1
    right = call(str(spec), "--wrt", "w", "--claim", "jvp")
    assert (right.exit_code, "∂y/∂w (jvp)" in right.stdout) == (0, True)
    engine = call(str(spec), "--wrt", "w", "--claim", "engine")
    assert (engine.exit_code, "∂y/∂w (engine vjp)" in engine.stdout) == (0, True)


def test_every_pair_and_every_link_by_default(spec: Path) -> None:
    shown = call(str(spec)).stdout
    for pair in ("∂y/∂x (vjp)", "∂y/∂w (vjp)", "∂h/∂x (engine vjp)", "∂y/∂h (engine vjp)"):
        assert pair in shown


def test_the_saved_arrays_are_the_explicit_ones(spec: Path, tmp_path: Path) -> None:
    ended = call(str(spec), "--of", "h", "--wrt", "x", "--save", "h.npz")
    assert ended.exit_code == 0
    with np.load(tmp_path / "h.npz") as saved:
        assert set(saved) == {"analytic", "numeric", "low", "high", "bound", "wrong", "undecided"}
        assert saved["analytic"].shape == (2, 4, 2, 3)
        assert not saved["wrong"].any()
        assert np.all(np.abs(saved["analytic"] - saved["numeric"]) <= saved["bound"] + 1e-8)
        # ∂h[n, m]/∂x[p, d] = [n = p] w[d, m]
        w = saved["analytic"][0, :, 0, :].T
        np.testing.assert_allclose(saved["analytic"], np.einsum("np,dm->nmpd", np.eye(2), w))


def test_one_entry(spec: Path) -> None:
    shown = call(str(spec), "--of", "h", "--wrt", "x", "--row", "[1, 2]", "--column", "0,1").stdout
    assert "row h[1, 2], column x[0, 1]: no entry is wrong" in shown
    assert "claimed     0.0\n" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--of", "z"], "there is no ∂z/∂…; write one of: --of y --wrt x, --of y --wrt w, --of h --wrt x"),
        (["--row", "a"], "'a' is no index; write for example 0,2"),
        (["--row", "(0"], "'(0' is no index; write for example 0,2"),
        (["--save", "arrays"], "'arrays' is no file of arrays; write FILE.npz"),
        (["--row", "0,1,2"], "y has the shape (2, 4), so its index has 2 numbers"),
        (["--column", "0,9", "--of", "y", "--wrt", "x"], "index 9 is out of range for axis 1 of x, (2, 3)"),
        (["--save", "f.npz"], "--save takes one Jacobian, and there are 4; use -k, --of, --wrt"),
        (["--save", "no/f.npz", "--of", "h"], "cannot write no/f.npz: No such file or directory"),
        (["-k", "nothing"], "no check matches -k 'nothing'"),
        (["--point", "nowhere"], "'nowhere' is no point; write generic, generic-2, … or edge"),
    ],
)
def test_a_wrong_command_line_is_one_message(spec: Path, arguments: list[str], message: str) -> None:
    ended = call(str(spec), *arguments)
    assert (ended.exit_code, ended.stdout) == (2, "")
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_what_cannot_be_computed_is_said_and_the_rest_shown(spec: Path) -> None:
    write("log.yaml", "gradcheck: 1\nname: log\ninputs: {x: [3]}\nfunction: y = log(-x*x)\n")
    ended = call("log.yaml", str(spec), "--wrt", "x", "--of", "y")
    assert ended.exit_code == 3
    assert "log  log.yaml:1: the function is not finite at the generic point" in ended.stdout
    assert "∂y/∂x (vjp)" in ended.stdout


def test_a_claim_that_nobody_makes_is_a_wrong_command_line(spec: Path) -> None:
    ended = call(str(spec), "--of", "h", "--claim", "vjp")
    assert ended.exit_code == 2
    assert "there is no vjp claim about ∂h/∂…; there is: vjp, jvp, engine" in ended.stderr
    # Of several pairs, those that have it are shown.
    assert call(str(spec), "--wrt", "x", "--claim", "vjp").stdout.count("∂y/∂x (vjp)") == 1


def test_a_fault_is_shown_although_there_is_nothing_to_save(spec: Path) -> None:
    write("bad.yaml", "gradcheck: 1\ninputs: {x: [3]}\nfunction: y = q\n")
    ended = call("bad.yaml", "--save", "arrays.npz")
    assert (ended.exit_code, "unknown name 'q'" in ended.stdout) == (2, True)


def test_wrong_entries_are_named_and_marked(spec: Path) -> None:
    values = ", ".join(["1.0"] * 14 + ["1.5"] + ["1.0"] * 15)
    text = f"inputs: {{x: [30]}}\nfunction: y = x**2\nvjp: {{x: 'dy * 2 * x * [{values}]'}}\n"
    write("middle.yaml", "gradcheck: 1\n" + text)
    assert "furthest off: ∂y[14]/∂x[14]\n" in call("middle.yaml").stdout
    for options, mark in (((), "X is wrong"), (("--no-heat",), "* is wrong")):
        shown = call("middle.yaml", "--row", "14", *options).stdout
        assert "furthest off: ∂y[14]/∂x[14]\n" in shown
        assert mark in shown


def test_the_memory_budget_counts_what_is_asked_for_only(spec: Path) -> None:
    write(
        "large.yaml",
        "gradcheck: 1\ndims: {N: 2000}\ninputs: {x: [N], s: []}\nfunction: y = s * x\n",
    )
    assert call("large.yaml", "--max-memory", "10MiB", "--wrt", "s").exit_code == 0
    refused = call("large.yaml", "--max-memory", "10MiB", "--wrt", "x")
    assert refused.exit_code == 2
    shown = " ".join(refused.stdout.split())
    assert "the explicit Jacobian ∂y/∂x has the shape (N,) × (N,) = (2000,) × (2000,)" in shown


def test_at_the_edge_point_a_right_subgradient_is_not_wrong(spec: Path) -> None:
    write("relu.yaml", "gradcheck: 1\ninputs: {x: [4]}\nfunction: y = relu(x)\nvjp: {x: dy * (x > 0)}\n")
    ended = call("relu.yaml", "--point", "edge")
    assert (ended.exit_code, "at edge" in ended.stdout) == (0, True)


def test_a_misfit_shows_the_numeric_side_alone(spec: Path) -> None:
    write("sum.yaml", "gradcheck: 1\ninputs: {x: [2, 3], b: [3]}\nfunction: y = x + b\nvjp: {b: dy}\n")
    ended = call("sum.yaml", "--wrt", "b")
    assert ended.exit_code == 1
    assert "the derivative for b has the shape (2, 3), it must be (3,)" in ended.stdout.replace("\n  ", " ")
    assert "none" in ended.stdout


def test_an_entry_that_run_cannot_decide_is_not_called_right(spec: Path) -> None:
    text = "inputs: {x: [3]}\nfunction: y = sum(floor(1.0e+15 * x))\nvjp: {x: dy * x}\n"
    write("noise.yaml", "gradcheck: 1\n" + text)
    ended = call("noise.yaml")
    assert (ended.exit_code, "3 of 3 entries undecided" in ended.stdout) == (3, True)


def test_kinks_fail_as_in_a_run(spec: Path) -> None:
    text = "inputs: {x: {value: [0.0]}}\nfunction: y = relu(x)\nvjp: {x: dy * (x > 0)}\nkinks: fail\n"
    write("kinks.yaml", "gradcheck: 1\n" + text)
    assert call("kinks.yaml").exit_code == 1
    assert call("kinks.yaml", "--claim", "engine").exit_code == 1


def test_the_exit_code_is_that_of_what_is_shown(spec: Path) -> None:
    text = "inputs: {x: [2]}\nfunction: y = 2 * x\nvjp: {x: 'dy * [2.0, 3.0]'}\n"
    write("half.yaml", "gradcheck: 1\n" + text)
    codes = [call("half.yaml", "--row", row).exit_code for row in ("0", "1")]
    assert codes == [0, 1]


def test_more_axes_than_an_array_can_have(spec: Path) -> None:
    shape = ", ".join(["1"] * 33)
    write("axes.yaml", f"gradcheck: 1\ninputs: {{x: [{shape}]}}\nfunction: y = 2 * x\n")
    ended = call("axes.yaml")
    assert ended.exit_code == 3
    assert "∂y/∂x has 66 axes, and an array has at most 64" in ended.stdout


def test_an_expected_failure_is_named_as_one(spec: Path) -> None:
    text = "inputs: {x: [2]}\nfunction: y = 2 * x\nvjp: {x: 3 * dy}\nexpect: fail\n"
    write("expected.yaml", "gradcheck: 1\n" + text)
    ended = call("expected.yaml")
    assert (ended.exit_code, "2 of 4 entries wrong, as the spec expects" in ended.stdout) == (0, True)
