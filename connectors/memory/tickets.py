"""What the memory desk stores: tickets with comments, uploads and worklogs, people, and the feed of what happened."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from connectors.memory.rules import Fields

Verb = Literal["created", "updated", "deleted", "commented", "edited", "uncommented", "uploaded", "logged"]


@dataclass(slots=True)
class Comment:
    """A public reply (the requester reads it too) or an internal note. ``deleted`` leaves a tombstone."""

    id: str
    author: str
    created: datetime
    text: str
    public: bool
    edited: datetime | None = None
    deleted: bool = False


@dataclass(slots=True)
class Upload:
    """A file on a ticket; ``size`` in bytes."""

    id: str
    author: str
    created: datetime
    name: str
    mime: str
    size: int
    sha256: str
    public: bool
    data: bytes


@dataclass(slots=True)
class Worklog:
    """Time worked on a ticket."""

    id: str
    author: str
    created: datetime
    minutes: int
    text: str
    started: datetime


@dataclass(slots=True)
class Ticket:
    """One ticket. ``born``: the reference it was created with; ``referenced``: when its reference was last written;
    ``writes``: how many updates were carried out, per actor."""

    id: str
    created: datetime
    created_by: str
    updated: datetime
    updated_by: str
    referenced: datetime
    fields: Fields
    revision: int = 1
    born: str | None = None
    deleted: bool = False
    comments: list[Comment] = field(default_factory=list)
    uploads: list[Upload] = field(default_factory=list)
    worklogs: list[Worklog] = field(default_factory=list)
    writes: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Happening:
    """One row of the feed, numbered without gaps from 1."""

    seq: int
    at: datetime
    verb: Verb
    ticket: str
    actor: str
    item: str | None = None


@dataclass(frozen=True)
class Staff:
    """Somebody who can sign in at the desk or be named on its tickets."""

    id: str
    email: str
    name: str


@dataclass(frozen=True)
class Effects:
    """What stands in the desk, counted: tickets by the reference they were created with; comments, uploads and worklogs
    by (ticket, author, text or hash); updates carried out by (ticket, actor)."""

    created: Counter[str]
    comments: Counter[tuple[str, str, str]]
    uploads: Counter[tuple[str, str, str]]
    worklogs: Counter[tuple[str, str, str]]
    writes: Counter[tuple[str, str]]

    def doubled(self, author: str) -> list[str]:
        """Everything that ``author`` did more than once, in words; texts and files are taken to be distinct."""
        found = [f"reference {ref} has {n} tickets" for ref, n in self.created.items() if n > 1]
        for what, counts in (("comment", self.comments), ("upload", self.uploads), ("worklog", self.worklogs)):
            twice = [(key, n) for key, n in counts.items() if n > 1 and key[1] == author]
            found += [f"{what} {key[2]!r} stands {n} times on {key[0]}" for key, n in twice]
        return found
