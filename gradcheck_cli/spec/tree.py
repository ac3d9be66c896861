"""The tree that a YAML text is read into: plain values that know where they stand in the file.

A path through it is a tuple of keys and indices; ``show_path`` writes it as ``inputs.w.shape[1]``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gradcheck_cli.spec.types import Position, Text

Path = tuple[str | int, ...]
Plain = str | int | float | bool | None

MERGED_KEYS = ("dims", "tolerance")  # a check's own entries are laid over the file's, key by key

_EXPONENT = re.compile(r"([-+]?)(\d[\d_]*)(\.\d*)?[eE]([-+]?)(\d+)")


@dataclass(frozen=True, kw_only=True)
class Scalar:
    """One value; ``written`` is its text in the file, ``style`` one of ``' " | >`` or empty for plain."""

    value: Plain
    written: str
    style: str
    position: Position
    last_line: int
    size: int = 1
    depth: int = 0


@dataclass(frozen=True, kw_only=True)
class ListNode:
    """A list; ``size`` counts the nodes below it with every alias written out."""

    items: tuple[Node, ...]
    position: Position
    size: int = 1
    depth: int = 0


@dataclass(frozen=True, kw_only=True)
class MapNode:
    """A mapping with text keys, in the order of the file."""

    entries: Mapping[str, Entry]
    position: Position
    size: int = 1
    depth: int = 0


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A key of a mapping and its value."""

    key_position: Position
    node: Node

    @property
    def position(self) -> Position:
        """Where to point for this entry: at its value, or at its key if the value starts further down."""
        same_line = self.node.position[0] == self.key_position[0]
        return self.node.position if same_line else self.key_position


Node = Scalar | ListNode | MapNode


@dataclass(frozen=True, kw_only=True)
class Document:
    """A spec file that is well-formed YAML with a mapping at the top."""

    spec: str
    lines: tuple[str, ...]
    root: MapNode


def plain_data(node: Node) -> object:
    """Return the node as Python's own lists, dictionaries and scalars."""
    if isinstance(node, MapNode):
        return {key: plain_data(entry.node) for key, entry in node.entries.items()}
    if isinstance(node, ListNode):
        return [plain_data(item) for item in node.items]
    return node.value


def walk(node: Node, path: Path) -> tuple[Path, Node, Position]:
    """Follow a path as far as it is written: the steps found, the node there, and where to point.

    Steps that the file does not contain are passed over: a validator that has filled in a short form
    names keys that nobody wrote.
    """
    found: Path = ()
    position = node.position
    for step in path:
        if isinstance(node, MapNode) and isinstance(step, str) and step in node.entries:
            position, node = node.entries[step].position, node.entries[step].node
        elif isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            position = node.position
        else:
            continue
        found = (*found, step)
    return found, node, position


def key_position(node: Node, path: Path) -> Position:
    """Position of the key at the end of a path, or of the nearest thing that is written."""
    parent = walk(node, path[:-1])[1]
    if isinstance(parent, MapNode) and path[-1] in parent.entries:
        return parent.entries[str(path[-1])].key_position
    return walk(node, path)[2]


def all_positions(node: Node, path: Path = ()) -> dict[str, Position]:
    """Position of everything below a node, by its path as text."""
    result = {show_path(path): walk(node, ())[2]} if path else {}
    children: list[tuple[str | int, Node, Position]] = []
    if isinstance(node, MapNode):
        children = [(key, entry.node, entry.position) for key, entry in node.entries.items()]
    elif isinstance(node, ListNode):
        children = [(index, item, item.position) for index, item in enumerate(node.items)]
    for step, child, position in children:
        result.update(all_positions(child, (*path, step)))
        result[show_path((*path, step))] = position
    return result


def show_path(path: Path) -> str:
    """Write a path as in messages.

    >>> show_path(("checks", 1, "inputs", "w", "shape", 0))
    'checks[1].inputs.w.shape[0]'
    """
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def describe(node: Node) -> str:
    """Say what stands there, for a message."""
    if isinstance(node, MapNode):
        return "a mapping"
    if isinstance(node, ListNode):
        return "a list"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, str):
        return f'text "{shorten(node.value)}"'
    return node.written


def shorten(text: str, limit: int = 60) -> str:
    """Cut long text for a message; line breaks become spaces."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def mend_exponent(written: str) -> str | None:
    """Write a number with an exponent so that YAML 1.1 reads it as one; ``None`` if it is no number.

    >>> mend_exponent("1e-6"), mend_exponent("2.5E3"), mend_exponent("x")
    ('1.0e-6', '2.5e+3', None)
    """
    match = _EXPONENT.fullmatch(written)
    if match is None:
        return None
    sign, whole, fraction, exponent_sign, exponent = match.groups()
    fraction = fraction if fraction and fraction != "." else ".0"
    return f"{sign}{whole}{fraction}e{exponent_sign or '+'}{exponent}"


def locate_text(document: Document, scalar: Scalar, path: Path) -> Text:
    """Turn a scalar into a formula that knows where each of its lines stands."""
    text = scalar.value if isinstance(scalar.value, str) else scalar.written
    offsets = _line_offsets(document.lines, scalar, text)
    return Text(
        text=text,
        path=show_path(path),
        line_offsets=offsets or (scalar.position,),
        exact=bool(offsets),
    )


def _line_offsets(lines: tuple[str, ...], scalar: Scalar, text: str) -> tuple[Position, ...]:
    """Positions of the first characters of the text's lines; empty if YAML has changed the layout."""
    line, column = scalar.position
    if scalar.style == "|":
        return _block_offsets(lines[line:], line + 1, text)
    if scalar.last_line != line or scalar.style == ">":
        return ()
    # An anchor or a tag may stand before the text; the text itself is found if it holds no escapes.
    start = lines[line - 1].find(scalar.style + text + scalar.style, column - 1)
    return ((line, start + len(scalar.style) + 1),) if start >= 0 else ()


def _block_offsets(lines: tuple[str, ...], first: int, text: str) -> tuple[Position, ...]:
    content = text.rstrip("\n").split("\n")
    pairs = list(zip(lines, content, strict=False))
    if any(not written.endswith(line) for written, line in pairs):
        return ()
    return tuple((first + index, len(written) - len(line) + 1) for index, (written, line) in enumerate(pairs))
