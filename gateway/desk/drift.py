"""Drift: the records of a connection fetched one by one and compared with our tickets, field by field.

A two-way field corresponds when each side still shows its half of the agreed pair; a field that we alone keep, when
their record shows what we would write. What is on its way, parked or in conflict is told apart. Healing writes ours
again where we decide, and takes a fresh look where they may.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from connectors import errors
from gateway import gather
from gateway.decide.facts import Leg, Link, Ticket
from gateway.decide.merge import token
from gateway.evidence import observed
from gateway.providers.desks import Desk
from gateway.runtime import Runtime
from gateway.store import tables
from gateway.store.db import Road

SLICE = 100
"""Links read at a time, so that no look at the database is long."""

WAYS = ("sending", "conflict", "held", "refused", "theirs", "ours", "drift")
"""Why a field differs: ours is on its way; a person has to decide; their value means nothing here; they refused it;
they changed it and we have not taken it; we have and owe it nowhere; they changed what is ours alone."""

OPEN = ("sending", "conflict", "held")
"""Differences that are known and said elsewhere; healing leaves them alone."""


@dataclass(frozen=True)
class Difference:
    """One field that does not correspond. ``why`` is one of ``WAYS``; values in each side's own words."""

    field: str
    why: str
    ours: Any
    theirs: Any


@dataclass(frozen=True)
class Compared:
    """One live link after a look at its record. ``said``: why it could not be looked at, else empty."""

    ticket_id: int
    ticket: int
    link_id: int
    remote: str
    differences: tuple[Difference, ...] = ()
    said: str = ""
    fetched: bool = field(default=True)

    @property
    def heals(self) -> tuple[str, ...]:
        """The fields that are written again when it is healed."""
        return tuple(one.field for one in self.differences if one.why in ("drift", "ours", "refused"))

    @property
    def looks(self) -> bool:
        """Whether healing it means to look again: something of theirs was never taken in."""
        return any(one.why == "theirs" for one in self.differences)


def look(rt: Runtime, connection: int) -> Iterator[Compared]:
    """Every live link of a connection with its differences. The desk is asked once for each."""
    desk = rt.desks.desk(connection)
    last = 0
    while True:
        with rt.store.read() as conn:
            road = Road(conn, rt.store.dialect)
            found = _slice(conn, connection, last)
            state = gather.state(gather.read(road, {ticket for _, ticket in found}, set(), False))
        for id, _ in found:
            link = state.links[id]
            assert link.ticket_id is not None
            yield _compared(rt, desk, state.tickets[link.ticket_id], link)
        if len(found) < SLICE:
            return
        last = found[-1][0]


def _slice(conn: Connection, connection: int, last: int) -> list[tuple[int, int]]:
    c = tables.link.c
    live = (c.connection_id == connection) & c.role.in_(("holder", "helper")) & c.remote_id.is_not(None)
    query = select(c.id, c.ticket_id).where(live, c.ticket_id.is_not(None), c.id > last).order_by(c.id).limit(SLICE)
    return [(row.id, row.ticket_id) for row in conn.execute(query)]


def _compared(rt: Runtime, desk: Desk, ticket: Ticket, link: Link) -> Compared:
    leg = rt.desks.of(link.connection_id, link.mapping_id)
    remote = link.remote_number or link.remote_id or ""
    about = (ticket.id, ticket.number, link.id, remote)
    if link.state != "live":
        return Compared(*about, said=f"the record there is {link.state}", fetched=False)
    assert link.remote_id is not None
    try:
        record = desk.connector.fetch(rt.context(desk), link.remote_id, False)
    except errors.Outcome as error:
        return Compared(*about, said=error.said, fetched=False)
    if record.state != "live":
        return Compared(*about, said=f"the record there is {record.state}")
    seen = observed(link.connection_id, record, "fetch", desk.people, desk.person_fields, items=False)
    return Compared(*about, tuple(compare(leg, ticket, link, seen.fields)))


def compare(leg: Leg, ticket: Ticket, link: Link, record: dict[str, Any] | Any) -> Iterable[Difference]:
    """What does not correspond between a ticket and a record that was just read. Pure."""
    holds = leg.mapping.observe(record)
    for name, rule in leg.mapping.fields.items():
        if name not in holds or (name == "status" and link.role != "holder"):
            continue
        why = _why(leg, ticket, link, name, rule.direction, holds[name], record)
        if why:
            yield Difference(name, why, ticket.fields.get(name), holds[name])


def _why(leg: Leg, ticket: Ticket, link: Link, name: str, direction: str, theirs: Any, record: dict[str, Any]) -> str:
    pair = link.pairs.get(name)
    ours = ticket.fields.get(name)
    if direction == "out":
        shared = leg.share is not None and leg.share.allows(name)
        if not shared or (pair is not None and pair.speaks):
            return "sending" if shared else ""
        written = leg.mapping.write({name: ours}, record, False, ticket.fields).wires
        return "drift" if name in written and token(written[name]) != token(theirs) else ""
    if pair is None:
        return "theirs" if theirs not in (None, "", []) else ""
    if pair.park in ("ask", "held"):
        return {"ask": "conflict", "held": "held"}[pair.park]
    if token(theirs) != pair.theirs:
        return "theirs"
    if pair.speaks:
        return "sending"
    if pair.owed:
        return "refused"
    return "ours" if token(ours) != pair.ours and direction == "both" else ""


def look_again(rt: Runtime, links: Iterable[int]) -> None:
    """Let the lanes of these links fetch their records, and merge what they show. The caller rings ``deliver``."""
    ids = sorted(links)
    if not ids:
        return
    with rt.store.write() as conn:
        road = Road(conn, rt.store.dialect)
        road.run("update link set verify = 1 where id INTS(?)", ids)
        road.run("update lane set due_at = ? where link_id INTS(?) and due_at is null and held = ''", rt.now(), ids)
