"""What crosses the border of this package: complaints about a text, and the shapes a compiled mapping speaks in."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

Wire = str | list[str] | None
"""Theirs in normal form, for comparison: text, number text, id, RFC 3339 UTC, ISO date, sorted list, the matched path
of several fields, or None for empty. Equal wires mean that nothing changed at the remote."""

Value = Any
"""Ours: text, person ``{email, name, login, id}`` (a subset), sorted list, ``YYYY-MM-DDTHH:MM:SSZ``, None for empty."""

Direction = Literal["both", "in", "out"]
Policy = Literal["ours", "theirs", "newest", "ask"]
Audience = frozenset[str]
"""Who reads, relative to a link: ``provider``, ``requester``; never ``team``."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """One thing wrong with a text. ``line`` and ``col`` count from 1; ``severity`` is ``E`` (refused) or ``W``."""

    file: str
    line: int
    col: int
    severity: str
    code: str
    cause: str
    example: str = ""
    fix: str = ""

    def __str__(self) -> str:
        told = f"{self.file}:{self.line}:{self.col} {self.severity} {self.code} {self.cause}"
        told += f" / e.g. {self.example}" if self.example else ""
        return told + (f" / {self.fix}" if self.fix else "")


class MappingError(Exception):
    """A document that cannot be used; ``complaints`` says why, in the order of the text."""

    def __init__(self, complaints: list[Complaint]) -> None:
        super().__init__("\n".join(map(str, complaints)))
        self.complaints = complaints


@dataclass(frozen=True, slots=True)
class Rule:
    """How one canonical field travels. ``uses``: the canonical fields an outward expression reads (a change of any of
    them owes this field; the share policy must allow them all)."""

    direction: Direction
    policy: Policy
    remote: tuple[str, ...]
    uses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """The inward meaning of one wire: ``value`` (take it; ``said`` is set where a default row spoke), ``held`` (park
    the field on that link, ``said`` is why) or ``note`` (ours stays; ``said``, unless empty, goes to the timeline)."""

    kind: Literal["value", "held", "note"]
    value: Value = None
    said: str = ""


@dataclass(slots=True)
class Outward:
    """What to write at the remote.

    ``fields``: catalogue name -> value (a person is a dict such as ``{"email": ..}`` for the caller to look up).
    ``wires``: canonical name -> expected normal form of everything written, defaults on mapped fields among them.
    ``path``: statuses to enter one by one, the target last (only on an update that writes the status); ``passing``: the
    normal forms the status field takes on that way, the target's left out (it is in ``wires``); ``hops``: what to write
    for each of these, the status with those of ``fields`` that it requires.
    ``held``: (field, reason) not conveyed until a person acts. ``later``: canonical fields creation cannot set.
    ``comments`` and ``files`` (name, text): whole texts of values that had to be cut.
    """

    fields: dict[str, Value] = field(default_factory=dict)
    wires: dict[str, Wire] = field(default_factory=dict)
    held: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    files: list[tuple[str, str]] = field(default_factory=list)
    path: list[str] = field(default_factory=list)
    passing: list[Wire] = field(default_factory=list)
    hops: list[dict[str, Value]] = field(default_factory=list)
    later: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Attachments:
    """Which files travel: ``max`` in bytes, ``types`` as MIME patterns (``image/*``), ``reaches`` where files hang on
    the record (else None: a file reaches whom its channel reaches)."""

    direction: Literal["none", "in", "out", "both"] = "none"
    max: int = 0
    types: tuple[str, ...] = ("*/*",)
    reaches: Audience | None = None

    def refuses(self, size: int, mime: str, most: int | None = None) -> str:
        """Why a file does not travel, "" if it does; ``most``: the bytes that mapping and desk take at the utmost."""
        return refuses(size, mime, self.max if most is None else min(self.max, most), self.types)


def refuses(size: int, mime: str, most: int, types: tuple[str, ...]) -> str:
    """Why no file of so many bytes and this MIME type (whatever its parameters) goes, "" if it does."""
    if size > most:
        return f"no more than {most} bytes go"
    bare = mime.partition(";")[0].strip().lower()
    if "*/*" in types or any(fnmatchcase(bare, one.lower()) for one in types):
        return ""
    return f"{bare or 'its type'} is not {', '.join(types)}"
