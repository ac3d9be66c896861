"""The shape report: whole screens, and the same facts as JSON and Markdown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from screen_files import assert_screen

from gradcheck_cli.explore.shapes import shape_report
from gradcheck_cli.prepare import Settings
from gradcheck_cli.report import SHAPE_RENDERERS
from gradcheck_cli.report.plain import plain
from gradcheck_cli.report.shapes_text import write_shapes
from gradcheck_cli.views import ShapeReport

SCREENS = Path(__file__).parent / "screens_shapes"
WIDTHS = (60, 80, 140)
SPECS = {
    "attention": """\
        dims: {N: 5, D: 6}
        inputs: {x: [N, D], w: [D, 3*D]}
        function: |
          q, k, v = split(x @ w, 3, axis=-1)
          a = softmax(q @ k.T / sqrt(D), axis=-1)
          y = a @ v
        vjp:
          w: |
            da = dy @ v.T
            ds = a * (da - sum(a * da, axis=-1, keepdims=True)) / sqrt(D)
            x.T @ concatenate([ds @ k, ds.T @ q, a.T @ dy], axis=-1)
        """,
    "hopeless": """\
        name: a layer as large as people use
        dims: {N: 8192, D: 4096, M: 16384}
        inputs: {x: {shape: [N, D], dtype: float32}, w: {shape: [D, M], dtype: float32}}
        function: |
          h = x @ w
          y = relu(h)
        vjp: {x: (dy * (h > 0)) @ w.T}
        """,
    "misfits": """\
        dims: {N: 4, D: 3, M: 2}
        inputs: {x: [N, D], w: [D, M], b: [M]}
        function: y = x @ w + b
        vjp: {x: dy @ w, w: x.T @ dy, b: dy}
        jacobian: {y/x: "einsum('np,mq->nmpq', eye(N), eye(M))"}
        jvp: {y: x_dot @ w + x @ w_dot + b_dot}
        """,
    "broken": """\
        dims: {N: 4, D: 3}
        inputs: {x: [N, D], w: [N, D]}
        function: |
          n = x.shape[0] - 1
          h = tanh(x)
          y = h @ w + n
          z = y * 2
        """,
}


def report_of(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ShapeReport:
    lines = [line.removeprefix(" " * 8) for line in SPECS[name].splitlines()]
    (tmp_path / f"{name}.yaml").write_text("\n".join(["gradcheck: 1", *lines]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return shape_report([f"{name}.yaml"], Settings())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", SPECS)
def test_screen(name: str, width: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_of(name, tmp_path, monkeypatch)
    shown = plain(lambda console: write_shapes(report, console), width)
    assert max(map(len, shown.splitlines())) <= width
    assert_screen(shown, SCREENS / f"{name}_{width}.txt")


@pytest.mark.parametrize("name", SPECS)
def test_markdown(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_of(name, tmp_path, monkeypatch)
    assert_screen(SHAPE_RENDERERS["markdown"](report), SCREENS / f"{name}.md.txt")


def test_json_holds_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = report_of("misfits", tmp_path, monkeypatch)
    document = json.loads(SHAPE_RENDERERS["json"](report))
    assert document["tool"] == "gradcheck-cli"
    assert document["budget_bytes"] == 2**30
    (check,) = document["checks"]
    assert check["dims"] == {"N": 4, "D": 3, "M": 2}
    assert check["inputs"][0] == {
        "name": "x", "shape": [4, 3], "symbols": "(N, D)", "dtype": "float64", "bytes": 96,
    }  # fmt: skip
    pairs = {(pair["output"], pair["input"]): pair for pair in check["pairs"]}
    assert pairs["y", "x"]["symbols"] == "(N, M) × (N, D)"
    assert (pairs["y", "x"]["bytes_dense"], pairs["y", "x"]["bytes_vjp"]) == (768, 160)
    fits = {(claim["kind"], claim["key"]): claim["fits"] for claim in check["claims"]}
    assert fits == {
        ("vjp", "x"): False, ("vjp", "w"): True, ("vjp", "b"): False, ("jacobian", "y/x"): False,
        ("jvp", "y"): True,
    }  # fmt: skip
    assert check["claims"][2]["shape"] == [4, 2]
    assert "ends in 2, w starts with 3" in check["claims"][0]["problem"]


@pytest.mark.parametrize(("name", "code"), [("attention", 0), ("hopeless", 0), ("misfits", 1), ("broken", 2)])
def test_exit_codes(name: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert report_of(name, tmp_path, monkeypatch).exit_code == code


def test_an_expected_misfit_is_no_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SPECS, "expected", SPECS["misfits"] + "expect: fail\n")
    assert report_of("expected", tmp_path, monkeypatch).exit_code == 0


def test_nothing_is_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the function nor its constants: an identity of 8 EiB is described like any other."""
    text = "dims: {N: 1000000000}\ninputs: {x: [N, N]}\nfunction: y = x + eye(N) @ ones((N, N))\n"
    monkeypatch.setitem(SPECS, "huge", text)
    report = report_of("huge", tmp_path, monkeypatch)
    assert report.exit_code == 0
    assert [step.text for step in report.checks[0].steps] == [
        "eye(N)",
        "ones((N, N))",
        "eye(N) (N, N) @ ones((N, N)) (N, N)",
        "x (N, N) + (eye(N) @ ones((N, N))) (N, N)",
    ]


def test_names_cannot_break_markdown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "name: 'a | b <script> `c`'\ninputs: {x: [2]}\nfunction: y = x | x\n"
    monkeypatch.setitem(SPECS, "odd", text)
    shown = SHAPE_RENDERERS["markdown"](report_of("odd", tmp_path, monkeypatch))
    assert "## a \\| b \\<script\\> \\`c\\`" in shown


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("chain: [x, q, y]", "the function has no array 'q'"),
        ("chain: [x, n, y]", "n is int64: it has no derivative"),
        ("chain: [w, x]", "x is not computed from w"),
        ('vjp: {x: "p, q = dy, dy"}', "the last line must be one value"),
    ],
)
def test_what_run_refuses_is_refused_here(
    rest: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = f"inputs: {{x: [4], w: [4]}}\nfunction: |\n  n = argmax(x)\n  y = x * w * n\n{rest}\n"
    monkeypatch.setitem(SPECS, "refused", text)
    report = report_of("refused", tmp_path, monkeypatch)
    assert report.exit_code == 2
    assert message in report.faults[0].message
