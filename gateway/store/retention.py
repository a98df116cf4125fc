"""What is kept only for a while: arrivals and facts 30 days, answers to repeated requests a day.

Deleted in slices, each its own short transaction, so that nobody waits for it. Audit entries, tickets, deliveries and
dead letters are never deleted here.
"""

from __future__ import annotations

from gateway.store.db import Road, Store

DAY = 86_400_000_000  # microseconds
KEEP = 30 * DAY
SLICE = 2_000

_OLD = (
    ("arrival", "id", "state in (1, 3) and received_at < ?", KEEP),
    ("facts", "id", "as_of < ?", KEEP),
    ("attempt", "id", "outcome is not null and outcome <> 'unknown' and started_at < ?", KEEP),
    ("notice", "id", "state = 'closed' and closed_at < ?", KEEP),
)


def prune(store: Store, now: int) -> int:
    """Delete what is too old; how many rows went."""
    gone = 0
    for table, key, where, keep in _OLD:
        while True:
            with store.write() as conn:
                sql = f"delete from {table} where {key} in (select {key} from {table} where {where} limit {SLICE})"  # noqa: S608
                went = Road(conn, store.dialect).run(sql, now - keep)
            gone += went
            if went < SLICE:
                break
    with store.write() as conn:
        road = Road(conn, store.dialect)
        gone += road.run("delete from idempotency where created_at < ?", now - DAY)
        gone += road.run("delete from pairing where expires_at < ?", now - DAY)
        gone += road.run("delete from session where expires_at < ?", now)
        gone += road.run("delete from permit where until < ?", now)
    return gone
