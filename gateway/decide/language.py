"""How every policy is read: plain data walked once, every fault kept with its place (``rules[3].when``).

A policy's own module compiles it through a ``Reader``; that is the one check there is. Who knows the text puts lines to
the places (``providers.policies``).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

VERSION = 1
"""The version of the language that ``policy:`` has to name."""

_NUMBER = re.compile(r"-?\d{1,9}(\.\d{1,6})?")
_DURATION = re.compile(r"(\d{1,6})\s*(s|min|h|d)")
_UNITS = {"s": 1_000_000, "min": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: where, what, the value as text ("" for none), and what to write instead."""

    path: str
    title: str
    value: str = ""
    fix: str = ""

    def __str__(self) -> str:
        value = f" {self.value!r}" if self.value else ""
        return f"{self.path or 'policy'}:{value} {self.title}. {self.fix}".rstrip()


class BadPolicy(ValueError):
    """A policy that cannot be used; ``faults`` has everything that is wrong with it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


@dataclass(frozen=True)
class Known:
    """What is there when a policy is published: slugs of teams and providers (``active``: with a connection at work),
    and the compiled policies in force by name."""

    teams: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()
    active: frozenset[str] = frozenset()
    policies: Mapping[str, Any] = field(default_factory=dict)


class Reader:
    """Walks a policy and collects what is wrong. What cannot be read comes back empty, so that one pass finds all."""

    def __init__(self, known: Known | None = None) -> None:
        self.known = known
        self.faults: list[Fault] = []
        self.notes: list[str] = []

    def done(self) -> None:
        """Raises BadPolicy if anything is wrong."""
        if self.faults:
            raise BadPolicy(self.faults)

    def fault(self, path: str, title: str, value: object = None, fix: str = "") -> None:
        shown = "" if value is None else str(value)[:200]
        self.faults.append(Fault(path, title, shown, fix))

    def note(self, text: str) -> None:
        """What its author should know all the same."""
        self.notes.append(text)

    def head(self, doc: Any, name: str, keys: Collection[str]) -> Mapping[str, Any]:
        """The whole document: ``policy: 1``, its name, and its own keys."""
        top = self.table(doc, "", ("policy", "name", *keys), ("policy", "name"))
        if "policy" in top and str(top["policy"]) != str(VERSION):
            self.fault("policy", f"this language has version {VERSION}", top["policy"], f"Write policy: {VERSION}.")
        if "name" in top and top["name"] != name:
            self.fault("name", "not the name of this policy", top["name"], f"Write name: {name}.")
        return top

    def table(self, value: Any, path: str, keys: Collection[str], needed: Collection[str] = ()) -> Mapping[str, Any]:
        """A mapping with these keys and no others. ``keys`` empty: any."""
        if not isinstance(value, Mapping):
            fix = f"Write {', '.join(keys)}." if keys else "Write key: value lines."
            self.fault(path, "a table of keys is expected", value, fix)
            return {}
        for key in value:
            if keys and key not in keys:
                self.fault(join(path, str(key)), "there is no such key", None, nearest(str(key), keys))
        for key in needed:
            if value.get(key) is None:
                self.fault(join(path, key), "is needed", None, "Add it.")
        return {str(key): one for key, one in value.items()}

    def items(self, value: Any, path: str) -> Iterator[tuple[str, Any]]:
        """The elements of a list, each with its place; a missing list has none."""
        if value is None:
            return
        if not isinstance(value, Sequence) or isinstance(value, str):
            self.fault(path, "a list is expected", value, "Write - at the beginning of each line of it.")
            return
        for number, one in enumerate(value):
            yield f"{path}[{number}]", one

    def text(self, value: Any, path: str, longest: int = 2000) -> str:
        """A piece of text that is not empty."""
        if isinstance(value, str) and value.strip() and len(value) <= longest:
            return value
        self.fault(path, f"a text of 1 to {longest} characters is expected", value, "Write one, in quotes.")
        return ""

    def one_of(self, value: Any, path: str, words: Collection[str], what: str = "word") -> str:
        """One of these words."""
        if isinstance(value, str) and value in words:
            return value
        self.fault(path, f"no such {what}", value, nearest(str(value), words))
        return ""

    def number(self, value: Any, path: str, least: float, most: float) -> float:
        """A number between two bounds, both allowed. Read from a document every scalar is text."""
        read = _NUMBER.fullmatch(str(value)) if not isinstance(value, bool) else None
        if read is not None and least <= float(value) <= most:
            return float(value)
        self.fault(path, f"a number from {least:g} to {most:g} is expected", value, "Write such a number.")
        return least

    def duration(self, value: Any, path: str) -> int:
        """A length of time in microseconds: ``30 s``, ``15 min``, ``4 h``, ``2 d`` (24 hours each)."""
        found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
        if found is None or not int(found[1]):
            self.fault(path, "a length of time is expected", value, "Write 30 s, 15 min, 4 h or 2 d.")
            return 0
        return int(found[1]) * _UNITS[found[2]]

    def holder(self, value: Any, path: str) -> str:
        """Somebody a ticket can be given to: ``team:<slug>`` or ``provider:<slug>``."""
        kind, _, slug = value.partition(":") if isinstance(value, str) else ("", "", "")
        if kind not in ("team", "provider") or not slug:
            said = "not somebody a ticket can be given to"
            self.fault(path, said, value, "Write team:<slug> or provider:<slug>.")
            return ""
        if self.known is not None:
            slugs = self.known.teams if kind == "team" else self.known.providers
            if slug not in slugs:
                fix = nearest(slug, slugs) if slugs else f"There is no {kind} yet."
                self.fault(path, f"no such {kind}", value, fix)
            elif kind == "provider" and slug not in self.known.active:
                self.note(f"{path}: {slug} has no active connection: its tickets stay with the service desk.")
        return str(value)


def join(path: str, key: str) -> str:
    """The place of a key."""
    return f"{path}.{key}" if path else key


def nearest(value: str, known: Collection[str]) -> str:
    """What somebody may have meant, or all there is."""
    close = get_close_matches(value, list(known), 1)
    return f"Did you mean {close[0]}?" if close else f"There are: {', '.join(sorted(known))}."


def spelled(duration: int) -> str:
    """A length of time as people write it, in the largest unit that divides it: ``90 min``, ``2 h``."""
    for unit in ("d", "h", "min"):
        if duration and duration % _UNITS[unit] == 0:
            return f"{duration // _UNITS[unit]} {unit}"
    return f"{duration / _UNITS['s']:g} s"
