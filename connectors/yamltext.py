"""Reads the YAML of manifests: YAML's core schema and nothing more, each complaint with its line and column.

``true``, ``false``, ``null`` and integers are themselves; everything else, dates, ``no`` and ``1:30`` included, is
text, and keys always are (under PyYAML's defaults a key ``on:`` loads as ``True``). No aliases, anchors, tags, no key
twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

MAX_BYTES = 64_000
MAX_DEPTH = 12

INTEGER = re.compile(r"[-+]?[0-9]+")
WORDS = {"true": True, "false": False, "null": None, "~": None, "": None}

Place = tuple[int, int]
"""Line and column, from 1."""

Way = tuple[str | int, ...]
"""The keys and indexes that lead to a node."""


class BadYaml(Exception):
    """The text is not the YAML we read; ``line`` and ``column`` from 1."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(f"{place[0]}:{place[1]} {message}")
        self.message = message
        self.place = place


@dataclass(frozen=True)
class Document:
    """The plain value, and where each node of it was written (a key's own place for the values of mappings)."""

    value: Any
    places: dict[Way, Place]

    def place(self, way: Way) -> Place:
        """Where ``way`` or its nearest written ancestor stands."""
        while way and way not in self.places:
            way = way[:-1]
        return self.places.get(way, (1, 1))


def load(text: str, max_bytes: int = MAX_BYTES, max_depth: int = MAX_DEPTH) -> Document:
    """Raises ``BadYaml``."""
    if len(text.encode()) > max_bytes:
        raise BadYaml(f"longer than {max_bytes} bytes", (1, 1))
    places: dict[Way, Place] = {}
    try:
        events = (e for e in yaml.parse(text, Loader=yaml.SafeLoader) if not isinstance(e, _QUIET))
        value = _node(next(events), events, (), places, max_depth)
        if (extra := next(events, None)) is not None:
            raise BadYaml("a second document", _place(extra))
    except yaml.MarkedYAMLError as error:
        raise BadYaml(str(error.problem), _place(error)) from error
    except yaml.reader.ReaderError as error:
        raise BadYaml(f"an unreadable character: {error.reason}", (1, 1)) from error
    except StopIteration:
        raise BadYaml("nothing in it", (1, 1)) from None
    return Document(value, places)


_QUIET = (yaml.StreamStartEvent, yaml.StreamEndEvent, yaml.DocumentStartEvent, yaml.DocumentEndEvent)


def _place(thing: Any) -> Place:
    mark = getattr(thing, "start_mark", None) or getattr(thing, "problem_mark", None)
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _node(event: Any, events: Iterator[Any], way: Way, places: dict[Way, Place], depth: int) -> Any:
    places.setdefault(way, _place(event))
    if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
        raise BadYaml("anchors and aliases are not read: write it out", _place(event))
    if event.tag is not None:
        raise BadYaml(f"tags are not read: {event.tag}", _place(event))
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event)
    if depth == 0:
        raise BadYaml(f"deeper than {MAX_DEPTH} levels", _place(event))
    if isinstance(event, yaml.SequenceStartEvent):
        return _sequence(events, way, places, depth - 1)
    return _mapping(events, way, places, depth - 1)


def _scalar(event: Any) -> Any:
    text: str = event.value
    if event.style is not None:
        return text
    if text in WORDS:
        return WORDS[text]
    return int(text) if INTEGER.fullmatch(text) else text


def _sequence(events: Iterator[Any], way: Way, places: dict[Way, Place], depth: int) -> list[Any]:
    out: list[Any] = []
    while not isinstance(event := next(events), yaml.SequenceEndEvent):
        out.append(_node(event, events, (*way, len(out)), places, depth))
    return out


def _mapping(events: Iterator[Any], way: Way, places: dict[Way, Place], depth: int) -> dict[str, Any]:
    out: dict[str, Any] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        if not isinstance(event, yaml.ScalarEvent) or event.anchor or event.tag:
            raise BadYaml("a key is plain text", _place(event))
        key = event.value
        if key in out:
            raise BadYaml(f"the key {key!r} is there twice", _place(event))
        places[(*way, key)] = _place(event)
        out[key] = _node(next(events), events, (*way, key), places, depth)
    return out
