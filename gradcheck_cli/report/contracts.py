"""What came of the contract: the rules that are kept in one line, each broken one in a line of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from gradcheck_cli.report.page import INDENT, Page
from gradcheck_cli.result import CheckResult, Contract

LISTED: Final = 4  # kept rules that are named; more are counted

Row = tuple[str, str, str]  # label, style of the label, text


def contract_rows(check: CheckResult) -> Iterator[Row]:
    """Rows for a list of remarks; how a rule is broken stands among the diagnoses, or the warnings."""
    kept = _kept(check)
    if kept:
        names = ", ".join(kept) if len(kept) <= LISTED else f"{len(kept)} rules (-v names them)"
        yield "contract", "", f"kept: {names}"
    for one in _once(one for one in check.contracts if one.broken):
        how = "broken, and allowed" if one.allowed else "broken"
        yield "contract", "bold yellow" if one.allowed else "bold red", f"{how}: {one.name} ({one.code})"


def _kept(check: CheckResult) -> list[str]:
    """Names of the rules that no claim breaks."""
    broken = {one.name for one in check.contracts if one.broken}
    return list(dict.fromkeys(one.name for one in check.contracts if one.name not in broken))


def _once(contracts: Iterable[Contract]) -> Iterable[Contract]:
    return {(one.name, one.allowed): one for one in contracts}.values()


def write_contracts(page: Page, check: CheckResult) -> None:
    """Print one line for each rule and claim."""
    if not check.contracts:
        return
    page.write()
    page.write(page.text("contract", "bold"), INDENT)
    page.write(page.columns((one.name, one.claim, _outcome(one)) for one in check.contracts), 2 * INDENT)


def _outcome(contract: Contract) -> str:
    if not contract.broken:
        return "kept"
    where = f" ({contract.input})" if contract.input else ""
    how = "broken, and allowed" if contract.allowed else "BROKEN"
    return f"{how}: {contract.code}{where}: {contract.message}"
