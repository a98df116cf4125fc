"""What another Tandem brought to us, as it may read it: by its reference, and what changed since (ADR 17)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from gateway.decide.facts import GUEST
from gateway.desk.read import conditions, head
from gateway.desk.sight import Sight, sight
from gateway.people.principal import Principal
from gateway.runtime import Runtime
from gateway.store.tables import link, ticket


@dataclass(frozen=True)
class Wanted:
    """Which of them. ``filters``: as for all tickets. ``since``: changed then or later, in UTC microseconds, and those
    changed longest ago first; ``after``: the inner id of the last ticket before, which changed at ``since``."""

    reference: str = ""
    since: int | None = None
    after: int | None = None
    limit: int = 50
    filters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """``tickets``: heads with ``reference``. ``next``: the inner id to go on after, or None; ``moved``: when that one
    changed, in UTC microseconds."""

    tickets: list[dict[str, Any]] = field(default_factory=list)
    next: int | None = None
    moved: int = 0


def brought(conn: Connection, rt: Runtime, principal: Principal, wanted: Wanted) -> Page:
    """A page of the tickets that guests brought and this reader sees."""
    seen = sight(conn, rt, principal)
    query = select(ticket, link.c.remote_id).join_from(ticket, link, link.c.ticket_id == ticket.c.id)
    query = query.where(seen.tickets(), seen.links(), link.c.role == GUEST, *conditions(seen, rt, wanted.filters))
    if wanted.reference:
        query = query.where(link.c.remote_id == wanted.reference)
    if wanted.since is None:
        query = query.order_by(ticket.c.id.desc())
        query = query if wanted.after is None else query.where(ticket.c.id < wanted.after)
    else:
        at, id = ticket.c.updated_at, ticket.c.id
        later = at >= wanted.since
        if wanted.after is not None:
            later = or_(at > wanted.since, and_(at == wanted.since, id > wanted.after))
        query = query.where(later).order_by(at, id)
    found = list(conn.execute(query.limit(wanted.limit + 1)))
    rows = found[: wanted.limit]
    told = [{**head(rt, seen, row), "reference": row.remote_id} for row in rows]
    return Page(told, rows[-1].id, rows[-1].updated_at) if len(found) > wanted.limit else Page(told)


def find(conn: Connection, principal: Principal, reference: str) -> int | None:
    """The inner id of the ticket that this guest brought under a reference."""
    c = link.c
    query = select(c.ticket_id).where(
        c.connection_id == principal.connection_id, c.remote_id == reference, c.role == GUEST
    )
    return conn.execute(query).scalar()


def is_one(conn: Connection, principal: Principal, ticket_id: int) -> bool:
    """Whether this provider brought the ticket."""
    c = link.c
    query = select(c.id).where(c.ticket_id == ticket_id, c.connection_id == principal.connection_id, c.role == GUEST)
    return principal.scope == "connection" and conn.execute(query).first() is not None


def reference(conn: Connection, seen: Sight, ticket_id: int) -> str | None:
    """Under which reference the reader brought a ticket, or (for our own people) somebody did."""
    return conn.execute(
        select(link.c.remote_id).where(seen.links(), link.c.ticket_id == ticket_id, link.c.role == GUEST)
    ).scalar()
