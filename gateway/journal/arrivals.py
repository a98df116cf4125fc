"""What came in, stored raw before anything else happens; each delivery once (unique on connection and delivery key)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.base import Arrival as Webhook
from connectors.base import Change, Event, Item, Record
from gateway import plain
from gateway.store import tables
from gateway.store.db import Road

COLUMNS = ("id", "connection_id", "delivery_key", "kind", "head", "body", "received_at", "read_began", "state")
_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})


@dataclass(frozen=True, slots=True)
class Stored:
    """An arrival as it is read back to be worked on."""

    id: int
    connection_id: int
    kind: str
    head: dict[str, Any]
    body: bytes
    read_began: int | None
    tries: int


def of_webhook(id: int, connection: int, hook: Webhook, delivery: str | None, now: int) -> tuple[Any, ...]:
    """The row of a verified webhook. Credentials it carried are not kept."""
    headers = {k: v for k, v in hook.headers.items() if k not in _SECRET_HEADERS}
    head = plain.text({"method": hook.method, "query": dict(hook.query), "headers": headers})
    key = f"hook:{delivery}" if delivery is not None else None
    return id, connection, key, "webhook", head, hook.body, now, None, tables.WAITING


def of_change(
    id: int, connection: int, key: str | None, feed: str, change: Change, now: int, began: int
) -> tuple[Any, ...]:
    """The row of one line of a feed page."""
    body = plain.text({"record_id": change.record_id, "record": _plain(change.record), "item": _plain(change.item)})
    head = plain.text({"feed": feed, "stamp": change.stamp})
    return id, connection, key, "poll", head, body.encode(), now, began, tables.WAITING


def store(road: Road, rows: Sequence[tuple[Any, ...]]) -> int:
    """Store arrivals; how many of them were new."""
    return road.insert(tables.arrival, COLUMNS, rows, ignore=True)


def claim(road: Road, limit: int, now: int) -> list[Stored]:
    """The oldest arrivals to work on. On PostgreSQL they stay locked to the end of the transaction."""
    sql = (
        "select id, connection_id, kind, head, body, read_began, tries from arrival"
        " where state = 0 and (due_at is null or due_at <= ?) order by id limit ? SKIP_LOCKED"
    )
    return [Stored(a, b, c, plain.read(d), bytes(e), f, g) for a, b, c, d, e, f, g in road.rows(sql, now, limit)]


def finish(road: Road, done: list[int], later: list[tuple[int, int]], dead: list[tuple[int, str]]) -> int:
    """Mark arrivals as done, to be looked at again (id, when), or dead (id, why); how many were still waiting."""
    count = road.run("update arrival set state = 1, due_at = null where id INTS(?) and state = 0", done) if done else 0
    for id, when in later:
        count += road.run("update arrival set due_at = ? where id = ? and state = 0", when, id)
    for id, why in dead:
        count += road.run("update arrival set state = 2, said = ? where id = ? and state = 0", why[:500], id)
    return count


def events(stored: Stored, parse: Any) -> list[Event]:
    """What an arrival means: a webhook by its connector, a line of a feed as it was stored."""
    if stored.kind == "webhook":
        head = stored.head
        found: list[Event] = parse(Webhook(head["method"], head["query"], head["headers"], stored.body))
        return found
    doc = plain.read(stored.body)
    record = record_of(doc["record"])
    if doc["item"] is not None:  # a worklog told by a feed of its own
        record = Record(doc["record_id"], worklogs=(Item(**_item(doc["item"])),))
    return [Event("changed", doc["record_id"], record=record)]


def _plain(value: Record | Item | None) -> Any:
    if value is None:
        return None
    found = {k: v for k, v in dataclasses.asdict(value).items() if k != "raw" and v not in (None, "", [], (), {})}
    return plain.read(plain.text(found, _iso))


def _iso(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} in a record")


def _time(value: str | None) -> datetime | None:
    return datetime.fromisoformat(value) if value else None


def record_of(doc: Any) -> Record | None:
    """A stored record."""
    if doc is None:
        return None
    items = {k: tuple(Item(**_item(i)) for i in doc.get(k, ())) for k in ("comments", "files", "worklogs")}
    return Record(**{"fields": {}, **doc, **items, "created": _time(doc.get("created"))})


def _item(doc: dict[str, Any]) -> dict[str, Any]:
    return {"author": None, "channel": "", **doc, "created": _time(doc.get("created"))}
