from __future__ import annotations

import hypothesis.strategies as st
import pytest
import yaml
from hypothesis import given

from gradcheck_cli.spec.source import MAX_NODES, parse, read_text
from gradcheck_cli.spec.tree import Scalar, locate_text, plain_data, walk


def formula(text: str, key: str = "f"):
    document, faults = parse("s.yaml", text)
    assert faults == []
    node = walk(document.root, (key,))[1]
    assert isinstance(node, Scalar)
    return locate_text(document, node, (key,))


@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("text", "value", "offsets"),
    [
        ("f: y = x\n", "y = x", ((1, 4),)),
        ("é: 1\nf:   'ü = x'\n", "ü = x", ((2, 7),)),
        ('f: "y = x" # why\n', "y = x", ((1, 5),)),
        ("f: |\n\n  y = x\n\n    z\nk: 1\n", "\ny = x\n\n  z\n", ((2, 1), (3, 3), (4, 1), (5, 3))),
        ("f: |2-\n    q\n  r\n", "  q\nr", ((2, 3), (3, 3))),
        ("f: | # comment\n y\n", "y\n", ((2, 2),)),
        ("f: &anchor y = x\n", "y = x", ((1, 12),)),
    ],
)
def test_the_position_of_every_line_is_known(text, value, offsets, line_break):
    found = formula(text.replace("\n", line_break))
    assert (found.text, found.line_offsets, found.exact) == (value, offsets, True)


@pytest.mark.parametrize("text", ["f: >\n  a\n  b\n", 'f: "a\\tb"\n', "f: a\n  b\n", "f: 'it''s'\n"])
def test_where_yaml_changes_the_layout_every_fault_points_to_the_start(text):
    found = formula(text)
    assert not found.exact
    assert found.locate(1, 3) == found.locate(5, 1) == (1, 4)


def test_a_line_and_column_of_a_block_are_those_of_the_file():
    assert formula("f: |\n  y = x\n  z = y\n").locate(2, 5) == (3, 7)


def test_an_alias_points_to_where_the_value_stands():
    document, _ = parse("s.yaml", "a: &a [1, 2]\nb: *a\n")
    assert walk(document.root, ("b", 1))[2] == (1, 11)


def test_merge_keys_fill_in_and_do_not_override():
    document, faults = parse("s.yaml", "a: &a {p: 1, q: 2}\nb: &b {q: 3, r: 4}\nc: {<<: [*a, *b], p: 5}\n")
    assert faults == []
    assert plain_data(document.root)["c"] == {"p": 5, "q": 2, "r": 4}


def test_as_many_values_as_allowed_are_read_and_no_more():
    most = MAX_NODES - 3
    assert parse("s", f"a: [{'1,' * most}]")[1] == []
    assert parse("s", f"a: [{'1,' * (most + 1)}]")[1] != []


def test_exponentially_many_aliases_are_refused_at_once():
    levels = "".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 60))
    document, faults = parse("s", "a0: &a0 [1]\n" + levels)
    assert document is None
    assert "counting aliases" in faults[0].message


def test_a_byte_order_mark_is_no_fault(tmp_path):
    path = tmp_path / "s.yaml"
    path.write_bytes(b"\xef\xbb\xbfgradcheck: 1\n")
    text, fault = read_text(str(path))
    assert fault is None
    assert plain_data(parse("s", text)[0].root) == {"gradcheck": 1}


def test_a_file_that_is_too_large_or_a_directory_is_a_fault(tmp_path, monkeypatch):
    monkeypatch.setattr("gradcheck_cli.spec.source.MAX_BYTES", 10)
    (tmp_path / "s.yaml").write_text("gradcheck: 1\n")
    assert "larger than" in str(read_text(str(tmp_path / "s.yaml"))[1])
    assert "cannot be read" in str(read_text(str(tmp_path))[1])
    assert "cannot be read" in str(read_text(str(tmp_path / "missing.yaml"))[1])


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False),
    st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufeff\ufffe\uffff")
    ),
)
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text("abcxyz_"), inner))


@given(st.dictionaries(st.text("abcxyz_", min_size=1), TREES, min_size=1))
def test_what_yaml_dumps_is_read_back(data):
    document, faults = parse("s.yaml", yaml.safe_dump(data))
    assert faults == []
    assert plain_data(document.root) == data


@given(st.text("[]{}:,-|>&*!%@`'\"#? \n\tab1<~="))
def test_no_text_whatever_raises(text):
    document, faults = parse("s.yaml", text)
    assert (document is None) == bool(faults)
    assert all(1 <= fault.line <= text.count("\n") + 1 and fault.column >= 1 for fault in faults)
