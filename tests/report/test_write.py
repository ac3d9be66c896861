from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gradcheck_cli.report.write import write_whole


def test_replaces_and_leaves_nothing_beside(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text("old")
    write_whole(file, "new ∂")
    assert file.read_text(encoding="utf-8") == "new ∂"
    assert list(tmp_path.iterdir()) == [file]


def test_a_failure_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "report.json"
    file.write_text("old")

    def full_disk(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_whole(file, "new")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    link, file = tmp_path / "link", tmp_path / "file"
    link.symlink_to(file)
    write_whole(link, "new")
    assert link.is_symlink()
    assert file.read_text() == "new"


@pytest.mark.skipif(not Path(os.devnull).is_char_device(), reason="no device to write to")
def test_a_device_is_written_to_and_not_replaced() -> None:
    write_whole(Path(os.devnull), "gone")
    assert Path(os.devnull).is_char_device()


WRITE = """
import sys
from pathlib import Path
from gradcheck_cli.report.write import write_whole
print("first", flush=True)
write_whole(Path(sys.argv[1]), "second\\n")
print("third")
"""


@pytest.mark.skipif(not Path("/dev/stdout").is_symlink(), reason="no name for standard output")
def test_standard_output_by_its_name(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITE, "/dev/stdout"]
    piped = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert piped.stdout == "first\nsecond\nthird\n"
    with (tmp_path / "file").open("w") as file:
        subprocess.run(command, stdout=file, timeout=60, check=True)
    assert (tmp_path / "file").read_text() == piped.stdout
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_a_named_pipe_is_written_to_and_not_replaced(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with subprocess.Popen(["cat", str(fifo)], stdout=subprocess.PIPE, text=True) as reader:
        write_whole(fifo, "whole\n")
        assert reader.communicate(timeout=60)[0] == "whole\n"
    assert fifo.is_fifo()
