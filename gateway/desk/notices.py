"""Notices: what a person should know of a ticket or a connection, and their end.

Most end by themselves, when what they tell of is over (``decide.plan.Planner.over``); a person may tick off any. Ids
are inner ones; times are UTC microseconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, true

from gateway.desk.attention import audited
from gateway.errors import Conflict, NotFound
from gateway.journal.audit import Change, note, ticket_subject
from gateway.people.users import By
from gateway.store import tables
from gateway.store.db import Road

_N = tables.notice.c


@dataclass(frozen=True)
class Notice:
    """One notice. ``ticket``: its number, None where it is about a connection alone; ``count``: how often it came."""

    id: int
    ticket_id: int | None
    ticket: int | None
    connection: str
    kind: str
    field: str
    text: str
    state: str
    count: int
    created_at: int
    closed_at: int | None


def everything(
    conn: Connection, state: str = "open", before: int | None = None, limit: int = 100, id: int | None = None
) -> list[Notice]:
    """Notices, newest first. ``state``: open, closed or all; ``before``: older ones; ``id``: this one alone."""
    t, k, c = tables.ticket.c, tables.link.c, tables.connection.c
    query = (
        select(tables.notice, t.number, func.coalesce(c.name, "").label("at"), _N["count"].label("times"))
        .outerjoin(tables.ticket, t.id == _N.ticket_id)
        .outerjoin(tables.link, k.id == _N.link_id)
        .outerjoin(tables.connection, c.id == func.coalesce(_N.connection_id, k.connection_id))
        .where(true() if state == "all" else _N.state == state)
        .where(_N.id < before if before is not None else true())
        .where(_N.id == id if id is not None else true())
        .order_by(_N.id.desc())
        .limit(limit)
    )
    return [
        Notice(r.id, r.ticket_id, r.number, r.at, r.kind, r.field, r.text, r.state, r.times, r.created_at, r.closed_at)
        for r in conn.execute(query)
    ]


def one(conn: Connection, id: int) -> Notice:
    """One notice, open or closed. Raises NotFound."""
    found = everything(conn, "all", limit=1, id=id)
    if not found:
        raise NotFound("no such notice", "notice")
    return found[0]


def close(conn: Connection, by: By, id: int, reason: str = "") -> None:
    """Tick a notice off; the audit trail of its ticket (else of its connection) says so. Raises NotFound, Conflict."""
    road, told = Road(conn, conn.dialect.name), one(conn, id)
    if told.ticket_id is not None:
        sql = "select audit_seq, audit_mac from ticket where id = ? LOCK"
        seq, mac = road.rows(sql, told.ticket_id)[0]
    sql = "update notice set state = 'closed', closed_at = ? where id = ? and state = 'open'"
    if not road.run(sql, by.at, id):
        raise Conflict("this notice is closed", "notice", fix="There is nothing left to do.")
    said = {"notice": str(id), "kind": told.kind, "field": told.field, "text": told.text}
    if told.ticket_id is not None:
        payload = {"reason": reason, "did": [["notice_closed", said]]}
        subject = ticket_subject(told.ticket_id)
        audited(road, by, Change(subject, (seq, bytes(mac)), by.actor, "notice_closed", "", payload))
    else:
        subject = f"connection:{told.connection}" if told.connection else "notices"
        note(conn, by.key, by.at, subject, by.actor, "notice_closed", "", {"reason": reason, **said})
