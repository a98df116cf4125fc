"""Polling: what changed at a remote since the saved cursor, stored page by page together with the cursor.

It backs up every connection: a webhook that was never sent is healed here. A line of a feed that was stored before is
not stored again, except the newest ones, which may have changed once more within the remote's clock tick.
"""

from __future__ import annotations

from connectors.base import Change, Page
from gateway.journal import arrivals
from gateway.runtime import Runtime
from gateway.store.db import Road
from gateway.store.ids import mint


class Regressed(Exception):
    """The remote was restored from a backup: nothing is taken from it until a person chooses."""


MOST_PAGES = 200  # of one feed in one poll; the cursor is saved, so the next poll goes on


def due(road: Road, now: int) -> list[int]:
    """The connections whose poll is due."""
    sql = "select id from connection where state = 'active' and poll_at is not null and poll_at <= ? order by poll_at"
    return [row[0] for row in road.rows(sql, now)]


def poll(rt: Runtime, connection: int) -> int:
    """Poll every feed of a connection; how many arrivals were new. Raises ``connectors.errors.Outcome``."""
    desk = rt.desks.desk(connection)
    new = 0
    for feed in desk.connector.feeds:
        with rt.store.read() as conn:
            road = Road(conn, rt.store.dialect)
            saved = road.rows("select cursor, head from cursor where connection_id = ? and feed = ?", connection, feed)
        cursor, head = saved[0] if saved else (None, "")
        newest = head
        for number in range(MOST_PAGES):
            began = rt.now()
            page: Page = desk.connector.changed(rt.context(desk), feed, cursor)
            if page.regressed:
                raise Regressed(f"the feed {feed} no longer has what was read from it: the remote was set back")
            newest = max([newest, *(change.stamp for change in page.changes)])
            new += _store(rt, connection, feed, page, head, newest, began, number)
            if page.done or page.cursor == cursor:
                break
            cursor = page.cursor
    return new


def _store(rt: Runtime, connection: int, feed: str, page: Page, head: str, newest: str, began: int, number: int) -> int:
    """One page and its cursor in one transaction."""
    now = rt.now()
    rows = [
        arrivals.of_change(mint(), connection, _key(feed, change, head, began), feed, change, now, began)
        for change in page.changes
    ]
    with rt.store.write() as conn:
        road = Road(conn, rt.store.dialect)
        new = arrivals.store(road, rows)
        rt.crash("K8")
        road.run(
            "insert into cursor (connection_id, feed, cursor, head, saved_at) values (?, ?, ?, ?, ?)"
            " on conflict (connection_id, feed) do update"
            " set cursor = excluded.cursor, head = excluded.head, saved_at = excluded.saved_at",
            connection, feed, page.cursor, newest, now,
        )  # fmt: skip
        road.run("update health set last_poll_at = ? where connection_id = ?", now, connection)
    if new:
        rt.wake("process")
    return new


def _key(feed: str, change: Change, head: str, began: int) -> str:
    """New ground is keyed by the poll itself, ground seen before by its stamp: so each line is looked at once more
    after its tick is over, and then never again. ``head`` is the newest stamp the poll before this one saw."""
    fresh = f":{began}" if change.stamp > head else ""
    version = change.record.version if change.record is not None else ""
    return f"{feed}:{change.record_id}:{change.stamp}:{version or ''}{fresh}"


def schedule(road: Road, connection: int, now: int, after: float | None) -> None:
    """When to poll again: the connection's own interval, or what the remote asked for (seconds)."""
    wait = int(after * 1_000_000) if after is not None else 0
    sql = "update connection set poll_at = ? + (case when poll_every > ? then poll_every else ? end) where id = ?"
    road.run(sql, now, wait, wait, connection)
