"""Planted mistakes: each is really there, beside the same function with the right derivative."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from gradcheck_cli.result import RunReport, Verdict
from gradcheck_cli.spec.load import load_specs
from gradcheck_cli.spec.types import CheckSpec, Code, Text

BROKEN = Path(__file__).parent.parent / "specs" / "broken"
RIGHT = "right: "
CODES = [
    "sign-flipped",
    "scaled",
    "transposed",
    "conjugated",
    "permuted",
    "zero",
    "not-summed",
    "wrong-shape",
    "wrong-dtype",
    "swapped-inputs",
    "missing-term",
    "overwritten",
    "region",
    "single-entry",
    "ignores-cotangent",
    "nonlinear-cotangent",
    "mutates-input",
    "mutates-cotangent",
    "layout-dependent",
    "stale-state",
    "nondeterministic",
    "domain",
]  # and unknown, where no name fits
FREQUENT = [
    "missing-term",
    "scaled",
    "transposed",
    "permuted",
    "region",
    "swapped-inputs",
    "overwritten",
    "zero",
    "sign-flipped",
    "not-summed",
]


def load(file: Path) -> list[CheckSpec]:
    checks, faults = load_specs(str(file), max_memory=2**30)
    assert not faults, [str(fault) for fault in faults]
    return list(checks)


CHECKS = [check for file in sorted(BROKEN.rglob("*.yaml")) for check in load(file)]
PLANTED = [check for check in CHECKS if not check.name.startswith(RIGHT)]
TWINS = {(check.spec, check.name.removeprefix(RIGHT)): check for check in CHECKS if check not in PLANTED}


@pytest.fixture(scope="module")
def report(shipped: RunReport) -> RunReport:
    checks = tuple(check for check in shipped.checks if BROKEN in Path(check.spec).parents)
    assert len(checks) >= len(PLANTED) / 2
    return RunReport(checks=checks)


def test_every_planted_mistake_fails(report: RunReport) -> None:
    wrong = [check for check in report.checks if not check.name.startswith(RIGHT)]
    assert [check.name for check in wrong if check.verdict is not Verdict.FAIL] == []


def test_what_is_right_passes_without_a_warning(report: RunReport) -> None:
    right = [check for check in report.checks if check.name.startswith(RIGHT)]
    assert [check.name for check in right if check.verdict is not Verdict.PASS or check.warnings] == []


def test_each_says_what_it_should_be_called() -> None:
    assert [check.name for check in PLANTED if check.expect != "fail" or check.expect_code is None] == []
    counts = Counter(check.expect_code for check in PLANTED)
    assert set(counts) - {"unknown"} == set(CODES)
    assert min(counts[code] for code in CODES) >= 2
    assert min(counts[code] for code in FREQUENT) >= 4


def test_about_half_of_them_are_in_code() -> None:
    code = [check for check in PLANTED if isinstance(check.function, Code)]
    assert len(PLANTED) >= 60
    assert 1 / 3 < len(code) / len(PLANTED) < 2 / 3
    assert {check.function.framework for check in code if isinstance(check.function, Code)} >= {
        "torch",
        "jax",
    }


@pytest.mark.parametrize("check", PLANTED, ids=lambda check: check.name)
def test_each_stands_beside_the_right_derivative_of_the_same_function(check: CheckSpec) -> None:
    layer, _, mistake = check.name.partition(": ")
    twin = TWINS[check.spec, layer]
    assert mistake
    assert twin.expect == "pass"
    assert [each.name for each in twin.inputs] == [each.name for each in check.inputs]
    if isinstance(check.function, Text):
        assert isinstance(twin.function, Text)
        assert check.function.text == twin.function.text
