"""A way of calling a layer, and the search for shapes with which it can be called.

A plan is written down in a spec and carried out here: both from the same knowledge. Which of several plans
is right is seen by trying: its gradients must have the shapes of their inputs, and one random direction
tells whether they are the derivative.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from gradcheck_cli.explore.init.guesses import TRIED, Guess
from gradcheck_cli.explore.init.patience import in_time
from gradcheck_cli.explore.init.sizes import array, give_sizes

MAX_TRIALS: Final = 400
MAX_SECONDS: Final = 10.0
_STEP: Final = 1e-6
_CLOSE: Final = 1e-4
_SETTLED: Final = r"b\d*|bias(es)?|b_\w|gamma|beta|gain|shift|x|xs|x_in|inp|inputs?|input_data|data"

Arrays = dict[str, Any]
Pull = Callable[[list[Any]], Mapping[str, Any]]
Call = Callable[[Arrays], tuple[list[Any], Pull]]


@dataclass(frozen=True)
class Plan:
    """One way to call a layer: as lines below ``function:``, and as a Python function of named arrays."""

    lines: tuple[str, ...]
    call: Call
    how: str
    outputs: tuple[str, ...] = ()
    fixed: frozenset[str] = frozenset()  # inputs that get no gradient, though they could have one
    more: Mapping[str, Guess] = field(default_factory=dict)  # inputs beside the parameters: weights
    values: Mapping[str, Any] = field(default_factory=dict)  # of these
    claims: tuple[str, ...] = ()  # lines of a vjp for the user to fill in


@dataclass(frozen=True)
class Draft:
    """What init found out: a plan with inputs, or why there is none."""

    name: str
    inputs: Mapping[str, Guess]
    sizes: Mapping[str, int]
    plan: Plan
    problem: str = ""  # why no shape was found
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trial:
    """One assignment of shapes with which forward ran, and how each plan did."""

    inputs: Mapping[str, Guess]
    sizes: Mapping[str, int]
    scored: Sequence[tuple[float, Plan]]

    @property
    def fits(self) -> bool:
        """Whether some plan's gradients have the right shapes."""
        return any(score >= 1 for score, _ in self.scored)

    @property
    def runs(self) -> bool:
        """Whether some plan runs, though its gradients have other shapes than their inputs."""
        return any(score == 0.5 for score, _ in self.scored)


def assignments(options: Mapping[str, Sequence[Guess]]) -> Iterator[dict[str, Guess]]:
    """Yield combinations of guesses, the likeliest first."""
    yield from _recurrent(options)
    names, lists = list(options), list(options.values())
    most = sum(len(one) - 1 for one in lists)
    for total in range(most + 1):
        for places in _places([len(one) for one in lists], total):
            yield {name: one[place] for name, one, place in zip(names, lists, places, strict=True)}


def _recurrent(options: Mapping[str, Sequence[Guess]]) -> Iterator[dict[str, Guess]]:
    """Where there is a hidden state, its gates set the sizes of all weights: try four, one and three."""
    if not any("H" in guesses[0].axes[-1:] and len(guesses[0].axes) == 2 for guesses in options.values()):
        return
    for gates in ("4*H", "H", "3*H"):
        yield {
            name: next((one for one in guesses if one.how == TRIED and gates in one.axes[-1:]), guesses[0])
            for name, guesses in options.items()
        }


def _places(lengths: Sequence[int], total: int) -> Iterator[tuple[int, ...]]:
    """Indices that sum up to ``total``, the later inputs moved first."""
    if not lengths:
        if total == 0:
            yield ()
        return
    for first in range(min(total, lengths[0] - 1) + 1):
        for rest in _places(lengths[1:], total - first):
            yield (first, *rest)


Planner = Callable[[Arrays, Mapping[str, int]], Sequence[Plan]]


def search(
    options: Mapping[str, Sequence[Guess]], planner: Planner, fixed: Mapping[str, int]
) -> tuple[Trial | None, str]:
    """Try shapes until forward runs and backward's gradients fit; also the first error if none does.

    ``planner`` calls forward once and returns the plans worth trying; it raises where forward does.
    Numbers do not decide between shapes: a wrong backward is right at some odd ones.
    """
    first: Trial | None = None
    error, end = "", time.monotonic() + MAX_SECONDS
    for guesses in itertools.islice(assignments(options), MAX_TRIALS):
        if time.monotonic() > end:
            break
        if first is not None and first.runs and not _is_like(first.inputs, guesses):
            continue
        sizes = give_sizes(guesses.values(), fixed)
        arrays = {name: array(name, guess, sizes) for name, guess in guesses.items()}
        try:
            with in_time():
                plans = planner(copied(arrays), sizes)
            assert plans, "what it returned is neither an array nor (output, memory)"
        except KeyboardInterrupt:
            raise
        except BaseException as problem:  # noqa: BLE001  # the user's code may raise anything
            error = error or f"{type(problem).__name__}: {' '.join(str(problem).split())}"
            continue
        trial = Trial(guesses, sizes, [(score(plan, arrays), plan) for plan in plans])
        if trial.fits:
            return trial, ""
        first = first or trial
    return first, error


def _is_like(first: Mapping[str, Guess], other: Mapping[str, Guess]) -> bool:
    """Whether data and biases keep their axes but for those of length 1.

    A bias gradient that is not summed would fit a bias as large as the output.
    """
    return all(
        _core(first[name]) == _core(other[name])
        for name in first
        if re.fullmatch(_SETTLED, name, re.IGNORECASE) or first[name].how != TRIED
    )


def _core(guess: Guess) -> list[str]:
    return [axis for axis in guess.axes if axis != "1"]


def copied(arrays: Mapping[str, Any]) -> Arrays:
    """Copy what a layer may write into."""
    return {name: np.array(value) for name, value in arrays.items()}


def score(plan: Plan, arrays: Arrays) -> float:
    """0 where a plan does not run, ½ where its gradients do not fit; else 1, and the share of right ones."""
    try:
        with in_time():
            return _score(plan, {**arrays, **plan.values})
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  # the user's code may raise anything
        return 0


def _score(plan: Plan, arrays: Arrays) -> float:
    outputs, pull = _run(plan, arrays)
    cotangents = [_cotangent(value, place) for place, value in enumerate(outputs)]
    gradients = {
        name: None if value is None else np.array(value, float)
        for name, value in pull([np.array(one) for one in cotangents]).items()
    }
    wanted = [name for name, value in arrays.items() if value.dtype.kind == "f" and name not in plan.fixed]
    if any(gradients.get(name) is not None for name in plan.fixed):
        return 0  # it is given one after all: then its shape counts
    if any(_misfits(gradients, name, arrays[name]) for name in wanted):
        return 0.5 if gradients else 0
    if all(gradients[name] is None for name in wanted):
        return 0
    right = [_is_right(plan, arrays, name, gradients[name], cotangents) for name in wanted]
    return 1 + sum(right) / len(right) if right else 0


def _misfits(gradients: Mapping[str, Any], name: str, value: Any) -> bool:
    if name not in gradients:
        return True
    return gradients[name] is not None and gradients[name].shape != value.shape


def _run(plan: Plan, arrays: Arrays) -> tuple[list[Any], Pull]:
    np.random.seed(0)  # noqa: NPY002  # the user's code may use it
    outputs, pull = plan.call(copied(arrays))
    values = [np.array(one) for one in outputs]
    if not values or not all(one.dtype.kind in "fiub" for one in values):
        raise TypeError("outputs are arrays of numbers")
    if not any(one.dtype.kind == "f" and one.size for one in values):
        raise TypeError("some output must be floating")
    return values, pull


def _cotangent(value: Any, place: int) -> Any:
    return np.array(np.random.default_rng(100 + place).normal(size=value.shape))


def _is_right(plan: Plan, arrays: Arrays, name: str, gradient: Any, cotangents: Sequence[Any]) -> bool:
    """Compare one random directional derivative with a central difference."""
    tangent = np.random.default_rng(7).normal(size=arrays[name].shape)
    ends = []
    for sign in (1, -1):
        outputs, _ = _run(plan, {**arrays, name: arrays[name] + sign * _STEP * tangent})
        ends.append(
            sum(np.sum(np.multiply(one, value)) for one, value in zip(cotangents, outputs, strict=True))
        )
    numeric = (ends[0] - ends[1]) / (2 * _STEP)
    analytic = 0.0 if gradient is None else np.sum(gradient * tangent)
    return bool(abs(numeric - analytic) <= _CLOSE * max(1.0, abs(numeric), abs(analytic)))


def best(trial: Trial) -> Plan:
    """Return the plan that did best, the earlier one of equals."""
    return max(trial.scored, key=lambda one: one[0])[1]


def make_draft(name: str, trial: Trial, plan: Plan) -> Draft:
    """Put a trial's inputs and one of its plans together."""
    inputs = {**trial.inputs, **plan.more}
    used = [replace(one) for one in inputs.values()]
    return Draft(name, inputs, give_sizes(used, dict(trial.sizes)), plan)
