"""Paths into JSON, sources and matches: how a manifest points at a value, to read it and to write it.

``a.b``, ``a[0]``, ``a[*].b`` (read only), ``a[key=value].b`` (reading: the first such element; writing: that element
is made), ``/a/b c`` (JSON pointer, for odd names), ``""`` the whole. A segment or a selector's value may be one
``{name}``; it is put in after parsing, so a value never changes the structure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from connectors.templates import Names, wire_text
from connectors.templates import parse as template

Json = Any

NAME = re.compile(r"\{[a-z_.]+\}|[^.\[\]{}/=*]+")


class BadPath(ValueError):
    """The path does not parse; the message says where."""


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT = _Absent()
"""What reading a path gives where nothing is."""


@dataclass(frozen=True)
class Key:
    name: str


@dataclass(frozen=True)
class Index:
    at: int


@dataclass(frozen=True)
class Every:
    pass


@dataclass(frozen=True)
class Where:
    key: str
    value: str


Step = Key | Index | Every | Where


@dataclass(frozen=True)
class Path:
    """A parsed path."""

    steps: tuple[Step, ...]
    names: tuple[str, ...] = ()

    @cached_property
    def _plain(self) -> tuple[str, ...] | None:
        """The keys of a path that consists of nothing else: most do."""
        keys = tuple(step.name for step in self.steps if isinstance(step, Key) and not step.name.startswith("{"))
        return keys if len(keys) == len(self.steps) else None

    @property
    def many(self) -> bool:
        """Whether it reads a list of what it finds (``[*]``)."""
        return any(isinstance(step, Every) for step in self.steps)

    def read(self, doc: Json, names: Names | None = None) -> Any:
        """The value there, a list of values for a path with ``[*]``, or ``ABSENT``."""
        if self._plain is not None:
            for name in self._plain:
                if not isinstance(doc, dict) or name not in doc:
                    return ABSENT
                doc = doc[name]
            return doc
        if self.many:
            return [value for _, value in self.walk(doc, names)]
        return next((value for _, value in self.walk(doc, names)), ABSENT)

    def walk(self, doc: Json, names: Names | None = None) -> Iterator[tuple[Json, Json]]:
        """Every (parent, value) the path finds; the parent is the ``[*]`` element around the last ``[*]`` element."""
        yield from _walk(doc, (ABSENT, ABSENT), self.steps, names or {})

    def write(self, doc: Json, value: Json, names: Names | None = None) -> Json:
        """``doc`` (changed in place where it can be) with ``value`` there; what is missing on the way is made."""
        return _write(doc, self.steps, value, names or {})


def _walk(doc: Json, around: tuple[Json, Json], steps: Sequence[Step], names: Names) -> Iterator[tuple[Json, Json]]:
    if not steps:
        yield around[0], doc
        return
    step, rest = steps[0], steps[1:]
    if isinstance(step, Key):
        name = _put(step.name, names)
        if isinstance(doc, Mapping) and name in doc:
            yield from _walk(doc[name], around, rest, names)
    elif not isinstance(doc, list):
        return
    elif isinstance(step, Index):
        if step.at < len(doc):
            yield from _walk(doc[step.at], around, rest, names)
    elif isinstance(step, Where):
        element = _find(doc, step, names)
        if element is not None:
            yield from _walk(element, around, rest, names)
    else:
        for element in doc:
            yield from _walk(element, (around[1], element), rest, names)


def _find(doc: list[Json], step: Where, names: Names) -> Json:
    wanted = wire_text(_put(step.value, names))
    return next((e for e in doc if isinstance(e, Mapping) and wire_text(e.get(step.key)) == wanted), None)


def _write(doc: Json, steps: Sequence[Step], value: Json, names: Names) -> Json:
    if not steps:
        return value
    step, rest = steps[0], steps[1:]
    if isinstance(step, Key):
        name = _put(step.name, names)
        doc = doc if isinstance(doc, dict) else {}
        doc[name] = _write(doc.get(name), rest, value, names)
        return doc
    doc = doc if isinstance(doc, list) else []
    if isinstance(step, Where):
        element = _find(doc, step, names)
        if element is None:
            element = {step.key: _put(step.value, names)}
            doc.append(element)
        _write(element, rest, value, names)
    elif isinstance(step, Index):
        while len(doc) <= step.at:
            doc.append(None)
        doc[step.at] = _write(doc[step.at], rest, value, names)
    else:
        raise BadPath("[*] can be read only")
    return doc


def _put(text: str, names: Names) -> Any:
    return names.get(text[1:-1], "") if text.startswith("{") else text


@lru_cache(maxsize=4096)
def parse(text: str) -> Path:
    """Raises ``BadPath``."""
    steps = tuple(_pointer(text) if text.startswith("/") else _dotted(text))
    places = [s.name if isinstance(s, Key) else s.value for s in steps if isinstance(s, Key | Where)]
    return Path(steps, tuple(place[1:-1] for place in places if place.startswith("{")))


def _pointer(text: str) -> Iterator[Step]:
    for part in text.split("/")[1:]:
        if not part:
            raise BadPath(f"{text!r}: an empty segment")
        yield Key(part.replace("~1", "/").replace("~0", "~"))


def _dotted(text: str) -> Iterator[Step]:
    at = 0
    while at < len(text):
        if text[at] == "[":
            end = text.find("]", at)
            if end < 0:
                raise BadPath(f"{text!r}: [ without ]")
            yield _selector(text[at + 1 : end], text)
            at = end + 1
        else:
            found = NAME.match(text, at)
            if found is None:
                raise BadPath(f"{text!r}: a name is expected at character {at + 1}")
            yield Key(found.group())
            at = found.end()
        if at < len(text) and text[at] == ".":
            at += 1
            if at == len(text) or text[at] in ".[":
                raise BadPath(f"{text!r}: a name is expected after the dot")
        elif at < len(text) and text[at] != "[":
            raise BadPath(f"{text!r}: a dot or [ is expected at character {at + 1}")


def _selector(inside: str, text: str) -> Step:
    if inside == "*":
        return Every()
    if inside.isdigit():
        return Index(int(inside))
    key, equals, value = inside.partition("=")
    if not equals or not NAME.fullmatch(key) or (value.startswith("{") and not NAME.fullmatch(value)):
        raise BadPath(f"{text!r}: in brackets stands a number, * or key=value")
    return Where(key, value)


@dataclass(frozen=True)
class Reply:
    """What a source may read: the document, the reply's headers (any case), values of the first call, the element
    around an item."""

    doc: Json = None
    headers: Mapping[str, str] | None = None
    first: Mapping[str, Any] | None = None
    parent: Json = None


def source(text: str, reply: Reply, names: Names | None = None) -> Any:
    """The value of ``header:Name``, ``location``, ``first:name``, ``parent:path`` or a path, or ``ABSENT``."""
    kind, colon, rest = text.partition(":")
    if not colon and text != "location":
        return parse(text).read(reply.doc, names)
    headers = reply.headers or {}
    if colon and kind == "header":
        return _unquoted(headers.get(rest) or headers.get(rest.lower()))
    if text == "location":
        where = headers.get("Location") or headers.get("location")
        return where.rstrip("/").rpartition("/")[2].partition("?")[0] if where else ABSENT
    if colon and kind == "first":
        return (reply.first or {}).get(rest, ABSENT)
    if colon and kind == "parent":
        return parse(rest).read(reply.parent, names)
    return parse(text).read(reply.doc, names)


def first(where: str | list[str], reply: Reply) -> str | None:
    """The first of several sources that gives a plain value, as text."""
    for each in [where] if isinstance(where, str) else where:
        found = source(each, reply)
        if found is not ABSENT and found is not None and not isinstance(found, dict | list):
            return plain(found)
    return None


def _unquoted(value: str | None) -> Any:
    if value is None:
        return ABSENT
    value = value.removeprefix("W/")
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


def check_source(text: str) -> None:
    """Raises ``BadPath`` where ``text`` is no source."""
    kind, colon, rest = text.partition(":")
    if not (colon and kind in ("header", "first")) and text != "location":
        parse(rest if colon and kind == "parent" else text)


def matches(wanted: Mapping[str, Any], reply: Reply, names: Names | None = None) -> bool:
    """Whether every path of a match has one of its values (``any``: is there and not null). An empty match holds."""
    return all(_match(path, values, reply, names or {}) for path, values in wanted.items())


def _match(path: str, values: Any, reply: Reply, names: Names) -> bool:
    found = source(path, reply, names)
    if values == "any":
        return found is not ABSENT and found is not None
    wanted = {plain(template(v).value(names) if isinstance(v, str) else v) for v in values}
    every = found if isinstance(found, list) and "[*]" in path else [found]
    return any(plain(each) in wanted for each in every)


def plain(value: Any) -> str | None:
    """A value as matches compare it: absent is null, numbers and booleans as JSON writes them."""
    return None if value is ABSENT or value is None else wire_text(value)
