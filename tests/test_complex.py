"""Checks with complex arrays: right claims pass, wrong ones fail and are named, in every command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import CheckText, RunText

from gradcheck_cli.cli import main
from gradcheck_cli.functions.base import ArrayType
from gradcheck_cli.jacobian import real_matrix
from gradcheck_cli.parts import parts_of, split_index, whole_of
from gradcheck_cli.report.json_report import render_json
from gradcheck_cli.result import ExitCode, Verdict

LINEAR = """
    dims: {{N: 3, D: 2, M: 4}}
    inputs:
      x: {{shape: [N, D], dtype: {dtype}}}
      w: {{shape: [D, M], dtype: {dtype}}}
      b: {{shape: [M], dtype: {real}}}
    function: y = x @ w + b
    vjp:
      x: {x}
      w: {w}
      b: {b}
"""
RIGHT = {"x": "dy @ w.mH", "w": "x.mH @ dy", "b": "sum(real(dy), axis=0)"}


def linear(dtype: str = "complex128", **claims: str) -> str:
    real = "float64" if dtype == "complex128" else "float32"
    return LINEAR.format(dtype=dtype, real=real, **{**RIGHT, **claims})


def elementwise(function: str, *, z: str = "", shape: str = "[3]", **claims: str) -> str:
    """A check of y by z."""
    kinds = "".join(f"\n    {kind}: {{{claim}}}" for kind, claim in claims.items())
    return f"""
    inputs: {{z: {{shape: {shape}, dtype: complex128{z}}}}}
    function: {function}{kinds}
"""


def codes(result) -> list[str]:
    return [remark.code for remark in result.diagnoses]


@pytest.mark.parametrize("dtype", ["complex128", "complex64"])
def test_a_complex_layer_passes_at_every_part(check_text: CheckText, dtype: str) -> None:
    result = check_text(linear(dtype))
    assert result.verdict is Verdict.PASS
    assert [(pair.input, pair.entries, pair.mismatched) for pair in result.pairs] == [
        ("x", 24 * 12, 0),
        ("w", 24 * 16, 0),
        ("b", 24 * 4, 0),
    ]
    assert [(pair.output_complex, pair.input_complex) for pair in result.pairs] == [(True, True)] * 2 + [
        (True, False)
    ]
    assert not result.warnings


@pytest.mark.parametrize("dtype", ["complex128", "complex64"])
@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"x": "dy @ w.T"}, "conjugated"),
        ({"w": "x.T @ dy"}, "conjugated"),
        ({"x": "conj(dy @ w.mH)"}, "conjugated"),
        ({"x": "-dy @ w.mH"}, "sign-flipped"),
        ({"x": "2 * dy @ w.mH"}, "scaled"),
        ({"x": "1.01 * dy @ w.mH"}, "scaled"),
        ({"w": "x.mH @ dy * (1 + 0.01j)"}, "scaled"),
        ({"x": "1j * dy @ w.mH"}, "scaled"),
        ({"x": "real(dy @ w.mH)"}, "region"),
        ({"w": "0 * x.mH @ dy"}, "zero"),
        ({"b": "sum(dy, axis=0)"}, "wrong-dtype"),
        ({"b": "sum(imag(dy), axis=0)"}, "permuted"),
        ({"b": "real(dy)"}, "not-summed"),
        ({"x": "abs(dy) @ w.mH"}, "nonlinear-cotangent"),
        ({"x": "ones([N, D]) * 1j"}, "ignores-cotangent"),
    ],
)
def test_each_mistake_fails_and_is_named(
    check_text: CheckText, wrong: dict[str, str], code: str, dtype: str
) -> None:
    result = check_text(linear(dtype, **wrong))
    assert result.verdict is Verdict.FAIL
    assert code in codes(result)
    (name,) = wrong
    assert {pair.input for pair in result.pairs if pair.verdict is Verdict.FAIL} <= {name}


@pytest.mark.parametrize(
    "text",
    [
        elementwise("y = abs(z)**2", vjp="z: 2 * dy * z"),
        elementwise("y = abs(z)", vjp="z: 'dy * where(z == 0, 0, z / where(z == 0, 1, abs(z)))'"),
        elementwise("y = conj(z)", vjp="z: conj(dy)", jvp="y: conj(z_dot)"),
        elementwise("y = z * conj(z)", vjp="z: 2 * real(dy) * z"),
        elementwise("y = z**2", jacobian="y/z: 2 * diag(z)", jvp="y: 2 * z * z_dot"),
        elementwise("y = abs(z)**2", jacobian="y/z: 2 * diag(z)"),
        elementwise("y = sum(z.real * z.imag)", vjp="z: 'dy * (z.imag + 1j * z.real)'"),
        elementwise("y = exp(1j * angle(z))", z=", sample: {uniform: [0.5, 2]}"),
        elementwise("y = linalg.inv(z)", shape="[3, 3]", vjp="z: -y.mH @ dy @ y.mH"),
        elementwise("y = real(log(linalg.det(z @ z.mH + eye(2))))", shape="[2, 3]"),
    ],
)
def test_right_claims_pass(check_text: CheckText, text: str) -> None:
    assert check_text(text).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (elementwise("y = abs(z)**2", vjp="z: 2 * dy * conj(z)"), "conjugated"),
        (elementwise("y = abs(z)**2", vjp="z: dy * z"), "scaled"),
        (elementwise("y = conj(z)", vjp="z: dy"), "conjugated"),
        (elementwise("y = z * conj(z)", vjp="z: 2 * dy * z"), "region"),
        (elementwise("y = z**2", jvp="y: 2 * conj(z) * z_dot"), "conjugated"),
        (elementwise("y = z**2", jvp="y: conj(2 * z * z_dot)"), "conjugated"),
        (elementwise("y = z**2", jacobian="y/z: 2 * diag(conj(z))"), "conjugated"),
        (elementwise("y = abs(z)**2", jacobian="y/z: 2 * diag(conj(z))"), "conjugated"),
        (elementwise("y = abs(z)", jvp="y: abs(z_dot)"), "nonlinear-cotangent"),
        (elementwise("y = abs(z)", jvp="y: z_dot"), "wrong-dtype"),
        (elementwise("y = z.T @ z", shape="[3, 3]", vjp="z: conj(z) @ (dy + dy)"), "missing-term"),
    ],
)
def test_wrong_claims_fail(check_text: CheckText, text: str, code: str) -> None:
    result = check_text(text)
    assert result.verdict is Verdict.FAIL
    assert code in codes(result)


def test_a_claim_of_the_wrong_dtype_says_what_to_write(check_text: CheckText) -> None:
    result = check_text(linear(b="sum(dy, axis=0)"))
    (remark,) = result.diagnoses
    assert remark.input == "b"
    assert remark.message.endswith(
        ":12:6: vjp.b: the derivative for b is complex128, and b is real; write real(…) for the real part"
    )


def test_one_wrong_part_among_many_is_found_and_named(check_text: CheckText) -> None:
    wrong = "'2 * dy * (z + 1e-3j * (arange(50) == 7) * z.imag)'"
    result = check_text(elementwise("y = abs(z)**2", shape="[50]", vjp=f"z: {wrong}"))
    (pair,) = result.pairs
    assert (pair.mismatched, pair.entries) == (1, 50 * 100)
    assert pair.worst is not None
    assert (pair.worst.output_index, pair.worst.output_part) == ((7,), "")
    assert (pair.worst.input_index, pair.worst.input_part) == ((7,), "imag")
    assert codes(result) == ["single-entry"]


def test_the_chain_rule_holds_through_complex_intermediates(check_text: CheckText) -> None:
    result = check_text("""
        inputs: {x: [3], w: {shape: [2, 3], dtype: complex128}}
        function: |
          z = w @ x
          y = abs(z)**2
        chain: [x, z, y]
    """)
    assert result.verdict is Verdict.PASS
    assert {"chain", "chain product"} <= {pair.claim for pair in result.pairs}


def test_a_function_without_a_value_names_the_part(check_text: CheckText) -> None:
    result = check_text("""
        inputs: {z: {value: [0, 1j], dtype: complex128}}
        function: y = log(z)
    """)
    assert result.verdict is Verdict.ERROR
    assert "y[0].real = -inf" in result.message


def test_json_names_the_parts_of_complex_entries_only(run_text: RunText) -> None:
    report = run_text("""
        checks:
          - {inputs: {z: {shape: [2], dtype: complex128}}, function: y = abs(z)**2, vjp: {z: dy}}
          - {inputs: {z: [2]}, function: y = 1j * z, vjp: {z: real(dy)}}
    """)
    first, second = (check["pairs"][0]["worst"] for check in json.loads(render_json(report))["checks"])
    assert first["input_part"] in {"real", "imag"}
    assert "output_part" not in first
    assert second["output_part"] in {"real", "imag"}
    assert "input_part" not in second


SPEC = """
gradcheck: 1
inputs: {z: {shape: [2], dtype: complex128}}
function: y = z**2
vjp: {z: dy * 2 * z}
"""


def invoke(tmp_path: Path, *arguments: str) -> tuple[int, str]:
    file = tmp_path / "square.yaml"
    file.write_text(SPEC, encoding="utf-8")
    result = CliRunner().invoke(main, [arguments[0], str(file), *arguments[1:]])
    return result.exit_code, result.output


def test_run_names_entries_by_their_parts(tmp_path: Path) -> None:
    code, output = invoke(tmp_path, "run")
    assert code == ExitCode.WRONG
    assert "∂y[0].real/∂z[0].imag" in output
    assert "y (2,) complex" in output
    assert "4 × 4 = 16 entries" in output
    assert "what the claim multiplies dy by has to be conjugated" in " ".join(output.split())


def test_the_explicit_jacobian_has_an_axis_for_the_parts(tmp_path: Path) -> None:
    code, output = invoke(tmp_path, "jacobian", "--save", str(tmp_path / "j.npz"))
    assert code == ExitCode.WRONG
    assert "an index of y and z is 0 for real and 1 for imaginary" in " ".join(output.split())
    with np.load(tmp_path / "j.npz") as arrays:
        numeric, analytic = arrays["numeric"], arrays["analytic"]
    assert numeric.shape == (2, 2, 2, 2)
    real, imag = numeric[0, 0, 0]
    np.testing.assert_allclose(numeric[0, :, 0, :], [[real, imag], [-imag, real]], rtol=1e-6)
    np.testing.assert_allclose(analytic[0, :, 0, :], [[real, -imag], [imag, real]], rtol=1e-6)


def test_taylor_sees_the_missing_conjugate(tmp_path: Path) -> None:
    code, output = invoke(tmp_path, "taylor")
    assert code == ExitCode.WRONG
    assert "is not the derivative" in output


@pytest.mark.parametrize(
    "text",
    [
        linear(),
        elementwise("y = z**3", jvp="y: 3 * z**2 * z_dot"),
        elementwise("y = z**3", jacobian="y/z: 3 * diag(z**2)"),
        elementwise("y = abs(z)**2"),
    ],
)
def test_taylor_passes_right_claims(tmp_path: Path, text: str) -> None:
    file = tmp_path / "right.yaml"
    file.write_text("gradcheck: 1\n" + text.replace("\n    ", "\n"), encoding="utf-8")
    result = CliRunner().invoke(main, ["taylor", str(file)])
    assert result.exit_code == ExitCode.OK, result.output


def test_shapes_counts_both_parts_and_says_what_does_not_fit(tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("gradcheck: 1\n" + linear(b="sum(dy, axis=0)").replace("\n    ", "\n"), encoding="utf-8")
    result = CliRunner().invoke(main, ["shapes", str(file)])
    text = " ".join(result.output.split())
    assert result.exit_code == ExitCode.WRONG
    assert "does not fit: the derivative for b is complex128, and b is real" in text
    assert "∂y/∂x (N, M) × (N, D) = (3, 4) × (3, 2) 2.25 KiB 288 B" in text


def test_a_python_layer_of_complex_arrays(tmp_path: Path) -> None:
    (tmp_path / "layer.py").write_text(
        "def forward(z, w):\n    return z @ w, (z, w)\n\n"
        "def backward(dy, cache):\n    z, w = cache\n"
        "    return dy @ w.conj().T, z.conj().T @ dy\n\n"
        "def wrong(dy, cache):\n    z, w = cache\n    return dy @ w.T, z.conj().T @ dy\n",
        encoding="utf-8",
    )
    verdicts = []
    for name in ("backward", "wrong"):
        file = tmp_path / f"{name}.yaml"
        file.write_text(
            "gradcheck: 1\n"
            "inputs: {z: {shape: [3, 2], dtype: complex128}, w: {shape: [2, 4], dtype: complex128}}\n"
            f"function: {{python: 'layer.py:forward', backward: 'layer.py:{name}', style: cache}}\n",
            encoding="utf-8",
        )
        verdicts.append(CliRunner().invoke(main, ["run", str(file)]).exit_code)
    assert verdicts == [ExitCode.OK, ExitCode.WRONG]


COMPLEX, REAL = ArrayType((2,), np.dtype(complex)), ArrayType((2,), np.dtype(float))


def test_an_explicit_array_becomes_a_real_matrix() -> None:
    array = np.array([[1 + 2j, 0], [0, 3 - 1j]])
    holomorphic = [[1, -2, 0, 0], [2, 1, 0, 0], [0, 0, 3, 1], [0, 0, -1, 3]]
    np.testing.assert_array_equal(real_matrix(array, COMPLEX, COMPLEX), holomorphic)
    np.testing.assert_array_equal(real_matrix(array, REAL, COMPLEX), [[1, 2, 0, 0], [0, 0, 3, -1]])
    np.testing.assert_array_equal(real_matrix(array, COMPLEX, REAL), [[1, 0], [2, 0], [0, 3], [0, -1]])
    np.testing.assert_array_equal(real_matrix(array.real, REAL, REAL), array.real)


@pytest.mark.parametrize("dtype", ["complex128", "complex64", "float32"])
@pytest.mark.parametrize("shape", [(), (3,), (2, 0), (2, 3)])
def test_parts_and_whole_are_inverse(dtype: str, shape: tuple[int, ...]) -> None:
    type_ = ArrayType(shape, np.dtype(dtype))
    parts = np.random.default_rng(0).normal(size=type_.parts.shape).astype(type_.parts.dtype)
    whole = whole_of(parts, dtype)
    assert (whole.shape, whole.dtype) == (shape, type_.dtype)
    np.testing.assert_array_equal(parts_of(whole, dtype), parts)


def test_infinite_parts_stay_as_they_are() -> None:
    whole = whole_of(np.array([[1.0, np.inf], [-np.inf, 2.0]]), complex)
    np.testing.assert_array_equal(whole.real, [1, -np.inf])
    np.testing.assert_array_equal(whole.imag, [np.inf, 2])


def test_an_index_names_its_part() -> None:
    assert split_index((2, 0, 1), complex) == ((2, 0), "imag")
    assert split_index((2, 0, 1), float) == ((2, 0, 1), "")
