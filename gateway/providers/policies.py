"""What is shared with each provider, and how tickets are decided: documents, checked and published by version.

A policy's name is ``share:<provider>``, or one of those that decide (``decide.inforce.POLICIES``). The newest published
version is in force, for everything from then on (``providers.desks`` reads it again); links pin mappings, never these.
Policies come with Tandem, too (``gateway/policies``): they are in force once somebody has published them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from sqlalchemy import Connection, select, update

from gateway.decide.inforce import POLICIES
from gateway.decide.language import BadPolicy, Known
from gateway.errors import Invalid
from gateway.people.users import By
from gateway.providers import languages, versions
from gateway.providers.documents import Mistakes, nearest
from gateway.providers.meanings import mistakes
from gateway.providers.versions import Kind, New, Version
from gateway.store import tables
from gateway.tickets.vocabulary import FINAL
from gateway.tickets.vocabulary import document as vocabulary
from mappings.loader import Node, load, plain
from mappings.model import MappingError
from mappings.share import Share, compile_share

FOLLOWED = ("calendars", "targets", "escalation")
"""Policies that open tickets are followed by, not only made by."""


@dataclass(frozen=True)
class Draft:
    """A policy that may be published. ``notes``: what its author should know all the same."""

    kind: Kind
    key: str
    text: str
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return versions.title(self.kind, self.key)


def named(name: str) -> tuple[Kind, str]:
    """The kind of a policy, and its name within the kind: ``share:acme`` is the share policy of acme."""
    kind, _, provider = name.partition(":")
    return ("share", provider) if kind == "share" and provider else ("policy", name)


def history(conn: Connection, name: str = "") -> list[Version]:
    """The published versions, newest first; of one policy, or the newest of each."""
    if name:
        return versions.history(conn, *named(name))
    return versions.newest_of_each(conn, "share", "policy")


def version(conn: Connection, name: str, number: int | None = None) -> Version:
    """One version, without a number the one in force. Raises NotFound."""
    return versions.find(conn, *named(name), number)


# --- checked ---


def read(conn: Connection, text: str, file: str = "policy") -> Draft:
    """A checked policy; ``file`` is what complaints call it. Raises Mistakes with everything that is wrong."""
    try:
        root = load(text, file)
    except MappingError as error:
        raise Mistakes(file, mistakes(error.complaints)) from None
    keys = root.table or {}
    if "share" in keys:
        return _share(conn, root, text, file)
    if "policy" in keys:
        return _decides(conn, root, text, file)
    raise Mistakes(file, [Invalid("not a policy", file, fix="Begin it with share: 1, or with policy: 1.")])


def _share(conn: Connection, root: Node, text: str, file: str) -> Draft:
    try:
        share = compile_share(text, vocabulary(), file)
    except MappingError as error:
        raise Mistakes(file, mistakes(error.complaints)) from None
    known = _slugs(conn, tables.provider)
    if share.provider not in known:
        fix = nearest(share.provider, known) if known else "A connection brings its provider: add one first."
        raise Mistakes(file, [Invalid("no such provider", "provider", share.provider, fix)])
    notes = [] if share.allows("title") else ["The title is not shared: most desks refuse a record without one."]
    if not share.audiences:
        notes.append("No audience is shared: no comment reaches this provider.")
    return Draft("share", share.provider, text, tuple(notes))


def _decides(conn: Connection, root: Node, text: str, file: str) -> Draft:
    try:
        name, made = languages.compiled(root, known(conn))
    except BadPolicy as bad:
        raise Mistakes(file, [languages.placed(root, fault) for fault in bad.faults]) from None
    return Draft("policy", name, text, tuple(getattr(made, "notes", ())))


def known(conn: Connection) -> Known:
    """What a policy may name: the teams, the providers, those with a connection at work, the policies in force."""
    p, c = tables.provider.c, tables.connection.c
    active = select(p.slug).join(tables.connection, c.provider_id == p.id).where(c.state != "paused")
    force = languages.in_force(versions.newest_of_each(conn, "policy"))
    return Known(
        frozenset(_slugs(conn, tables.team)),
        frozenset(_slugs(conn, tables.provider)),
        frozenset(conn.scalars(active)),
        {name: getattr(force, name) for name in POLICIES if getattr(force, name) is not None},
    )


def _slugs(conn: Connection, table: Any) -> list[str]:
    return sorted(conn.scalars(select(table.c.slug)))


# --- published ---


def publish(conn: Connection, by: By, draft: Draft, reason: str, expect: int | None = None) -> Version:
    """Put a policy in force as its name's next version. ``expect``: the number of the version it was compared with.
    Raises Conflict when the very same one is in force already, or another was published meanwhile. What is open is told
    by the clock, so that its targets and steps are those in force."""
    made = versions.publish(conn, by, New(draft.kind, draft.key, draft.text, reason), expect)
    if draft.kind == "policy" and draft.key in FOLLOWED:
        t = tables.ticket
        conn.execute(update(t).where(t.c.status.not_in(FINAL)).values(wake_at=by.at))
    return made


def changes(conn: Connection, draft: Draft) -> list[str]:
    """What publishing a policy would change, beside the one in force, in short sentences."""
    return compared(conn, draft)[1]


def compared(conn: Connection, draft: Draft, number: int | None = None) -> tuple[str, list[str]]:
    """The diff of a policy against a version (the one in force), and in short sentences what it changes. Raises
    NotFound for a number that was never given."""
    if number is None and not history(conn, draft.name):
        return versions.diff("", draft.text, ("nothing", "draft")), ["there is none yet"]
    before = version(conn, draft.name, number)
    told = (_shared if draft.kind == "share" else _decided)(before.text, draft.text)
    return versions.diff(before.text, draft.text, (before.label, "draft")), list(told)


def _shared(before: str, after: str) -> Iterator[str]:
    was, now = (compile_share(text, vocabulary()) for text in (before, after))
    for what, old, new in (("", was.fields, now.fields), ("comments for ", _parties(was), _parties(now))):
        yield from (f"+ {what}{one}" for one in sorted(new - old))
        yield from (f"- {what}{one}" for one in sorted(old - new))
    if (now.max, now.types) != (was.max, was.types):
        yield f"files: up to {now.max:,} bytes of {', '.join(now.types) or 'no type'}"
    if now.worklogs != was.worklogs:
        yield f"{'+' if now.worklogs else '-'} time spent"


def _parties(share: Share) -> frozenset[str]:
    return frozenset("+".join(sorted(one)) for one in share.audiences)


def _decided(before: str, after: str) -> Iterator[str]:
    """The named parts that came, went or changed: the entries of its lists and tables."""
    was, now = (_parts(plain(load(text, "policy"))) for text in (before, after))
    yield from (f"+ {name}{_to(now[name])}" for name in now if name not in was)
    yield from (f"- {name}" for name in was if name not in now)
    common = [name for name in now if name in was]
    yield from (f"{name}: changed{_to(now[name])}" for name in common if was[name] != now[name])
    if common != [name for name in was if name in now]:
        yield "the order is another"


def _to(part: Any) -> str:
    to = part.get("to") if isinstance(part, dict) else None
    return f", to {to}" if isinstance(to, str) else ""


def _parts(doc: dict[str, Any]) -> dict[str, Any]:
    """What a policy consists of, by the names people give: a rule by its own, what has none by its place."""
    parts: dict[str, Any] = {}
    for key, value in doc.items():
        if isinstance(value, list):
            for number, one in enumerate(value, 1):
                parts[(isinstance(one, dict) and one.get("name")) or f"{key} {number}"] = one
        elif isinstance(value, dict):
            parts |= {f"{key} {name}": one for name, one in value.items()}
        else:
            parts[key] = value
    return parts


# --- that come with Tandem ---


def shipped() -> dict[str, str]:
    """The policies that come with Tandem: name -> text, in the order in which they may name one another."""
    folder = files("gateway") / "policies"
    return {name: (folder / f"{name}.yaml").read_text() for name in POLICIES if (folder / f"{name}.yaml").is_file()}


def adopt(conn: Connection, by: By, reason: str) -> list[Version]:
    """Publish each policy that comes with Tandem and of which no version was ever published."""
    made = []
    for name, text in shipped().items():
        if not versions.history(conn, "policy", name):
            made.append(publish(conn, by, read(conn, text, f"{name}.yaml"), reason))
    return made
