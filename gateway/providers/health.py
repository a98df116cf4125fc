"""How each connection is doing: its state, its breaker, its last signs of life, and what waits at it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.store.db import Road

_SQL = """select c.id, c.name, c.kind, p.slug, p.name, c.state, c.state_reason, c.intake, c.poll_every, c.poll_at,
 h.breaker, h.last_ok_at, h.last_error_at, h.last_error, h.last_arrival_at, h.last_poll_at,
 (select count(*) from link l where l.connection_id = c.id and l.role in ('holder', 'helper', 'guest')),
 (select count(*) from delivery d join link l on l.id = d.link_id where l.connection_id = c.id and d.state = 0),
 (select count(*) from delivery d join link l on l.id = d.link_id where l.connection_id = c.id and d.state in (2, 4)),
 (select count(*) from arrival a where a.connection_id = c.id and a.state in (2, 4)),
 (select max(a.received_at) from arrival a where a.connection_id = c.id and a.kind = 'webhook')
 from connection c join provider p on p.id = c.provider_id left join health h on h.connection_id = c.id"""


@dataclass(frozen=True)
class Health:
    """One connection as it is now. ``links``: live ones; ``waiting`` and ``dead``: deliveries; ``unread``: arrivals
    nobody could work on. Times in UTC microseconds, None for never."""

    id: int
    name: str
    kind: str
    provider: str
    provider_name: str
    state: str
    reason: str
    intake: str
    poll_every: int
    poll_at: int | None
    breaker: str
    last_ok_at: int | None
    last_error_at: int | None
    last_error: str
    last_arrival_at: int | None
    last_poll_at: int | None
    links: int
    waiting: int
    dead: int
    unread: int
    last_webhook_at: int | None


def everything(conn: Connection) -> list[Health]:
    """All connections by name."""
    return [Health(*row) for row in Road(conn, conn.dialect.name).rows(f"{_SQL} order by c.name")]


def of(conn: Connection, id: int) -> Health:
    """One connection."""
    return Health(*Road(conn, conn.dialect.name).rows(f"{_SQL} where c.id = ?", id)[0])
