"""Our own part of the benchmark of judgement: no wrong backward passes, no right one fails."""

from __future__ import annotations

import importlib.util
from collections import Counter
from typing import get_args

import pytest
from judgement_cases import ALL
from judgement_cases.case import Case
from judgement_cases.evidence import EVIDENCE, shown
from judgement_cases.ours import gradcheck_cli
from judgement_cases.outcome import Answer, Outcome
from judgement_cases.peers import PEERS, ask

from gradcheck_cli.spec.model import DiagnosisCode

CODES = get_args(DiagnosisCode)
WRONG = [case for case in ALL if not case.right]
UNDECIDED = 0.02  # of all cases, at most
ELSEWHERE, UNKNOWN = 0.1, 0.05  # of the wrong ones: another diagnosis is likelier, or none is found


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return gradcheck_cli(ALL)


def names(outcomes: list[Outcome]) -> str:
    return "\n".join(f"{one.case.area}: {one.case.name}: {one.reason}" for one in outcomes)


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case.name)
def test_the_planted_mistake_is_really_there(case: Case) -> None:
    assert shown(case)


def test_every_kind_of_mistake_is_planted_twice() -> None:
    planted = Counter(case.code for case in WRONG)
    assert planted.keys() <= set(CODES)
    assert not [code for code in CODES if planted[code] < 2]


def test_no_two_cases_share_a_name() -> None:
    assert len({case.name for case in ALL}) == len(ALL)


def test_no_wrong_backward_passes(outcomes: list[Outcome]) -> None:
    missed = [outcome for outcome in outcomes if outcome.missed]
    assert not missed, names(missed)


def test_no_right_backward_fails(outcomes: list[Outcome]) -> None:
    alarms = [outcome for outcome in outcomes if outcome.false_alarm]
    assert not alarms, names(alarms)


def test_few_cases_are_left_undecided(outcomes: list[Outcome]) -> None:
    undecided = [outcome for outcome in outcomes if outcome.undecided]
    assert len(undecided) <= UNDECIDED * len(ALL), names(undecided)


def test_a_broken_contract_is_named(outcomes: list[Outcome]) -> None:
    broken = [outcome for outcome in outcomes if outcome.case.code in EVIDENCE]
    unnamed = [outcome for outcome in broken if outcome.case.code not in outcome.codes]
    assert not unnamed, names(unnamed)


def test_the_planted_mistake_is_what_is_diagnosed(outcomes: list[Outcome]) -> None:
    caught = [outcome for outcome in outcomes if not outcome.case.right]
    elsewhere = [outcome for outcome in caught if outcome.codes[:1] != (outcome.case.code,)]
    unnamed = [outcome for outcome in caught if outcome.case.code not in outcome.codes[:3]]
    unknown = [outcome for outcome in caught if outcome.codes[:1] == ("unknown",)]
    assert not unnamed, names(unnamed)
    assert len(elsewhere) <= ELSEWHERE * len(caught), names(elsewhere)
    assert len(unknown) <= UNKNOWN * len(caught), names(unknown)


@pytest.mark.parametrize("name", PEERS)
def test_a_peer_tells_a_plain_mistake_from_a_right_gradient(name: str) -> None:
    wrong = next(case for case in WRONG if case.code == "sign-flipped")
    right = next(case for case in ALL if case.right and case.name == "root-mean-square norm")
    answers = ask(name, [wrong, right])
    if answers is None:
        assert importlib.util.find_spec(PEERS[name][0]) is None
        pytest.skip("not installed")
    assert [outcome.answer for outcome in answers] == [Answer.WRONG, Answer.RIGHT]
