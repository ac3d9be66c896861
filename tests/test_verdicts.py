"""A verdict alone is the one that comes with an explanation, for wrong claims and for right ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from verdicts import verdict_alone

from gradcheck_cli.check import run_check
from gradcheck_cli.functions.claims import compile_check
from gradcheck_cli.result import Verdict
from gradcheck_cli.spec.load import load_specs

# Right, wrong everywhere, wrong at the edge point only.
CLAIMS = {
    "dy * 2 * x": Verdict.PASS,
    "dy * x": Verdict.FAIL,
    "where(x == 0, dy, dy * 2 * x)": Verdict.FAIL,
}


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_verdict_alone_is_that_of_the_whole_check(claim: str, tmp_path: Path) -> None:
    spec = f'gradcheck: 1\ninputs: {{x: [5]}}\nfunction: y = x**2\nvjp: {{x: "{claim}"}}\n'
    (check,), faults = load_specs(str(tmp_path / "a.yaml"), spec, max_memory=2**30)
    subject, _ = compile_check(check, max_memory=2**30)
    assert subject is not None
    assert not faults
    whole, alone = run_check(check, subject), verdict_alone(check, subject)
    assert whole.verdict is alone.verdict is CLAIMS[claim]
    assert bool(whole.diagnoses) == (whole.verdict is Verdict.FAIL)
    assert not alone.diagnoses
