"""What was said, sent and worked on a ticket, as far as a reader sees it, with what became of it on its way out.

Each list is in the order it was written, in pages: ``after`` is the last inner id of the page before (0 at first).
Dicts hold public ids and RFC 3339 times; ``next`` is the inner id to go on after, or None.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, exists, or_, select, true

from gateway.clock import iso
from gateway.decide.facts import GUEST
from gateway.desk.actors import parties
from gateway.desk.sight import Sight
from gateway.runtime import Runtime
from gateway.store.tables import attachment, audience, binding, comment, connection, delivery, link, worklog

DELIVERY = {0: "waiting", 1: "sent", 2: "dead", 3: "withdrawn", 4: "held"}
"""How the states of a delivery are called outside."""


@dataclass(frozen=True)
class Part:
    """One page of a list."""

    items: list[dict[str, Any]]
    next: int | None = None


def when(us: int | None) -> str | None:
    """A moment as text, or None."""
    return None if us is None else iso(us)


def comments(
    conn: Connection, rt: Runtime, sight: Sight, ticket: int, after: int = 0, limit: int = 500, newest: bool = False
) -> Part:
    """``{id, author, author_name, text, format, audience, created_at, edited_at, deleted, from, deliveries}``"""
    seen = exists().where(audience.c.comment_id == comment.c.id, audience.c.party == sight.party)
    mine = true() if sight.everything else and_(seen, comment.c.deleted_at.is_(None))
    part, rows = _page(conn, comment, comment.c.ticket_id == ticket, mine, after, limit, newest)
    ids = [row.id for row in rows]
    heard: dict[int, list[str]] = {id: [] for id in ids}
    for row in conn.execute(select(audience).where(audience.c.comment_id.in_(ids))):
        heard[row.comment_id].append(row.party)
    sent = sendings(conn, rt, sight, ids, "comment")
    names, who = origins(conn, sight, rows), parties(conn, [row.author for row in rows])
    for row in rows:
        if sight.reads(heard[row.id]):
            part.items.append(
                {
                    "id": rt.ids.public(row.id),
                    **written_by(sight, who[row.author], row.author_name),
                    "text": "" if row.deleted_at else row.body,
                    "format": row.format,
                    "audience": sight.audience(heard[row.id]),
                    "created_at": iso(row.created_at),
                    "edited_at": when(row.edited_at),
                    "deleted": row.deleted_at is not None,
                    "from": names.get(row.link_id),
                    "deliveries": sent.get(row.id, []),
                }
            )
    return part


def files(
    conn: Connection, rt: Runtime, sight: Sight, ticket: int, after: int = 0, limit: int = 500, newest: bool = False
) -> Part:
    """``{id, comment, author, author_name, name, mime, size, sha256, state, audience, created_at, from, deliveries}``.
    ``state``: ``stored``, ``remote`` (its bytes are still to be fetched) or ``refused``."""
    mine = _file_is_mine(sight)
    part, rows = _page(conn, attachment, attachment.c.ticket_id == ticket, mine, after, limit, newest)
    sent = sendings(conn, rt, sight, [row.id for row in rows], "attachment")
    names, who = origins(conn, sight, rows), parties(conn, [row.author for row in rows])
    part.items.extend(_file(rt, sight, row, who, sent, names) for row in rows if _file_seen(sight, row))
    return part


def file(conn: Connection, sight: Sight, ticket: int, id: int) -> Any | None:
    """The row of one attachment that the reader may have, or None."""
    a = attachment.c
    row = conn.execute(select(attachment).where(a.id == id, a.ticket_id == ticket, _file_is_mine(sight))).first()
    return row if row is not None and _file_seen(sight, row) else None


def _file_is_mine(sight: Sight) -> ColumnElement[bool]:
    if sight.everything:
        return true()
    return attachment.c.audience.contains(f'"{sight.party}"', autoescape=True)


def _file_seen(sight: Sight, row: Any) -> bool:
    allowed = sight.principal.scope != "connection" or sight.share.allows_file(row.size, row.mime)
    return allowed and sight.reads(json.loads(row.audience))


def _file(
    rt: Runtime, sight: Sight, row: Any, who: Mapping[str, str], sent: Mapping[int, Any], names: Mapping[int, str]
) -> dict[str, Any]:
    return {
        "id": rt.ids.public(row.id),
        "comment": None if row.comment_id is None else rt.ids.public(row.comment_id),
        **written_by(sight, who[row.author], row.author_name),
        "name": row.name,
        "mime": row.mime,
        "size": row.size,
        "sha256": row.sha256,
        "state": row.state,
        "audience": sight.audience(json.loads(row.audience)),
        "created_at": iso(row.created_at),
        "from": names.get(row.link_id),
        "deliveries": sent.get(row.id, []),
    }


def worklogs(
    conn: Connection, rt: Runtime, sight: Sight, ticket: int, after: int = 0, limit: int = 500, newest: bool = False
) -> Part:
    """``{id, author, author_name, minutes, text, started_at, created_at, from, deliveries}``. A provider sees what came
    from its desk and what was sent there; a guest, where its policy shares them, our own people's."""
    mine: ColumnElement[bool] = true()
    if not sight.everything:
        own = select(link.c.id).where(sight.links(), link.c.ticket_id == ticket)
        bound = exists().where(
            binding.c.kind == "worklog", binding.c.item_id == worklog.c.id, binding.c.link_id.in_(own)
        )
        mine = or_(worklog.c.link_id.in_(own), bound)
        if sight.share.worklogs:
            brought = own.where(link.c.role == GUEST).exists()
            mine = or_(mine, and_(brought, worklog.c.link_id.is_(None)))
    part, rows = _page(conn, worklog, worklog.c.ticket_id == ticket, mine, after, limit, newest)
    sent = sendings(conn, rt, sight, [row.id for row in rows], "worklog")
    names, who = origins(conn, sight, rows), parties(conn, [row.author for row in rows])
    for row in rows:
        part.items.append(
            {
                "id": rt.ids.public(row.id),
                **written_by(sight, who[row.author], row.author_name),
                "minutes": row.minutes,
                "text": row.text,
                "started_at": iso(row.started_at),
                "created_at": iso(row.created_at),
                "from": names.get(row.link_id),
                "deliveries": sent.get(row.id, []),
            }
        )
    return part


def sendings(
    conn: Connection, rt: Runtime, sight: Sight, items: Iterable[int], kind: str
) -> dict[int, list[dict[str, Any]]]:
    """By item: ``[{id, connection, state, said, tries}]``, a delivery each; ``state`` as in ``DELIVERY``."""
    d = delivery.c
    query: Select[Any] = (
        select(d.id, d.item_id, d.state, d.said, d.tries, connection.c.name)
        .join(link, link.c.id == d.link_id)
        .join(connection, connection.c.id == link.c.connection_id)
        .where(d.item_id.in_(list(items)), d.kind == kind, sight.links())
        .order_by(d.id)
    )
    found: dict[int, list[dict[str, Any]]] = {}
    for row in conn.execute(query):
        told = {"connection": row.name, "state": DELIVERY[row.state], "said": row.said, "tries": row.tries}
        found.setdefault(row.item_id, []).append({"id": rt.ids.public(row.id), **told})
    return found


def origins(conn: Connection, sight: Sight, rows: Iterable[Any]) -> dict[int, str]:
    """The connection's name for each link that something came from, where the reader may know it."""
    ids = {row.link_id for row in rows if row.link_id is not None}
    query = select(link.c.id, connection.c.name).join(connection, connection.c.id == link.c.connection_id)
    return {row.id: row.name for row in conn.execute(query.where(link.c.id.in_(ids), sight.links()))} if ids else {}


def written_by(sight: Sight, party: str, name: str) -> dict[str, str]:
    """``{author, author_name}``: ``agent``, ``provider:<slug>``, ``requester`` or ``tandem``. Who wrote is known from
    the account or the link, never from a text. Others than our own people learn nothing of another provider."""
    kind, _, rest = party.partition(":")
    if kind == "provider" and not sight.everything and party != sight.party:
        return {"author": "provider", "author_name": ""}
    if kind == "requester":
        known = sight.everything or sight.principal.scope == "own" or sight.share.allows("requester.name")
        return {"author": "requester", "author_name": (name or rest) if known else ""}
    return {"author": party, "author_name": name}


def _page(
    conn: Connection, table: Table, of: Any, mine: Any, after: int, limit: int, newest: bool
) -> tuple[Part, list[Any]]:
    query = select(table).where(of, mine)
    if newest:
        rows = list(conn.execute(query.order_by(table.c.id.desc()).limit(limit)))[::-1]
        return Part([]), rows
    rows = list(conn.execute(query.where(table.c.id > after).order_by(table.c.id).limit(limit + 1)))
    more = len(rows) > limit
    return Part([], rows[limit - 1].id if more else None), rows[:limit]
