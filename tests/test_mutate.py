"""``gradcheck mutate``: corruptions are planted, caught or missed, and what is missed has its reason."""

from __future__ import annotations

import json
import math
import textwrap
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gradcheck_cli.check import run_check
from gradcheck_cli.cli import main
from gradcheck_cli.explore.mutate import check_and_mutate, trials
from gradcheck_cli.mutations import Mutation, MutationReport, MutationResult, Outcome, with_mutations
from gradcheck_cli.prepare import Job, Settings, prepare
from gradcheck_cli.result import ExitCode, Verdict

SCALE = """\
    name: scale
    inputs: {x: [2, 3], w: [3]}
    function: y = x * w
    wrt: [w]
    vjp: {w: "sum(dy * x, axis=0)"}
"""
LAYER = """\
import numpy as np

class Scale:
    def forward(self, x, w):
        self.x = x
        return x * w

    def backward(self, dy):
        return np.sum(dy * self.x, axis=0)
"""


def call(*arguments: str, width: int = 80) -> Result:
    return CliRunner(env={"COLUMNS": str(width)}).invoke(main, ["mutate", *arguments])


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "spec.yaml"


def write(spec: Path, text: str) -> None:
    spec.write_text("gradcheck: 1\n" + textwrap.dedent(text), encoding="utf-8")


def job_of(spec: Path, text: str) -> Job:
    write(spec, text)
    (job,), faults = prepare([str(spec)], Settings(), lambda _check, _subject: [])
    assert not faults
    return job


def mutated(spec: Path, text: str) -> MutationResult:
    job = job_of(spec, text)
    return check_and_mutate(job.check, job.subject)


def tried(spec: Path, text: str, *names: str) -> list[Mutation]:
    """Try the corruptions of these names alone."""
    job = job_of(spec, text)
    result = run_check(job.check, job.subject)
    assert result.verdict is Verdict.PASS
    return [
        trial.tried(site, corruption)
        for trial in trials(job.check, job.subject, result, math.inf)
        for site, corruption in trial.planned()
        if corruption.name in names
    ]


def named(result: MutationResult, name: str) -> Mutation:
    (one,) = [one for one in result.mutations if one.name == name]
    return one


def test_a_good_spec_catches_all_of_them(spec: Path) -> None:
    result = mutated(spec, SCALE)
    assert {one.outcome for one in result.mutations if one.counts} == {Outcome.CAUGHT}
    assert {one.code for one in result.mutations} >= {"zero", "scaled", "missing-term", "region", "domain"}
    assert named(result, "sign flipped").is_named
    assert not any(one.code in {"stale-state", "mutates-input"} for one in result.mutations)  # a formula's


def test_what_no_point_holds_is_missed_and_the_remedy_is_a_point(spec: Path) -> None:
    result = mutated(spec, SCALE + "    points: [generic]\n")
    missed = result.of(Outcome.MISSED)
    assert {one.code for one in missed} == {"domain"}
    assert {one.note for one in missed} == {
        "no point of this check holds such values: add edge to its points"
    }
    beyond = SCALE.replace("w: [3]", "w: {shape: [3], sample: {uniform: [1, 2]}}")
    (one,) = tried(spec, beyond, "wrong where w is exactly 0")
    assert one.outcome is Outcome.UNCHANGED


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("rtol: 0.05", "so small an error is within the check's tolerance: state a smaller rtol than 0.05"),
        ("atol: 0.5", "the check tolerates errors of 0.5 (atol), whatever the size: lower it"),
    ],
)
def test_what_is_tolerated_is_missed(spec: Path, key: str, reason: str) -> None:
    zero, small = tried(spec, SCALE + f"    tolerance: {{{key}}}\n", "zero", "times 1.01")
    assert (small.outcome, small.note) == (Outcome.MISSED, reason)
    assert zero.outcome is Outcome.CAUGHT


def test_what_changes_nothing_is_not_missed(spec: Path) -> None:
    """The symmetric part of a gradient has no transpose, that of a sum no order."""
    text = """\
    inputs: {a: {shape: [2, 2], sample: spd}, x: [3]}
    function: y = sum(a) + sum(x)
    """
    found = tried(spec, text, "transposed", "reversed along axis 0", "zero")
    assert {(one.about, one.name, one.outcome) for one in found} == {
        ("a", "transposed", Outcome.UNCHANGED),
        ("a", "reversed along axis 0", Outcome.UNCHANGED),
        ("x", "reversed along axis 0", Outcome.UNCHANGED),
        ("a", "zero", Outcome.CAUGHT),
        ("x", "zero", Outcome.CAUGHT),
        ("y", "zero", Outcome.CAUGHT),  # its tangent, in forward mode
    }


def test_repeated_indices_that_are_not_added_up_are_caught(spec: Path) -> None:
    text = """\
    inputs: {t: [4, 2], i: {shape: [3], dtype: int64, sample: {integers: [0, 4]}}}
    function: y = t[i]
    """
    reverse, *_ = tried(spec, text, "not added up where i repeats")
    assert (reverse.code, reverse.outcome) == ("overwritten", Outcome.CAUGHT)


def test_every_kind_of_claim_is_corrupted(spec: Path) -> None:
    text = """\
    inputs: {x: {shape: [2], dtype: float32}, w: {shape: [2], dtype: float32}}
    function: y = x * w
    vjp: {x: dy * w, w: dy * x}
    jvp: {y: x_dot * w + x * w_dot}
    jacobian: {y/x: "eye(2) * w"}
    """
    *flipped, exchanged = sorted(
        tried(spec, text, "sign flipped", "exchanged with that of w"), key=lambda one: one.name, reverse=True
    )
    assert [(one.claim, one.about) for one in flipped] == [
        ("vjp", "x"),
        ("vjp", "w"),
        ("jvp", "y"),
        ("jacobian", "x"),
    ]
    assert {one.outcome for one in flipped} == {Outcome.CAUGHT}
    assert exchanged.outcome is Outcome.CAUGHT


def test_the_second_order_is_corrupted_too(spec: Path) -> None:
    found = tried(spec, "inputs: {x: [2]}\nfunction: y = sum(x**3)\norder: 2\n", "zero")
    assert {one.about for one in found} == {"x", "y", "dy", "dx"}
    assert {one.outcome for one in found} == {Outcome.CAUGHT}


def test_no_corruption_is_tried_after_the_time_is_up(spec: Path) -> None:
    job = job_of(spec, SCALE)
    result = run_check(job.check, job.subject)
    (trial,) = trials(job.check, job.subject, result, time.monotonic())
    late = [trial.tried(site, corruption) for site, corruption in trial.planned()]
    assert {one.outcome for one in late} == {Outcome.UNTRIED}
    assert MutationReport(checks=(with_mutations(result, late),)).exit_code is ExitCode.UNDECIDED


def test_code_is_corrupted_in_its_own_ways_and_in_a_process_of_its_own(spec: Path) -> None:
    spec.with_name("scale.py").write_text(LAYER, encoding="utf-8")
    text = """\
    inputs: {x: {shape: [2, 3], differentiable: false}, w: [3]}
    function:
      python: scale.py
      forward: |
        layer = Scale()
        y = layer.forward(x, w)
      backward: dw = layer.backward(dy)
    """
    write(spec, text)
    result = call("--format", "json", "spec.yaml")
    (check,) = json.loads(result.output)["checks"]
    outcomes = {one["name"]: (one["code"], one["outcome"]) for one in check["mutations"]}
    assert outcomes["the cotangent doubled in place"] == ("mutates-cotangent", "caught")
    assert outcomes["the cotangent read in memory order"] == ("layout-dependent", "caught")
    assert outcomes["the inputs doubled in place"] == ("mutates-input", "caught")
    assert outcomes["that of the call before"] == ("stale-state", "caught")
    assert outcomes["added to that of the call before"] == ("stale-state", "caught")
    assert outcomes["random by 0.1 % at every call"] == ("nondeterministic", "caught")
    assert check["missed"] == 0
    assert result.exit_code == 0
    assert spec.with_name("scale.py").read_text(encoding="utf-8") == LAYER


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (SCALE.replace("dy * x", "dy"), 3, "nothing was corrupted, since the check itself does not pass"),
        (SCALE.replace("dy * x", "dy") + "    expect: fail\n", 0, "skip  scale  spec.yaml:1"),
        (SCALE + "    expect: fail\n", 3, "nothing was corrupted, since the check itself does not pass"),
        (SCALE.replace("dy * x", "dz * x"), 2, "no checks"),
        (SCALE + "    points: [generic]\n", 1, "MISSED  scale  spec.yaml:1"),
    ],
    ids=["wrong", "wrong as expected", "right unexpectedly", "fault", "missed"],
)
def test_exit_codes(spec: Path, text: str, code: int, line: str) -> None:
    write(spec, text)
    result = call("spec.yaml")
    assert result.exit_code == code
    assert line in result.output


def test_the_screen(spec: Path) -> None:
    write(spec, SCALE + "    points: [generic]\n")
    assert call("spec.yaml", width=80).output.partition(", the likeliest")[0] == SCREEN
    narrow = call("spec.yaml", "-v", width=60).output.splitlines()
    assert max(map(len, narrow)) <= 60
    assert any(line.split() == ["sign", "flipped", "caught", "sign-flipped"] for line in narrow)


SCREEN = """\
MISSED  scale  spec.yaml:1
  22 of 25 corruptions caught; 3 missed
  MISSED  vjp w: wrong where w is exactly 0 (domain)
  MISSED  vjp w: wrong where values of w tie (domain)
  MISSED  vjp w: not finite where w is exactly 0 (domain)
          no point of this check holds such values: add edge to its points
  caught  sign-flipped 1/1, zero 1/1, scaled 3/3, permuted 2/2, missing-term
          2/2, region 4/4, not-summed 1/1, wrong-dtype 1/1, single-entry 3/3,
          ignores-cotangent 1/1, nonlinear-cotangent 3/3, domain 0/3

1 check: 22 of 25 corruptions caught, 3 missed"""
