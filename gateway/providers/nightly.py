"""Once a day each desk is asked for its fields and values again: what changed since its mapping was proved (M111)?

A field or value the mapping uses that went is an error: the connection shows it, and the rest goes on (what is gone is
still known here, so that the mapping at work can be read). A value that appeared is a warning with the row to add.
Either is told once, as a notice of the connection, and closes by itself when theirs is back or another version of the
mapping is at work. A desk that cannot be asked changes nothing but what is said of it.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, insert, select, update

from connectors import errors
from connectors.base import Json
from gateway.providers import publishing, versions, watch
from gateway.providers.watch import DAY, Watch
from gateway.runtime import Runtime
from gateway.store import tables
from gateway.store.ids import mint
from gateway.tickets.vocabulary import document
from mappings import prover
from mappings.model import Complaint, MappingError

AGAIN = 3_600_000_000
"""Microseconds until a desk that could not be asked is asked again."""

KIND = "catalogue"
"""Of the notices."""

GONE = "their lists have changed: "
"""Begins the reason that an active connection shows."""

_C, _N, _W = tables.connection.c, tables.notice.c, tables.watch.c


def look(rt: Runtime) -> bool:
    """Ask one active desk whose day is over; whether there was one."""
    now = rt.now()
    with rt.store.road() as road:
        rt.desks.refresh(road)
        due = road.rows(
            "select c.id from connection c left join watch w on w.connection_id = c.id where c.state = 'active'"
            " and coalesce(w.due_at, c.created_at + ?) <= ? order by c.id limit 1", DAY, now,
        )  # fmt: skip
    if not due or not _claimed(rt, due[0][0], now):
        return False
    ask(rt, due[0][0])
    return True


def _claimed(rt: Runtime, id: int, now: int) -> bool:
    """Whether this process is the one that asks: the next look is put off first."""
    with rt.store.write() as conn:
        before = watch.remember(conn, _row(conn, id))
        mine = update(tables.watch).where(_W.connection_id == id, _W.due_at == before.due_at)
        return conn.execute(mine.values(due_at=now + AGAIN)).rowcount == 1 and before.due_at <= now


def ask(rt: Runtime, id: int) -> Watch:
    """Ask one desk now for what it has, and keep what differs; what was found, ``said`` where it could not be asked."""
    desk = rt.desks.desk(id)
    try:
        told = desk.connector.lists(rt.context(desk))
    except errors.Outcome as error:
        return _failed(rt, id, error.said)
    with rt.store.write() as conn:
        found = _compared(rt, conn, id, dict(told))
    rt.desks.load()
    return found


def _failed(rt: Runtime, id: int, said: str) -> Watch:
    with rt.store.write() as conn:
        now = rt.now()
        before = watch.remember(conn, _row(conn, id))
        conn.execute(update(tables.watch).where(_W.connection_id == id).values(said=said, due_at=now + AGAIN))
        health = update(tables.health).where(tables.health.c.connection_id == id)
        conn.execute(health.values(last_error_at=now, last_error=f"its lists cannot be read: {said}"))
    return Watch(id, before.mapping_id, before.lists, before.told, said, before.looked_at, now + AGAIN)


def _compared(rt: Runtime, conn: Connection, id: int, told: dict[str, Json]) -> Watch:
    """What differs from the proof, told and kept. A list that cannot be read any more counts as unchanged."""
    row, now = _row(conn, id), rt.now()
    before = watch.remember(conn, row)
    lists = {**before.lists, **told}
    complaints = drift(rt, conn, row, before.lists, lists)
    sentences = tuple((one.severity, sentence(one, row.name)) for one in complaints)
    _tell(conn, id, {text for _, text in before.told}, {text for _, text in sentences}, now)
    gone = sum(severity == "E" for severity, _ in sentences)
    found = {**json.loads(row.found), "lists": lists}
    reason = f"{GONE}{gone} that the mapping uses {'is' if gone == 1 else 'are'} gone" if gone else ""
    values: dict[str, Any] = {}
    if row.state == "active" and (reason or row.state_reason.startswith(GONE)) and row.state_reason != reason:
        values["state_reason"] = reason
    if lists and found != json.loads(row.found):
        values |= {"found": json.dumps(found), "version": row.version + 1}
    if values:
        conn.execute(update(tables.connection).where(_C.id == id).values(values))
    kept = {"told": json.dumps(sentences), "said": "", "looked_at": now, "due_at": now + DAY}
    conn.execute(update(tables.watch).where(_W.connection_id == id).values(kept))
    return Watch(id, before.mapping_id, before.lists, sentences, "", now, now + DAY)


def drift(rt: Runtime, conn: Connection, row: Any, before: Json, now: Json) -> list[Complaint]:
    """M111 for the mapping at work at a connection; nothing where it no longer fits what it was proved against."""
    connector = rt.desks.desk(row.id).connector
    declared = json.loads(row.declared)
    then, today = (connector.catalogue(lists, declared).doc for lists in (before, now))
    used = versions.by_id(conn, row.mapping_id)
    try:
        return prover.drift(used.text, then, today, document(), publishing.pinned(conn, used), used.name)
    except MappingError:
        return []


def sentence(one: Complaint, connection: str) -> str:
    """``Waiting-Vendor-2 appeared in status at acme; add the row `Waiting-Vendor-2: ...` (acme-rt:12)``"""
    return f"{one.cause} at {connection}; {one.fix} ({one.file}:{one.line})"


def _tell(conn: Connection, id: int, before: Collection[str], now: Collection[str], at: int) -> None:
    """A notice for what is new, and the end of those that are over; one a person ticked off is not told again."""
    open_ = (_N.connection_id == id) & (_N.kind == KIND) & (_N.state == "open")
    for text in sorted(set(now) - set(before)):
        conn.execute(insert(tables.notice).values(id=mint(), connection_id=id, kind=KIND, text=text, created_at=at))
    over = [row.id for row in conn.execute(select(_N.id, _N.text).where(open_)) if row.text not in now]
    if over:
        conn.execute(update(tables.notice).where(_N.id.in_(over)).values(state="closed", closed_at=at))


def _row(conn: Connection, id: int) -> Any:
    return conn.execute(select(tables.connection).where(_C.id == id).with_for_update()).one()
