"""The right cases of the benchmark of judgement are right: two oracles say so, and the oracles can say no."""

from __future__ import annotations

import dataclasses

import pytest
from judgement_cases import ALL
from judgement_cases.case import Case
from judgement_cases.points import points
from judgement_oracles import agrees, lies_between

RIGHT = [case for case in ALL if case.right]
SMOOTH = [case for case in RIGHT if not case.why and case.area != "complex"]  # those differ in two ways
KINKED = [case for case in RIGHT if case.why]


def over(cases: list[Case]) -> pytest.MarkDecorator:
    """Run a test over cases, each under its name."""
    return pytest.mark.parametrize("case", cases, ids=[case.name for case in cases])


def test_there_are_seventy_right_cases() -> None:
    assert len(RIGHT) >= 70


@over(SMOOTH)
def test_a_right_backward_agrees_with_the_complex_step(case: Case) -> None:
    assert agrees(case, points(case)[0])


@over(KINKED)
def test_a_right_backward_at_a_kink_lies_in_clarke_s_gradient(case: Case) -> None:
    assert all(lies_between(case, point) for point in points(case))


@over([case for case in SMOOTH if case.style == "stateless" and case.area in {"elementwise", "curvature"}])
def test_the_complex_step_finds_a_factor_of_two(case: Case) -> None:
    def doubled(dy, *inputs, **kwargs):
        return 2 * case.backward(dy, *inputs, **kwargs)

    assert not agrees(dataclasses.replace(case, backward=doubled), points(case)[0])


@pytest.mark.parametrize("slope", [-0.1, 1.1, 2.0])
def test_no_other_slope_is_right_at_a_kink(slope: float) -> None:
    (right,) = (case for case in KINKED if case.name == "relu at zero with subgradient 0.5")
    wrong = dataclasses.replace(right, kwargs={"at_zero": slope})
    assert not any(lies_between(wrong, point) for point in points(right))
