"""Formulas that are refused: the whole text of each fault, with line and column.

``refused.txt`` holds a formula, marked by ``|``, above its faults; a new case is a new block.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from formula_checks import BUDGET, check, faults_of, primals, value_of
from hypothesis import example, given, settings
from hypothesis import strategies as st
from test_formulas import ACCEPTED

from gradcheck_cli.autodiff.primitives import PRIMITIVES
from gradcheck_cli.functions.claims import compile_check
from gradcheck_cli.functions.parser import MAX_CHARACTERS

BLOCKS = (Path(__file__).parent / "refused.txt").read_text(encoding="utf-8").rstrip().split("\n\n")
TOO_LONG = "the formula is too long or nested too deeply; split it into several lines"
SECONDS = 3.0  # far above what compiling takes, far below what a blow-up would


def refused() -> list:
    found = []
    for block in BLOCKS:
        lines = block.split("\n")
        formula = "\n".join(line[2:] for line in lines if line.startswith("| "))
        found.append(pytest.param(formula, [line for line in lines if line[:2] != "| "], id=formula))
    return found


@pytest.mark.parametrize(("formula", "faults"), refused())
def test_a_wrong_formula_is_refused_with(formula, faults):
    assert faults_of(formula) == faults


@pytest.mark.parametrize(
    ("formula", "fault"),
    [
        pytest.param("", "1:1: the formula is empty", id="empty"),
        pytest.param(" \n\t\n", "1:1: the formula is empty", id="blank"),
        pytest.param("y = x\0", "1:1: the formula holds a null character", id="null"),
        pytest.param(
            "y = '\ud800'",
            "1:1: the formula holds half of a surrogate pair, which is no character",
            id="surrogate",
        ),
        pytest.param("# a\u2028b\ny = q", "2:5: unknown name 'q'", id="line separator"),
        pytest.param("y = x\x0c\nz = q", "2:5: unknown name 'q'", id="form feed"),
        pytest.param("h = x\r\ny = q", "2:5: unknown name 'q'", id="CRLF"),
        pytest.param("y = " + "(" * 60 + "x" + ")" * 60 + " + q", "1:129: unknown name 'q'", id="brackets"),
    ],
)
def test_odd_characters_keep_positions(formula, fault):
    assert faults_of(formula) == [fault]


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        pytest.param("x" + " + x" * 200, TOO_LONG, id="a long sum"),
        pytest.param("-" * 90_000 + "x", "this is no formula: it is nested too deeply", id="minus signs"),
        pytest.param("x" + ".T" * 45_000, "this is no formula: it is nested too deeply", id="attributes"),
        pytest.param(
            "(" * 500 + "x" + ")" * 500, "this is no formula: too many nested parentheses", id="brackets"
        ),
        pytest.param("h = x * x\n" * 9_000 + "x", TOO_LONG, id="many lines"),
        pytest.param(
            "#" * (MAX_CHARACTERS + 1),
            f"the formula has {MAX_CHARACTERS + 1} characters; at most {MAX_CHARACTERS} are read",
            id="many characters",
        ),
        pytest.param(
            "x * 0x" + "f" * 10_000,
            "a whole number may be at most 9223372036854775807; write a larger one as 1e20",
            id="a huge number",
        ),
        pytest.param("x * " + "9" * 5_000, "this is no formula: Exceeds the limit", id="many digits"),
        pytest.param("a = (1, 1)\n" + "a = a + a\n" * 60 + "x", "'a + a' has 131072 entries", id="doubling"),
        pytest.param(
            "a = (1, 1, 1, 1)\n" + "a = (a, a, a, a)\n" * 20 + "x + a",
            "a has more than 100000 entries",
            id="nesting",
        ),
        pytest.param("a = 1\n" + "a = (a,)\n" * 2_500 + "x + a", "a is no array", id="depth by lines"),
        pytest.param("arange(1e300) + x", "takes", id="a long range"),
        pytest.param("eye(10**9) @ x", "takes 6.94 EiB", id="a large matrix"),
        pytest.param("x[[0] * 10**9]", "this operator works on numbers and arrays", id="a repeated list"),
        pytest.param("h = ones(10**5)\nh[:, None] * h", "takes 74.5 GiB", id="a large product"),
        pytest.param("einsum('" + "i" * 60 + "->i', x)", "has 2", id="many labels"),
    ],
)  # fmt: skip
def test_what_would_take_forever_is_refused_at_once(formula, message):
    started = time.perf_counter()
    fault, *_ = faults_of(formula)
    assert message in fault
    assert len(fault) < 500
    assert time.perf_counter() - started < SECONDS


def test_an_input_beyond_the_budget_is_a_fault():
    assert faults_of("x", shapes={"x": (10**6, 10**6)}) == [
        "1:1: an array of shape (1000000, 1000000) takes 7.28 TiB, the memory budget is 1 MiB"
    ]


TOKENS = [
    "x", "w", "b", "k", "m", "y", "h", "N", "D", "pi", "inf", "None", "True", "...", "0", "1", "-1", "2.5",
    "1e400", "10**18", "'ij,jk->ik'", "'a'", "'float32'", "''", "+", "-", "*", "/", "//", "%", "**", "@", "&",
    "|", "~", "<", "==", "=", "(", ")", "[", "]", ",", ":", "::", ".", ".T", ".shape", ".sum(", ".reshape(",
    "axis=", "keepdims=", "dtype=", "k=", "axes=", "\n", ";", "#", "σ", "\t", "not ", " if ", "lambda:",
    *(f"{name}(" for name in PRIMITIVES),
]  # fmt: skip
ARGUMENTS = st.sampled_from(
    ["x", "w", "b", "k", "m", "N", "0", "-1", "2", "1.5", "inf", "-inf", "1e30", "None", "True", "...",
     "'ij'", "'float32'", "(0, 1)", "(-1,)", "()", "[]", "[x, x]", "[x, b]", "[2, 0.5]", "(1, 'a')",
     "((1,), (0,))", "9223372036854775807", "-9223372036854775807", "x[:, :0]", "x[0, 0]", "argmax(x)"]
)  # fmt: skip
NAMES = sorted({"axis", "axes", "unknown"}.union(*(one.parameters.parameters for one in PRIMITIVES.values())))
CALLS = st.builds(
    lambda name, arguments, named: (
        f"{name}({', '.join([*arguments, *(f'{k}={v}' for k, v in named.items())])})"
    ),
    st.sampled_from(sorted(PRIMITIVES)),
    st.lists(ARGUMENTS, max_size=4),
    st.dictionaries(st.sampled_from(NAMES), ARGUMENTS, max_size=2),
)
INDEX = st.sampled_from(
    ["0", "-1", "9", ":", "::-1", "1:", ":N", "...", "None", "k", "b", "m", "[0, 1]", "[[0], [1]]", "[9]",
     "[]", "True", "1.5", "argmax(b)", "9**18", "(0, 1)", "'a'", "k[0]:", "arange(N)"]
)  # fmt: skip
INDEXED = st.builds(
    lambda name, parts: f"{name}[{', '.join(parts)}]",
    st.sampled_from(["x", "w", "b", "k", "eye(3)", "x.shape", "(1, 2)", "N"]),
    st.lists(INDEX, min_size=1, max_size=4),
)


@st.composite
def mutations(draw):
    """A valid formula in which a stretch was cut out or put in."""
    formula = draw(st.sampled_from(sorted(ACCEPTED)))
    start = draw(st.integers(0, len(formula)))
    stop = draw(st.integers(start, min(start + 4, len(formula))))
    return formula[:start] + draw(st.sampled_from(["", *TOKENS])) + formula[stop:]


def compiles_or_faults(formula: str, *claims: str) -> None:
    """Nothing is raised; faults lie within the text, and an accepted formula has the type foreseen."""
    started = time.perf_counter()
    given = dict(
        zip(("vjp", "jvp", "jacobian"), zip(("x", "y", ("y", "w")), claims, strict=False), strict=False)
    )
    options = {kind: dict([pair]) for kind, pair in given.items()}
    subject, faults = compile_check(check(formula, **options), max_memory=BUDGET)
    assert (subject is None) == bool(faults)
    lines = [line for text in (formula, *claims) for line in text.split("\n")]
    for fault in faults:
        assert 1 <= fault.line <= len(lines) + formula.count("\r")
        assert 1 <= fault.column <= max(map(len, lines)) + 2
    if subject is not None:
        evaluates(subject)
    assert time.perf_counter() - started < SECONDS


def evaluates(subject) -> None:
    """Run an accepted formula, and its engine VJP; only what depends on values may still raise."""
    given = primals(subject)
    (output,) = subject.function.outputs
    type_ = subject.function.outputs[output]
    try:
        y = value_of(subject, given, output)
        assert (y.shape, y.dtype) == (type_.shape, type_.dtype)
        gradients = subject.engine[0].linearize(given)({output: np.ones(type_.shape, type_.dtype)})
    except (IndexError, ValueError) as error:
        if "out of bounds" not in str(error) and "negative integer powers" not in str(error):
            raise
    else:
        assert {name: a.shape for name, a in gradients.items()} == {
            name: given[name].shape for name in gradients
        }


@settings(max_examples=400, deadline=None)
@given(st.lists(st.sampled_from(TOKENS), max_size=14).map(" ".join))
def test_random_tokens_raise_nothing(formula):
    compiles_or_faults(formula)


@settings(max_examples=400, deadline=None)
@given(mutations())
def test_mutated_formulas_raise_nothing(formula):
    compiles_or_faults(formula)


@settings(max_examples=800, deadline=None)
@given(CALLS, st.sampled_from(["{}", "x + {}", "sum({})", "x * sum({})"]))
@example("arange(9223372036854775807, -9223372036854775807)", "{}")
def test_random_calls_raise_nothing(call, around):
    compiles_or_faults(f"y = {around.format(call)}")


@settings(max_examples=300, deadline=None)
@given(INDEXED, st.sampled_from(["{}", "x + {}", "x.sum() * {}"]))
def test_random_indices_raise_nothing(indexed, around):
    compiles_or_faults(f"y = {around.format(indexed)}")


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(codec=None), max_size=40))
def test_random_text_raises_nothing(formula):
    compiles_or_faults(formula)


@settings(max_examples=200, deadline=None)
@given(mutations(), CALLS)
def test_random_claims_raise_nothing(mutated, call):
    compiles_or_faults("y = x @ w", mutated, call, call)
