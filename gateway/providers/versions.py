"""Every version of every document, and one draft of each: mappings, share policies, routing (MAPPINGS.md 1).

A draft is edited under an ETag. Publishing numbers a text and keeps it for ever, with who, why, what was accepted and
what it differs from; the newest version of a policy is in force, versions of a mapping belong to links. What a document
of one kind has to be before it is published is its own module's business (``meanings``, ``policies``).
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.clock import utc
from gateway.desk.actors import names
from gateway.errors import Changed, Conflict, Invalid, NotFound
from gateway.journal.audit import note
from gateway.people.users import By
from gateway.store import tables
from gateway.store.ids import mint

Kind = Literal["mapping", "share", "policy"]
WORD = {"mapping": "mapping", "share": "policy", "policy": "policy"}
"""What people call a document of a kind; the audit subject begins with it."""

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")
"""What a document may be called."""

LONGEST = 262_144
"""Characters of a text: what the language of mappings takes, too."""

_D = tables.document.c


def title(kind: str, name: str) -> str:
    """How people name a document: a provider's share policy as ``share:acme``."""
    return f"share:{name}" if kind == "share" else name


def digest(text: str) -> str:
    """The SHA-256 of a text, in hex."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Version:
    """One published version. ``effective``: of a mapping, the whole document in ids as canonical JSON, as far as it is
    known; ``parent``: what it extends, pinned as ``rt@3``; ``catalogue``: the hash of what it was proved against;
    ``accepted``: the warnings its author took, as ``M041:status``; ``created_at`` in UTC microseconds."""

    id: int
    kind: str
    name: str
    number: int
    text: str
    effective: str
    hash: str
    parent: str
    catalogue: str
    accepted: tuple[str, ...]
    author: str
    reason: str
    created_at: int

    @property
    def title(self) -> str:
        return title(self.kind, self.name)

    def told(self) -> dict[str, Any]:
        """What there is to say of it beside its text; ``created_at`` in UTC microseconds."""
        plain = {name: getattr(self, name) for name in ("parent", "hash", "author", "reason", "created_at")}
        return {"name": self.title, "version": self.number, **plain, "accepted": list(self.accepted)}

    @property
    def label(self) -> str:
        """The one name of a version: ``acme-rt@7``."""
        return f"{self.title}@{self.number}"


@dataclass(frozen=True)
class New:
    """A text about to be published; see ``Version``."""

    kind: Kind
    name: str
    text: str
    reason: str
    parent: str = ""
    effective: str = ""
    catalogue: str = ""
    accepted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Draft:
    """What somebody is writing. ``etag``: what an edit of it is based on; ``changed_at`` in UTC microseconds."""

    kind: str
    name: str
    text: str
    etag: str
    author: str
    changed_at: int


# --- what is there ---


def history(conn: Connection, kind: Kind, name: str) -> list[Version]:
    """The versions of one document, newest first; none when there is no such document."""
    return _read(conn, _D.kind == kind, _D.name == name)


def newest_of_each(conn: Connection, *kinds: Kind) -> list[Version]:
    """The newest version of every document of these kinds, by kind and name."""
    found: dict[tuple[str, str], Version] = {}
    for one in _read(conn, _D.kind.in_(kinds)):
        found.setdefault((one.kind, one.name), one)
    return list(found.values())


def find(conn: Connection, kind: Kind, name: str, number: int | None = None) -> Version:
    """One version, without a number the newest. Raises NotFound, which says what there is."""
    found = history(conn, kind, name)
    if not found:
        kinds: tuple[Kind, ...] = ("mapping",) if kind == "mapping" else ("share", "policy")
        known = ", ".join(one.title for one in newest_of_each(conn, *kinds)) or "none is published"
        raise NotFound(f"no such {WORD[kind]}", WORD[kind], title(kind, name), f"There are: {known}.")
    for one in found:
        if number is None or one.number == number:
            return one
    said = f"There are 1 to {found[0].number}."
    raise NotFound(f"no such version of a {WORD[kind]}", "version", number, said)


def by_id(conn: Connection, id: int) -> Version:
    """The version of that id; it has to be there."""
    return _read(conn, _D.id == id)[0]


def same(conn: Connection, kind: Kind, name: str, text: str) -> Version | None:
    """The newest version of this very text."""
    return next((one for one in history(conn, kind, name) if one.text == text), None)


def _read(conn: Connection, *where: Any) -> list[Version]:
    query = select(tables.document).where(_D.version.is_not(None), *where)
    return [_version(row) for row in conn.execute(query.order_by(_D.kind, _D.name, _D.version.desc()))]


def _version(row: Row[Any]) -> Version:
    return Version(
        row.id, row.kind, row.name, row.version, row.text, row.effective, row.hash, row.parent, row.catalogue,
        tuple(json.loads(row.accepted)), row.author, row.reason, row.created_at,
    )  # fmt: skip


def diff(before: str, after: str, names: tuple[str, str] = ("before", "after")) -> str:
    """What differs between two texts, as a unified diff; empty when nothing does."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), names[0], names[1], lineterm="")
    return "\n".join(lines)


# --- published ---


def publish(conn: Connection, by: By, new: New, expect: int | None = None) -> Version:
    """Store a checked text as its name's next version, audited; a draft of this very text ends with it. ``expect``: the
    number of the version it was compared with (0: none). Raises Conflict when another was published meanwhile, or when
    this very text is the newest version already."""
    found = history(conn, new.kind, new.name)
    before = found[0] if found else None
    number = before.number if before is not None else 0
    if expect is not None and number != expect:
        raise _faster(conn, new)
    if before is not None and (before.text, before.parent) == (new.text, new.parent):
        fix = "There is nothing to publish."
        raise Conflict(f"this very {WORD[new.kind]} is in force already", WORD[new.kind], before.label, fix)
    values = {
        "kind": new.kind, "name": new.name, "version": number + 1, "text": new.text, "effective": new.effective,
        "hash": digest(new.effective or new.text), "parent": new.parent, "catalogue": new.catalogue,
        "accepted": json.dumps(new.accepted), "author": by.actor, "reason": new.reason, "created_at": by.at,
    }  # fmt: skip
    try:
        conn.execute(insert(tables.document).values(id=mint(), **values))
    except IntegrityError:
        raise Conflict(*_WHILE, fix="Compare with that one, and publish again.") from None
    made = find(conn, new.kind, new.name)
    said = {"reason": new.reason, "text": new.text, "before": before.text if before is not None else None}
    known = {"hash": made.hash, "parent": new.parent, "accepted": list(new.accepted)}
    subject = f"{WORD[new.kind]}:{made.title}"
    note(conn, by.key, by.at, subject, by.actor, "published", made.label, {**said, **known})
    conn.execute(delete(tables.document).where(_drafted(new.kind, new.name), _D.hash == digest(new.text)))
    return made


_WHILE = ("somebody else has published a version at this very moment", "version")


def _faster(conn: Connection, new: New) -> Conflict:
    found = history(conn, new.kind, new.name)
    if not found:
        return Conflict(*_WHILE, fix="Compare again, and publish again.")
    who = names(conn, [found[0].author])[found[0].author]
    title_ = f"{who} has published {found[0].label} meanwhile: {found[0].reason}"
    return Conflict(title_, "version", fix="Compare with that one, and publish again.")


# --- drafts ---


def draft(conn: Connection, kind: Kind, name: str) -> Draft | None:
    """The draft of a document, if somebody is writing one."""
    row = conn.execute(select(tables.document).where(_drafted(kind, name))).first()
    return _draft(row) if row is not None else None


def drafts(conn: Connection, kind: Kind) -> list[Draft]:
    """All drafts of a kind, by name."""
    query = select(tables.document).where(_D.kind == kind, _D.version.is_(None))
    return [_draft(row) for row in conn.execute(query.order_by(_D.name))]


def save(conn: Connection, by: By, kind: Kind, name: str, text: str, based_on: str | None) -> Draft:
    """Write the draft. ``based_on``: the ETag of the draft it was made from, None where there was none. Raises Changed,
    which says who was faster, and Invalid for a name that no document can have."""
    if not NAME.fullmatch(name):
        raise Invalid("not a name for a document", "name", name, "Begin with a-z or 0-9; then -, _ and . too.")
    values = {"text": text, "hash": digest(text), "author": by.actor, "created_at": by.at}
    if based_on is None:
        try:
            with conn.begin_nested():
                conn.execute(insert(tables.document).values(id=mint(), kind=kind, name=name, **values))
        except IntegrityError:
            raise _changed(conn, kind, name) from None
    elif not conn.execute(
        update(tables.document).where(_drafted(kind, name), _D.hash == based_on).values(values)
    ).rowcount:
        raise _changed(conn, kind, name)
    return Draft(kind, name, text, digest(text), by.actor, by.at)


def discard(conn: Connection, kind: Kind, name: str, based_on: str | None = None) -> None:
    """Throw the draft away. Raises NotFound, and Changed where it is not the one of that ETag any more."""
    if draft(conn, kind, name) is None:
        raise NotFound("there is no draft", WORD[kind], title(kind, name))
    only = () if based_on is None else (_D.hash == based_on,)
    if not conn.execute(delete(tables.document).where(_drafted(kind, name), *only)).rowcount:
        raise _changed(conn, kind, name)


def _changed(conn: Connection, kind: Kind, name: str) -> Changed:
    there = draft(conn, kind, name)
    if there is None:
        return Changed("the draft was published or thrown away meanwhile", "draft", fix="Begin a new one.")
    who = names(conn, [there.author])[there.author]
    said = f"{who} has edited the draft of {title(kind, name)} at {utc(there.changed_at):%Y-%m-%d %H:%M:%S} UTC"
    return Changed(said, "draft", fix="Read it again, and put your edit into it.")


def _drafted(kind: str, name: str) -> Any:
    return (_D.kind == kind) & (_D.name == name) & _D.version.is_(None)


def _draft(row: Row[Any]) -> Draft:
    return Draft(row.kind, row.name, row.text, row.hash, row.author, row.created_at)
