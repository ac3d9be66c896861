"""What tests share: run a spec's text and get the report."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from frameworks import spec_files

from gradcheck_cli.result import CheckResult, RunReport
from gradcheck_cli.run import RunOptions, run_paths

# Code under test that is no test, some of it broken, some of frameworks that may be missing.
collect_ignore_glob = ["init_layers/*", "torch_layers.py", "jax_layers.py"]

RunText = Callable[..., RunReport]
CheckText = Callable[..., CheckResult]


@pytest.fixture
def run_text(tmp_path: Path) -> RunText:
    """Run the spec that a text describes; options are those of RunOptions."""

    def run(text: str, **options: object) -> RunReport:
        file = tmp_path / "spec.yaml"
        file.write_text("gradcheck: 1\n" + textwrap.dedent(text), encoding="utf-8")
        return run_paths([str(file)], RunOptions(**options))

    return run


@pytest.fixture(scope="session")
def shipped() -> RunReport:
    """Run all of specs/ that needs nothing that is not installed."""
    return run_paths(spec_files(), RunOptions(jobs=2))


@pytest.fixture
def check_text(run_text: RunText) -> CheckText:
    """Run a spec of one check, which must be sound, and return its result."""

    def check(text: str, **options: object) -> CheckResult:
        report = run_text(text, **options)
        assert not report.faults, "\n".join(map(str, report.faults))
        (result,) = report.checks
        return result

    return check
