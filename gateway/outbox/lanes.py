"""Claiming lanes: strictly one step in flight per link, by lease and fence, in a transaction that touches no ticket.

A claimed lane is due again by itself when its lease ends. What a worker that was killed had begun shows as an open
attempt: it counts as ``unknown``, never as not sent (ENGINE.md 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gateway import plain
from gateway.store import tables
from gateway.store.db import Road

LEASE = 90_000_000  # microseconds; longer than a request's deadline
DEADLINE = 30.0  # seconds a request may take in all


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery that waits in a lane. ``body`` as it was planned; ``v``: the ticket version it was planned for."""

    id: int
    link_id: int
    kind: str
    item_id: int | None
    part: int
    body: dict[str, Any]
    tries: int

    @property
    def v(self) -> int:
        return int(self.body.get("v", 0))


def due(road: Road, now: int) -> list[int]:
    """The connections with lanes to work on."""
    return [
        row[0]
        for row in road.rows("select distinct connection_id from lane where due_at is not null and due_at <= ?", now)
    ]


def next_due(road: Road) -> int | None:
    """When the next lane is due, in UTC microseconds; None when all are idle."""
    found: int | None = road.rows("select min(due_at) from lane where due_at is not null")[0][0]
    return found


def claim(road: Road, connection: int, limit: int, now: int) -> dict[int, tuple[int, int]]:
    """Take up to ``limit`` due lanes of a connection: link id -> (fence, failures in a row)."""
    if road.dialect == "postgresql":
        sql = (
            "with c as (select link_id from lane where connection_id = ? and due_at <= ?"
            " order by due_at limit ? SKIP_LOCKED)"
            " update lane set due_at = ?, fence = fence + 1 from c where lane.link_id = c.link_id"
            " returning lane.link_id, lane.fence, lane.tries"
        )
        rows = road.rows(sql, connection, now, limit, now + LEASE)
    else:
        sql = (
            "update lane set due_at = ?, fence = fence + 1 where link_id in"
            " (select link_id from lane where connection_id = ? and due_at <= ? order by due_at limit ?)"
            " returning link_id, fence, tries"
        )
        rows = road.rows(sql, now + LEASE, connection, now, limit)
    return {link: (fence, tries) for link, fence, tries in rows}


def doubt_open(road: Road, links: list[int], now: int) -> None:
    """An attempt left open by whoever held the lane before: its request may have landed."""
    sql = (
        "update attempt set outcome = 'unknown', ended_at = ?, said = 'the worker that sent it did not see the answer'"
        " where link_id INTS(?) and outcome is null"
    )
    road.run(sql, now, links)


def heads(road: Road, links: list[int]) -> dict[int, list[Waiting]]:
    """What waits in these lanes, in order."""
    sql = (
        "select id, link_id, kind, item_id, part, body, tries from delivery"
        " where link_id INTS(?) and state = 0 order by id"
    )
    found: dict[int, list[Waiting]] = {}
    for id, link, kind, item, part, body, tries in road.rows(sql, links):
        found.setdefault(link, []).append(Waiting(id, link, kind, item, part, plain.read(body), tries))
    return found


def settle(road: Road, rows: Sequence[tuple[int | None, int, int, int]]) -> None:
    """Give lanes back: (due_at or None for idle, tries, link id, fence). A lane taken over by another is left alone."""
    road.update(tables.lane, ("link_id", "fence"), ("due_at", "tries"), rows, only="held = ''")


def permits(road: Road, connection: int, drain: str, cap: int, mine: int, now: int) -> int:
    """How many more lanes of this connection this drain may take, and write down that it holds them all.

    The sum over all drains never exceeds ``cap``: on PostgreSQL the connection's health row serialises the claims."""
    if road.dialect == "postgresql":
        road.rows("select 1 from health where connection_id = ? LOCK", connection)
    others = road.rows(
        "select coalesce(sum(held), 0) from permit where connection_id = ? and drain <> ? and until > ?",
        connection,
        drain,
        now,
    )
    return max(0, cap - int(others[0][0]) - mine)


def hold(road: Road, connection: int, drain: str, held: int, now: int) -> None:
    """Say how many lanes of a connection this drain has in flight; none: the row goes."""
    if held == 0:
        road.run("delete from permit where connection_id = ? and drain = ?", connection, drain)
        return
    road.run(
        "insert into permit (connection_id, drain, held, until) values (?, ?, ?, ?)"
        " on conflict (connection_id, drain) do update set held = excluded.held, until = excluded.until",
        connection, drain, held, now + LEASE,
    )  # fmt: skip
