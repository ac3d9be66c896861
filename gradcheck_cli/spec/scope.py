"""One check's view of its file: its own keys laid over the file's defaults, each where it really stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gradcheck_cli.result import Fault
from gradcheck_cli.spec.faults import make_fault
from gradcheck_cli.spec.model import File, Settings
from gradcheck_cli.spec.tree import (
    MERGED_KEYS,
    Document,
    Entry,
    ListNode,
    MapNode,
    Node,
    Path,
    key_position,
    walk,
)
from gradcheck_cli.spec.types import Position


@dataclass(frozen=True, kw_only=True)
class Scope:
    """A check's place: ``own`` is what it says itself, ``merged`` what holds for it."""

    document: Document
    prefix: Path
    own: MapNode
    merged: MapNode

    @property
    def spec(self) -> str:
        """The file, as the user named it."""
        return self.document.spec

    def node(self, *path: str | int) -> Node:
        """Return what stands at a path, or above it."""
        return walk(self.merged, path)[1]

    def written(self, *path: str | int) -> bool:
        """Tell whether the file says anything at this path."""
        return walk(self.merged, path)[0] == path

    def position(self, *path: str | int) -> Position:
        """Where a path stands, or the nearest thing above it."""
        return walk(self.merged, path)[2]

    def fault(self, message: str, *path: str | int, at_key: bool = False) -> Fault:
        """Make a fault at a path of the check, which may stand among the file's defaults."""
        position = key_position(self.merged, path) if at_key else self.position(*path)
        head = path[: 2 if path and path[0] in MERGED_KEYS else 1]
        inherited = self.written(*head) and walk(self.own, head)[0] != head
        return make_fault(self.spec, message, path if inherited else (*self.prefix, *path), position)


def split(document: Document, file: File) -> Iterator[tuple[Scope, Settings]]:
    """Lay each check of a file over the file's defaults; one left empty for its faults is passed over."""
    root = document.root
    if file.checks is None:
        yield Scope(document=document, prefix=(), own=root, merged=root), file
        return
    listed = root.entries["checks"].node
    nodes = listed.items if isinstance(listed, ListNode) else ()
    for index, (node, own) in enumerate(zip(nodes, file.checks, strict=True)):
        if isinstance(node, MapNode) and (own.model_fields_set or not node.entries):
            scope = Scope(
                document=document, prefix=("checks", index), own=node, merged=_merge_nodes(root, node)
            )
            yield scope, _merge_settings(file, own)


def _merge_nodes(defaults: MapNode, own: MapNode) -> MapNode:
    entries = {key: entry for key, entry in defaults.entries.items() if key not in {"checks", "gradcheck"}}
    for key, entry in own.entries.items():
        below = entries.get(key)
        if (
            key in MERGED_KEYS
            and below
            and isinstance(below.node, MapNode)
            and isinstance(entry.node, MapNode)
        ):
            both = MapNode(entries={**below.node.entries, **entry.node.entries}, position=entry.node.position)
            entries[key] = Entry(key_position=entry.key_position, node=both)
        else:
            entries[key] = entry
    return MapNode(entries=entries, position=own.position)


def _merge_settings(defaults: Settings, own: Settings) -> Settings:
    values = {key: getattr(defaults, key) for key in defaults.model_fields_set & set(Settings.model_fields)}
    for key in own.model_fields_set:
        values[key] = getattr(own, key)
    if defaults.dims is not None and own.dims is not None:
        values["dims"] = {**defaults.dims, **own.dims}
    if defaults.tolerance is not None and own.tolerance is not None:
        given = {key: getattr(own.tolerance, key) for key in own.tolerance.model_fields_set}
        values["tolerance"] = defaults.tolerance.model_copy(update=given)
    return Settings.model_construct(**values)
