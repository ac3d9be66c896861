"""YAML text into a located tree, by the events of the parser: nothing is ever constructed from a tag.

Knows the traps of YAML 1.1 (``on`` is a truth value, ``1:30`` is 90, ``010`` is 8) and refuses them by
name. Aliases are counted as if written out before anything is, so that no text can blow up.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any, Final

import yaml
from yaml.resolver import Resolver

from gradcheck_cli.errors import GradcheckError
from gradcheck_cli.result import Fault
from gradcheck_cli.spec.syntax import explain, position_of
from gradcheck_cli.spec.tree import Document, Entry, ListNode, MapNode, Node, Plain, Scalar, shorten
from gradcheck_cli.spec.types import Position

MAX_NODES: Final = 100_000
MAX_DEPTH: Final = 100  # NumPy has at most 64 axes
MAX_BYTES: Final = 16 * 2**20
MAX_DIGITS: Final = 400

_Event = Any  # the stubs know neither the fields of events nor libyaml's marks
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER: Final = Resolver()
_TAG: Final = "tag:yaml.org,2002:"
_LINE_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_TRUE: Final = frozenset({"yes", "true", "on"})
_INTEGER: Final = re.compile(r"[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)")


class _UnreadableError(GradcheckError):
    """The text cannot be read on from here."""

    def __init__(self, message: str, position: Position) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


@dataclass(frozen=True)
class _Reading:
    """What belongs to one pass over a text: the anchors seen (``None`` while still open) and the faults."""

    spec: str
    anchors: dict[str, Node | None] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def refuse(self, message: str, position: Position) -> None:
        line, column = position
        self.faults.append(Fault(spec=self.spec, message=message, line=line, column=column))


def is_regular(path: FilePath) -> bool:
    """Tell whether a file is there that ends: no directory, pipe or device. Nothing else is ever opened."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):  # the latter for names that no file can have
        return False


def read_text(path: str) -> tuple[str, Fault | None]:
    """Read a file as UTF-8 text; what hinders it is a fault."""
    try:
        if FilePath(path).exists() and not is_regular(FilePath(path)):
            return "", Fault(spec=path, message="cannot be read: it is no regular file")
        with FilePath(path).open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        fact = error.strerror if isinstance(error, OSError) else None
        return "", Fault(spec=path, message=f"cannot be read: {fact or error}")
    if len(content) > MAX_BYTES:
        message = f"the file is larger than {MAX_BYTES // 2**20} MiB; keep large arrays in a .npy file"
        return "", Fault(spec=path, message=message)
    try:
        return content.decode("utf-8-sig"), None
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        message = f"byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
        return "", Fault(spec=path, message=message, line=line, column=column)


def parse(spec: str, text: str) -> tuple[Document | None, list[Fault]]:
    """Read a spec's text into a tree, or say everything that is wrong with its YAML."""
    text = text.removeprefix("\ufeff")
    lines = tuple(_LINE_BREAK.split(text))
    reading = _Reading(spec)
    try:
        _check_characters(text)
        root = _root(reading, yaml.parse(text, Loader=_LOADER))
    except yaml.YAMLError as error:
        reading.refuse(*explain(error, lines))
    except _UnreadableError as error:
        reading.refuse(error.message, error.position)
    if reading.faults:
        return None, reading.faults
    assert isinstance(root, MapNode)  # anything else has been refused
    return Document(spec=spec, lines=lines, root=root), []


def _check_characters(text: str) -> None:
    match = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if match:
        before = _LINE_BREAK.split(text[: match.start()])
        message = f"a control character (U+{ord(match.group()):04X}) stands here; take it away"
        raise _UnreadableError(message, (len(before), len(before[-1]) + 1))


def _root(reading: _Reading, events: Iterator[_Event]) -> Node:
    next(events)  # the start of the stream
    event = next(events)
    if isinstance(event, yaml.StreamEndEvent):
        raise _UnreadableError('the file is empty; a spec starts with "gradcheck: 1"', (1, 1))
    root = _node(reading, events, next(events), 0)
    next(events)  # the end of the document
    event = next(events)
    if not isinstance(event, yaml.StreamEndEvent):
        message = 'a second document starts here; put several checks under "checks:" instead'
        raise _UnreadableError(message, position_of(event.start_mark))
    if isinstance(root, Scalar) and root.value is None:
        raise _UnreadableError('the file is empty; a spec starts with "gradcheck: 1"', (1, 1))
    if not isinstance(root, MapNode):
        message = 'a spec is a mapping of keys to values; it starts with "gradcheck: 1"'
        raise _UnreadableError(message, root.position)
    return root


def _node(reading: _Reading, events: Iterator[_Event], event: _Event, depth: int) -> Node:
    position = position_of(event.start_mark)
    if isinstance(event, yaml.AliasEvent):
        return _aliased(reading, str(event.anchor), position)
    if depth > MAX_DEPTH:
        raise _UnreadableError(f"nested more than {MAX_DEPTH} levels deep", position)
    if event.anchor:
        reading.anchors[event.anchor] = None
    build: Callable[[_Reading, Iterator[_Event], _Event, int], Node] = _scalar
    if isinstance(event, yaml.SequenceStartEvent):
        build = _list
    elif isinstance(event, yaml.MappingStartEvent):
        build = _mapping
    node = build(reading, events, event, depth)
    if event.anchor:
        reading.anchors[event.anchor] = node
    return node


def _aliased(reading: _Reading, name: str, position: Position) -> Node:
    if name not in reading.anchors:
        message = f'no anchor "&{name}" stands before the alias "*{name}"; quote a value that starts with *'
        raise _UnreadableError(message, position)
    node = reading.anchors[name]
    if node is None:
        raise _UnreadableError(f'the alias "*{name}" stands inside its own anchor "&{name}"', position)
    return node


def _check_tag(reading: _Reading, event: _Event, allowed: str) -> None:
    if event.tag not in {None, "!", _TAG + allowed}:
        name = event.tag.replace(_TAG, "!!")
        reading.refuse(f'unknown tag "{name}"; a spec holds plain values only', position_of(event.start_mark))


def _grow(size: int, depth: int, child: Node, position: Position) -> tuple[int, int]:
    """Count one child more, as if every alias were written out."""
    size, depth = size + child.size, max(depth, child.depth + 1)
    if size > MAX_NODES:
        message = f"more than {MAX_NODES:,} values, counting aliases; keep large arrays in a .npy file"
        raise _UnreadableError(message.replace(",", " ", 1), position)
    if depth > MAX_DEPTH:
        raise _UnreadableError(f"nested more than {MAX_DEPTH} levels deep, counting aliases", position)
    return size, depth


def _list(reading: _Reading, events: Iterator[_Event], event: _Event, depth: int) -> ListNode:
    _check_tag(reading, event, "seq")
    position = position_of(event.start_mark)
    items: list[Node] = []
    size, height = 1, 0
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        items.append(_node(reading, events, event, depth + 1))
        size, height = _grow(size, height, items[-1], position_of(event.start_mark))
    return ListNode(items=tuple(items), position=position, size=size, depth=height)


def _mapping(reading: _Reading, events: Iterator[_Event], event: _Event, depth: int) -> MapNode:
    _check_tag(reading, event, "map")
    position = position_of(event.start_mark)
    entries: dict[str, Entry] = {}
    merged: list[MapNode] = []
    size, height = 1, 0
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        key_event, start = event, position_of(event.start_mark)
        key = _node(reading, events, event, depth + 1)
        value = _node(reading, events, next(events), depth + 1)
        size, height = _grow(size + 1, height, value, start)
        if _is_merge(key_event):
            merged += _merge_sources(reading, value, start)
        else:
            _add_entry(reading, entries, key, Entry(key_position=start, node=value))
    for source in merged:
        entries = {**source.entries, **entries}
    return MapNode(entries=entries, position=position, size=size, depth=height)


def _is_merge(event: _Event) -> bool:
    return isinstance(event, yaml.ScalarEvent) and event.value == "<<" and event.implicit[0]


def _merge_sources(reading: _Reading, value: Node, position: Position) -> list[MapNode]:
    """List the mappings to merge, the weightiest first."""
    nodes = value.items if isinstance(value, ListNode) else (value,)
    sources = [node for node in nodes if isinstance(node, MapNode)]
    if len(sources) < len(nodes):
        reading.refuse('"<<" takes an alias of a mapping, or a list of such aliases', position)
    return sources


def _add_entry(reading: _Reading, entries: dict[str, Entry], key: Node, entry: Entry) -> None:
    position = entry.key_position
    if not isinstance(key, Scalar):
        reading.refuse("a key must be text, not a list or a mapping", position)
    elif not isinstance(key.value, str):
        reading.refuse(_misread_key(key), position)
    elif key.value in entries:
        first = entries[key.value].key_position[0]
        message = f'the key "{shorten(key.value)}" stands twice, in line {first} and in line {position[0]}'
        reading.refuse(f"{message}; keep one", position)
    else:
        entries[key.value] = entry


def _misread_key(key: Scalar) -> str:
    if not key.written:
        return "a key is missing before this colon"
    meaning = {True: "true", False: "false", None: "nothing"}.get(key.value, "a number")  # type: ignore[arg-type]
    if not isinstance(key.value, bool) and key.value is not None:
        meaning = "a number"  # 1 == True, so the table above is wrong for it
    return f'YAML reads {key.written} as {meaning}, and a key must be text; write "{key.written}"'


def _scalar(reading: _Reading, _: Iterator[_Event], event: _Event, depth: int) -> Scalar:  # noqa: ARG001
    position = position_of(event.start_mark)
    tag = event.tag
    if tag is None or tag == "!":
        tag = _RESOLVER.resolve(  # type: ignore[no-untyped-call]
            yaml.ScalarNode, event.value, event.implicit if tag is None else (False, True)
        )
    scalar = Scalar(
        value=event.value,
        written=event.value,
        style=event.style or "",
        position=position,
        last_line=event.end_mark.line + 1,
    )
    read = _READERS.get(tag)
    if read is None:
        message = f'unknown tag "{tag.replace(_TAG, "!!")}"; a spec holds plain values only'
        reading.refuse(message, position)
        return scalar
    try:
        return replace(scalar, value=read(event.value))
    except GradcheckError as error:
        reading.refuse(str(error), position)
        return scalar


def _read_integer(text: str) -> int:
    if ":" in text:
        raise GradcheckError(f'YAML reads {text} as a number in base 60; write "{text}" for text')
    if not re.fullmatch("[-+]?[0-9][0-9a-fA-FxX_]*", text):
        raise GradcheckError(f'"{shorten(text)}" is not an integer')
    if not _INTEGER.fullmatch(text):
        plain = text.replace("_", "").lstrip("+-0") or "0"
        raise GradcheckError(f'YAML reads {text} as an octal number; write {plain}, or "{text}" for text')
    if len(text) > MAX_DIGITS:
        raise GradcheckError(f"a number of {len(text)} digits is beyond any use here")
    return int(text.replace("_", ""), base=0)


def _read_float(text: str) -> float:
    if ":" in text:
        raise GradcheckError(f'YAML reads {text} as a number in base 60; write "{text}" for text')
    plain = text.replace("_", "").lower()
    sign = -1.0 if plain.startswith("-") else 1.0
    if plain.lstrip("+-") == ".inf":
        return sign * float("inf")
    try:
        return float("nan") if plain == ".nan" else float(plain)
    except ValueError:
        raise GradcheckError(f'"{shorten(text)}" is not a number') from None


def _refuse_date(text: str) -> Plain:
    raise GradcheckError(f'YAML reads {text} as a date; write "{text}" for text')


_READERS: Final[dict[str, Callable[[str], Plain]]] = {
    _TAG + "str": str,
    _TAG + "value": str,  # a lone "="
    _TAG + "merge": str,
    _TAG + "null": lambda _: None,
    _TAG + "bool": lambda text: text.lower() in _TRUE,
    _TAG + "int": _read_integer,
    _TAG + "float": _read_float,
    _TAG + "timestamp": _refuse_date,
}
