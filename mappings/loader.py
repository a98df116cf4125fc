"""Text to a tree that remembers where everything stands: the only door by which a document of ours comes in.

YAML with the dangerous half left out: no aliases, anchors, tags or repeated keys, one document, capped in size, depth
and nodes. Scalars are text, except plain ``null``, ``true`` and ``false``; so ``1``, ``no`` and ``2026-01-01`` mean
themselves. The parser streams events, so a document that breaks a cap is refused where it breaks it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from mappings.codes import complaint
from mappings.model import Complaint, MappingError

MAX_BYTES = 256_000
MAX_DEPTH = 12
MAX_NODES = 20_000

WORDS: dict[str, bool | None] = {"null": None, "true": True, "false": False}
LOADER = getattr(yaml, "CLoader", yaml.Loader)  # the same events from libyaml, eight times faster


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands (counted from 1). ``value``: text, true, false, None, a tuple of nodes (list) or a
    dict (table). ``key_line`` and ``key_col``: where its key stands in the table around it, else where it stands."""

    value: Any
    file: str
    line: int
    col: int
    key_line: int
    key_col: int

    @property
    def table(self) -> dict[str, Node] | None:
        return self.value if isinstance(self.value, dict) else None

    @property
    def items(self) -> tuple[Node, ...] | None:
        return self.value if isinstance(self.value, tuple) else None

    @property
    def text(self) -> str | None:
        return self.value if isinstance(self.value, str) else None

    def get(self, *path: str) -> Node | None:
        """The node under these keys, or None."""
        node: Node | None = self
        for key in path:
            node = node.table.get(key) if node is not None and node.table is not None else None
        return node

    def holding(self, value: Any) -> Node:
        """Another value in the same place."""
        return Node(value, self.file, self.line, self.col, self.key_line, self.key_col)

    def complain(self, code: str, cause: str, *, key: bool = False, fix: str = "", example: str = "") -> Complaint:
        """A complaint about this node, or about its key; example and fix default to the code's own."""
        line, col = (self.key_line, self.key_col) if key else (self.line, self.col)
        return complaint(self.file, line, col, code, cause, fix=fix, example=example)


def plain(node: Node) -> Any:
    """The bare data: dict, list, text, true, false, None."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, tuple):
        return [plain(child) for child in node.value]
    return node.value


def load(text: str, file: str) -> Node:
    """Read one document; ``file`` is the name complaints carry. Raises ``MappingError`` with one M001."""
    try:
        if len(text.encode()) > MAX_BYTES:
            raise MappingError([_refusal(file, None, f"longer than {MAX_BYTES // 1000} kB")])
        reader = _Reader(file, yaml.parse(text, Loader=LOADER))
        return reader.document()
    except UnicodeEncodeError as error:
        raise MappingError([_refusal(file, None, "not Unicode text")]) from error
    except yaml.YAMLError as error:
        told = " ".join(str(getattr(error, "problem", None) or error).split())
        raise MappingError([_refusal(file, getattr(error, "problem_mark", None), f"not YAML: {told}")]) from error


def _refusal(file: str, mark: Any, cause: str) -> Complaint:
    line, col = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    return complaint(file, line, col, "M001", cause)


class _Reader:
    """Builds nodes from parser events, counting as it goes."""

    def __init__(self, file: str, events: Iterator[Any]) -> None:
        self.file = file
        self.events = events
        self.nodes = 0

    def document(self) -> Node:
        first = next(self.events)
        while isinstance(first, yaml.StreamStartEvent | yaml.DocumentStartEvent):
            first = next(self.events)
        if isinstance(first, yaml.StreamEndEvent):
            raise self._refuse(first, "empty")
        root = self._node(first, None, 1)
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                raise self._refuse(event, "more than one document")
        return root

    def _node(self, event: Any, key: Any, depth: int) -> Node:
        self._check(event, depth)
        place = event.start_mark
        key_place = key.start_mark if key is not None else place
        at = (place.line + 1, place.column + 1, key_place.line + 1, key_place.column + 1)
        return Node(self._value(event, depth), self.file, *at)

    def _check(self, event: Any, depth: int) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self._refuse(event, f"more than {MAX_NODES:,} values")
        if depth > MAX_DEPTH:
            raise self._refuse(event, f"more than {MAX_DEPTH} levels deep")
        if isinstance(event, yaml.AliasEvent):
            raise self._refuse(event, f"an alias (*{event.anchor})")
        if event.anchor is not None:
            raise self._refuse(event, f"an anchor (&{event.anchor})")
        if event.tag is not None:
            raise self._refuse(event, f"a tag ({event.tag})")

    def _value(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return WORDS.get(event.value, event.value) if event.implicit[0] else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            return tuple(self._node(item, None, depth + 1) for item in self._until(yaml.SequenceEndEvent))
        return self._table(depth)

    def _table(self, depth: int) -> dict[str, Node]:
        table: dict[str, Node] = {}
        for key in self._until(yaml.MappingEndEvent):
            if not isinstance(key, yaml.ScalarEvent):
                raise self._refuse(key, "a key that is not a word")
            self._check(key, depth + 1)
            if key.value in table:
                raise self._refuse(key, f"the key {key.value!r} twice (first on line {table[key.value].key_line})")
            table[key.value] = self._node(next(self.events), key, depth + 1)
        return table

    def _until(self, end: type) -> Iterator[Any]:
        for event in self.events:
            if isinstance(event, end):
                return
            yield event

    def _refuse(self, event: Any, cause: str) -> MappingError:
        return MappingError([_refusal(self.file, event.start_mark, cause)])
