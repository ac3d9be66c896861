from __future__ import annotations

import numpy as np
import pytest

from gradcheck_cli.shapes import show_symbols
from gradcheck_cli.spec.load import find_specs, load_specs
from gradcheck_cli.spec.model import File, json_schema
from gradcheck_cli.spec.types import Tolerance

BUDGET = 2**20
ONE = "gradcheck: 1\ninputs: {x: [2, 3]}\nfunction: y = exp(x)\n"


def load(text: str, **options):
    checks, faults = load_specs("dir/spec.yaml", text, **{"max_memory": BUDGET, **options})
    assert faults == [], faults
    return checks


def faults_of(text: str, **options) -> list[str]:
    checks, faults = load_specs("dir/spec.yaml", text, **{"max_memory": BUDGET, **options})
    assert checks == []
    return [str(fault) for fault in faults]


def test_what_a_spec_leaves_out_has_its_default():
    (check,) = load(ONE)
    assert (check.name, check.seed, check.points, check.kinks) == (
        "spec",
        0,
        ("generic", "edge"),
        "subgradient",
    )
    assert (check.mode, check.expect, check.wrt, check.outputs) == ("auto", "pass", None, ())
    assert check.tolerance == Tolerance()
    assert check.inputs[0].dtype == "float64"


def test_a_sweep_is_the_product_of_the_lists_and_names_the_swept_dims_only():
    checks = load(
        "gradcheck: 1\nname: a\ndims: {N: [1, 4], D: 2, H: [3]}\n"
        "inputs: {x: [N, 2*D, H, 5]}\nfunction: y = x\n"
    )
    assert [check.name for check in checks] == ["a[N=1,H=3]", "a[N=4,H=3]"]
    assert [check.inputs[0].shape for check in checks] == [(1, 4, 3, 5), (4, 4, 3, 5)]
    assert show_symbols(checks[0].inputs[0].shape) == "(N, 2*D, H, 5)"
    assert checks[1].dims["N"].text == "N"


MANY = """\
gradcheck: 1
dims: {N: 2, M: 3}
inputs: {x: [N, M]}
function: y = exp(x)
tolerance: {rtol: 1.0e-4}
checks:
  - vjp:
      x: dy * y
  - {name: wide, dims: {M: 30}, tolerance: {atol: 1.0e-9}}
  - function: y = sin(x)
"""


def test_checks_take_what_they_do_not_say_from_the_file():
    first, wide, third = load(MANY)
    assert [check.name for check in (first, wide, third)] == ["spec[0]", "wide", "spec[2]"]
    assert first.inputs[0].shape == (2, 3)
    assert wide.inputs[0].shape == (2, 30)
    assert wide.tolerance == Tolerance(rtol=1e-4, atol=1e-9)
    assert third.function.text == "y = sin(x)"
    assert third.tolerance == Tolerance(rtol=1e-4)


def test_positions_are_those_of_the_file_wherever_a_key_stands():
    first, wide, third = load(MANY)
    assert first.position == (7, 5)
    assert first.locate("vjp.x") == (8, 10)
    assert first.locate("function") == (4, 11)
    assert third.locate("function") == (10, 15)
    assert wide.locate("dims.N") == (2, 11)
    assert wide.locate("dims.M") == (9, 28)
    assert wide.locate("inputs.x.shape") == (3, 13)
    assert wide.fault("wrong", "vjp.x").line == 9


def test_the_file_s_name_is_the_stem_of_nameless_checks():
    text = "gradcheck: 1\nname: base\ninputs: {x: [2]}\nfunction: y = x\nchecks: [{seed: 1}, {seed: 2}]\n"
    assert [check.name for check in load(text)] == ["base[0]", "base[1]"]
    assert [check.name for check in load(text.replace("{seed: 1}, ", ""))] == ["base"]


def test_seed_and_tolerance_are_read():
    (check,) = load(ONE + "seed: 3\ntolerance: {rtol: 1.0e-3, atol: 1.0e-4}\n")
    assert (check.seed, check.tolerance) == (3, Tolerance(rtol=1e-3, atol=1e-4))


def test_claims_are_formulas_with_their_places():
    (check,) = load(ONE + 'vjp: {x: 0}\njvp: {y: 2.50}\njacobian: {"y / x": diag(y)}\n')
    assert check.vjp["x"].text == "0"
    assert check.jvp["y"].text == "2.50"
    assert check.jacobian["y", "x"].line_offsets == ((6, 21),)


def test_points_may_be_a_number():
    assert load(ONE + "points: 3\n")[0].points == ("generic", "generic-2", "generic-3")
    assert load(ONE + "points: [edge]\n")[0].points == ("edge",)


def test_expected_failures_may_name_their_diagnosis():
    check = load(ONE + "expect: {fail: sign-flipped}\n")[0]
    assert (check.expect, check.expect_code) == ("fail", "sign-flipped")
    assert load(ONE + "expect: fail\n")[0].expect_code is None


def test_code_is_refused_by_name_under_no_code():
    text = "gradcheck: 1\ninputs: {x: [2]}\nfunction: {python: layers.py, forward: y = f(x)}\n"
    (fault,) = faults_of(text, no_code=True)
    assert fault.startswith("dir/spec.yaml:3:20: function.python: refused: this spec would import code")
    assert fault.endswith("(python: layers.py), and --no-code is set")
    assert "nothing says what the gradient is" in faults_of(text)[0]


def test_an_input_over_the_budget_is_refused_with_both_numbers():
    text = "gradcheck: 1\ninputs: {x: [1024, 129]}\nfunction: y = x\n"
    assert "1.01 MiB, and the budget is 1 MiB" in faults_of(text)[0]
    load(text, max_memory=1024 * 129 * 8)


def test_a_file_over_the_budget_is_not_loaded(tmp_path):
    np.save(tmp_path / "w.npy", np.ones(1000))
    path = tmp_path / "spec.yaml"
    path.write_text("gradcheck: 1\ninputs: {w: {file: w.npy}}\nfunction: y = w\n")
    assert load_specs(str(path), max_memory=8000)[1] == []
    assert "7.81 KiB" in str(load_specs(str(path), max_memory=7999)[1][0])


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", ">f8", "int64", "uint8", "int32", "bool"])
def test_files_give_their_values_and_dtype(tmp_path, dtype):
    array = np.arange(6).reshape(2, 3).astype(dtype)
    np.save(tmp_path / "w.npy", np.asfortranarray(array))
    np.savez_compressed(tmp_path / "w.npz", key=array)
    path = tmp_path / "spec.yaml"
    for file in ("w.npy", "w.npz:key"):
        path.write_text(f'gradcheck: 1\ninputs: {{x: [1], w: {{file: "{file}"}}}}\nfunction: y = w\n')
        (check,), faults = load_specs(str(path), max_memory=BUDGET)
        assert faults == []
        given = check.inputs[1]
        assert np.array_equal(given.value, array)
        assert given.dtype == {"uint8": "int64", "int32": "int64", ">f8": "float64"}.get(dtype, dtype)
        assert given.differentiable == given.dtype.startswith("float")


def test_unreadable_and_unsigned_overflowing_files_are_faults(tmp_path):
    np.save(tmp_path / "w.npy", np.array([2**63], dtype=np.uint64))
    (tmp_path / "v.npz").write_text("no archive")
    path = tmp_path / "spec.yaml"
    path.write_text('gradcheck: 1\ninputs: {w: {file: w.npy}, v: {file: "v.npz:k"}}\nfunction: y = w\n')
    messages = [fault.message for fault in load_specs(str(path), max_memory=BUDGET)[1]]
    assert "too large for int64" in messages[0]
    assert "is broken" in messages[1]


def test_ints_are_float64_unless_the_dtype_says_otherwise():
    text = "gradcheck: 1\ninputs: {x: {value: [[1, 2]]}, i: {value: [1, 2], dtype: int64}}\nfunction: y = x\n"
    x, index = load(text)[0].inputs
    assert (x.dtype, x.value.dtype, x.differentiable) == ("float64", np.float64, True)
    assert (index.dtype, index.differentiable) == ("int64", False)


def test_spd_is_symmetric_unless_told_otherwise():
    text = """\
gradcheck: 1
inputs: {a: {shape: [2, 2], sample: spd}, b: {shape: [2, 2], sample: spd, symmetric: false}}
function: y = a
"""
    first, second = load(text)[0].inputs
    assert (first.sample.symmetric, second.sample.symmetric) == (True, False)


def test_integers_may_be_bounded_by_dims():
    text = """\
gradcheck: 1
dims: {V: 5}
inputs: {x: [V], i: {shape: [3], dtype: int64, sample: {integers: [0, V]}}}
function: y = x[i]
"""
    assert load(text)[0].inputs[1].sample.domain == (0, 4)


def test_specs_are_found_below_directories(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in {
        "b/two.yml": ONE,
        "b/one.yaml": "# gradcheck\n" + ONE,
        "b/flow.yaml": "{gradcheck: 1}",
        "b/broken.yaml": "x: [\ngradcheck: 1\n",
        "b/broken_other.yaml": "x: [\nuses: gradcheck\n",
        "b/other.yaml": "jobs: {gradcheck: 1}\n",
        "b/data.json": ONE,
        "b/.hidden/three.yaml": ONE,
        "a.yaml": ONE,
        "notes.txt": ONE,
        "empty/other.yaml": "a: 1\n",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    found, faults = find_specs(["."])
    assert found == ["a.yaml", "b/broken.yaml", "b/flow.yaml", "b/one.yaml", "b/two.yml"]
    assert faults == []
    assert find_specs(["notes.txt", "b/two.yml", "b"])[0][:2] == ["notes.txt", "b/two.yml"]
    assert find_specs(["b", "b/two.yml"])[0].count("b/two.yml") == 1
    found, faults = find_specs(["missing.yaml", "empty"])
    assert found == []
    assert [str(fault) for fault in faults] == [
        "missing.yaml:1:1: there is no such file or directory",
        'empty:1:1: no spec below this directory: no .yaml or .yml file has the top-level key "gradcheck"',
    ]


def test_every_key_of_the_format_is_described_in_its_schema():
    schema = json_schema()
    assert set(schema["properties"]) == set(File.model_fields)
    assert "null" not in str(schema)
    for form in (schema, *schema["$defs"].values()):
        assert all("description" in key for key in form["properties"].values())
