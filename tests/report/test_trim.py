from __future__ import annotations

import io

import pytest

from gradcheck_cli.report.trim import trimmed


@pytest.mark.parametrize(
    ("parts", "written"),
    [
        (["a  \n", "  b\n"], "a\n  b\n"),
        (["a  \nb \t\u3000\n   \n\n"], "a\nb\n\n\n"),
        (["a ", " ", "\n", "b"], "a\nb"),
        (["a ", " b", " \n"], "a  b\n"),
        (["\x1b[1ma  \x1b[0m  \x1b[2m \x1b[0m\n"], "\x1b[1ma\x1b[0m\x1b[2m\x1b[0m\n"),
        (["\x1b[1ma", "\x1b[0m"], "\x1b[1ma\x1b[0m"),
    ],
)
def test_no_blank_before_a_line_end(parts: list[str], written: str) -> None:
    file = io.StringIO()
    assert [trimmed(file).write(part) for part in parts[:1]] == [len(parts[0])]
    file = io.StringIO()
    thin = trimmed(file)
    for part in parts:
        thin.write(part)
        thin.flush()
    assert file.getvalue() == written


def test_everything_else_is_the_files_own() -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    thin = trimmed(file)
    assert (thin.encoding, thin.isatty(), thin.closed) == ("cp1252", False, False)
    with pytest.raises(io.UnsupportedOperation):
        thin.fileno()
