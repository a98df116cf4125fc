"""What a desk had when the mapping at work there was proved: kept until another version is, to compare with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select, update

from connectors.base import Json
from gateway.store import tables

DAY = 86_400_000_000
"""Microseconds between two looks."""

_W = tables.watch.c


@dataclass(frozen=True)
class Watch:
    """``lists``: theirs at the proof; ``told``: what the last look found, as (severity, sentence); ``said``: why it
    failed; times in UTC microseconds."""

    connection_id: int
    mapping_id: int
    lists: Json
    told: tuple[tuple[str, str], ...]
    said: str
    looked_at: int | None
    due_at: int


def remember(conn: Connection, connection: Any) -> Watch:
    """The watch of a connection (its row); begun with the lists the connection holds where there is none, or where
    another version of the mapping was put to work since."""
    row = conn.execute(select(tables.watch).where(_W.connection_id == connection.id)).first()
    if row is not None and row.mapping_id == connection.mapping_id:
        return _watch(row, row.mapping_id, json.loads(row.lists))
    lists = json.loads(connection.found).get("lists") or {}
    values = {"mapping_id": connection.mapping_id, "lists": json.dumps(lists)}
    if row is not None:
        conn.execute(update(tables.watch).where(_W.connection_id == connection.id).values(values))
        return _watch(row, connection.mapping_id, lists)
    due = connection.created_at + DAY
    conn.execute(insert(tables.watch).values(connection_id=connection.id, due_at=due, **values))
    return Watch(connection.id, connection.mapping_id, lists, (), "", None, due)


def _watch(row: Any, mapping_id: int, lists: Json) -> Watch:
    told = tuple((severity, sentence) for severity, sentence in json.loads(row.told))
    return Watch(row.connection_id, mapping_id, lists, told, row.said, row.looked_at, row.due_at)


def forget(conn: Connection, connection_id: int) -> None:
    """Its mapping was proved anew against what the desk has today."""
    conn.execute(update(tables.watch).where(_W.connection_id == connection_id).values(mapping_id=0))


def both(conn: Connection, connection_id: int, today: Json) -> Json:
    """Today's lists with what was in them at the proof and is gone: all that the mapping at work names is there."""
    kept = conn.scalar(select(_W.lists).where(_W.connection_id == connection_id))
    found = dict(today or {})
    for name, rows in json.loads(kept or "{}").items():
        there = {(row.get("per"), row["id"]) for row in found.get(name, ())}
        found[name] = [*found.get(name, ()), *(row for row in rows if (row.get("per"), row["id"]) not in there)]
    return found
