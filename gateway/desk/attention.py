"""What needs a person: dead and held deliveries, arrivals nobody could read, open conflicts; and taking them up again.

Nothing that was accepted is ever dropped: it stands here until somebody replays it or decides (DESIGN.md I1). Lists are
newest first. Ids are inner ones; times are UTC microseconds.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from gateway.errors import Conflict, NotFound
from gateway.journal import audit
from gateway.journal.audit import Change, note, ticket_subject
from gateway.people.users import By
from gateway.store import tables
from gateway.store.db import Road
from gateway.store.tables import DEAD, HELD, WAITING

STATES = ("waiting", "done", "dead", "withdrawn", "held")
"""The words for the numbers in which deliveries and arrivals keep their state."""

STUCK = (DEAD, HELD)


@dataclass(frozen=True)
class Delivery:
    """One thing owed to a remote. ``said``: its last answer; ``lane_held``: why its lane waits for a person."""

    id: int
    ticket_id: int
    ticket: int
    connection: str
    kind: str
    state: str
    tries: int
    said: str
    lane_held: str
    created_at: int
    done_at: int | None
    due_at: int | None


@dataclass(frozen=True)
class Arrival:
    """One thing that came in. ``size`` in bytes; ``said``: why it could not be worked on."""

    id: int
    connection: str
    kind: str
    state: str
    tries: int
    said: str
    received_at: int
    size: int


@dataclass(frozen=True)
class Disagreement:
    """A field both sides changed, under the policy ``ask``. ``ours`` and ``theirs`` as they stand now."""

    id: int
    ticket_id: int
    ticket: int
    link_id: int
    connection: str
    field: str
    ours: Any
    theirs: Any
    state: str
    resolution: str
    opened_at: int
    closed_at: int | None


def deliveries(
    conn: Connection, states: Collection[int] = STUCK, connection: str = "", ticket: int | None = None, limit: int = 100
) -> list[Delivery]:
    """Deliveries in these states, of one connection or ticket where named."""
    d, t, k, n, c = tables.delivery.c, tables.ticket.c, tables.link.c, tables.lane.c, tables.connection.c
    query = (
        select(
            d.id, d.ticket_id, t.number.label("ticket"), c.name.label("connection"), d.kind, d.state, d.tries, d.said,
            n.held.label("lane_held"), d.created_at, d.done_at, n.due_at,
        )
        .join_from(tables.delivery, tables.ticket, t.id == d.ticket_id)
        .join(tables.link, k.id == d.link_id)
        .join(tables.lane, n.link_id == d.link_id)
        .join(tables.connection, c.id == k.connection_id)
        .where(d.state.in_(states))
        .order_by(d.id.desc())
        .limit(limit)
    )  # fmt: skip
    if connection:
        query = query.where(c.name == connection)
    if ticket is not None:
        query = query.where(d.ticket_id == ticket)
    return [Delivery(**{**row, "state": STATES[row["state"]]}) for row in conn.execute(query).mappings()]


def arrivals(
    conn: Connection, states: Collection[int] = STUCK, connection: str = "", limit: int = 100
) -> list[Arrival]:
    """Arrivals in these states, of one connection where named."""
    a, c = tables.arrival.c, tables.connection.c
    query = (
        select(
            a.id, c.name.label("connection"), a.kind, a.state, a.tries, a.said, a.received_at,
            func.length(a.body).label("size"),
        )
        .join_from(tables.arrival, tables.connection)
        .where(a.state.in_(states))
        .order_by(a.id.desc())
        .limit(limit)
    )  # fmt: skip
    if connection:
        query = query.where(c.name == connection)
    return [Arrival(**{**row, "state": STATES[row["state"]]}) for row in conn.execute(query).mappings()]


def conflicts(
    conn: Connection, everything: bool = False, ticket: int | None = None, limit: int = 100
) -> list[Disagreement]:
    """The open conflicts; with ``everything`` the closed ones too."""
    f, t, k, c = tables.conflict.c, tables.ticket.c, tables.link.c, tables.connection.c
    query = (
        select(
            f.id, f.ticket_id, t.number.label("ticket"), f.link_id, c.name.label("connection"), f.field, f.ours,
            f.theirs, f.state, f.resolution, f.opened_at, f.closed_at,
        )
        .join_from(tables.conflict, tables.ticket, t.id == f.ticket_id)
        .join(tables.link, k.id == f.link_id)
        .join(tables.connection, c.id == k.connection_id)
        .order_by(f.id.desc())
        .limit(limit)
    )  # fmt: skip
    if not everything:
        query = query.where(f.state == "open")
    if ticket is not None:
        query = query.where(f.ticket_id == ticket)
    rows = conn.execute(query).mappings()
    return [
        Disagreement(**{**row, "ours": json.loads(row["ours"]), "theirs": json.loads(row["theirs"])}) for row in rows
    ]


def conflict(conn: Connection, id: int) -> Disagreement:
    """One open conflict. Raises NotFound, or Conflict when it was closed meanwhile."""
    found = conn.execute(select(tables.conflict).where(tables.conflict.c.id == id)).one_or_none()
    if found is None:
        raise NotFound("no such conflict", "conflict", fix="See: tandem conflict list")
    if found.state != "open":
        raise Conflict("this conflict is closed", "conflict", found.resolution, "There is nothing left to decide.")
    return next(one for one in conflicts(conn, ticket=found.ticket_id, limit=1000) if one.id == id)


def replay_delivery(conn: Connection, by: By, id: int, reason: str = "") -> int:
    """Send a dead or held delivery again, first in its lane; the connection's id. The audit trail of its ticket says
    so. The caller commits and then rings ``deliver``. Raises NotFound, Conflict."""
    road = Road(conn, conn.dialect.name)
    found = road.rows("select ticket_id from delivery where id = ?", id)
    if not found:
        raise NotFound("no such delivery", "delivery", fix="See: tandem delivery list --dead")
    ticket = found[0][0]
    head = road.rows("select audit_seq, audit_mac from ticket where id = ? LOCK", ticket)[0]
    state, link, kind, body = road.rows("select state, link_id, kind, body from delivery where id = ?", id)[0]
    sql = "select role, state, pairs, connection_id from link where id = ?"
    role, there, pairs, connection = road.rows(sql, link)[0]
    _refuse(state, kind, role, there)
    payload = {"reason": reason, "did": [["replayed", {"delivery": str(id), "kind": kind}]]}
    audited(road, by, Change(ticket_subject(ticket), (head[0], bytes(head[1])), by.actor, "replayed", "", payload))
    moved = _unparked(json.loads(pairs), json.loads(body), kind)
    road.run("update link set pairs = ? where id = ?", json.dumps(moved, ensure_ascii=False), link)
    road.run("update delivery set state = ?, tries = 0, said = '', done_at = null where id = ?", WAITING, id)
    road.run("update lane set due_at = ?, tries = 0, held = '', freed_at = ? where link_id = ?", by.at, by.at, link)
    if kind == "download":
        sql = "update attachment set state = 'remote' where state = 'refused' and id = ?"
        road.run(sql, road.rows("select item_id from delivery where id = ?", id)[0][0])
    return int(connection)


def _refuse(state: int, kind: str, role: str, there: str) -> None:
    if state not in STUCK:
        raise Conflict("only what is dead or held can be replayed", "delivery", STATES[state])
    if role == "ended" and kind in ("create", "update"):  # a last word may still be said
        raise Conflict("its link has ended", "delivery", role, "Escalate the ticket again instead.")
    if there != "live":
        raise Conflict(f"the record there is {there}", "delivery", there, "Take the ticket back, or escalate it anew.")


def audited(road: Road, by: By, change: Change) -> None:
    """The ticket's next version, with its audit entry; its row is locked."""
    written = audit.rows_for(by.key, by.at, [change])
    audit.write(road, written)
    sql = "update ticket set version = version + 1, updated_at = ?, audit_seq = ?, audit_mac = ? where id = ?"
    road.run(sql, by.at, *written.heads[change.subject], int(change.subject.partition(":")[2]))


def _unparked(pairs: dict[str, Any], body: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The link's pairs with the fields of this delivery owed again, where a refusal had parked them."""
    for name in pairs if kind == "create" else body.get("fields", ()):
        pair = pairs.get(name)
        if pair is not None and pair[3] == "ignored":
            pair[2], pair[3] = pair[2] or 1, ""
    return pairs


def replay_arrival(conn: Connection, by: By, id: int, reason: str = "") -> None:
    """Work on a dead, held or finished arrival again; meeting an old one twice changes nothing. The caller commits and
    then rings ``process``. Raises NotFound, Conflict."""
    road = Road(conn, conn.dialect.name)
    sql = "select a.state, c.name from arrival a join connection c on c.id = a.connection_id where a.id = ?"
    found = road.rows(sql, id)
    if not found:
        raise NotFound("no such arrival", "arrival", fix="See: tandem arrival list")
    state, name = found[0]
    if state == WAITING:
        raise Conflict("it is waiting to be worked on already", "arrival", STATES[state])
    sql = "update arrival set state = ?, due_at = null, tries = 0, said = '' where id = ? and state = ?"
    road.run(sql, WAITING, id, state)
    note(conn, by.key, by.at, f"connection:{name}", by.actor, "arrival replayed", reason, {"arrival": str(id)})
