"""Files that are broken, or are no files: a fault of one line each, and nothing hangs."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from gradcheck_cli.spec.load import find_specs, load_specs

BUDGET = 2**30
SPEC = 'gradcheck: 1\ninputs: {x: [1], w: {file: "FILE"}}\nfunction: y = x\n'
FIFO = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs here")


def faults_of(folder: Path, file: str) -> list[str]:
    spec = folder / "spec.yaml"
    spec.write_text(SPEC.replace("FILE", file))
    return [fault.message for fault in load_specs(str(spec), max_memory=BUDGET)[1]]


def npy(header: str, content: bytes = b"\0" * 24) -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + content


HEADER = "{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }"


@pytest.mark.parametrize(
    "header",
    [
        "{'descr': '<f8', 'fortran_order': False, 'shape': (3L,",
        "{'descr': '<f8",
        "{'descr': '''<f8",
        HEADER.replace("<f8", "f8,,"),
        HEADER.replace("<f8", "no type"),
        "{[]: 1}",
        HEADER.replace("(3,)", "(True,)"),
        HEADER.replace("(3,)", "(-3,)"),
        HEADER.replace("(3,)", "3"),
        HEADER.replace("(3,)", f"({'1,' * 65})"),
        HEADER.replace("(3,)", "(0, 9000000000000000000, 9)"),
        "-" * 5000,
        "(" * 5000,
        "{}",
        "",
    ],
)
def test_a_broken_header_is_a_fault(header, tmp_path):
    (tmp_path / "w.npy").write_bytes(npy(header))
    (fault,) = faults_of(tmp_path, "w.npy")
    assert "is broken: " in fault or "and the budget is" in fault
    assert len(fault) < 300
    assert "\n" not in fault


def test_a_header_that_python_2_wrote_is_read(tmp_path):
    (tmp_path / "w.npy").write_bytes(npy(HEADER.replace("(3,)", "(3L,)")))
    assert faults_of(tmp_path, "w.npy") == []


@pytest.mark.parametrize("compression", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_corrupt_compressed_data_is_a_fault(compression, tmp_path):
    with zipfile.ZipFile(tmp_path / "w.npz", "w", compression) as archive:
        archive.writestr("w.npy", npy(HEADER, np.random.default_rng(0).bytes(24)))
    content = bytearray((tmp_path / "w.npz").read_bytes())
    for start in (0, 9, 30):
        broken = content.copy()
        place = 30 + len("w.npy") + start
        broken[place : place + 20] = b"\xff" * 20
        (tmp_path / "w.npz").write_bytes(broken)
        (fault,) = faults_of(tmp_path, "w.npz:w")
        assert "is broken: " in fault


def test_an_encrypted_member_is_a_fault(tmp_path):
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive:
        archive.writestr("w.npy", npy(HEADER))
    content = bytearray((tmp_path / "w.npz").read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "w.npz").write_bytes(content)
    (fault,) = faults_of(tmp_path, "w.npz:w")
    assert "encrypted" in fault


def test_a_member_without_the_suffix_is_no_array(tmp_path):
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive:
        archive.writestr("w", npy(HEADER))
        archive.writestr("v.npy", npy(HEADER))
    (fault,) = faults_of(tmp_path, "w.npz:w")
    assert fault.endswith('has no array "w"; it has: v')


def test_a_directory_is_no_array(tmp_path):
    (tmp_path / "w.npy").mkdir()
    (fault,) = faults_of(tmp_path, "w.npy")
    assert fault.endswith('w.npy" is no regular file; write the name of one')


@FIFO
@pytest.mark.parametrize("file", ["w.npy", "w.npz:key"])
def test_a_fifo_is_not_waited_for(file, tmp_path):
    os.mkfifo(tmp_path / file.partition(":")[0])
    (fault,) = faults_of(tmp_path, file)
    assert "is no regular file" in fault


@FIFO
def test_only_regular_files_are_specs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = SPEC.replace(', w: {file: "FILE"}', "")
    Path("real.txt").write_text(text)
    os.mkfifo("pipe.yaml")
    Path("link.yaml").symlink_to("real.txt")
    Path("zero.yaml").symlink_to("/dev/zero")
    Path("dangling.yaml").symlink_to("nowhere")
    Path("loop.yaml").symlink_to("loop.yaml")
    assert find_specs(["."]) == (["link.yaml"], [])
    found, faults = find_specs(["pipe.yaml", "zero.yaml", "dangling.yaml", "loop.yaml", "x" * 5000, "a\0b"])
    assert found == []
    assert [fault.message for fault in faults[:3]] == [
        "this is no regular file; name a file or a directory",
        "this is no regular file; name a file or a directory",
        "there is no such file or directory",
    ]
    assert all("cannot be read: " in fault.message for fault in faults[3:])
    assert len(faults) == 6
    (fault,) = load_specs("pipe.yaml", max_memory=BUDGET)[1]
    assert fault.message == "cannot be read: it is no regular file"
