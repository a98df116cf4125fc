"""The timeline of a ticket: what our side did, what the provider did, what travelled between them, in one order.

It is told from the audit trail (changes of fields, of holder, of links), from what was said and from the deliveries of
each link; nothing is kept for it alone.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, select

from gateway.clock import iso
from gateway.desk import items
from gateway.desk.actors import names
from gateway.desk.items import DELIVERY, when
from gateway.desk.sight import Sight
from gateway.journal import chain
from gateway.journal.audit import ticket_subject
from gateway.runtime import Runtime
from gateway.store.tables import audit, connection, delivery, link

_CARRYING = frozenset({"comment", "file", "worklog", "deliver", "deliveries", "stored", "close_notice"})
"""What was done for items and deliveries, which are entries of their own."""

_COUNTS = frozenset({"comments", "files", "worklogs"})
_THEIRS = " says so"
"""How a plan explains a field that it took from a connection."""


def timeline(conn: Connection, rt: Runtime, seen: Sight, ticket_id: int, most: int = 500) -> list[dict[str, Any]]:
    """Oldest first, at most the ``most`` newest entries: ``{at, side, kind, actor, ...}``.

    ``side``: ``ours`` | ``theirs`` | ``tandem`` (nobody's act). ``kind``: ``change`` with ``verb changes reason
    because`` (``changes``: field -> [before, after]); ``comment``, ``file``, ``worklog`` with keys of ``desk.items``;
    ``delivery`` with those of ``deliveries``. ``actor`` is a name to show."""
    told = [
        *changes(conn, seen, ticket_id, most),
        *_said(conn, rt, seen, ticket_id, most),
        *_sent(conn, rt, seen, ticket_id, most),
    ]
    told.sort(key=lambda one: one["at"])  # stable: what was decided comes before what followed from it
    return told[-most:]


def changes(conn: Connection, seen: Sight, ticket_id: int, most: int) -> list[dict[str, Any]]:
    """The audit entries of a ticket that changed something to be seen here."""
    query = select(audit).where(audit.c.subject == ticket_subject(ticket_id)).order_by(audit.c.seq.desc()).limit(most)
    rows = list(conn.execute(query))[::-1]
    entries = [chain.read(bytes(row.canon)) for row in rows]
    named = names(conn, [entry.actor for entry in entries])
    told = []
    for row, entry in zip(rows, entries, strict=True):
        one = _change(seen, entry, json.loads(row.payload) if row.payload else {})
        if one is not None:
            actor = one.pop("theirs") or named[entry.actor]
            told.append({"at": iso(entry.at), "kind": "change", "actor": actor if seen.everything else "", **one})
    return told


def _change(seen: Sight, entry: chain.Entry, payload: dict[str, Any]) -> dict[str, Any] | None:
    """What an entry tells this reader, None when that is nothing. ``theirs``: the connection whose change it was."""
    did = payload.get("did", ())
    moved = {f: pair for f, pair in payload.get("changes", {}).items() if f not in _COUNTS and _differ(*pair)}
    because = {data["field"]: data["because"] for verb, data in did if verb == "set"}
    theirs = next((text.removesuffix(_THEIRS) for text in because.values() if text.endswith(_THEIRS)), "")
    side = "theirs" if theirs else "tandem" if entry.actor == "tandem" else "ours"
    told: dict[str, Any] = {"side": side, "theirs": theirs, "verb": entry.verb, "changes": moved}
    if not seen.everything:
        moved = {f: [seen.value(f, v) for v in pair] for f, pair in moved.items() if seen.shows(f)}
        return {**told, "verb": "changed", "changes": moved, "reason": "", "because": {}} if moved else None
    if not moved and all(verb in _CARRYING for verb, _ in did):
        return None
    return {**told, "reason": payload.get("reason") or entry.reason, "because": because}


def _differ(before: Any, after: Any) -> bool:
    """Nothing, an empty text and an empty list are all the same to a reader."""
    return (before or None) != (after or None)


def _said(conn: Connection, rt: Runtime, seen: Sight, ticket_id: int, most: int) -> list[dict[str, Any]]:
    told = []
    for kind, read in (("comment", items.comments), ("file", items.files), ("worklog", items.worklogs)):
        for one in read(conn, rt, seen, ticket_id, limit=most, newest=True).items:
            side = "theirs" if one["from"] or one["author"].startswith("provider") else "ours"
            told.append({"at": one["created_at"], "side": side, "kind": kind, "actor": one["author_name"], **one})
    return told


def _sent(conn: Connection, rt: Runtime, seen: Sight, ticket_id: int, most: int) -> list[dict[str, Any]]:
    told = []
    for one in deliveries(conn, rt, seen, ticket_id, most):
        if one["state"] != "withdrawn":
            at, what = one["done_at"] or one["created_at"], one["kind"]
            told.append({**one, "at": at, "side": "tandem", "kind": "delivery", "actor": "Tandem", "what": what})
    return told


def deliveries(conn: Connection, rt: Runtime, seen: Sight, ticket_id: int, most: int = 500) -> list[dict[str, Any]]:
    """What is or was owed to remotes, oldest first: ``{id, link, connection, kind, item, fields, state, tries, said,
    created_at, done_at}``; ``fields``: the canonical fields of an update."""
    d = delivery.c
    query = (
        select(delivery, connection.c.name)
        .join(link, link.c.id == d.link_id)
        .join(connection, connection.c.id == link.c.connection_id)
        .where(d.ticket_id == ticket_id, seen.links())
        .order_by(d.id.desc())
        .limit(most)
    )
    return [
        {
            "id": rt.ids.public(row.id),
            "link": rt.ids.public(row.link_id),
            "connection": row.name,
            "kind": row.kind,
            "item": None if row.item_id is None else rt.ids.public(row.item_id),
            "fields": [f for f in json.loads(row.body).get("fields", ()) if seen.shows(f)],
            "state": DELIVERY[row.state],
            "tries": row.tries,
            "said": row.said,
            "created_at": iso(row.created_at),
            "done_at": when(row.done_at),
        }
        for row in list(conn.execute(query))[::-1]
    ]
