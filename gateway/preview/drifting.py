"""What publishing a draft alone would leave different: it moves links and writes nothing (ENGINE.md 10)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from gateway import gather
from gateway.decide.facts import Leg, Link, Ticket
from gateway.decide.merge import ours, token
from gateway.store import tables
from gateway.store.db import Road, Store

SLICE = 100


def drift(store: Store, published: Leg, draft: Leg, most: int) -> tuple[dict[str, int], bool]:
    """In how many live links each field corresponds under the published mapping and would not under the draft, by the
    records as they were last seen; and whether there were more than ``most`` links, the newest first."""
    found: Counter[str] = Counter()
    last, looked = (1 << 63) - 1, 0
    while looked < most:
        with store.read() as conn:
            rows = _slice(conn, published.connection_id, last)
            state = gather.state(gather.read(Road(conn, store.dialect), {ticket for _, ticket in rows}, set(), False))
        for id, ticket in rows:
            link = state.links[id]
            apart = differing(draft, state.tickets[ticket], link) - differing(published, state.tickets[ticket], link)
            found.update(apart)
        looked += len(rows)
        if len(rows) < SLICE:
            return dict(found.most_common()), False
        last = rows[-1][0]
    return dict(found.most_common()), True


def _slice(conn: Connection, connection: int, last: int) -> list[tuple[int, int]]:
    c = tables.link.c
    live = (c.connection_id == connection) & c.role.in_(("holder", "helper")) & c.remote_id.is_not(None)
    query = select(c.id, c.ticket_id).where(live, c.ticket_id.is_not(None), c.id < last)
    return [(row.id, row.ticket_id) for row in conn.execute(query.order_by(c.id.desc()).limit(SLICE))]


def differing(leg: Leg, ticket: Ticket, link: Link) -> set[str]:
    """The fields in which both sides mean different things, by the record as last seen. What is on its way is not."""
    record: Mapping[str, Any] = link.seen
    apart = set()
    for name, wire in leg.mapping.observe(record).items():
        rule, pair = leg.mapping.fields[name], link.pairs.get(name)
        if pair is not None and pair.speaks:
            continue
        if rule.direction == "out":
            told = leg.mapping.write({name: ticket.fields.get(name)}, record, False, ticket.fields).wires
            shares = leg.share is not None and leg.share.allows(name)
            if shares and name in told and token(told[name]) != token(wire):
                apart.add(name)
            continue
        got = leg.mapping.read(name, wire, record)
        now = token(link.leg_status) if name == "status" and link.role != "holder" else ours(ticket.fields, name)
        if got.kind == "held" or (got.kind == "value" and token(got.value) != now):
            apart.add(name)
    return apart
