"""What the console reads beside tickets: connections with their health, notices, the audit trail, the menu's counts."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, true

from gateway.clock import iso
from gateway.desk.actors import names
from gateway.desk.items import when
from gateway.journal import chain
from gateway.providers import health
from gateway.store import tables
from gateway.store.db import Road
from gateway.store.ids import Ids
from gateway.store.tables import DEAD, HELD

PAGE = 50


def alarms(conn: Connection) -> dict[str, int]:
    """How much waits for a person: ``dead`` deliveries and arrivals (and lanes that are held with none of them dead),
    open ``conflicts`` and ``notices``."""
    d, a, c, n, k = tables.delivery.c, tables.arrival.c, tables.conflict.c, tables.notice.c, tables.lane.c
    stuck = (DEAD, HELD)
    behind = select(d.id).where(d.link_id == k.link_id, d.state.in_(stuck)).exists()
    counts = [
        select(func.count()).where(d.state.in_(stuck)).scalar_subquery(),
        select(func.count()).where(a.state.in_(stuck)).scalar_subquery(),
        select(func.count()).where(k.held != "", k.ticket_id.is_not(None), ~behind).scalar_subquery(),
        select(func.count()).where(c.state == "open").scalar_subquery(),
        select(func.count()).where(n.state == "open").scalar_subquery(),
    ]
    deliveries, arrivals, lanes, conflicts, notices = conn.execute(select(*counts)).one()
    return {"dead": deliveries + arrivals + lanes, "conflicts": conflicts, "notices": notices}


_STAMP = """select t.version, (select max(id) from notice where ticket_id = t.id),
 (select coalesce(sum(count), 0) from notice where ticket_id = t.id and state = 'open'),
 (select count(*) from delivery where ticket_id = t.id), (select max(done_at) from delivery where ticket_id = t.id),
 (select coalesce(sum(state), 0) from delivery where ticket_id = t.id),
 (select coalesce(sum(tries), 0) from delivery where ticket_id = t.id),
 (select coalesce(sum(n.tries), 0) from link l join lane n on n.link_id = l.id where l.ticket_id = t.id),
 (select max(n.due_at) from link l join lane n on n.link_id = l.id where l.ticket_id = t.id),
 (select count(*) from link l join lane n on n.link_id = l.id where l.ticket_id = t.id and n.held <> '')
 from ticket t where t.number = ?"""


def stamp(conn: Connection, number: str) -> str:
    """Changes whenever something on the page of ticket ``T-1042`` does, and costs little to ask for."""
    digits = number[2:20]
    rows = Road(conn, conn.dialect.name).rows(_STAMP, int(digits) if digits.isdecimal() else 0)
    return ".".join(str(value) for value in [*(rows[0] if rows else ()), *alarms(conn).values()])


def connections(conn: Connection, name: str = "") -> list[dict[str, Any]]:
    """``providers.health`` as the pages show it, with ``mapping fails breaker_until oldest_due``, by name."""
    extras = _extras(conn)
    return [
        {
            **asdict(one),
            **{key: when(getattr(one, key)) for key in ("poll_at", *_SIGNS)},
            "breaker": one.breaker or "closed",
            "last_error": one.last_error or "",
            "poll_every": one.poll_every // 1_000_000,
            **extras[one.id],
            "last_ok_at": when(max((us for us in (one.last_ok_at, one.last_poll_at, sent) if us), default=None)),
            "last_arrival_at": when(max((us for us in (one.last_arrival_at, came) if us), default=None)),
        }
        for one in health.everything(conn)
        if not name or one.name == name
        for sent, came in [_last(conn, one.id)]
    ]


_SIGNS = ("last_ok_at", "last_error_at", "last_arrival_at", "last_poll_at", "last_webhook_at")


def _last(conn: Connection, id: int) -> tuple[int | None, int | None]:
    """When a try there last succeeded and when something last came in: health notes them only after trouble."""
    a, k, r = tables.attempt.c, tables.link.c, tables.arrival.c
    sent = select(a.ended_at).join_from(tables.attempt, tables.link).where(k.connection_id == id, a.outcome == "ok")
    came = select(r.received_at).where(r.connection_id == id)
    return conn.scalar(sent.order_by(a.id.desc()).limit(1)), conn.scalar(came.order_by(r.id.desc()).limit(1))


def _extras(conn: Connection) -> dict[int, dict[str, Any]]:
    """What a page says of a connection beside its health."""
    c, h, m, n = tables.connection.c, tables.health.c, tables.document.c, tables.lane.c
    oldest = select(func.min(n.due_at)).where(n.connection_id == c.id).scalar_subquery()
    query = (
        select(c.id, m.name, m.version, h.fails, h.until, oldest.label("oldest"))
        .join_from(tables.connection, tables.document, m.id == c.mapping_id)
        .outerjoin(tables.health, h.connection_id == c.id)
    )
    return {
        row.id: {
            "mapping": f"{row.name}@{row.version}",
            "fails": row.fails or 0,
            "breaker_until": when(row.until),
            "oldest_due": when(row.oldest),
        }
        for row in conn.execute(query)
    }


def attempts(conn: Connection, connection_id: int, limit: int = 25) -> list[dict[str, Any]]:
    """The newest tries at this connection: ``{kind, outcome, said, started_at, ended_at, number}``."""
    t, k, a = tables.ticket.c, tables.link.c, tables.attempt.c
    query = (
        select(a.kind, a.outcome, a.said, a.started_at, a.ended_at, t.number)
        .join_from(tables.attempt, tables.link, k.id == a.link_id)
        .outerjoin(tables.ticket, t.id == k.ticket_id)
        .where(k.connection_id == connection_id)
        .order_by(a.id.desc())
        .limit(limit)
    )
    return [
        {**row._asdict(), "started_at": iso(row.started_at), "ended_at": when(row.ended_at)}
        for row in conn.execute(query)
    ]


def arrivals(conn: Connection, connection_id: int, limit: int = 25) -> list[dict[str, Any]]:
    """What came in last: ``{kind, state, said, received_at}``."""
    a = tables.arrival.c
    query = select(a.kind, a.state, a.said, a.received_at).where(a.connection_id == connection_id)
    words = ("waiting", "done", "dead", "withdrawn", "held")
    return [
        {"kind": row.kind, "state": words[row.state], "said": row.said, "received_at": iso(row.received_at)}
        for row in conn.execute(query.order_by(a.id.desc()).limit(limit))
    ]


def notices(
    conn: Connection, ids: Ids, state: str = "open", before: int | None = None
) -> tuple[list[dict[str, Any]], int | None]:
    """The newest notices with their tickets, and the inner id to go on before."""
    n, t, k, c = tables.notice.c, tables.ticket.c, tables.link.c, tables.connection.c
    query = (
        select(tables.notice, t.number, t.title, func.coalesce(c.name, "").label("connection"))
        .outerjoin(tables.ticket, t.id == n.ticket_id)
        .outerjoin(tables.link, k.id == n.link_id)
        .outerjoin(tables.connection, c.id == func.coalesce(n.connection_id, k.connection_id))
        .where(n.state == state, n.id < before if before is not None else true())
        .order_by(n.id.desc())
        .limit(PAGE + 1)
    )
    rows = list(conn.execute(query))
    found = [
        {
            **{key: getattr(row, key) for key in ("kind", "field", "text", "count", "connection", "number", "title")},
            "id": ids.public(row.id),
            "created_at": iso(row.created_at),
        }
        for row in rows[:PAGE]
    ]
    return found, rows[PAGE - 1].id if len(rows) > PAGE else None


def trail(conn: Connection, subject: str = "", before: int | None = None) -> tuple[list[dict[str, Any]], int | None]:
    """The newest audit entries, of one subject where named, and the inner id to go on before."""
    a = tables.audit.c
    which: list[ColumnElement[bool]] = []
    if subject:
        which.append(a.subject == subject)
    if before is not None:
        which.append(a.id < before)
    rows = list(conn.execute(select(tables.audit).where(*which).order_by(a.id.desc()).limit(PAGE + 1)))
    entries = [chain.read(bytes(row.canon)) for row in rows[:PAGE]]
    subjects = [row.subject for row in rows[:PAGE]]
    named = names(conn, [*(entry.actor for entry in entries), *subjects])
    numbers = {**named, **_numbers(conn, subjects)}
    found = [
        {
            "subject": row.subject,
            "name": numbers.get(row.subject, row.subject),
            "seq": row.seq,
            "at": iso(entry.at),
            "actor": named[entry.actor],
            "verb": entry.verb,
            "mac": bytes(row.mac).hex()[:16],
            **_told(row.payload, entry.reason),
        }
        for row, entry in zip(rows[:PAGE], entries, strict=True)
    ]
    return found, rows[PAGE - 1].id if len(rows) > PAGE else None


def _told(payload: str, reason: str) -> dict[str, Any]:
    """What an entry's payload says: changes of fields, what was done, why; ``erased`` where it was blanked."""
    doc = json.loads(payload) if payload else {}
    did = [verb for verb, _ in doc.get("did", ())]
    rest = {k: v for k, v in doc.items() if k not in ("changes", "lost", "did", "ids", "reason")}
    return {
        "changes": doc.get("changes", {}),
        "lost": doc.get("lost", {}),
        "did": sorted(set(did), key=did.index),
        "rest": json.dumps(rest, ensure_ascii=False) if rest else "",
        "reason": doc.get("reason") or reason,
        "erased": not payload,
    }


def _numbers(conn: Connection, subjects: list[str]) -> dict[str, str]:
    """``ticket:<id>`` -> ``T-1042``."""
    ids = [int(rest) for subject in subjects for kind, _, rest in [subject.partition(":")] if kind == "ticket"]
    t = tables.ticket.c
    return {f"ticket:{id}": f"T-{n}" for id, n in conn.execute(select(t.id, t.number).where(t.id.in_(ids)))}
