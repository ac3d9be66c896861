"""Reports made by hand, one for each way in which a check can come out."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import inf, nan, prod

from gradcheck_cli.result import (
    CheckResult,
    Contract,
    Entry,
    Fault,
    PairResult,
    Remark,
    RunReport,
    Values,
    Verdict,
)
from gradcheck_cli.shapes import Shape, Size

N, D, M = Size(1, "N"), Size(2, "D"), Size(3, "M")


def pair(output: str, output_shape: Shape, source: str, input_shape: Shape, **other) -> PairResult:
    size = prod(output_shape) * prod(input_shape)
    settings = {
        "claim": "vjp",
        "verdict": Verdict.PASS,
        "entries": size,
        "mismatched": 0,
        "max_abs_error": 1.2e-12,
        "max_rel_error": 3.45e-12,
        "detectable": 2e-9,
        "bytes_dense": 8 * size,
        "bytes_vjp": 8 * (prod(output_shape) + prod(input_shape)),
    }
    return PairResult(
        output=output, output_shape=output_shape, input=source, input_shape=input_shape, **(settings | other)
    )


def entry(
    output_index, input_index, analytic, numeric, *, bound=1.1e-12, point="generic", verdict=Verdict.FAIL
):
    return Entry(
        point=point,
        output_index=output_index,
        input_index=input_index,
        analytic=analytic,
        numeric=numeric,
        bound=bound,
        verdict=verdict,
    )


def check(name: str, verdict: Verdict = Verdict.PASS, **other) -> CheckResult:
    settings = {
        "spec": "linear.yaml",
        "line": 1,
        "as_expected": verdict is Verdict.PASS,
        "seconds": 0.0123,
        "evaluations": {"forward": 24, "vjp": 6},
    }
    return CheckResult(name=name, verdict=verdict, **(settings | other))


Y_X = pair(
    "y",
    (N, M),
    "x",
    (N, D),
    worst=entry((0, 1), (0, 0), 0.3, 0.3, verdict=Verdict.PASS),
    values=Values(
        point="generic",
        analytic=((0.5, -1.25), (0.3, 0.75), (2.0, 1 / 3)),
        numeric=((0.5, -1.25), (0.3, 0.75), (2.0, 1 / 3)),
    ),
)
Y_B = pair("y", (N, M), "b", (M,), worst=entry((0, 0), (0,), 1.0, 1.0, verdict=Verdict.PASS))
WRONG = (
    entry((0, 2), (1, 0), -1.75, 0.5),
    entry((0, 1), (0, 1), 0.3, 0.9),
    entry((0, 0), (0, 0), 0.1, 0.2, bound=3e-11, point="edge"),
)
Y_W = pair(
    "y",
    (N, M),
    "w",
    (D, M),
    verdict=Verdict.FAIL,
    mismatched=4,
    max_abs_error=2.25,
    max_rel_error=4.5,
    worst=WRONG[0],
    shown=WRONG,
)
TRANSPOSED = Remark(code="transposed", input="w", message="the claim is the transpose of the right gradient")
SQUARE = Remark(code="square-dims", message="N = D = 2: a transposed gradient has the right shape")

PASSING = check("linear layer", pairs=(Y_X, Y_B))
FAILING = check("linear layer", Verdict.FAIL, line=12, pairs=(Y_X, Y_W, Y_B), diagnoses=(TRANSPOSED,))

UNDECIDED = check(
    "exp of large numbers",
    Verdict.INCONCLUSIVE,
    pairs=(
        pair(
            "y",
            (),
            "x",
            (),
            verdict=Verdict.INCONCLUSIVE,
            inconclusive=1,
            max_abs_error=nan,
            max_rel_error=nan,
            detectable=inf,
            shown=(entry((), (), 1.5e300, inf, bound=inf, verdict=Verdict.INCONCLUSIVE),),
            note="the function overflows next to the point",
        ),
    ),
    message="try an input with a smaller sample, for example {uniform: [-1, 1]}",
)
CRASHED = check(
    "my layer",
    Verdict.ERROR,
    spec="layers/custom.yaml",
    line=30,
    message="layers.py:14: ValueError: operands could not be broadcast\nshapes (4, 3) and (5,)",
)
EXPECTED = check(
    "planted bug",
    Verdict.FAIL,
    expect="fail",
    as_expected=True,
    pairs=(Y_W,),
    diagnoses=(TRANSPOSED,),
)
UNEXPECTED_PASS = check("planted bug, mended", expect="fail", as_expected=False, pairs=(Y_X,))
OTHER_BUG = check(
    "planted bug, another one",
    Verdict.FAIL,
    expect="fail",
    pairs=(Y_W,),
    diagnoses=(Remark(code="sign-flipped", input="w", message="the claim has the opposite sign"),),
    message="expected the diagnosis scaled",
)
WRITES_INTO_DY = "backward writes into dy, its caller's array"
CONTRACTS = (
    *(
        Contract(name=name, code="nonlinear-cotangent", claim="backward", verdict=Verdict.PASS)
        for name in ("linear", "zero")
    ),
    Contract(
        name="keeps cotangent",
        code="mutates-cotangent",
        claim="backward",
        verdict=Verdict.FAIL,
        message=WRITES_INTO_DY,
    ),
    Contract(
        name="strided",
        code="layout-dependent",
        claim="backward",
        verdict=Verdict.FAIL,
        message="given a strided cotangent, backward differs from what it says to a copy of it",
        input="x",
        allowed=True,
    ),
)
CONTRACT = check(
    "in-place layer",
    Verdict.FAIL,
    pairs=(Y_X,),
    contracts=CONTRACTS,
    diagnoses=(Remark(code="mutates-cotangent", message=WRITES_INTO_DY),),
    warnings=(Remark(code="layout-dependent", input="x", message=CONTRACTS[-1].message),),
)
KEPT = check(
    "a layer in order",
    pairs=(Y_X,),
    contracts=tuple(
        Contract(name=name, code="unknown", claim=claim, verdict=Verdict.PASS)
        for claim in ("backward", "vjp")
        for name in ("shape", "dtype", "linear", "zero", "second call")
    ),
)
WRONG_SHAPE = check(
    "claim of the wrong shape",
    Verdict.FAIL,
    pairs=(
        pair(
            "y",
            (2,),
            "x",
            (2,),
            verdict=Verdict.FAIL,
            mismatched=4,
            max_abs_error=inf,
            max_rel_error=inf,
            shown=tuple(entry((i,), (j,), nan, float(i == j)) for i, j in product(range(2), range(2))),
        ),
    ),
    diagnoses=(Remark(code="wrong-shape", input="x", message="the claim has shape (1, 2), x has (2,)"),),
)
HOSTILE = check(
    "[red]not red[/red] \x1b[31mnot red\x1b[0m\nnot a line",
    Verdict.FAIL,
    spec="[bold]a.yaml",
    pairs=(
        pair(
            "y[/]",
            (N,),
            "x\x07[red]",
            (D,),
            verdict=Verdict.FAIL,
            mismatched=1,
            max_abs_error=1.0,
            max_rel_error=1.0,
            shown=(entry((0,), (1,), 1.0, 2.0, point="[blue]\x1b]0;title\x07"),),
        ),
    ),
    warnings=(Remark(code="uncovered", message="[link=http://x]b[/link] \u202egnp"),),
    message=":warning: \x1b[2J [/]",
)
WIDE = pair(
    "y",
    (2,),
    "x",
    (2, 4),
    worst=entry((0,), (0, 0), 0.125, 0.125, verdict=Verdict.PASS),
    values=Values(
        point="edge",
        analytic=((1 / 3, -1.0, 0.0, 1e-300, -2 / 3, nan, inf, 1.0), (0.0,) * 8),
        numeric=((1 / 3, -1.0, 0.0, 0.0, -2 / 3, nan, inf, -0.0), (0.0,) * 8),
    ),
)
SCALAR = pair(
    "loss",
    (),
    "t",
    (),
    claim="jvp",
    values=Values(point="generic", analytic=((2.001,),), numeric=((2.0,),)),
)
B, C, H, W = Size(2, "B"), Size(3, "C"), Size(32, "H"), Size(32, "W")
F, K = Size(16, "F"), Size(5, "K")
CONVOLUTION = check(
    "convolution with a name that goes on and on[B=2,C=3,F=16,H=32,K=5,W=32]",
    Verdict.FAIL,
    spec="specs/layers/convolution/two_dimensional_with_padding.yaml",
    line=104,
    pairs=(
        pair(
            "feature_map",
            (B, F, H, W),
            "encoder.convolution.weight",
            (F, C, K, K),
            claim="jacobian",
            mode="structured",
            verdict=Verdict.FAIL,
            mismatched=123456,
            max_abs_error=0.0123456,
            max_rel_error=5.0,
            kinks=3,
            shown=(
                entry((1, 15, 31, 31), (15, 2, 4, 4), -0.012345678, 1.2345678e-05),
                entry((0, 0, 0, 0), (0, 0, 0, 0), 1e-300, 0.0),
            ),
        ),
    ),
    diagnoses=(
        Remark(
            code="region",
            input="encoder.convolution.weight",
            message="wrong only at the edge of the image: rows 0 and 31, columns 0 and 31",
        ),
        Remark(code="unknown", message="no other hypothesis explains the residual"),
    ),
    warnings=(SQUARE,),
)
EMPTY = check(
    "sum of nothing",
    Verdict.FAIL,
    as_expected=False,
    pairs=(
        pair(
            "y", (0, M), "x", (0,), verdict=Verdict.PASS, max_abs_error=0.0, max_rel_error=0.0, detectable=0.0
        ),
    ),
    diagnoses=(Remark(code="nondeterministic", message="two calls differ"),),
)
WARNED = check("square", pairs=(Y_X,), warnings=(SQUARE,))
SWEPT = check("attention with many heads and a mask[N=1,D=3,heads=2]", pairs=(Y_X, Y_B))
FAULTS = (
    Fault(
        spec="attention.yaml",
        line=7,
        column=9,
        path="inputs.w",
        message="x (2, 5) @ w (4, 3) does not fit: x ends in 5, w starts with 4; for example w: [5, 3]",
    ),
    Fault(spec="attention.yaml", line=9, column=1, message="unknown key vpj; did you mean vjp?"),
    Fault(spec="[red]/b\x1b.yaml", message="not a mapping"),
)

REPORTS = {
    "passing": RunReport(checks=(PASSING, WARNED, SWEPT, EXPECTED), seconds=0.123),
    "failing": RunReport(checks=(PASSING, FAILING), seconds=0.123),
    "undecided": RunReport(checks=(UNDECIDED, CRASHED), seconds=61.2),
    "unexpected": RunReport(checks=(UNEXPECTED_PASS, OTHER_BUG, CONTRACT), seconds=0.2),
    "awkward": RunReport(checks=(WRONG_SHAPE, HOSTILE, CONVOLUTION, EMPTY), seconds=0.2),
    "faults": RunReport(checks=(PASSING, EXPECTED), faults=FAULTS, seconds=0.01),
    "only_faults": RunReport(faults=FAULTS[:1]),
    "contract": RunReport(
        checks=(KEPT, CONTRACT, replace(CONTRACT, contracts=(*CONTRACTS, *KEPT.contracts)))
    ),
    "nothing": RunReport(),
    "values": RunReport(checks=(check("two claims", pairs=(WIDE, replace(WIDE, claim="jvp"), SCALAR)),)),
}
EVERYTHING = RunReport(
    checks=tuple(check for report in REPORTS.values() for check in report.checks),
    faults=FAULTS,
    seconds=3.2,
)
