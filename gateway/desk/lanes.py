"""Lanes that wait for a person: behind a create that was refused, between two records of one reference, stopped by the
loop brake; and letting them go on."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, true

from gateway.desk.attention import STUCK, audited
from gateway.errors import Conflict, NotFound
from gateway.journal.audit import Change, ticket_subject
from gateway.people.users import By
from gateway.store import tables
from gateway.store.db import Road
from gateway.store.tables import WAITING


@dataclass(frozen=True)
class Lane:
    """A lane, by the inner id of its link. ``held``: why it waits, "" if it does not; ``waiting``: its deliveries."""

    link_id: int
    ticket_id: int
    ticket: int
    connection: str
    remote: str
    held: str
    waiting: int


def held(conn: Connection, link: int | None = None, limit: int = 1000) -> list[Lane]:
    """The lanes that wait for a person, newest first; or one lane, however it stands."""
    n, k, t, c, d = tables.lane.c, tables.link.c, tables.ticket.c, tables.connection.c, tables.delivery.c
    waiting = select(func.count()).where(d.link_id == n.link_id, d.state == WAITING).scalar_subquery()
    query = (
        select(n.link_id, k.ticket_id, t.number, c.name, k.remote_number, n.held, waiting.label("waiting"))
        .join_from(tables.lane, tables.link, k.id == n.link_id)
        .join(tables.ticket, t.id == k.ticket_id)
        .join(tables.connection, c.id == k.connection_id)
        .where(n.held != "" if link is None else true())
        .where(n.link_id == link if link is not None else true())
        .order_by(n.link_id.desc())
        .limit(limit)
    )
    return [Lane(*row) for row in conn.execute(query)]


def one(conn: Connection, link: int) -> Lane:
    """One lane. Raises NotFound."""
    found = held(conn, link)
    if not found:
        raise NotFound("no such lane", "lane", fix="See: tandem lane list")
    return found[0]


def release(conn: Connection, by: By, link: int, reason: str = "") -> None:
    """Let a held lane go on; the audit trail of its ticket says so. What it wrote before no longer counts as a loop.
    The caller commits and then rings ``deliver``. Raises NotFound, Conflict."""
    road, lane = Road(conn, conn.dialect.name), one(conn, link)
    sql = "select audit_seq, audit_mac from ticket where id = ? LOCK"
    seq, mac = road.rows(sql, lane.ticket_id)[0]
    lane = one(conn, link)
    if not lane.held:
        raise Conflict("this lane is not held", "lane", fix="There is nothing to release.")
    dead = "select id from delivery where link_id = ? and kind = 'create' and state in (?, ?)"
    if road.rows("select 1 from link where id = ? and remote_id is null", link) and road.rows(dead, link, *STUCK):
        fix = "Send that delivery again: nothing else can go there before the record is made."
        raise Conflict("it waits behind a new record that was refused", "lane", lane.held, fix)
    did = [["released", {"link": str(link), "connection": lane.connection, "held": lane.held}]]
    payload = {"reason": reason, "did": did}
    change = Change(ticket_subject(lane.ticket_id), (seq, bytes(mac)), by.actor, "released", "", payload)
    audited(road, by, change)
    road.run("update lane set due_at = ?, tries = 0, held = '', freed_at = ? where link_id = ?", by.at, by.at, link)
